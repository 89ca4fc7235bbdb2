"""Which SKUs a stocktake counts: written as SQL conditions, so that a hundred thousand are chosen in one statement."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection

from backoffice import clock
from inventory.models import Stocktake

SOLD_DAYS = 90
CLASS_A, CLASS_B = 80, 95  # percent of what was sold, the SKUs in falling order

# How much of the sold value the dearer SKUs make, before this one: an A begins below 80 %.
CLASSES = """
SELECT sku_id, sum(sold) OVER (ORDER BY sold DESC, sku_id) - sold AS before, sum(sold) OVER () AS total FROM (
  SELECT e.sku_id, -sum(e.value) AS sold FROM inventory_stockentry e
  WHERE e.warehouse_id = %s AND e.bucket = 1 AND e.reason = 'shipment' AND e.occurred_at >= %s
  GROUP BY e.sku_id HAVING -sum(e.value) > 0
) AS sales
"""
LIKE_ESCAPE = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})
Condition = tuple[str, list[Any]]


def condition(stocktake: Stocktake) -> Condition:
    """Return the condition on `s` (SKU), `p` (product), `b` (balance) and `f` (bin) with its parameters."""
    parts = [_in_reach()]
    if stocktake.kind == Stocktake.Kind.PARTIAL:
        parts += _partial(stocktake)
    elif stocktake.kind == Stocktake.Kind.CYCLE:
        parts.append(_zero(stocktake) if stocktake.cycle == Stocktake.Cycle.ZERO else _class(stocktake))
    return " AND ".join(f"({sql})" for sql, _parameters in parts), [one for _sql, many in parts for one in many]


def _in_reach() -> Condition:
    """Goods of the warehouse: they have a balance or a bin there."""
    there = "(s.active OR b.on_hand > 0) AND (b.id IS NOT NULL OR f.id IS NOT NULL)"
    return f"s.kind = 'stocked' AND {there}", []


def _partial(stocktake: Stocktake) -> list[Condition]:
    parts: list[Condition] = []
    if stocktake.category:
        parts.append(("lower(p.category) = lower(%s)", [stocktake.category]))
    if stocktake.bin_prefix:
        begins = stocktake.bin_prefix.translate(LIKE_ESCAPE) + "%"
        parts.append(("lower(f.bin) LIKE lower(%s) ESCAPE '\\'", [begins]))
    if stocktake.product_id:
        parts.append(("s.product_id = %s", [stocktake.product_id]))
    if stocktake.supplier:
        holds = "%" + stocktake.supplier.translate(LIKE_ESCAPE) + "%"
        came = "SELECT a.sku_id FROM inventory_expectedarrival a WHERE lower(a.source) LIKE lower(%s) ESCAPE '\\'"
        parts.append((f"s.id IN ({came})", [holds]))
    return parts


def _since() -> Any:
    return connection.ops.adapt_datetimefield_value(clock.now() - dt.timedelta(days=SOLD_DAYS))


def _class(stocktake: Stocktake) -> Condition:
    """A, B or C by the value that left for buyers within 90 days; what was not sold at all is C."""
    classes = f"SELECT c.sku_id FROM ({CLASSES}) AS c WHERE "  # noqa: S608 — no input
    parameters: list[Any] = [stocktake.warehouse_id, _since()]
    if stocktake.cycle == Stocktake.Cycle.A:
        return f"s.id IN ({classes} c.before * 100 < c.total * {CLASS_A})", parameters
    if stocktake.cycle == Stocktake.Cycle.B:
        between = f"c.before * 100 >= c.total * {CLASS_A} AND c.before * 100 < c.total * {CLASS_B}"
        return f"s.id IN ({classes} {between})", parameters
    return f"s.id NOT IN ({classes} c.before * 100 < c.total * {CLASS_B})", parameters


def _zero(stocktake: Stocktake) -> Condition:
    """Shelves the system calls empty although goods moved there within 90 days."""
    moved = (
        "SELECT 1 FROM inventory_stockentry e WHERE e.sku_id = s.id AND e.warehouse_id = %s AND e.bucket = 1 "
        "AND e.recorded_at >= %s"
    )
    return f"coalesce(b.on_hand, 0) = 0 AND EXISTS ({moved})", [stocktake.warehouse_id, _since()]
