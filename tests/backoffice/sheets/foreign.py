"""Files as other programs write them, and hostile ones: for every upload that takes a sheet."""

import io
import shutil
import subprocess
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl import Workbook

from tests.backoffice.sheets.kit import CORPUS, repacked, xlsx

KINDS = ("xlsx:Calc MS Excel 2007 XML", "csv:Text - txt - csv (StarCalc):44,34,76", "xls", "ods")
SOFFICE = shutil.which("soffice")
office = pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed: its own files are not tried")


def by_openpyxl(rows, *, hidden=None, merged=""):
    """A workbook as openpyxl writes it, with a hidden sheet before it and cells merged."""
    book = Workbook()
    if hidden is not None:
        for line in hidden:
            book.active.append(line)
        book.active.sheet_state = "hidden"
    page = book.create_sheet("盘点") if hidden is not None else book.active
    for line in rows:
        page.append(line)
    if merged:
        page.merge_cells(merged)
    book.active = book.index(page)
    target = io.BytesIO()
    book.save(target)
    return SimpleUploadedFile("count.xlsx", target.getvalue())


def with_results(file, results, part="xl/worksheets/sheet1.xml"):
    """The workbook with cells turned into formulas that keep their saved result: {9: "3*3"}."""
    xml = zipfile.ZipFile(io.BytesIO(file.read())).read(part)
    file.seek(0)
    for value, formula in results.items():
        before = f"<v>{value}</v>".encode()
        assert before in xml
        xml = xml.replace(before, f"<f>{formula}</f>{before.decode()}".encode())
    return repacked(file, {part: xml})


def saved_as(content, kind, folder):
    """The same workbook as LibreOffice saves it."""
    (folder / "count.xlsx").write_bytes(content)
    out = folder / "out"
    command = [SOFFICE, f"-env:UserInstallation=file://{folder}/office", "--headless", "--convert-to", kind,
               "--outdir", str(out), str(folder / "count.xlsx")]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    [made] = out.iterdir()
    return SimpleUploadedFile(made.name, made.read_bytes())


def foreign_files(*kinds):
    if not CORPUS.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"{CORPUS} is not here: its bad files are not tried"))]
    found = sorted(path for path in CORPUS.rglob("*") if path.suffix in kinds)
    assert found
    return found


def named(path):
    return path and path.name


def bomb(part):
    """A workbook with a part of 300 MB of blanks."""
    target = io.BytesIO(xlsx([("SKU code", "name")]).read())
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as book, book.open(part, "w") as file:
        for _piece in range(300):
            file.write(b" " * 1_048_576)
    return SimpleUploadedFile("bomb.xlsx", target.getvalue())


def entity():
    file = xlsx([("SKU code", "name"), ("A", "x")])
    text = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><sst>&e;</sst>'
    return repacked(file, {"xl/sharedStrings.xml": text})


def far_cell():
    file = xlsx([("SKU code", "name"), ("A", "x")])
    part = "xl/worksheets/sheet1.xml"
    xml = zipfile.ZipFile(io.BytesIO(file.read())).read(part)
    file.seek(0)
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    return repacked(file, {part: xml.replace(b"</sheetData>", far)})


def ten_million_rows():
    file = xlsx([("SKU code", "name"), ("A", "x")])
    part = "xl/worksheets/sheet1.xml"
    xml = zipfile.ZipFile(io.BytesIO(file.read())).read(part)
    file.seek(0)
    rows = b"".join(b'<row r="%d"><c r="A%d"><v>1</v></c></row>' % (n, n) for n in range(3, 10_000_000, 50_000))
    return repacked(file, {part: xml.replace(b"</sheetData>", rows + b"</sheetData>")})
