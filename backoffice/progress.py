"""How far a long job is: a row that the page asks for, so the page may be closed meanwhile.

The row is written at most twice a second. Work in pages, a transaction each: what is written inside a transaction is
seen by the page only when that commits. What has to be one transaction moves its bar by `at_once`, on PostgreSQL.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import DatabaseError, connection

from backoffice import clock
from backoffice.errors import YikuError
from backoffice.models import Progress

WRITE_EVERY = 0.5  # seconds
RUNNING, DONE, FAILED = "running", "done", "failed"


class Meter:
    """Moves one progress bar: `meter.step(100)`, `meter.say("Reading")`."""

    def __init__(self, row: Progress) -> None:
        self.row = row
        self._written = 0.0

    def total(self, rows: int) -> None:
        """Set how much there is to do."""
        self.row.total = rows
        self._write(force=True)

    def step(self, rows: int = 1) -> None:
        """Note that so many more are done."""
        self.row.done += rows
        self._write()

    def say(self, message: str) -> None:
        """Set the line below the bar."""
        self.row.message = message[:300]
        self._write(force=True)

    def finish(self, result: dict[str, Any] | None = None, message: str = "") -> None:
        """Mark the job done and keep what the page shows then."""
        self.row.state, self.row.result, self.row.message = DONE, result or {}, message[:300]
        self._write(force=True)

    def fail(self, message: str) -> None:
        """Mark the job failed, with a sentence for the person who waits."""
        self.row.state, self.row.message = FAILED, message[:300]
        self._write(force=True)

    def _write(self, force: bool = False) -> None:
        now = time.monotonic()
        if not force and now - self._written < WRITE_EVERY:
            return
        self._written = now
        self.row.updated_at = clock.now()
        self.row.save(update_fields=["done", "total", "state", "message", "result", "updated_at"])


def start(kind: str, owner: Any = None, total: int = 0) -> Meter:
    """Make a new progress row (`kind` such as "inventory.count") and return its meter."""
    now = clock.now()
    row = Progress.objects.create(kind=kind, owner=owner, total=total, started_at=now, updated_at=now)
    return Meter(row)


def resume(pk: int) -> Meter:
    """Return the meter of a row made earlier (the page makes it, the worker moves it)."""
    return Meter(Progress.objects.get(pk=pk))


class _Aside(Meter):
    """Moves the same bar past a transaction that is open: by a connection of its own, which nobody else sees."""

    def __init__(self, row: Progress, aside: Any) -> None:
        super().__init__(row)
        self._aside = aside

    def _write(self, force: bool = False) -> None:
        now = time.monotonic()
        if not force and now - self._written < WRITE_EVERY:
            return
        self._written = now
        with suppress(DatabaseError), self._aside.cursor() as cursor:  # a bar stops nobody
            cursor.execute("SET lock_timeout = 200")
            cursor.execute(
                "UPDATE backoffice_progress SET done = %s, total = %s, updated_at = %s WHERE id = %s",
                [self.row.done, self.row.total, clock.now(), self.row.pk],
            )


@contextmanager
def at_once(meter: Meter) -> Iterator[Meter | None]:
    """Give a meter whose steps are seen while a long transaction is open; None where the database cannot (SQLite)."""
    if connection.vendor != "postgresql":
        yield None
        return
    aside = connection.copy()
    try:
        yield _Aside(meter.row, aside)
    finally:
        aside.close()


@contextmanager
def followed(meter: Meter) -> Iterator[Meter]:
    """Mark the job failed when the block raises, and done when nobody has said so at its end.

    A domain error shows its sentence; any other only says that it failed (the log has the rest). Both go on upwards.
    """
    try:
        yield meter
    except YikuError as error:
        _fail(meter, str(error))
        raise
    except Exception:
        _fail(meter, "")
        raise
    if meter.row.state == RUNNING:
        meter.finish(meter.row.result)


def _fail(meter: Meter, message: str) -> None:
    if (
        not connection.needs_rollback
    ):  # inside a broken transaction nothing can be written; the caller's edge will do it
        meter.fail(message)
