"""ingest: 10,000 platform orders in pages of 100, parsed, stored, reviewed, reserved, ledgered, approved (W1).

Ours is `orders.intake.take_in`; the limit is raw SQL that writes the same rows and indexes (benchmarks.ingest_raw), in
the same run on the same server, turn about, each round in a shop with warehouses of its own. 20,000 older orders are
loaded first. Also measured: two workers on pages of their own, two workers given the same pages (no duplicate, no
deadlock), and the same orders through row-at-a-time ORM code.

    python -m benchmarks.ingest [--orders 10000] [--runs 3]

The W1 orders are marked as tests and some notes say “Gift”, so those two checks are off, as is the check for
duplicates between rounds only in so far as buyers differ from round to round.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks import ground, orders_w1
from benchmarks.orders_w1 import Work

WAREHOUSES = 3


def main() -> int:
    """Measure and report; returns 1 when an order was lost, doubled or wrongly approved."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--older", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rows", type=int, default=400, help="orders a round for the row-at-a-time comparison")
    arguments = parser.parse_args()
    url = ground.fresh_database("bench_ingest")
    _set_up()
    _older(arguments.older)
    from backoffice import startup

    startup.settle()  # as every process of the product does; it serves all three alike
    faults: list[str] = []
    rounds = [_round(url, arguments.orders, arguments.rows, run, faults) for run in range(arguments.runs)]
    raw, ours, rows = (ground.median([one[i] for one in rounds]) for i in range(3))
    ground.say(f"raw SQL {raw:,.0f} orders/s, ours {ours:,.0f} orders/s, row at a time {rows:,.1f} orders/s")
    ground.report("ingest", ours, raw, "orders/s", ratio=ground.median([one[1] / one[0] for one in rounds]))
    against_rows = ground.median([one[1] / (one[2] * 20) for one in rounds])
    ground.report("ingest_vs_rows", ours, rows * 20, "orders/s", ratio=against_rows)
    two = _two_workers(arguments.orders, faults, same=False)
    ground.report("ingest_two_workers", two, ours, "orders/s")
    same = _two_workers(arguments.orders, faults, same=True)
    ground.report("ingest_same_pages", same, ours, "orders/s")
    for fault in faults:
        ground.say(f"FAULT: {fault}")
    return 1 if faults else 0


# --- the ground ------------------------------------------------------------------------------------------------------


def _set_up() -> None:
    """SKUs, currencies, one listener for stock changes, and the two checks that W1 would trip."""
    from backoffice import outbox
    from finance.currencies import seed_currencies
    from inventory.models import Product, Sku
    from orders.models import CheckSetting

    outbox._consumers.clear()
    outbox.register_consumer("inventory.StockChangeDelivery", "push")
    outbox.register_consumer("orders.OrderEventDelivery", "tracking")
    seed_currencies()
    product = Product.objects.create(name="bench")
    codes = [f"SKU-{i:05d}" for i in range(1, 2001)]
    Sku.objects.bulk_create(Sku(product=product, code=code, code_key=code.casefold(), name=code) for code in codes)
    for code in ("keyword", "test_order"):
        CheckSetting.objects.update_or_create(code=code, defaults={"enabled": False})


def _shop(name: str, work: Work) -> tuple[int, list[int]]:
    """A shop on three warehouses of its own, with the stock that the work needs."""
    from decimal import Decimal

    from backoffice import clock
    from inventory import ledger
    from inventory.models import Balance, Shop, ShopWarehouse, Sku, Warehouse

    shop = Shop.objects.create(code=name, name=name, currency="EUR")
    places = [Warehouse.objects.create(code=f"{name}-{n}", name=f"{name}-{n}") for n in range(WAREHOUSES)]
    for priority, place in enumerate(places):
        ShopWarehouse.objects.create(shop=shop, warehouse=place, priority=priority)
    skus = dict(Sku.objects.values_list("code", "id"))
    drafts = [
        ledger.EntryDraft(
            key=f"bench:{name}:{code}:{place.pk}",
            sku_id=skus[code],
            warehouse_id=place.pk,
            quantity=Decimal(quantity),
            unit_cost=Decimal("3.5"),
            reason="opening",
        )
        for code, quantities in zip(work.skus, work.stock, strict=True)
        for place, quantity in zip(places, quantities, strict=True)
        if quantity
    ]
    for start in range(0, len(drafts), 1000):
        ledger.post(entries=drafts[start : start + 1000])
    Balance.objects.bulk_create(
        [Balance(sku_id=sku, warehouse=place, updated_at=clock.now()) for sku in skus.values() for place in places],
        ignore_conflicts=True,
    )
    return shop.pk, [place.pk for place in places]


def _older(count: int) -> None:
    """Fill the tables first: on empty ones PostgreSQL keeps plans that are many times slower."""
    from django.db import connection

    from benchmarks import ingest_ours

    if count:
        work = orders_w1.generate(orders=count, seed=7, tag="old")
        shop_id, _places = _shop("OLD", work)
        ingest_ours.ingest(shop_id, work.pages)
    _settle()
    connection.close()


def _settle() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


# --- rounds ----------------------------------------------------------------------------------------------------------


def _round(url: str, count: int, rows: int, run: int, faults: list[str]) -> tuple[float, float, float]:
    """Raw SQL and ours, turn about which is first, and row at a time before and after; returns the three rates."""
    found: dict[str, float] = {}
    before = _rows(rows, f"ROWS{run}A")
    for kind in ("raw", "ours") if run % 2 == 0 else ("ours", "raw"):
        name = f"{kind.upper()}{run}"
        work = orders_w1.generate(orders=count, tag=name)
        shop_id, places = _shop(name, work)
        _settle()
        load = _raw(url, shop_id, places) if kind == "raw" else _ours(shop_id)
        found[kind] = _timed(load, work)
        _check(name, shop_id, work, faults)
    slow = (before + _rows(rows, f"ROWS{run}B")) / 2
    ground.say(f"round {run + 1}: raw {found['raw']:,.0f}/s, ours {found['ours']:,.0f}/s, row at a time {slow:,.1f}/s")
    return found["raw"], found["ours"], slow


def _raw(url: str, shop_id: int, places: Sequence[int]) -> Callable[[Sequence[str]], int]:
    from benchmarks.ingest_raw import RawLoader

    return RawLoader(url, shop_id, places).ingest


def _ours(shop_id: int) -> Callable[[Sequence[str]], int]:
    from benchmarks import ingest_ours

    return lambda pages: ingest_ours.ingest(shop_id, pages)


def _timed(load: Callable[[Sequence[str]], int], work: Work) -> float:
    start = time.perf_counter()
    stored = load(work.pages)
    took = time.perf_counter() - start
    return stored / took


def _check(name: str, shop_id: int, work: Work, faults: list[str]) -> None:
    """What must be true afterwards: every order once, 40 in 10,000 short, balances equal to their entries."""
    from django.db.models import Sum

    from inventory.models import Balance, Reservation, StockEntry
    from orders.models import Order, OrderLine, OrderVersion, ReviewLog

    orders = Order.objects.filter(shop_id=shop_id)
    approved = orders.filter(state="approved").count()
    if orders.count() != work.orders:
        faults.append(f"{name}: {orders.count()} orders stored of {work.orders}")
    if work.orders == 10_000 and approved != 9_960:
        faults.append(f"{name}: {approved} approved, not 9,960")
    for model in (OrderVersion, ReviewLog):
        if model.objects.filter(order__shop_id=shop_id).count() != work.orders:
            faults.append(f"{name}: {model.__name__} rows are missing or doubled")
    lines = OrderLine.objects.filter(order__shop_id=shop_id).count()
    places = [f"{name}-{n}" for n in range(WAREHOUSES)]
    mine = {"warehouse__code__in": places}
    entries = StockEntry.objects.filter(**mine, bucket=3)
    reserved = Balance.objects.filter(**mine).aggregate(sum=Sum("reserved"))["sum"]
    if entries.aggregate(sum=Sum("quantity"))["sum"] != reserved:
        faults.append(f"{name}: balances differ from their entries")
    if Reservation.objects.filter(**mine, bucket=2).count() != lines:
        faults.append(f"{name}: demand rows differ from lines")


def _rows(count: int, name: str) -> float:
    """Row-at-a-time ORM code on fewer orders: it is that slow."""
    from benchmarks import ingest_rows

    work = orders_w1.generate(orders=count, tag=name)
    shop_id, places = _shop(name, work)
    _settle()
    return _timed(lambda pages: ingest_rows.ingest(shop_id, places, list(pages)), work)


# --- two workers -----------------------------------------------------------------------------------------------------


def _two_workers(count: int, faults: list[str], *, same: bool) -> float:
    """Two processes on halves of the pages, or both on all of them; returns orders stored per second together."""
    from django.db import connections

    name = "SAME" if same else "HALVES"
    work = orders_w1.generate(orders=count, tag=name)
    shop_id, _places = _shop(name, work)
    _settle()
    connections.close_all()
    context = multiprocessing.get_context("fork")
    gate, done = context.Barrier(3), context.Queue()
    shares = [work.pages, work.pages] if same else [work.pages[::2], work.pages[1::2]]
    children = [context.Process(target=_worker, args=(shop_id, pages, gate, done)) for pages in shares]
    for child in children:
        child.start()
    gate.wait(60)
    start = time.perf_counter()
    results: list[Any] = [done.get(timeout=600) for _child in children]
    took = time.perf_counter() - start
    for child in children:
        child.join()
    stored = sum(result for result in results if isinstance(result, int))
    faults += [f"{name}: {result}" for result in results if not isinstance(result, int)]
    if stored != count:
        faults.append(f"{name}: {stored} stored by both together, not {count}")
    _check(name, shop_id, work, faults)
    return stored / took


def _worker(shop_id: int, pages: Sequence[str], gate: Any, done: Any) -> None:
    from django.db import connection

    from benchmarks import ingest_ours

    connection.ensure_connection()
    gate.wait(60)
    try:
        done.put(ingest_ours.ingest(shop_id, pages))
    except Exception as error:  # told to the parent, which fails the run
        done.put(f"{type(error).__name__}: {error}")
    connection.close()


if __name__ == "__main__":
    raise SystemExit(main())
