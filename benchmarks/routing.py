"""routing: 10,000 orders (W1) planned over 5 warehouses in pages, with rate tables and lists, on one core.

What is measured is all that routing orders again takes: reading the orders, reading stock, weights, places and rates of
each page and planning it, and writing the plans down. The bar is 5 seconds. A plan that promises more than there is, or
leaves out a line that could be filled, is a fault.

    python -m benchmarks.routing [--orders 10000] [--page 250]
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from decimal import Decimal
from typing import Any

from benchmarks import ground, orders_w1

BAR = 5.0
PLACES = (("CN", "广东"), ("PL", ""), ("FR", ""), ("GB", ""), ("US", "CA"))


def main() -> int:
    """Measure and report; returns 1 when a plan is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--page", type=int, default=250)
    arguments = parser.parse_args()
    ground.fresh_database("bench_routing")
    from benchmarks import ingest, ingest_ours

    ingest._set_up()
    work = orders_w1.generate(orders=arguments.orders, tag="routed")
    shop_id, _first = ingest._shop("ROUTED", work)
    ingest_ours.ingest(shop_id, work.pages)
    _free_again()
    sites = _places(shop_id, work)
    _policy(sites)
    ingest._settle()
    before = time.process_time()
    read, planned, kept, wrong, spread = _plan(arguments.page)
    processor = time.process_time() - before
    ground.say(
        f"{arguments.orders:,} orders over {len(sites)} warehouses: {read:.2f} s reading the orders, {planned:.2f} s "
        f"routing, {kept:.2f} s writing the plans ({processor:.2f} s of our processor in all); {spread}"
    )
    took = read + planned + kept
    ground.report("routing", round(took, 2), BAR, "s", ratio=BAR / took)
    return 1 if wrong else 0


def _places(shop_id: int, work: orders_w1.Work) -> list[int]:
    """The shop sells from five warehouses on three continents; each SKU lies in two of them, so that many orders of
    several lines need several parcels.
    """
    from inventory import ledger
    from inventory.models import ShopWarehouse, Sku, Warehouse

    sites = []
    for number, (country, region) in enumerate(PLACES):
        place = Warehouse.objects.create(code=f"R-{number}", name=f"R-{number}", country=country, region=region)
        ShopWarehouse.objects.create(shop_id=shop_id, warehouse=place, priority=10 + number)
        sites.append(place.pk)
    ShopWarehouse.objects.filter(shop_id=shop_id).exclude(warehouse__in=sites).delete()
    skus = Sku.objects.filter(code__in=work.skus).values_list("pk", flat=True)
    drafts = [
        ledger.EntryDraft(
            key=f"routed:{site}:{sku}", sku_id=sku, warehouse_id=site, quantity=Decimal(5_000), unit_cost=Decimal(1),
            reason="opening",
        )
        for sku in skus
        for site in {sites[sku % 5], sites[(sku * 3 + 1) % 5]}
    ]  # fmt: skip
    ledger.post(entries=drafts)
    return sites


def _free_again() -> None:
    """Give back what the intake reserved: every order is planned out of full shelves."""
    from inventory import reservations
    from inventory.models import Bucket, Reservation

    rows = Reservation.objects.filter(bucket=Bucket.RESERVED, quantity__gt=0).values_list("reference", flat=True)
    references = list(dict.fromkeys(rows))
    for start in range(0, len(references), 5_000):
        reservations.unreserve(references=references[start : start + 5_000])


def _policy(sites: list[int]) -> None:
    from backoffice import clock
    from orders.fulfil.routing import policies
    from orders.models import RateRow, RateTable, RoutingPolicy

    row = RoutingPolicy(name="bench", general=True, lists=[{"warehouse": sites[4], "mode": "never", "places": ["CZ"]}])
    row.criteria = policies.checked_criteria([{"by": one} for one in ("complete", "cheapest", "nearest", "priority")])
    policies.save(policy=row, shops=(), actor="bench")
    for number, pk in enumerate(sites):
        table = RateTable.objects.create(
            name=f"T{number}", currency="CNY", warehouses=[pk], updated_at=clock.now(), updated_by="bench"
        )
        RateRow.objects.bulk_create(
            RateRow(table=table, country=country, up_to_g=weight, base=Decimal(9 + zone + number), per_kg=Decimal(4))
            for zone, country in enumerate(("FR", "DE", "PL", "PT", "GB", "AT", "SE", "CZ", "*"))
            for weight in (500, 1_000, 2_000, 5_000, 0)
        )


def _plan(size: int) -> tuple[float, float, float, bool, str]:
    """Plan all orders in pages as a review does; returns the seconds, whether a plan was wrong, and what came out."""
    from django.db import transaction

    from backoffice import clock
    from orders.desk import review
    from orders.fulfil.routing import attaching
    from orders.models import Order

    read = planned = kept = 0.0
    wrong, counts = False, Counter[str]()
    ids = list(Order.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), size):
        orders = list(Order.objects.filter(pk__in=ids[start : start + size]).order_by("pk"))
        began = time.perf_counter()
        page = review.facts_of(orders, clock.now())
        facts = time.perf_counter()
        made = attaching.attach(page, clock.now())
        done = time.perf_counter()
        with transaction.atomic():
            attaching.keep(made, {}, "review", "bench", clock.now())
        kept += time.perf_counter() - done
        read, planned = read + facts - began, planned + done - facts
        wrong = wrong or _wrong(made)
        counts.update(f"{len(plan.parcels)} parcels" for plan in made.values())
    return read, planned, kept, wrong or not counts, ", ".join(f"{n} with {what}" for what, n in sorted(counts.items()))


def _wrong(made: Any) -> bool:
    """Say whether a page plans more than there is."""
    from orders.fulfil.routing import reading
    from orders.models import OrderLine

    skus = dict(OrderLine.objects.filter(order__in=made).values_list("pk", "sku_id"))
    wanted: Counter[tuple[int, int]] = Counter()
    for plan in made.values():
        for parcel in plan.parcels:
            for line_id, units in parcel.items:
                wanted[skus[line_id], parcel.site] += units
    stock = reading.free_stock({sku for sku, _site in wanted}, {site for _sku, site in wanted})
    return any(stock.get(pair, 0) < units for pair, units in wanted.items())


if __name__ == "__main__":
    raise SystemExit(main())
