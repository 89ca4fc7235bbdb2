"""The rows of a count sheet, batch by batch: codes found, lines found, each SKU and bin once, faults named."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice import clock
from backoffice.errors import YikuError
from backoffice.spreadsheets.reading import Row
from backoffice.spreadsheets.schema import Column, SheetSchema
from inventory import codes, counts
from inventory.count_rows import RowProblem
from inventory.models import Sku, StocktakeSheet
from inventory.stocktakes.errors import StocktakeRefused
from inventory.stocktakes.lines import line_of
from inventory.stocktakes.lot_rows import LotRows
from inventory.stocktakes.new_lots import NewLot
from inventory.stocktakes.sheet_goods import ONE, PLACE, Fault, Goods, Known, Meant

MOST_PROBLEMS = 500
MOST = 10**12  # pieces in thousandths: what a pack's barcode may come to
SKU = dataclasses.replace(counts.SKU, required=False)
BARCODE = dataclasses.replace(counts.BARCODE, longest=200)  # a GS1 code says more than the article
BIN = Column("bin", _("bin"), ("location", "库位", "货位", "仓位"), "text", required=False, longest=40)
AT = Column("counted_at", _("counted at"), ("time", "盘点时间"), "datetime", required=False)
OF = Column("stocktake", _("stocktake"), ("盘点单", "盘点单号"), "text", required=False, longest=40)
LOT = Column(
    "lot", _("lot or serial number"), ("批次", "批次号", "序列号", "lot", "batch", "serial", "lot or serials"), "text",
    required=False, longest=100,
)  # fmt: skip
EXPIRES = Column("expires_on", _("expires on"), ("到期日", "有效期至", "expiry"), "date", required=False)
SCHEMA = SheetSchema(
    (SKU, counts.COUNTED, counts.WAREHOUSE, BIN, AT, OF, LOT, EXPIRES, BARCODE), either=("sku", "barcode")
)
COLUMNS = ("line_id", "row", "bin", "quantity", "counted_at", "system_quantity", "difference")
MORE_COLUMNS = (*COLUMNS, "barcode", "each", "new_lot_id")  # of the few rows that have more to say


class Rows:
    """Takes the rows of one sheet batch by batch: codes found, lines found, each SKU and bin once."""

    def __init__(self, sheet: StocktakeSheet) -> None:
        self.sheet, self.stocktake = sheet, sheet.stocktake
        self.problems: list[RowProblem] = []
        self.taken = self.refused = self.uncounted = 0
        self._seen: dict[tuple[Any, str], int] = {}
        self._goods = Goods(self.stocktake)
        self._by_barcode: dict[int, Meant] = {}  # row → what its barcode meant
        self._lots = LotRows(sheet)
        self.look_ahead = self._goods.look_ahead
        self.shared = {
            "stocktake_id": sheet.stocktake_id, "sheet_id": sheet.pk, "round": sheet.round, "active": False,
            "doubled": False, "person_id": sheet.created_by_id,
        }  # fmt: skip

    def take(self, batch: Sequence[Row]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """Return the counts of a batch, ready to be written: those of COLUMNS and the few of MORE_COLUMNS; faults go
        to `problems`.
        """
        filled = [row for row in batch if row[2] is not None]
        self.uncounted += len(batch) - len(filled)
        keys = [codes.normalise(row[1]) for row in filled]
        self._goods.look_up(keys, filled)
        self._by_barcode = {}
        found = [self._known(row, key) for row, key in zip(filled, keys, strict=True)]
        self._lots.look_up(found)
        made = [one for row, known in zip(filled, found, strict=True) if known and (one := self._row(row, known))]
        self.taken += len(made)
        self._lots.new.keep()
        plain = [one for one in made if len(one) == len(COLUMNS)]
        if len(plain) == len(made):
            return plain, []
        return plain, [(*one[:-1], one[-1] and one[-1].pk) for one in made if len(one) > len(COLUMNS)]

    def _known(self, row: Row, key: str) -> Known | None:
        """The goods a row means; None, with the problem noted, for none, or for a row that does not belong here."""
        if (row[3] or row[6] or row[5]) and self._foreign(row[0], row[3], row[6], row[5]):
            return None
        if row[PLACE] is None and (known := self._goods.known.get(key)):
            return known
        try:
            meant = self._goods.of(row, key)
        except Fault as fault:
            return self._refuse(row[0], fault.title, fault.what)
        if meant.barcode is not None:
            self._by_barcode[row[0]] = meant
        return meant.known

    def _row(self, row: Row, known: Known) -> tuple[Any, ...] | None:
        number, code, quantity, _warehouse, bin, moment, _of, lot, expires_on, barcode = row
        meant = self._by_barcode.get(number) if self._by_barcode else None
        if meant is not None and meant.each:
            quantity = self._pieces(number, quantity, meant.each)
            if quantity is None:
                return None
        if lot or expires_on or (known[7] and not known[2]):
            return self._lot_row(row, known, quantity, meant)
        line = self._line(number, code or barcode, known, meant)
        if line is None:
            return None
        line_id, home = line
        place = codes.display(bin)[:40] or home if bin else home
        first = self._seen.setdefault((line_id, place), number)
        if first != number:
            text = _now("“%(code)s” stands in row %(row)s already, in the same bin")
            return self._refuse(number, _title(meant, row), text % {"code": code or barcode, "row": first})
        system = known[6]
        plain = (line_id, number, place, quantity, moment or self.sheet.counted_at, system, quantity - system)
        return plain if meant is None else (*plain, *_by(meant), None)

    def _pieces(self, number: int, quantity: int, each: int) -> int | None:
        """The pieces of so many packs, in thousandths."""
        pieces, rest = divmod(quantity * each, ONE)
        if rest or pieces > MOST:
            text = _now("%(count)s × %(each)s pieces is not a quantity: at most three decimals and a thousand million.")
            return self._refuse(
                number, counts.COUNTED.title, text % {"count": f"{quantity / ONE:g}", "each": f"{each / ONE:g}"}
            )
        return pieces

    def _lot_row(self, row: Row, known: Known, quantity: int, meant: Meant | None) -> tuple[Any, ...] | None:
        """A row of tracked goods: the figure of one lot. What is wrong stands in the column that is at fault."""
        number, code, bin, moment, lot = row[0], row[1] or row[PLACE], row[4], row[5], row[7]
        try:
            line = self._lots.line(known, Decimal(quantity).scaleb(-3), row, row[PLACE] or (meant and code) or "")
        except YikuError as refusal:
            title = {"lot": LOT.title, "expires_on": EXPIRES.title, "quantity": counts.COUNTED.title}
            return self._refuse(number, title.get(refusal.field, _title(meant, row)), str(refusal))
        place = line.bin if line.serial else codes.display(bin)[:40] or line.bin if bin else line.bin
        first = self._seen.setdefault((line if isinstance(line, NewLot) else line.pk, place), number)
        if first != number:
            text = _now("Serial %(lot)s of “%(code)s” stands in row %(row)s already: it is one piece") if line.serial \
                else _now("Lot %(lot)s of “%(code)s” stands in row %(row)s already, in the same bin")  # fmt: skip
            return self._refuse(number, LOT.title, text % {"lot": lot, "code": code, "row": first})
        moment = moment or self.sheet.counted_at
        figures = (number, place, quantity, moment, line.system, quantity - line.system)
        if isinstance(line, NewLot):
            return None, *figures, *_by(meant), line
        return (line.pk, *figures) if meant is None else (line.pk, *figures, *_by(meant), None)

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

    def _line(self, number: int, code: str, known: Known, meant: Meant | None) -> tuple[int, str] | None:
        _key, kind, line_id, round_, bin, sku_id, _on_hand, _tracking = known
        if line_id and round_ == self.sheet.round:
            return line_id, bin
        if kind != Sku.Kind.STOCKED:
            text = (
                _now("“%(code)s” is a bundle: count its parts")
                if kind == Sku.Kind.BUNDLE
                else _now("“%(code)s” has no stock")
            )
            return self._refuse(number, _title(meant), text % {"code": code})
        try:
            line = line_of(self.stocktake, Sku.objects.get(pk=sku_id))
        except StocktakeRefused as refusal:
            return self._refuse(number, _title(meant), str(refusal))
        return line.pk, line.bin

    def _refuse(self, row: int, place: Any, what: str) -> Any:
        """Note what is wrong; None stands for the row that is left out."""
        self.refused += 1
        if len(self.problems) < 2 * MOST_PROBLEMS:
            self.problems.append(RowProblem(row, str(place), what))
        return None


def _title(meant: Meant | None, row: Row | None = None) -> Any:
    """The column that named the goods."""
    return counts.SKU.title if meant is None or (row and row[1]) else BARCODE.title


def _by(meant: Meant | None) -> tuple[str | None, int | None]:
    return (None, None) if meant is None else (str(meant.barcode)[:64], meant.each)
