"""One log of many processes: each line with the name of who wrote it, in colour on a terminal."""

from __future__ import annotations

import sys
import threading
from typing import IO, TextIO

COLOURS = (36, 32, 33, 35, 34, 96, 92, 95)
WIDTH = 11


class Logbook:
    """Writes lines of several processes without mixing them."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._lock = threading.Lock()
        self._colours: dict[str, int] = {}
        self._coloured = self._out.isatty()

    def line(self, name: str, text: str) -> None:
        """Write one line under a name."""
        with self._lock:
            colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
            head = f"{name:<{WIDTH}}|"
            if self._coloured:
                head = f"\x1b[{colour}m{head}\x1b[0m"
            try:
                self._out.write(f"{head} {text}\n")
                self._out.flush()
            except (BrokenPipeError, ValueError):
                pass  # nobody reads the log any more: the processes go on

    def say(self, text: str) -> None:
        """Write a line of the supervisor itself."""
        for part in text.splitlines() or [""]:
            self.line("yiku", part)

    def follow(self, name: str, stream: IO[bytes]) -> threading.Thread:
        """Copy the lines of a process's output until it ends."""
        thread = threading.Thread(target=self._copy, args=(name, stream), name=f"log-{name}", daemon=True)
        thread.start()
        return thread

    def _copy(self, name: str, stream: IO[bytes]) -> None:
        with stream:
            for raw in stream:
                self.line(name, raw.decode(errors="replace").rstrip())
