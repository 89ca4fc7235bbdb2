"""Every list takes the files people really bring: encodings, titles, hidden sheets, totals, text for numbers, dates."""

import datetime as dt
import io
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl import Workbook

from backoffice.imports import reading
from backoffice.spreadsheets.reading import FileRefused
from inventory.models import Access, Sku
from tests.backoffice.sheets.foreign import bomb, entity, far_cell, ten_million_rows
from tests.backoffice.sheets.kit import repacked
from tests.inventory import factories as stock
from tests.inventory.importing.conftest import counts, csv, said, xlsx

pytestmark = pytest.mark.django_db
FILES = Path(__file__).parent / "files"
DAY = dt.date(2027, 1, 15)
GOODS = ("-12", "00123")
# list → header and two rows of text, as somebody in the office writes them
LISTS = {
    "inventory.products": (("品牌", "商品名称"), ("青岚", "盖碗"), ("青岚", "茶杯")),
    "inventory.skus": (("商品名称", "商品编码", "价格"), ("盖碗", "0099", "９８.5"), ("茶杯", "-77", "1,020")),
    "inventory.barcodes": (("条码", "商品编码"), ("06901234", "-12"), ("6901234567892", "00123")),
    "inventory.bundles": (("数量", "套装", "商品编码"), ("２", "SET", "-12"), ("1", "SET", "00123")),
    "inventory.opening": (("期初数量", "商品编码", "仓库"), ("1,200", "-12", "THERE"), ("７", "00123", "THERE")),
    "inventory.transfers": (("数量", "商品编码", "调出仓库", "调入仓库", "预计到货", "单号"),
                            ("1,200", "-12", "YW", "THERE", "2027年1月15日", "甲1"), ("７", "00123", "YW", "THERE",
                                                                                  "2027/1/15", "甲1")),
    "orders.suppliers": (("供应商名称", "供应商编码", "电话", "交期"), ("宁波亚麻", "00NB", "013800138000",
                                                          "１２"), ("苏州丝绸", "SZ", "0512-1", "9")),
    "orders.supplier_items": (("采购价", "商品编码", "供应商", "阶梯价"), ("3.5", "-12", "青岚陶瓷厂", "120=3"),
                              ("４", "00123", "QL", "")),
    "orders.purchases": (("数量", "商品编码", "供应商", "仓库", "单价", "预计到货", "采购单号"),
                         ("1,200", "-12", "QL", "YW", "￥3.5", "2027年1月15日", "甲1"), ("７", "00123",
                                                                                    "青岚陶瓷厂", "YW", "2",
                                                                                    "20270115", "甲1")),
    "orders.invoices": (("数量", "商品编码", "采购单号", "开票日期", "金额", "发票号"),
                        ("1,200", "-12", "PO-00001", "2026年11月5日", "￥4,200.00", "甲1"),
                        ("７", "00123", "po-00001", "2026/11/5", "１4", "甲1")),
}  # fmt: skip


@pytest.fixture
def owner(people, buyer):
    for code in GOODS:
        stock.sku(code)
    stock.sku("SET", kind="bundle")
    buyer.ordered(*((Sku.objects.get(code=code), 1_200, "3") for code in ("-12", "00123")))
    stock.warehouse("THERE")
    Access.objects.create(user=people["owner"], all_shops=True, all_warehouses=True)
    return people["owner"]


def text_of(key):
    lines = [[f'"{cell}"' if "," in cell else cell for cell in line] for line in LISTS[key]]
    return "\n".join(",".join(line) for line in lines) + "\n"


def odd_workbook(key):
    """A hidden sheet first, a merged title, an empty row, text for numbers, and a total at the bottom."""
    book = Workbook()
    hidden = book.active
    hidden.title, hidden.sheet_state = "旧", "hidden"
    for line in LISTS[key]:
        hidden.append(line)
    sheet = book.create_sheet("本月")
    header = LISTS[key][0]
    sheet.append(("青梧家居 2027 年 1 月", *[None] * (len(header) - 1)))
    sheet.merge_cells(start_row=1, end_row=1, start_column=1, end_column=len(header))
    sheet.append(())
    for line in LISTS[key]:
        sheet.append(line)
    sheet.append(("合计", *[None] * (len(header) - 1)))
    book.active = 1
    target = io.BytesIO()
    book.save(target)
    return SimpleUploadedFile("本月.xlsx", target.getvalue())


def look(user, key, file):
    return reading.preview(kind=key, user=user, file=file)


@pytest.mark.parametrize("key", LISTS)
@pytest.mark.parametrize("encoding", ["gbk", "utf-8-sig", "utf-16"])
def test_every_list_reads_a_csv_in_the_encodings_of_the_office(owner, key, encoding):
    run = look(owner, key, csv(text_of(key), encoding=encoding))
    assert (counts(run), said(run)) == ((2, 0, 0, 0), {})


@pytest.mark.parametrize("key", LISTS)
def test_every_list_reads_a_workbook_with_titles_hidden_sheets_and_totals(owner, key):
    run = look(owner, key, odd_workbook(key))
    assert (counts(run), said(run), run.sheet, run.totals_left_out) == ((2, 0, 0, 0), {}, "本月", 1)


@pytest.mark.parametrize("key", LISTS)
def test_every_list_reads_what_libreoffice_saved(owner, key):
    name = f"{key}.xlsx"
    run = look(owner, key, SimpleUploadedFile(name, (FILES / name).read_bytes()))
    assert (counts(run), said(run)) == ((2, 0, 0, 0), {})


@pytest.mark.parametrize("key", LISTS)
def test_every_list_refuses_an_old_xls_and_hostile_workbooks(owner, key):
    """The reader is one for all: each list goes through it and keeps nothing."""
    old = SimpleUploadedFile("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    for file, code in ((old, "old_excel"), (entity(), "has_entities"), (far_cell(), "far_cell")):
        with pytest.raises(FileRefused) as refusal:
            look(owner, key, file)
        assert refusal.value.code == code


@pytest.mark.parametrize(
    ("made", "code"), [(lambda: bomb("xl/x.xml"), "packed_too_tightly"), (ten_million_rows, "far_cell")]
)
def test_a_bomb_among_purchase_orders_is_refused(owner, made, code):
    with pytest.raises(FileRefused) as refusal:
        look(owner, "orders.purchases", made())
    assert refusal.value.code == code


def test_dates_as_serials_formulas_and_ruined_codes_in_purchase_orders(owner):
    """A date as serial and as text, a formula with its result, barcodes that lost their digits, lost zeros."""
    header = ("采购单号", "供应商", "仓库", "商品编码", "条码", "数量", "单价", "预计到货")
    serial = (DAY - dt.date(1899, 12, 30)).days
    book = xlsx((header, ("1", "QL", "YW", "-12", None, 5, 2, serial), ("2", "QL", "YW", "00123", None, 9, 2, None),
                 ("3", "QL", "YW", None, 6.9e12, 1, 2, None), ("4", "QL", "YW", None, "6.9E+12", 1, 2, None),
                 ("5", "QL", "YW", "123", None, 1, 2, None), (6.0, "QL", "YW", "-12", None, "5", 2,
                                                              str(DAY))))  # fmt: skip
    part = "xl/worksheets/sheet1.xml"
    xml = zipfile.ZipFile(io.BytesIO(book.read())).read(part)
    book.seek(0)
    with_formula = repacked(book, {part: xml.replace(b"<v>9</v>", b"<f>3*3</f><v>9</v>")})
    run = look(owner, "orders.purchases", with_formula)
    faults = said(run)
    assert run.rows.get(row=2).changes["expected_on"] == [None, str(DAY)]
    assert run.rows.get(row=3).changes["quantity"] == [None, "9"]
    assert run.rows.get(row=7).name.startswith("6 ·")
    assert sorted(faults) == [4, 5, 6]
    assert "is not a barcode of ours" in faults[4]
    assert "digits are lost" in faults[5]
    assert faults[6] == "“123” is not a SKU. Excel has probably taken the zeros off “00123”: format the column as text"


def test_a_formula_without_a_result_holds_back_its_order(owner):
    book = Workbook()
    for line in (
        ("采购单号", "供应商", "仓库", "商品编码", "数量", "单价"),
        ("1", "QL", "YW", "-12", "=2*3", 2),
        ("1", "QL", "YW", "00123", 1, 2),
    ):
        book.active.append(line)
    target = io.BytesIO()
    book.save(target)
    faults = said(look(owner, "orders.purchases", SimpleUploadedFile("f.xlsx", target.getvalue())))
    assert faults[2] == "is a formula whose result was not saved. Open the file in Excel or WPS and save it."
    assert faults[3].startswith("Row 2 of the same document has a problem")


def test_the_index_that_pandas_writes_is_no_column_of_ours(owner):
    rows = (
        (None, "supplier", "warehouse", "sku", "qty", "unit price"),
        (0, "QL", "YW", "-12", 5.0, 2.5),
        (1, "QL", "YW", "00123", 1.0, 2.0),
    )
    assert counts(look(owner, "orders.purchases", xlsx(rows))) == (2, 0, 0, 0)


def test_more_rows_than_the_list_takes_are_refused(owner, monkeypatch):
    from orders.importing.purchases import PurchaseKind

    monkeypatch.setattr(PurchaseKind, "most_rows", 50)
    rows = [("供应商", "仓库", "商品编码", "数量"), *(("QL", "YW", f"S{number}", 1) for number in range(80))]
    with pytest.raises(FileRefused) as refusal:
        look(owner, "orders.purchases", xlsx(rows))
    assert refusal.value.code == "too_many_rows"
