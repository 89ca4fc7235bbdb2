"""review: 200 rules over 10,000 orders in pages, and a test of them on 50,000 past orders (W1 orders).

What the rules add is measured where they work (reading what they need, judging, freezing what they were told), within
the product's own intake; the bars are seconds: 3 for the rules, 60 for the test on the past.

    python -m benchmarks.review [--orders 10000] [--past 50000] [--rules 200]
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

from benchmarks import ground, orders_w1

RULES_BAR, BACKTEST_BAR = 3.0, 60.0


def main() -> int:
    """Measure and report; returns 1 when a rule did not do what it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--past", type=int, default=50_000)
    parser.add_argument("--rules", type=int, default=200)
    arguments = parser.parse_args()
    ground.fresh_database("bench_review")
    from benchmarks import ingest, ingest_ours
    from orders.models import ReviewLog

    ingest._set_up()
    for start in range(0, arguments.past - arguments.orders, 10_000):
        work = orders_w1.generate(orders=min(10_000, arguments.past - arguments.orders - start), tag=f"past{start}")
        ingest_ours.ingest(ingest._shop(f"PAST{start}", work)[0], work.pages)
    _publish(arguments.rules)
    work = orders_w1.generate(orders=arguments.orders, tag="ruled")
    shop_id, _places = ingest._shop("RULED", work)
    ingest._settle()
    spent = _spent_in_rules(lambda: ingest_ours.ingest(shop_id, work.pages))
    marked = ReviewLog.objects.filter(order__shop_id=shop_id, facts__rules__matched__contains=[1]).count()
    ground.say(f"{arguments.rules} rules, {arguments.orders:,} orders: {spent:.2f} s more; the first matched {marked}")
    ground.report("review_rules", round(spent, 2), RULES_BAR, "s", ratio=RULES_BAR / spent)
    return _backtest() if marked else 1


def _publish(count: int) -> None:
    """Rules as a seller has them: words, countries, SKUs, amounts, history, stock; most of them never match."""
    from backoffice import clock
    from backoffice.models import User
    from orders.desk.rules import publishing
    from orders.models import Rule

    now, hold = clock.now(), {"do": "hold", "department": "desk", "reason": "bench"}
    rules = [Rule(name=f"R{number}", place=number, created_at=now, updated_at=now) for number in range(count)]
    for number, rule in enumerate(rules):
        rule.conditions = {"join": "all", "groups": [_group(number)]}
        rule.deeds = [{"do": "tag", "marks": ["bench"]}] if number == 0 else [hold]
    Rule.objects.bulk_create(rules)
    publishing.publish(user=User.objects.create(username="bench"))


def _group(number: int) -> dict[str, Any]:
    kinds: tuple[Callable[[], dict[str, Any]], ...] = (
        lambda: _rows("order", ("buyer_note", "has_word", ["gift"])),
        lambda: _rows("any_line", ("sku", "is", f"SKU-9{number:04d}")),
        lambda: _rows("order", ("country", "one_of", ["US", "BR"]), ("total", "at_least", number * 100)),
        lambda: _rows("order", ("total", "at_least", 10_000_000 + number), ("margin_percent", "less", 5)),
        lambda: _rows("order", ("buyer_orders", "at_least", 50, 30), ("all_in_stock", "no")),
        lambda: _rows("order", ("city", "is", f"Town {number}"), ("street", "matches", r"^\d+ flat")),
        lambda: _rows("order", ("buyer_note", "has_word", [f"word{number}", "加急"])),
        lambda: _rows("any_line", ("quantity", "at_least", 100 + number), ("title", "contains", "zz")),
    )
    return kinds[number % len(kinds)]()


def _rows(of: str, *rows: tuple[Any, ...]) -> dict[str, Any]:
    keys = ("field", "op", "value", "days")
    return {"of": of, "join": "all", "rows": [dict(zip(keys, row, strict=False)) for row in rows]}


def _spent_in_rules(work: Callable[[], object]) -> float:
    """Run `work` and return the seconds spent in what rules add to a review."""
    from orders.desk.rules import background
    from orders.desk.rules.book import Book
    from orders.desk.rules.values import OrderValues

    spent = 0.0

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            nonlocal spent
            start = time.perf_counter()
            try:
                return function(*arguments)
            finally:
                spent += time.perf_counter() - start

        return run

    kept = background.attach, Book.run, OrderValues.frozen
    background.attach, Book.run, OrderValues.frozen = map(timed, kept)  # type: ignore[assignment, method-assign]
    try:
        work()
    finally:
        background.attach, Book.run, OrderValues.frozen = kept  # type: ignore[method-assign]
    return spent


def _backtest() -> int:
    from backoffice.models import User
    from orders.desk.rules import backtest
    from orders.models import Order

    user = User.objects.create(username="boss", is_superuser=True)
    Order.objects.update(placed_at="2026-11-01T00:00:00Z")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    row = backtest.begin(user=user, days=366)
    took = time.perf_counter() - start
    row.refresh_from_db()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    orders = row.result.get("orders", 0)
    ground.say(f"test on {orders:,} past orders: {took:.1f} s, {grown} MB more; {row.progress.state}")
    scaled = took * 50_000 / max(orders, 1)
    ground.report("review_backtest_50000", round(scaled, 1), BACKTEST_BAR, "s", ratio=BACKTEST_BAR / scaled)
    return 0 if row.result and orders else 1


if __name__ == "__main__":
    raise SystemExit(main())
