"""What became of a send: conditional on the fence, confirming only the sequence that was read before the figure."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Q, Value, When

from backoffice import bulk, clock
from backoffice.locks import Held
from backoffice.outbox import backoff
from channels import alarms, error_queue, observations
from channels.connectors.answers import redact
from channels.connectors.base import StockResult, WriteStatus
from channels.error_queue import Trouble
from channels.models import (
    DriftFinding,
    DriftState,
    JobState,
    Listing,
    PublicationLog,
    PushJob,
)
from channels.push.figures import Decision
from channels.push.rows import Row

MOST_ATTEMPTS = 8
VERIFY_AFTER = dt.timedelta(seconds=60)  # a write whose answer was lost may still land
LOG_COLUMNS = (
    "account_id",
    "listing_id",
    "location_id",
    "mode",
    "sequence",
    "cause",
    "inputs",
    "desired",
    "expected",
    "sent",
    "idempotency_key",
    "decided_at",
    "status",
    "code",
)


# --- the log ---------------------------------------------------------------------------------------------------------


def write_log(
    account_id: int, rows: Sequence[Row], decisions: Mapping[int, Decision], *, mode: str, key_of: Mapping[int, Any]
) -> None:
    """Freeze each decision before anything is sent; `key_of` gives the idempotency key by job."""
    if not rows:
        return
    now = clock.now()
    bulk.insert_rows(
        PublicationLog,
        LOG_COLUMNS,
        [
            (
                account_id,
                row.listing_id,
                row.location_id,
                mode,
                row.wanted,
                row.cause,
                decisions[row.id].inputs,
                row.desired,
                row.shown,
                row.desired if mode == "live" else None,
                key_of[row.id],
                now,
                "" if mode == "live" else mode,
                "",
            )
            for row in rows
        ],
    )


def answer_log(rows: Sequence[Row], status: Mapping[int, tuple[str, int | None, str]]) -> None:
    """Write the answer (status, figure shown, code) beside each decision."""
    now = clock.now()
    answered = [(row.log_key, *status[row.id], now) for row in rows if row.log_key and row.id in status]
    columns = ("status", "observed", "code", "answered_at")
    bulk.update_rows(PublicationLog, ("idempotency_key",), columns, answered, lock_in_order=True)


# --- jobs ------------------------------------------------------------------------------------------------------------


def done(rows: Sequence[Row], held: Held, *, code: str = "") -> int:
    """Confirm jobs whose figure stands: shown already, dry, or nothing to publish. Returns how many were ours."""
    return _confirm([_state_of(row, code) for row in rows], held)


def _state_of(row: Row, code: str) -> tuple[Any, ...]:
    return (row.id, row.wanted, row.desired, row.shown, row.shown_walk, row.shown_covered, code[:60])


def _confirm(states: Sequence[tuple[Any, ...]], held: Held) -> int:
    """Write figures and confirmed sequence; a job asked again meanwhile is due at once, the others rest."""
    if not states:
        return 0
    columns = ("confirmed", "desired", "shown", "shown_walk", "shown_covered", "code")
    with transaction.atomic():
        ours = bulk.update_rows(
            PushJob, ("id",), columns, states, guard_sql=_guard(held), returning=("id",), lock_in_order=True
        )
        ids = [pk for (pk,) in ours]
        asked_again = Q(wanted__gt=F("confirmed"))
        now = clock.now()
        PushJob.objects.filter(pk__in=ids).update(
            state=Case(When(asked_again, then=Value(JobState.DUE.value)), default=Value(JobState.IDLE.value)),
            due_since=Case(When(asked_again, then=Value(now)), default=Value(None)),
            not_before=now,
            attempts=0,
            lease_until=None,
            message="",
            brake=None,
            brake_cleared=False,
        )
    return len(ids)


def _guard(held: Held) -> str:
    return f"t.fence = {int(held.fence)} AND t.state = 'sending'"


def put_off(rows: Sequence[Row], held: Held, *, code: str, message: str = "", permanent: bool = False) -> None:
    """Let jobs wait (with growing pauses) or, when trying again cannot help or was tried enough, park them."""
    now = clock.now()
    for row in rows:
        parked = permanent or row.attempts >= MOST_ATTEMPTS
        _ours(row, held).update(
            state=JobState.PARKED if parked else JobState.DUE,
            not_before=now + dt.timedelta(seconds=backoff(row.attempts)),
            lease_until=None,
            code=code[:60],
            message=redact(message),
            desired=row.desired,
            shown=row.shown,
            shown_walk=row.shown_walk,
            shown_covered=row.shown_covered,
        )


def unknown(rows: Sequence[Row], held: Held, *, code: str) -> None:
    """Nobody knows whether these arrived: they are read back before anything is sent again."""
    now = clock.now()
    for row in rows:
        _ours(row, held).update(
            state=JobState.UNKNOWN,
            not_before=now + dt.timedelta(seconds=min(backoff(row.attempts) / 5, 60)),
            lease_until=None,
            code=code[:60],
            desired=row.desired,
        )


def _ours(row: Row, held: Held) -> Any:
    return PushJob.objects.filter(pk=row.id, fence=held.fence, state=JobState.SENDING)


# --- answers ---------------------------------------------------------------------------------------------------------


def settle(account_id: int, rows: Sequence[Row], results: Sequence[StockResult], held: Held) -> list[Row]:
    """Note the platform's answers; returns the rows that it called stale, to be decided again."""
    walk = observations.current_walk(account_id)
    answers = [(row, _understood(row, result)) for row, result in zip(rows, results, strict=True)]
    for row, result in answers:
        _note_figure(row, result, walk)
    with transaction.atomic():
        answer_log(rows, {row.id: (result.status.value, result.observed, result.code[:60]) for row, result in answers})
        seen = [
            observations.Seen(r.listing_id, r.location_id, a.observed) for r, a in answers if a.observed is not None
        ]
        observations.log(seen, source="answer")
        _applied(account_id, [row for row, result in answers if result.status == WriteStatus.APPLIED], held)
        for row, result in answers:
            if result.status == WriteStatus.REJECTED:
                _rejected(account_id, row, result, held)
            elif result.status == WriteStatus.IGNORED:
                _ignored(account_id, row, held)
            elif result.status == WriteStatus.UNKNOWN:
                unknown([row], held, code=result.code or "unknown")
    return [row for row, result in answers if result.status == WriteStatus.STALE]


def _understood(row: Row, result: StockResult) -> StockResult:
    """Tell a write that was ignored (the old figure still shows) from one after which somebody bought at once."""
    if result.status == WriteStatus.IGNORED and result.observed not in (None, row.shown):
        return dataclasses.replace(result, status=WriteStatus.APPLIED)
    return result


def _note_figure(row: Row, result: StockResult, walk: int) -> None:
    """Take over what the platform shows. A figure that is not the one we sent was moved by somebody: unexplained."""
    if result.status == WriteStatus.APPLIED and result.observed in (None, row.desired):
        row.shown, row.shown_covered = row.desired, True
    elif result.status == WriteStatus.STALE and result.observed is None:
        row.shown = None
    elif result.observed is not None and result.observed != row.shown:
        row.shown, row.shown_walk, row.shown_covered = result.observed, walk, False


def _applied(account_id: int, rows: Sequence[Row], held: Held) -> None:
    if not rows:
        return
    now = clock.now()
    _confirm([_state_of(row, "") for row in rows], held)
    moved = [row.id for row in rows if row.shown != row.desired]
    if moved:
        # Sold there in the same moment: look again once the order is in.
        PushJob.objects.filter(pk__in=moved, state=JobState.IDLE).update(
            state=JobState.DUE, wanted=F("wanted") + 1, cause="moved", due_since=now, not_before=now
        )
    PushJob.objects.filter(pk__in=[row.id for row in rows]).update(shown_at=now)
    Listing.objects.filter(pk__in=[row.listing_id for row in rows]).update(written_at=now)
    troubled = [row for row in rows if row.code or row.attempts > 1 or row.cause in ("drift", "person", "moved")]
    if troubled:
        _all_well(account_id, troubled, now)


def _all_well(account_id: int, rows: Sequence[Row], now: dt.datetime) -> None:
    """Close what stood open about figures that had trouble before they went through."""
    error_queue.resolve(account_id, error_queue.STOCK, [reference(row) for row in rows])
    healed = DriftFinding.objects.filter(
        listing_id__in=[row.listing_id for row in rows],
        state__in=[DriftState.OPEN, DriftState.HEALING],
        kind__in=["ignored", "changed"],
    ).update(state=DriftState.RESOLVED, resolved_at=now)
    if healed:
        alarms.drift_healed(account_id)


def _rejected(account_id: int, row: Row, result: StockResult, held: Held) -> None:
    parked = result.permanent or row.attempts >= MOST_ATTEMPTS
    put_off([row], held, code=result.code or "rejected", message=result.message, permanent=result.permanent)
    if parked:
        trouble = Trouble(
            kind=error_queue.STOCK,
            reference=reference(row),
            code=result.code or "rejected",
            message=result.message,
            params={"job": row.id, "figure": row.desired},
        )
        error_queue.record(account_id, trouble)


def _ignored(account_id: int, row: Row, held: Held) -> None:
    """The platform said yes and did nothing: found, told, tried again a few times."""
    put_off([row], held, code="ignored")
    note_finding(account_id, row, kind="ignored")
    trouble = Trouble(
        kind=error_queue.STOCK,
        reference=reference(row),
        code="write_ignored",
        permanent=row.attempts >= MOST_ATTEMPTS,
        params={"job": row.id, "figure": row.desired, "shown": row.shown},
    )
    error_queue.record(account_id, trouble)


def note_finding(account_id: int, row: Row, *, kind: str, run_id: int | None = None) -> None:
    """Record a difference, or refresh the one that stands open for this listing and location."""
    now = clock.now()
    fields = {"theirs": row.shown, "ours": row.desired, "last_sent": row.sent, "last_seen_at": now, "kind": kind}
    standing = DriftFinding.objects.filter(
        listing_id=row.listing_id, location_id=row.location_id, state__in=[DriftState.OPEN, DriftState.HEALING]
    )
    if standing.update(**fields):
        return
    DriftFinding.objects.create(
        account_id=account_id,
        run_id=run_id,
        listing_id=row.listing_id,
        location_id=row.location_id,
        state=DriftState.OPEN,
        found_at=now,
        **fields,
    )


def reference(row: Row) -> str:
    """How the error queue names a figure that cannot be written."""
    return f"{row.external_id}@{row.place}" if row.place else row.external_id
