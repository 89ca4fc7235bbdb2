"""The files people really bring, whatever programme wrote them, through the whole import."""

import datetime as dt
import io
import time
import zipfile
from decimal import Decimal as D
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl import Workbook

from backoffice.models import ImportRow, ImportRun
from backoffice.spreadsheets.reading import FileRefused
from inventory.models import Sku
from tests.backoffice.sheets.foreign import bomb, entity, far_cell, ten_million_rows
from tests.backoffice.sheets.kit import repacked
from tests.inventory.importing.conftest import counts, csv, said, upload, xlsx

pytestmark = pytest.mark.django_db
SKUS = "inventory.skus"
CHINESE = "编码,名称,价格\n00123,衬衫,9.5\n-12,帽子,\n"


def by_openpyxl(rows, hidden=(), **sheets):
    """A workbook as openpyxl writes it; `sheets` come before the one with the rows."""
    book = Workbook()
    book.remove(book.active)
    for name, lines in (sheets | {"Goods": rows}).items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(line)
        sheet.sheet_state = "hidden" if name in hidden else "visible"
    target = io.BytesIO()
    book.save(target)
    return SimpleUploadedFile("goods.xlsx", target.getvalue())


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_chinese_csv_in_any_encoding(take, encoding):
    take(SKUS, file=csv(CHINESE, encoding=encoding))
    assert list(Sku.objects.order_by("pk").values_list("code", "name", "list_price")) == [
        ("00123", "衬衫", D("9.5")), ("-12", "帽子", None),
    ]  # fmt: skip


def test_headers_in_any_order_below_title_rows_with_totals_at_the_bottom(take):
    rows = [
        ("某某公司商品表",), ("2026-11-30 导出",), (), ("价格（元）", "备注", "商品名称", "商品编码*"),
        ("9.5", "x", "衬衫", "A"), ("１２", "y", "帽子", "Ｂ－１"), ("21.5", None, None, "合计："),
    ]  # fmt: skip
    run = take(SKUS, file=by_openpyxl(rows))
    assert (counts(run), run.totals_left_out) == ((2, 0, 0, 0), 1)
    assert list(Sku.objects.order_by("pk").values_list("code", "list_price")) == [("A", D("9.5")), ("B-1", D(12))]


def test_merged_title_rows_are_no_header(take):
    book = Workbook()
    for line in (("Price list of autumn", None, None), ("SKU code", "name", "list price"), ("A", "Shirt", 9)):
        book.active.append(line)
    book.active.merge_cells("A1:C1")
    target = io.BytesIO()
    book.save(target)
    assert counts(take(SKUS, file=SimpleUploadedFile("m.xlsx", target.getvalue()))) == (1, 0, 0, 0)


def test_a_hidden_sheet_is_left_alone(take):
    header = ("SKU code", "name")
    take(SKUS, file=by_openpyxl([header, ("SHOWN", "x")], hidden=("Old",), Old=[header, ("HIDDEN", "x")]))
    assert list(Sku.objects.values_list("code", flat=True)) == ["SHOWN"]


def test_codes_that_a_spreadsheet_ruins_are_refused_with_the_reason(look):
    header = ("SKU code", "name", "barcode")
    rows = [("A", "x", 6.9e12), ("B", "x", "6.9E+12"), (dt.date(2026, 3, 4), "x", None), ("C", "x", 6901234567892)]
    run = look(SKUS, file=by_openpyxl([header, *rows]))
    wrong = said(run)
    assert sorted(wrong) == [3, 4]
    assert "digits are lost. Format the column as text" in wrong[3]
    assert "Excel has turned the code into a date" in wrong[4]
    assert run.rows.get(row=5).changes["barcode"] == [None, "6901234567892"]


def test_a_formula_counts_with_its_saved_result_and_without_one_it_is_named(look):
    header = ("SKU code", "name", "list price")
    with_result = xlsx([header, ("A", "x", 9)])
    part = "xl/worksheets/sheet1.xml"
    xml = zipfile.ZipFile(io.BytesIO(with_result.read())).read(part)
    with_result.seek(0)
    formula = repacked(with_result, {part: xml.replace(b"<v>9</v>", b"<f>3*3</f><v>9</v>")})
    assert look(SKUS, file=formula).rows.get(row=2).changes["list_price"] == [None, "9"]
    bare = look(SKUS, file=by_openpyxl([header, ("A", "x", "=3*3")]))  # openpyxl computes nothing
    assert said(bare) == {2: "is a formula whose result was not saved. Open the file in Excel or WPS and save it."}


def test_numbers_as_text_and_full_width_characters(take):
    header = ("SKU code", "name", "list price", "weight (g)", "active")
    take(SKUS, file=by_openpyxl([header, ("Ａ-１", "x", "1,234.5", "２５０", "是")]))
    item = Sku.objects.get()
    assert (item.code, item.list_price, item.weight_g, item.active) == ("A-1", D("1234.5"), 250, True)


def test_the_index_that_pandas_writes_in_front_is_no_column_of_ours(take):
    rows = [(None, "SKU code", "name", "list price"), (0, "00123", "Shirt", 9.5), (1, "B", "Cap", float(12))]
    assert counts(take(SKUS, file=by_openpyxl(rows))) == (2, 0, 0, 0)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old Excel file"),
        ("x.numbers", b"PK\x03\x04" + b"\0" * 50, "neither"),
        ("x.csv", b"", "is empty"),
        ("x.xlsx", b"PK\x03\x04" + b"\0" * 50, "damaged"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(people, buyer, name, content, code):
    _run, answer = upload(people.client("buyer"), SKUS, SimpleUploadedFile(name, content))
    assert code in answer.content.decode()
    assert (Sku.objects.count(), ImportRow.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (lambda: bomb("xl/comments9.xml"), "packed_too_tightly"),
        (entity, "has_entities"),
        (far_cell, "far_cell"),
        (ten_million_rows, "far_cell"),
    ],
)
def test_a_hostile_workbook_is_refused_within_bounds(look, made, code):
    file = made()
    began = time.monotonic()
    with pytest.raises(FileRefused) as refusal:
        look(SKUS, file=file)
    assert refusal.value.code == code
    assert time.monotonic() - began < 20
    run = ImportRun.objects.get()
    assert (run.state, run.refusal, run.rows.count()) == ("failed", str(refusal.value), 0)


def test_more_rows_than_the_list_takes_are_refused_and_none_is_kept(look, monkeypatch):
    from inventory.importing.skus import SkuKind

    monkeypatch.setattr(SkuKind, "most_rows", 100)
    rows = [("SKU code", "name"), *((f"S{number}", "x") for number in range(150))]
    with pytest.raises(FileRefused) as refusal:
        look(SKUS, file=xlsx(rows))
    assert refusal.value.code == "too_many_rows"
    assert ImportRun.objects.get().state == "failed"


FILES = Path(__file__).parent / "files"  # one sheet of ours, saved by LibreOffice 7.4 in three formats


def saved(name):
    return SimpleUploadedFile(name, (FILES / name).read_bytes())


@pytest.mark.parametrize("name", ["by-libreoffice.xlsx", "by-libreoffice.csv"])
def test_what_libreoffice_saved_comes_in(take, name):
    """Merged title, Chinese headers, formulas with results, text and number barcodes, a hidden sheet, a total."""
    run = take(SKUS, file=saved(name))
    assert (counts(run), run.totals_left_out) == ((3, 0, 0, 0), 1)
    assert list(Sku.objects.order_by("pk").values_list("code", "name", "list_price", "weight_g")) == [
        ("00123", "衬衫", D("10.5"), 150), ("-12", "帽子", D(12), None), ("A-1", "袜子", D("12.5"), None),
    ]  # fmt: skip
    barcodes = Sku.objects.exclude(barcodes=None).order_by("pk").values_list("barcodes__code", flat=True)
    assert list(barcodes) == ["6901234567892", "6901234567893"]


def test_a_real_old_xls_is_refused_with_what_to_do(people, buyer):
    run, answer = upload(people.client("buyer"), SKUS, saved("by-libreoffice.xls"))
    assert "Open it in Excel or WPS and save it as .xlsx." in answer.content.decode()
    assert (run, Sku.objects.count()) == (None, 0)
