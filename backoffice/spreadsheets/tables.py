"""One face for a sheet of a workbook and a CSV: numbered rows, and where the header stands. No Django."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from backoffice.spreadsheets import delimited, workbook
from backoffice.spreadsheets.cells import is_empty
from backoffice.spreadsheets.limits import HEADER_WITHIN
from backoffice.spreadsheets.refusals import Refused
from backoffice.spreadsheets.schema import header_form


@dataclasses.dataclass(slots=True)
class Header:
    """Where the header is (row from 1; 0: nowhere), the place of each column from 0, and what is missing."""

    row: int
    places: dict[str, int]
    missing: list[str]
    headers: list[str]
    twice: str = ""  # a header that stands there twice


class Table:
    """Rows of one sheet, read once; the first rows are kept to look for the header."""

    def __init__(
        self,
        name: str,
        rows: Iterator[list[Any]],
        days_offset: int = 0,
        unread: set[str] | None = None,
        first_column: int = 0,
        mark: str = "",
    ):
        self.name = name
        self.first_column = first_column  # how many empty columns stand before the first cell of a row
        self.mark = mark  # what separates the cells of a CSV
        self.days_offset = days_offset
        self._unread = unread or set()
        self._rows = rows
        self._first = list(islice(rows, HEADER_WITHIN))

    def numbered(self) -> Iterator[tuple[int, list[Any]]]:
        """Yield (row number as the spreadsheet shows it, cells)."""
        yield from enumerate(self._first, start=1)
        yield from enumerate(self._rows, start=len(self._first) + 1)

    def first(self) -> Iterator[tuple[int, list[Any]]]:
        """Yield the numbered rows among which the header is looked for."""
        yield from enumerate(self._first, start=1)

    def has_unread_formula(self, row: int, place: int) -> bool:
        """True when the cell holds a formula whose result was never saved."""
        return bool(self._unread) and f"{letters(place + self.first_column)}{row}" in self._unread

    def header(self, columns: list[dict[str, Any]], either: Sequence[str] = ()) -> Header:
        """Return the row which names the most of the wanted columns; of `either` one will do."""
        best = Header(0, {}, _missing({}, columns, either), [])
        for number, row in enumerate(self._first, start=1):
            found = self._header_in(number, row, columns, either)
            if len(found.places) > len(best.places) or (not best.headers and found.headers):
                best = found
        return best

    def _header_in(self, number: int, row: list[Any], columns: list[dict[str, Any]], either: Sequence[str]) -> Header:
        forms = [header_form(cell) if isinstance(cell, str) else "" for cell in row]
        places: dict[str, int] = {}
        twice = ""
        for column in columns:
            name = next((name for name in column["names"] if name in forms), None)
            if name is not None:
                places[column["key"]] = forms.index(name)
                twice = str(row[forms.index(name)]) if forms.count(name) > 1 else twice
        missing = _missing(places, columns, either)
        shown = [str(cell)[:40] for cell in row if not is_empty(cell)]
        return Header(number, places, missing, shown[:20], twice)


def _missing(places: Mapping[str, int], columns: list[dict[str, Any]], either: Sequence[str]) -> list[str]:
    """The keys of the columns that must be there and are not; of `either` the first stands for all."""
    missing = [one["key"] for one in columns if one["required"] and one["key"] not in places]
    return missing if not either or any(key in places for key in either) else [either[0], *missing]


def tables_of(path: Path, kind: str, wanted: str) -> Iterator[Table]:
    """Yield the tables of a file in order: its visible sheets, or the one CSV. Raises Refused."""
    if kind == "csv":
        rows, mark = delimited.rows_of(path)
        yield Table("", rows, mark=mark)
        return
    yield from _sheets(path, wanted)


def _sheets(path: Path, wanted: str) -> Iterator[Table]:
    overview = workbook.look_over(path)
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

    try:
        book = CalamineWorkbook.from_path(str(path))
        for sheet in book.sheets_metadata:
            hidden = sheet.visible != SheetVisibleEnum.Visible or sheet.typ != SheetTypeEnum.WorkSheet
            if hidden or (wanted and header_form(sheet.name) != header_form(wanted)):
                continue
            unread = overview.unread_in(sheet.name)
            found = book.get_sheet_by_name(sheet.name)
            first_column = found.start[1] if found.start else 0  # empty columns before it are left out of the rows
            offset = 1462 if overview.counts_from_1904 else 0
            yield Table(sheet.name, found.iter_rows(), offset, unread, first_column)
    except PasswordError:
        raise Refused("encrypted") from None
    except (CalamineError, ValueError, OSError):
        raise Refused("damaged") from None


def letters(place: int) -> str:
    """Return the letters of a column: 0 → A, 26 → AA."""
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(65 + rest) + name
    return name
