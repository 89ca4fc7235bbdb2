"""Demand of each SKU in each place over the last days, read from the ledger, some SKUs in one statement.

Demand of a day is what was shipped less what buyers sent back. A day that began without stock and saw nothing shipped
says nothing about demand, nor does a promotion day: both are left out. Days are those of the house's time zone.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from backoffice import clock
from inventory.models import Reason, Sku
from orders.models import PromotionDays

SLICE = 2_000  # SKUs: a year of them is sorted in WORK_MEMORY, and somebody sees that it goes on
WORK_MEMORY = "64MB"
ONE_CORE = "0"  # workers beside it: handing them the rows takes longer than they save
COMPANY = 0  # in the place of a warehouse when demand is counted for all of them


@dataclasses.dataclass(frozen=True, slots=True)
class History:
    """What the days that count say of one SKU in one place; pieces as floats."""

    sku_id: int
    warehouse_id: int
    sold: float
    squares: float
    days: int
    out_days: int
    promotion_days: int


# One row a day on which something moved, from the newest to the oldest: `left_after` is what has moved since, so that
# stock of today less it is the stock the day began with. `gap` days without a movement lie before it.
SQL = """
WITH moved AS (
  SELECT e.sku_id, {place} AS place, {day} AS day, {real}(e.quantity) AS moved,
    CASE WHEN e.reason IN ('{shipment}', '{back}') THEN -{real}(e.quantity) ELSE 0.0 END AS sold, 0 AS promo
  FROM inventory_stockentry e JOIN inventory_warehouse w ON w.id = e.warehouse_id
  WHERE e.bucket = 1 AND e.occurred_at >= %(since)s AND e.sku_id BETWEEN %(lowest)s AND %(highest)s
    AND w.active AND NOT w.read_only
  {promotions}
), days AS (
  SELECT sku_id, place, day, SUM(moved) AS moved, SUM(sold) AS sold, MAX(promo) AS promo
  FROM moved GROUP BY sku_id, place, day
), here AS (
  SELECT b.sku_id, {balance_place} AS place, SUM({real}(b.on_hand)) AS on_hand
  FROM inventory_balance b JOIN inventory_warehouse w ON w.id = b.warehouse_id
  WHERE b.sku_id BETWEEN %(lowest)s AND %(highest)s AND w.active AND NOT w.read_only GROUP BY 1, 2
), walked AS (
  SELECT d.sku_id, d.place, d.day, d.moved, d.sold, d.promo, SUM(d.moved) OVER newest AS left_after,
    LEAD(d.day, 1, -1) OVER newest AS before, LAG(d.day, 1, -9) OVER newest AS following
  FROM days d WINDOW newest AS (PARTITION BY d.sku_id, d.place ORDER BY d.day DESC)
), judged AS (
  SELECT k.sku_id, k.place, CASE WHEN k.day < {n} AND k.promo = 0 THEN k.sold / 1000.0 ELSE 0.0 END AS sold,
    CASE WHEN k.promo = 1 AND k.day < {n} THEN 1 ELSE 0 END AS promo,
    CASE WHEN h.on_hand - k.left_after > 0 THEN 0 ELSE
      {least}(k.day, {n}) - k.before - 1 + CASE WHEN k.day < {n} AND k.promo = 0 AND k.sold <= 0 THEN 1 ELSE 0 END END
    + CASE WHEN k.following = -9 AND k.day < {n} AND h.on_hand - k.left_after + k.moved <= 0
      THEN {n} - 1 - k.day ELSE 0 END AS without
  FROM walked k JOIN here h ON h.sku_id = k.sku_id AND h.place = k.place
)
SELECT sku_id, place, SUM(sold), SUM(sold * sold), SUM(without), SUM(promo) FROM judged GROUP BY sku_id, place
"""
PROMOTIONS = """
  UNION ALL SELECT b.sku_id, {balance_place}, p.day, 0.0, 0.0, 1
  FROM inventory_balance b JOIN inventory_warehouse w ON w.id = b.warehouse_id AND w.active AND NOT w.read_only
  JOIN ({listed}) p ON p.sku_id = b.sku_id OR p.sku_id IS NULL
  WHERE b.sku_id BETWEEN %(lowest)s AND %(highest)s
"""


def read(*, days: int, company: bool, step: Callable[[int], object] | None = None) -> Iterator[History]:
    """Yield the history of every SKU and place that moved in the last full days: a statement a slice of SKUs.

    `step` is told how many SKUs were read, after each slice.
    """
    today = timezone.localtime(clock.now()).date()
    sql, parameters = _statement(today - dt.timedelta(days=days), days, company)
    ids = list(Sku.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), SLICE):
        part = ids[start : start + SLICE]
        for sku, place, sold, squares, out, promo in _rows(sql, {**parameters, "lowest": part[0], "highest": part[-1]}):
            counted = days - int(out) - int(promo)
            yield History(sku, place, float(sold), float(squares), counted, int(out), int(promo))
        if step is not None:
            step(len(part))


def _rows(sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT set_config('work_mem', %s, true), set_config('max_parallel_workers_per_gather', %s, true)",
                [WORK_MEMORY, ONE_CORE],
            )
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def _statement(first: dt.date, days: int, company: bool) -> tuple[str, dict[str, Any]]:
    midnight = dt.datetime.combine(first, dt.time(), timezone.get_default_timezone())
    place = str(COMPANY) if company else "{}.warehouse_id"
    postgres = connection.vendor == "postgresql"
    minutes = int((midnight.utcoffset() or dt.timedelta()).total_seconds() // 60)  # summer time is forgiven an hour
    if postgres:
        day = f"((e.occurred_at AT TIME ZONE INTERVAL '{minutes} minutes')::date - DATE '{first}')"
    else:
        day = f"CAST(julianday(date(e.occurred_at, '{minutes} minutes')) - julianday('{first}') AS INTEGER)"
    listed = _promotions(first, days)
    words = {"balance_place": place.format("b")}
    promotions = PROMOTIONS.format(listed=listed, **words) if listed else ""
    sql = SQL.format(
        place=place.format("e"), day=day, n=days, real="float8" if postgres else "1.0 * ",
        least="LEAST" if postgres else "MIN", shipment=Reason.SHIPMENT.value, back=Reason.RETURN.value,
        promotions=promotions, **words,
    )  # fmt: skip
    return sql, {"since": connection.ops.adapt_datetimefield_value(midnight.astimezone(dt.UTC))}


def _promotions(first: dt.date, days: int) -> str:
    """Return the promotion days within the history as a SELECT of (sku_id, day), each once; "" for none."""
    last = first + dt.timedelta(days=days - 1)
    found: set[tuple[int | None, int]] = set()
    for row in PromotionDays.objects.filter(first__lte=last, last__gte=first):
        start, end = max(row.first, first), min(row.last, last)
        found |= {(row.sku_id, (start - first).days + n) for n in range((end - start).days + 1)}
    everywhere = {day for sku, day in found if sku is None}
    rows = sorted((sku or 0, day) for sku, day in found if sku is None or day not in everywhere)
    number = "CAST(NULL AS bigint)" if connection.vendor == "postgresql" else "NULL"
    return " UNION ALL ".join(f"SELECT {sku or number} AS sku_id, {day} AS day" for sku, day in rows)
