"""The rows of a count sheet, batch by batch: codes found, lines found, each SKU and bin once, faults named."""

from __future__ import annotations

import datetime as dt
from collections import ChainMap
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice import clock
from backoffice.errors import YikuError
from backoffice.spreadsheets.limits import MOST_ROWS
from backoffice.spreadsheets.reading import Row
from backoffice.spreadsheets.schema import Column, SheetSchema
from inventory import codes, counts, sets
from inventory.count_rows import RowProblem, unknown_sku
from inventory.models import Sku, StocktakeSheet
from inventory.stocktakes.errors import StocktakeRefused
from inventory.stocktakes.lines import line_of
from inventory.stocktakes.lot_rows import LotRows

MOST_PROBLEMS = 500
LARGE_FILE = 100_000  # bytes; of a larger one nearly every line of the stocktake is asked for
Known = tuple[Any, ...]  # key, kind, line or None, round, bin, SKU, on hand, tracking
KNOWN = "s.code_key, s.kind, l.id, l.round, l.bin, s.id, coalesce(b.on_hand, 0), s.tracking"
ON_HAND = "LEFT JOIN inventory_balance b ON b.sku_id = s.id AND b.warehouse_id = %s"
BIN = Column("bin", _("bin"), ("location", "库位", "货位", "仓位"), "text", required=False, longest=40)
AT = Column("counted_at", _("counted at"), ("time", "盘点时间"), "datetime", required=False)
OF = Column("stocktake", _("stocktake"), ("盘点单", "盘点单号"), "text", required=False, longest=40)
LOT = Column(
    "lot", _("lot or serial number"), ("批次", "批次号", "序列号", "lot", "batch", "serial", "lot or serials"), "text",
    required=False, longest=100,
)  # fmt: skip
EXPIRES = Column("expires_on", _("expires on"), ("到期日", "有效期至", "expiry"), "date", required=False)
SCHEMA = SheetSchema((counts.SKU, counts.COUNTED, counts.WAREHOUSE, BIN, AT, OF, LOT, EXPIRES))
COLUMNS = ("line_id", "row", "bin", "quantity", "counted_at", "system_quantity", "difference")


class Rows:
    """Takes the rows of one sheet batch by batch: codes found, lines found, each SKU and bin once."""

    def __init__(self, sheet: StocktakeSheet) -> None:
        self.sheet, self.stocktake = sheet, sheet.stocktake
        self.problems: list[RowProblem] = []
        self.taken = self.refused = self.uncounted = 0
        self._seen: dict[tuple[int, str], int] = {}
        self._ahead: dict[str, Known] = {}
        self._lots = LotRows(self.stocktake)
        self.shared = {
            "stocktake_id": sheet.stocktake_id, "sheet_id": sheet.pk, "round": sheet.round, "active": False,
            "doubled": False, "person_id": sheet.created_by_id,
        }  # fmt: skip

    def look_ahead(self, size: int) -> None:
        """Look every line up at once while a large file is being opened: batch by batch took as long as writing."""
        if size < LARGE_FILE or self.stocktake.line_count > MOST_ROWS:
            return
        sql = (
            f"SELECT {KNOWN} FROM inventory_stocktakeline l JOIN inventory_sku s ON s.id = l.sku_id "  # noqa: S608
            f"{ON_HAND} WHERE l.stocktake_id = %s AND l.lot_id IS NULL"
        )
        self._ahead = _found(sql, [self.stocktake.warehouse_id, self.stocktake.pk])

    def take(self, batch: Sequence[Row]) -> list[tuple[Any, ...]]:
        """Return the counts of a batch, ready to be written; faults go to `problems`."""
        filled = [row for row in batch if row[2] is not None]
        self.uncounted += len(batch) - len(filled)
        keys = [codes.normalise(row[1]) for row in filled]
        known = self._lines(keys)
        self._lots.look_up(known, keys)
        made = [one for row, key in zip(filled, keys, strict=True) if (one := self._row(row, key, known.get(key)))]
        self.taken += len(made)
        return made

    def _lines(self, keys: Sequence[str]) -> Mapping[str, Known]:
        """What is known of these codes. What the system says is compared here, row by row as it is written: to write
        each row a second time would take longer than reading it.
        """
        ahead = self._ahead
        others = {key for key in keys if key and key not in ahead}
        if not others:
            return ahead
        condition, parameters = sets.among("s.code_key", others)
        sql = (
            f"SELECT {KNOWN} FROM inventory_sku s LEFT JOIN inventory_stocktakeline l ON l.sku_id = s.id "  # noqa: S608
            f"AND l.stocktake_id = %s AND l.lot_id IS NULL {ON_HAND} WHERE {condition}"
        )
        found = _found(sql, [self.stocktake.pk, self.stocktake.warehouse_id, *parameters])
        return ChainMap(found, ahead) if ahead else found

    def _row(self, row: Row, key: str, known: Known | None) -> tuple[Any, ...] | None:
        number, code, quantity, warehouse, bin, moment, of, lot, expires_on = row
        if (warehouse or of or moment) and self._foreign(number, warehouse, of, moment):
            return None
        if known is None:
            return self._refuse(number, counts.SKU.title, unknown_sku(code, key))
        if lot or expires_on or (known[7] and not known[2]):
            return self._lot_row(row, known)
        line = self._line(number, code, known)
        if line is None:
            return None
        line_id, home = line
        place = codes.display(bin)[:40] or home if bin else home
        first = self._seen.setdefault((line_id, place), number)
        if first != number:
            text = _now("“%(code)s” stands in row %(row)s already, in the same bin") % {"code": code, "row": first}
            return self._refuse(number, counts.SKU.title, text)
        system = known[6]
        return line_id, number, place, quantity, moment or self.sheet.counted_at, system, quantity - system

    def _lot_row(self, row: Row, known: Known) -> tuple[Any, ...] | None:
        """A row of tracked goods: the figure of one lot. What is wrong stands in the column that is at fault."""
        number, code, quantity, _warehouse, bin, moment, _of, lot, expires_on = row
        try:
            line = self._lots.line(known, Decimal(quantity).scaleb(-3), lot or "", expires_on)
        except YikuError as refusal:
            title = {"lot": LOT.title, "expires_on": EXPIRES.title, "quantity": counts.COUNTED.title}
            return self._refuse(number, title.get(refusal.field, counts.SKU.title), str(refusal))
        place = line.bin if line.serial else codes.display(bin)[:40] or line.bin if bin else line.bin
        first = self._seen.setdefault((line.pk, place), number)
        if first != number:
            text = _now("Serial %(lot)s of “%(code)s” stands in row %(row)s already: it is one piece") if line.serial \
                else _now("Lot %(lot)s of “%(code)s” stands in row %(row)s already, in the same bin")  # fmt: skip
            return self._refuse(number, LOT.title, text % {"lot": lot, "code": code, "row": first})
        moment = moment or self.sheet.counted_at
        return line.pk, number, place, quantity, moment, line.system, quantity - line.system

    def _foreign(self, number: int, warehouse: str | None, of: str | None, moment: dt.datetime | None) -> bool:
        """True, with the problem noted, for a row that belongs to another warehouse, stocktake or time."""
        if warehouse and warehouse.casefold() != self.stocktake.warehouse.code.casefold():
            text = _now("“%(code)s” is not the warehouse of this stocktake") % {"code": warehouse}
            self._refuse(number, counts.WAREHOUSE.title, text)
            return True
        if of and of.strip() != str(self.stocktake):
            text = _now("“%(number)s” is another stocktake") % {"number": of}
            self._refuse(number, OF.title, text)
            return True
        if moment and moment > clock.now() + counts.CLOCK_SLACK:
            self._refuse(number, AT.title, _now("has not come yet"))
            return True
        return False

    def _line(self, number: int, code: str, known: Known) -> tuple[int, str] | None:
        _key, kind, line_id, round_, bin, sku_id, _on_hand, _tracking = known
        if line_id and round_ == self.sheet.round:
            return line_id, bin
        if kind != Sku.Kind.STOCKED:
            text = (
                _now("“%(code)s” is a bundle: count its parts")
                if kind == Sku.Kind.BUNDLE
                else _now("“%(code)s” has no stock")
            )
            return self._refuse(number, counts.SKU.title, text % {"code": code})
        try:
            line = line_of(self.stocktake, Sku.objects.get(pk=sku_id))
        except StocktakeRefused as refusal:
            return self._refuse(number, counts.SKU.title, str(refusal))
        return line.pk, line.bin

    def _refuse(self, row: int, place: Any, what: str) -> Any:
        """Note what is wrong; None stands for the row that is left out."""
        self.refused += 1
        if len(self.problems) < 2 * MOST_PROBLEMS:
            self.problems.append(RowProblem(row, str(place), what))
        return None


def _found(sql: str, parameters: Sequence[Any]) -> dict[str, Known]:
    """What a query of KNOWN finds, by code."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return {row[0]: row for row in cursor.fetchall()}
