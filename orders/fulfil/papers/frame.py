"""What A4 papers share: the head with name, title and barcode, two address blocks, and the foot with page numbers."""

from __future__ import annotations

from collections.abc import Sequence

from backoffice.papers.letters import one_line
from backoffice.papers.sheet import A4, Sheet
from orders.fulfil.papers.facts import AddressFacts, CompanyFacts
from orders.fulfil.papers.words import say

LEFT, RIGHT, BOTTOM = 14.0, 196.0, 280.0


class Frame:
    """One A4 paper over as many pages as it takes."""

    def __init__(
        self, sheet: Sheet, *, title: str, number: str, company: CompanyFacts, language: str, code: str = ""
    ) -> None:
        self.sheet, self.title, self.number, self.language = sheet, title, number, language
        self.company, self.code = company, code
        self.first = sheet.pages + 1
        self.y = self.begin()

    def begin(self) -> float:
        """Begin a page; returns where its text starts."""
        sheet = self.sheet
        sheet.page(A4)
        company = self.company
        name = company.logo_text or company.name or company.name_en
        sheet.text(LEFT, 11, name, size=17, bold=True, width=100)
        if company.logo_text and company.name:
            sheet.text(LEFT, 19, " · ".join(one for one in (company.name, company.name_en) if one), size=8, width=100)
        sheet.text(118, 11, self.title, size=15, bold=True, width=RIGHT - 118, align="R")
        sheet.text(118, 19, self.number, size=10, width=RIGHT - 118, align="R")
        if self.code and sheet.pages == self.first:
            barcode(sheet, 126, 25.5, 74, 11, self.code)
        page = sheet.pages - self.first + 1
        sheet.text(LEFT, 287, f"{self.number} · {page}", size=7, width=RIGHT - LEFT, align="C")
        sheet.rule(LEFT, 24.5, RIGHT, thick=0.4)
        return 28.0

    def pairs(self, pairs: Sequence[tuple[object, str]], *, width: float = 100) -> None:
        """Write label and value below each other; empty values are left out."""
        for label, value in pairs:
            if value:
                self.y = self.sheet.text(
                    LEFT, self.y, f"{say(self.language, label)}: {value}", size=9, width=width, lines=2
                )

    def address(self, x: float, y: float, label: object, to: AddressFacts, *, width: float = 86) -> float:
        """Write an address block; returns where it ends."""
        sheet = self.sheet
        y = sheet.text(x, y, say(self.language, label), size=8, bold=True, width=width)
        y = sheet.text(x, y, to.name, size=11, bold=True, width=width, lines=2)
        for line in to.lines:
            y = sheet.text(x, y, line, size=9, width=width, lines=3)
        return sheet.text(x, y, to.phone, size=9, width=width) if to.phone else y

    def note(self, label: object, text: str, *, lines: int = 6) -> None:
        """Write a paragraph, on a new page when it does not fit here."""
        if not text.strip():
            return
        if self.y > BOTTOM - 8 - 4.1 * min(lines, 1 + len(text) // 45):
            self.y = self.begin()
        self.y = self.sheet.text(LEFT, self.y + 3, say(self.language, label), size=8, bold=True)
        self.y = self.sheet.text(LEFT, self.y, text, size=9, width=RIGHT - LEFT, lines=lines)


def barcode(sheet: Sheet, x: float, y: float, width: float, height: float, text: str) -> None:
    """Draw a barcode where the text can be one; a number with other letters has none."""
    text = one_line(text)
    if text and text.isascii() and text.isprintable() and len(text) <= 40:
        sheet.barcode(x, y, width, height, text, shown=False)
