"""Plan a stocktake, start it with the snapshot, call it off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from backoffice import audit, bulk, clock
from backoffice.models import User
from inventory.lots import registry
from inventory.models import Sku, Stocktake, StocktakeLine, Warehouse
from inventory.stocktakes import choosing
from inventory.stocktakes.errors import AlreadyDone, State, StocktakeRefused, demand, demand_warehouse, locked
from inventory.stocktakes.lines import LAST

_DIGITS = re.compile(r"(\d+)")
# Goods of no balance and no bin there, for a full count of a hall in which anything may lie.
REST = """s.kind = 'stocked' AND s.active AND NOT EXISTS (SELECT 1 FROM inventory_stocktakeline o
  WHERE o.sku_id = s.id AND o.warehouse_id = %s AND (o.open OR o.stocktake_id = %s))"""

# The unit cost values the differences before they are posted; afterwards the ledger's own value stands.
COST = """CASE WHEN coalesce(b.on_hand, 0) > 0 THEN CAST(round(b.value * 100000.0 / b.on_hand) AS bigint)
  ELSE b.last_cost END"""
FROM = """FROM inventory_sku s JOIN inventory_product p ON p.id = s.product_id
LEFT JOIN inventory_balance b ON b.sku_id = s.id AND b.warehouse_id = %s
LEFT JOIN inventory_shelfplace f ON f.sku_id = s.id AND f.warehouse_id = %s
"""
SNAPSHOT = f"""INSERT INTO inventory_stocktakeline (stocktake_id, sku_id, warehouse_id, open, bin, walk, round,
  snapshot_quantity, unit_cost, conflict, difference, value)
SELECT %s, s.id, %s, TRUE, coalesce(f.bin, ''), coalesce(f.sort_order, {LAST}), 1, coalesce(b.on_hand, 0), {COST},
  FALSE, 0, 0 {FROM} WHERE s.tracking = 0 AND """
# Tracked goods: each lot that lies there has a line; where none does, the unknown lot has, so that none is counted.
NO_LOTS = """NOT EXISTS (SELECT 1 FROM inventory_lotbalance o WHERE o.sku_id = s.id AND o.warehouse_id = %s
  AND o.on_hand > 0)"""
EMPTY = f"SELECT s.id {FROM} WHERE s.tracking > 0 AND {NO_LOTS} AND "
LOT_SNAPSHOT = f"""INSERT INTO inventory_stocktakeline (stocktake_id, sku_id, lot_id, warehouse_id, open, bin, walk,
  round, snapshot_quantity, unit_cost, conflict, difference, value)
SELECT %s, s.id, t.id, %s, TRUE, coalesce(f.bin, ''), coalesce(f.sort_order, {LAST}), 1, coalesce(k.on_hand, 0), {COST},
  FALSE, 0, 0 {FROM} JOIN inventory_lot t ON t.sku_id = s.id
LEFT JOIN inventory_lotbalance k ON k.lot_id = t.id AND k.warehouse_id = %s
WHERE s.tracking > 0 AND (k.on_hand > 0 OR (t.number_key = '' AND {NO_LOTS})) AND """
TAKEN = """SELECT t.number, k.code FROM inventory_stocktakeline l JOIN inventory_stocktake t ON t.id = l.stocktake_id
JOIN inventory_sku k ON k.id = l.sku_id
WHERE l.open AND l.lot_id IS {what} AND l.warehouse_id = %s AND l.sku_id IN (SELECT s.id """


def plan(
    *,
    warehouse: Warehouse,
    user: User | None,
    kind: str = Stocktake.Kind.FULL.value,
    people: Sequence[User] = (),
    **fields: Any,
) -> Stocktake:
    """Make a draft. `fields`: blind, category, bin_prefix, product, supplier, cycle, note.

    Raises StocktakeRefused for a closed or foreign warehouse and for a part or class nobody named.
    """
    made = Stocktake(warehouse=warehouse, kind=kind, created_by=user, created_at=clock.now(), **fields)
    demand_warehouse(made, user)
    _demand_choice(made)
    with transaction.atomic():
        made.save()
        made.number = f"PD{made.pk:06d}"
        made.save(update_fields=["number"])
        made.people.set(people)
        audit.record(action="stocktake.plan", target=made, after={"kind": kind, "warehouse": warehouse.code})
    return made


def _demand_choice(made: Stocktake) -> None:
    chosen = made.category or made.bin_prefix or made.product_id or made.supplier
    if made.kind == Stocktake.Kind.PARTIAL and not chosen:
        message = _("Say which part: a category, bins, a product or a supplier.")
        raise StocktakeRefused("no_part_named", message, field="category")
    if made.kind == Stocktake.Kind.CYCLE and not made.cycle:
        raise StocktakeRefused("no_class_named", _("Say which class is counted."), field="cycle")


def start(*, stocktake_id: int, user: User | None) -> Stocktake:
    """Write down what the system says of every SKU now, and open it for counting.

    Raises StocktakeRefused when nothing is to be counted, or when a SKU is in another open stocktake.
    """
    try:
        with transaction.atomic():
            return _start(locked(stocktake_id), user)
    except IntegrityError as error:  # two stocktakes started in one moment: the index lets one of them
        _refuse_taken(Stocktake.objects.get(pk=stocktake_id))
        message = _("Another stocktake of these goods started in the same moment. Try again.")
        raise StocktakeRefused("started_together", message, retryable=True) from error


def _start(stocktake: Stocktake, user: User | None) -> Stocktake:
    if stocktake.state == State.COUNTING:
        raise AlreadyDone(stocktake, None, stocktake.snapshot_at)
    demand(stocktake, State.DRAFT)
    demand_warehouse(stocktake, user)
    _refuse_taken(stocktake)
    stocktake.snapshot_at = clock.now()
    where, parameters = choosing.condition(stocktake)
    stocktake.line_count = _snapshot(stocktake, where, parameters)
    if not stocktake.line_count:
        raise StocktakeRefused("nothing_to_count", _("Nothing is to be counted: no SKU there fits what was chosen."))
    _walk(stocktake)
    stocktake.state = State.COUNTING
    stocktake.save(update_fields=["state", "snapshot_at", "line_count"])
    audit.record(action="stocktake.start", target=stocktake, after={"lines": stocktake.line_count})
    return stocktake


def _snapshot(stocktake: Stocktake, where: str, parameters: Sequence[Any]) -> int:
    """Write what the system says of the goods of a condition: a line a SKU, of tracked ones a line a lot."""
    place = stocktake.warehouse_id
    lots = Sku.objects.filter(tracking__gt=0).exists()
    with connection.cursor() as cursor:
        if lots:
            cursor.execute(EMPTY + where, [place, place, place, *parameters])
            registry.make((row[0], "") for row in cursor.fetchall())
        values = [stocktake.pk, place, place, place]
        cursor.execute(f"{SNAPSHOT}{where} ORDER BY s.id", [*values, *parameters])
        made = int(cursor.rowcount)
        if lots:
            order = " ORDER BY s.id, t.expires_on IS NULL, t.expires_on, t.id"
            cursor.execute(LOT_SNAPSHOT + where + order, [*values, place, place, *parameters])
            made += int(cursor.rowcount)
    return made


def take_rest(*, stocktake_id: int, user: User | None) -> int:
    """Take every other SKU into a full count at once, also what the warehouse never had; returns how many.

    SKUs in another open stocktake of the warehouse stay there. Raises StocktakeRefused for a part or a recount.
    """
    with transaction.atomic():
        stocktake = locked(stocktake_id)
        demand(stocktake, State.COUNTING)
        demand_warehouse(stocktake, user)
        if stocktake.kind != Stocktake.Kind.FULL or stocktake.round > 1:
            message = _("Only the first round of a full count takes in goods nobody expected there.")
            raise StocktakeRefused("not_a_full_count", message)
        more = _snapshot(stocktake, REST, [stocktake.warehouse_id, stocktake.pk])
        stocktake.line_count += more
        stocktake.save(update_fields=["line_count"])
        audit.record(action="stocktake.take_rest", target=stocktake, after={"lines": more})
    return more


def _refuse_taken(stocktake: Stocktake) -> None:
    where, parameters = choosing.condition(stocktake)
    place = stocktake.warehouse_id
    taken = None
    for what in ("NULL", "NOT NULL"):  # each by its own index
        with connection.cursor() as cursor:
            sql = f"{TAKEN.format(what=what)} {FROM} WHERE {where}) LIMIT 1"
            cursor.execute(sql, [place, place, place, *parameters])
            taken = taken or cursor.fetchone()
    if taken:
        message = _("%(sku)s is being counted in %(number)s: post or cancel that one first.")
        raise StocktakeRefused("sku_in_open_stocktake", message, params={"sku": taken[1], "number": taken[0]})


def _walk(stocktake: Stocktake) -> None:
    """Number the bins in walking order: by the place on the way, then A-9 before A-10."""
    bins: dict[str, int] = {}
    rows = StocktakeLine.objects.filter(stocktake=stocktake).exclude(bin="").order_by()
    for name, way in rows.values_list("bin", "walk").distinct():
        bins[name] = min(way, bins.get(name, way))
    ordered = sorted(bins, key=lambda name: (bins[name], natural(name)))
    numbered = [(stocktake.pk, name, place) for place, name in enumerate(ordered, 1)]
    bulk.update_rows(StocktakeLine, ["stocktake", "bin"], ["walk"], numbered, returning=["stocktake"], prepared=True)


def natural(name: str) -> list[tuple[int, str]]:
    """Return what sorts A-9 before A-10."""
    return [(int(part[:18]), "") if part.isdecimal() else (-1, part.casefold()) for part in _DIGITS.split(name)]


def cancel(*, stocktake_id: int, user: User | None, note: str = "") -> Stocktake:
    """Call it off: nothing is posted and its SKUs may be counted elsewhere. Raises AlreadyDone."""
    with transaction.atomic():
        stocktake = locked(stocktake_id)
        demand(stocktake, State.DRAFT, State.COUNTING, State.COUNTED, State.REVIEW)
        stocktake.state, stocktake.ended_at, stocktake.ended_by = State.CANCELLED, clock.now(), user
        stocktake.save(update_fields=["state", "ended_at", "ended_by"])
        stocktake.lines.filter(open=True).update(open=False)
        audit.record(action="stocktake.cancel", target=stocktake, summary=note[:300])
    return stocktake
