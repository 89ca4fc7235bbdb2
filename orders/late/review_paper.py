"""The month in review on paper: the figures of the page, in the reader's language, for a folder or a meeting."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from backoffice.papers.sheet import Column, Sheet
from finance import currencies
from orders.late.review import Line, Review

LANDSCAPE = (297.0, 210.0)
LEFT, RIGHT, TOP, BOTTOM = 14.0, 283.0, 24.0, 194.0
DASH = "–"


def pdf(review: Review) -> bytes:
    """Return the review as a PDF. Raises NoFont."""
    return drawn(review).content()


def drawn(review: Review) -> Sheet:
    """Return the review on a sheet. Raises NoFont."""
    title = _("Lateness in %s") % review.first.isoformat()[:7]
    sheet = Sheet(title=title)
    paper = _Paper(sheet, title)
    y = paper.begin()
    if not review.complete:
        y = sheet.text(LEFT, y, _("The month is not over: the figures still grow."), size=9) + 2
    none = _("cause not recorded")
    parts = [
        ("", [review.total], _("All")),
        (_("What changed"), review.changes, none),
        (_("By cause"), review.causes, none),
        (_("By shop"), review.shops, ""),
        (_("By product"), review.products, ""),
    ]
    for heading, lines, unnamed in parts:
        if lines:
            y = paper.part(y, heading, lines, unnamed)
    return sheet


class _Paper:
    """Pages with a head and numbered feet, and tables that go on over them."""

    def __init__(self, sheet: Sheet, title: str) -> None:
        self.sheet, self.title = sheet, title
        self.columns = (
            Column(_("name"), 52, lines=2), Column(_("orders"), 16, "R"),
            Column(pgettext("orders", "late"), 16, "R", bold=True), Column(_("late, percent"), 18, "R"),
            Column(_("oversold"), 18, "R"), Column(_("compensations"), 27, "R"), Column(_("refunds"), 26, "R"),
            Column(_("penalties"), 26, "R"), Column(_("cost"), 26, "R", bold=True),
            Column(_("late the month before"), 18, "R"), Column(_("cost the month before"), 26, "R"),
        )  # fmt: skip

    def begin(self) -> float:
        """Begin a page; returns where its text starts."""
        sheet = self.sheet
        sheet.page(LANDSCAPE)
        sheet.text(LEFT, 10, self.title, size=15, bold=True, width=160)
        told = _("Amounts in %s") % currencies.base_code()
        sheet.text(180, 12, told, size=9, width=RIGHT - 180, align="R")
        sheet.rule(LEFT, 19, RIGHT, thick=0.4)
        sheet.text(LEFT, 200, f"{self.title} · {sheet.pages}", size=7, width=RIGHT - LEFT, align="C")
        return TOP

    def part(self, y: float, heading: str, lines: Sequence[Line], unnamed: str) -> float:
        """Draw one table under its heading; returns where it ends."""
        if y > BOTTOM - 25:
            y = self.begin()
        if heading:
            y = self.sheet.text(LEFT, y, heading, size=11, bold=True) + 1
        rows = [_row(one, unnamed) for one in lines]
        return self.sheet.table(LEFT, y, self.columns, rows, bottom=BOTTOM, again=self.begin, size=8.5) + 5


def _row(line: Line, unnamed: str) -> tuple[object, ...]:
    return (
        line.name or unnamed, line.orders or "", line.late, DASH if line.share is None else line.share, line.oversold,
        _money(line.compensations), _money(line.refunds), _money(line.penalties), _money(line.cost),
        line.late_before, _money(line.cost_before),
    )  # fmt: skip


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}" if amount else DASH
