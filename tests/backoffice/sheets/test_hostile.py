"""Files made to harm: each is refused with a sentence, quickly, and costs no more memory than it may."""

import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from backoffice.spreadsheets import limits, reading
from backoffice.spreadsheets.reading import FileRefused
from tests.backoffice.sheets.kit import corpus, csv, read, repacked, xlsx

HEAD = ["SKU", "Quantity"]
SHEET = "xl/worksheets/sheet1.xml"


def refusal(file):
    with pytest.raises(FileRefused) as refused:
        read(file)
    return refused.value.code


def sheet_xml(body):
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        f"{body}</sheetData></worksheet>"
    ).encode()


TABLE = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>SKU</t></is></c>'
    '<c r="B1" t="inlineStr"><is><t>Quantity</t></is></c></row>'
    '<row r="2"><c r="A2" t="inlineStr"><is><t>A</t></is></c><c r="B2"><v>1</v></c></row>'
)


def test_one_cell_in_the_last_corner_is_found_before_it_costs_memory():
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    started = time.monotonic()
    assert refusal(repacked(xlsx([HEAD]), {SHEET: sheet_xml(TABLE + far)})) == "far_cell"
    assert time.monotonic() - started < 5


def test_the_same_cell_in_another_spelling_meets_the_memory_limit():
    far = "<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>"
    started = time.monotonic()
    assert refusal(repacked(xlsx([HEAD]), {SHEET: sheet_xml(TABLE + far)})) == "too_large_to_parse"
    assert time.monotonic() - started < 20


def test_an_empty_formatted_cell_out_there_is_harmless():
    far = '<row r="1048576"><c r="XFD1048576" s="1"/></row>'
    rows, _reading = read(repacked(xlsx([HEAD]), {SHEET: sheet_xml(TABLE + far)}))
    assert rows == [[2, "A", 1000, None]]


def test_a_bomb_that_unpacks_a_thousandfold_is_refused():
    assert refusal(repacked(xlsx([HEAD]), {SHEET: sheet_xml(" " * 60_000_000)})) == "packed_too_tightly"


def test_a_package_of_a_hundred_thousand_parts_is_refused():
    parts = {f"xl/media/{i}.xml": b"" for i in range(limits.MOST_ENTRIES)}
    assert refusal(repacked(xlsx([HEAD]), parts)) == "too_many_parts"


@pytest.mark.parametrize(
    "doctype",
    [
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        b'<!DoCtYpE x SYSTEM "http://127.0.0.1/x">',
        b'<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>',
    ],
)
def test_entities_are_refused(doctype):
    assert refusal(repacked(xlsx([HEAD]), {SHEET: doctype + sheet_xml(TABLE)})) == "has_entities"


def test_macros_are_refused_under_either_name():
    book = xlsx([HEAD])
    assert refusal(repacked(book, {"xl/vbaProject.bin": b"x"})) == "has_macros"
    book.seek(0)
    assert refusal(SimpleUploadedFile("x.xlsm", book.read())) == "has_macros"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.xlsx", b"", "empty"),
        ("a.xlsx", b"SKU,Quantity\n", "extension_lies"),
        ("a.csv", b"PK\x03\x04....", "extension_lies"),
        ("a.csv", b"<!DOCTYPE html><html><script>alert(1)</script>", "extension_lies"),
        ("a.csv", b"\x89PNG\r\n\x1a\n", "extension_lies"),
        ("a.csv", bytes(range(256)) * 40, "not_text"),
        ("a.csv", b"\n\n \n", "empty"),
        ("a.exe", b"MZ", "wrong_type"),
        ("../../etc/passwd", b"x", "wrong_type"),
        ("a.xls", b"<html><table>", "old_excel"),
        ("a.xlsb", b"PK\x03\x04", "binary_workbook"),
        ("a.xlsx", b"PK\x03\x04 and nothing more", "damaged"),
    ],
)
def test_the_name_is_never_believed(name, content, code):
    file = SimpleUploadedFile("x", content)
    file._name = name
    assert refusal(file) == code


def test_a_zip_that_is_no_workbook_is_refused():
    empty = dict.fromkeys(["xl/workbook.xml", "[Content_Types].xml"])
    assert refusal(repacked(xlsx([HEAD]), empty)) == "not_a_workbook"


def test_a_file_that_is_too_large_is_refused_while_it_comes_in(monkeypatch):
    monkeypatch.setattr(limits, "MOST_BYTES", 1000)
    monkeypatch.setattr("backoffice.spreadsheets.magic.MOST_BYTES", 1000)
    assert refusal(csv("x" * 2000)) == "too_large"


def test_too_many_rows_and_columns_are_refused():
    assert refusal(csv("SKU,Quantity\n" + "".join(f"s{i},1\n" for i in range(200_001)))) == "too_many_rows"
    assert refusal(csv("SKU,Quantity\nA,1" + ",x" * 300 + "\n")) == "too_many_columns"


def test_a_child_that_takes_too_long_is_killed(monkeypatch):
    monkeypatch.setattr(reading, "CHILD_WALL_SECONDS", 0.02)
    assert refusal(xlsx([HEAD, *[["A", 1]] * 1000])) == "too_slow"


def test_the_child_sees_no_secret_of_ours(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "canary")
    monkeypatch.setenv("DATABASE_URL", "postgresql://canary")
    assert "canary" not in str(reading._bare_environment())


def test_leaving_early_leaves_no_process_behind():
    import psutil

    with reading.read_upload(csv("SKU,Quantity\n" + "".join(f"s{i},1\n" for i in range(100_000))), _schema()) as found:
        next(found.rows())
        # The generator is dropped here, with the child in the middle of its work.
    del found
    time.sleep(0.2)
    assert [one for one in psutil.Process().children() if "spreadsheets" in " ".join(one.cmdline())] == []


def _schema():
    from tests.backoffice.sheets.kit import COUNT

    return COUNT


@pytest.mark.published
@pytest.mark.parametrize(
    ("parts", "code"),
    [
        (["xlsx-hostile", "calamine__pass_protected.xlsx"], "encrypted"),
        (["xlsx-hostile", "phpspreadshe__utf8entity.xlsx"], "has_entities"),
        (["xlsx-hostile", "poi__poc-xmlbomb-empty.xlsx"], "has_entities"),
        (["xlsx-hostile", "poi__SimpleMacro.xlsm"], "has_macros"),
        (["xlsx-hostile", "poi__xlsx-corrupted.xlsx"], "damaged"),
        (["xlsx-hostile", "poi__clusterfuzz-testcase-minimized-XLSX2CSVFuzzer-6594557414080512.xlsx"], "damaged"),
        (["xls-legacy", "calamine__too_small.xls"], "old_excel"),
        (["csv-structure", "phpspreadshe__empty.csv"], "empty"),
    ],
)
def test_published_hostile_files_are_refused(parts, code):
    assert refusal(corpus(*parts)) == code
