"""Count sheets as people bring them back: ours saved by another program, or a list of their own making."""

import csv as csv_writer
import datetime as dt
import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone, translation
from openpyxl import load_workbook

from backoffice.errors import YikuError
from backoffice.spreadsheets.reading import FileRefused
from inventory.models import Sku, Stocktake, StocktakeCount, StocktakeSheet
from inventory.stocktakes import sheets, workbook
from tests.backoffice.sheets.foreign import KINDS, by_openpyxl, foreign_files, named, office, saved_as, with_results
from tests.backoffice.sheets.kit import csv as text
from tests.backoffice.sheets.kit import xlsx as by_xlsxwriter
from tests.inventory.factories import sku, stock

pytestmark = pytest.mark.django_db
FILES_ONLY = pytest.mark.sqlite  # what a file says is read before any database is asked: one pass is enough


def read(stocktake, file):
    return sheets.preview(stocktake=stocktake, file=file, user=None)


def told(sheet):
    """What was counted: code → quantity."""
    return {one.line.sku.code: one.quantity for one in sheet.counts.select_related("line__sku")}


def wrong(sheet):
    """What is wrong: (row, place) → sentence."""
    return {(one["row"], one["place"]): one["what"] for one in sheet.problems}


@pytest.fixture
def hall(w, a):
    """Goods with awkward codes, each with four pieces, beside ten of A."""
    for code in ("00123", "-12", "Ｂ－１", "M/L 4"):
        stock(sku(code), w, 4)
    return w


@FILES_ONLY
@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_chinese_list_in_any_encoding(hall, begun, encoding):
    made = read(begun(), text("库位,实盘数量,商品编码\nA-1,７,00123\n,3,-12\n,,A\n", encoding))
    assert (told(made), made.problems, made.uncounted) == ({"00123": 7, "-12": 3}, [], 1)


def test_titles_above_totals_below_hidden_sheets_and_columns_in_another_order(hall, begun):
    rows = [
        ("义乌总仓 十一月盘点", None, None), (), ("备注", "实盘数", "商品编码*"),
        (None, "1,234.5", "A"), ("少一件", " ３ ", "ｂ-1"), (None, "1237.5", "合计"),
    ]  # fmt: skip
    made = read(begun(), by_openpyxl(rows, hidden=[("SKU code", "counted quantity"), ("00123", 99)], merged="A1:C1"))
    assert (told(made), made.problems) == ({"A": 1234.5, "Ｂ－１": 3}, [])


def test_codes_a_spreadsheet_ruins_are_named_and_codes_as_numbers_count(hall, begun):
    stock(sku("6901234567892"), hall, 4)
    head = ("SKU code", "counted quantity")
    rows = [head, (6901234567892, 5), ("6.90E+12", 1), (6.9e12, 1), (dt.date(2026, 3, 4), 1)]
    made = read(begun(), by_openpyxl(rows))
    assert told(made) == {"6901234567892": 5}
    said = {row: what for (row, _place), what in wrong(made).items()}
    assert set(said) == {3, 4, 5}
    assert "digits are lost" in said[3]
    assert "date" in said[5]


def test_figures_that_are_no_count_are_named_by_row_and_column(hall, begun):
    rows = [
        ("SKU code", "counted quantity"),
        ("A", -1),
        ("00123", "many"),
        ("-12", 1.23456),
        ("NOBODY", 1),
        ("M/L 4", 2),
    ]
    with translation.override("zh-hans"):
        made = read(begun(), by_openpyxl(rows))
    assert (told(made), [row for row, _place in wrong(made)]) == ({"M/L 4": 2}, [2, 3, 4, 5])
    assert [place[:3] for _row, place in wrong(made)] == ["B (", "B (", "B (", "A ("]  # the unknown SKU too
    assert all(not what.isascii() for what in wrong(made).values())
    with pytest.raises(YikuError, match="4"):
        sheets.take(sheet_id=made.pk, user=None)


def test_a_formula_counts_with_its_saved_result_and_is_named_without_one(hall, begun):
    head = ("SKU code", "counted quantity")
    counting = begun()
    saved = with_results(by_openpyxl([head, ("A", 9)]), {9: "3*3"})
    assert told(read(counting, saved)) == {"A": 9}
    bare = read(counting, by_openpyxl([head, ("A", "=3*3")]))
    [(row, what)] = [(row, what) for (row, _place), what in wrong(bare).items()]
    assert row == 2
    assert "result was not saved" in what


def test_the_moment_of_a_row_as_a_date_of_the_spreadsheet(hall, begun):
    counting = begun()
    at = timezone.localtime(counting.snapshot_at).replace(microsecond=0, tzinfo=None)
    rows = [("SKU code", "counted quantity", "counted at"), ("A", 1, at), ("00123", 1, f"{at:%Y/%m/%d %H:%M:%S}")]
    made = read(counting, by_openpyxl(rows))
    assert made.problems == []
    assert {timezone.localtime(one.counted_at).replace(tzinfo=None) for one in made.counts.all()} == {at}


def test_a_sheet_of_another_stocktake_or_warehouse_is_said_row_by_row(hall, begun):
    rows = [
        ("SKU code", "counted quantity", "warehouse", "stocktake"),
        ("A", 1, "W", "PD999999"),
        ("-12", 1, "OTHER", None),
    ]
    made = read(begun(), by_openpyxl(rows))
    assert (told(made), [row for row, _place in wrong(made)]) == ({}, [2, 3])


def ours(stocktake):
    """Our own sheet, filled in: three of everything."""
    file = io.BytesIO()
    workbook.write(file, stocktake, system=False)
    book = load_workbook(file)
    page = book.active
    names = [cell.value for cell in page[1]]
    at = names.index("counted quantity") + 1
    for row in range(2, page.max_row + 1):
        page.cell(row, at).value = 3
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def test_no_cell_of_our_sheet_begins_a_formula_and_every_code_comes_back(hall, begun):
    stock(sku("=1+1"), hall, 4)
    stock(sku("+49"), hall, 4)
    Sku.objects.filter(code="+49").update(name="@SUM(A1)")
    counting = begun()
    content = ours(counting)
    cells = [cell for row in load_workbook(io.BytesIO(content)).active.iter_rows() for cell in row]
    assert not [cell.coordinate for cell in cells if cell.data_type == "f"]
    made = read(counting, SimpleUploadedFile("count.xlsx", content))
    assert made.problems == []
    assert told(made) == dict.fromkeys(["A", "00123", "-12", "Ｂ－１", "M/L 4", "=1+1", "+49"], 3)


@office
@FILES_ONLY
@pytest.mark.parametrize("kind", KINDS)
def test_our_sheet_comes_back_from_libreoffice_or_is_refused_in_a_sentence(hall, begun, tmp_path, kind):
    counting = begun()
    file = saved_as(ours(counting), kind, tmp_path)
    if kind in ("xls", "ods"):
        with pytest.raises(FileRefused, match="xlsx"):
            read(counting, file)
        return
    made = read(counting, file)
    assert (made.problems, told(made)) == ([], dict.fromkeys(["A", "00123", "-12", "Ｂ－１", "M/L 4"], 3))


def test_a_list_as_a_program_writes_it(hall, begun):
    """xlsxwriter; as pandas does it, an index in front; csv with quotes, semicolons and a last empty line."""
    counting = begun()
    assert told(read(counting, by_xlsxwriter([("SKU code", "counted quantity"), ("-12", 3), ("A", 1.5)]))) == {
        "-12": 3,
        "A": 1.5,
    }
    rows = [(None, "SKU code", "counted quantity"), (0, "00123", 3.0), (1, "A", float(12))]
    assert told(read(counting, by_openpyxl(rows))) == {"00123": 3, "A": 12}
    target = io.StringIO()
    writer = csv_writer.writer(target, delimiter=";", quoting=csv_writer.QUOTE_ALL, lineterminator="\n")
    writer.writerows([("SKU code", "counted quantity"), ("M/L 4", "2"), ("-12", "1"), ()])
    assert told(read(counting, text(target.getvalue()))) == {"M/L 4": 2, "-12": 1}


def uploaded(content, name, counting, client):
    """Through the page; returns the sheet, None for a file that is refused on the form itself."""
    page = reverse("admin:inventory_stocktake_upload", args=[counting.pk])
    answer = client.post(page, {"file": SimpleUploadedFile(name, content)}, follow=True)
    assert answer.status_code == 200
    assert not StocktakeCount.objects.filter(active=True).exists()
    kept = StocktakeSheet.objects.first()
    if kept is None:
        assert answer.context["form"].errors["file"]
        return None
    assert kept.state in ("preview", "failed")
    assert (kept.state == "failed") <= bool(kept.problems)
    assert kept.problem_count == 0 or all(one["what"] for one in kept.problems)
    return kept


@pytest.fixture
def client_of(person, people):
    person("warehouse_clerk")
    return people.client("warehouse_clerk")


@FILES_ONLY
@pytest.mark.parametrize("path", foreign_files(".csv", ".txt", ".xls", ".xlsx", ".xlsm", ".xml", ".json"), ids=named)
def test_a_bad_file_is_a_sentence_on_the_page_and_leaves_nothing(path, hall, begun, client_of):
    counting = begun()
    kept = uploaded(path.read_bytes(), path.name, counting, client_of)
    assert kept is None or not kept.row_count  # none of them lists goods of ours
    assert (Stocktake.objects.get().counted_count, counting.lines.count()) == (0, counting.line_count)


@pytest.mark.parametrize("path", foreign_files(".csv"), ids=named)
def test_rows_of_a_bad_file_under_our_headers_are_named_one_by_one_and_do_not_count(path, hall, begun, client_of):
    """The corpus knows none of our columns; with our header above it, its rows are judged one by one."""
    rest = path.read_bytes()
    codec = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(rest[:2], "ascii")
    mark = rest[:2] if codec != "ascii" else b""
    head = "SKU code,counted quantity,x,y,z\nNOBODY,1,,,\n-12,2,,,\n".encode(codec)
    kept = uploaded(mark + head + rest.removeprefix(mark), path.name, begun(), client_of)
    if kept.state == "failed":  # what no table may hold is named by its line
        assert re.search(r"Line \d+ ", kept.problems[0]["what"])
        return
    told_of = {one["row"]: one for one in kept.problems}
    assert told_of[2]["place"] == "A (SKU code)"
    assert kept.row_count == 1
    with pytest.raises(YikuError):
        sheets.take(sheet_id=kept.pk, user=None)
    sheets.take(sheet_id=kept.pk, user=None, without_bad_rows=True)
    assert list(StocktakeCount.objects.filter(active=True).values_list("line__sku__code", "quantity")) == [("-12", 2)]


def test_a_sheet_in_which_nothing_is_counted_says_so(hall, begun, client_of):
    counting = begun()
    page = reverse("admin:inventory_stocktake_upload", args=[counting.pk])
    file = SimpleUploadedFile("count.csv", b"SKU code,counted quantity\n")
    shown = client_of.post(page, {"file": file}, follow=True).content.decode()
    assert "Nothing was counted in this sheet." in shown
    assert 'value="take"' not in shown
