"""The real thing: web, workers and dispatcher under one roof, alive, stopped, killed."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from backoffice.supervisor.ports import free_port
from backoffice.supervisor.watch import answer_of, until
from tests import databases

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def start(tmp_path):
    """Start the house; a second start finds what the first one left."""
    started = []

    def begin():
        port = free_port("127.0.0.1")
        env = {key: value for key, value in os.environ.items() if not key.startswith(("YIKU", "DATABASE", "DJANGO"))}
        env |= {"PORT": str(port), "YIKU_VAR": str(tmp_path / "var"), "DEMO": "0", "SECURE": "0", "WEB_PROCESSES": "1"}
        log = tmp_path / f"log{len(started)}"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "backoffice.supervisor"], cwd=ROOT, env=env, stdout=file, stderr=file
            )
        process.port, process.log = port, log
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            for one in [psutil.Process(process.pid), *family_of(process)]:
                one.kill()


def family_of(process):
    return psutil.Process(process.pid).children(recursive=True)


def gone(family):
    return not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in family)


def alive(house):
    """Wait until it answers; returns its processes: web and its process, the cluster's six, the dispatcher."""
    assert until(lambda: answer_of("127.0.0.1", house.port) == 200, 300, pause=1), house.log.read_text()
    assert until(lambda: len(family_of(house)) >= 8, 30)
    return family_of(house)


@pytest.mark.sqlite
@pytest.mark.parametrize("tables", ["there", pytest.param("to be made", marks=pytest.mark.soak)])
def test_it_comes_up_stops_comes_up_again_and_leaves_no_orphan_even_when_killed(start, tmp_path, tables):
    """Migrating from nothing is done once for all tests (tests.databases), and here in the long runs."""
    if tables == "there":
        (tmp_path / "var").mkdir()
        databases.place("sqlite", str(tmp_path / "var" / "yiku.sqlite3"))
    house = start()
    family = alive(house)
    with urllib.request.urlopen(f"http://127.0.0.1:{house.port}/healthz") as reply:
        assert reply.read() == b'{"ok": true, "dead": []}'
    house.send_signal(signal.SIGINT)
    assert house.wait(60) == 0
    assert gone(family)
    assert "Stopped." in house.log.read_text()

    again = start()
    family = alive(again)
    again.kill()
    assert until(lambda: gone(family), 10)
