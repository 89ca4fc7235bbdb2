"""The shipping label, 100 × 150 mm: what the carrier reads first stands largest."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.papers.sheet import LABEL, Sheet
from orders.fulfil.papers.facts import AddressFacts, LabelFacts
from orders.fulfil.papers.words import day, say, weight

X, WIDTH = 4.0, 92.0


def draw(sheet: Sheet, facts: LabelFacts) -> None:
    """Draw it on a new page."""
    language = facts.language
    sheet.page(LABEL)
    sheet.box(X, 4, WIDTH, 142, thick=0.4)
    sheet.text(X + 2, 5, facts.carrier, size=13, bold=True, width=56)
    sheet.text(X + 2, 11.5, facts.service, size=8, width=56)
    sheet.text(62, 5, f"{facts.parcel}/{facts.parcels}", size=13, bold=True, width=32, align="R")
    sheet.text(62, 11.5, weight(facts.weight_g), size=9, bold=True, width=32, align="R")
    sheet.rule(X, 17, X + WIDTH, thick=0.4)
    sheet.text(X + 2, 18, facts.route or facts.recipient.country, size=26, bold=True, width=60)
    sheet.text(X + 62, 20, facts.station, size=10, bold=True, width=28, align="R", lines=2)
    sheet.rule(X, 31.5, X + WIDTH, thick=0.4)
    _recipient(sheet, facts.recipient, say(language, _("Ship to")))
    sheet.rule(X, 70, X + WIDTH)
    _sender(sheet, facts.sender, say(language, _("Ship from")))
    sheet.rule(X, 86, X + WIDTH, thick=0.4)
    sheet.barcode(X + 1, 88, WIDTH - 2, 20, facts.number)
    sheet.rule(X, 114, X + WIDTH, thick=0.4)
    sheet.qr(X + 3, 117, 26, facts.qr or facts.number)
    y = sheet.text(36, 116, f"{say(language, _('Order'))} {facts.reference}", size=9, width=58, lines=2)
    if facts.note:
        y = sheet.text(36, y + 1, facts.note, size=12, bold=True, width=58, lines=3)
    sheet.text(36, 140.5, day(facts.printed_at), size=8, width=58, align="R")


def _recipient(sheet: Sheet, to: AddressFacts, label: str) -> None:
    sheet.text(X + 2, 32.5, label, size=7, width=30)
    y = sheet.text(X + 2, 35.5, to.name, size=13, bold=True, width=54)
    sheet.text(X + 54, 36, to.phone, size=11, bold=True, width=36, align="R")
    size, most = (11, 2) if sum(map(len, to.lines)) < 90 else (8.5, 3)
    for line in to.lines:
        room = int((69.5 - y) / (size * 0.4516))
        if room < 1:
            break
        y = sheet.text(X + 2, y, line, size=size, width=WIDTH - 4, lines=min(most, room))


def _sender(sheet: Sheet, sender: AddressFacts, label: str) -> None:
    sheet.text(X + 2, 70.8, label, size=7, width=30)
    y = sheet.text(X + 2, 73.8, f"{sender.name} {sender.phone}", size=8, width=WIDTH - 4)
    sheet.text(X + 2, y, ", ".join(sender.lines), size=7.5, width=WIDTH - 4, lines=2)
