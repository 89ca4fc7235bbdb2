"""Tie a process to its parent: when the parent dies, however it dies, the kernel ends the child.

Linux forgets the tie at every fork, so a tree needs it at each level: `tie_children()` does that for a process which
forks its own workers (gunicorn, django-q). Run as `python -m backoffice.tether <parent pid> command…`.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def tie(parent: int | None = None) -> None:
    """End this process with SIGKILL when the thread that started it ends. `parent` is who started it, if known."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os._exit(1)  # the parent died before the tie was made


def tie_children() -> None:
    """Tie every process that this one forks from now on, and those which they fork."""
    os.register_at_fork(after_in_child=tie)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent has died, so that they can be found and ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def main() -> None:
    """Tie this process to the given parent, then become the command."""
    tie(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 — the supervisor's own commands


if __name__ == "__main__":
    main()
