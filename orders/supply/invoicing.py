"""What the supplier asks, beside what was agreed and what came: each difference of price and quantity is shown."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from django.db import IntegrityError, transaction

from backoffice import clock
from orders.models import PurchaseOrder, SupplierInvoice, SupplierInvoiceLine
from orders.supply import locking
from orders.supply.errors import SupplyError

State = PurchaseOrder.State
ZERO = Decimal(0)


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """One line: asked beside agreed (price) and beside what was kept (quantity)."""

    line_id: int
    sku: str
    agreed: Decimal
    asked: Decimal
    kept: Decimal
    invoiced: Decimal
    amount: Decimal  # what is asked too much (too little: below zero), in the order's currency


@transaction.atomic
def note_invoice(
    *, order_id: int, number: str, issued_on: dt.date, rows: Mapping[int, tuple[Decimal, Decimal]], actor: str
) -> SupplierInvoice:
    """Write an invoice down (line → pieces, price). Once a number and supplier.

    Raises SupplyError: not_found, state, invoice_number, invoice_twice, nothing_counted, quantity, price.
    """
    order = locking.locked(order_id)
    locking.must_be(order, State.ORDERED, State.PARTLY, State.RECEIVED, State.CLOSED)
    name = locking.clean(number, 60)
    if not name:
        raise SupplyError("invoice_number", field="number")
    lines = {line.pk: line for line in order.lines.select_related("sku")}
    asked = {pk: figures for pk, figures in rows.items() if pk in lines and figures[0]}
    if not asked:
        raise SupplyError("nothing_counted")
    for pk, (quantity, price) in asked.items():
        sku = lines[pk].sku.code
        if not quantity.is_finite() or quantity <= 0 or quantity != round(quantity, 3) or quantity >= 10**9:
            raise SupplyError("quantity", sku=sku, wanted=str(quantity)[:40])
        if not price.is_finite() or price < 0 or price != round(price, 6) or price >= 10**8:
            raise SupplyError("price", sku=sku, wanted=str(price)[:40])
    _refuse_known(order, name)
    try:
        with transaction.atomic():
            made = SupplierInvoice.objects.create(
                order=order, supplier=order.supplier, number=name, issued_on=issued_on, at=clock.now(), by=actor[:150]
            )
    except IntegrityError:  # written down for another order of the supplier at this very moment
        _refuse_known(order, name)
        raise
    SupplierInvoiceLine.objects.bulk_create(
        SupplierInvoiceLine(invoice=made, line_id=pk, quantity=quantity, price=price)
        for pk, (quantity, price) in asked.items()
    )
    locking.moved(order, actor, "purchase.invoice", summary=name)
    return made


def _refuse_known(order: PurchaseOrder, number: str) -> None:
    known = SupplierInvoice.objects.filter(supplier=order.supplier_id, number=number).select_related("order").first()
    if known is not None:
        raise SupplyError("invoice_twice", field="number", number=number, order=known.order.number)


def differences(order: PurchaseOrder) -> list[Difference]:
    """Return the invoiced lines whose price or quantity is another than agreed and kept."""
    asked: dict[int, list[tuple[Decimal, Decimal]]] = defaultdict(list)
    rows = SupplierInvoiceLine.objects.filter(invoice__order=order)
    for line_id, quantity, price in rows.values_list("line_id", "quantity", "price"):
        asked[line_id].append((quantity, price))
    found = []
    for line in order.lines.select_related("sku").order_by("row"):
        pieces = sum((quantity for quantity, _price in asked[line.pk]), ZERO)
        if not pieces:
            continue
        total = sum((quantity * price for quantity, price in asked[line.pk]), ZERO)
        kept = line.came - line.returned - line.damaged_returned
        amount = total - kept * line.price
        if amount or pieces != kept:
            found.append(Difference(line.pk, line.sku.code, line.price, round(total / pieces, 6), kept, pieces, amount))
    return found
