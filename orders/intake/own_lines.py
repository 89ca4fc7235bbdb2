"""Lines that we add to orders: they take stock like any other, but no version of the platform knows them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from decimal import Decimal

from django.db.models import Max

from inventory import reservations
from inventory.models import Sku
from inventory.reservations import Want
from orders.intake.goods import Goods
from orders.models import Order, OrderLine, OrderLinePart
from orders.models.order import line_reference, order_reference


def add(orders: Sequence[Order], *, goods: Goods, quantity: Decimal, title: str) -> list[OrderLine]:
    """Write a line at no price for each of the locked orders, in their order: three statements for any number."""
    rows = OrderLine.objects.filter(order__in=[one.pk for one in orders]).order_by().values_list("order")
    last = dict(rows.annotate(last=Max("position")))
    lines = OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            external_id=f"yiku:{uuid.uuid4().hex}",
            position=last.get(order.pk, 0) + 1,
            sku_id=goods.sku_id,
            sku_code=goods.code,
            title=title[:500],
            quantity=quantity,
            ordered_quantity=quantity,
            stocked=goods.kind != Sku.Kind.VIRTUAL,
            own=True,
        )
        for order in orders
    )
    parts = [(line, pk, each) for line in lines if line.stocked for pk, each in goods.parts]
    OrderLinePart.objects.bulk_create(OrderLinePart(line=line, sku_id=pk, quantity=each) for line, pk, each in parts)
    return lines


def want_of(line: OrderLine, goods: Goods, place: int) -> Want:
    """Return what a line that was just added wants of a warehouse."""
    return Want(
        reference=line_reference(line.pk),
        sku_id=line.sku_id or 0,
        quantity=line.quantity,
        warehouses=(place,),
        parts=goods.parts or None,
        group=order_reference(line.order_id),
    )


def cut(line: OrderLine, actor: str) -> None:
    """Want the line no more; what it held is free again."""
    reservations.release(references=[line_reference(line.pk)], actor=actor)
    line.quantity = line.shipped_quantity
    line.save(update_fields=["quantity"])
