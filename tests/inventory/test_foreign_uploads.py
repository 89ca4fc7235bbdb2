"""The uploads of stock (the simple count, opening stock, transfers) with files as people really bring them."""

import datetime as dt
import io
import itertools
from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation
from openpyxl import load_workbook

from backoffice.imports import applying, reading
from backoffice.spreadsheets.reading import FileRefused
from inventory import counts, resources
from inventory.counts import CountOrder
from inventory.models import Access, Balance, Sku, Tracking, Transfer, TransferLine
from tests.backoffice.sheets.foreign import (
    KINDS,
    bomb,
    by_openpyxl,
    entity,
    far_cell,
    foreign_files,
    named,
    office,
    saved_as,
    ten_million_rows,
    with_results,
)
from tests.backoffice.sheets.kit import csv as text
from tests.backoffice.sheets.kit import xlsx as by_xlsxwriter
from tests.inventory.factories import sku, stock, warehouse
from tests.inventory.importing.conftest import said
from tests.inventory.lots.conftest import tracked

pytestmark = pytest.mark.django_db
FILES_ONLY = pytest.mark.sqlite  # what a file says is read before any database is asked: one pass is enough
NUMBERS = itertools.count(1)  # each row a document of its own
CODES = ("00123", "-12", "Ｂ－１", "M/L 4", "6901234567892")


class Count:
    """The simple count of one warehouse."""

    header = ("实盘数量", "备注", "商品编码*")

    def __init__(self, user):
        self.user, self.place = user, warehouse("HERE")

    def row(self, number, code, quantity):
        return quantity, f"n{number}", code

    def read(self, file):
        """What is wrong: row → (column, sentence)."""
        order = CountOrder(warehouse_id=self.place.pk)
        self.document = counts.preview(file=file, order=order, user=self.user)
        return {one["row"]: (one["place"], one["what"]) for one in self.document.problems}

    def take(self):
        """Post the good rows; what came of them: code → quantity."""
        if self.document.line_count:
            counts.post(document_id=self.document.pk, user=None, without_bad_rows=True)
        return {one.sku.code: one.on_hand for one in Balance.objects.select_related("sku").exclude(on_hand=0)}

    def out(self):
        file = io.BytesIO()
        resources.export_count_sheet(file, self.place)
        return file.getvalue()


class Import:
    """A list that goes through the frame of imports."""

    def __init__(self, user):
        self.user = user
        warehouse("HERE"), warehouse("THERE")

    def read(self, file):
        self.run = reading.preview(kind=self.key, user=self.user, file=file)
        places = {row.row: [one[0] for one in row.problems] for row in self.run.rows.filter(outcome="bad")}
        return {row: (places[row][0], what) for row, what in said(self.run).items()}

    def applied(self):
        if self.run.new_count:
            applying.apply(run_id=self.run.pk, user=self.user, skip_bad=True)


class Opening(Import):
    key, header = "inventory.opening", ("期初数量", "备注", "商品编码*", "仓库")

    def row(self, number, code, quantity):
        return quantity, f"n{number}", code, "HERE"

    def take(self):
        self.applied()
        return {one.sku.code: one.on_hand for one in Balance.objects.select_related("sku").exclude(on_hand=0)}


class Transfers(Import):
    key, header = "inventory.transfers", ("数量", "调出仓库", "商品编码*", "调入仓库", "单号")

    def row(self, number, code, quantity):
        return quantity, "HERE", code, "THERE", f"n{number}"

    def take(self):
        self.applied()
        return {one.sku.code: one.quantity for one in TransferLine.objects.select_related("sku")}


@pytest.fixture
def owner(people):
    Access.objects.create(user=people["owner"], all_shops=True, all_warehouses=True)
    return people["owner"]


@pytest.fixture(params=[Count, Opening, Transfers], ids=["count", "opening", "transfers"])
def upload(request, owner, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    for code in CODES:
        sku(code)
    return request.param(owner)


def table(upload, *rows):
    """Header and rows, from codes and quantities."""
    return [upload.header, *(upload.row(next(NUMBERS), *row) for row in rows)]


def as_text(rows):
    return "\n".join(",".join("" if cell is None else str(cell) for cell in row) for row in rows) + "\n"


@FILES_ONLY
@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_chinese_csv_in_any_encoding(upload, encoding):
    rows = table(upload, ("00123", "７"), ("-12", 3), ("ｂ-1", "1.5"))
    assert upload.read(text(as_text(rows), encoding)) == {}
    assert upload.take() == {"00123": 7, "-12": 3, "Ｂ－１": D("1.5")}


def test_titles_above_totals_below_hidden_sheets_and_columns_in_another_order(upload):
    width = len(upload.header)
    rows = table(upload, ("00123", "1,234.5"), ("ｂ-1", " ３ "), ("M/L 4", 2))
    total = [1239.5, *[None] * (width - 1)]
    total[2] = "合计"
    rows = [("义乌总仓 十一月", *[None] * (width - 1)), (), *rows, total]
    assert upload.read(by_openpyxl(rows, hidden=table(upload, ("-12", 99)), merged="A1:C1")) == {}
    assert upload.take() == {"00123": D("1234.5"), "Ｂ－１": 3, "M/L 4": 2}


def test_codes_a_spreadsheet_ruins_are_named_and_codes_as_numbers_come_in(upload):
    rows = table(
        upload, (6901234567892, 5), ("6.90E+12", 1), (6.9e12, 1), (dt.date(2026, 3, 4), 1), (123, 1), (1.23e18, 1)
    )
    wrong = upload.read(by_openpyxl(rows))
    assert sorted(wrong) == [3, 4, 5, 6, 7]
    assert "digits are lost" in wrong[3][1]
    assert wrong[4][1] == "“6900000000000” is not a SKU"
    assert "date" in wrong[5][1]
    assert wrong[6][1].startswith("“123” is not a SKU. Excel has probably taken the zeros off “00123”")
    assert "digits are lost" in wrong[7][1]
    assert upload.take() == {"6901234567892": 5}


def test_a_csv_from_excel_with_a_ruined_code(upload):
    wrong = upload.read(text(as_text(table(upload, ("6.90E+12", 1), ("00123", 2))), "gbk"))
    assert list(wrong) == [2]
    assert "digits are lost" in wrong[2][1]
    assert upload.take() == {"00123": 2}


def test_figures_that_are_none_are_named_by_row_in_the_readers_language(upload):
    rows = table(upload, ("00123", -1), ("-12", "many"), ("M/L 4", 1.23456), ("NOBODY", 1), ("Ｂ－１", "2"))
    with translation.override("zh-hans"):
        wrong = upload.read(by_openpyxl(rows))
    assert sorted(wrong) == [2, 3, 4, 5]
    assert all(what and not what.isascii() for _place, what in wrong.values())
    assert upload.take() == {"Ｂ－１": 2}


def test_a_formula_comes_in_with_its_saved_result_and_is_named_without_one(upload):
    rows = table(upload, ("00123", 97), ("-12", 4))
    assert upload.read(with_results(by_openpyxl(rows), {97: "100-3"})) == {}
    assert upload.take() == {"00123": 97, "-12": 4}
    wrong = upload.read(by_openpyxl(table(upload, ("M/L 4", "=3*3"), ("Ｂ－１", 1))))
    assert list(wrong) == [2]
    assert "result was not saved" in wrong[2][1]


@office
@FILES_ONLY
@pytest.mark.parametrize("kind", KINDS)
def test_what_libreoffice_saved_comes_in_or_is_refused_in_a_sentence(upload, tmp_path, kind):
    content = by_openpyxl(table(upload, *((code, 3) for code in CODES))).read()
    file = saved_as(content, kind, tmp_path)
    if kind in ("xls", "ods"):
        with pytest.raises(FileRefused, match="xlsx"):
            upload.read(file)
        return
    assert upload.read(file) == {}
    assert upload.take() == dict.fromkeys(CODES, 3)


@FILES_ONLY
@pytest.mark.parametrize(
    ("made", "code"),
    [
        (lambda: SimpleUploadedFile("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600), "old_excel"),
        (lambda: bomb("xl/comments9.xml"), "packed_too_tightly"),
        (entity, "has_entities"),
        (far_cell, "far_cell"),
        (ten_million_rows, "far_cell"),
    ],
    ids=["xls", "bomb", "entity", "far cell", "ten million rows"],
)
def test_an_old_or_hostile_workbook_is_refused_and_leaves_nothing(upload, made, code):
    with pytest.raises(FileRefused) as refusal:
        upload.read(made())
    assert refusal.value.code == code
    assert not Balance.objects.exists()
    assert not Transfer.objects.exists()


def tried(upload, name, content):
    """The faults of a file, and the refusal of one that cannot be read."""
    try:
        return upload.read(SimpleUploadedFile(name, content)), None
    except FileRefused as refusal:
        return {}, refusal


@FILES_ONLY
@pytest.mark.parametrize("path", foreign_files(".csv", ".txt", ".xls", ".xlsx", ".xlsm", ".xml", ".json"), ids=named)
def test_a_bad_file_is_a_sentence_or_faults_and_leaves_nothing(upload, path):
    wrong, refusal = tried(upload, path.name, path.read_bytes())
    assert refusal is None or str(refusal)
    assert all(what for _place, what in wrong.values())
    assert refusal or upload.take() == {}


@pytest.mark.parametrize("path", foreign_files(".csv"), ids=named)
def test_rows_of_a_bad_file_under_our_header_are_judged_one_by_one(upload, path):
    rest = path.read_bytes()
    codec = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(rest[:2], "ascii")
    mark = rest[:2] if codec != "ascii" else b""
    titles = ("quantity", "quantity", "quantity", "SKU code", "warehouse", "from", "to", "transfer number", "x")
    chinese = ("实盘数量", "期初数量", "数量", "商品编码*", "仓库", "调出仓库", "调入仓库", "单号", "备注")
    english = dict(zip(chinese, titles, strict=True))
    head = [[english[one] for one in upload.header], *table(upload, ("-12", 2), ("NOBODY", 1))[1:]]
    content = mark + as_text(head).encode(codec) + rest.removeprefix(mark)
    wrong, refusal = tried(upload, path.name, content)
    if refusal:  # what no table may hold is named by its line
        assert "Line" in str(refusal)
        return
    assert "NOBODY" in wrong[3][1]
    assert upload.take() == {"-12": 2}


@pytest.mark.parametrize("code", ["-12", "00123", "=1+1", "+49", "@SUM(A1)", "1.23E+12", "Ｂ－１"])
def test_the_sheet_to_count_by_comes_back_with_codes_a_spreadsheet_could_ruin(owner, settings, tmp_path, code):
    upload = Count(owner)
    made = Sku.objects.filter(code=code).first() or sku(code)
    stock(made, upload.place, 4)
    book = load_workbook(io.BytesIO(upload.out()))
    assert not [cell for row in book.active.iter_rows() for cell in row if cell.data_type == "f"]
    head = next(cells for cells in book.active.iter_rows() if "counted quantity" in [cell.value for cell in cells])
    at = [cell.value for cell in head].index("counted quantity") + 1
    book.active.cell(head[0].row + 1, at).value = 3
    target = io.BytesIO()
    book.save(target)
    assert upload.read(SimpleUploadedFile("c.xlsx", target.getvalue())) == {}
    assert upload.take() == {code: 3}


@pytest.mark.parametrize("code", ["-12", "00123", "=1+1", "+49", "1.23E+12"])
@pytest.mark.parametrize("made", [Opening, Transfers], ids=["opening", "transfers"])
@pytest.mark.parametrize("ending", ["xlsx", "csv"])
def test_what_we_give_out_comes_back_as_it_was(owner, people, settings, tmp_path, made, code, ending):
    settings.MEDIA_ROOT = tmp_path
    upload = made(owner)
    sku(code)
    assert upload.read(by_xlsxwriter(table(upload, (code, 3)))) == {}
    assert upload.take() == {code: 3}
    client = people.client("owner")
    data = b"".join(client.get(f"/admin/imports/{upload.key}/export/?as={ending}").streaming_content)
    assert upload.read(SimpleUploadedFile(f"out.{ending}", data)) == {}
    assert (upload.run.same_count, upload.run.new_count, upload.run.change_count) == (1, 0, 0)


def serial(day):
    """A date as the number of a spreadsheet."""
    return (day - dt.date(1899, 12, 30)).days


@pytest.mark.parametrize("shown", [dt.date(2027, 1, 15), serial(dt.date(2027, 1, 15)), "2027年1月15日", "2027/1/15",
                                   "２０２７－０１－１５", 20270115])  # fmt: skip
def test_dates_in_every_writing(owner, settings, tmp_path, shown):
    settings.MEDIA_ROOT = tmp_path
    transfers = Transfers(owner)
    sku("A")
    header = (*Transfers.header, "预计到货")
    assert transfers.read(by_openpyxl([header, (*transfers.row(1, "A", 3), shown)])) == {}
    assert transfers.take() == {"A": 3}
    assert Transfer.objects.get().expected_on == dt.date(2027, 1, 15)
    tracked("MILK", Tracking.EXPIRY)
    opening = Opening.__new__(Opening)
    opening.user = owner
    header = (*Opening.header, "批次", "到期日")
    assert opening.read(by_openpyxl([header, (*opening.row(1, "MILK", 3), "L1", shown)])) == {}
    opening.take()
    assert Sku.objects.get(code="MILK").lots.get(number="L1").expires_on == dt.date(2027, 1, 15)
