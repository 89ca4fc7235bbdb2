"""The lots of a count sheet: looked up a batch at a time, and only for tracked goods."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.db import connection

from backoffice.spreadsheets.reading import Row
from inventory import sets
from inventory.lots.errors import LotRefused
from inventory.lots.shelf import as_date
from inventory.models import Lot, ShelfPlace, Sku, StocktakeSheet, Tracking
from inventory.stocktakes import figures, lines
from inventory.stocktakes.new_lots import NewLot, NewLots, named_by

LINES = """SELECT l.sku_id, t.number_key, l.id, l.round, l.bin, coalesce(k.on_hand, 0), t.number, t.expires_on
FROM inventory_stocktakeline l JOIN inventory_lot t ON t.id = l.lot_id
LEFT JOIN inventory_lotbalance k ON k.lot_id = l.lot_id AND k.warehouse_id = l.warehouse_id
WHERE l.stocktake_id = %s AND l.lot_id IS NOT NULL AND """
SKU_ID, TRACKING = 5, 7  # where they stand in what is known of a code


@dataclasses.dataclass(frozen=True, slots=True)
class LotLine:
    """The line of a lot, and what the system says of it now."""

    pk: int
    round: int
    bin: str
    system: int
    number: str
    expires_on: dt.date | None
    serial: bool


class LotRows:
    """The lots' lines of one stocktake, read when a batch names their goods."""

    def __init__(self, sheet: StocktakeSheet) -> None:
        self.stocktake = sheet.stocktake
        self.new = NewLots(sheet)
        self._any = figures.by_lot(sheet.stocktake)
        self._skus: dict[int, Sku] = {}
        self._lines: dict[tuple[int, str], LotLine] = {}
        self._lots: set[tuple[int, str]] = set()  # those that stand, with or without a line here
        self._bins: dict[int, str] = {}

    def look_up(self, found: Iterable[Sequence[Any] | None]) -> None:
        """Read the lines of the tracked goods of a batch; nothing is asked where none are counted."""
        if not self._any:
            return
        self._read({one[SKU_ID] for one in found if one and one[TRACKING] and one[SKU_ID] not in self._skus})

    def _read(self, sku_ids: Iterable[int]) -> None:
        wanted = sorted(sku_ids)
        if not wanted:
            return
        self._skus |= Sku.objects.in_bulk(wanted)
        condition, parameters = sets.among("l.sku_id", wanted)
        with connection.cursor() as cursor:
            cursor.execute(LINES + condition, [self.stocktake.pk, *parameters])
            rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
        for sku_id, key, pk, round_, bin, system, number, expires in rows:
            serial = self._skus[sku_id].tracking == Tracking.SERIAL and bool(number)
            self._lines[sku_id, key] = LotLine(pk, round_, bin, int(system), number, as_date(expires), serial)
        self._lots |= set(Lot.objects.filter(sku__in=wanted).values_list("sku_id", "number_key"))
        places = ShelfPlace.objects.filter(sku__in=wanted, warehouse=self.stocktake.warehouse_id)
        self._bins |= dict(places.values_list("sku_id", "bin"))

    def line(self, known: Sequence[Any], quantity: Decimal, row: Row, barcode: str) -> LotLine | NewLot:
        """Return the line of a row's lot, added where nobody expected it there; a lot nobody has seen stays a name.
        Raises LotRefused, StocktakeRefused.
        """
        sku_id, number, lot, expires_on = known[SKU_ID], row[0], row[7] or "", row[8]
        if sku_id not in self._skus:
            self._read([sku_id])
        sku = self._skus[sku_id]
        named = lines.said(sku, barcode, lot, expires_on, quantity)
        if named is None:
            raise lines.not_tracked(sku)
        name = (sku_id, named.key)
        if name not in self._lots:
            return self.new.name(sku, named, number, self._bins.get(sku_id, ""))
        try:
            return self._standing(sku, named)
        except LotRefused as refusal:
            if refusal.code == "expiry_differs" and (told := named_by(self.stocktake, *name)):
                raise LotRefused("expiry_differs", f"{refusal} {told}", field=refusal.field) from None
            raise

    def _standing(self, sku: Sku, named: lines.Named) -> LotLine:
        name = (sku.pk, named.key)
        line = self._lines.get(name)
        if line is None or line.round != self.stocktake.round:
            lines.line_of(self.stocktake, sku, named)
            self._read([sku.pk])
            line = self._lines[name]
        lines.demand_date(sku.tracking, sku.code, line.number, line.expires_on, named.expires_on)
        return line
