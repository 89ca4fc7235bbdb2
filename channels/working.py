"""Work that runs alone on its account, leaves a trace before it starts, and never raises into the worker."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import structlog
from django.db import DatabaseError, OperationalError, transaction

from backoffice import clock, locks
from backoffice.models import TaskAttempt

Result = TypeVar("Result")
TRIES = 4
log = structlog.get_logger(__name__)


def worker_name() -> str:
    """Return who works here: machine, process, thread."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident() % 100_000}"


@contextmanager
def alone(name: str, seconds: float) -> Iterator[locks.Held | None]:
    """Hold the lease `name`; None inside when somebody else has it. An attempt row is written before the work."""
    held = locks.acquire(name, worker_name(), seconds)
    if held is None:
        yield None
        return
    attempt = TaskAttempt.objects.create(name=name[:120], started_at=clock.now(), worker=worker_name())
    outcome, code = "failed", ""
    try:
        yield held
        outcome = "ok"
    except locks.LeaseLost:
        outcome, code = "lost", "lease_lost"
    except Exception as error:
        code = str(getattr(error, "code", "") or type(error).__name__)
        raise
    finally:
        _end(attempt, held, outcome, code)


def _end(attempt: TaskAttempt, held: locks.Held, outcome: str, code: str) -> None:
    try:
        TaskAttempt.objects.filter(pk=attempt.pk).update(ended_at=clock.now(), outcome=outcome, code=code[:60])
        locks.release(held)
    except DatabaseError as error:
        # The database is what failed: the lease runs out by itself and the attempt stays without an end.
        log.warning("attempt_not_ended", task=held.name, error=type(error).__name__)


def retrying(work: Callable[[], Result]) -> Result:
    """Run `work` in a transaction; a deadlock, a serialisation failure or a lock time-out is tried again, jittered."""
    for attempt in range(1, TRIES + 1):
        try:
            with transaction.atomic():
                return work()
        except OperationalError:
            if attempt == TRIES or transaction.get_connection().in_atomic_block:
                raise
            time.sleep(random.uniform(0.02, 0.1) * 2**attempt)  # noqa: S311 — spread, not secrecy
    raise AssertionError("unreachable")


_stop = threading.Event()


def stop() -> None:
    """Ask long work in this process to end at its next safe point."""
    _stop.set()


def stopping() -> bool:
    """Tell whether this process is asked to end."""
    return _stop.is_set()
