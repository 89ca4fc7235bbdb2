"""A PDF being drawn, page by page: text that is measured, wrapped and cut, lines, tables, codes. Lengths in mm.

One document holds all papers of a run, so that each font is read and cut down to its used letters once.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Literal

from fpdf import FPDF

from backoffice.papers import codes, faces
from backoffice.papers.fonts import FontFile, Fonts, fonts
from backoffice.papers.letters import one_line, visual
from backoffice.papers.merging import CleanPdf, merge

Align = Literal["L", "R", "C"]
A4, LABEL = (210.0, 297.0), (100.0, 150.0)
CUT = "…"
POINT = 0.3528  # mm
LEADING = 1.28


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    title: str
    width: float
    align: Align = "L"
    lines: int = 3
    bold: bool = False


class Sheet:
    """The document. `said` keeps what was written on which page, as it was meant (not as it was drawn)."""

    def __init__(self, *, title: str = "", compress: bool = True) -> None:
        self.pdf = FPDF(unit="mm", format=A4)
        self.pdf.set_compression(compress)
        self.pdf.set_auto_page_break(False)
        self.pdf.set_title(one_line(title)[:200])
        self.pdf.set_creator("Yiku")
        self.said: list[tuple[int, str]] = []
        self.inserted: list[tuple[int, CleanPdf]] = []  # files of others, each after so many pages of ours
        self.width, self.height = A4
        self._fonts: Fonts = fonts()
        self._faces: dict[bool, list[Any]] = {}
        self._face_of: dict[tuple[bool, str], int] = {}
        self._names: dict[FontFile, str] = {}

    # --- pages -------------------------------------------------------------------------------------------------------

    @property
    def pages(self) -> int:
        """How many pages there are, those of others among them."""
        return int(self.pdf.pages_count) + sum(other.pages for _after, other in self.inserted)

    def page(self, size: tuple[float, float] = A4) -> None:
        """Begin a page."""
        self.pdf.add_page(format=size)
        self.width, self.height = size

    def insert(self, other: CleanPdf) -> None:
        """Put the pages of another file here; what is drawn next must begin a page."""
        self.inserted.append((int(self.pdf.pages_count), other))

    def content(self) -> bytes:
        """Return the finished file."""
        own = bytes(self.pdf.output()) if self.pdf.pages_count or not self.inserted else b""
        return merge(own, self.inserted) if self.inserted else own

    # --- text --------------------------------------------------------------------------------------------------------

    def text(
        self, x: float, y: float, text: object, *, size: float = 9, bold: bool = False, width: float = 0,
        align: Align = "L", lines: int = 1,
    ) -> float:  # fmt: skip
        """Write text with its upper edge at `y`, in at most `lines` lines of `width`; returns where it ends below.

        What does not fit is cut and ends in “…”. Whatever the text holds, it is only text.
        """
        height = size * POINT * LEADING
        for line in self.wrapped(text, size=size, bold=bold, width=width or self.width - x, lines=lines):
            self.said.append((self.pages, line))
            self._draw(x, y + size * POINT, line, size, bold, width or self.width - x, align)
            y += height
        return y

    def wrapped(self, text: object, *, size: float = 9, bold: bool = False, width: float, lines: int = 1) -> list[str]:
        """Return the lines that fit; the last one is cut with a sign when there is more."""
        rest = self._known(one_line(text), bold)
        found: list[str] = []
        most = width / (size * POINT / 1000)
        while rest and len(found) < lines:
            end = self._fits(rest, most, bold)
            if len(found) == lines - 1 and end < len(rest):
                end = self._fits(rest, most - self._width(CUT, bold), bold, words=False)
                return [*found, rest[:end].rstrip() + CUT]
            found.append(rest[:end].strip())
            rest = rest[end:].lstrip()
        return found

    def _fits(self, text: str, most: float, bold: bool, *, words: bool = True) -> int:
        """Return how many letters fit, at the end of a word where there is one; at least one."""
        used, last = 0.0, 0
        for place, letter in enumerate(text):
            used += self._letter(letter, bold)
            if used > most:
                return max((last if words and last else place), 1)
            if letter == " " or letter == "-" or letter >= "\u2e80":
                last = place + 1
        return len(text)

    def _width(self, text: str, bold: bool) -> float:
        return sum(self._letter(letter, bold) for letter in text)

    def _letter(self, letter: str, bold: bool) -> float:
        return float(self._face(letter, bold).cw[ord(letter)])

    def _face(self, letter: str, bold: bool) -> Any:
        place = self._face_of.get((bold, letter))
        if place is None:
            faces = self._loaded(bold)
            place = next((at for at, face in enumerate(faces) if ord(letter) in face.cmap), -1)
            self._face_of[bold, letter] = place
        return self._loaded(bold)[max(place, 0)]

    def _known(self, text: str, bold: bool) -> str:
        """Write what no font can draw by its number, [U+1F384]: seen, and not lost."""
        found = []
        for letter in text:
            self._face(letter, bold)
            found.append(letter if self._face_of[bold, letter] >= 0 else f"[U+{ord(letter):04X}]")
        return "".join(found)

    def _loaded(self, bold: bool) -> list[Any]:
        if bold not in self._faces:
            files = [self._fonts.bold if bold else self._fonts.regular, *self._fonts.gaps]
            self._faces[bold] = [self.pdf.fonts[self._name(one)] for one in files]
        return self._faces[bold]

    def _name(self, file: FontFile) -> str:
        if file not in self._names:
            name = f"f{len(self._names)}"
            faces.add(self.pdf, file, name)
            self._names[file] = name
        return self._names[file]

    def _draw(self, x: float, base: float, line: str, size: float, bold: bool, width: float, align: Align) -> None:
        drawn = self._known(visual(line), bold)
        if align != "L":
            left = width - self._width(drawn, bold) * size * POINT / 1000
            x += left if align == "R" else left / 2
        for face, run in self._runs(drawn, bold):
            self.pdf.set_font(face.fontkey, size=size)
            self.pdf.text(x, base, run)
            x += sum(face.cw[ord(letter)] for letter in run) * size * POINT / 1000

    def _runs(self, text: str, bold: bool) -> list[tuple[Any, str]]:
        found: list[tuple[Any, str]] = []
        for letter in text:
            face = self._face(letter, bold)
            if found and found[-1][0] is face:
                found[-1] = (face, found[-1][1] + letter)
            else:
                found.append((face, letter))
        return found

    # --- figures -----------------------------------------------------------------------------------------------------

    def rule(self, x: float, y: float, to_x: float, *, thick: float = 0.2) -> None:
        """Draw a line across."""
        self.pdf.set_line_width(thick)
        self.pdf.line(x, y, to_x, y)

    def down(self, x: float, y: float, to_y: float, *, thick: float = 0.2) -> None:
        """Draw a line down."""
        self.pdf.set_line_width(thick)
        self.pdf.line(x, y, x, to_y)

    def box(self, x: float, y: float, width: float, height: float, *, thick: float = 0.2) -> None:
        """Draw a frame."""
        self.pdf.set_line_width(thick)
        self.pdf.rect(x, y, width, height)

    def barcode(self, x: float, y: float, width: float, height: float, text: str, *, shown: bool = True) -> None:
        """Draw a Code 128 with quiet zones inside `width`, its text below. Raises YikuError bad_barcode."""
        modules, bars = codes.code128(text)
        module = width / (modules + 20)
        self._fill([(x + (start + 10) * module, y, wide * module, height) for start, wide in bars])
        if shown:
            self.text(x, y + height + 0.6, text, size=9, bold=True, width=width, align="C")

    def qr(self, x: float, y: float, side: float, text: str) -> None:
        """Draw a QR code."""
        modules, runs = _qr(text)
        module = side / modules
        self._fill([(x + start * module, y + row * module, wide * module, module) for row, start, wide in runs])

    def image(self, x: float, y: float, width: float, height: float, content: bytes) -> None:
        """Draw a PNG or JPEG, kept in proportion within the frame."""
        self.pdf.image(io.BytesIO(content), x=x, y=y, w=width, h=height, keep_aspect_ratio=True)

    def _fill(self, frames: Sequence[tuple[float, float, float, float]]) -> None:
        # One path for all bars: a rectangle each, filled at the end.
        k, top = self.pdf.k, self.height
        path = " ".join(f"{x * k:.3f} {(top - y) * k:.3f} {w * k:.3f} {-h * k:.3f} re" for x, y, w, h in frames)
        self.pdf._out(f"{path} f")

    # --- tables ------------------------------------------------------------------------------------------------------

    def table(
        self, x: float, y: float, columns: Sequence[Column], rows: Sequence[Sequence[object]], *,
        bottom: float, again: Callable[[], float], size: float = 9,
    ) -> float:  # fmt: skip
        """Draw rows under a head; one that does not fit goes on a new page, which `again` begins (returns its top)."""
        y = self._head(x, y, columns, size)
        for row in rows:
            cells = [
                self.wrapped(cell, size=size, bold=one.bold, width=one.width - 2, lines=one.lines)
                for cell, one in zip(row, columns, strict=True)
            ]
            height = max(len(cell) for cell in cells) * size * POINT * LEADING + 1.6 if any(cells) else 5.0
            if y + height > bottom:
                y = self._head(x, again(), columns, size)
            self._row(x, y, columns, cells, size)
            y += height
            self.rule(x, y, x + sum(one.width for one in columns), thick=0.1)
        return y

    def _row(self, x: float, y: float, columns: Sequence[Column], cells: Sequence[list[str]], size: float) -> None:
        for one, lines in zip(columns, cells, strict=True):
            for place, line in enumerate(lines):
                self.said.append((self.pages, line))
                base = y + 0.8 + size * POINT * (1 + place * LEADING)
                self._draw(x + 1, base, line, size, one.bold, one.width - 2, one.align)
            x += one.width

    def _head(self, x: float, y: float, columns: Sequence[Column], size: float) -> float:
        across = sum(one.width for one in columns)
        titles = [
            self.wrapped(one.title, size=size - 1, bold=True, width=one.width - 2, lines=2) or [""] for one in columns
        ]
        self._row(x, y, [dataclasses.replace(one, bold=True) for one in columns], titles, size - 1)
        y += max(len(one) for one in titles) * (size - 1) * POINT * LEADING + 1.6
        self.rule(x, y, x + across, thick=0.4)
        return y


@lru_cache(maxsize=512)
def _qr(text: str) -> tuple[int, list[tuple[int, int, int]]]:
    return codes.qr(text)
