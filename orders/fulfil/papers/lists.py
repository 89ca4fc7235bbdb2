"""Papers of the warehouse and of returns: pick list, manifest, return slip."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.papers.sheet import Column, Sheet
from orders.fulfil.papers.facts import CompanyFacts, ManifestFacts, PickListFacts, ReturnFacts
from orders.fulfil.papers.frame import BOTTOM, LEFT, RIGHT, Frame
from orders.fulfil.papers.words import day, plain, say, weight


def draw_pick_list(sheet: Sheet, facts: PickListFacts) -> None:
    """Draw a pick list; each row has a box to tick."""
    language = facts.language
    frame = Frame(sheet, title=say(language, _("Pick list")), number=facts.number,
                  company=CompanyFacts(logo_text=facts.warehouse), language=language, code=facts.number)  # fmt: skip
    frame.pairs(
        [(_("Date"), day(facts.made_at)), (_("Picker"), facts.picker),
         (_("Orders"), str(facts.orders) if facts.orders else ""), (_("Rows"), str(len(facts.rows)))]
    )  # fmt: skip
    columns = (
        Column("□", 8),
        Column(say(language, _("Bin")), 26, bold=True, lines=2),
        Column(say(language, _("SKU")), 38, lines=2),
        Column(say(language, _("Goods")), 58, lines=2),
        Column(say(language, _("Quantity")), 18, "R", bold=True),
        Column(say(language, _("Totes")), 34, lines=4),
    )
    rows = [
        ("□", one.bin, one.sku, one.title, plain(one.quantity),
         ", ".join(f"{tote}: {plain(pieces)}" for tote, pieces in one.totes.items()))
        for one in facts.rows
    ]  # fmt: skip
    sheet.table(LEFT, max(frame.y + 4, 40), columns, rows, bottom=BOTTOM, again=frame.begin)


def draw_manifest(sheet: Sheet, facts: ManifestFacts) -> None:
    """Draw the list a carrier signs for."""
    language = facts.language
    frame = Frame(sheet, title=say(language, _("Manifest")), number=facts.title, company=facts.company,
                  language=language, code=facts.carrier_ref)  # fmt: skip
    grams = sum(one.weight_g for one in facts.rows)
    frame.pairs(
        [(_("Carrier"), facts.carrier), (_("Carrier's number"), facts.carrier_ref),
         (_("Warehouse"), facts.warehouse), (_("Date"), day(facts.day)),
         (_("Parcels"), str(len(facts.rows))), (_("Weight"), weight(grams))]
    )  # fmt: skip
    columns = (
        Column(say(language, _("No.")), 14, "R"),
        Column(say(language, _("Tracking number")), 48, bold=True),
        Column(say(language, _("Order")), 42, lines=2),
        Column(say(language, _("Service")), 30, lines=2),
        Column(say(language, _("Place")), 26),
        Column(say(language, _("Weight")), 22, "R"),
    )
    rows = [
        (place, one.number, one.order, one.service, f"{one.country} {one.postcode}", weight(one.weight_g))
        for place, one in enumerate(facts.rows, start=1)
    ]
    frame.y = sheet.table(LEFT, max(frame.y + 4, 40), columns, rows, bottom=BOTTOM, again=frame.begin)
    if frame.y > BOTTOM - 25:
        frame.y = frame.begin()
    sheet.text(LEFT, frame.y + 16, say(language, _("Taken over by (name, date, signature)")), size=8)
    sheet.rule(LEFT, frame.y + 15, 110)


def draw_return_slip(sheet: Sheet, facts: ReturnFacts) -> None:
    """Draw what goes into a parcel that comes back; the receiving table scans its barcode."""
    language = facts.language
    frame = Frame(sheet, title=say(language, _("Return slip")), number=facts.number, company=facts.company,
                  language=language, code=facts.number)  # fmt: skip
    frame.pairs(
        [(_("Order"), facts.order), (_("Date"), day(facts.made_on)), (_("Send it by"), day(facts.send_by)),
         (_("Reason"), facts.reason)]
    )  # fmt: skip
    top = max(frame.y + 4, 42)
    ends = frame.address(LEFT, top, _("Send it to"), facts.back_to)
    frame.y = max(ends, frame.address(110, top, _("Customer"), facts.customer)) + 4
    columns = (
        Column("□", 8),
        Column(say(language, _("SKU")), 44, lines=2),
        Column(say(language, _("Goods")), 106, lines=3),
        Column(say(language, _("Quantity")), RIGHT - LEFT - 158, "R", bold=True),
    )
    rows = [("□", one.sku, one.title, plain(one.quantity)) for one in facts.lines]
    frame.y = sheet.table(LEFT, frame.y, columns, rows, bottom=BOTTOM, again=frame.begin)
    frame.note(_("Please put this slip into the parcel."), facts.instructions or "–", lines=10)
