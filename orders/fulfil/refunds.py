"""Money that went back: recorded once, goods back on the shelf at the cost they left with, told to the books."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from finance import posting
from finance.facts import RefundLine as BookLine
from inventory import reservations
from inventory.reservations import PutBack
from orders.contracts import IncomingRefund, IncomingRefundLine
from orders.fulfil import goods_back, parcels
from orders.fulfil.books import refunds_by_warehouse
from orders.models import Order, OrderEvent, OrderLine, Refund, RefundLine, ShipmentGoods
from orders.models.order import line_reference
from orders.returns import matching

ZERO = Decimal(0)
COST = Decimal("0.0001")  # what the stock ledger keeps of a value


def record(order: Order, incoming: Sequence[IncomingRefund], now: dt.datetime, actor: str) -> list[Refund]:
    """Record refunds of a locked order that are not known yet, oldest first.

    One that is the money of a return settles it; one of goods that left lets a return be expected.
    """
    if not incoming:
        return []
    lines = {line.external_id: line for line in OrderLine.objects.filter(order=order).select_related("sku")}
    made = []
    for one in incoming:
        known = matching.Known.of(order)
        if not known.recorded_here(one):
            made.append(_one(known, lines, one, now, actor))
    parcels.announce(
        [OrderEvent(order=order, kind=OrderEvent.Kind.REFUNDED, refund=one, created_at=now) for one in made]
    )
    return made


def _one(
    known: matching.Known, lines: dict[str, OrderLine], one: IncomingRefund, now: dt.datetime, actor: str
) -> Refund:
    order, money = known.order, known.awaited(one)
    tax = sum((line.tax for line in one.lines), one.tax)
    refund = Refund.objects.create(
        order=order,
        external_id=one.external_id,
        refunded_at=one.refunded_at,
        recorded_at=now,
        currency=order.currency,
        amount=_kept(one.amount),
        tax=_kept(min(tax, one.amount)),
        shipping=_kept(one.shipping),
        reason=one.reason[:300].replace("\x00", "\ufffd"),
    )
    before = _before(order)
    rows = [
        _row(refund, lines[line.line_external_id], line, before) for line in one.lines if line.line_external_id in lines
    ]
    known.through_inspection(rows, money)
    back = _all_back([row for row in rows if row.restock and row.of_shipped > 0])
    costs = _put_back(refund, back, actor)
    RefundLine.objects.bulk_create(rows)
    refund.goods_back_cost = sum(costs.values(), ZERO)
    refund.save(update_fields=["goods_back_cost"])
    _tell_books(order, refund, lines, one.lines, costs, never_sold(refund, rows))
    known.settled(refund, rows, money, actor)
    return refund


def _kept(amount: Decimal) -> Decimal:
    return amount.quantize(COST)


def _before(order: Order) -> dict[int, tuple[Decimal, Decimal]]:
    """Return per line (units refunded so far, of these shipped)."""
    found: dict[int, tuple[Decimal, Decimal]] = defaultdict(lambda: (ZERO, ZERO))
    rows = RefundLine.objects.filter(refund__order=order)
    for line_id, quantity, of_shipped in rows.values_list("line_id", "quantity", "of_shipped"):
        total, shipped = found[line_id]
        found[line_id] = total + quantity, shipped + of_shipped
    return found


def _row(
    refund: Refund, line: OrderLine, incoming: IncomingRefundLine, before: dict[int, tuple[Decimal, Decimal]]
) -> RefundLine:
    """Tell refunded goods that had left from goods that never did: the latter are off the wanted quantity already."""
    total, shipped_before = before[line.pk]
    total += incoming.quantity
    never_left = line.ordered_quantity - max(line.quantity, line.shipped_quantity)
    shipped = min(max(total - never_left, ZERO), line.shipped_quantity)
    of_shipped = min(max(shipped - shipped_before, ZERO), incoming.quantity)
    before[line.pk] = total, shipped_before + of_shipped
    return RefundLine(
        refund=refund,
        line=line,
        quantity=incoming.quantity,
        amount=_kept(incoming.amount),
        tax=_kept(incoming.tax),
        of_shipped=of_shipped,
        restock=incoming.restock,
    )


def _all_back(rows: Sequence[RefundLine]) -> list[tuple[RefundLine, goods_back.Back]]:
    """Choose the goods of a refund that come back; its rows share them, as two may be of one line."""
    by_line = goods_back.sent_goods({row.line_id for row in rows})
    return [(row, one) for row in rows for one in _back(row, by_line[row.line_id])]


def _back(row: RefundLine, goods: Sequence[ShipmentGoods]) -> list[goods_back.Back]:
    chosen = goods_back.choose(row.line, row.of_shipped, goods)
    if chosen:
        row.restocked = row.of_shipped
    return chosen


def _put_back(refund: Refund, back: Sequence[tuple[RefundLine, goods_back.Back]], actor: str) -> dict[int, Decimal]:
    """Put goods on the shelf they came from, at the cost they left with; returns the cost per warehouse."""
    summed: dict[tuple[str, int, int], list[Decimal]] = {}
    costs: dict[int, Decimal] = {}
    for row, one in back:
        goods = one.goods
        entry = summed.setdefault((line_reference(row.line_id), goods.sku_id, goods.warehouse_id), [ZERO, ZERO])
        entry[0] += one.pieces
        entry[1] += one.value
        costs[goods.warehouse_id] = costs.get(goods.warehouse_id, ZERO) + one.value
    if not back:
        return {}
    items = [
        PutBack(reference=reference, sku_id=sku_id, warehouse_id=warehouse_id, quantity=pieces, value=value)
        for (reference, sku_id, warehouse_id), (pieces, value) in summed.items()
    ]
    reservations.put_back(items=items, document=refund.reference, occurred_at=refund.refunded_at, actor=actor)
    ShipmentGoods.objects.bulk_update({one.goods for _row, one in back}, ["returned_quantity"])
    return costs


def never_sold(refund: Refund, rows: Sequence[RefundLine]) -> Decimal:
    """Return what of a refund the order's total is without: its goods that never left, else the shipping.

    The rest, such as money given back for the trouble, comes off what the order sells.
    """
    worth = sum((row.amount for row in rows), ZERO)
    if not worth:
        return min(refund.shipping, refund.amount)
    gone = sum((row.amount * (row.quantity - row.of_shipped) / row.quantity for row in rows if row.quantity), ZERO)
    return _kept(refund.amount * gone / worth)


def _tell_books(
    order: Order,
    refund: Refund,
    lines: dict[str, OrderLine],
    incoming: Sequence[IncomingRefundLine],
    costs: dict[int, Decimal],
    never_sold: Decimal,
) -> None:
    """The books themselves know how much of the order was sold: the rest comes out of the buyer's advance."""
    rows = tuple(
        BookLine(
            sku=parcels.sku_text(lines[line.line_external_id]),
            quantity=line.quantity,
            amount=line.amount,
            tax=line.tax,
        )
        for line in incoming
        if line.line_external_id in lines
    )
    facts = refunds_by_warehouse(
        order=order,
        reference=refund.reference,
        at=refund.refunded_at,
        amount=refund.amount,
        tax=refund.tax,
        lines=rows,
        costs=costs,
        never_sold=never_sold,
    )
    posting.request_refunds(refunds=facts)
