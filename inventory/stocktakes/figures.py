"""The figures of a stocktake, worked out by the database: agreed counts, the system at each count's moment, limits."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from backoffice.models import User
from inventory import count_rows, sets
from inventory.models import Stocktake, StocktakeLine, StocktakeSheet

# Several bins of a SKU add up; several counts of one bin must agree, or the line waits for a person.
CLEAR = """UPDATE inventory_stocktakeline SET counted_quantity = NULL, counted_at = NULL, conflict = FALSE,
  system_quantity = NULL, difference = 0, value = 0
WHERE stocktake_id = %s AND counted_quantity IS NOT NULL AND NOT EXISTS (SELECT 1 FROM inventory_stocktakecount c
  WHERE c.line_id = inventory_stocktakeline.id AND c.active AND c.round = inventory_stocktakeline.round) """
# Tracked goods are compared lot by lot. The others never look at a lot: what follows runs a second time, on the lots,
# only where the stocktake has some.
WHOLE = """LEFT JOIN inventory_balance b ON b.sku_id = l.sku_id AND b.warehouse_id = l.warehouse_id
  WHERE l.lot_id IS NULL"""
LOTS = """LEFT JOIN inventory_lotbalance b ON b.lot_id = l.lot_id AND b.warehouse_id = l.warehouse_id
  WHERE l.lot_id IS NOT NULL"""
# On hand now, less what has happened after the count: the snapshot plus the movements since, whenever they were booked.
MOVED = """coalesce((
  SELECT sum(e.quantity) FROM inventory_stockentry e
  WHERE e.sku_id = l.sku_id AND e.warehouse_id = l.warehouse_id AND e.bucket = 1
    AND e.recorded_at > {at}.counted_at AND e.occurred_at > {at}.counted_at
), 0)"""
LOT_MOVED = """coalesce((
  SELECT sum(m.quantity) FROM inventory_lotmovement m LEFT JOIN inventory_stockentry e ON e.key = m.key
  WHERE m.lot_id = l.lot_id AND m.warehouse_id = l.warehouse_id
    AND m.recorded_at > {at}.counted_at AND coalesce(e.occurred_at, m.recorded_at) > {at}.counted_at
), 0)"""
WORTH = "CAST(CAST({difference} AS numeric) * coalesce(unit_cost, 0) / 100000 AS bigint)"
AGREE = f"""UPDATE inventory_stocktakeline SET counted_quantity = s.counted, counted_at = s.counted_at,
  conflict = (s.apart = 1), system_quantity = s.expected, difference = s.counted - s.expected,
  value = {WORTH.format(difference="s.counted - s.expected")}
FROM (
  SELECT l.id, a.counted, a.counted_at, a.apart, CAST(coalesce(b.on_hand, 0) - {{moved}} AS bigint) AS expected
  FROM (
    SELECT line_id, CAST(sum(most) AS bigint) AS counted, max(moment) AS counted_at, max(apart) AS apart FROM (
      SELECT c.line_id, c.bin, max(c.quantity) AS most, max(c.counted_at) AS moment,
        CASE WHEN min(c.quantity) < max(c.quantity) THEN 1 ELSE 0 END AS apart
      FROM inventory_stocktakecount c JOIN inventory_stocktakeline l ON l.id = c.line_id AND l.round = c.round
      WHERE c.stocktake_id = %s AND c.active {{only}} GROUP BY c.line_id, c.bin
    ) AS bins GROUP BY line_id
  ) AS a JOIN inventory_stocktakeline l ON l.id = a.line_id
  {{source}}
) AS s
WHERE inventory_stocktakeline.id = s.id AND (inventory_stocktakeline.counted_quantity IS NULL
  OR inventory_stocktakeline.system_quantity IS NULL OR inventory_stocktakeline.counted_quantity <> s.counted
  OR inventory_stocktakeline.counted_at <> s.counted_at OR inventory_stocktakeline.conflict <> (s.apart = 1)
  OR inventory_stocktakeline.system_quantity <> s.expected
  OR inventory_stocktakeline.difference <> s.counted - s.expected)"""  # noqa: S608 — no input
EXPECT = f"""UPDATE inventory_stocktakeline SET system_quantity = s.expected, difference = s.counted - s.expected,
  value = {WORTH.format(difference="s.counted - s.expected")}
FROM (
  SELECT l.id, l.counted_quantity AS counted, CAST(coalesce(b.on_hand, 0) - {{moved}} AS bigint) AS expected
  FROM inventory_stocktakeline l {{source}} AND l.stocktake_id = %s AND l.counted_quantity IS NOT NULL
) AS s
WHERE inventory_stocktakeline.id = s.id AND (inventory_stocktakeline.system_quantity IS NULL
  OR inventory_stocktakeline.system_quantity <> s.expected
  OR inventory_stocktakeline.difference <> s.counted - s.expected)"""  # noqa: S608 — no input
EARLIEST = {
    "stocktake": "SELECT min(counted_at) FROM inventory_stocktakecount WHERE stocktake_id = %s AND active",
    "sheet": "SELECT min(counted_at) FROM inventory_stocktakecount WHERE sheet_id = %s",
}

# A sheet's own rows before they are taken; what other bins hold already is part of the SKU's count. Looked up line by
# line through their index: of rows just written the planner knows nothing, and a join of sums would be quadratic then.
PREVIEW = """UPDATE inventory_stocktakecount SET system_quantity = s.expected, difference = s.counted - s.expected,
  doubled = (s.doubled > 0)
FROM (
  SELECT c.id, CAST(coalesce(b.on_hand, 0) - {moved} AS bigint) AS expected,
    CAST((SELECT sum(o.quantity) FROM inventory_stocktakecount o WHERE o.sheet_id = c.sheet_id
      AND o.line_id = c.line_id) + coalesce((SELECT sum(u.most) FROM (
        SELECT max(o.quantity) AS most FROM inventory_stocktakecount o WHERE o.line_id = c.line_id AND o.active
          AND o.round = c.round AND o.bin NOT IN (SELECT i.bin FROM inventory_stocktakecount i
            WHERE i.sheet_id = c.sheet_id AND i.line_id = c.line_id) GROUP BY o.bin) AS u), 0) AS bigint) AS counted,
    (SELECT count(*) FROM inventory_stocktakecount o WHERE o.line_id = c.line_id AND o.active
      AND o.round = c.round AND o.bin = c.bin) AS doubled
  FROM inventory_stocktakecount c JOIN inventory_stocktakeline l ON l.id = c.line_id
  {source} AND c.sheet_id = %s AND {lines}
) AS s WHERE inventory_stocktakecount.id = s.id"""
# Of a lot nobody has seen nothing lies there by the books; its bins add up.
NEW_LOTS = """UPDATE inventory_stocktakecount SET difference = (SELECT sum(o.quantity) FROM inventory_stocktakecount o
  WHERE o.new_lot_id = inventory_stocktakecount.new_lot_id)
WHERE sheet_id = %s AND new_lot_id IS NOT NULL AND line_id IS NULL"""
PAGE = 5_000
# What the reading could not know of its rows: another row or another count of the same SKU, and stock that moved.
INTRICATE = """SELECT line_id FROM inventory_stocktakecount WHERE sheet_id = %s AND line_id IS NOT NULL
  GROUP BY line_id HAVING count(*) > 1
UNION SELECT line_id FROM inventory_stocktakecount WHERE stocktake_id = %s AND active AND round = %s
UNION SELECT i.line_id FROM inventory_stocktakecount i JOIN inventory_stocktakeline j ON j.id = i.line_id
  LEFT JOIN inventory_balance h ON h.sku_id = j.sku_id AND h.warehouse_id = j.warehouse_id
  WHERE i.sheet_id = %s AND j.lot_id IS NULL AND coalesce(h.on_hand, 0) <> i.system_quantity"""
LOT_LINES = """ UNION SELECT i.line_id FROM inventory_stocktakecount i
  JOIN inventory_stocktakeline j ON j.id = i.line_id WHERE i.sheet_id = %s AND j.lot_id IS NOT NULL"""
MOVED_LINES = """ UNION SELECT j.id FROM inventory_stocktakeline j JOIN inventory_stockentry e ON e.sku_id = j.sku_id
  AND e.warehouse_id = j.warehouse_id WHERE j.stocktake_id = %s AND e.bucket = 1 AND e.recorded_at > %s"""

OVER = """l.lot_id IS NULL AND l.counted_quantity IS NOT NULL AND l.difference <> 0 AND (
  abs(l.difference) > coalesce(m.quantity, w.adjust_limit)
  OR abs(l.value) > m.value
  OR CAST(abs(l.difference) AS numeric) * 10000000000 > CAST(m.percent AS numeric) * abs(l.system_quantity))"""
OVER_FROM = """FROM inventory_stocktakeline l JOIN inventory_warehouse w ON w.id = l.warehouse_id
LEFT JOIN inventory_stocktakelimit m ON m.warehouse_id = l.warehouse_id WHERE l.stocktake_id = %s AND """
# The limit is the SKU's: many lots that are each a little off may not slip under it.
OVER_LOTS = """FROM inventory_stocktakeline l JOIN (
  SELECT g.sku_id FROM inventory_stocktakeline g JOIN inventory_warehouse w ON w.id = g.warehouse_id
  LEFT JOIN inventory_stocktakelimit m ON m.warehouse_id = g.warehouse_id
  WHERE g.stocktake_id = %s AND g.lot_id IS NOT NULL AND g.counted_quantity IS NOT NULL
  GROUP BY g.sku_id, w.adjust_limit, m.quantity, m.value, m.percent
  HAVING sum(abs(g.difference)) > coalesce(m.quantity, w.adjust_limit) OR sum(abs(g.value)) > m.value
    OR CAST(sum(abs(g.difference)) AS numeric) * 10000000000 > CAST(m.percent AS numeric) * sum(abs(g.system_quantity))
) AS o ON o.sku_id = l.sku_id
WHERE l.stocktake_id = %s AND l.lot_id IS NOT NULL AND l.counted_quantity IS NOT NULL AND l.difference <> 0"""


def _only(column: str, line_ids: Collection[int] | None) -> tuple[str, list[Any]]:
    if line_ids is None:
        return "", []
    sql, parameters = sets.among(column, line_ids)
    return f"AND {sql}", parameters


def by_lot(stocktake: Stocktake) -> bool:
    """True when the stocktake counts tracked goods: then its figures are worked out for lots too."""
    return stocktake.lines.filter(lot__isnull=False).exists()


def told(stocktake: Stocktake) -> QuerySet[StocktakeLine]:
    """The lines with what is shown of them: the SKU, and the lot where lots are counted."""
    return stocktake.lines.select_related("sku", "lot") if by_lot(stocktake) else stocktake.lines.select_related("sku")


def _ways(stocktake: Stocktake, moved: bool, at: str) -> list[dict[str, str]]:
    """What the statements say of goods that are counted whole, and of lots where there are some."""
    ways = [{"source": WHOLE, "moved": MOVED.format(at=at) if moved else "0"}]
    if by_lot(stocktake):
        ways.append({"source": LOTS, "moved": LOT_MOVED.format(at=at) if moved else "0"})
    return ways


def agree(stocktake: Stocktake, line_ids: Collection[int] | None = None) -> None:
    """Bring the lines to what their active counts say, and compare them with the system."""
    clear, cleared = _only("inventory_stocktakeline.id", line_ids)
    only, parameters = _only("l.id", line_ids)
    moved = line_ids is not None or bool(_since("stocktake", stocktake.pk))
    with connection.cursor() as cursor:
        cursor.execute(CLEAR + clear, [stocktake.pk, *cleared])
        for way in _ways(stocktake, moved, "a"):
            cursor.execute(AGREE.format(only=only, **way), [stocktake.pk, *parameters])


def expect(stocktake: Stocktake) -> int:
    """Compare the counted lines with the system at their own moments; returns how many figures are new."""
    changed = 0
    with connection.cursor() as cursor:
        for way in _ways(stocktake, bool(_since("stocktake", stocktake.pk)), "l"):
            cursor.execute(EXPECT.format(**way), [stocktake.pk])
            changed += int(cursor.rowcount)
    return changed


def _since(what: str, pk: int) -> Any:
    """Return the moment of the earliest count when stock has moved since then, else None: most counts wait for nobody,
    and a hundred thousand looks into the ledger that find nothing take longer than everything else.
    """
    with connection.cursor() as cursor:
        cursor.execute(EARLIEST[what], [pk])
        earliest = cursor.fetchone()[0]
    return earliest if earliest is not None and count_rows.moved_since(earliest) else None


def compare_sheet(sheet: StocktakeSheet) -> None:
    """Compare the rows of a sheet just read once more where its reading could not do it row by row, and mark those
    that were counted before.
    """
    since = _since("sheet", sheet.pk)
    of = sheet.stocktake_id
    ways = _ways(sheet.stocktake, bool(since), "c")
    lots = len(ways) > 1
    parameters = [sheet.pk, of, sheet.round, sheet.pk, *([sheet.pk] if lots else []), *([of, since] if since else [])]
    sql = INTRICATE + (LOT_LINES if lots else "") + (MOVED_LINES if since else "")
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        ids = [row[0] for row in cursor.fetchall()]
        for start in range(0, len(ids), PAGE):
            lines, chosen = sets.among("c.line_id", ids[start : start + PAGE])
            for way in ways:
                cursor.execute(PREVIEW.format(lines=lines, **way), [sheet.pk, *chosen])
        if sheet.new_lots.exists():
            cursor.execute(NEW_LOTS, [sheet.pk])


def total(stocktake: Stocktake) -> None:
    """Bring the stocktake's own counters to what its lines say."""
    sql = (
        "SELECT count(*), count(counted_quantity), coalesce(sum(CASE WHEN counted_quantity IS NOT NULL "
        "AND difference <> 0 THEN 1 ELSE 0 END), 0) FROM inventory_stocktakeline WHERE stocktake_id = %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [stocktake.pk])
        stocktake.line_count, stocktake.counted_count, stocktake.difference_count = map(int, cursor.fetchone())
    stocktake.save(update_fields=["line_count", "counted_count", "difference_count"])


def over_limit(stocktake: Stocktake) -> int:
    """How many differences are above what one person may post alone."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {OVER_FROM} {OVER}", [stocktake.pk])
        found = int(cursor.fetchone()[0])
        if by_lot(stocktake):
            cursor.execute(f"SELECT count(*) {OVER_LOTS}", [stocktake.pk, stocktake.pk])
            found += int(cursor.fetchone()[0])
        return found


def over_lines(stocktake: Stocktake, line_ids: Collection[int]) -> set[int]:
    """Which of these lines are above the limit."""
    only, parameters = sets.among("l.id", line_ids)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT l.id {OVER_FROM} {OVER} AND {only}", [stocktake.pk, *parameters])
        found = {row[0] for row in cursor.fetchall()}
        if by_lot(stocktake):
            cursor.execute(f"SELECT l.id {OVER_LOTS} AND {only}", [stocktake.pk, stocktake.pk, *parameters])
            found |= {row[0] for row in cursor.fetchall()}
        return found


def took_part(stocktake: Stocktake, user: User) -> bool:
    """True when the person counted something of it or closed the counting: then somebody else must approve."""
    if user.pk == stocktake.submitted_by_id:
        return True
    return stocktake.counts.filter(Q(sheet=None) | Q(sheet__state="taken"), person=user).exists()
