"""Barcodes and QR codes as figures to draw: bars and squares in modules, no pictures."""

from __future__ import annotations

import segno
from barcode import EAN13, Code128
from barcode.errors import BarcodeError
from django.utils.translation import gettext_lazy as _

from backoffice.errors import YikuError

Bar = tuple[int, int]  # from module, modules wide
MOST_QR = 1_000


def code128(text: str) -> tuple[int, list[Bar]]:
    """Return (modules wide, black bars) of a Code 128. Raises YikuError for what it cannot hold."""
    if not text or not text.isascii() or not text.isprintable() or len(text) > 60:
        raise YikuError("bad_barcode", _("A barcode holds 1 to 60 plain letters, digits and signs."))
    try:
        modules = Code128(text).build()[0]
    except BarcodeError:
        raise YikuError("bad_barcode", _("A barcode holds 1 to 60 plain letters, digits and signs.")) from None
    return len(modules), _runs(modules)


def ean13(text: str) -> tuple[int, list[Bar]]:
    """Return (modules wide, black bars) of an EAN-13 with its check digit. Raises YikuError for what is none."""
    good = len(text) == 13 and text.isascii() and text.isdecimal()
    if not good or EAN13(text[:12]).get_fullcode() != text:
        raise YikuError("bad_barcode", _("An EAN-13 has 13 digits, the last one checks the others."))
    modules = EAN13(text).build()[0]
    return len(modules), _runs(modules.replace("G", "1"))


def qr(text: str) -> tuple[int, list[tuple[int, int, int]]]:
    """Return (modules a side, black runs as (row, from, wide)) of a QR code."""
    matrix = segno.make(text[:MOST_QR] or " ", error="m", micro=False, boost_error=False).matrix
    rows = ["".join("1" if module else "0" for module in row) for row in matrix]
    return len(rows), [(at, start, wide) for at, row in enumerate(rows) for start, wide in _runs(row)]


def _runs(modules: str) -> list[Bar]:
    found: list[Bar] = []
    start = None
    for place, module in enumerate(modules + "0"):
        if module == "1" and start is None:
            start = place
        elif module == "0" and start is not None:
            found.append((start, place - start))
            start = None
    return found
