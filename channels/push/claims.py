"""Taking jobs for one run: near-zero figures first, the often-asked next; the fence stops a worker that is late."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, Value, When

from backoffice import clock
from backoffice.locks import Held
from channels import error_queue
from channels.error_queue import Trouble
from channels.models import JobState, PushJob
from channels.push import rows as job_rows
from channels.push.rows import Row

MOST_AT_ONCE = 1_000  # decided together, so that the brake sees the whole batch; sent in the platform's batches
SENDING_SECONDS = 120
NEAR_ZERO = 5
MOST_STARTS = 12  # starts without an end; faults that end properly are capped sooner, by settle


def take(account_id: int, held: Held, limit: int = MOST_AT_ONCE) -> list[Row]:
    """Claim the account's due jobs: the sequence they had at this moment is what the run may confirm."""
    now = clock.now()
    ids = list(_ranked(account_id, now).values_list("pk", flat=True)[:limit])
    with transaction.atomic():
        locked = PushJob.objects.filter(pk__in=ids, state=JobState.DUE).order_by("pk").select_for_update()
        starts = dict(locked.values_list("pk", "attempts"))
        _park_killers(account_id, [pk for pk, attempts in starts.items() if attempts >= MOST_STARTS])
        mine = {pk for pk, attempts in starts.items() if attempts < MOST_STARTS}
        PushJob.objects.filter(pk__in=mine).update(
            state=JobState.SENDING,
            fence=held.fence,
            attempts=F("attempts") + 1,
            lease_until=now + dt.timedelta(seconds=SENDING_SECONDS),
        )
    return job_rows.load([pk for pk in ids if pk in mine])


def _ranked(account_id: int, now: dt.datetime) -> QuerySet[PushJob]:
    """A figure about to reach zero must not wait behind a hundred that say "many"."""
    due = PushJob.objects.filter(account_id=account_id, state=JobState.DUE, not_before__lte=now)
    near_zero = When(Q(desired__lte=NEAR_ZERO) | Q(desired__isnull=True), then=Value(0))
    ranked = due.annotate(rank=Case(near_zero, default=Value(1)), asked=F("wanted") - F("confirmed"))
    return ranked.order_by("rank", "-asked", "due_since", "pk")


def _park_killers(account_id: int, ids: Sequence[int]) -> None:
    """A job that was started again and again and never ended kills its worker: it waits for a person."""
    if not ids:
        return
    PushJob.objects.filter(pk__in=ids).update(state=JobState.PARKED, code="kills_worker")
    troubles = [
        Trouble(kind=error_queue.STOCK, reference=f"job {pk}", code="kills_worker", params={"job": pk}) for pk in ids
    ]
    error_queue.record_many(account_id, troubles)


def take_over_dead(account_id: int, held: Held) -> int:
    """Mark what a dead worker left in mid-send: nobody knows whether it arrived, so it is read back first."""
    left = PushJob.objects.filter(account_id=account_id, state=JobState.SENDING).exclude(fence=held.fence)
    ids = list(left.order_by("pk").values_list("pk", flat=True))
    return (
        PushJob.objects.filter(pk__in=ids, state=JobState.SENDING)
        .exclude(fence=held.fence)
        .update(state=JobState.UNKNOWN, not_before=clock.now(), lease_until=None)
    )


def refresh_wanted(rows: Sequence[Row]) -> None:
    """Read the sequences again before the figures are: what was asked meanwhile is answered by this send too."""
    newest = dict(PushJob.objects.filter(pk__in=[row.id for row in rows]).values_list("pk", "wanted"))
    for row in rows:
        row.wanted = newest.get(row.id, row.wanted)


def give_back(rows: Sequence[Row], held: Held, *, seconds: float, code: str = "") -> None:
    """Put jobs back untried: due again in so many seconds, the attempt not counted."""
    PushJob.objects.filter(pk__in=[row.id for row in rows], fence=held.fence, state=JobState.SENDING).update(
        state=JobState.DUE,
        not_before=clock.now() + dt.timedelta(seconds=seconds),
        lease_until=None,
        attempts=F("attempts") - 1,
        code=code[:60],
    )
