"""Take an invoice back: what its prices moved is moved back first, then it counts no more and its number is free."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from backoffice import clock, locks
from inventory import balances
from inventory.costing.ripple import Correction, trace
from orders.models import CostDocument, CostDocumentLine, SupplierInvoice
from orders.supply import invoicing, locking
from orders.supply.costs import booking, drafting
from orders.supply.errors import SupplyError

State = CostDocument.State


@transaction.atomic
def withdraw(
    *, invoice_id: int, actor: str, may_book: bool, warehouses: frozenset[int] | None = None
) -> list[SupplierInvoice]:
    """Take all parts of an invoice back: drafts of its prices are dropped, booked ones undone by the opposite entry.

    Raises SupplyError: not_found, place, invoice_undone, cost_booked (the person may not undo late costs).
    """
    asked = SupplierInvoice.objects.filter(pk=invoice_id).first()
    if asked is None:
        raise SupplyError("not_found")
    parts = SupplierInvoice.objects.filter(supplier=asked.supplier_id, number=asked.number, undone_at=None)
    order_ids = {asked.order_id, *parts.values_list("order_id", flat=True)}
    orders = {order.pk: order for order in invoicing.locked_orders(order_ids, warehouses)}
    asked.refresh_from_db()
    if asked.undone_at is not None:
        raise SupplyError("invoice_undone", number=asked.number, **locking.last(asked.undone_by, asked.undone_at))
    found = list(parts.order_by("part"))
    _take_costs_back(found, actor, may_book)
    for one in found:
        one.undone_at, one.undone_by = clock.now(), actor[:150]
        one.save(update_fields=["undone_at", "undone_by"])
        locking.moved(orders[one.order_id], actor, "purchase.invoice_undone", summary=one.number)
    return found


def _take_costs_back(invoices: Collection[SupplierInvoice], actor: str, may_book: bool) -> None:
    standing = CostDocument.objects.filter(invoice__in=invoices).exclude(state=State.UNDONE)
    costs = locks.locked_rows(standing)
    booked = [one for one in costs if one.state == State.POSTED]
    if booked and not may_book:
        number = next(one.number for one in invoices if one.pk == booked[0].invoice_id)
        raise SupplyError("cost_booked", number=number, cost=str(booked[0]))
    lock_goods([one.pk for one in booked])
    for one in costs:
        if one.state == State.POSTED:
            booking.undo(document_id=one.pk, actor=actor)
        else:
            drafting.discard(document_id=one.pk, actor=actor)


def lock_goods(document_ids: Collection[int]) -> None:
    """Lock the balances of several late costs at once: each of them alone would only order its own."""
    rows = CostDocumentLine.objects.filter(document__in=document_ids).exclude(share=0).order_by("pk")
    corrections = [Correction(key, share) for key, share in rows.values_list("entry_key", "share")]
    if corrections:
        balances.lock(trace(corrections).pairs)
