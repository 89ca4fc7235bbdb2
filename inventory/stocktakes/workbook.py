"""The count sheet as a workbook: bins in walking order, a frozen header, only the figures to fill in unlocked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import IO, Any

import xlsxwriter
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice.spreadsheets.writing import Out, plain_text
from inventory import counts
from inventory.lots.saying import UNKNOWN_SIGN
from inventory.models import Barcode, Stocktake, StocktakeLine
from inventory.stocktakes import figures
from inventory.stocktakes.sheet_rows import BIN, EXPIRES, LOT, OF

PAGE = 2_000
# (title, width, may be typed in): the reader knows these titles in both languages.
COLUMNS = (
    (BIN.title, 12, False), (counts.SKU.title, 20, False), (_("name"), 34, False), (_("barcode"), 18, False),
    (counts.COUNTED.title, 16, True), (_("remark"), 24, True),
    (counts.WAREHOUSE.title, 12, False), (OF.title, 12, False),
)  # fmt: skip
LOTS = ((LOT.title, 20, False), (EXPIRES.title, 12, False))  # where tracked goods are counted
LOTS_AT = 4  # they stand before the figure
SYSTEM = (_("system"), 12, False)
ROOM = 50  # empty rows below, for lots nobody knew
OPTIONS = {
    "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
}  # fmt: skip


def write(target: IO[bytes], stocktake: Stocktake, *, system: bool) -> int:
    """Write the lines of the round that are still to be counted; `system` shows what the snapshot says.

    Returns the number of rows. Never shows the system's figure in a blind stocktake.
    """
    shown = system and not stocktake.blind
    lots = figures.by_lot(stocktake)
    columns = (*COLUMNS[:LOTS_AT], *(LOTS if lots else ()), *COLUMNS[LOTS_AT:], *((SYSTEM,) if shown else ()))
    book = xlsxwriter.Workbook(target, OPTIONS)
    try:
        sheet = book.add_worksheet(_now("Count"))
        looks = _looks(book)
        _head(sheet, columns, looks)
        return _body(sheet, stocktake, lots, shown, looks)
    finally:
        book.close()


def _looks(book: Any) -> dict[str, Any]:
    text = {"num_format": "@", "valign": "top"}
    return {
        "head": book.add_format({"bold": True, "bg_color": "#E5E7EB", "border": 1, "text_wrap": True}),
        "text": book.add_format(text),
        "open": book.add_format({"num_format": "0.###", "locked": False, "bg_color": "#FEF9C3", "border": 1}),
        "note": book.add_format({**text, "locked": False}),
        "number": book.add_format({"num_format": "#,##0.###", "valign": "top"}),
        "day": book.add_format({"num_format": "yyyy-mm-dd", "valign": "top"}),
        "open_day": book.add_format({"num_format": "yyyy-mm-dd", "valign": "top", "locked": False}),
    }


def _head(sheet: Any, columns: Any, looks: dict[str, Any]) -> None:
    sheet.freeze_panes(1, 2)
    sheet.repeat_rows(0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.protect("", {"autofilter": True, "sort": True, "format_columns": True, "format_rows": True})
    for place, (_title, width, _typed) in enumerate(columns):
        sheet.set_column(place, place, width, looks["text"])
    for place, (title, _width, _typed) in enumerate(columns):
        sheet.write_string(0, place, str(title), looks["head"])


def _body(sheet: Any, stocktake: Stocktake, lots: bool, shown: bool, looks: dict[str, Any]) -> int:
    number = 0
    place, reference = stocktake.warehouse.code, str(stocktake)
    at = LOTS_AT + (len(LOTS) if lots else 0)
    for number, (line, barcode) in enumerate(_lines(stocktake), 1):
        cells = (line.bin, line.sku.code, line.sku.name, barcode)
        for column, text in enumerate(cells):
            if text:
                sheet.write_string(number, column, plain_text(text), looks["text"])
        if lots and line.lot is not None:
            sheet.write_string(number, LOTS_AT, plain_text(line.lot.number or UNKNOWN_SIGN), looks["text"])
            if line.lot.expires_on:
                sheet.write_datetime(number, LOTS_AT + 1, line.lot.expires_on, looks["day"])
        sheet.write_blank(number, at, None, looks["open"])
        sheet.write_blank(number, at + 1, None, looks["note"])
        sheet.write_string(number, at + 2, place, looks["text"])
        sheet.write_string(number, at + 3, reference, looks["text"])
        if shown:
            sheet.write_number(number, at + 4, line.snapshot_quantity, looks["number"])
    last = number + _room(sheet, number, looks) if lots else number
    sheet.data_validation(
        1, at, max(last, 1), at,
        {"validate": "decimal", "criteria": ">=", "value": 0, "error_message": _now("A number, 0 or more.")},
    )  # fmt: skip
    return number


def _room(sheet: Any, after: int, looks: dict[str, Any]) -> int:
    """Leave rows to type in what stands in no row: a lot nobody knew. Returns how many."""
    for number in range(after + 1, after + ROOM + 1):
        for column in range(LOTS_AT + len(LOTS)):
            sheet.write_blank(number, column, None, looks["open_day" if column == LOTS_AT + 1 else "note"])
        sheet.write_blank(number, LOTS_AT + len(LOTS), None, looks["open"])
        sheet.write_blank(number, LOTS_AT + len(LOTS) + 1, None, looks["note"])
    return ROOM


def _lines(stocktake: Stocktake) -> Iterator[tuple[StocktakeLine, str]]:
    """The lines of the round that nobody counted yet, with the barcode of a single."""
    lines = figures.told(stocktake).filter(round=stocktake.round, counted_quantity=None)
    rows = iter(lines.order_by("walk", "sku__code_key", "id").iterator(PAGE))
    while page := list(islice(rows, PAGE)):
        bars = Barcode.objects.filter(sku__in=[line.sku_id for line in page], pack=None).order_by("-id")
        codes = dict(bars.values_list("sku_id", "code"))
        for line in page:
            yield line, codes.get(line.sku_id, "")


def write_result(
    target: IO[bytes], summary: Sequence[tuple[str, str]], columns: Sequence[Out], rows: Iterable[Sequence[Any]]
) -> int:
    """Write the sums on the first sheet and the differences on the second, those below zero in red; returns rows."""
    book = xlsxwriter.Workbook(target, OPTIONS)
    number = 0
    try:
        looks = _looks(book) | {
            "money": book.add_format({"num_format": "#,##0.00;[Red]-#,##0.00", "valign": "top"}),
            "number": book.add_format({"num_format": "#,##0.###;[Red]-#,##0.###", "valign": "top"}),
            "datetime": book.add_format({"num_format": "yyyy-mm-dd hh:mm", "valign": "top"}),
        }
        front = book.add_worksheet(_now("Result"))
        front.set_column(0, 1, 42, looks["text"])
        for line, (title, said) in enumerate(summary):
            front.write_string(line, 0, plain_text(title), looks["head"])
            front.write_string(line, 1, plain_text(said), looks["text"])
        sheet = book.add_worksheet(_now("Differences"))
        sheet.freeze_panes(1, 1)
        for place, column in enumerate(columns):
            sheet.set_column(place, place, column.width, looks[column.kind])
        for place, column in enumerate(columns):
            sheet.write_string(0, place, str(column.title), looks["head"])
        for number, row in enumerate(rows, 1):
            for place, (column, value) in enumerate(zip(columns, row, strict=True)):
                _cell(sheet, number, place, value, looks[column.kind])
    finally:
        book.close()
    return number


def _cell(sheet: Any, line: int, place: int, value: Any, look: Any) -> None:
    if value is None or value == "":
        return
    if isinstance(value, Decimal):
        sheet.write_number(line, place, value, look)
    elif isinstance(value, dt.datetime):
        sheet.write_datetime(line, place, timezone.make_naive(value), look)
    else:
        sheet.write_string(line, place, plain_text(value), look)
