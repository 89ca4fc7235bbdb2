"""The result of a stocktake on paper: the sums, the dearest differences with their likely causes, room to sign."""

from __future__ import annotations

from decimal import Decimal

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from backoffice.papers.sheet import Column, Sheet
from inventory.models import Stocktake, StocktakeLine
from inventory.readable import money, pieces
from inventory.stocktakes import result

LANDSCAPE = (297.0, 210.0)
LEFT, RIGHT, TOP, BOTTOM = 14.0, 283.0, 24.0, 192.0
MOST = 500  # differences on paper; the workbook has all


def pdf(stocktake: Stocktake, *, cost: bool) -> bytes:
    """Return the result as a PDF; value only where `cost`. Raises NoFont."""
    return drawn(stocktake, cost=cost).content()


def drawn(stocktake: Stocktake, *, cost: bool) -> Sheet:
    """Return the result on a sheet. Raises NoFont."""
    title = _("Result of stocktake %s") % stocktake
    sheet = Sheet(title=title)

    def begin() -> float:
        sheet.page(LANDSCAPE)
        sheet.text(LEFT, 10, title, size=15, bold=True, width=160)
        sheet.text(180, 12, str(stocktake.warehouse), size=9, width=RIGHT - 180, align="R")
        sheet.rule(LEFT, 19, RIGHT, thick=0.4)
        sheet.text(LEFT, 200, f"{title} · {sheet.pages}", size=7, width=RIGHT - LEFT, align="C")
        return TOP

    y = begin()
    for what, figure in [*result.summary(stocktake, cost), *_people(stocktake)]:
        sheet.text(LEFT, y, what, size=9, width=70)
        y = sheet.text(LEFT + 72, y, figure, size=9, bold=True, width=190) + 0.6
    lines = result.top(stocktake, MOST)
    if lines:
        y = sheet.text(LEFT, y + 4, _("Differences, the dearest first"), size=11, bold=True) + 1
        rows = [_row(line, causes, cost) for line, causes in lines]
        y = sheet.table(LEFT, y, _columns(cost), rows, bottom=BOTTOM, again=begin, size=8.5)
        if stocktake.difference_count > MOST:
            told = {"shown": MOST, "all": stocktake.difference_count}
            y = sheet.text(LEFT, y + 2, _("%(shown)s of %(all)s differences; the workbook has all.") % told, size=8)
    y = begin() if y > BOTTOM - 18 else y
    for place, who in enumerate((_("counted by"), _("approved by"))):
        x = LEFT + 100 * place
        sheet.rule(x, y + 15, x + 80)
        sheet.text(x, y + 16, who, size=8)
    return sheet


def _columns(cost: bool) -> list[Column]:
    columns = [
        Column(_("SKU"), 34), Column(_("name"), 56, lines=2), Column(_("bin"), 22),
        Column(_("system at the count"), 22, "R"), Column(_("counted"), 20, "R"),
        Column(_("difference"), 20, "R", bold=True), Column(_("likely causes"), 69 if cost else 95, lines=4),
    ]  # fmt: skip
    return [*columns, Column(_("value"), 26, "R")] if cost else columns


def _row(line: StocktakeLine, causes: list[str], cost: bool) -> tuple[object, ...]:
    moved = ("+" if line.difference > 0 else "−") + pieces(abs(line.difference))
    name = " · ".join(filter(None, (result.lot_of(line), line.sku.name)))
    plain = (
        line.sku.code, name, line.bin, pieces(line.system_quantity or Decimal(0)), pieces(line.counted_quantity), moved,
        " ".join(causes),
    )  # fmt: skip
    return (*plain, money(line.value)) if cost else plain


def _people(stocktake: Stocktake) -> list[tuple[str, str]]:
    """Who closed and who posted, and when."""
    done = [
        (_("counting closed"), stocktake.submitted_at, stocktake.submitted_by),
        (_("posted"), stocktake.posted_at, stocktake.posted_by),
    ]
    return [
        (what, f"{date_format(localtime(at), 'SHORT_DATETIME_FORMAT')} {who or ''}".strip())
        for what, at, who in done
        if at
    ]
