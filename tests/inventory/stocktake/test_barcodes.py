"""Sheets that name goods by barcode: a foreign list knows no SKU codes of ours, or has barcodes where they belong."""

from decimal import Decimal as D

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from inventory.models import Barcode, Pack, Tracking
from inventory.stocktakes import sheet_goods, sheets
from tests.backoffice.sheets.kit import csv as text
from tests.inventory.factories import bundle, sku, stock
from tests.inventory.lots.conftest import come, in_days, tracked
from tests.inventory.sheets import xlsx

pytestmark = pytest.mark.django_db
BOTH = ("SKU code", "barcode", "counted quantity", "bin")


@pytest.fixture
def shelf(w, a, b):
    """Ten of A with a barcode and one of its case of twelve, five of B whose barcode begins with a zero."""
    case = Pack.objects.create(sku=a, name="Case", quantity=D(12))
    Barcode.objects.create(sku=a, code="6901234567892")
    Barcode.objects.create(sku=a, code="16901234567899", pack=case)
    Barcode.objects.create(sku=b, code="06901238")
    return w


def look(stocktake, header, *rows):
    return sheets.preview(stocktake=stocktake, file=xlsx(rows, header), user=None)


def told(sheet):
    """Row → code and pieces."""
    return {one.row: (one.sku.code, one.quantity) for one in sheet.counts.select_related("line__sku")}


def wrong(sheet):
    return {one["row"]: (one["place"], one["what"]) for one in sheet.problems}


@pytest.mark.parametrize("header", ["barcode", "条码", "EAN", "69码", "商品条码（必填）", "GTIN"])
def test_a_list_with_nothing_but_barcodes(shelf, begun, header):
    made = look(begun(), (header, "实盘数量"), (6901234567892, 7), ("06901238", " ３ "))
    assert (told(made), made.problems) == ({2: ("A", 7), 3: ("B", 3)}, [])


def test_the_barcode_of_a_case_counts_its_pieces_and_says_so(shelf, begun, people, person):
    person("warehouse_clerk")
    rows = (("16901234567899", 2, "X-1"), ("6901234567892", 3, "X-2"), ("16901234567899", 0.5, "X-3"))
    made = look(begun(), ("barcode", "counted quantity", "bin"), *rows)
    assert told(made) == {2: ("A", 24), 3: ("A", 3), 4: ("A", 6)}
    row = made.counts.get(row=2)
    assert (row.barcode, row.each, row.scanned, made.counts.get(row=3).each) == ("16901234567899", 12, 2, None)
    page = people.client("warehouse_clerk").get(reverse("admin:inventory_stocktake_sheet", args=[made.pk]))
    shown = page.content.decode()
    assert "16901234567899 · 2 packs of 12" in shown
    assert "barcode 6901234567892<" in shown
    sheets.take(sheet_id=made.pk, user=None)
    assert made.stocktake.lines.get(sku__code="A").counted_quantity == 33


def test_a_sku_column_with_barcodes_in_it_and_both_columns(shelf, begun):
    made = look(
        begun(), BOTH,
        ("6901234567892", None, 1, "X-1"), ("16901234567899", None, 1, "X-2"), ("A", "6901234567892", 1, "X-3"),
        ("a", "16901234567899", 5, "X-4"), ("B", "06901238", 1, ""), (None, "6901234567892", 1, "X-5"),
        ("THEIRS-7", "6901234567892", 1, "X-6"), ("B", "4000000000006", 2, "X-7"),
    )  # fmt: skip
    assert made.problems == []
    # A case's barcode beside the SKU code only says which goods they are: they are counted in pieces.
    assert told(made) == {
        2: ("A", 1), 3: ("A", 12), 4: ("A", 1), 5: ("A", 5), 6: ("B", 1), 7: ("A", 1), 8: ("A", 1), 9: ("B", 2),
    }  # fmt: skip


def test_a_sku_code_comes_before_a_barcode_that_reads_the_same(shelf, begun):
    stock(sku("06901238"), shelf, 1)
    made = look(begun(), BOTH, ("06901238", None, 4, ""), (None, "06901238", 5, ""))
    assert told(made) == {2: ("06901238", 4), 3: ("B", 5)}


def test_a_sku_code_in_the_column_of_barcodes_will_do(shelf, begun):
    stock(sku("4006381333931"), shelf, 1)
    assert told(look(begun(), ("barcode", "counted quantity"), (4006381333931, 4))) == {2: ("4006381333931", 4)}


def test_codes_that_contradict_each_other_are_a_fault_that_names_both(shelf, begun):
    rows = (("B", "6901234567892", 1, ""), ("16901234567899", "6901234567892", 1, ""))
    made = look(begun(), BOTH, *rows)
    assert told(made) == {}
    assert wrong(made) == {
        2: ("B (barcode)", "“6901234567892” belongs to “A”, the SKU code says “B”"),
        3: (
            "B (barcode)",
            "“16901234567899” and “6901234567892” are both “A”, but not the same number of pieces",
        ),
    }


def test_ruined_unknown_and_missing_barcodes_are_named(shelf, begun):
    bundle((sku("PART"), 1), code="SET")
    Barcode.objects.create(sku=bundle((sku("P2"), 1), code="SET2"), code="69099")
    made = look(
        begun(), ("barcode", "counted quantity", "bin"),
        ("6.9E+12", 1, ""), (6.9012345678921e15, 1, ""), ("4000000000006", 1, ""), (6901238, 1, ""), (None, 4, "X-1"),
        ("69099", 1, ""), ("16901234567899", 0.0301, ""),
    )  # fmt: skip
    said = wrong(made)
    assert {place for place, _what in said.values()} == {"A (barcode)", "B (counted quantity)"}
    assert "digits are lost" in said[2][1]
    assert "digits are lost" in said[3][1]
    assert said[4][1] == "“4000000000006” is not a barcode of ours"
    assert said[5][1].startswith(
        "“6901238” is not a barcode of ours. Excel has probably taken the zeros off “06901238”"
    )
    assert said[6][1] == "is empty"
    assert said[7][1] == "“69099” is a bundle: count its parts"
    assert (sorted(said), told(made)) == ([2, 3, 4, 5, 6, 7, 8], {})


def test_parts_of_a_piece_of_packs_and_too_many_are_refused(shelf, begun):
    Pack.objects.update(quantity=D("0.125"))
    head = ("barcode", "counted quantity", "bin")
    made = look(begun(), head, ("16901234567899", 0.001, ""), ("16901234567899", 99_999_999_999, "X"), ("A", 1, "Y"))
    assert [place for place, _what in wrong(made).values()] == ["B (counted quantity)"] * 2
    assert told(made) == {4: ("A", 1)}


def test_the_same_goods_by_code_and_by_barcode_stand_twice(shelf, begun):
    made = look(begun(), BOTH, ("A", None, 1, ""), (None, "6901234567892", 1, ""), (None, "16901234567899", 1, ""))
    assert wrong(made) == {
        3: ("B (barcode)", "“6901234567892” stands in row 2 already, in the same bin"),
        4: ("B (barcode)", "“16901234567899” stands in row 2 already, in the same bin"),
    }


def test_totals_and_empty_rows_of_a_list_of_barcodes_are_left_out(shelf, begun):
    made = look(
        begun(), ("条码", "实盘数", "库位"), ("6901234567892", 7, "X"), (), ("合计", 7, None), (None, 7, "合计")
    )
    assert (told(made), made.problems, made.uncounted) == ({2: ("A", 7)}, [], 0)


def test_a_csv_keeps_zeros_and_full_width_digits_and_the_reading_of_excel_is_refused(shelf, begun):
    made = sheets.preview(
        stocktake=begun(), file=text("条码,实盘数量\n０６９０１２３８,2\n6.90E+12,1\n", "gbk"), user=None
    )
    assert (told(made), list(wrong(made))) == ({2: ("B", 2)}, [3])


def test_a_gs1_code_names_the_article_and_the_lot(w, begun):
    milk = tracked("MILK", Tracking.EXPIRY)
    come(milk, w, {"OLD": 1})
    Barcode.objects.create(sku=milk, code="6901234567892")
    code = f"010690123456789217{in_days(50):%y%m%d}10N7"
    made = look(begun(), ("barcode", "counted quantity"), (code, 2))
    row = made.counts.get()
    assert (made.problems, str(row.lot), row.lot.expires_on, row.barcode) == ([], "N7", in_days(50), code)


def test_goods_nobody_expected_join_a_full_count_by_barcode_and_not_a_part(a, b, shelf, begun):
    Barcode.objects.create(sku=sku("NEW"), code="4006381333931")
    made = look(begun(kind="partial", product=a.product), ("barcode", "counted quantity"), ("4006381333931", 1))
    assert "not part of" in wrong(made)[2][1]


def test_neither_column_is_said(shelf, begun):
    from backoffice.spreadsheets.reading import FileRefused

    with pytest.raises(FileRefused, match="SKU code / barcode"):
        look(begun(), ("goods", "counted quantity"), ("A", 1))


def test_a_batch_of_barcodes_is_a_constant_number_of_queries(w, begun, monkeypatch):
    for number in range(120):
        made = sku(f"S{number}")
        Barcode.objects.create(sku=made, code=f"69{number:011}")
        stock(made, w, 1)
    counting, asked = begun(), []
    for least in (10**9, 0):
        monkeypatch.setattr(sheet_goods, "LARGE_FILE", least)
        for many in (5, 120):
            rows = [(f"69{number:011}", 1) for number in range(many)] + [(f"{number}", 1) for number in range(many)]
            with CaptureQueriesContext(connection) as ran:
                made = look(counting, ("barcode", "counted quantity"), *rows)
            assert (made.row_count, made.problem_count) == (many, many)
            asked.append(len(ran))
            sheets.drop(sheet_id=made.pk)
    assert asked[0] == asked[1]
    assert asked[2] == asked[3]


def test_our_own_sheet_comes_back_with_its_barcodes(shelf, begun):
    import io

    from django.core.files.uploadedfile import SimpleUploadedFile
    from openpyxl import load_workbook

    from inventory.stocktakes import workbook

    made, file = begun(), io.BytesIO()
    workbook.write(file, made, system=False)
    book = load_workbook(file)
    names = [cell.value for cell in book.active[1]]
    for row in (2, 3):
        book.active.cell(row, names.index("counted quantity") + 1).value = 3
    target = io.BytesIO()
    book.save(target)
    Barcode.objects.filter(code="06901238").delete()  # since it was printed
    read = sheets.preview(stocktake=made, file=SimpleUploadedFile("c.xlsx", target.getvalue()), user=None)
    assert (read.problems, sorted(told(read).values())) == ([], [("A", 3), ("B", 3)])
