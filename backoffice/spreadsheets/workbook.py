"""Look an .xlsx over before it is parsed, inside the limited child. No Django.

A workbook of 5 kB can unpack to gigabytes or hold one cell at XFD1048576, which makes readers allocate the whole
rectangle. So: parts are counted and unpacked once in pieces, and far-off cells are found in the text of the sheet.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from defusedxml import ElementTree as SafeElementTree

from backoffice.spreadsheets.limits import MEGABYTE, MOST_ENTRIES, MOST_RATIO, MOST_UNPACKED
from backoffice.spreadsheets.refusals import Refused

RELATION_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
OVERLAP = 8_192  # bytes of the piece before, so that nothing hides on an edge
FORBIDDEN = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
# A cell with a value beyond column IV or row 199,999; empty formatted cells (`<c …/>`) out there are harmless.
FAR_CELL = re.compile(
    rb"<(?:\w+:)?c\b[^<>]*?\sr\s*=\s*[\"'](?:[A-Za-z]{3,}\d+|[J-Zj-z][A-Za-z]\d+|[Ii][W-Zw-z]\d+"
    rb"|[A-Za-z]+(?:[2-9]\d{5}|\d{7,}))[\"'][^<>/]*>(?!</)"
)
# The same in the one spelling every programme uses, nine times faster: only what it suspects is looked at closely. A
# file that is spelt differently on purpose meets the memory limit of this process instead of a precise sentence.
SUSPECT = re.compile(rb" r=\"(?:[A-Z]{3}|[J-Z][A-Z]|I[W-Z]|[A-Z]{1,2}(?:[2-9]\d{5}|\d{7})|\d{8})")
NO_VALUE = re.compile(
    rb"<c\b[^<>]*?\sr=\"([A-Z]{1,3}\d{1,7})\"[^<>/]*>\s*<f\b[^<>]*?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>"
)
SHEET = re.compile(r"xl/worksheets/[^/]+\.xml$", re.IGNORECASE)
MACRO_PARTS = re.compile(r"vbaProject\.bin$|macrosheets/|activeX/", re.IGNORECASE)


class Overview:
    """What the first look found."""

    def __init__(self) -> None:
        self.counts_from_1904 = False
        self.formulas_without_value: dict[str, set[str]] = {}  # part name → cell references
        self.parts: dict[str, str] = {}  # sheet name → part name

    def unread_in(self, sheet: str) -> set[str]:
        """Return the references of a sheet's formulas whose results were never saved."""
        return self.formulas_without_value.get(self.parts.get(sheet, ""), set())


def look_over(path: Path) -> Overview:
    """Check the whole package. Raises Refused."""
    try:
        with zipfile.ZipFile(path) as package:
            _check_directory(package)
            overview, unpacked = Overview(), 0
            for entry in package.infolist():
                for piece in _pieces(package, entry):
                    unpacked += len(piece) - OVERLAP
                    if unpacked > MOST_UNPACKED:
                        raise Refused("too_large_unpacked", most=MOST_UNPACKED // MEGABYTE)
                    _check_piece(entry.filename, piece, overview)
            overview.parts = _parts(package) if overview.formulas_without_value else {}
            return overview
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, ValueError, RuntimeError):
        raise Refused("damaged") from None
    except zipfile.error:
        raise Refused("damaged") from None


def _check_directory(package: zipfile.ZipFile) -> None:
    entries = package.infolist()
    names = [entry.filename.lower() for entry in entries]
    if len(entries) > MOST_ENTRIES:
        raise Refused("too_many_parts", most=MOST_ENTRIES)
    if "xl/workbook.xml" not in names or "[content_types].xml" not in names:
        raise Refused("binary_workbook" if "xl/workbook.bin" in names else "not_a_workbook")
    if len(set(names)) != len(names):
        raise Refused("damaged")
    if any(MACRO_PARTS.search(name) for name in names):
        raise Refused("has_macros")
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise Refused("encrypted")
    if sum(entry.file_size for entry in entries) > MOST_UNPACKED:
        raise Refused("too_large_unpacked", most=MOST_UNPACKED // MEGABYTE)
    for entry in entries:
        if entry.file_size > MEGABYTE and entry.file_size > MOST_RATIO * max(entry.compress_size, 1):
            raise Refused("packed_too_tightly")


def _pieces(package: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """The part in pieces of a megabyte, each with the end of the one before in front."""
    if not entry.filename.lower().endswith((".xml", ".rels", ".vml")):
        return
    tail = b" " * OVERLAP
    with package.open(entry) as part:
        while piece := part.read(MEGABYTE):
            yield tail + piece
            tail = (tail + piece)[-OVERLAP:]


def _parts(package: zipfile.ZipFile) -> dict[str, str]:
    """Return the part of each sheet by its name. No entity can be here: look_over has refused them before."""
    relations = {one.get("Id"): one.get("Target", "") for one in _elements(package, "xl/_rels/workbook.xml.rels")}
    found = {}
    for one in _elements(package, "xl/workbook.xml"):
        target = relations.get(one.get(RELATION_ID))
        if one.tag.endswith("}sheet") and target:
            found[one.get("name", "")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return found


def _elements(package: zipfile.ZipFile, part: str) -> Iterator[ElementTree.Element]:
    try:
        yield from SafeElementTree.fromstring(package.read(part)).iter()
    except (KeyError, ElementTree.ParseError):
        return


def _check_piece(name: str, piece: bytes, overview: Overview) -> None:
    if FORBIDDEN.search(piece) or b"<\x00!\x00" in piece or b"\x00<\x00!" in piece:
        raise Refused("has_entities")
    if name.lower() == "xl/workbook.xml" and re.search(rb"date1904\s*=\s*[\"'](?:1|true)", piece):
        overview.counts_from_1904 = True
    if SHEET.match(name):
        if SUSPECT.search(piece) and FAR_CELL.search(piece):
            raise Refused("far_cell")
        if b"<f" in piece:
            found = {match.decode() for match in NO_VALUE.findall(piece)}
            overview.formulas_without_value.setdefault(name, set()).update(found)
