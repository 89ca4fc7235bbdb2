"""Invoices: a number of their own per company and year, never given twice; what was issued is kept as it was."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from backoffice import audit, clock
from orders.fulfil import parcels
from orders.fulfil.papers.errors import PaperError
from orders.fulfil.papers.facts import AddressFacts, CompanyFacts, InvoiceFacts, PaperLine
from orders.fulfil.papers.gather import Gathered, address_facts, company_facts, read
from orders.fulfil.papers.words import plain
from orders.fulfil.revenue import OrderMoney
from orders.models import Company, Invoice, InvoiceSeries, Order, OrderLine

ZERO = Decimal(0)
NEVER = (Order.State.UNPAID, Order.State.CANCELLED)
AMOUNTS = ("goods", "discount", "shipping", "fees", "tax", "total")


@transaction.atomic
def issue(*, order_id: int, actor: str) -> tuple[Invoice, bool]:
    """Return the invoice of an order and whether it was written now; asked again, it is the same one.

    Raises PaperError: no_such_order, not_to_invoice, no_company.
    """
    order = Order.objects.select_for_update().filter(pk=order_id).first()
    if order is None:
        raise PaperError("no_such_order")
    known = Invoice.objects.filter(order=order).first()
    if known is not None:
        return known, False
    if order.state in NEVER:
        raise PaperError("not_to_invoice", number=order.number, state=order.get_state_display())
    company = Company.objects.select_for_update().filter(pk=1).exclude(name="", name_en="").first()
    if company is None:
        raise PaperError("no_company")
    now = clock.now()
    year = timezone.localtime(now).year
    number = _next(company, year)
    text = f"{company.invoice_prefix}{year}-{number:06d}"
    facts = facts_of(order, read([order.pk]), text=text, on=timezone.localtime(now).date())
    made = Invoice.objects.create(
        order=order, company=company, year=year, number=number, text=text, facts=to_json(facts), issued_at=now,
        issued_by=actor[:150],
    )  # fmt: skip
    audit.record(action="invoice.issue", target=order, actor=actor, after={"invoice": text}, summary=text)
    return made, True


def _next(company: Company, year: int) -> int:
    """Count on under the company's lock: no gap when the rest of the transaction fails, no number twice."""
    series, _made = InvoiceSeries.objects.get_or_create(company=company, year=year)
    InvoiceSeries.objects.filter(pk=series.pk).update(last=F("last") + 1)
    return int(InvoiceSeries.objects.values_list("last", flat=True).get(pk=series.pk))


def facts_of(order: Order, all_of_it: Gathered, *, text: str, on: dt.date) -> InvoiceFacts:
    """Return what an invoice of the order says now."""
    order = all_of_it.orders.get(order.pk, order)
    lines = [one for one in all_of_it.lines.get(order.pk, []) if one.quantity > 0]
    apart = parcels.money_of(order, lines)
    contact = getattr(order, "contact", None)
    billing = (contact.billing or contact.shipping) if contact is not None else {}
    return InvoiceFacts(
        text=text,
        issued_on=on,
        order=order.number,
        ordered_on=timezone.localtime(order.placed_at).date(),
        company=company_facts(all_of_it.company),
        customer=_customer(order, billing),
        lines=[_line(one) for one in lines],
        currency=order.currency,
        goods=sum((one.total + one.discount for one in lines), ZERO),
        discount=order.discount_total or sum((one.discount for one in lines), ZERO),
        shipping=order.shipping_total,
        fees=order.fee_total + order.rounding,
        tax=order.tax_total,
        total=order.total,
        taxes_included=order.taxes_included,
        taxes=taxes(lines, apart),
        paid=order.get_payment_display(),
        note=all_of_it.company.invoice_note,
        language=all_of_it.language(order),
    )


def _customer(order: Order, billing: Mapping[str, Any]) -> AddressFacts:
    found = address_facts(billing)
    return found if found.name or found.company else dataclasses.replace(found, name=order.contact.buyer_name)


def _line(line: OrderLine) -> PaperLine:
    return PaperLine(
        sku=line.sku.code if line.sku else line.sku_code, title=line.title, quantity=line.quantity,
        unit_price=line.unit_price, discount=line.discount, tax_rate=line.tax_rate, tax=line.tax, total=line.total,
    )  # fmt: skip


def taxes(lines: Sequence[OrderLine], apart: OrderMoney) -> list[tuple[str, Decimal, Decimal]]:
    """Return (rate, net, tax) by tax rate, shipping below the goods; they add up to the order."""
    sums: dict[str, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    for line in lines:
        money = apart.lines.get(line.pk)
        if money is not None:
            rate = f"{plain(line.tax_rate * 100)} %" if line.tax_rate is not None else "–"
            sums[rate][0] += money.net - money.discount
            sums[rate][1] += money.tax
    if apart.shipping_net or apart.shipping_tax:
        sums["+"][0] += apart.shipping_net
        sums["+"][1] += apart.shipping_tax
    return [(rate, net, tax) for rate, (net, tax) in sorted(sums.items(), key=lambda one: one[0] == "+")]


def to_json(facts: InvoiceFacts) -> dict[str, Any]:
    """Return the facts as they are kept: dates and amounts as text."""
    return {key: _plain(value) for key, value in dataclasses.asdict(facts).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def from_json(kept: Mapping[str, Any]) -> InvoiceFacts:
    """Return the facts of an invoice that was issued."""
    values = dict(kept)
    values["company"], values["customer"] = CompanyFacts(**kept["company"]), AddressFacts(**kept["customer"])
    values["issued_on"], values["ordered_on"] = map(dt.date.fromisoformat, (kept["issued_on"], kept["ordered_on"]))
    values["lines"] = [_line_from(one) for one in kept["lines"]]
    values["taxes"] = [(rate, Decimal(net), Decimal(tax)) for rate, net, tax in kept["taxes"]]
    return InvoiceFacts(**{**values, **{name: Decimal(kept[name]) for name in AMOUNTS}})


def _line_from(kept: Mapping[str, Any]) -> PaperLine:
    amounts = {name: Decimal(kept[name]) for name in ("quantity", "unit_price", "discount", "tax", "total")}
    rate = Decimal(kept["tax_rate"]) if kept["tax_rate"] is not None else None
    return PaperLine(**{**kept, **amounts, "tax_rate": rate, "parts": ()})
