"""The error queue: what failed is a row that says why in plain words and can be fixed and run again.

The same trouble seen again is the same row (kind, account, reference). `record` never raises for a long text, and
what it stores has passed `redact`: no secret gets here.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import models
from django.db.models import F

from backoffice import audit, bulk, clock
from backoffice.calls.answers import redact
from backoffice.outbox import backoff
from channels.connectors.base import ConnectorError
from channels.models import ErrorState, SyncError

ORDER, LISTING, STOCK, TRACKING, HOOK, ACCOUNT, TOKEN = (
    "order",
    "listing",
    "stock",
    "tracking",
    "hook",
    "account",
    "token",
)
COLUMNS = (
    "kind",
    "account_id",
    "reference",
    "code",
    "message",
    "permanent",
    "payload_id",
    "params",
    "attempts",
    "retry_at",
    "state",
    "first_seen_at",
    "last_seen_at",
    "closed_by",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that did not work, ready to be recorded."""

    kind: str
    reference: str
    code: str
    message: str = ""
    permanent: bool = True
    payload_id: int | None = None
    params: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    retry_after: float | None = None  # seconds until it tries itself again; None leaves it to a person or its own loop

    @classmethod
    def of(cls, error: ConnectorError, *, kind: str, reference: str, **more: Any) -> Trouble:
        """Build one from what a connector raised."""
        return cls(
            kind=kind, reference=reference, code=error.code, message=error.message, permanent=error.permanent, **more
        )


def record(account_id: int, trouble: Trouble) -> None:
    """Record one trouble."""
    record_many(account_id, [trouble])


def record_many(account_id: int, troubles: Sequence[Trouble]) -> None:
    """Record a page of troubles: new ones are inserted, those that stand open are counted up."""
    latest = {(one.kind, one.reference[:200]): one for one in troubles}
    standing = {
        (row.kind, row.reference): row
        for row in SyncError.objects.filter(
            account_id=account_id, state=ErrorState.OPEN, reference__in=[reference for _kind, reference in latest]
        )
    }
    fresh = [one for key, one in latest.items() if key not in standing]
    bulk.insert_rows(SyncError, COLUMNS, [_row(account_id, one) for one in fresh], ignore_conflicts=True)
    for key, one in latest.items():
        if key in standing:
            _count_up(standing[key].pk, one, standing[key].attempts)


def _row(account_id: int, one: Trouble) -> tuple[Any, ...]:
    now = clock.now()
    return (
        one.kind,
        account_id,
        one.reference[:200],
        one.code[:60],
        redact(one.message),
        one.permanent,
        one.payload_id,
        dict(one.params),
        1,
        _retry_at(one, 1),
        ErrorState.OPEN.value,
        now,
        now,
        "",
    )


def _count_up(pk: int, one: Trouble, attempts: int) -> None:
    more = {"payload_id": one.payload_id} if one.payload_id else {}
    SyncError.objects.filter(pk=pk, state=ErrorState.OPEN).update(
        code=one.code[:60],
        message=redact(one.message),
        permanent=one.permanent,
        params=dict(one.params),
        attempts=F("attempts") + 1,
        retry_at=_retry_at(one, attempts + 1),
        last_seen_at=clock.now(),
        **more,
    )


def _retry_at(one: Trouble, attempts: int) -> dt.datetime | None:
    if one.permanent or one.retry_after is None:
        return None
    return clock.now() + dt.timedelta(seconds=max(one.retry_after, backoff(attempts)))


def resolve(account_id: int, kind: str, references: Iterable[str], *, by: str = "system") -> int:
    """Close what stands open under these references because it works now; returns how many."""
    names = list(references)
    if not names:
        return 0
    mine = SyncError.objects.filter(account_id=account_id, kind=kind, reference__in=names, state=ErrorState.OPEN)
    return mine.update(state=ErrorState.RESOLVED, closed_at=clock.now(), closed_by=by[:150], retry_at=None)


def ignore(errors: models.QuerySet[SyncError], *, actor: str) -> int:
    """Close rows because a person says that nothing has to be done; returns how many were open."""
    ids = list(errors.filter(state=ErrorState.OPEN).values_list("pk", flat=True))
    changed = SyncError.objects.filter(pk__in=ids, state=ErrorState.OPEN).update(
        state=ErrorState.IGNORED, closed_at=clock.now(), closed_by=actor[:150], retry_at=None
    )
    audit.record_many(audit.Entry("sync_error.ignore", f"channels.syncerror:{pk}", actor=actor) for pk in ids)
    return changed
