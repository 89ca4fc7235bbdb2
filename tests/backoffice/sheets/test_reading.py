"""What people really send: titles on top, hidden sheets, totals, numbers as text, and codes Excel has spoilt."""

import datetime as dt
import io
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation
from openpyxl import Workbook

from backoffice.spreadsheets.reading import FileRefused
from backoffice.spreadsheets.schema import Column, SheetSchema
from tests.backoffice.sheets.kit import COUNT, corpus, csv, read, repacked, xlsx

HEAD = ["SKU", "Quantity", "Note"]


def test_rows_come_with_the_numbers_excel_shows():
    rows, reading = read(xlsx([HEAD, ["A-1", 5, "x"], ["A-2", 2.5, ""]]))
    assert rows == [[2, "A-1", 5000, "x"], [3, "A-2", 2500, None]]
    assert (reading.good, reading.bad, reading.sheet, reading.header_row) == (2, 0, "Sheet1", 1)


def test_titles_on_top_blank_rows_and_totals_are_left_out():
    lines = [
        ["2026年3月盘点表"],
        [],
        ["商品编码", "实盘数量（必填）", "备 注"],
        ["A", 1],
        [],
        ["B", 2],
        ["合计", 3],
        ["", 3, "总计"],
    ]
    rows, reading = read(xlsx(lines))
    assert rows == [[4, "A", 1000, None], [6, "B", 2000, None]]
    assert (reading.header_row, reading.blank, reading.totals) == (3, 1, 2)


def test_a_table_that_starts_further_down_keeps_its_row_numbers():
    rows, _reading = read(xlsx([[], [], [], ["", *HEAD], ["", "A", 1]]))
    assert rows == [[5, "A", 1000, None]]


def test_hidden_sheets_are_skipped_and_the_fitting_one_is_found():
    sheets = {"old": [HEAD, ["X", 9]], "说明": [["请填写"]], "盘点": [HEAD, ["A", 1]]}
    rows, reading = read(xlsx(None, sheets=sheets, hidden=["old"]))
    assert rows == [[2, "A", 1000, None]]
    assert reading.sheet == "盘点"


def test_a_named_sheet_must_be_there():
    with pytest.raises(FileRefused, match="no visible sheet called “盘点”"):
        read(xlsx([HEAD]), SheetSchema(COUNT.columns, sheet="盘点"))


def test_headers_of_the_other_language_are_known():
    with translation.override("zh-hans"):
        rows, _reading = read(csv("sku,quantity\nA,1\n"))
    assert rows == [[2, "A", 1000, None]]


def test_missing_columns_are_named_with_what_was_found():
    with pytest.raises(FileRefused) as refused:
        read(xlsx([["编码", "名称"], ["A", "x"]]))
    assert str(refused.value) == "Columns are missing: Quantity. The nearest row in “Sheet1” has: 编码, 名称."


def test_a_column_that_appears_twice_is_refused():
    with pytest.raises(FileRefused, match="The column “Quantity” appears twice in row 1"):
        read(xlsx([["SKU", "Quantity", "Quantity"], ["A", 1, 2]]))


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("abc", "“abc” is not a number"),
        ("1,5", "the comma could mean thousands"),
        (1.2345, "“1.2345” has more than 3 decimal places"),
        (-1, "“-1” is less than 0"),
        (10**30, "is too large"),
        (True, "“TRUE” is not a number"),
        ("#DIV/0!", "contains the error #DIV/0!"),
        ("12pcs", "“12pcs” is not a number"),
        ("1e", "“1e” is not a number"),
    ],
)
def test_a_wrong_quantity_is_named_by_row_and_column(cell, problem):
    rows, reading = read(xlsx([HEAD, ["A", cell], ["B", 1]]))
    assert rows == [[3, "B", 1000, None]]
    [found] = reading.problems
    assert found.text.startswith("Row 2, column B (Quantity): ")
    assert problem in found.text


@pytest.mark.parametrize(
    ("cell", "stored"),
    [
        ("１２．５", 12_500),
        ("1,234.5", 1_234_500),
        (" 7 ", 7_000),
        ("¥ 3", 3_000),
        (0.1 + 0.2, 300),
        ("+4", 4_000),
        ("1e2", 100_000),
    ],
)
def test_numbers_as_people_write_them(cell, stored):
    rows, reading = read(xlsx([HEAD, ["A", cell]]))
    assert (rows, reading.problems) == ([[2, "A", stored, None]], [])


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("00123", "00123"),
        ("ＳＫＵ－１", "SKU-1"),
        ("A\u200b-1\ufeff ", "A-1"),
        ("1.23E+12", "1.23E+12"),
        (6901234567892, "6901234567892"),
        ("红 色  L", "红 色 L"),
    ],
)
def test_codes_survive(cell, code):
    rows, _reading = read(xlsx([HEAD, [cell, 1]]))
    assert rows[0][1] == code


def test_a_number_where_a_code_belongs_is_counted_because_zeros_may_be_lost():
    _rows, reading = read(xlsx([HEAD, [123, 1], ["A", 1]]))
    assert reading.numbers_as_codes == 1


@pytest.mark.parametrize(
    ("file", "what"),
    [
        (csv("SKU,Quantity\n1.23E+12,1\n"), "“1.23E+12” is a shortened number"),
        (xlsx([HEAD, [1.23e20, 1]]), "“1.230000E+20” is a shortened number"),
        (
            xlsx([HEAD, [dt.datetime(2026, 3, 4), 1]], formats={"num_format": "yyyy-mm-dd"}),
            "turned the code into a date",
        ),
    ],
)
def test_a_code_excel_has_spoilt_is_refused_with_the_way_out(file, what):
    rows, reading = read(file)
    assert rows == []
    assert what in reading.problems[0].text
    assert "Format the column as text" in reading.problems[0].text


def test_a_code_may_stand_there_once():
    rows, reading = read(csv("SKU,Quantity\nabc,1\nB,1\nABC,2\n"))
    assert [row[0] for row in rows] == [2, 3]
    assert reading.problems[0].text == "Row 4, column A (SKU): “ABC” is in row 2 already"


def test_one_bad_row_in_fifty_thousand_is_found_and_the_rest_read():
    lines = [f"S{i},{i}" for i in range(50_000)]
    lines[30_000] = "S30000,many"
    rows, reading = read(csv("SKU,Quantity\n" + "\n".join(lines)))
    assert (len(rows), reading.good, reading.bad) == (49_999, 49_999, 1)
    assert reading.problems[0].row == 30_002


def test_of_many_problems_a_thousand_are_listed_and_all_counted():
    _rows, reading = read(csv("SKU,Quantity\n" + "\n".join(f"S{i},x" for i in range(5_000))))
    assert (len(reading.problems), reading.problem_count, reading.more_problems) == (1_000, 5_000, 4_000)


DATES = SheetSchema(
    [Column("id", "ID", kind="code"), Column("on", "On", kind="date"), Column("at", "At", kind="datetime")]
)


def test_dates_however_they_are_stored(settings):
    settings.TIME_ZONE = "Asia/Shanghai"
    lines = [
        ["ID", "On", "At"],
        ["a", 46112, "2026-03-31 08:30"],
        ["b", "2026年3月31日", "2026/3/31"],
        ["c", 20260331, 46112.5],
    ]
    rows, reading = read(xlsx(lines), DATES)
    assert reading.problems == []
    assert {row[2] for row in rows} == {dt.date(2026, 3, 31)}
    assert [row[3].astimezone(dt.UTC).isoformat() for row in rows] == [
        "2026-03-31T00:30:00+00:00", "2026-03-30T16:00:00+00:00", "2026-03-31T04:00:00+00:00",
    ]  # fmt: skip


@pytest.mark.parametrize("cell", ["31/03/2026", "2026-02-30", "soon", 12, True])
def test_unclear_dates_are_refused(cell):
    _rows, reading = read(xlsx([["ID", "On", "At"], ["a", cell, 46112]]), DATES)
    assert "is not a date. Write it as 2026-03-31." in reading.problems[0].text


def test_a_workbook_that_counts_from_1904():
    sheet = xlsx([["ID", "On", "At"], ["a", 44650, 44650]])
    book = b'<workbookPr date1904="1"/>'
    import zipfile

    xml = zipfile.ZipFile(io.BytesIO(sheet.read())).read("xl/workbook.xml")
    sheet.seek(0)
    import re

    changed = re.sub(rb"<workbookPr[^>]*/>", book, xml)
    rows, _reading = read(repacked(sheet, {"xl/workbook.xml": changed}), DATES)
    assert rows[0][2] == dt.date(2026, 3, 31)


def test_a_formula_without_its_result_is_no_empty_cell():
    sheet = xlsx([HEAD, ["A", 1], ["B", 2]])
    import zipfile

    xml = zipfile.ZipFile(io.BytesIO(sheet.read())).read("xl/worksheets/sheet1.xml")
    sheet.seek(0)
    changed = xml.replace(b'<c r="B3"><v>2</v></c>', b'<c r="B3"><f>B2*2</f></c>')
    assert changed != xml
    rows, reading = read(repacked(sheet, {"xl/worksheets/sheet1.xml": changed}))
    assert rows == [[2, "A", 1000, None]]
    assert reading.problems[0].text.startswith("Row 3, column B (Quantity): is a formula whose result was not saved.")


def test_exact_decimals_and_yes_and_no():
    schema = SheetSchema(
        [Column("id", "ID"), Column("price", "Price", kind="decimal", places=4), Column("on", "On", kind="boolean")]
    )
    rows, _reading = read(csv("ID,Price,On\na,19.99,是\nb,-0.0001,no\n"), schema)
    assert [row[2:] for row in rows] == [[Decimal("19.99"), True], [Decimal("-0.0001"), False]]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("编码,数量\n甲,1\n", "utf-8"),
        ("编码,数量\n甲,1\n", "utf-8-sig"),
        ("编码,数量\n甲,1\n", "gbk"),
        ("编码\t数量\n甲\t1\n", "utf-16"),
        ("编码,数量\n甲,1\n", "utf-16-le"),
        ("sep=;\r\n编码;数量\r\n甲;1\r\n", "utf-8"),
        ("编码;数量\r甲;1\r", "utf-8"),
        ("编码|数量\n甲|1\n", "utf-8"),
        ('"编码","数量"\n"甲","1"\n', "gb18030"),
    ],
)
def test_a_csv_from_any_programme(text, encoding):
    rows, reading = read(csv(text, encoding))
    assert (rows, reading.problems) == ([[2, "甲", 1000, None]], [])


def test_a_western_csv_is_not_taken_for_chinese():
    rows, _reading = read(csv("SKU,Quantity,Note\nA,1,Café crème brûlée\nB,2,première édition\n", "latin-1"))
    assert [row[3] for row in rows] == ["Café crème brûlée", "première édition"]


def test_line_breaks_and_separators_inside_quotes_stay():
    rows, _reading = read(csv('SKU,Quantity,Note\nA,"1,000","one\ntwo, ""three"""\nB,1,\n'))
    assert rows == [[2, "A", 1_000_000, 'one\ntwo, "three"'], [3, "B", 1000, None]]


def test_a_quote_that_never_closes_swallows_no_more_than_a_cell_holds():
    with pytest.raises(FileRefused, match="a quotation mark is probably not closed"):
        read(csv('SKU,Quantity\n"A,1\n' + "B,2\n" * 100_000))


@pytest.mark.published
@pytest.mark.parametrize(
    ("parts", "headers"),
    [
        (["csv-encoding", "phpspreadshe__premiere.utf16lebom.csv"], "première, second, troisième"),
        (["csv-encoding", "djangoimport__books-ISO-8859-1.csv"], "id, name, author_email"),
        (["cn-real", "doubleentryg__example-jd-records.csv"], "交易时间, 商户名称, 交易说明"),
        (["cn-real", "hutool__merge_test.xlsx"], "姓名, 性别, 年龄, 鞋码"),
        (["xlsx-semantic", "poi__TwoSheetsOneHidden.xlsx"], "Sheet2A1"),
    ],
)
def test_published_files_show_their_headers(parts, headers):
    with pytest.raises(FileRefused) as refused:
        read(corpus(*parts))
    assert headers in str(refused.value)


@pytest.mark.published
def test_a_real_export_of_jd_is_read():
    schema = SheetSchema(
        [
            Column("at", "交易时间", kind="datetime"),
            Column("amount", "金额"),
            Column("number", "交易订单号", kind="code"),
        ]
    )
    rows, reading = read(corpus("cn-real", "doubleentryg__example-jd-records.csv"), schema)
    assert reading.problems == []
    assert len(rows) > 10
    assert rows[0][1].tzinfo is not None


@pytest.mark.published
def test_numbers_stored_as_text_are_numbers():
    schema = SheetSchema([Column("word", "English"), Column("value", "Hello", required=False)])
    rows, reading = read(corpus("xlsx-semantic", "test_files__text_and_numbers.xlsx"), schema)
    assert rows
    assert reading.problems == []


def test_a_quote_that_is_never_closed_names_the_row_where_it_opened():
    with pytest.raises(FileRefused, match="Line 3"):
        read(csv('SKU,Quantity,Note\nA,1,x\nB,1,"Tea\nC,2,y\nD,3,z\n'))


def test_quotes_that_are_closed_and_quotes_within_a_text_are_read():
    rows, _reading = read(csv('SKU,Quantity,Note\nA,1,"two\nlines"\nB,1,5" screen\nC,1,"a ""b"""\n'))
    assert [row[3] for row in rows] == ["two\nlines", '5" screen', 'a "b"']


@pytest.mark.parametrize(("cell", "fits"), [("0,500", False), ("1,250", True), ("12,345,678", True), ("0.5", True)])
def test_a_comma_after_a_nought_is_no_group(cell, fits):
    rows, reading = read(csv(f'SKU,Quantity\nA,"{cell}"\n'))
    assert (len(rows), len(reading.problems)) == ((1, 0) if fits else (0, 1))


def test_where_semicolons_separate_one_group_of_three_is_unclear():
    rows, reading = read(csv("SKU;Quantity\nA;1,250\nB;1,250,000\nC;3.5\n"))
    assert [row[1] for row in rows] == ["B", "C"]
    assert "comma" in reading.problems[0].text


def test_a_formula_without_a_result_is_found_wherever_the_table_stands():
    schema = SheetSchema([Column("sku", "SKU", kind="code"), Column("less", "Less", kind="decimal", required=False)])
    for empty in (0, 1, 3):
        book = Workbook()
        book.active.append([*[None] * empty, "SKU", "Less"])
        book.active.append([*[None] * empty, "A", "=1+1"])  # openpyxl saves no result
        target = io.BytesIO()
        book.save(target)
        rows, reading = read(SimpleUploadedFile("a.xlsx", target.getvalue()), schema)
        assert rows == []
        assert [(one.code, one.letter) for one in reading.problems] == [("formula_without_value", "ABCDE"[empty + 1])]
