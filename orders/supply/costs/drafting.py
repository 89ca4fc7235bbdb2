"""Drafts of late costs: what is charged, over which receipts it is shared; nothing is booked yet."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from django.db import IntegrityError, transaction

from backoffice import audit
from backoffice.attachments import keeping as attachments
from backoffice.money import convert, round_money
from finance import currencies, rates
from orders.models import CostDocument, CostDocumentLine, PurchaseOrder, SupplierInvoice
from orders.supply import invoicing, locking
from orders.supply.costs import receipts as reading
from orders.supply.costs.receipts import Receipt
from orders.supply.costs.sharing import shares
from orders.supply.errors import SupplyError

ZERO = Decimal(0)
MOST = Decimal(10) ** 11


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What is charged: how much, in which currency, by whom, shared by what."""

    kind: str
    amount: Decimal
    currency: str
    dated: dt.date
    basis: str = CostDocument.Basis.VALUE
    partner: str = ""
    number: str = ""
    note: str = ""


@transaction.atomic
def draft(
    *, order_ids: Collection[int], entry_keys: Collection[str], charge: Charge, actor: str, once: str,
    by_hand: Mapping[str, Decimal] | None = None, warehouses: frozenset[int] | None = None,
) -> CostDocument:  # fmt: skip
    """Share a charge over chosen receipts of purchase orders; the same click again finds the same draft.

    Raises SupplyError: not_found, place, one_place, no_receipts, cost_amount, no_rate, no_weight, no_size, hand_sum.
    """
    known = CostDocument.objects.filter(once=once).first()
    if known is not None:
        return known
    orders = _orders(order_ids, warehouses)
    wanted = set(entry_keys)
    chosen = [one for one in reading.of_orders([order.pk for order in orders]) if one.entry_key in wanted]
    if not chosen:
        raise SupplyError("no_receipts", field="receipts")
    if not charge.amount.is_finite() or not 0 < abs(charge.amount) < MOST or charge.amount != round(charge.amount, 4):
        raise SupplyError("cost_amount", field="amount", wanted=str(charge.amount)[:40])
    rate, places = _rate(charge.currency, charge.dated), currencies.places(currencies.base_code())
    base = convert(charge.amount, rate, places)
    parts = shares(chosen, charge.basis, base, places, by_hand)
    suppliers = {order.supplier_id for order in orders}
    made = CostDocument(
        kind=charge.kind, warehouse_id=orders[0].warehouse_id, partner=locking.clean(charge.partner, 100),
        number=locking.clean(charge.number, 60), note=locking.clean(charge.note, 300), dated=charge.dated,
        currency=charge.currency, amount=charge.amount, rate=rate, base_amount=base, basis=charge.basis,
        supplier_id=suppliers.pop() if len(suppliers) == 1 else None, once=once[:100], created_by=actor[:150],
    )  # fmt: skip
    return _write(made, list(zip(chosen, parts, strict=True)), actor)


@transaction.atomic
def from_invoice(*, invoice_id: int, actor: str, warehouses: frozenset[int] | None = None) -> CostDocument:
    """Make a draft of what an invoice asks more (or less) than was agreed for pieces that came.

    Asked again it finds the same one, unless it was undone.
    Raises SupplyError: not_found, place, invoice_undone, same_price, no_rate.
    """
    invoice = SupplierInvoice.objects.select_related("order").filter(pk=invoice_id).first()
    if invoice is None:
        raise SupplyError("not_found")
    order = locking.locked(invoice.order_id)
    if warehouses is not None and order.warehouse_id not in warehouses:
        raise SupplyError("place")
    known = CostDocument.objects.filter(invoice=invoice).exclude(state=CostDocument.State.UNDONE).first()
    if known is not None:
        return known
    invoice.refresh_from_db(fields=["undone_at", "undone_by"])
    if invoice.undone_at is not None:
        raise SupplyError("invoice_undone", number=invoice.number, **locking.last(invoice.undone_by, invoice.undone_at))
    rate, places = _rate(order.currency, invoice.issued_on), currencies.places(currencies.base_code())
    parts = _asked_more(invoice, rate, places)
    if not any(share for _receipt, share in parts):
        raise SupplyError("same_price", number=invoice.number)
    base = sum((share for _receipt, share in parts), ZERO)
    made = CostDocument(
        kind=CostDocument.Kind.INVOICE, warehouse_id=order.warehouse_id, supplier_id=order.supplier_id,
        number=invoice.number, dated=invoice.issued_on, currency=currencies.base_code(), amount=base, rate=Decimal(1),
        base_amount=base, basis=CostDocument.Basis.HAND, invoice=invoice, created_by=actor[:150],
        once=f"invoice:{invoice.pk}:{CostDocument.objects.filter(invoice=invoice).count()}",
    )  # fmt: skip
    return _write(made, parts, actor)


def _asked_more(invoice: SupplierInvoice, rate: Decimal, places: int) -> list[tuple[Receipt, Decimal]]:
    """The difference of each line, over the receipts that its pieces came by, the oldest first."""
    by_line = by_lines(reading.of_orders([invoice.order_id]))
    rows = list(invoice.rows.select_related("line").order_by("pk"))
    before = invoicing.pieces_asked([row.line_id for row in rows], before=invoice.pk)
    parts: list[tuple[Receipt, Decimal]] = []
    for row in rows:
        parts += spread(by_line.get(row.line_id, []), before.get(row.line_id, ZERO), row.quantity,
                        (row.price - row.line.price) * rate, places)  # fmt: skip
    return parts


def by_lines(receipts: Sequence[Receipt]) -> dict[int, list[Receipt]]:
    """Return receipts by the line of the order they came for, the oldest first."""
    found: dict[int, list[Receipt]] = {}
    for one in receipts:
        found.setdefault(one.line_id, []).append(one)
    return found


def spread(
    receipts: Sequence[Receipt], skip: Decimal, pieces: Decimal, more: Decimal, places: int
) -> list[tuple[Receipt, Decimal]]:
    """Return what each receipt of a line costs more, `more` a piece; the first `skip` pieces other invoices ask for."""
    parts = []
    for one in receipts:
        passed = min(one.pieces, skip)
        taken = min(one.pieces - passed, pieces)
        skip, pieces = skip - passed, pieces - taken
        if taken and more:
            parts.append((one, round_money(more * taken, places)))
    return parts


def _orders(order_ids: Collection[int], warehouses: frozenset[int] | None) -> list[PurchaseOrder]:
    orders = list(PurchaseOrder.objects.filter(pk__in=order_ids).order_by("pk"))
    if not orders:
        raise SupplyError("not_found")
    if warehouses is not None and any(order.warehouse_id not in warehouses for order in orders):
        raise SupplyError("place")
    if len({order.warehouse_id for order in orders}) > 1:
        raise SupplyError("one_place", field="orders")
    return orders


def _rate(currency: str, day: dt.date) -> Decimal:
    found = rates.rates_for({(currency, day)}).get((currency, day))
    if found is None:
        raise SupplyError("no_rate", field="currency", currency=currency)
    return found


def _write(made: CostDocument, parts: Sequence[tuple[Receipt, Decimal]], actor: str) -> CostDocument:
    try:
        with transaction.atomic():
            made.save()
    except IntegrityError:  # the other half of a double click was faster
        return CostDocument.objects.get(once=made.once)
    CostDocumentLine.objects.bulk_create(
        CostDocumentLine(
            document=made, entry_key=one.entry_key, line_id=one.line_id, sku=one.sku, received_at=one.at,
            pieces=one.pieces, value=one.value, share=share,
        )
        for one, share in parts
    )  # fmt: skip
    after = {"amount": f"{made.base_amount:f}", "receipts": len(parts), "basis": made.basis}
    audit.record(action="cost.draft", target=made, summary=str(made), after=after, actor=actor)
    return made


@transaction.atomic
def discard(*, document_id: int, actor: str) -> None:
    """Drop a draft. Raises SupplyError cost_state for what was booked."""
    made = CostDocument.objects.select_for_update().get(pk=document_id)
    if made.state != CostDocument.State.DRAFT:
        who = locking.last(made.posted_by, made.posted_at)
        raise SupplyError("cost_state", number=str(made), state=made.get_state_display(), **who)
    audit.record(action="cost.discard", target=made, summary=str(made), actor=actor)
    attachments.drop(made)
    made.delete()
