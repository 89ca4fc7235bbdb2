"""Write sheets that open everywhere and bite nobody: text is text, never a formula; memory stays flat.

A CSV has no types, so a text that a spreadsheet would take for a formula (=, +, -, @, TAB, CR, also full-width) or
would shorten (1E5) gets an apostrophe in front; our reader takes exactly that one away again.
"""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import xlsxwriter
from django.utils import timezone

from backoffice.spreadsheets.limits import MOST_CHARACTERS

ROWS_PER_SHEET = 1_048_575  # and the header
SHEET_NAME = re.compile(r"[\[\]:*?/\\']")
NEEDS_ESCAPE = re.compile(r"'*(?:[=+\-@\t\r＝＋－＠]|\d(?:\.\d+)?[eE][+-]?\d)")
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
EXACT_DIGITS = 15  # what a spreadsheet's number holds; longer ones are written as text


@dataclasses.dataclass(frozen=True, slots=True)
class Out:
    """One column to write. `kind`: text, number, money, date, datetime; `width` in characters."""

    title: Any
    kind: str = "text"
    width: int = 16


FORMATS: dict[str, dict[str, Any]] = {
    "text": {"num_format": "@", "valign": "top"},
    "number": {"num_format": "#,##0.###", "valign": "top"},
    "money": {"num_format": "#,##0.00", "valign": "top"},
    "date": {"num_format": "yyyy-mm-dd", "valign": "top"},
    "datetime": {"num_format": "yyyy-mm-dd hh:mm", "valign": "top"},
}


def write_xlsx(target: Path | IO[bytes], columns: Sequence[Out], rows: Iterable[Sequence[Any]], name: str = "") -> int:
    """Write a workbook row by row (constant memory) and return the number of rows. More than a sheet holds goes on.

    Text cells have the text format, so that a code such as 00123 survives being edited in Excel.
    """
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": False,
    }
    book = xlsxwriter.Workbook(str(target) if isinstance(target, Path) else target, options)
    written = 0
    try:
        formats = {kind: book.add_format(look) for kind, look in FORMATS.items()}
        head = book.add_format({"bold": True, "bg_color": "#E5E7EB", "border": 1, "text_wrap": True})
        sheet: Any = None
        for row in rows:
            place = written % ROWS_PER_SHEET
            if place == 0:
                sheet = _new_sheet(book, name, columns, formats, head)
            _write_row(sheet, place + 1, row, columns, formats)
            written += 1
        if sheet is None:
            _new_sheet(book, name, columns, formats, head)
    finally:
        book.close()
    return written


def _new_sheet(book: Any, name: str, columns: Sequence[Out], formats: dict[str, Any], head: Any) -> Any:
    number = len(book.worksheets()) + 1
    plain = SHEET_NAME.sub(" ", name).strip()[:25]
    title = (f"{plain} {number}" if number > 1 else plain) if plain else None
    sheet = book.add_worksheet(title)
    sheet.freeze_panes(1, 0)
    for place, column in enumerate(columns):
        sheet.set_column(place, place, column.width, formats[column.kind])
    for place, column in enumerate(columns):
        sheet.write_string(0, place, str(column.title), head)
    return sheet


def _write_row(sheet: Any, line: int, row: Sequence[Any], columns: Sequence[Out], formats: dict[str, Any]) -> None:
    for place, (column, value) in enumerate(zip(columns, row, strict=True)):
        if value is None or value == "":
            continue
        form = formats[column.kind]
        if column.kind in ("number", "money") and _is_exact(value):
            sheet.write_number(line, place, value, form)
        elif isinstance(value, dt.date | dt.datetime):
            sheet.write_datetime(line, place, _naive(value), form)
        else:
            sheet.write_string(line, place, plain_text(value), formats["text"])


def _is_exact(value: Any) -> bool:
    """True when a spreadsheet's number can hold the value without changing it."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return False
    if isinstance(value, Decimal):
        return value.is_finite() and len(value.normalize().as_tuple().digits) <= EXACT_DIGITS
    return abs(value) < 10**EXACT_DIGITS


def _naive(value: dt.date | dt.datetime) -> dt.date | dt.datetime:
    """A spreadsheet knows no zones: the time as the reader's clock shows it."""
    if isinstance(value, dt.datetime) and value.tzinfo:
        return timezone.make_naive(value)
    return value


def plain_text(value: Any) -> str:
    """Return a cell's text: what XML cannot hold is left out, what a cell cannot hold is cut and marked."""
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    text = CONTROL.sub("", text)
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"


def csv_lines(columns: Sequence[Out], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """Yield a CSV piece by piece, for a streaming response: UTF-8 with a mark, so that Excel shows Chinese."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    yield b"\xef\xbb\xbf"
    writer.writerow([escaped(str(column.title)) for column in columns])
    for row in rows:
        writer.writerow([_csv_cell(value) for value in row])
        if buffer.tell() > 60_000:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def write_csv(target: IO[bytes], columns: Sequence[Out], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV into an open binary file."""
    for piece in csv_lines(columns, rows):
        target.write(piece)


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return _naive(value).isoformat(sep=" ", timespec="seconds")  # type: ignore[call-arg]
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    return escaped(CONTROL.sub("", str(value)))


def escaped(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run or shorten; `delimited` takes it away again."""
    return f"'{text}" if NEEDS_ESCAPE.match(text) else text
