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

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def house(tmp_path):
    port = free_port("127.0.0.1")
    env = {key: value for key, value in os.environ.items() if not key.startswith(("YIKU", "DATABASE", "DJANGO"))}
    env |= {"PORT": str(port), "YIKU_VAR": str(tmp_path / "var"), "DEMO": "0", "SECURE": "0", "WEB_PROCESSES": "1"}
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "backoffice.supervisor"], cwd=ROOT, env=env, stdout=log, stderr=log
    )
    process.port, process.log = port, tmp_path / "log"
    yield process
    family = (
        [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        if process.poll() is None
        else []
    )
    for one in family:
        one.kill()
    log.close()


def family_of(process):
    return psutil.Process(process.pid).children(recursive=True)


def gone(family):
    return not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in family)


@pytest.mark.sqlite
def test_it_comes_up_alive_notices_the_dead_and_leaves_no_orphan(house):
    assert until(lambda: answer_of("127.0.0.1", house.port) == 200, 120, pause=1), house.log.read_text()
    family = family_of(house)
    assert len(family) >= 8  # web and its process, cluster with sentinel, two workers, pusher, monitor, dispatcher
    with urllib.request.urlopen(f"http://127.0.0.1:{house.port}/healthz") as reply:
        assert reply.read() == b'{"ok": true, "dead": []}'
    house.send_signal(signal.SIGINT)
    assert house.wait(60) == 0
    assert gone(family)
    assert "Stopped." in house.log.read_text()


@pytest.mark.sqlite
def test_killing_the_supervisor_leaves_no_orphan(house):
    assert until(lambda: answer_of("127.0.0.1", house.port) is not None, 120, pause=1), house.log.read_text()
    assert until(lambda: len(family_of(house)) >= 8, 30)
    family = family_of(house)
    house.kill()
    assert until(lambda: gone(family), 10)
