"""What goes out bites nobody and comes back as it was."""

import datetime as dt
import io
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backoffice.spreadsheets import writing
from backoffice.spreadsheets.delimited import rows_of
from backoffice.spreadsheets.schema import Column, SheetSchema
from backoffice.spreadsheets.writing import Out, write_csv, write_xlsx
from tests.backoffice.sheets.kit import SimpleUploadedFile, read

EVIL = [
    "=1+1",
    "==1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "＝1+1",
    "'=1",
    "''@x",
    "=cmd|' /C calc'!A0",
    "1E5",
    "00123",
]
TEXTS = SheetSchema([Column("id", "ID"), Column("text", "Text", required=False)])


def as_xlsx(columns, rows):
    target = io.BytesIO()
    write_xlsx(target, columns, rows)
    return target.getvalue()


def as_csv(columns, rows):
    target = io.BytesIO()
    write_csv(target, columns, rows)
    return target.getvalue()


def test_no_cell_of_a_workbook_is_ever_a_formula():
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx([Out("=title"), Out("T")], [[text, 1] for text in EVIL])))
    kinds = {cell.data_type for row in book.active.iter_rows() for cell in row}
    assert kinds == {"s"}


def test_dangerous_text_in_a_csv_starts_with_an_apostrophe():
    lines = as_csv([Out("T")], [[text] for text in EVIL if "\r" not in text]).decode("utf-8-sig").splitlines()
    assert all(line.lstrip('"')[0] == "'" for line in lines[1:-1])
    assert lines[-1] == "00123"


@pytest.mark.parametrize("write", [as_xlsx, as_csv])
def test_import_of_export_is_what_went_out(write):
    texts = [text for text in EVIL if text == text.strip()]
    content = write([Out("ID"), Out("Text")], [[str(i), text] for i, text in enumerate(texts, 1)])
    name = "x.xlsx" if write is as_xlsx else "x.csv"
    rows, _reading = read(SimpleUploadedFile(name, content), TEXTS)
    assert [row[2] for row in rows] == texts


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12), min_size=1, max_size=5))
def test_any_text_survives_a_csv(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    path.write_bytes(as_csv([Out(i) for i in range(len(cells) + 1)], [["id", *cells]]))
    expected = ["id", *(writing.CONTROL.sub("", cell) for cell in cells)]
    assert list(rows_of(path)[0])[1] == expected


def test_numbers_dates_and_long_numbers_keep_their_kind():
    columns = [Out("N", "number"), Out("M", "money"), Out("D", "date"), Out("L", "number")]
    at = dt.datetime(2026, 3, 31, 16, tzinfo=dt.UTC)
    book = openpyxl.load_workbook(
        io.BytesIO(as_xlsx(columns, [[Decimal("2.5"), Decimal("-19.99"), at, Decimal("12345678901234567.89")]]))
    )
    cells = list(book.active.iter_rows(min_row=2))[0]
    assert [cell.value for cell in cells] == [2.5, -19.99, dt.datetime(2026, 4, 1), "12345678901234567.89"]


def test_what_a_cell_cannot_hold_is_cut_and_marked_and_control_characters_go():
    rows = [["a\x00b\x1bc", "x" * 40_000]]
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx([Out("A"), Out("B")], rows)))
    a, b = (cell.value for cell in list(book.active.iter_rows(min_row=2))[0])
    assert (a, len(b), b[-1]) == ("abc", 32_767, "…")


def test_an_export_without_rows_has_its_header():
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx([Out("A")], [])))
    assert [[cell.value for cell in row] for row in book.active.iter_rows()] == [["A"]]


def test_a_sheet_that_is_full_goes_on_in_the_next(monkeypatch):
    monkeypatch.setattr(writing, "ROWS_PER_SHEET", 3)
    target = io.BytesIO()
    assert write_xlsx(target, [Out("A")], [[i] for i in range(7)], name="Orders [1]/x") == 7
    assert openpyxl.load_workbook(target).sheetnames == ["Orders  1  x", "Orders  1  x 2", "Orders  1  x 3"]


def test_many_rows_leave_the_memory_flat(tmp_path):
    import tracemalloc

    tracemalloc.start()
    write_xlsx(tmp_path / "big.xlsx", [Out("A"), Out("B", "number")], ((f"S{i}", i) for i in range(30_000)))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000
