"""Papers with prices: the invoice and the quote."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from backoffice.papers.sheet import Column, Sheet
from orders.fulfil.papers.facts import AddressFacts, CompanyFacts, InvoiceFacts, PaperLine, QuoteFacts
from orders.fulfil.papers.frame import BOTTOM, LEFT, RIGHT, Frame
from orders.fulfil.papers.words import day, money, plain, say

TAX_NUMBER = _("Tax number")


def draw_invoice(sheet: Sheet, facts: InvoiceFacts, *, copy: bool = False) -> None:
    """Draw an invoice; a copy says that it is one."""
    language = facts.language
    title = say(language, _("Invoice (copy)") if copy else _("Invoice"))
    frame = Frame(sheet, title=title, number=facts.text, company=facts.company, language=language, code=facts.text)
    frame.pairs(
        [(_("Invoice number"), facts.text), (_("Date"), day(facts.issued_on)), (_("Order"), facts.order),
         (_("Ordered on"), day(facts.ordered_on)), (_("Payment"), facts.paid)]
    )  # fmt: skip
    _parties(frame, facts.company, facts.customer, facts.customer_tax_id)
    _goods(frame, facts.lines, facts.currency)
    _totals(
        frame, facts.currency,
        [(_("Goods"), facts.goods), (_("Discount"), -facts.discount), (_("Shipping"), facts.shipping),
         (_("Fees"), facts.fees), (_("Tax included") if facts.taxes_included else _("Tax"), facts.tax)],
        facts.total,
    )  # fmt: skip
    _taxes(frame, facts)
    frame.note(_("Bank"), facts.company.bank, lines=2)
    frame.note(_("Note"), facts.note, lines=4)


def draw_quote(sheet: Sheet, facts: QuoteFacts) -> None:
    """Draw an offer."""
    language = facts.language
    frame = Frame(
        sheet, title=say(language, _("Quotation")), number=facts.number, company=facts.company, language=language
    )
    frame.pairs(
        [
            (_("Quotation number"), facts.number),
            (_("Date"), day(facts.made_on)),
            (_("Offer valid until"), day(facts.valid_until)),
        ]
    )
    _parties(frame, facts.company, facts.customer, "")
    _goods(frame, facts.lines, facts.currency)
    _totals(
        frame, facts.currency,
        [(_("Goods"), facts.goods), (_("Discount"), -facts.discount), (_("Shipping"), facts.shipping),
         (_("Tax included") if facts.taxes_included else _("Tax"), facts.tax)],
        facts.total,
    )  # fmt: skip
    frame.note(_("Terms"), facts.terms, lines=8)
    frame.note(_("Note"), facts.note, lines=55)


def _parties(frame: Frame, company: CompanyFacts, customer: AddressFacts, tax_id: str) -> None:
    top = max(frame.y + 4, 42)
    ends = frame.address(LEFT, top, _("Customer"), customer)
    if tax_id:
        text = f"{say(frame.language, TAX_NUMBER)}: {tax_id}"
        ends = frame.sheet.text(LEFT, ends, text, size=9, width=86)
    y = frame.sheet.text(110, top, say(frame.language, _("Seller")), size=8, bold=True, width=86)
    y = frame.sheet.text(110, y, company.name or company.name_en, size=11, bold=True, width=86, lines=2)
    tax = f"{say(frame.language, TAX_NUMBER)}: {company.tax_id}" if company.tax_id else ""
    for line in (company.address, tax, company.phone, company.email):
        if line:
            y = frame.sheet.text(110, y, line, size=9, width=86, lines=3)
    frame.y = max(ends, y) + 5


def _goods(frame: Frame, lines: Sequence[PaperLine], currency: str) -> None:
    language = frame.language
    columns = (
        Column(say(language, _("SKU")), 32, lines=2),
        Column(say(language, _("Goods")), 64, lines=3),
        Column(say(language, _("Quantity")), 18, "R"),
        Column(say(language, _("Unit price")), 24, "R"),
        Column(say(language, _("Discount")), 20, "R"),
        Column(f"{say(language, _('Amount'))} {currency}", 24, "R", bold=True),
    )
    rows = [
        (one.sku, one.title, plain(one.quantity), money(one.unit_price), money(one.discount) if one.discount else "",
         money(one.total))
        for one in lines
    ]  # fmt: skip
    frame.y = frame.sheet.table(LEFT, frame.y, columns, rows, bottom=BOTTOM, again=frame.begin)


def _totals(frame: Frame, currency: str, rows: Sequence[tuple[object, Decimal]], total: Decimal) -> None:
    if frame.y > BOTTOM - 40:
        frame.y = frame.begin()
    frame.y += 2
    for label, amount in rows:
        if amount:
            frame.sheet.text(110, frame.y, say(frame.language, label), size=9, width=50)
            frame.y = frame.sheet.text(156, frame.y, money(amount), size=9, width=RIGHT - 157, align="R")
    frame.sheet.rule(110, frame.y + 0.6, RIGHT, thick=0.4)
    text = f"{say(frame.language, _('Total'))} {currency}"
    frame.sheet.text(110, frame.y + 1.5, text, size=12, bold=True, width=50)
    frame.y = frame.sheet.text(150, frame.y + 1.5, money(total), size=12, bold=True, width=RIGHT - 151, align="R") + 3


def _taxes(frame: Frame, facts: InvoiceFacts) -> None:
    if not facts.taxes:
        return
    language = frame.language
    columns = (
        Column(say(language, _("Tax rate")), 34),
        Column(say(language, _("Net")), 34, "R"),
        Column(say(language, _("Tax")), 34, "R"),
    )
    rows = [(rate, money(net), money(tax)) for rate, net, tax in facts.taxes]
    frame.y = frame.sheet.table(LEFT, frame.y, columns, rows, bottom=BOTTOM, again=frame.begin, size=8) + 2
