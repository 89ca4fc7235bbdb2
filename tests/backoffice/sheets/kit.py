"""Files to read, made on the spot, and the schema of a stock count."""

import io
import os
import zipfile
from pathlib import Path

import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile

from backoffice.spreadsheets.reading import read_upload
from backoffice.spreadsheets.schema import Column, SheetSchema

COUNT = SheetSchema(
    [
        Column("sku", "SKU", ["编码", "商品编码"], kind="code", unique=True),
        Column("quantity", "Quantity", ["数量", "实盘数量"], kind="scaled", places=3, least=0),
        Column("note", "Note", ["备注"], required=False),
    ]
)


def xlsx(rows, *, formats=None, hidden=(), sheets=None):
    """A workbook in memory; `sheets` maps names to rows, `hidden` names the hidden ones."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"strings_to_formulas": False})
    for name, lines in (sheets or {"Sheet1": rows}).items():
        sheet = book.add_worksheet(name)
        for number, line in enumerate(lines):
            for place, value in enumerate(line):
                sheet.write(number, place, value, book.add_format(formats) if formats else None)
        if name in hidden:
            sheet.hide()
        else:
            sheet.activate()  # an active sheet cannot be hidden
    book.close()
    return SimpleUploadedFile("count.xlsx", target.getvalue())


def csv(text, encoding="utf-8", name="count.csv"):
    """A text file in memory."""
    return SimpleUploadedFile(name, text if isinstance(text, bytes) else text.encode(encoding))


def read(file, schema=COUNT):
    """Read everything: (rows, reading)."""
    with read_upload(file, schema) as reading:
        return [list(row) for row in reading.rows()], reading


def repacked(file, changes):
    """The workbook with parts replaced (`None` removes, a new name adds)."""
    source = zipfile.ZipFile(io.BytesIO(file.read()))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy:
        for name in source.namelist():
            if name not in changes:
                copy.writestr(name, source.read(name))
        for name, content in changes.items():
            if content is not None:
                copy.writestr(name, content)
    return SimpleUploadedFile("count.xlsx", target.getvalue())


CORPUS = Path(os.environ.get("YIKU_SHARED", Path(__file__).parents[4] / "shared")) / "corpus"


def corpus(*parts):
    """A file of the corpus beside the repository (YIKU_SHARED names another place)."""
    path = CORPUS.joinpath(*parts)
    return SimpleUploadedFile(path.name, path.read_bytes())
