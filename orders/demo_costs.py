"""The demo seller's late costs: freight that is booked, duty that waits for a look, an invoice that asks more."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from backoffice import clock
from finance import currencies
from orders.models import CostDocument, PurchaseOrder
from orders.supply import invoicing
from orders.supply.costs import booking, drafting, receipts
from orders.supply.costs.drafting import Charge


def finish(actor: str) -> None:
    """Add them once, for the purchase orders that have come."""
    orders = list(PurchaseOrder.objects.filter(state=PurchaseOrder.State.RECEIVED).order_by("pk")[:3])
    if CostDocument.objects.exists() or not orders:
        return
    freight = _shared(orders[0], "freight", "186.50", CostDocument.Basis.VALUE, "顺丰速运", "SF-20118", actor)
    booking.book(document_id=freight.pk, actor=actor)
    _shared(orders[-1], "duty", "92.00", CostDocument.Basis.QUANTITY, "义乌海关", "HG-3302", actor)
    if len(orders) > 1:
        _invoice(orders[1], actor)


def _shared(
    order: PurchaseOrder, kind: str, amount: str, basis: str, partner: str, number: str, actor: str
) -> CostDocument:
    keys = [one.entry_key for one in receipts.of_orders([order.pk])]
    charge = Charge(
        kind=kind, amount=Decimal(amount), currency=currencies.base_code(), basis=basis, partner=partner,
        number=number, dated=_day(),
    )  # fmt: skip
    return drafting.draft(
        order_ids=[order.pk], entry_keys=keys, charge=charge, actor=actor, once=f"demo:{kind}"
    )  # fmt: skip


def _invoice(order: PurchaseOrder, actor: str) -> None:
    """The first line is asked three per cent dearer than agreed."""
    line = order.lines.order_by("row")[0]
    rows = {line.pk: (line.accepted or line.quantity, round(line.price * Decimal("1.03"), 4))}
    made = invoicing.note_invoice(order_id=order.pk, number="QL-2207", issued_on=_day(), rows=rows, actor=actor)
    drafting.from_invoice(invoice_id=made.pk, actor=actor)


def _day() -> dt.date:
    return clock.now().date()
