"""Keeps the programs running until told to stop."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import psutil

from backoffice import tether
from backoffice.supervisor.children import Child, Program
from backoffice.supervisor.logbook import Logbook
from backoffice.supervisor.watch import Watch

KINDS = {"web": "web", "worker": "worker", "dispatcher": "dispatcher"}  # program → kind of heartbeat


class House:
    """All supervised processes. Everything happens in the main thread: a child is tied to the thread that forked it."""

    def __init__(self, programs: Sequence[Program], folder: Path, log: Logbook, watch: Watch | None = None) -> None:
        self.children = [Child(program, folder, log) for program in programs]
        self._log, self._watch = log, watch
        self._asked = threading.Event()
        self._impatient = False

    def stop_on_signals(self) -> None:
        """Stop on Ctrl-C and SIGTERM; a second one does not wait for anybody."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._impatient = self._asked.is_set()
        self._asked.set()

    @property
    def stopping(self) -> bool:
        """True once asked to stop."""
        return self._asked.is_set()

    def start(self) -> None:
        """Start everything."""
        for child in self.children:
            child.start()

    def run(self) -> None:
        """Keep everything running until asked to stop, then stop it."""
        tether.adopt_orphans()
        while not self._asked.wait(0.3):
            self._bury()
            for child in self.children:
                child.keep_running()
                self._check_life(child)
        self.stop()

    def _bury(self) -> None:
        """Take note of adopted processes that have ended; nobody else will."""
        own = {child.process.pid for child in self.children if child.process}
        for process in psutil.Process().children():
            if process.pid not in own and process.status() == psutil.STATUS_ZOMBIE:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(process.pid, os.WNOHANG)

    def _check_life(self, child: Child) -> None:
        kind = KINDS.get(child.name)
        if self._watch and kind and child.running and self._watch.is_dead(kind, child.uptime):
            self._log.say(f"{child.name} has given no sign of life for too long: it is ended with all its processes.")
            child.end_tree()

    def stop(self) -> None:
        """Ask everybody to finish, wait for their grace, then end what is left; returns when nothing is left."""
        self._asked.set()
        self._log.say("Stopping. Running work comes to its next safe point; press Ctrl-C again not to wait.")
        families = [child.family() for child in self.children]
        asked = time.monotonic()
        for child in self.children:
            child.ask_to_stop()
        while any(child.running for child in self.children) and not self._impatient:
            for child in self.children:
                if child.running and time.monotonic() - asked > child.program.grace:
                    self._log.say(f"{child.name} did not stop within {child.program.grace:g} s: it is ended.")
                    child.end_tree()
            time.sleep(0.05)
        for child in self.children:
            child.end_tree()
        self._end_leftovers([process for family in families for process in family])
        self._log.say("Stopped.")

    def _end_leftovers(self, processes: list[psutil.Process]) -> None:
        for process in processes:
            if process.is_running():  # compares the start time too: a number used again is somebody else
                process.kill()
