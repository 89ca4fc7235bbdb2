"""audit: the stock's self-audit over 1,000,000 movements of orders that were taken, reserved and shipped.

Ours: everything the audit reads and compares (`inventory.self_audit.recompute` in its snapshot).
Limit: the bare aggregate query: the sums of quantity and value of all movements by SKU, warehouse and bucket.
The bar is a third of the limit. A false alarm, or a planted difference that is not found, is a fault.

    python -m benchmarks.audit [--movements 1000000] [--skus 20000] [--runs 5]
"""

from __future__ import annotations

import argparse
import time
from decimal import Decimal
from typing import Any

from benchmarks import ground

BARE = (
    "SELECT sku_id, warehouse_id, bucket, sum(quantity), sum(value) FROM inventory_stockentry "
    "GROUP BY sku_id, warehouse_id, bucket"
)
A_LINE = 8  # movements of a line: goods in three times, ordered and taken back, reserved and taken back, goods out
MOVES = """
INSERT INTO inventory_stockentry (key, sku_id, warehouse_id, bucket, quantity, value, reason, reference, occurred_at,
  recorded_at, lot, bin, condition, actor)
SELECT m.key, s.sku_id, {place}, m.bucket, m.quantity, m.value, m.reason, m.reference, now(), now(), '', '', '', 'bench'
FROM (SELECT l.id AS line, l.sku_id, t.shipment_id FROM orders_orderline l
  JOIN orders_shipmentline t ON t.line_id = l.id) AS s
CROSS JOIN LATERAL (VALUES
  ('in:' || line || '/1', 1, 1000, 20000, 'receipt', 'inventory.document:' || line),
  ('in:' || line || '/2', 1, 1000, 20000, 'receipt', 'inventory.document:' || line),
  ('in:' || line || '/3', 1, 1000, 20000, 'receipt', 'inventory.document:' || line),
  ('orders.line:' || line || '/d1', 2, 2000, 0, 'demand', 'orders.line:' || line),
  ('orders.line:' || line || '/d2', 2, -2000, 0, 'reserve', 'orders.line:' || line),
  ('orders.line:' || line || '/r1', 3, 2000, 0, 'reserve', 'orders.line:' || line),
  ('orders.line:' || line || '/r2', 3, -2000, 0, 'shipment', 'orders.line:' || line),
  ('orders.shipment:' || shipment_id || '/orders.line:' || line || '/' || sku_id || '@{place}.out', 1, -2000, -40000,
    'shipment', 'orders.line:' || line)
) AS m(key, bucket, quantity, value, reason, reference);
INSERT INTO inventory_balance (sku_id, warehouse_id, on_hand, demand, reserved, incoming, value, updated_at)
SELECT sku_id, warehouse_id, sum(quantity) FILTER (WHERE bucket = 1), 0, 0, 0, sum(value), now()
FROM inventory_stockentry GROUP BY 1, 2;
INSERT INTO inventory_reservation (bucket, reference, sku_id, warehouse_id, quantity, turn, updated_at)
SELECT b, 'orders.line:' || l.id, l.sku_id, {place}, 0, 2, now()
FROM orders_orderline l CROSS JOIN (VALUES (2), (3)) AS v(b);
"""
OPEN = 5_000  # lines that hold goods now


def main() -> int:
    """Measure and report; returns 1 on a false alarm or a difference that is not found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--movements", type=int, default=1_000_000)
    parser.add_argument("--skus", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    ground.fresh_database("bench_audit")
    start = time.perf_counter()
    fill(arguments.movements // A_LINE, arguments.skus)
    ground.say(f"{arguments.movements:,} movements made in {time.perf_counter() - start:.0f} s")
    rounds = [_round() for _number in range(arguments.runs + 1)][1:]  # the first one warms the server
    ours, limit = (ground.median([one[name] for one in rounds]) for name in ("ours", "bare"))
    ratio = ground.median([one["bare"] / one["ours"] for one in rounds])
    ground.say(f"{arguments.movements:,} movements: bare {limit:.2f} s, audit {ours:.2f} s ({1 / ratio:.2f} times)")
    ground.report("audit", arguments.movements / ours, arguments.movements / limit, "movements/s", ratio=ratio)
    return _faults(max(one["differences"] for one in rounds))


def _round() -> dict[str, Any]:
    from django.db import connection

    from inventory.self_audit import recompute, snapshot

    start = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(BARE)
        cursor.fetchall()
    bare = time.perf_counter() - start
    start = time.perf_counter()
    with snapshot.one_moment():
        found = recompute.differences()
    return {"bare": bare, "ours": time.perf_counter() - start, "differences": len(found.differences)}


def _faults(false_alarms: int) -> int:
    """Plant one difference of each sort and look whether it is found."""
    from django.db import connection

    from inventory.self_audit import recompute, snapshot

    planted = (
        "UPDATE inventory_balance SET on_hand = on_hand + 1000 WHERE id = (SELECT min(id) FROM inventory_balance)",
        "UPDATE inventory_reservation SET quantity = 1000 WHERE id = (SELECT min(id) FROM inventory_reservation "
        "WHERE quantity = 0)",
        "UPDATE orders_shipmentgoods SET quantity = quantity + 1000 WHERE id = (SELECT max(id) "
        "FROM orders_shipmentgoods)",
    )
    with connection.cursor() as cursor:
        for statement in planted:
            cursor.execute(statement)
    with snapshot.one_moment():
        kinds = {str(one.kind) for one in recompute.differences().differences}
    missed = {"balance", "held", "wanted", "shipped"} - kinds
    if false_alarms:
        ground.say(f"FAULT: {false_alarms} false alarms")
    if missed:
        ground.say(f"FAULT: not found: {', '.join(sorted(missed))}")
    return 1 if false_alarms or missed else 0


def fill(lines: int, skus: int) -> None:
    """Make shipped orders with all their movements by the database itself; the last lines still hold their goods."""
    from django.db import connection

    from inventory import reservations
    from inventory.models import Shop, ShopWarehouse, Sku, Warehouse
    from inventory.reservations import Want

    place = Warehouse.objects.create(code="W", name="W")
    shop = Shop.objects.create(code="S", name="S", currency="EUR")
    ShopWarehouse.objects.create(shop=shop, warehouse=place)
    with connection.cursor() as cursor:
        for statement in _orders(lines, skus, shop.pk):
            cursor.execute(statement)
        cursor.execute(MOVES.format(place=place.pk))
        cursor.execute("VACUUM ANALYZE")
    held = list(Sku.objects.order_by("pk").values_list("pk", flat=True)[: min(OPEN, skus)])
    wants = [Want(reference=f"bench:{pk}", sku_id=pk, quantity=Decimal(1), warehouses=(place.pk,)) for pk in held]
    reservations.reserve(wants=wants)


def _orders(lines: int, skus: int, shop: int) -> list[str]:
    """Statements for SKUs, orders, lines, parcels and their goods; every other column as its field has it empty."""
    goods = "(SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM inventory_sku) AS g"
    return [
        _insert("inventory.Product", {"name": "'P'", "created_at": "now()"}, "(SELECT 1) AS x"),
        _insert(
            "inventory.Sku",
            {"product_id": "(SELECT max(id) FROM inventory_product)", "code": "'SKU-' || n", "code_key": "'sku-' || n",
             "name": "'SKU ' || n"},
            f"generate_series(1, {skus}) AS n",
        ),
        _insert(
            "orders.Order",
            {"shop_id": str(shop), "external_id": "'o' || n", "number": "'#' || n", "number_key": "'' || n",
             "state": "'shipped'", "payment": "'paid'", "currency": "'EUR'"},
            f"generate_series(1, {lines}) AS n",
        ),
        _insert(
            "orders.OrderLine",
            {"order_id": "o.id", "external_id": "'1'", "position": "1", "sku_id": "g.id", "quantity": "2000",
             "ordered_quantity": "2000", "shipped_quantity": "2000", "pack": "1000"},
            f"orders_order o JOIN {goods} ON g.n = o.id % {skus}",
        ),
        _insert(
            "orders.Shipment",
            {"order_id": "o.id", "number": "1", "idempotency_key": "'k' || o.id"}, "orders_order o",
        ),
        _insert(
            "orders.ShipmentLine",
            {"shipment_id": "s.id", "line_id": "l.id", "quantity": "2000"},
            "orders_shipment s JOIN orders_orderline l ON l.order_id = s.order_id",
        ),
        _insert(
            "orders.ShipmentGoods",
            {"shipment_line_id": "t.id", "sku_id": "l.sku_id",
             "warehouse_id": "(SELECT min(id) FROM inventory_warehouse)",
             "quantity": "2000", "cost_value": "4000000"},
            "orders_shipmentline t JOIN orders_orderline l ON l.id = t.line_id",
        ),
    ]  # fmt: skip


def _insert(label: str, columns: dict[str, str], source: str) -> str:
    """An INSERT … SELECT that names every column without a default of its own."""
    from django.apps import apps
    from django.db import models

    given = dict(columns)
    for field in apps.get_model(label)._meta.concrete_fields:
        if field.primary_key or field.column in given or field.null:
            continue
        given[field.column] = _empty(field, models)
    names, values = ", ".join(given), ", ".join(given.values())
    return f"INSERT INTO {apps.get_model(label)._meta.db_table} ({names}) SELECT {values} FROM {source}"


def _empty(field: Any, models: Any) -> str:
    if isinstance(field, models.DateTimeField):
        return "now()"
    if isinstance(field, models.BooleanField):
        return "true" if field.has_default() and field.default is True else "false"
    if isinstance(field, models.JSONField):
        return "'[]'::jsonb" if field.default is list else "'{}'::jsonb"
    if isinstance(field, models.CharField | models.TextField):
        return f"'{field.default}'" if field.has_default() and isinstance(field.default, str) else "''"
    return "0"


if __name__ == "__main__":
    raise SystemExit(main())
