"""The regular jobs of an account: when each is due next. Rows: any process may hand them out, none is lost."""

from __future__ import annotations

import dataclasses
import datetime as dt
import random

from django.db import connection
from django.db.models import F, Q

from backoffice import clock
from backoffice.outbox import backoff
from channels.connectors.base import Capability
from channels.models import Account, AccountState, DueWork
from channels.registry import connector_class

ORDERS, SWEEP, LISTINGS, DRIFT, HOOKS, TOKEN, TERMS = (
    "orders",
    "sweep",
    "listings",
    "drift",
    "hooks",
    "token",
    "terms",
)
MINUTE, HOUR = 60, 3600
EVERY: dict[str, float] = {  # seconds; orders are asked for at the account's own pace
    SWEEP: HOUR,
    LISTINGS: 6 * HOUR,
    DRIFT: HOUR,
    HOOKS: 30 * MINUTE,
    TOKEN: MINUTE,
    TERMS: MINUTE,
}
NEEDS: dict[str, Capability | None] = {
    ORDERS: Capability.PULL_ORDERS,
    SWEEP: Capability.PULL_ORDERS,
    LISTINGS: Capability.PULL_LISTINGS,
    DRIFT: Capability.READ_STOCK,
    HOOKS: Capability.WEBHOOK_SUBSCRIPTIONS,
    TOKEN: Capability.TOKEN_REFRESH,
    TERMS: Capability.PUSH_STOCK,
}
HANDED_OVER_SECONDS = 20  # a job handed to a worker and not heard of since is handed out again


@dataclasses.dataclass(frozen=True, slots=True)
class Due:
    """One job that is due."""

    account_id: int
    kind: str


def kinds_of(account: Account) -> list[str]:
    """Return the regular jobs that the account's platform has a use for."""
    able = connector_class(account.platform).capabilities
    return [kind for kind, needed in NEEDS.items() if needed is None or needed in able]


def ensure(account: Account) -> None:
    """Give the account a row per regular job, due now, where it has none."""
    now = clock.now()
    rows = [DueWork(account=account, kind=kind, due_at=now) for kind in kinds_of(account)]
    DueWork.objects.bulk_create(rows, ignore_conflicts=True)


def soon(account_id: int, kind: str, *, seconds: float = 0.0) -> None:
    """Make a job due at the latest `seconds` from now, whatever its schedule says."""
    when = clock.now() + dt.timedelta(seconds=seconds)
    DueWork.objects.filter(account_id=account_id, kind=kind, due_at__gt=when).update(due_at=when)


def soon_everywhere(kind: str) -> None:
    """Make a job due now in every account."""
    now = clock.now()
    DueWork.objects.filter(kind=kind, due_at__gt=now).update(due_at=now)


def claim(limit: int = 50) -> list[Due]:
    """Take what is due of all active accounts, oldest first; two dispatchers never take the same one.

    A job handed over and never ended comes back after HANDED_OVER_SECONDS.
    """
    now = clock.now()
    ready = (
        DueWork.objects.filter(due_at__lte=now, account__state=AccountState.ACTIVE)
        .filter(Q(queued_until__isnull=True) | Q(queued_until__lte=now))
        .exclude(account__budget__not_before__gt=now)
        .exclude(account__budget__open_until__gt=now)
        .order_by("due_at")
        .values_list("pk", flat=True)[:limit]
    )
    ids = list(ready)
    return _mark(ids, now) if ids else []


def _mark(ids: list[int], now: dt.datetime) -> list[Due]:
    table = connection.ops.quote_name(DueWork._meta.db_table)
    marks = ", ".join(["%s"] * len(ids))
    until, moment = (
        connection.ops.adapt_datetimefield_value(value)
        for value in (now + dt.timedelta(seconds=HANDED_OVER_SECONDS), now)
    )
    sql = (
        f"UPDATE {table} SET queued_until = %s WHERE id IN ({marks}) "  # noqa: S608 — the model's own name
        "AND (queued_until IS NULL OR queued_until <= %s) RETURNING account_id, kind"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [until, *ids, moment])
        return [Due(*row) for row in cursor.fetchall()]


def ended(account_id: int, kind: str, *, code: str = "", retry_after: float | None = None) -> None:
    """Note the end of a job and when it is due again: by its pace, or sooner or later after a fault."""
    now, job = clock.now(), DueWork.objects.filter(account_id=account_id, kind=kind)
    if not code:
        job.update(ended_at=now, queued_until=None, failures=0, code="", due_at=now + _pace(account_id, kind))
        return
    job.update(ended_at=now, queued_until=None, failures=F("failures") + 1, code=code[:60])
    failures = job.values_list("failures", flat=True).first() or 1
    pause = max(min(backoff(failures), 900.0), retry_after or 0.0)
    job.update(due_at=now + dt.timedelta(seconds=pause))


def _pace(account_id: int, kind: str) -> dt.timedelta:
    if kind == ORDERS:
        seconds = Account.objects.values_list("poll_seconds", flat=True).get(pk=account_id)
        return dt.timedelta(seconds=max(seconds, 1))
    # Spread, so that the hourly jobs of all accounts do not meet for ever once they have met.
    return dt.timedelta(seconds=EVERY[kind] * random.uniform(0.95, 1.05))  # noqa: S311


def handed_back(account_id: int, kind: str, *, seconds: float = 0.5) -> None:
    """Give a job back undone because somebody else does the same just now."""
    when = clock.now() + dt.timedelta(seconds=seconds)
    DueWork.objects.filter(account_id=account_id, kind=kind).update(queued_until=None, due_at=when)
