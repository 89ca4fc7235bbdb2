"""One supervised process: started tied to us, restarted with growing pauses, ended with its whole tree."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from backoffice.supervisor.logbook import Logbook

CALM_AFTER = 60.0  # seconds of running after which a crash counts as the first again
LONGEST_PAUSE = 30.0
LONGEST_DEATH = 10.0  # a killed process is gone when the kernel gets round to it


@dataclasses.dataclass(frozen=True, slots=True)
class Program:
    """What to run. `grace` is the time in seconds it has to finish after SIGTERM."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = dataclasses.field(default_factory=dict)
    grace: float = 15.0


class Child:
    """A program being run."""

    def __init__(self, program: Program, folder: Path, log: Logbook) -> None:
        self.program, self._folder, self._log = program, folder, log
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.crashes = 0
        self.not_before = 0.0

    @property
    def name(self) -> str:
        """The program's name."""
        return self.program.name

    @property
    def running(self) -> bool:
        """True while its process lives."""
        return self.process is not None and self.process.poll() is None

    @property
    def uptime(self) -> float:
        """Seconds since its last start."""
        return time.monotonic() - self.started if self.running else 0.0

    def start(self) -> None:
        """Start it in a session of its own: Ctrl-C at the terminal reaches only the supervisor."""
        tied = [sys.executable, "-m", "backoffice.tether", str(os.getpid()), *self.program.command]
        self.process = subprocess.Popen(
            tied,
            cwd=self._folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self.program.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.started = time.monotonic()
        if self.process.stdout:
            self._log.follow(self.name, self.process.stdout)

    def keep_running(self) -> None:
        """Start it again when it has ended, after a pause that doubles with each crash."""
        if self.process is None:
            if time.monotonic() >= self.not_before:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            return
        self.end_tree()  # what it leaves behind must not work beside its successor
        self.crashes = 0 if time.monotonic() - self.started > CALM_AFTER else self.crashes + 1
        pause = min(2.0 ** max(self.crashes - 1, 0), LONGEST_PAUSE) if self.crashes else 0.5
        self._log.say(f"{self.name} ended ({how_it_ended(code)}); it starts again in {pause:g} s.")
        self.process, self.not_before = None, time.monotonic() + pause

    def ask_to_stop(self) -> None:
        """SIGTERM to the process itself, never to its group: django-q's parent hangs when its workers get it too."""
        if self.running and self.process:
            self.process.send_signal(signal.SIGTERM)

    def end_tree(self) -> None:
        """SIGKILL to everything it started, itself last; returns when none of them can do anything any more."""
        if self.process is None:
            return
        family = self.family()
        for process in reversed(family):
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self.process.wait()
        until = time.monotonic() + LONGEST_DEATH
        while any(_alive(process) for process in family) and time.monotonic() < until:
            time.sleep(0.02)

    def family(self) -> list[psutil.Process]:
        """Return the process and all its descendants, and adopted orphans of its session."""
        if self.process is None:
            return []
        found = []
        try:
            root = psutil.Process(self.process.pid)
            found = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            pass
        known = {process.pid for process in found}
        return found + [process for process in _of_session(self.process.pid) if process.pid not in known]


def _alive(process: psutil.Process) -> bool:
    """A zombie does nothing; it only waits for somebody to read how it ended, and that may be nobody."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _of_session(leader: int) -> list[psutil.Process]:
    """Processes of the session a child led: they stay in it when their parents die."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != leader and os.getsid(process.pid) == leader:
                found.append(process)
        except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            continue
    return found


def how_it_ended(code: int) -> str:
    """Return an exit code in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
