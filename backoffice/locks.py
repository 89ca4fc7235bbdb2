"""Leases between processes and row locks within a transaction: the one place where anything waits its turn.

A lease is a row. Taking it is one conditional UPDATE that hands out a growing fence; work that outlived its lease is
refused by the fence, not by the clock, so a machine whose clock jumps can lose time but never write over a successor.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from backoffice import clock
from backoffice.errors import YikuError
from backoffice.models import Lease

Row = TypeVar("Row", bound=models.Model)

# A lease that ends later than any holder could have asked for was written before the clock stepped back.
CLOCK_SLACK = dt.timedelta(minutes=2)


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """The proof that a lease is ours: who we said we are, and the fence handed out with it."""

    name: str
    holder: str
    fence: int


class LeaseLost(YikuError):
    """Somebody else has taken the lease since: whatever we were doing must not be written."""

    def __init__(self, name: str) -> None:
        super().__init__("lease_lost", _("Another worker took over “%(name)s”."), retryable=True, params={"name": name})


def acquire(name: str, holder: str, seconds: float) -> Held | None:
    """Take the lease for `seconds`, or return None while somebody else holds it. Never waits.

    Use one duration per name: a lease that ends more than `seconds` + two minutes from now is taken as left behind
    by a clock that has stepped back. Works inside and outside a transaction (inside, it counts from the commit).
    """
    now = clock.now()
    who = f"{holder}#{uuid.uuid4().hex[:8]}"
    fence = _take(name, who, now, seconds)
    if fence is None and not Lease.objects.filter(name=name).exists():
        Lease.objects.bulk_create([Lease(name=name)], ignore_conflicts=True)
        fence = _take(name, who, now, seconds)
    return None if fence is None else Held(name, who, fence)


def _take(name: str, who: str, now: dt.datetime, seconds: float) -> int | None:
    until = now + dt.timedelta(seconds=seconds)
    table = connection.ops.quote_name(Lease._meta.db_table)
    sql = (
        f"UPDATE {table} SET holder = %s, fence = fence + 1, until = %s "  # noqa: S608 — the name is the model's own
        "WHERE name = %s AND (until IS NULL OR until <= %s OR until > %s) RETURNING fence"
    )
    moments = [connection.ops.adapt_datetimefield_value(moment) for moment in (until, now, until + CLOCK_SLACK)]
    with connection.cursor() as cursor:
        cursor.execute(sql, [who, moments[0], name, moments[1], moments[2]])
        row = cursor.fetchone()
    return None if row is None else int(row[0])


def _ours(held: Held) -> models.QuerySet[Lease]:
    return Lease.objects.filter(name=held.name, holder=held.holder, fence=held.fence)


def renew(held: Held, seconds: float) -> None:
    """Prolong the lease to `seconds` from now; raises LeaseLost when it has passed to another."""
    if not _ours(held).update(until=clock.now() + dt.timedelta(seconds=seconds)):
        raise LeaseLost(held.name)


def check(held: Held) -> None:
    """Raise LeaseLost when the fence is old.

    Call it in the transaction that writes: on PostgreSQL the row stays locked until the commit, so no successor can
    start between the check and the write.
    """
    if not _ours(held).select_for_update().exists() if connection.in_atomic_block else not _ours(held).exists():
        raise LeaseLost(held.name)


def release(held: Held) -> bool:
    """Give the lease back; False when it was no longer ours (which harms nobody)."""
    return bool(_ours(held).update(holder="", until=None))


@contextmanager
def lease(name: str, holder: str, seconds: float) -> Iterator[Held | None]:
    """Hold the lease inside the block; yields None when somebody else has it."""
    held = acquire(name, holder, seconds)
    try:
        yield held
    finally:
        if held:
            release(held)


def locked_rows(queryset: models.QuerySet[Row], *, skip_locked: bool = False) -> list[Row]:
    """Lock the rows until the transaction ends, always in the order of the primary key, and return them.

    SQLite has one writer at a time, so there it is a plain read. Raises TransactionManagementError outside a
    transaction on PostgreSQL.
    """
    return list(queryset.order_by("pk").select_for_update(skip_locked=skip_locked, of=("self",)))
