"""The rows of a count: each code found, each pair once, each figure compared with the system at the count's moment."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from backoffice import bulk
from backoffice.spreadsheets.messages import CELLS
from backoffice.spreadsheets.reading import Row, SheetReading
from inventory import sets
from inventory.codes import normalise
from inventory.models import Sku, StockDocument, StockDocumentLine
from inventory.sets import Pair

LEADING_ZEROS = 6  # Excel took them away; that many are tried
SHORTENED = re.compile(r"\d(\.\d+)?e\+\d+")  # 6.9e+12, of which the digits are gone
RECENT = 1_000  # entries looked at to see whether anything has moved since the count


@dataclasses.dataclass(frozen=True, slots=True)
class RowProblem:
    """What is wrong with one row: row number of the sheet, column, sentence."""

    row: int
    place: str
    what: str


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A warehouse the person may count."""

    id: int
    code: str


@dataclasses.dataclass(frozen=True, slots=True)
class Counted:
    """One row that makes sense so far, in stored integers."""

    row: int
    code: str
    sku_id: int
    warehouse_id: int
    quantity: int
    cost: int | None


class Checker:
    """Takes the rows of one count batch by batch; remembers which pairs it has seen."""

    def __init__(self, document: StockDocument, places: dict[str, Place]) -> None:
        self.document, self.places = document, places
        self.problems: list[RowProblem] = []
        self.taken = self.differing = self.refused = self.uncounted = 0
        self._seen: dict[Pair, int] = {}
        self._moved = moved_since(_moment(document))

    def take(self, batch: Sequence[Row]) -> list[tuple[Any, ...]]:
        """Return the lines of a batch, ready to be written; faults go to `problems`."""
        filled = [row for row in batch if row[2] is not None]
        self.uncounted += len(batch) - len(filled)
        batch = filled
        keys = [normalise(row[1]) for row in batch]
        known = _skus(set(keys))
        counted = [found for row, key in zip(batch, keys, strict=True) if (found := self._row(row, key, known))]
        system = system_at([(one.sku_id, one.warehouse_id) for one in counted], self.document, self._moved)
        lines = [line for one in counted if (line := self._line(one, *system[one.sku_id, one.warehouse_id]))]
        self.taken += len(lines)
        return lines

    def _row(self, row: Row, key: str, known: dict[str, tuple[int, str]]) -> Counted | None:
        number, code, quantity, warehouse, cost = row
        place = self._place(number, warehouse)
        if key not in known:
            self._refuse(number, _("SKU code"), unknown_sku(code, key))
            return None
        sku_id, kind = known[key]
        if kind != Sku.Kind.STOCKED:
            text = (
                _("“%(code)s” is a bundle: count its parts")
                if kind == Sku.Kind.BUNDLE
                else _("“%(code)s” has no stock")
            )
            self._refuse(number, _("SKU code"), text % {"code": code})
            return None
        if place is None:
            return None
        first = self._seen.setdefault((sku_id, place), number)
        if first != number:
            text = _("“%(code)s” stands in row %(row)s already") % {"code": code, "row": first}
            self._refuse(number, _("SKU code"), text)
            return None
        return Counted(number, code, sku_id, place, quantity, cost)

    def _place(self, number: int, code: str | None) -> int | None:
        """The warehouse of a row: its own, else the one chosen for the whole count; both must not disagree."""
        chosen = self.document.warehouse_id
        if not code:
            if chosen is None:
                self._refuse(number, _("warehouse"), _("is empty, and no warehouse was chosen for the file"))
            return chosen
        place = self.places.get(code.casefold())
        if place is None:
            self._refuse(number, _("warehouse"), _("“%(code)s” is not one of your warehouses") % {"code": code})
            return None
        if chosen is not None and place.id != chosen:
            self._refuse(number, _("warehouse"), _("“%(code)s” is not the warehouse chosen above") % {"code": code})
            return None
        return place.id

    def _line(self, one: Counted, system: int, on_hand: int, reserved: int) -> tuple[Any, ...] | None:
        difference = one.quantity - system
        if on_hand + difference < reserved:
            text = _("%(there)s would be left, but %(reserved)s are reserved for orders. Release or ship them first.")
            there, held = _plain(on_hand + difference), _plain(reserved)
            self._refuse(one.row, _("counted quantity"), text % {"there": there, "reserved": held})
            return None
        self.differing += difference != 0
        cost = one.cost if difference > 0 else None
        return (self.document.pk, one.row, one.sku_id, one.warehouse_id, system, one.quantity, difference, cost)

    def _refuse(self, row: int, place: str, what: str) -> None:
        self.refused += 1
        if len(self.problems) < 1_000:
            self.problems.append(RowProblem(row, place, what))


def _plain(stored: int) -> str:
    return f"{stored / 1000:g}"


def _skus(keys: Collection[str]) -> dict[str, tuple[int, str]]:
    condition, parameters = sets.among("code_key", [key for key in keys if key])
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT code_key, id, kind FROM inventory_sku WHERE {condition}", parameters)  # noqa: S608
        return {key: (pk, kind) for key, pk, kind in cursor.fetchall()}


def unknown_sku(code: str, key: str) -> str:
    """The sentence for an unknown code: which one was meant when Excel has eaten leading zeros, and of a number in its
    shortened writing that digits are gone.
    """
    if key.isdecimal():
        padded = [key.zfill(len(key) + zeros) for zeros in range(1, LEADING_ZEROS + 1)]
        meant = Sku.objects.filter(code_key__in=padded).values_list("code", flat=True).first()
        if meant:
            text = _(
                "“%(code)s” is not a SKU. Excel has probably taken the zeros off “%(meant)s”: format the column as text"
            )
            return text % {"code": code, "meant": meant}
    if SHORTENED.fullmatch(key):
        return str(CELLS["digits_lost"]) % {"value": code}
    return _("“%(code)s” is not a SKU") % {"code": code}


def problems_of(reading: SheetReading, found: Iterable[RowProblem]) -> list[RowProblem]:
    """Return the faults of a sheet: what its reading found, and what was `found` of its rows, each with its column."""
    named = [RowProblem(one.row, one.place, one.what) for one in reading.problems]
    return [*named, *(dataclasses.replace(one, place=reading.place_of(one.place)) for one in found)]


# --- the system at the moment of the count ---------------------------------------------------------------------------

# Goods that moved after the count are not in it: what counts is when they moved, not when we heard of it.
MOVED = """coalesce((
  SELECT sum(e.quantity) FROM inventory_stockentry e
  WHERE e.sku_id = w.sku_id AND e.warehouse_id = w.warehouse_id AND e.bucket = 1
    AND e.recorded_at > %s AND e.occurred_at > %s
), 0)"""
System = tuple[int, int, int]  # (on hand at the count's moment, on hand now, reserved now), stored integers


def system_at(pairs: Iterable[Pair], document: StockDocument, moved: bool) -> dict[Pair, System]:
    """Return what the system says of each pair in one query; `moved` False when nothing has happened since."""
    wanted = list(pairs)
    if not wanted:
        return {}
    source, parameters = sets.pairs_source(wanted)
    since = MOVED if moved else "0"
    if moved:
        moment = _moment(document)
        parameters = [moment, moment, *parameters]
    sql = (
        f"SELECT w.sku_id, w.warehouse_id, coalesce(b.on_hand, 0) - {since}, coalesce(b.on_hand, 0), "  # noqa: S608
        f"coalesce(b.reserved, 0) FROM {source} LEFT JOIN inventory_balance b "
        "ON b.sku_id = w.sku_id AND b.warehouse_id = w.warehouse_id"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return {(row[0], row[1]): (int(row[2]), row[3], row[4]) for row in cursor.fetchall()}


def moved_since(moment: Any) -> bool:
    """True when one of the newest entries is younger than this moment (as the database holds it): then each pair is
    looked at.
    """
    sql = (
        "SELECT count(*) FROM (SELECT recorded_at FROM inventory_stockentry ORDER BY id DESC LIMIT %s) AS newest "
        "WHERE recorded_at > %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [RECENT, moment])
        return bool(cursor.fetchone()[0])


def _moment(document: StockDocument) -> Any:
    return connection.ops.adapt_datetimefield_value(document.counted_at)


def moved_lines(document: StockDocument) -> list[tuple[int, int, int]]:
    """Return (line id, system now, counted) of the lines whose system figure is no longer what the preview said."""
    moment = _moment(document)
    moved = moved_since(moment)
    now = f"coalesce(b.on_hand, 0) - {MOVED if moved else '0'}"
    sql = (
        f"SELECT w.id, {now}, w.counted_quantity FROM inventory_stockdocumentline w LEFT JOIN inventory_balance b "  # noqa: S608
        "ON b.sku_id = w.sku_id AND b.warehouse_id = w.warehouse_id "
        f"WHERE w.document_id = %s AND w.counted_quantity IS NOT NULL AND w.system_quantity <> {now}"
    )
    moments = [moment, moment] if moved else []
    with connection.cursor() as cursor:
        cursor.execute(sql, [*moments, document.pk, *moments])
        return [(row[0], int(row[1]), row[2]) for row in cursor.fetchall()]


def refresh(document: StockDocument) -> int:
    """Bring the lines to what the system says now; returns how many changed."""
    rows = [(pk, now, counted - now) for pk, now, counted in moved_lines(document)]
    if rows:
        bulk.update_rows(StockDocumentLine, ["id"], ["system_quantity", "difference"], rows, prepared=True)
    return len(rows)
