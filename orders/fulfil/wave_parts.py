"""What of an order lies reserved in one warehouse, and which orders have something there: read in few statements."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat

from backoffice import clock
from inventory.models import Bucket, Reservation
from orders.fulfil import wave_together
from orders.models import Order, OrderLine, OrderPart, WaveOrder
from orders.models.order import line_reference

State = Order.State
READY = (State.APPROVED, State.PARTLY_SHIPPED)
PAGE = 5_000  # references in one statement
Goods = dict[tuple[int, int], Decimal]  # (line id, sku id) → pieces
PREFIX = line_reference(0)[:-1]


def reserved(line_ids: Collection[int], warehouse_id: int) -> Goods:
    """Return the pieces that lines hold reserved in a warehouse."""
    found: Goods = {}
    for page in _pages(list(line_ids)):
        names = {line_reference(pk): pk for pk in page}
        rows = Reservation.objects.filter(
            reference__in=list(names), warehouse_id=warehouse_id, bucket=Bucket.RESERVED, quantity__gt=0
        )
        for reference, sku_id, quantity in rows.values_list("reference", "sku_id", "quantity"):
            found[names[reference], sku_id] = quantity
    return found


def lines_of(order_ids: Collection[int]) -> dict[int, int]:
    """Return line id → order id, in the order of the lines."""
    rows = OrderLine.objects.filter(order__in=order_ids).order_by("order_id", "position", "pk")
    return dict(rows.values_list("pk", "order_id"))


def waiting(orders: QuerySet[Order], warehouse_id: int) -> QuerySet[Order]:
    """Narrow orders to those that may be picked in a warehouse now: approved, reserved there, in no open wave."""
    held = Reservation.objects.filter(
        reference=Concat(Value(PREFIX), Cast(OuterRef("pk"), CharField())),
        warehouse_id=warehouse_id, bucket=Bucket.RESERVED, quantity__gt=0,
    )  # fmt: skip
    lines = OrderLine.objects.filter(Exists(held), order=OuterRef("pk"))
    taken = WaveOrder.objects.filter(order=OuterRef("pk"), warehouse_id=warehouse_id, open=True)
    later = wave_together.early(OrderPart.objects.filter(order=OuterRef("pk")), warehouse_id, clock.now())
    ready: Any = orders.filter(state__in=READY, pending_version__isnull=True)
    return ready.filter(Exists(lines), ~Exists(taken), ~Exists(later))


def _pages(values: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(values), PAGE):
        yield values[start : start + PAGE]
