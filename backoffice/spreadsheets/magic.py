"""What a file really is: by its first bytes, never by its name alone."""

from __future__ import annotations

from pathlib import Path

from backoffice.spreadsheets.limits import MEGABYTE, MOST_BYTES

OLE = bytes.fromhex("d0cf11e0a1b11ae1")  # old Excel, and every encrypted .xlsx
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
OLD_BIFF = (b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00")
NO_SHEETS = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"{\\rtf", b"\x7fELF")
MARKUP = (b"<html", b"<!doctype", b"<?xml", b"<table", b"<svg")
TEXT_NAMES = (".csv", ".txt", ".tsv")


def file_format(path: Path, name: str) -> str:
    """Return `xlsx` or `csv`. Raises FileRefused with a sentence that says what to do."""
    from backoffice.spreadsheets.reading import FileRefused

    size = path.stat().st_size
    if size > MOST_BYTES:
        raise FileRefused("too_large", {"most": MOST_BYTES // MEGABYTE})
    if not size:
        raise FileRefused("empty")
    code = _problem(path, name.lower())
    if code:
        raise FileRefused(code, {"extension": Path(name).suffix[:10]})
    return "xlsx" if name.lower().endswith(".xlsx") else "csv"


def _problem(path: Path, name: str) -> str:
    with path.open("rb") as file:
        head = file.read(4_096)
        if head.startswith(OLE):
            file.seek(0)
            return "encrypted" if ENCRYPTED in file.read() else "old_excel"
    if name.endswith((".xlsm", ".xltm", ".xlam")):
        return "has_macros"
    if name.endswith(".xlsb"):
        return "binary_workbook"
    if name.endswith(".xls") or head.startswith(OLD_BIFF):
        return "old_excel"
    return _mismatch(head, name)


def _mismatch(head: bytes, name: str) -> str:
    zipped = head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06")
    if name.endswith(".xlsx"):
        return "" if zipped else "extension_lies"
    if not name.endswith(TEXT_NAMES):
        return "wrong_type"
    foreign = zipped or head.startswith(NO_SHEETS) or head.lstrip().lower().startswith(MARKUP)
    return "extension_lies" if foreign else ""
