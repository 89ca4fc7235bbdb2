"""What the codes and barcodes of a count sheet mean, a batch at a time and in a constant number of questions."""

from __future__ import annotations

import dataclasses
from collections import ChainMap
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _now

from backoffice.spreadsheets.limits import MOST_ROWS
from backoffice.spreadsheets.messages import CELLS
from backoffice.spreadsheets.reading import Row
from inventory import codes, counts, sets
from inventory.count_rows import LEADING_ZEROS, SHORTENED
from inventory.lots import scanning
from inventory.models import Stocktake

LARGE_FILE = 100_000  # bytes; of a larger one nearly every line of the stocktake is asked for
Known = tuple[Any, ...]  # key, kind, line or None, round, bin, SKU, on hand, tracking
KNOWN = "s.code_key, s.kind, l.id, l.round, l.bin, s.id, coalesce(b.on_hand, 0), s.tracking"
SKU_ID = 5  # where it stands in what is known
ON_HAND = "LEFT JOIN inventory_balance b ON b.sku_id = s.id AND b.warehouse_id = %s"
BARS = """SELECT c.code, s.code_key, s.code, p.quantity FROM inventory_barcode c JOIN inventory_sku s ON s.id = c.sku_id
LEFT JOIN inventory_pack p ON p.id = c.pack_id WHERE """
LOST = """SELECT code_key, code FROM inventory_sku WHERE {sku} UNION SELECT code, code FROM inventory_barcode
WHERE {barcode}"""
ONE = 1000  # a piece, as quantities are stored
PLACE = 9  # of the barcode in a row: behind all columns there were before


@dataclasses.dataclass(frozen=True, slots=True)
class Meant:
    """The goods of a row; where a barcode named them that barcode, and how many pieces one of it is (None: one)."""

    known: Known
    barcode: str | None = None
    each: int | None = None

    def same(self, other: Meant) -> bool:
        """True when two cells mean the same: a barcode beside a SKU code only says which goods they are."""
        if self.known[SKU_ID] != other.known[SKU_ID]:
            return False
        return self.barcode is None or other.barcode is None or self.each == other.each


class Fault(Exception):
    """Why a row names no goods: the column's title and the sentence."""

    def __init__(self, title: Any, what: str) -> None:
        super().__init__(what)
        self.title, self.what = title, what


class Goods:
    """The goods of one stocktake, by the codes of a batch: call `look_up`, then `of` for each row."""

    def __init__(self, stocktake: Stocktake) -> None:
        self.stocktake = stocktake
        self._ahead: dict[str, Known] = {}
        self.known: Mapping[str, Known] = {}
        self._bars: dict[str, tuple[str, str, int | None]] = {}  # barcode → key and code of the SKU, pieces
        self._spellings: dict[str, tuple[str, ...]] = {}  # a GS1 code → the article numbers it may stand under
        self._lost: dict[str, str] = {}

    def look_ahead(self, size: int) -> None:
        """Look every line up at once while a large file is being opened: batch by batch took as long as writing."""
        if size < LARGE_FILE or self.stocktake.line_count > MOST_ROWS:
            return
        sql = (
            f"SELECT {KNOWN} FROM inventory_stocktakeline l JOIN inventory_sku s ON s.id = l.sku_id "  # noqa: S608
            f"{ON_HAND} WHERE l.stocktake_id = %s AND l.lot_id IS NULL"
        )
        self._ahead = _found(sql, [self.stocktake.warehouse_id, self.stocktake.pk])

    def look_up(self, keys: Sequence[str], rows: Sequence[Row]) -> None:
        """Ask for the SKUs of a batch, and for barcodes where some are named or a code is not a SKU's."""
        fresh = self._lines({key for key in keys if key and key not in self._ahead})
        self.known = self._joined(fresh)
        named = {row[PLACE] for row in rows if row[PLACE]}
        self._spellings = {text: _spellings(text) for text in named}
        wanted = {one for spelled in self._spellings.values() for one in spelled}
        wanted |= {key for key in keys if key and key not in self.known}
        self._bars = _bars(wanted) if wanted else {}
        more = {bar[0] for bar in self._bars.values()} | (wanted - self._bars.keys() - set(keys))
        fresh |= self._lines({key for key in more if key not in self.known})
        self.known = self._joined(fresh)
        self._lost = {}
        missing = [key for key in wanted if key.isdecimal() and key not in self._bars and key not in self.known]
        if missing:
            self._lost = _lost(missing)

    def _joined(self, fresh: dict[str, Known]) -> Mapping[str, Known]:
        """What was found of this batch with what was read ahead; of nearly every row one of them is empty."""
        return ChainMap(fresh, self._ahead) if fresh and self._ahead else fresh or self._ahead

    def _lines(self, keys: Collection[str]) -> dict[str, Known]:
        """What is known of these codes. What the system says is compared here, row by row as it is written: to write
        each row a second time would take longer than reading it.
        """
        if not keys:
            return {}
        condition, parameters = sets.among("s.code_key", keys)
        sql = (
            f"SELECT {KNOWN} FROM inventory_sku s LEFT JOIN inventory_stocktakeline l ON l.sku_id = s.id "  # noqa: S608
            f"AND l.stocktake_id = %s AND l.lot_id IS NULL {ON_HAND} WHERE {condition}"
        )
        return _found(sql, [self.stocktake.pk, self.stocktake.warehouse_id, *parameters])

    def of(self, row: Row, key: str) -> Meant:
        """Return what a row means: by SKU code, else by barcode, also one in the SKU's column. Raises Fault."""
        barcode = row[PLACE]
        named = self._named(row[1], key) if key else None
        scanned = self._scanned(barcode) if barcode else None
        if named and scanned and not named.same(scanned):
            raise Fault(counts.BARCODE.title, self._apart(row, key, barcode))
        found = named or scanned
        if found is not None:
            return found
        if key:
            raise Fault(counts.SKU.title, self._unknown(row[1], key, _now("“%(code)s” is not a SKU")))
        said = codes.normalise(barcode)
        raise Fault(counts.BARCODE.title, self._unknown(barcode, said, _now("“%(code)s” is not a barcode of ours")))

    def _named(self, code: str, key: str) -> Meant | None:
        known = self.known.get(key)
        if known is not None:
            return Meant(known)
        return self._barred(code, key)

    def _scanned(self, barcode: str) -> Meant | None:
        for key in self._spellings[barcode]:
            if found := self._barred(barcode, key):
                return found
        known = next((self.known[key] for key in self._spellings[barcode] if key in self.known), None)
        return None if known is None else Meant(known, barcode)

    def _barred(self, code: str, key: str) -> Meant | None:
        bar = self._bars.get(key)
        return None if bar is None else Meant(self.known[bar[0]], code, None if bar[2] == ONE else bar[2])

    def _apart(self, row: Row, key: str, barcode: str) -> str:
        """Both are named: what the SKU's column says, and whose barcode it is."""
        spelled = self._spellings[barcode]
        bar = next((self._bars[one] for one in spelled if one in self._bars), None)
        other = bar[1] if bar else barcode
        mine = self._bars.get(key)
        if mine and mine[0] == (bar and bar[0]):
            text = _now("“%(code)s” and “%(barcode)s” are both “%(sku)s”, but not the same number of pieces")
            return text % {"code": row[1], "barcode": barcode, "sku": other}
        text = _now("“%(barcode)s” belongs to “%(other)s”, the SKU code says “%(sku)s”")
        return text % {"barcode": barcode, "other": other, "sku": row[1]}

    def _unknown(self, code: str, key: str, plain: str) -> str:
        """The sentence for a code nobody knows: which one was meant when zeros are gone, or that digits are."""
        meant = next((self._lost[one] for one in _padded(key) if one in self._lost), None)
        if meant:
            text = _now(
                "“%(code)s” is not a SKU. Excel has probably taken the zeros off “%(meant)s”: format the column as text"
            )
            if not plain.startswith(_now("“%(code)s” is not a SKU")):
                text = _now(
                    "“%(code)s” is not a barcode of ours. Excel has probably taken the zeros off “%(meant)s”: format "
                    "the column as text"
                )
            return text % {"code": code, "meant": meant}
        if SHORTENED.fullmatch(key):
            return str(CELLS["digits_lost"]) % {"value": code}
        return plain % {"code": code}


def _spellings(barcode: str) -> tuple[str, ...]:
    """The keys a barcode may stand under; of a GS1 code those of its article number."""
    read = scanning.read(barcode)
    return read.codes if read else (codes.normalise(barcode),)


def _padded(key: str) -> Iterable[str]:
    return [key.zfill(len(key) + zeros) for zeros in range(1, LEADING_ZEROS + 1)] if key.isdecimal() else ()


def _found(sql: str, parameters: Sequence[Any]) -> dict[str, Known]:
    """What a query of KNOWN finds, by code."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return {row[0]: row for row in cursor.fetchall()}


def _bars(wanted: Collection[str]) -> dict[str, tuple[str, str, int | None]]:
    condition, parameters = sets.among("c.code", wanted)
    with connection.cursor() as cursor:
        cursor.execute(BARS + condition, parameters)
        return {code: (key, sku, each) for code, key, sku, each in cursor.fetchall()}


def _lost(missing: Iterable[str]) -> dict[str, str]:
    """SKU codes and barcodes that differ from unknown ones by zeros in front."""
    padded = sorted({one for key in missing for one in _padded(key)})
    sku, first = sets.among("code_key", padded)
    barcode, second = sets.among("code", padded)
    with connection.cursor() as cursor:
        cursor.execute(LOST.format(sku=sku, barcode=barcode), [*first, *second])
        return dict(cursor.fetchall())
