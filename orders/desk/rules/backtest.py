"""Rules run over past orders as they were then, compared with what the checks and people did, and what came of it.

Nothing is written but the result. Of an order only its first review counts: that is where rules decide.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import QuerySet

from backoffice import clock, longwork, progress
from backoffice.errors import YikuError
from backoffice.models import User
from inventory.access import visible
from orders.desk import ruleset
from orders.desk.checks import Finding
from orders.desk.rules import publishing, then
from orders.desk.rules.book import Book, book_of
from orders.desk.rules.then import Then
from orders.models import Backtest, Order, Refund, ReviewLog

PERIODS = (30, 90)
CHUNK = 500
MOST_DIFFERING = 5_000  # rows that are kept; all are counted
MINUTES_A_HOLD = 2.0  # what a clerk needs for a held order
TASK = "orders.tasks.backtest"
Person = ReviewLog.PersonVerdict
FINE, BACK, CANCELLED, LATE, OPEN = "fine", "refunded", "cancelled", "late", "open"


def begin(*, user: User, days: int) -> Backtest:
    """Start a test of the rules on the desk over the last `days`; it runs with the workers, or now without any.

    Raises YikuError: bad_period, broken.
    """
    if not 1 <= days <= 366:
        raise YikuError("bad_period", "")
    documents = publishing.draft()
    publishing.check(documents)
    row = Backtest.objects.create(
        rules=documents, digest=publishing.digest_of(documents), days=days, started_at=clock.now(), started_by=user,
        progress=progress.start("orders.backtest", user).row,
    )  # fmt: skip
    if longwork.workers_alive():
        longwork.enqueue(TASK, row.pk)
    else:
        run(row.pk)
    return row


def run(pk: int) -> str:
    """Do it in the name of who asked, under the bar. A test that is done already is left alone."""
    row = Backtest.objects.select_related("started_by", "progress").get(pk=pk)
    if row.ended_at is not None or row.progress is None:
        return "done already"
    return longwork.in_the_name_of(row.started_by, row.progress.pk, lambda meter: _run(row, meter))


def running(row: Backtest) -> bool:
    """True while a worker has it, or will."""
    return row.ended_at is None and row.progress is not None and row.progress.state == progress.RUNNING


def _run(row: Backtest, meter: progress.Meter) -> None:
    orders = _orders(row)
    meter.total(orders.count())
    rules = ruleset.with_book(ruleset.load(), book_of(row.rules))
    count, now = Count(), clock.now()
    for size, page in _pages(orders, rules.book):
        refunded = _refunded(page)
        for one in page:
            found = rules.judge(one.facts, one.review.at) or rules.shortages(one.facts)
            count.add(one, found, ending_of(one.order, one.order.pk in refunded, now))
        meter.step(size)
    row.result, row.differing, row.ended_at = count.summary(rules.book), count.differing, clock.now()
    row.save(update_fields=["result", "differing", "ended_at"])


def _refunded(page: Sequence[Then]) -> set[int]:
    ids = [one.order.pk for one in page]
    return set(Refund.objects.filter(order_id__in=ids, amount__gt=0).values_list("order_id", flat=True))


def _orders(row: Backtest) -> QuerySet[Order]:
    since = row.started_at - dt.timedelta(days=row.days)
    orders = Order.objects.filter(placed_at__gte=since, placed_at__lt=row.started_at)
    return visible(row.started_by, orders.exclude(state=Order.State.HISTORY))


def _pages(orders: QuerySet[Order], book: Book) -> Iterator[tuple[int, list[Then]]]:
    """Walk the orders by their key, a page at a time: memory stays the same whatever their number."""
    last = 0
    while True:
        page = list(orders.filter(pk__gt=last).select_related("shop").order_by("pk")[:CHUNK])
        if not page:
            return
        last = page[-1].pk
        yield len(page), then.of(page, then.first_reviews([one.pk for one in page]), book)


def ending_of(order: Order, refunded: bool, now: dt.datetime) -> str:
    """Return how an order ended: fine, refunded, cancelled, late, or open while nobody knows."""
    if refunded:
        return BACK
    if order.state == Order.State.CANCELLED:
        return CANCELLED
    if order.ship_by is not None and (order.shipped_at or now) > order.ship_by:
        return LATE
    return FINE if order.state == Order.State.SHIPPED else OPEN


@dataclasses.dataclass(slots=True)
class Count:
    """What is counted on the way; its size does not grow with the orders, but for the rows that differ."""

    numbers: Counter[str] = dataclasses.field(default_factory=Counter)
    fired: Counter[int] = dataclasses.field(default_factory=Counter)
    held: Counter[int] = dataclasses.field(default_factory=Counter)
    helped: Counter[int] = dataclasses.field(default_factory=Counter)  # held by it, and rightly
    reasons: Counter[str] = dataclasses.field(default_factory=Counter)
    differing: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    def add(self, one: Then, found: Sequence[Finding], ending: str) -> None:
        """Count one order: what the rules say now, what was said then, how it ended."""
        held, was_held = bool(found), one.review.verdict == ReviewLog.Verdict.HELD
        bad = ending in (BACK, CANCELLED, LATE)
        let_go = was_held and one.review.person_verdict == Person.APPROVED
        self.numbers["orders"] += 1
        self.numbers["held"] += held
        self.numbers["was_held"] += was_held
        self.numbers["held_but_fine"] += held and ending == FINE and (not was_held or let_go)
        self.numbers["passed_but_bad"] += not held and bad
        self.numbers["was_passed_but_bad"] += not was_held and bad
        self.numbers["held_and_bad"] += held and bad
        self.numbers["newly_held"] += held and not was_held
        self.numbers["newly_passed"] += was_held and not held
        self.reasons.update({finding.code for finding in found})
        self._count_rules(one, found, bad)
        if held != was_held:
            self.numbers["differing"] += 1
            if len(self.differing) < MOST_DIFFERING:
                self.differing.append(_row(one, found, ending))

    def _count_rules(self, one: Then, found: Sequence[Finding], bad: bool) -> None:
        outcome = one.facts.outcome
        if outcome is None:
            return
        self.fired.update(outcome.matched)
        self.fired.update(outcome.tried_out)
        holding = {int(finding.code[5:]) for finding in found if finding.code.startswith("rule:")}
        self.held.update(holding)
        if bad:
            self.helped.update(holding)

    def summary(self, book: Book) -> dict[str, Any]:
        """Return what the result page shows."""
        total, saved = self.numbers["orders"], self.numbers["was_held"] - self.numbers["held"]
        rules = [
            {"id": one.id, "name": one.name, "dry": one.dry, "fired": self.fired[one.id], "held": self.held[one.id],
             "helped": self.helped[one.id]}
            for one in book.rules
        ]  # fmt: skip
        return {
            **self.numbers,
            "passed_percent": _percent(total - self.numbers["held"], total),
            "was_passed_percent": _percent(total - self.numbers["was_held"], total),
            "minutes_saved": round(saved * MINUTES_A_HOLD),
            "rules": rules,
            "reasons": self.reasons.most_common(40),
        }


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


def _row(one: Then, found: Sequence[Finding], ending: str) -> dict[str, Any]:
    return {
        "order": one.order.pk,
        "number": one.order.number,
        "shop": one.order.shop.name,
        "placed_at": one.order.placed_at.isoformat(),
        "now": [[finding.code, str(finding.data.get("name", ""))] for finding in found][:5],
        "then": [str(finding.get("code")) for finding in one.review.findings][:5],
        "person": one.review.person_verdict,
        "ending": ending,
        "total": format(one.order.base_total, "f") if one.order.base_total is not None else "",
    }
