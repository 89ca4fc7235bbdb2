"""The purchase order and the return to the supplier on paper: what the supplier gets."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.papers.sheet import Column, Sheet
from orders.fulfil.papers.facts import AddressFacts
from orders.fulfil.papers.frame import BOTTOM, LEFT, RIGHT, Frame
from orders.fulfil.papers.gather import company, company_facts
from orders.fulfil.papers.words import day, money, plain, say
from orders.models import PurchaseOrder, Supplier, SupplierReturn


def order_sheet(order: PurchaseOrder) -> Sheet:
    """Return the order on a sheet. Raises NoFont."""
    language, sheet = company().language, Sheet(title=order.number)
    frame = _frame(sheet, say(language, _("Purchase order")), order.number, language)
    frame.pairs(
        [(_("Date"), day(order.ordered_at or order.created_at)), (_("Delivery by"), day(order.expected_on)),
         (_("Deliver to"), order.warehouse.name)]
    )  # fmt: skip
    _supplier(frame, order.supplier)
    columns = (
        Column(say(language, _("SKU")), 32, lines=2), Column(say(language, _("Your code")), 28, lines=2),
        Column(say(language, _("Goods")), 56, lines=3), Column(say(language, _("Quantity")), 20, "R"),
        Column(say(language, _("Unit price")), 22, "R"),
        Column(f"{say(language, _('Amount'))} {order.currency}", 24, "R", bold=True),
    )  # fmt: skip
    rows = [
        (one.sku.code, one.supplier_code, one.sku.name, plain(one.quantity), money(one.price),
         money(round(one.quantity * one.price, 2)))
        for one in order.lines.select_related("sku").order_by("row")
    ]  # fmt: skip
    frame.y = sheet.table(LEFT, frame.y, columns, rows, bottom=BOTTOM, again=frame.begin)
    text = f"{say(language, _('Total'))} {order.currency} {money(order.total)}"
    frame.y = sheet.text(110, frame.y + 2, text, size=12, bold=True, width=RIGHT - 111, align="R")
    frame.note(_("Note"), order.note)
    return sheet


def return_sheet(sent: SupplierReturn) -> Sheet:
    """Return the document of goods that go back. Raises NoFont."""
    language, sheet = company().language, Sheet(title=sent.number)
    frame = _frame(sheet, say(language, _("Return to supplier")), sent.number, language)
    frame.pairs([(_("Date"), day(sent.at)), (_("Purchase order"), sent.order.number), (_("Reason"), sent.reason)])
    _supplier(frame, sent.order.supplier)
    columns = (
        Column(say(language, _("SKU")), 36, lines=2), Column(say(language, _("Your code")), 32, lines=2),
        Column(say(language, _("Goods")), 70, lines=3), Column(say(language, _("Quantity")), 22, "R", bold=True),
        Column(say(language, _("Damaged")), 22),
    )  # fmt: skip
    rows = [
        (one.line.sku.code, one.line.supplier_code, one.line.sku.name, plain(one.quantity),
         say(language, _("yes")) if one.damaged else "")
        for one in sent.rows.select_related("line__sku").order_by("pk")
    ]  # fmt: skip
    frame.y = sheet.table(LEFT, frame.y, columns, rows, bottom=BOTTOM, again=frame.begin)
    return sheet


def _frame(sheet: Sheet, title: str, number: str, language: str) -> Frame:
    return Frame(sheet, title=title, number=number, company=company_facts(company()), language=language, code=number)


def _supplier(frame: Frame, supplier: Supplier) -> None:
    to = AddressFacts(name=supplier.name, company=supplier.contact, phone=supplier.phone, line1=supplier.address)
    frame.y = frame.address(LEFT, max(frame.y + 4, 42), _("Supplier"), to) + 5
