"""The packing slip: what lies in the parcel, for whom; A4 or 100 × 150 mm."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.papers.sheet import LABEL, Column, Sheet
from orders.fulfil.papers.facts import ZERO, PaperLine, SlipFacts
from orders.fulfil.papers.frame import BOTTOM, LEFT, RIGHT, Frame, barcode
from orders.fulfil.papers.words import day, plain, say

TITLE, ITEM, GOODS, PIECES = _("Packing slip"), _("SKU"), _("Goods"), _("Quantity")


def draw(sheet: Sheet, facts: SlipFacts) -> None:
    """Draw it on new pages."""
    (_small if facts.small else _large)(sheet, facts)


def _large(sheet: Sheet, facts: SlipFacts) -> None:
    language = facts.language
    frame = Frame(sheet, title=say(language, TITLE), number=facts.number, company=facts.company, language=language,
                  code=facts.number)  # fmt: skip
    frame.pairs(
        [(_("Shop"), facts.shop), (_("Ordered on"), day(facts.placed_at)), (_("Delivery method"), facts.method),
         (_("Tracking number"), facts.tracking)]
    )  # fmt: skip
    frame.y = max(frame.address(LEFT, frame.y + 3, _("Recipient"), facts.recipient, width=110), 40) + 4
    columns = (
        Column(say(language, _("No.")), 14, "R"),
        Column(say(language, ITEM), 40, lines=2),
        Column(say(language, GOODS), 104, lines=3),
        Column(say(language, PIECES), 24, "R", bold=True),
    )
    rows = [(place, one.sku, _titled(one), plain(one.quantity)) for place, one in enumerate(facts.lines, start=1)]
    frame.y = sheet.table(LEFT, frame.y, columns, rows, bottom=BOTTOM, again=frame.begin)
    if frame.y > BOTTOM - 8:
        frame.y = frame.begin()
    total = plain(sum((one.quantity for one in facts.lines), start=ZERO))
    text = f"{say(language, _('Lines'))} {len(facts.lines)} · {say(language, _('Pieces'))} {total}"
    frame.y = sheet.text(LEFT, frame.y + 2, text, size=9, bold=True, width=RIGHT - LEFT, align="R")
    frame.note(_("Note of the buyer"), facts.buyer_note)
    frame.note(_("Note"), facts.note, lines=4)


def _titled(line: PaperLine) -> str:
    parts = ", ".join(f"{plain(pieces)} × {sku}" for sku, pieces in line.parts)
    return f"{line.title} ({parts})" if parts else line.title


def _small(sheet: Sheet, facts: SlipFacts) -> None:
    language = facts.language
    first = sheet.pages + 1

    def begin() -> float:
        sheet.page(LABEL)
        name = facts.company.logo_text or facts.company.name or facts.shop
        sheet.text(4, 4, name, size=11, bold=True, width=56)
        sheet.text(56, 4, say(language, TITLE), size=9, bold=True, width=40, align="R")
        sheet.text(56, 8.5, facts.number, size=8, width=40, align="R")
        sheet.text(4, 144, f"{facts.number} · {sheet.pages - first + 1}", size=6.5, width=92, align="C")
        sheet.rule(4, 13, 96, thick=0.4)
        return 14.5

    y = begin()
    barcode(sheet, 40, y, 58, 8, facts.number)
    y = sheet.text(4, y, facts.recipient.name, size=9, bold=True, width=38, lines=2)
    y = sheet.text(4, y, day(facts.placed_at), size=7.5, width=38)
    y = max(y, 24.5)
    y = sheet.text(4, y, " ".join(facts.recipient.lines), size=7.5, width=92, lines=3) + 1
    columns = (
        Column(say(language, ITEM), 24, lines=2),
        Column(say(language, GOODS), 54, lines=2),
        Column(say(language, PIECES), 14, "R", bold=True),
    )
    rows = [(one.sku, _titled(one), plain(one.quantity)) for one in facts.lines]
    y = sheet.table(4, y, columns, rows, bottom=141, again=begin, size=7.5)
    for text in (facts.buyer_note, facts.note):
        if text.strip():
            y = begin() if y > 130 else y
            y = sheet.text(4, y + 1.5, text, size=7.5, width=92, lines=4)
