"""Fonts read once a process: half a second for two Chinese fonts, which a single slip should not pay again.

fpdf2 reads a font anew for every document. What it learns of it (widths, which letters there are) never changes, so it
is kept; only what a document does to its font (which letters it used, the file it cuts down) is its own.
"""

from __future__ import annotations

import copy
from functools import lru_cache

from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.fonts import SubsetMap, TTFFont

from backoffice.papers.fonts import FontFile


def add(pdf: FPDF, file: FontFile, name: str) -> None:
    """Make a font known to a document under a name (small letters)."""
    model = _read(file)
    font = TTFFont.__new__(TTFFont)
    for slot in TTFFont.__slots__:
        if hasattr(model, slot):
            setattr(font, slot, getattr(model, slot))
    font.i, font.fontkey, font.desc = len(pdf.fonts) + 1, name, copy.copy(model.desc)
    font.missing_glyphs, font.biggest_size_pt = [], 0
    font.ttfont = TTFont(file.path, recalcTimestamp=False, fontNumber=file.number, lazy=True)
    font.subset = SubsetMap(font)
    pdf.fonts[name] = font


@lru_cache(maxsize=8)
def _read(file: FontFile) -> TTFFont:
    pdf = FPDF()
    pdf.add_font("model", "", str(file.path), collection_font_number=file.number)
    found = pdf.fonts["model"]
    if not isinstance(found, TTFFont):
        raise TypeError(f"{file.path} is no font file")
    return found
