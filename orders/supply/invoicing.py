"""What the supplier asks, beside what was agreed and what came: each difference of price and quantity is shown."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import Sum

from backoffice import clock, locks
from orders.models import PurchaseLine, PurchaseOrder, SupplierInvoice, SupplierInvoiceLine
from orders.supply import locking
from orders.supply.errors import SupplyError

State = PurchaseOrder.State
ASKABLE = (State.ORDERED, State.PARTLY, State.RECEIVED, State.CLOSED)  # what a supplier may ask money for
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


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """What an invoice asks for a line; the tax as the paper says it, no part of the cost."""

    quantity: Decimal
    price: Decimal
    tax: Decimal | None = None


def note_invoice(
    *, order_id: int, number: str, issued_on: dt.date, rows: Mapping[int, tuple[Decimal, Decimal]], actor: str
) -> SupplierInvoice:
    """Write an invoice of one order down (line → pieces, price). Once a number and supplier.

    Raises SupplyError: not_found, state, invoice_number, invoice_twice, nothing_counted, quantity, price.
    """
    asked = {pk: Asked(*figures) for pk, figures in rows.items()}
    return note_parts(number=number, issued_on=issued_on, parts={order_id: asked}, actor=actor)[0]


@transaction.atomic
def note_parts(
    *, number: str, issued_on: dt.date, parts: Mapping[int, Mapping[int, Asked]], actor: str, note: str = "",
    warehouses: frozenset[int] | None = None,
) -> list[SupplierInvoice]:  # fmt: skip
    """Write an invoice over one or several orders of a supplier down (order → line → what is asked), once.

    Raises SupplyError: as `note_invoice`, and place, other_supplier.
    """
    orders = locked_orders(parts, warehouses)
    name = locking.clean(number, 60)
    if not name:
        raise SupplyError("invoice_number", field="number")
    asked = {order.pk: _asked(order, parts[order.pk]) for order in orders}
    for order in orders[1:]:
        if order.supplier_id != orders[0].supplier_id:
            raise SupplyError("other_supplier", number=name, order=order.number, first=orders[0].number)
    _refuse_known(orders[0], name)
    head = {"supplier": orders[0].supplier, "number": name, "issued_on": issued_on, "note": locking.clean(note, 300),
            "at": clock.now(), "by": actor[:150]}  # fmt: skip
    made = []
    for place, order in enumerate(orders, 1):
        try:
            with transaction.atomic():
                made.append(SupplierInvoice.objects.create(order=order, part=place, **head))
        except IntegrityError:  # written down for another order of the supplier at this very moment
            _refuse_known(order, name)
            raise
        SupplierInvoiceLine.objects.bulk_create(
            SupplierInvoiceLine(invoice=made[-1], line_id=pk, quantity=one.quantity, price=one.price, tax=one.tax)
            for pk, one in asked[order.pk].items()
        )
        locking.moved(order, actor, "purchase.invoice", summary=name)
    return made


def locked_orders(order_ids: Collection[int], warehouses: frozenset[int] | None) -> list[PurchaseOrder]:
    """Return orders under their locks, by key. Raises SupplyError: not_found, place."""
    wanted = PurchaseOrder.objects.select_related("supplier", "warehouse").filter(pk__in=order_ids)
    orders = locks.locked_rows(wanted)
    if not orders or len(orders) != len(set(order_ids)):
        raise SupplyError("not_found")
    if warehouses is not None and any(order.warehouse_id not in warehouses for order in orders):
        raise SupplyError("place")
    return orders


def _asked(order: PurchaseOrder, rows: Mapping[int, Asked]) -> dict[int, Asked]:
    locking.must_be(order, *ASKABLE)
    lines = {line.pk: line for line in order.lines.select_related("sku")}
    asked = {pk: one for pk, one in rows.items() if pk in lines and one.quantity}
    if not asked:
        raise SupplyError("nothing_counted")
    for pk, one in asked.items():
        sku, quantity, price = lines[pk].sku.code, one.quantity, one.price
        if not quantity.is_finite() or quantity <= 0 or quantity != round(quantity, 3) or quantity >= 10**9:
            raise SupplyError("quantity", sku=sku, wanted=str(quantity)[:40])
        if not price.is_finite() or price < 0 or price != round(price, 6) or price >= 10**8:
            raise SupplyError("price", sku=sku, wanted=str(price)[:40])
    return asked


def _refuse_known(order: PurchaseOrder, number: str) -> None:
    rows = SupplierInvoice.objects.filter(supplier=order.supplier_id, number=number, undone_at=None)
    known = rows.select_related("order").first()
    if known is not None:
        raise SupplyError("invoice_twice", field="number", number=number, order=known.order.number)


def pieces_asked(line_ids: Collection[int], *, before: int | None = None) -> dict[int, Decimal]:
    """Return line → pieces that standing invoices ask for; with `before` those of invoices before that one."""
    rows = SupplierInvoiceLine.objects.filter(line__in=line_ids, invoice__undone_at=None)
    if before is not None:
        rows = rows.filter(invoice__lt=before)
    return dict(rows.values_list("line").annotate(Sum("quantity")).order_by())


def kept(line: PurchaseLine) -> Decimal:
    """Return how many pieces of a line came and did not go back."""
    return line.came - line.returned - line.damaged_returned


def differences(order: PurchaseOrder) -> list[Difference]:
    """Return the invoiced lines whose price or quantity is another than agreed and kept."""
    asked: dict[int, list[tuple[Decimal, Decimal]]] = defaultdict(list)
    rows = SupplierInvoiceLine.objects.filter(invoice__order=order, invoice__undone_at=None)
    for line_id, quantity, price in rows.values_list("line_id", "quantity", "price"):
        asked[line_id].append((quantity, price))
    found = []
    for line in order.lines.select_related("sku").order_by("row"):
        pieces = sum((quantity for quantity, _price in asked[line.pk]), ZERO)
        if not pieces:
            continue
        total = sum((quantity * price for quantity, price in asked[line.pk]), ZERO)
        amount = total - kept(line) * line.price
        if amount or pieces != kept(line):
            found.append(
                Difference(line.pk, line.sku.code, line.price, round(total / pieces, 6), kept(line), pieces, amount)
            )
    return found
