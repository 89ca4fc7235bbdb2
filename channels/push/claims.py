"""Taking jobs for one run: near-zero figures first, the often-asked next; the fence stops a worker that is late."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

from django.db import connection
from django.db.models import Case, F, Q, QuerySet, Value, When

from backoffice import clock
from backoffice.compiled import Compiled
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


@dataclasses.dataclass(frozen=True, slots=True)
class Survey:
    """What an account has to do now, in the order to do it: read in one query, because it is read all the time."""

    due: list[Row]
    lost: list[Row]  # sent, and the answer never came
    doubted: list[Row]  # to be read again: a late write may have landed
    dead: list[Row]  # left in mid-send by a worker that died

    def __bool__(self) -> bool:
        return bool(self.due or self.lost or self.doubted or self.dead)


def _open(account_id: int, now: dt.datetime) -> QuerySet[PushJob, tuple[object, ...]]:
    """Everything of an account that is due, lost, doubted or in the hands of somebody, most urgent first."""
    waits = Q(state__in=[JobState.DUE, JobState.UNKNOWN], not_before__lte=now)
    near_zero = When(Q(desired__lte=NEAR_ZERO) | Q(desired__isnull=True), then=Value(0))
    open_jobs = PushJob.objects.filter(waits | Q(state=JobState.SENDING) | Q(verify_at__lte=now), account_id=account_id)
    ranked = open_jobs.alias(rank=Case(near_zero, default=Value(1)), asked=F("wanted") - F("confirmed"))
    return ranked.order_by("rank", "-asked", "due_since", "pk").values_list(*job_rows.FIELDS)[:MOST_AT_ONCE]


_OPEN = Compiled(_open)


def survey(account_id: int, held: Held) -> Survey:
    """Look at everything of the account that is due, lost, doubted or dead.

    A figure about to reach zero comes first: it must not wait behind a hundred that say "many".
    """
    now = clock.now()
    rows = [Row(*values) for values in _OPEN.rows(account_id, now)]
    lost = [row for row in rows if row.state == JobState.UNKNOWN]
    return Survey(
        due=[row for row in rows if row.state == JobState.DUE],
        lost=lost,
        doubted=[row for row in rows if row.verify_at and row.verify_at <= now and row.state != JobState.UNKNOWN],
        # Only an older fence is dead: a younger one belongs to our successor, and then it is we who are late.
        dead=[row for row in rows if row.state == JobState.SENDING and row.fence < held.fence],
    )


def take(account_id: int, rows: Sequence[Row], held: Held) -> list[Row]:
    """Claim due jobs. `wanted` was read before, so before any figure: it is what the run may confirm."""
    _park_killers(account_id, [row.id for row in rows if row.attempts >= MOST_STARTS])
    mine = [row for row in rows if row.attempts < MOST_STARTS]
    if not mine:
        return []
    taken = _claim([row.id for row in mine], held)
    for row in mine:
        row.attempts += 1
    return [row for row in mine if row.id in taken]


def _claim(ids: Sequence[int], held: Held) -> set[int]:
    table, adapt = connection.ops.quote_name(PushJob._meta.db_table), connection.ops.adapt_datetimefield_value
    until = adapt(clock.now() + dt.timedelta(seconds=SENDING_SECONDS))
    # Locked in the order of the key, as everybody locks them: two writers cannot wait for each other.
    lock = " ORDER BY id FOR UPDATE" if connection.vendor == "postgresql" else ""
    marks = ", ".join(["%s"] * len(ids))
    sql = (
        f"UPDATE {table} SET state = 'sending', fence = %s, attempts = attempts + 1, lease_until = %s "  # noqa: S608 — the model's own name
        f"WHERE id IN (SELECT id FROM {table} WHERE id IN ({marks}) AND state = 'due'{lock}) RETURNING id"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [held.fence, until, *ids])
        return {pk for (pk,) in cursor.fetchall()}


def _park_killers(account_id: int, ids: Sequence[int]) -> None:
    """A job that was started again and again and never ended kills its worker: it waits for a person."""
    if not ids:
        return
    PushJob.objects.filter(pk__in=ids).update(state=JobState.PARKED, code="kills_worker")
    troubles = [
        Trouble(kind=error_queue.STOCK, reference=f"job {pk}", code="kills_worker", params={"job": pk}) for pk in ids
    ]
    error_queue.record_many(account_id, troubles)


def take_over_dead(rows: Sequence[Row], held: Held) -> int:
    """Mark what a dead worker left in mid-send: nobody knows whether it arrived, so it is read back first."""
    ids = [row.id for row in rows]
    left = PushJob.objects.filter(pk__in=ids, state=JobState.SENDING, fence__lt=held.fence)
    return left.update(state=JobState.UNKNOWN, not_before=clock.now(), lease_until=None)


def refresh_wanted(rows: Sequence[Row]) -> None:
    """Read the sequences again before the figures are: what was asked meanwhile is answered by this send too."""
    newest = dict(PushJob.objects.filter(pk__in=[row.id for row in rows]).values_list("pk", "wanted"))
    for row in rows:
        row.wanted = newest.get(row.id, row.wanted)


def give_back(rows: Sequence[Row], held: Held, *, seconds: float, code: str = "") -> None:
    """Put jobs back untried: due again in so many seconds, the attempt not counted."""
    if not rows:
        return
    PushJob.objects.filter(pk__in=[row.id for row in rows], fence=held.fence, state=JobState.SENDING).update(
        state=JobState.DUE,
        not_before=clock.now() + dt.timedelta(seconds=seconds),
        lease_until=None,
        attempts=F("attempts") - 1,
        code=code[:60],
    )
