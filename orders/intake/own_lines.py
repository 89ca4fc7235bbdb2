"""Lines that we add to an order: they take stock like any other, but no version of the platform knows them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from decimal import Decimal

from inventory import reservations
from inventory.models import Balance, Sku
from inventory.reservations import Want
from orders.desk import review
from orders.intake import goods as goods_of
from orders.models import Order, OrderLine, OrderLinePart
from orders.models.order import line_reference, order_reference

ZERO = Decimal(0)


def add(order: Order, *, sku: Sku, quantity: Decimal, title: str, position: int) -> OrderLine:
    """Write a line at no price for a locked order; its stock is booked by `book`."""
    goods = goods_of.by_sku([sku.pk])[sku.pk]
    line = OrderLine.objects.create(
        order=order,
        external_id=f"yiku:{uuid.uuid4().hex}",
        position=position,
        sku=sku,
        sku_code=sku.code,
        title=title[:500],
        quantity=quantity,
        ordered_quantity=quantity,
        stocked=goods.kind != Sku.Kind.VIRTUAL,
        own=True,
    )
    parts = goods.parts if line.stocked else ()
    OrderLinePart.objects.bulk_create(OrderLinePart(line=line, sku_id=pk, quantity=each) for pk, each in parts)
    return line


def want_of(line: OrderLine, warehouses: Sequence[int]) -> Want | None:
    """Return what the line wants now; None when nothing of it comes from stock."""
    if not line.stocked or line.sku_id is None or not warehouses:
        return None
    parts = tuple(OrderLinePart.objects.filter(line=line).order_by("sku_id").values_list("sku_id", "quantity"))
    facts = review.line_facts_plain(line, parts)
    return Want(
        reference=line_reference(line.pk),
        sku_id=line.sku_id,
        quantity=Decimal(facts.wanted).scaleb(-3),
        warehouses=tuple(warehouses),
        parts=parts or None,
        group=order_reference(line.order_id),
    )


def free(line: OrderLine, warehouses: Sequence[int]) -> Decimal:
    """Return how many whole units one of the warehouses has free and nobody waits for."""
    rows = OrderLinePart.objects.filter(line=line).values_list("sku_id", "quantity")
    parts = dict(rows) or {line.sku_id or 0: Decimal(1)}
    stock = Balance.objects.filter(sku__in=list(parts), warehouse__in=list(warehouses))
    there = {(row.sku_id, row.warehouse_id): row.on_hand - row.reserved - row.demand for row in stock}
    units = [min(max(there.get((pk, place), ZERO), ZERO) // each for pk, each in parts.items()) for place in warehouses]
    return max(units, default=ZERO)


def cut(line: OrderLine, actor: str) -> None:
    """Want the line no more; what it held is free again."""
    reservations.release(references=[line_reference(line.pk)], actor=actor)
    line.quantity = line.shipped_quantity
    line.save(update_fields=["quantity"])
