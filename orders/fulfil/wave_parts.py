"""What of an order lies reserved in one warehouse, and which orders have something there: read in few statements."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from inventory.models import Bucket, Reservation
from orders.fulfil import parcels
from orders.fulfil.picking import pieces_per_unit
from orders.models import Order, OrderLine, OrderPartLine, Shipment, WaveOrder
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


def too_early(goods: Mapping[int, Goods], now: dt.datetime) -> dict[int, dt.datetime]:
    """Return the orders of which more is reserved than may leave yet, by the dates of their planned parcels, and when.

    One query while no such date is set.
    """
    unsent = Q(part__shipment__isnull=True) | Q(part__shipment__state=Shipment.State.VOID)
    rows = OrderPartLine.objects.filter(unsent, part__order__in=list(goods), part__ship_after__gt=now)
    later: dict[int, tuple[Decimal, dt.datetime]] = {}
    for line_id, units, day in rows.values_list("line_id", "quantity", "part__ship_after"):
        when = day or now
        before = later.get(line_id, (Decimal(0), when))
        later[line_id] = (before[0] + units, max(before[1], when))
    lines = OrderLine.objects.in_bulk(list(later)) if later else {}
    parts = parcels.parts_of(list(later)) if later else {}
    found: dict[int, dt.datetime] = {}
    for line in lines.values():
        units, when = later[line.pk]
        per_unit = pieces_per_unit(line, parts.get(line.pk, ()))
        may = max(line.quantity - line.shipped_quantity - units, Decimal(0))
        held = {sku: pieces for (pk, sku), pieces in goods.get(line.order_id, {}).items() if pk == line.pk}
        if any(pieces > may * per_unit.get(sku, Decimal(0)) for sku, pieces in held.items()):
            found[line.order_id] = max(when, found.get(line.order_id, when))
    return found


def waiting(orders: QuerySet[Order], warehouse_id: int) -> QuerySet[Order]:
    """Narrow orders to those that may be picked in a warehouse now: approved, reserved there, in no open wave."""
    held = Reservation.objects.filter(
        reference=Concat(Value(PREFIX), Cast(OuterRef("pk"), CharField())),
        warehouse_id=warehouse_id, bucket=Bucket.RESERVED, quantity__gt=0,
    )  # fmt: skip
    lines = OrderLine.objects.filter(Exists(held), order=OuterRef("pk"))
    taken = WaveOrder.objects.filter(order=OuterRef("pk"), warehouse_id=warehouse_id, open=True)
    ready: Any = orders.filter(state__in=READY, pending_version__isnull=True)
    return ready.filter(Exists(lines), ~Exists(taken))


def _pages(values: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(values), PAGE):
        yield values[start : start + PAGE]
