"""replenish: 20,000 SKUs with a year of daily demand, from the ledger to a suggestion or a reason for each.

Ours: `orders.supply.replenishment.work`, rows written and all. Limit: the bare aggregate of the same ledger, daily sums
and then mean and spread of each SKU, with the same memory to sort in.

    python -m benchmarks.replenish [--skus 20000] [--days 365] [--runs 3]
"""

from __future__ import annotations

import argparse
import time

from benchmarks import ground

MOST_SECONDS = 20
BARE = """
SELECT sku_id, warehouse_id, avg(sold), stddev_samp(sold) FROM (
  SELECT sku_id, warehouse_id, (occurred_at AT TIME ZONE 'Asia/Shanghai')::date AS day, -sum(quantity) AS sold
  FROM inventory_stockentry
  WHERE bucket = 1 AND reason IN ('shipment', 'return') AND occurred_at >= now() - interval '400 days'
  GROUP BY 1, 2, 3
) AS days GROUP BY 1, 2
"""
LEDGER = """
INSERT INTO inventory_stockentry
  (key, sku_id, warehouse_id, bucket, quantity, value, reason, reference, occurred_at, recorded_at, lot, bin,
   condition, actor)
SELECT 'b' || d.day || '/' || s.id, s.id, %(place)s, 1,
  CASE WHEN d.day = 0 THEN 4000000 ELSE -1000 * (1 + (s.id * 7 + d.day * 13) %% 9) END, 0,
  CASE WHEN d.day = 0 THEN 'opening' ELSE 'shipment' END, 'bench', d.at, d.at, '', '', '', 'bench'
FROM (SELECT day, now() - make_interval(days => %(days)s - day) - interval '1 hour' AS at
      FROM generate_series(0, %(days)s - 1) AS day) AS d CROSS JOIN inventory_sku s ORDER BY d.day, s.id
"""


def main() -> int:
    """Measure and report; returns 1 when it takes longer than a person would wait."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skus", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    ground.fresh_database("bench_replenish")
    _fill(arguments.skus, arguments.days)
    rounds = [(_bare(), _ours(arguments.skus, arguments.days)) for _ in range(arguments.runs)]
    bare, ours = (ground.median([one[at] for one in rounds]) for at in (0, 1))
    ratio = ground.median([4 * limit / taken for limit, taken in rounds])
    ground.say(f"{arguments.skus:,} SKUs, {arguments.days} days: bare query {bare:.2f} s, ours {ours:.2f} s")
    ground.report("replenish", arguments.skus / ours, arguments.skus / (4 * bare), "SKUs/s", ratio=ratio)
    ground.report("replenish_seconds", ours, MOST_SECONDS, "s", ratio=MOST_SECONDS / ours)
    return 1 if ours > MOST_SECONDS else 0


def _fill(skus: int, days: int) -> None:
    from decimal import Decimal

    from django.db import connection

    from backoffice import clock
    from inventory.models import Balance, Product, Sku, Warehouse
    from orders.models import Supplier, SupplierItem
    from orders.supply import locking

    product, place = Product.objects.create(name="bench"), Warehouse.objects.create(code="BENCH", name="bench")
    Sku.objects.bulk_create(
        [Sku(product=product, code=f"S{n:06d}", code_key=f"s{n:06d}", name=f"SKU {n}") for n in range(skus)], 5_000
    )
    ids = list(Sku.objects.order_by("pk").values_list("pk", flat=True))
    supplier = Supplier.objects.create(code="BENCH", name="bench")
    SupplierItem.objects.bulk_create(
        [SupplierItem(supplier=supplier, sku_id=pk, price=Decimal(4), pack_size=Decimal(12)) for pk in ids], 5_000
    )
    Balance.objects.bulk_create(
        [Balance(sku_id=pk, warehouse=place, on_hand=Decimal(pk % 200), updated_at=clock.now()) for pk in ids], 5_000
    )
    row = locking.setting()
    row.history_days = days
    row.save()
    with connection.cursor() as cursor:
        cursor.execute(LEDGER, {"place": place.pk, "days": days})
        cursor.execute("ANALYZE")


def _bare() -> float:
    from django.db import connection, transaction

    start = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '256MB'")
        cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")  # one core, as ours
        cursor.execute(BARE)
        cursor.fetchall()
    return time.perf_counter() - start


def _ours(skus: int, days: int) -> float:
    from orders.models import ReplenishRow
    from orders.supply import replenishment

    start = time.perf_counter()
    run = replenishment.begin(owner=None)
    taken = time.perf_counter() - start
    found = ReplenishRow.objects.filter(run=run)
    assert found.count() == skus, found.count()
    assert found.filter(verdict="order").count() > skus // 10
    return taken


if __name__ == "__main__":
    raise SystemExit(main())
