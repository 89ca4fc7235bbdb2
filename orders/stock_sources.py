"""What the stock's self-audit asks of the orders: what open lines want, which lines have ended, what parcels took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from django.db import connection

from backoffice import clock
from inventory.models import Sku
from inventory.self_audit import sources
from inventory.self_audit.sources import Pair, Sent, Wanted
from orders.desk import review
from orders.models import OrderLine, OrderLinePart
from orders.models.order import OPEN_STATES, Order, line_reference

LINE = "orders.line:"
SHIPPED, CANCELLED, GONE = "shipped", "cancelled", "gone"
_LINES = (
    "pk",
    "sku_id",
    "sku__kind",
    "quantity",
    "shipped_quantity",
    "pack",
    "order__demand_expires_at",
    "order__shop_id",
)
_TOTALS = "SELECT sku_id, warehouse_id, sum(quantity) FROM orders_shipmentgoods GROUP BY 1, 2"
_PARCELS = """SELECT l.shipment_id, l.line_id, g.quantity FROM orders_shipmentgoods g
JOIN orders_shipmentline l ON l.id = g.shipment_line_id WHERE g.sku_id = %s AND g.warehouse_id = %s"""


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    sources.register_holder(sources.Holder(prefix=LINE, wanted=wanted, ended=ended))
    sources.register_sender("orders.parcels", sources.Sender(totals=totals, documents=documents))


def numbers(references: Iterable[str]) -> list[int]:
    """Return the ids of lines from their references."""
    tails = (text.removeprefix(LINE) for text in references)
    return [int(tail) for tail in tails if tail.isdecimal() and len(tail) < 19]


def wanted(references: Collection[str] | None) -> Iterator[Wanted]:
    """Yield what the lines of open orders still want, bundles by their frozen parts.

    Unpaid orders whose time is over may hold it or not: a chore takes it back. So may what no warehouse could book.
    """
    rows = OrderLine.objects.filter(order__state__in=OPEN_STATES, stocked=True, sku__isnull=False)
    if references is not None:
        rows = rows.filter(pk__in=numbers(references))
    lines = list(rows.order_by().values_list(*_LINES))
    now = clock.now()
    parts = _parts([pk for pk, _sku, kind, *_rest in lines if kind == Sku.Kind.BUNDLE])
    places = review.warehouses_of({line[-1] for line in lines}, now)
    for pk, sku_id, kind, quantity, shipped, pack, expires_at, shop_id in lines:
        units = int(max(quantity - shipped, 0) * pack * 1000)
        first = next(iter(places.get(shop_id, ())), None)
        free = first is None or (expires_at is not None and expires_at <= now)
        for part, amount in _goods(sku_id, kind, units, parts.get(pk)):
            if amount:
                yield Wanted(line_reference(pk), part, 0 if free else amount, amount, first)


def _goods(sku_id: int, kind: str, units: int, parts: Mapping[int, int] | None) -> Iterable[Pair]:
    if kind != Sku.Kind.BUNDLE and not parts:
        return [(sku_id, units)]
    if units % 1000:  # part of a bundle is never booked
        return []
    return [(part, units * each // 1000) for part, each in (parts or {}).items()]


def _parts(line_ids: Collection[int]) -> dict[int, dict[int, int]]:
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for line_id, sku_id, quantity in OrderLinePart.objects.filter(line__in=line_ids).values_list(
        "line_id", "sku_id", "quantity"
    ):
        found[line_id][sku_id] = int(quantity * 1000)
    return found


def ended(references: Collection[str]) -> dict[str, str]:
    """Return the references whose order needs nothing any more, and why."""
    states: dict[int, tuple[Any, ...]] = {}
    ids = numbers(references)
    for pk, state, quantity, shipped in OrderLine.objects.filter(pk__in=ids).values_list(
        "pk", "order__state", "quantity", "shipped_quantity"
    ):
        states[pk] = (state, quantity, shipped)
    found: dict[str, str] = {}
    for pk in ids:
        why = _why_ended(states.get(pk))
        if why:
            found[line_reference(pk)] = why
    return found


def _why_ended(line: tuple[Any, ...] | None) -> str:
    if line is None:
        return GONE
    state, quantity, shipped = line
    if state == Order.State.CANCELLED:
        return CANCELLED
    if state not in OPEN_STATES or (quantity <= shipped and shipped):
        return SHIPPED
    return "" if quantity > shipped else CANCELLED


def totals() -> dict[Pair, int]:
    """Return all that ever left in parcels. What came back stands in the ledger under its own reason."""
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS)
        return {row[:2]: int(row[2]) for row in cursor.fetchall()}


def documents(pair: Pair) -> Iterator[Sent]:
    """Yield what each parcel took of a SKU out of a warehouse."""
    with connection.cursor() as cursor:
        cursor.execute(_PARCELS, list(pair))
        rows = cursor.fetchall()
    for shipment_id, line_id, quantity in rows:
        parcel, line = f"orders.shipment:{shipment_id}", line_reference(line_id)
        yield Sent(f"{parcel}/{line}/{pair[0]}@{pair[1]}.out", parcel, line, quantity)
