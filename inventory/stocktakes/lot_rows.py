"""The lots of a count sheet: looked up a batch at a time, and only for tracked goods."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import connection

from inventory import sets
from inventory.lots.shelf import as_date
from inventory.models import Sku, Stocktake, Tracking
from inventory.stocktakes import figures, lines

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

    def __init__(self, stocktake: Stocktake) -> None:
        self.stocktake = stocktake
        self._any = figures.by_lot(stocktake)
        self._skus: dict[int, Sku] = {}
        self._lines: dict[tuple[int, str], LotLine] = {}

    def look_up(self, known: Mapping[str, Any], keys: Iterable[str]) -> None:
        """Read the lines of the tracked goods of a batch; nothing is asked where none are counted."""
        if not self._any:
            return
        found = [one for key in keys if (one := known.get(key)) and one[TRACKING] and one[SKU_ID] not in self._skus]
        self._read({one[SKU_ID] for one in found})

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

    def line(self, known: Sequence[Any], quantity: Decimal, lot: str, expires_on: dt.date | None) -> LotLine:
        """Return the line of a row's lot, added where nobody expected it. Raises LotRefused, StocktakeRefused."""
        sku_id = known[SKU_ID]
        if sku_id not in self._skus:
            self._read([sku_id])
        sku = self._skus[sku_id]
        named = lines.said(sku, "", lot, expires_on, quantity)
        if named is None:
            raise lines.not_tracked(sku)
        line = self._lines.get((sku_id, named.key))
        if line is None or line.round != self.stocktake.round:
            lines.line_of(self.stocktake, sku, named)
            self._read([sku_id])
            line = self._lines[sku_id, named.key]
        lines.demand_date(sku.tracking, sku.code, line.number, line.expires_on, named.expires_on)
        return line
