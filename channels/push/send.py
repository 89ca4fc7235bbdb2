"""Send the figures of one account: decide with fresh inputs, make sure nobody sold meanwhile, write, note the answer.

The danger of an absolute figure is to hand back a unit that an order we have not seen yet has taken. So each write
stands on a base: the figure the platform last showed, and only once all orders behind it are known. A connector
refuses the write when the figure has moved from the base: by the platform's compare-and-swap, else by reading just
before it writes. A base that moved sends us to fetch the orders first, and then the figure is worked out again.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Sequence

import structlog
from django.db import transaction

from backoffice import clock, locks
from channels import accounts, budget, due, error_queue, observations, pull
from channels.connectors.base import (
    Capability,
    Connector,
    ConnectorError,
    RemoteStock,
    StockResult,
    StockWrite,
    WriteStatus,
)
from channels.error_queue import Trouble
from channels.models import Account, JobState, PollState, PublicationLog, PushJob
from channels.push import brake, claims, figures, settle
from channels.push import jobs as push_jobs
from channels.push.rows import Row
from channels.registry import can, connector_for
from channels.working import stopping, worker_name

LEASE_SECONDS = 60.0
ROUNDS = 4  # decide, find it stale, fetch orders, decide again …
PULL_PATIENCE = 3.0  # seconds to wait for somebody else's walk
SOON = 0.5
ORDERS_TOO_OLD = dt.timedelta(minutes=10)
log = structlog.get_logger(__name__)


def run(account_id: int) -> int:
    """Send everything due on an account; returns how many jobs were looked at. Never raises for a platform's fault."""
    account = accounts.working(account_id, Capability.PUSH_STOCK)
    if account is None or (account.writes and budget.closed(getattr(account, "budget", None))):
        return 0
    with locks.lease(f"push:account:{account_id}", worker_name(), LEASE_SECONDS) as held:
        if held is None:
            return 0
        try:
            return _Run(account, held).go()
        except locks.LeaseLost:
            log.warning("push_lease_lost", account=account_id)
        except accounts.UNUSABLE as error:
            accounts.note_unusable(account, error)
        return 0


class _Run:
    """One run over the due jobs of an account under one lease; its fence stands on every job it touches."""

    def __init__(self, account: Account, held: locks.Held) -> None:
        self.account, self.held, self.live = account, held, account.writes
        self.connector: Connector | None = connector_for(account) if self.live else None
        self.swaps = can(account, Capability.COMPARE_AND_SWAP)
        self.decisions: dict[int, figures.Decision] = {}
        self.renewed = time.monotonic()
        self.fresh = True  # the sequences were read just now, by the survey

    def go(self) -> int:
        """Take batches until nothing is due."""
        total = 0
        while not stopping():
            work = claims.survey(self.account.pk, self.held)
            if work.dead:
                claims.take_over_dead(work.dead, self.held)
                continue
            if self.live and (work.lost or work.doubted):
                if not self._guarded(lambda work=work: self._look_again(work), []):
                    break
                continue
            batch = claims.take(self.account.pk, self._sendable(work), self.held)
            if not batch:
                break
            total += len(batch)
            if not self._guarded(lambda batch=batch: self._publish(batch), batch):
                break
            self._renew()
        return total

    def _sendable(self, work: claims.Survey) -> list[Row]:
        if not self.live and work.lost:
            # With the switch off nobody reads back: the figure is worked out, logged, and rests.
            ids = [row.id for row in work.lost]
            PushJob.objects.filter(pk__in=ids, state=JobState.UNKNOWN).update(state=JobState.DUE)
        return work.due

    def _renew(self) -> None:
        if time.monotonic() - self.renewed > LEASE_SECONDS / 4:
            locks.renew(self.held, LEASE_SECONDS)
            self.renewed = time.monotonic()

    def _guarded(self, work: object, batch: Sequence[Row]) -> bool:
        """Run `work`; a fault of the account gives all its rows back untried, and the run ends."""
        try:
            work()  # type: ignore[operator]
        except ConnectorError as error:
            claims.give_back(batch, self.held, seconds=max(error.retry_after or 0.0, 5.0), code=error.code)
            accounts.note_fault(self.account, error, reference="push")
            return False
        return True

    # --- deciding ----------------------------------------------------------------------------------------------------

    def _publish(self, rows: list[Row]) -> None:
        """Bring the rows' figures onto the platform, or back to where they wait."""
        self.fresh = True
        if self.live and rows and self._orders_too_old() and not self._fetch_orders(None):
            claims.give_back(rows, self.held, seconds=5.0, code="orders_behind")
            return
        for turn in range(ROUNDS):
            rows = self._decided(rows)
            rows = self._seen(rows)
            unexplained = self._unexplained(rows)
            if unexplained and turn == 0:
                unexplained, rows = self._not_as_wanted(unexplained, rows)
            if unexplained and self._fetch_orders(unexplained):
                continue
            claims.give_back(unexplained, self.held, seconds=SOON, code="orders_first")
            left = {row.id for row in unexplained}
            rows = self._write([row for row in rows if row.id not in left])
            if not rows:
                return
        claims.give_back(rows, self.held, seconds=SOON, code="moving")

    def _decided(self, rows: list[Row]) -> list[Row]:
        """Work the figures out now; returns the rows that must be written, the others are settled."""
        if not rows:
            return []
        if not self.fresh:
            claims.refresh_wanted(rows)
        self.fresh = False
        self.decisions = figures.decide(self.account, rows)
        for row in rows:
            desired = self.decisions[row.id].desired
            row.desired = row.desired if desired is None else desired
        self._settle_mute([row for row in rows if self.decisions[row.id].desired is None])
        rows = [row for row in rows if self.decisions[row.id].desired is not None]
        if not self.live:
            self._settle_quietly(rows, mode="dry")
            return []
        same = [row for row in rows if row.shown == row.desired]
        self._settle_quietly(same, mode="same")
        return self._braked([row for row in rows if row.shown != row.desired])

    def _settle_mute(self, rows: Sequence[Row]) -> None:
        """Nothing to publish (no match, no link, stock not counted over there): say so and rest."""
        for code in {self.decisions[row.id].code for row in rows}:
            settle.done([row for row in rows if self.decisions[row.id].code == code], self.held, code=code)

    def _settle_quietly(self, rows: Sequence[Row], *, mode: str) -> None:
        """Log figures that are not sent (switch off, or shown already), once per change."""
        if not rows:
            return
        changed = [row for row in rows if row.last_desired != row.desired]
        with transaction.atomic():
            keys = {row.id: uuid.uuid4() for row in changed}
            settle.write_log(self.account.pk, changed, self.decisions, mode=mode, key_of=keys)
            settle.done(rows, self.held)

    def _braked(self, rows: list[Row]) -> list[Row]:
        stopped = brake.held_back(self.account, rows)
        if not stopped:
            return rows
        first = [row for row in stopped if row.brake_id is None]
        settle.write_log(
            self.account.pk, first, self.decisions, mode="held", key_of={row.id: uuid.uuid4() for row in first}
        )
        brake.hold(self.account, stopped, self.held)
        gone = {row.id for row in stopped}
        return [row for row in rows if row.id not in gone]

    # --- making sure -------------------------------------------------------------------------------------------------

    def _seen(self, rows: list[Row]) -> list[Row]:
        """Read the figures that nobody has seen yet; the others are compared by the write itself."""
        blind = [row for row in rows if row.shown is None]
        if not blind or not can(self.account, Capability.READ_STOCK):
            return rows
        figures_there = self._read(blind, source="before")
        gone = [row for row in blind if figures_there[row.id] is None]
        for row in gone:
            settle.put_off([row], self.held, code="not_stocked", permanent=True)
            reference = settle.reference(row)
            trouble = Trouble(kind=error_queue.STOCK, reference=reference, code="not_stocked", params={"job": row.id})
            error_queue.record(self.account.pk, trouble)
        lost = {row.id for row in gone}
        rows = [row for row in rows if row.id not in lost]
        same = [row for row in rows if row.shown == row.desired]
        self._settle_quietly(same, mode="same")
        return [row for row in rows if row.shown != row.desired]

    def _not_as_wanted(self, open_rows: list[Row], rows: list[Row]) -> tuple[list[Row], list[Row]]:
        """Look before fetching orders: after a sale in this very shop its figure is mostly what we want already.

        Then nothing has to be written, and nothing can be handed back. The figure stays unexplained for the next send.
        """
        if not can(self.account, Capability.READ_STOCK):
            return open_rows, rows
        figures_there = self._read(open_rows, source="before")
        same = [row for row in open_rows if figures_there[row.id] == row.desired]
        self._settle_quietly(same, mode="same")
        settled = {row.id for row in same}
        left = [row for row in rows if row.id not in settled]
        return [row for row in open_rows if row.id not in settled], left

    def _read(self, rows: Sequence[Row], *, source: str) -> dict[int, int | None]:
        """Read figures, keep them, and put what moved on the rows; returns the figure by job."""
        found: dict[int, int | None] = {}
        asked_at = clock.now()
        for start in range(0, len(rows), self._batch()):
            part = rows[start : start + self._batch()]
            answers = self._connector().read_stock([row.key for row in part])
            found |= {row.id: _whole(answer) for row, answer in zip(part, answers, strict=True)}
        seen = [observations.Seen(row.listing_id, row.location_id, found[row.id]) for row in rows]
        observations.note(self.account.pk, seen, source=source, asked_at=asked_at)
        walk = observations.current_walk(self.account.pk)
        for row in rows:
            if found[row.id] != row.shown:
                row.shown, row.shown_walk, row.shown_covered = found[row.id], walk, False
        return found

    def _unexplained(self, rows: Sequence[Row]) -> list[Row]:
        open_rows = [row for row in rows if row.shown is None or not row.shown_covered]
        if not open_rows or not can(self.account, Capability.PULL_ORDERS):
            return []
        completed = self._completed_walk()
        return [row for row in open_rows if not row.explained(completed)]

    def _completed_walk(self) -> int:
        state = PollState.objects.filter(account=self.account)
        return state.values_list("completed_walk", flat=True).first() or 0

    def _orders_too_old(self) -> bool:
        """After a long silence (a stop, a restored backup) our figures are wrong until the orders are in."""
        if not can(self.account, Capability.PULL_ORDERS):
            return False
        poll = getattr(self.account, "poll", None)
        last = poll.last_ok_at if poll is not None else None
        patience = max(ORDERS_TOO_OLD, dt.timedelta(seconds=4 * self.account.poll_seconds))
        return last is None or clock.now() - last > patience

    def _fetch_orders(self, rows: Sequence[Row] | None) -> bool:
        """Take in the orders behind a moved figure; True once a walk that began after the reading is complete."""
        seen = max((row.shown_walk for row in rows), default=0) if rows else self._completed_walk()
        deadline = time.monotonic() + PULL_PATIENCE
        while True:
            visit = pull.run(self.account.pk, trigger="push")
            if self._completed_walk() > seen:
                locks.renew(self.held, LEASE_SECONDS)
                return True
            if visit is not None or time.monotonic() > deadline or budget.closed_until(self.account.pk):
                due.soon(self.account.pk, due.ORDERS)
                return False
            time.sleep(0.1)

    # --- writing -----------------------------------------------------------------------------------------------------

    def _write(self, rows: Sequence[Row]) -> list[Row]:
        """Write in batches of the platform's size; returns the rows that turned out to be stale."""
        stale: list[Row] = []
        if not rows:
            return stale
        for start in range(0, len(rows), self._batch()):
            part = rows[start : start + self._batch()]
            self._announce(part)
            results = self._send(part)
            stale += settle.settle(self.account.pk, part, results, self.held)
        if not self.swaps:
            # Between reading and writing somebody may have bought: the sooner we hear, the shorter it is wrong.
            due.soon(self.account.pk, due.ORDERS, seconds=1.0)
        return stale

    def _announce(self, part: Sequence[Row]) -> None:
        """Commit what is about to be sent, so that a killed worker leaves the figure to compare with."""
        now = clock.now()
        for row in part:
            row.log_key, row.sent, row.sent_at = uuid.uuid4(), row.desired, now
        with transaction.atomic():
            locks.check(self.held)
            keys = {row.id: row.log_key for row in part}
            settle.write_log(self.account.pk, part, self.decisions, mode="live", key_of=keys)
            for desired in {row.desired for row in part}:
                ids = [row.id for row in part if row.desired == desired]
                PushJob.objects.filter(pk__in=ids, fence=self.held.fence).update(
                    desired=desired, sent=desired, sent_at=now
                )

    def _send(self, part: Sequence[Row]) -> Sequence[StockResult]:
        writes = [
            StockWrite(key=row.key, quantity=row.desired, expected=row.shown, idempotency_key=str(row.log_key))
            for row in part
        ]
        try:
            return self._connector().push_stock(writes)
        except ConnectorError as error:
            if not error.unknown:
                settle.answer_log(part, {row.id: ("failed", None, error.code[:60]) for row in part})
                raise
            return [StockResult(key=write.key, status=WriteStatus.UNKNOWN, code=error.code) for write in writes]

    # --- looking again -----------------------------------------------------------------------------------------------

    def _look_again(self, work: claims.Survey) -> None:
        """Read back what was sent without an answer, and what may have been overtaken by a late write."""
        mine = PushJob.objects.filter(account=self.account)
        lost, doubted = {row.id for row in work.lost}, {row.id for row in work.doubted}
        if not can(self.account, Capability.READ_STOCK):
            mine.filter(pk__in=lost, state=JobState.UNKNOWN).update(state=JobState.DUE)
            mine.filter(pk__in=doubted).update(verify_at=None)
            return
        rows = [*work.lost, *work.doubted]
        before = {row.id: row.shown for row in rows}
        figures_there = self._read(rows, source="readback")
        for row in work.lost:
            self._resolve(row, figures_there[row.id])
        moved = [row.id for row in work.doubted if figures_there[row.id] != before[row.id]]
        mine.filter(pk__in=doubted).update(verify_at=None)
        push_jobs.touch(PushJob.objects.filter(pk__in=moved), cause="moved")

    def _resolve(self, row: Row, figure: int | None) -> None:
        """A lost answer, read back: the figure we sent means it arrived; the old one, that it did not (yet).

        Either way the job decides again from what was read; and it reads once more later, as a late write may still
        land. A figure that equals ours by chance (sold meanwhile) is not taken as explained.
        """
        now, arrived = clock.now(), figure is not None and figure == row.sent
        PushJob.objects.filter(pk=row.id, state=JobState.UNKNOWN).update(
            state=JobState.DUE, not_before=now, code="", verify_at=now + settle.VERIFY_AFTER
        )
        open_logs = PublicationLog.objects.filter(
            listing_id=row.listing_id, location_id=row.location_id, mode="live", status__in=["", "unknown"]
        )
        for pk in open_logs.order_by("-pk").values_list("pk", flat=True)[:5]:
            PublicationLog.objects.filter(pk=pk).update(
                status="applied" if arrived else "lost", observed=figure, answered_at=now
            )

    def _batch(self) -> int:
        return self._connector().stock_batch_size

    def _connector(self) -> Connector:
        assert self.connector is not None
        return self.connector


def _whole(answer: RemoteStock) -> int | None:
    return answer.quantity
