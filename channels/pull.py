"""Orders come in: walk an account page by page, store each text, parse it, hand the page to intake — and never skip.

A walk asks for everything updated since the last complete walk began, minus an overlap. Its end becomes the next
beginning only when every page was stored, so a killed walk repeats nothing that counts and loses nothing: the page
cursor is committed with the page. One order that cannot be read or taken in goes to the error queue; the others go on.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence

import structlog

from backoffice import clock, locks
from channels import accounts, budget, due, error_queue, payloads
from channels.connectors.base import Capability, Connector, ConnectorError, OrderPage, RawOrder
from channels.error_queue import Trouble
from channels.matcher import ListingMatcher
from channels.models import Account, AccountState, PollRun, PollState
from channels.payloads import Stored
from channels.registry import can, connector_for
from channels.working import alone, retrying
from orders.contracts import IncomingOrder
from orders.intake import Outcome, take_in, vanished

LEASE_SECONDS = 90.0
SHORT_OVERLAP = dt.timedelta(seconds=60)  # every walk; the connector's own overlap every DEEP_EVERY
DEEP_EVERY = dt.timedelta(minutes=5)
SWEEP_BACK = dt.timedelta(hours=3)  # the hourly look for orders that showed up late
FIRST_DAYS = 7  # how far the first walk looks back without a go-live date
CLOCK_TOLERANCE = 30  # seconds of difference that nobody needs to hear of
CAREFUL_AFTER, GIVE_UP_AFTER = 3, 8  # starts of one page without an end
log = structlog.get_logger(__name__)


@dataclasses.dataclass(slots=True)
class Counts:
    """What became of the orders of a page or a walk."""

    seen: int = 0
    fresh: int = 0
    created: int = 0
    changed: int = 0
    parked: int = 0

    def add(self, other: Counts) -> None:
        """Add another page's counts."""
        for field in dataclasses.fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


def run(account_id: int, *, trigger: str = "timer", back: dt.timedelta | None = None) -> PollRun | None:
    """Walk the account's orders once, or go on with the walk that was cut off; None when nothing may be done now.

    Somebody else's walk, a paused account or a platform that asked us to wait give None. `back` looks further back
    than the last complete walk. Faults of the platform end up on the run and in the error queue, never as exceptions.
    """
    account = accounts.working(account_id, Capability.PULL_ORDERS)
    if account is None or budget.closed_until(account_id):
        return None
    with alone(f"pull:account:{account_id}", LEASE_SECONDS) as held:
        if held is None:
            return None
        try:
            return _Walk(account, held, trigger, back).go()
        except accounts.UNUSABLE as error:
            accounts.note_unusable(account, error)
            return None


def sweep(account_id: int) -> PollRun | None:
    """Look back a few hours for orders that became visible late (hourly; what is known costs a hash comparison)."""
    return run(account_id, trigger="sweep", back=SWEEP_BACK)


class _Walk:
    """One walk over the order pages of one account, under one lease."""

    def __init__(self, account: Account, held: locks.Held, trigger: str, back: dt.timedelta | None) -> None:
        self.account, self.held, self.trigger, self.back = account, held, trigger, back
        self.state, _made = PollState.objects.get_or_create(account=account)
        self.resumed = self.state.walking
        self.started = clock.now()
        self.counts, self.pages = Counts(), 0
        self.careful = self.state.page_starts >= CAREFUL_AFTER
        self.poison = self.state.suspect if self.careful else ""
        self.run: PollRun

    def go(self) -> PollRun:
        """Walk to the end or to the first fault; the run says how it ended."""
        connector = connector_for(self.account)
        self._open(connector)
        try:
            self._give_up_on_a_killer()
            since = self.state.walk_since or self.started
            for page in connector.pull_orders(since=since, cursor=self.state.page_cursor or None):
                self._take(connector, page)
            self._finish()
        except ConnectorError as error:
            self._stopped(error)
        except locks.LeaseLost:
            self._ended("lost", "lease_lost")
        return self.run

    # --- beginning ---------------------------------------------------------------------------------------------------

    def _open(self, connector: Connector) -> None:
        """Fix what this walk asks for before the first request goes out."""
        state = self.state
        if not self.resumed:
            state.walk += 1
            state.walk_since, state.walk_until = self._since(connector), self.started
            state.page_cursor, state.seen_cursors, state.page_starts, state.suspect = "", [], 0, ""
            state.walking = True
        state.page_starts += 1
        state.save()
        kind = "sweep" if self.back else "orders"
        self.run = PollRun.objects.create(
            account=self.account,
            kind=kind,
            trigger=self.trigger,
            started_at=self.started,
            since=state.walk_since,
            walk=state.walk,
            resumed=self.resumed,
        )

    def _since(self, connector: Connector) -> dt.datetime:
        state = self.state
        if state.covered_until is None:
            days = int((self.account.options or {}).get("first_days", FIRST_DAYS))
            return self.account.go_live_at or self.account.created_at - dt.timedelta(days=days)
        deep = state.deep_at is None or self.started - state.deep_at >= DEEP_EVERY
        if deep:
            state.deep_at = self.started
        overlap = connector.overlap if deep else min(SHORT_OVERLAP, connector.overlap)
        return state.covered_until - max(overlap, self.back or dt.timedelta(0))

    def _give_up_on_a_killer(self) -> None:
        """Stop starting a page that has killed its worker again and again; a person has to look."""
        if self.state.page_starts <= GIVE_UP_AFTER:
            return
        self.state.page_starts, self.state.walking = 0, False
        self.state.save(update_fields=["page_starts", "walking"])
        trouble = Trouble(kind=error_queue.ACCOUNT, reference="pull", code="pull_kills_worker")
        error_queue.record(self.account.pk, trouble)
        raise ConnectorError("pull_kills_worker", retry_after=900)

    # --- pages -------------------------------------------------------------------------------------------------------

    def _take(self, connector: Connector, page: OrderPage) -> None:
        """Store, parse and take in one page and move the cursor, all in one transaction."""
        self._read_clock(page)
        fresh = payloads.unknown(self.account.pk, page.orders)
        looped = page.next_cursor is not None and payloads.digest(page.next_cursor.encode()) in self.state.seen_cursors
        parsed = parse_all(connector, fresh)
        if self.careful:
            self._take_carefully(parsed)
            parsed = []
        counts = retrying(lambda: self._commit(page, parsed))
        counts.seen, counts.fresh = len(page.orders), len(fresh)
        self.counts.add(counts)
        self.pages += 1
        if looped:
            raise ConnectorError("cursor_loop", "the platform gave the same page again", permanent=True)
        locks.renew(self.held, LEASE_SECONDS)

    def _commit(self, page: OrderPage, parsed: Sequence[Parsed]) -> Counts:
        locks.check(self.held)
        counts = take_parsed(self.account, parsed, run_id=self.run.pk)
        if page.next_cursor is not None:
            self.state.page_cursor = page.next_cursor
            self.state.seen_cursors = [*self.state.seen_cursors, payloads.digest(page.next_cursor.encode())][-2000:]
        self.state.page_starts, self.state.suspect = 1, ""
        self.state.save(update_fields=["page_cursor", "seen_cursors", "page_starts", "suspect"])
        return counts

    def _take_carefully(self, parsed: Sequence[Parsed]) -> None:
        """Take orders one by one, each named on the row first: one that kills its worker is known by name next time."""
        for one in parsed:
            if one.raw.external_id == self.poison:
                one = Parsed(one.raw, None, Trouble(kind="order", reference=self.poison, code="kills_worker"))
            PollState.objects.filter(pk=self.state.pk).update(suspect=one.raw.external_id[:200])
            self.counts.add(retrying(lambda one=one: take_parsed(self.account, [one], run_id=self.run.pk)))  # type: ignore[misc]
        self.careful = False

    def _read_clock(self, page: OrderPage) -> None:
        """Count the walk's end by the platform's clock where it tells it: ours may be minutes ahead."""
        if self.pages or self.resumed or page.server_time is None or self.state.walk_until is None:
            return
        now = clock.now()
        # A second off: many platforms tell whole seconds, and the answer is older than its stamp.
        began_there = page.server_time - (now - self.started) - dt.timedelta(seconds=1)
        self.state.walk_until = min(self.state.walk_until, began_there)
        skew = round((page.server_time - now).total_seconds())
        PollState.objects.filter(pk=self.state.pk).update(walk_until=self.state.walk_until)
        PollRun.objects.filter(pk=self.run.pk).update(server_time=page.server_time, clock_skew=skew)
        accounts.note_skew(self.account, skew if abs(skew) > CLOCK_TOLERANCE else 0)

    # --- ending ------------------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        state, now = self.state, clock.now()
        covered = max(filter(None, (state.covered_until, state.walk_until)), default=None)
        done = PollState.objects.filter(pk=state.pk, walk=state.walk)
        locks.check(self.held)
        done.update(
            covered_until=covered,
            completed_walk=state.walk,
            walking=False,
            page_starts=0,
            suspect="",
            page_cursor="",
            seen_cursors=[],
            deep_at=state.deep_at,
            last_ok_at=now,
        )
        error_queue.resolve(self.account.pk, error_queue.ACCOUNT, ["pull"])
        self._ended("ok", "")
        due.ended(self.account.pk, due.SWEEP if self.back else due.ORDERS)

    def _stopped(self, error: ConnectorError) -> None:
        """Note why the walk stopped; it goes on from its page, except where that page itself is the trouble."""
        restart = error.permanent and (self.resumed or error.code == "cursor_loop")
        fields = {"page_starts": 0, "suspect": ""} | ({"walking": False} if restart else {})
        PollState.objects.filter(pk=self.state.pk).update(**fields)
        accounts.note_fault(self.account, error, reference="pull")
        self._ended("put_off" if error.retry_after else "failed", error.code)
        kind = due.SWEEP if self.back else due.ORDERS
        due.ended(self.account.pk, kind, code=error.code, retry_after=error.retry_after)

    def _ended(self, outcome: str, code: str) -> None:
        run, counts = self.run, self.counts
        run.outcome, run.code, run.ended_at, run.pages = outcome, code[:60], clock.now(), self.pages
        run.seen, run.fresh, run.created = counts.seen, counts.fresh, counts.created
        run.changed, run.parked = counts.changed, counts.parked
        fields = ["outcome", "code", "ended_at", "pages", "seen", "fresh", "created", "changed", "parked"]
        run.save(update_fields=fields)


# --- a page ----------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Parsed:
    """A raw order and what the connector read in it, or why it could not."""

    raw: RawOrder
    order: IncomingOrder | None
    trouble: Trouble | None = None


def parse_all(connector: Connector, raws: Iterable[RawOrder]) -> list[Parsed]:
    """Parse each order; one that cannot be read becomes a trouble, whatever the parser stumbled over."""
    return [_parse(connector, raw) for raw in raws]


def _parse(connector: Connector, raw: RawOrder) -> Parsed:
    try:
        return Parsed(raw, connector.parse_order(raw.body))
    except ConnectorError as error:
        return Parsed(raw, None, Trouble.of(error, kind=error_queue.ORDER, reference=raw.external_id))
    except Exception as error:  # a platform's surprise must cost one order, not the shop
        log.warning("order_unreadable", order=raw.external_id, error=type(error).__name__)
        trouble = Trouble(
            kind=error_queue.ORDER, reference=raw.external_id, code="bad_order", message=type(error).__name__
        )
        return Parsed(raw, None, trouble)


def take_parsed(account: Account, parsed: Sequence[Parsed], *, run_id: int | None) -> Counts:
    """Store the texts, hand what was readable to intake, park the rest; call it inside a transaction."""
    stored = {one.raw.external_id: one for one in payloads.store(account, [p.raw for p in parsed], run_id=run_id)}
    mine = [one for one in parsed if one.raw.external_id in stored]
    good = [one for one in mine if one.order is not None]
    troubles = [_parked(one.trouble, stored) for one in mine if one.trouble is not None]
    outcomes = hand_over(account, [one.order for one in good if one.order], [stored[p.raw.external_id] for p in good])
    failed = [one for one in outcomes if one.action == "failed"]
    troubles += [_parked(refused(one), stored) for one in failed]
    error_queue.record_many(account.pk, troubles)
    error_queue.resolve(account.pk, error_queue.ORDER, [one.external_id for one in outcomes if one.action != "failed"])
    return Counts(
        created=sum(one.action == "created" for one in outcomes),
        changed=sum(one.action in {"updated", "waiting"} for one in outcomes),
        parked=len(troubles),
    )


def hand_over(account: Account, orders: Sequence[IncomingOrder], stored: Sequence[Stored]) -> list[Outcome]:
    """Give a page of parsed orders to intake under the account's listings and go-live date."""
    if not orders:
        return []
    result = take_in(
        shop_id=account.shop_id,
        orders=orders,
        source_refs=[one.reference for one in stored],
        match=ListingMatcher(account.pk),
        go_live=account.go_live_at,
    )
    return result.outcomes


def refused(outcome: Outcome) -> Trouble:
    """Return the trouble of an order that intake did not take."""
    fault = outcome.error
    return Trouble(
        kind=error_queue.ORDER,
        reference=outcome.external_id,
        code=fault.code if fault else "intake_failed",
        message=fault.message if fault else "",
        permanent=not (fault and fault.retryable),
        params={"field": fault.field} if fault and fault.field else {},
        retry_after=5.0 if fault and fault.retryable else None,
    )


def _parked(trouble: Trouble | None, stored: dict[str, Stored]) -> Trouble:
    assert trouble is not None
    return dataclasses.replace(trouble, payload_id=stored[trouble.reference].payload_id)


# --- single orders ---------------------------------------------------------------------------------------------------


def take_single(account: Account, external_ids: Sequence[str], *, trigger: str) -> dict[str, ConnectorError | None]:
    """Fetch these orders now and take them in as one page; returns the fault of each, None when it went well.

    Needs no lease: intake decides by the database who was first, whatever the walk does at the same moment.
    Raises ConnectorError when the account as a whole cannot be called.
    """
    connector = connector_for(account)
    run_row = PollRun.objects.create(account=account, kind="one", trigger=trigger, started_at=clock.now())
    results: dict[str, ConnectorError | None] = {}
    raws: list[RawOrder] = []
    gone = []
    for external_id in external_ids:
        results[external_id], raw = _fetched(connector, external_id, run_row)
        if raw is not None:
            raws.append(raw)
        elif results[external_id] is None:
            gone.append(external_id)
    if gone:
        names = {name for one in gone for name in (one, one.rpartition("/")[2])}  # a global id, or its number
        vanished(shop_id=account.shop_id, external_ids=names)
    fresh = payloads.unknown(account.pk, raws)
    parsed = parse_all(connector, fresh)
    counts = retrying(lambda: take_parsed(account, parsed, run_id=run_row.pk)) if parsed else Counts()
    PollRun.objects.filter(pk=run_row.pk).update(
        ended_at=clock.now(),
        outcome="ok" if not any(results.values()) else "failed",
        seen=len(raws),
        fresh=len(fresh),
        created=counts.created,
        changed=counts.changed,
        parked=counts.parked,
    )
    return results


def _fetched(connector: Connector, external_id: str, run: PollRun) -> tuple[ConnectorError | None, RawOrder | None]:
    try:
        return None, connector.pull_order(external_id)
    except ConnectorError as error:
        if not error.auth and not error.retry_after:
            return error, None
        PollRun.objects.filter(pk=run.pk).update(ended_at=clock.now(), outcome="put_off", code=error.code[:60])
        raise


# --- what people ask -------------------------------------------------------------------------------------------------


def behind(account: Account, now: dt.datetime | None = None) -> dt.timedelta | None:
    """Return how far the account's orders are behind, beyond its own pace; None before the first complete walk."""
    state = PollState.objects.filter(account=account).first()
    if state is None or state.covered_until is None:
        return None
    late = (now or clock.now()) - state.covered_until - dt.timedelta(seconds=account.poll_seconds)
    return max(late, dt.timedelta(0))


def sync_now(account_id: int) -> None:
    """Make the account's orders due now; asking ten times is asking once."""
    account = Account.objects.get(pk=account_id)
    if account.state == AccountState.ACTIVE and can(account, Capability.PULL_ORDERS):
        due.ensure(account)
        due.soon(account_id, due.ORDERS)


def covers(account_id: int, walk: int) -> bool:
    """Tell whether a walk that started after walk number `walk` has been completed."""
    return PollState.objects.filter(account_id=account_id, completed_walk__gt=walk).exists()


def current_walk(account_id: int) -> int:
    """Return the number of the newest walk that was started."""
    return PollState.objects.filter(account_id=account_id).values_list("walk", flat=True).first() or 0
