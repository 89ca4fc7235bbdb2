"""Workbooks for the count tests, written as people write them."""

from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl import Workbook

HEADER = ("SKU code", "counted quantity")


def xlsx(rows, header=HEADER, name="count.xlsx", sheet="Count"):
    """An uploaded .xlsx with these rows."""
    import io

    book = Workbook()
    book.active.title = sheet
    book.active.append(header)
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return SimpleUploadedFile(name, buffer.getvalue())


def csv(rows, header=HEADER, name="count.csv", encoding="utf-8-sig"):
    """An uploaded .csv with these rows."""
    lines = [",".join(str(cell) for cell in row) for row in (header, *rows)]
    return SimpleUploadedFile(name, "\r\n".join(lines).encode(encoding))
