"""Lots that a count sheet names and nobody has seen: kept as text and date with the sheet, made when it is taken.

A sheet that is dropped or corrected leaves no lot, and its slip of a date binds nobody.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from django.db import connection
from django.utils.formats import date_format
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice import bulk, clock
from backoffice.errors import YikuError
from inventory.lots.errors import refused
from inventory.models import Lot, Sku, Stocktake, StocktakeNewLot, StocktakeSheet, Tracking
from inventory.stocktakes import lines
from inventory.stocktakes.errors import StocktakeRefused

NAMED = 5  # rows a refusal names
COLUMNS = ("sheet_id", "sku_id", "number", "number_key", "expires_on", "row")
LOT_COLUMNS = (
    "sku_id", "number", "number_key", "expires_on", "supplier_reference", "state", "blocked_reason",
    "first_received_at", "note",
)  # fmt: skip
ADD_LINES = f"""INSERT INTO inventory_stocktakeline (stocktake_id, sku_id, lot_id, warehouse_id, open, bin, walk, round,
  snapshot_quantity, unit_cost, conflict, difference, value)
SELECT %s, n.sku_id, t.id, %s, TRUE, coalesce(f.bin, ''), {lines.LAST}, %s, 0, b.last_cost, FALSE, 0, 0
FROM inventory_stocktakenewlot n JOIN inventory_lot t ON t.sku_id = n.sku_id AND t.number_key = n.number_key
LEFT JOIN inventory_shelfplace f ON f.sku_id = n.sku_id AND f.warehouse_id = %s
LEFT JOIN inventory_balance b ON b.sku_id = n.sku_id AND b.warehouse_id = %s
WHERE n.sheet_id = %s AND NOT EXISTS (
  SELECT 1 FROM inventory_stocktakeline l WHERE l.stocktake_id = %s AND l.sku_id = n.sku_id AND l.lot_id = t.id
)"""  # noqa: S608 — no input
LINK = """UPDATE inventory_stocktakecount SET line_id = (
  SELECT l.id FROM inventory_stocktakenewlot n
  JOIN inventory_lot t ON t.sku_id = n.sku_id AND t.number_key = n.number_key
  JOIN inventory_stocktakeline l ON l.stocktake_id = %s AND l.sku_id = n.sku_id AND l.lot_id = t.id
  WHERE n.id = inventory_stocktakecount.new_lot_id
) WHERE sheet_id = %s AND new_lot_id IS NOT NULL"""


@dataclasses.dataclass(slots=True, eq=False)
class NewLot:
    """A lot that the sheet names: nothing lies there by the books. `pk` stands once its batch was written."""

    sku_id: int
    named: lines.Named
    row: int
    bin: str
    serial: bool
    system: int = 0
    pk: int = 0


class NewLots:
    """The new lots of one sheet while it is read."""

    def __init__(self, sheet: StocktakeSheet) -> None:
        self.sheet = sheet
        self._found: dict[tuple[int, str], NewLot] = {}
        self._parts: dict[int, YikuError | None] = {}

    def name(self, sku: Sku, named: lines.Named, row: int, bin: str) -> NewLot:
        """Return the lot of this name, noted at its first row. Raises LotRefused or StocktakeRefused: goods that are
        not counted here, no date where one is needed, another date than an earlier row says.
        """
        known = self._found.get((sku.pk, named.key))
        if known is None:
            self._demand_part(sku, named)
            dated = sku.tracking == Tracking.EXPIRY and bool(named.number)
            if dated and named.expires_on is None:
                raise refused("expiry_missing", lot=named.number, sku=sku.code, field="expires_on")
            serial = sku.tracking == Tracking.SERIAL and bool(named.number)
            kept = named if dated else lines.Named(named.number)
            known = self._found[sku.pk, named.key] = NewLot(sku.pk, kept, row, bin, serial)
        elif known.named.expires_on and named.expires_on and known.named.expires_on != named.expires_on:
            raise refused(
                "two_dates", lot=named.number, sku=sku.code, row=known.row, stands=known.named.expires_on,
                said=named.expires_on, field="expires_on",
            )  # fmt: skip
        return known

    def _demand_part(self, sku: Sku, named: lines.Named) -> None:
        """Ask once for each SKU whether lots of it may join."""
        if sku.pk not in self._parts:
            try:
                lines.demand_part(self.sheet.stocktake, sku, named)
                self._parts[sku.pk] = None
            except YikuError as refusal:
                self._parts[sku.pk] = refusal
        refusal_of = self._parts[sku.pk]
        if refusal_of is not None:
            raise refusal_of

    def keep(self) -> None:
        """Write those that are new in this batch, all at once."""
        fresh = [one for one in self._found.values() if not one.pk]
        rows = [
            (self.sheet.pk, one.sku_id, one.named.number, one.named.key, one.named.expires_on, one.row) for one in fresh
        ]
        if rows:
            told = bulk.insert_rows(StocktakeNewLot, COLUMNS, rows, returning=["sku_id", "number_key", "id"])
            for sku_id, key, pk in told:
                self._found[sku_id, key].pk = pk


def settle(stocktake: Stocktake, sheet: StocktakeSheet) -> None:
    """Make the lots a sheet names, give each its line, and its rows to that line. Two sheets that name one lot at the
    same moment make one. Raises StocktakeRefused, naming the rows, where a lot has come to stand otherwise meanwhile.
    """
    named = list(sheet.new_lots.select_related("sku").order_by("sku_id", "number_key"))
    if not named:
        return
    now = clock.now()
    rows = [
        (one.sku_id, one.number, one.number_key, one.expires_on, "", Lot.State.OPEN.value, "", now, "") for one in named
    ]
    bulk.insert_rows(Lot, LOT_COLUMNS, rows, ignore_conflicts=True, conflict_target=("sku", "number_key"))
    lots = _standing(named)
    with_lines = set(stocktake.lines.filter(lot__in=[lot.pk for lot in lots.values()]).values_list("lot_id", flat=True))
    faults = [
        (one.row, what)
        for one in named
        if (what := _fault(stocktake, sheet, one, lots[one.sku_id, one.number_key], with_lines))
    ]
    if faults:
        listed = " ".join(_now("Row %(row)s: %(what)s") % {"row": row, "what": what} for row, what in faults[:NAMED])
        message = _("Lots of this sheet have come to stand otherwise since its preview. %(listed)s")
        raise StocktakeRefused("lots_changed", message, params={"listed": listed})
    place = stocktake.warehouse_id
    with connection.cursor() as cursor:
        cursor.execute(ADD_LINES, [stocktake.pk, place, stocktake.round, place, place, sheet.pk, stocktake.pk])
        cursor.execute(LINK, [stocktake.pk, sheet.pk])


def _standing(named: Sequence[StocktakeNewLot]) -> dict[tuple[int, str], Lot]:
    """The lots of these names as they stand now."""
    lots = Lot.objects.filter(sku__in={one.sku_id for one in named}, number_key__in={one.number_key for one in named})
    return {(lot.sku_id, lot.number_key): lot for lot in lots}


def _fault(
    stocktake: Stocktake, sheet: StocktakeSheet, one: StocktakeNewLot, lot: Lot, with_lines: Iterable[int]
) -> str:
    """What speaks against a lot by now; empty when nothing does."""
    try:
        if lot.pk in with_lines:
            lines.line_of(stocktake, one.sku, lines.Named(one.number, one.expires_on))
        else:
            lines.demand_lot(stocktake, one.sku, lot, one.expires_on)
    except YikuError as refusal:
        return f"{refusal} {named_by(stocktake, one.sku_id, one.number_key)}".strip()
    return ""


def named_by(stocktake: Stocktake, sku_id: int, key: str) -> str:
    """Who said the date of a lot: the row and the file of the sheet that made it; empty when no sheet did."""
    rows = StocktakeNewLot.objects.filter(sku=sku_id, number_key=key, expires_on__isnull=False, sheet__state="taken")
    first = rows.filter(sheet__stocktake=stocktake).select_related("sheet").order_by("sheet__taken_at").first()
    if first is None or first.expires_on is None:
        return ""
    day = date_format(first.expires_on, "Y-m-d")
    return _now("Row %(row)s of “%(file)s” said %(date)s.") % {"row": first.row, "file": first.sheet, "date": day}
