"""Keys, ports, the lock, and programs that crash, hang or leave children behind."""

import io
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from backoffice.supervisor import keys, plan, ports
from backoffice.supervisor.__main__ import greeting
from backoffice.supervisor.children import Program
from backoffice.supervisor.house import House
from backoffice.supervisor.logbook import Logbook
from backoffice.supervisor.watch import Watch, until

ROOT = Path(__file__).resolve().parents[3]
SLEEPS = "import time; time.sleep(600)"
# A parent with two children of its own, in the manner of django-q: none of them ends by itself.
FAMILY = """
import os, sys, time
from backoffice import tether
tether.tie_children()
for _ in range(2):
    if os.fork() == 0:
        break
print("pid", os.getpid(), flush=True)
time.sleep(600)
"""
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
)


@pytest.fixture
def log():
    return Logbook(io.StringIO())


def text(log):
    return log._out.getvalue()


def program(name, code, **more):
    return Program(name, [sys.executable, "-c", code], {"PYTHONPATH": str(ROOT)}, **more)


@pytest.fixture
def house(log):
    made = []

    def build(*programs, watch=None):
        made.append(House(programs, ROOT, log, watch))
        made[-1].start()
        return made[-1]

    yield build
    for one in made:
        for child in one.children:
            child.end_tree()


def test_keys_are_made_once_for_their_user_only(tmp_path):
    folder = tmp_path / "var"
    assert keys.ensure_keys(folder) == ["secret_key", "field_keys", "hash_key"]
    first = {path.name: path.read_text() for path in folder.iterdir()}
    assert keys.ensure_keys(folder) == []
    assert {path.name: path.read_text() for path in folder.iterdir()} == first
    assert {oct(path.stat().st_mode & 0o777) for path in folder.iterdir()} == {"0o600"}
    assert len(set(first.values())) == 3


def test_a_key_left_readable_is_closed_again(tmp_path):
    (tmp_path / "secret_key").write_text("kept\n")
    (tmp_path / "secret_key").chmod(0o644)
    keys.ensure_keys(tmp_path)
    assert (tmp_path / "secret_key").read_text() == "kept\n"
    assert oct((tmp_path / "secret_key").stat().st_mode & 0o777) == "0o600"


def test_a_sandbox_keeps_its_port_while_it_is_free():
    wish = ports.free_port("127.0.0.1")
    assert ports.free_port("127.0.0.1", wish) == wish
    assert ports.free_port("127.0.0.1", wish, taken=[wish]) != wish
    with socket.create_server(("127.0.0.1", wish)):
        assert not ports.is_free("127.0.0.1", wish)
        assert ports.free_port("127.0.0.1", wish) != wish


def test_the_demo_listens_on_this_machine_only(monkeypatch, tmp_path):
    monkeypatch.setenv("DEMO", "1")
    monkeypatch.setenv("HOST", "192.168.1.7")
    with pytest.raises(ImproperlyConfigured, match="public passwords"):
        plan.from_environment(tmp_path)


@pytest.mark.parametrize("secure", [True, False])
def test_a_house_behind_a_proxy_says_that_http_does_not_open_it(monkeypatch, settings, tmp_path, secure):
    monkeypatch.setenv("DEMO", "0")
    settings.SECURE = secure
    told = greeting(plan.from_environment(tmp_path))
    assert ("HTTPS only" in told and "SECURE=0" in told) is secure


def test_the_practice_shops_may_call_the_demo(monkeypatch, tmp_path):
    monkeypatch.setenv("DEMO", "1")
    monkeypatch.setenv("PORT", "8123")
    assert plan.from_environment(tmp_path).environment()["PUBLIC_URL"] == "http://127.0.0.1:8123"
    monkeypatch.setenv("DEMO", "0")
    assert "PUBLIC_URL" not in plan.from_environment(tmp_path).environment()


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "http"), ("PORT", "70000"), ("DEMO", "maybe"), ("ROLES", "web,wrok")]
)
def test_nonsense_is_refused_by_name(monkeypatch, tmp_path, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=name):
        plan.from_environment(tmp_path)


def started(**env):
    surroundings = {**os.environ, "YIKU_TESTING": "0", "DATABASE_URL": "", **env}
    surroundings.pop("DATABASE_URL")
    return subprocess.run(
        [sys.executable, "-m", "backoffice.supervisor"],
        cwd=ROOT,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_busy_port_is_said_with_the_way_out(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        done = started(PORT=str(port), YIKU_VAR=str(tmp_path))
    assert done.returncode == 2
    assert f"Port {port} is in use by another program. Choose another: make run PORT={port + 1}" in done.stdout


def test_a_second_start_on_the_same_data_is_refused(tmp_path):
    import fcntl

    with (tmp_path / "supervisor.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = started(YIKU_VAR=str(tmp_path))
    assert done.returncode == 2
    assert "Yiku is running already" in done.stdout


def test_a_crashing_program_starts_again_after_a_growing_pause(house, log):
    [child] = house(program("web", "import sys; print('up', flush=True); sys.exit(3)")).children
    for expected in (1, 2):
        assert until(lambda: child.process and child.process.poll() is not None, 20)
        child.keep_running()
        assert child.crashes == expected
        child.not_before = 0
        child.keep_running()
    assert "web ended (exit code 3); it starts again in 1 s." in text(log)
    assert "it starts again in 2 s." in text(log)


def test_stopping_leaves_nobody_of_the_whole_tree(house, log):
    built = house(program("worker", FAMILY))
    [child] = built.children
    assert until(lambda: text(log).count("pid") == 3, 20)
    family = child.family()
    assert len(family) == 3
    built.stop()
    assert [process for process in family if process.is_running() and process.status() != "zombie"] == []
    assert "Stopped." in text(log)


def test_who_does_not_stop_in_time_is_ended(house, log):
    built = house(program("web", STUBBORN, grace=0.3))
    assert until(lambda: "deaf" in text(log), 20)
    started_at = time.monotonic()
    built.stop()
    assert time.monotonic() - started_at < 5
    assert "web did not stop within 0.3 s: it is ended." in text(log)


def test_when_a_parent_is_killed_its_workers_end_too(house, log):
    [child] = house(program("worker", FAMILY)).children
    assert until(lambda: text(log).count("pid") == 3, 20)
    family = child.family()
    child.process.kill()
    assert until(lambda: not any(process.is_running() and process.status() != "zombie" for process in family), 5)


def test_a_silent_program_is_ended_and_comes_back(house, log, monkeypatch):
    watch = Watch("127.0.0.1", None, {"dispatcher"})
    built = house(program("dispatcher", SLEEPS), watch=watch)
    [child] = built.children
    first = child.process.pid
    monkeypatch.setattr("backoffice.supervisor.watch.SILENT", {"dispatcher": 0.0})
    time.sleep(0.01)
    built._check_life(child)
    child.keep_running()
    child.not_before = 0
    child.keep_running()
    assert child.running
    assert child.process.pid != first
    assert "dispatcher has given no sign of life for too long" in text(log)


def test_a_program_is_not_judged_before_it_had_time_to_start():
    watch = Watch("127.0.0.1", None, {"worker"})
    assert not watch.is_dead("worker", uptime=100)
    assert watch.is_dead("worker", uptime=151)


@pytest.mark.django_db(transaction=True)
def test_a_fresh_sign_of_life_is_heard_and_an_old_one_is_not():
    from backoffice import health

    watch = Watch("127.0.0.1", None, {"dispatcher"})
    watch.look()
    assert watch.is_dead("dispatcher", uptime=1000)
    health.beat("dispatcher")
    watch.look()
    assert watch.silence("dispatcher", uptime=1000) < 5


def test_lines_of_two_programs_are_named_and_never_mixed(log):
    reader, writer = os.pipe()
    log.follow("web", os.fdopen(reader, "rb"))
    os.write(writer, "一行\nhalf".encode())
    log.line("worker", "other")
    os.write(writer, b" done\n\xff\n")
    os.close(writer)
    assert until(lambda: text(log).count("\n") == 4, 5)
    assert set(text(log).splitlines()) == {
        "web        | 一行",
        "worker     | other",
        "web        | half done",
        "web        | �",
    }
