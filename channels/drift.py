"""Compare what every platform shows with what it should show; tell figures on their way from real drift; heal.

A difference is on its way when a push is due or a newer order explains it. So before anything is called drift the
orders are fetched, the figures worked out again, and the odd ones read once more. What is left was changed by somebody
over there, or a write that was answered with "done" and never done.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import F

from backoffice import clock, locks
from channels import accounts, alarms, budget, due, observations, pull
from channels.connectors.base import Capability, Connector, ConnectorError
from channels.models import (
    Account,
    DriftFinding,
    DriftRun,
    DriftState,
    JobState,
    ListingStatus,
    PollState,
    PublicationLog,
    PushJob,
)
from channels.push import figures, jobs, settle
from channels.push import rows as job_rows
from channels.push.rows import Row
from channels.registry import connector_for
from channels.working import alone

LEASE_SECONDS = 180.0
PAGE = 1_000
# So many differences at once are not drift but a sign that our own figures are wrong (a restored backup): ask first.
SUSPICIOUS_SHARE, SUSPICIOUS_LEAST = 0.3, 10


def run(account_id: int, *, trigger: str = "timer") -> DriftRun | None:
    """Compare all figures of an account once; None when nothing may be done now."""
    account = accounts.working(account_id, Capability.READ_STOCK)
    if account is None or budget.closed_until(account_id):
        return None
    with alone(f"drift:account:{account_id}", LEASE_SECONDS) as held:
        if held is None:
            return None
        made = DriftRun.objects.create(account=account, trigger=trigger, started_at=clock.now())
        try:
            _Check(account, connector_for(account), made, held).go()
            made.outcome = "ok"
            alarms.look_at_drift(account_id)
            due.ended(account_id, due.DRIFT)
        except ConnectorError as error:
            made.outcome, made.code = "failed", error.code[:60]
            accounts.note_fault(account, error, reference="drift")
            due.ended(account_id, due.DRIFT, code=error.code, retry_after=error.retry_after)
        except accounts.UNUSABLE as error:
            made.outcome, made.code = "failed", error.code[:60]
            accounts.note_unusable(account, error)
        except locks.LeaseLost:
            made.outcome = "lost"
        made.ended_at = clock.now()
        made.save()
        return made


class _Check:
    """One comparison of one account."""

    def __init__(self, account: Account, connector: Connector, run: DriftRun, held: locks.Held) -> None:
        self.account, self.connector, self.run, self.held = account, connector, run, held

    def go(self) -> None:
        """Read everything, look twice at what is odd, and note what remains."""
        mine = PushJob.objects.filter(account=self.account).exclude(listing__status=ListingStatus.DELETED)
        ids = list(mine.order_by("pk").values_list("pk", flat=True))
        odd: list[Row] = []
        for start in range(0, len(ids), PAGE):
            odd += self._odd(job_rows.load(ids[start : start + PAGE]))
            locks.renew(self.held, LEASE_SECONDS)
        self.run.compared = len(ids)
        drifted = self._confirmed(odd) if odd else []
        self.run.in_flight, self.run.drifted = len(odd) - len(drifted), len(drifted)
        self._note(drifted)
        self._close_what_agrees(ids, {row.id for row in drifted})

    def _odd(self, rows: Sequence[Row]) -> list[Row]:
        """Return the rows whose platform shows another figure than ours; all readings are kept."""
        decisions = figures.decide(self.account, rows)
        rows = [row for row in rows if decisions[row.id].desired is not None]
        shown = self._read(rows)
        for row in rows:
            row.desired = decisions[row.id].desired or 0
            row.shown = shown[row.id]
        return [row for row in rows if row.shown != row.desired]

    def _read(self, rows: Sequence[Row]) -> dict[int, int | None]:
        asked_at, found = clock.now(), {}
        size = self.connector.stock_batch_size
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            answers = self.connector.read_stock([row.key for row in part])
            found.update({row.id: answer.quantity for row, answer in zip(part, answers, strict=True)})
        seen = [observations.Seen(row.listing_id, row.location_id, found[row.id]) for row in rows]
        observations.note(self.account.pk, seen, source="drift", asked_at=asked_at)
        return found

    def _confirmed(self, odd: Sequence[Row]) -> list[Row]:
        """Fetch the orders that may explain the differences and look again; what is on its way drops out."""
        walk = observations.current_walk(self.account.pk)
        pull.run(self.account.pk, trigger="drift")
        completed = PollState.objects.filter(account=self.account).values_list("completed_walk", flat=True).first() or 0
        if completed <= walk and accounts.working(self.account.pk, Capability.PULL_ORDERS):
            return []  # the orders could not be fetched: nothing can be called drift now
        still = self._odd(job_rows.load([row.id for row in odd]))
        # Parked ones are known trouble with a row of their own.
        moving = PushJob.objects.filter(pk__in=[row.id for row in still]).exclude(state=JobState.IDLE)
        asked = PushJob.objects.filter(pk__in=[row.id for row in still], wanted__gt=F("confirmed"), state=JobState.IDLE)
        on_their_way = set(moving.values_list("pk", flat=True)) | set(asked.values_list("pk", flat=True))
        return [row for row in still if row.id not in on_their_way]

    def _note(self, drifted: Sequence[Row]) -> None:
        if not self.account.writes:
            return  # with the switch off the platform is expected to differ; the readings are kept all the same
        for row in drifted:
            kind = "missing" if row.shown is None else "ignored" if _was_ignored(row) else "changed"
            settle.note_finding(self.account.pk, row, kind=kind, run_id=self.run.pk)
        healable = [row.id for row in drifted if row.shown is not None]
        if not healable or not self.account.heal_drift:
            return
        if len(healable) >= SUSPICIOUS_LEAST and len(healable) > SUSPICIOUS_SHARE * self.run.compared:
            accounts.hold_writes(because="drift_everywhere", actor="task:drift", accounts=[self.account.pk])
            return
        jobs.touch(PushJob.objects.filter(pk__in=healable), cause="drift", forced=True)
        DriftFinding.objects.filter(account=self.account, state=DriftState.OPEN).exclude(kind="missing").update(
            state=DriftState.HEALING
        )

    def _close_what_agrees(self, ids: Sequence[int], drifted: set[int]) -> None:
        """Close the findings of figures that agree again."""
        agreeing = PushJob.objects.filter(pk__in=[pk for pk in ids if pk not in drifted], desired=F("shown"))
        pairs = set(agreeing.values_list("listing_id", "location_id"))
        for finding in DriftFinding.objects.filter(
            account=self.account, state__in=[DriftState.OPEN, DriftState.HEALING]
        ):
            if (finding.listing_id, finding.location_id) in pairs:
                DriftFinding.objects.filter(pk=finding.pk).update(state=DriftState.RESOLVED, resolved_at=clock.now())


def _was_ignored(row: Row) -> bool:
    """The last write was answered with yes, and yet the figure from before it shows."""
    last = PublicationLog.objects.filter(listing_id=row.listing_id, location_id=row.location_id, mode="live").first()
    return last is not None and last.status == "applied" and row.shown == last.expected and row.shown != last.sent
