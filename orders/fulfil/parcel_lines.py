"""From the pieces in parcels to units of order lines: what `orders.fulfil.shipping` is told of each parcel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from orders.fulfil.floor_errors import FloorError
from orders.models import OrderLine, OrderLinePart, PackItem, PackParcel, WaveOrder

ZERO = Decimal(0)
THOUSANDTHS = Decimal(1000)


def of_order(part: WaveOrder, parcels: Sequence[PackParcel]) -> dict[int, dict[int, Decimal]]:
    """Return for each parcel the units of the order's lines in it.

    Lines that take no stock (a gift card, a service) leave with the last parcel.
    """
    rows = PackItem.objects.filter(parcel__in=parcels).select_related("goods__line")
    by_parcel: dict[int, list[PackItem]] = {one.pk: [] for one in parcels}
    for item in rows.order_by("pk"):
        by_parcel[item.parcel_id].append(item)
    found = {pk: units_of(items) for pk, items in by_parcel.items()}
    found[parcels[-1].pk] |= _without_stock(part)
    return found


def units_of(items: Iterable[PackItem]) -> dict[int, Decimal]:
    """Return the units of each line that pieces make. Raises FloorError set_in_two when a unit is not whole."""
    pieces: dict[int, dict[int, Decimal]] = defaultdict(dict)
    lines: dict[int, OrderLine] = {}
    for item in items:
        line = item.goods.line
        lines[line.pk] = line
        pieces[line.pk][item.goods.sku_id] = pieces[line.pk].get(item.goods.sku_id, ZERO) + item.quantity
    parts = _parts(lines)
    return {pk: _units(lines[pk], pieces[pk], parts.get(pk, {})) for pk in lines}


def _parts(lines: Iterable[int]) -> dict[int, dict[int, Decimal]]:
    found: dict[int, dict[int, Decimal]] = defaultdict(dict)
    rows = OrderLinePart.objects.filter(line__in=lines)
    for line_id, sku_id, quantity in rows.values_list("line_id", "sku_id", "quantity"):
        found[line_id][sku_id] = quantity
    return found


def _units(line: OrderLine, pieces: dict[int, Decimal], parts: dict[int, Decimal]) -> Decimal:
    per_unit = {sku: quantity * line.pack for sku, quantity in parts.items()} or dict.fromkeys(pieces, line.pack)
    units = {pieces.get(sku, ZERO) / per for sku, per in per_unit.items()}
    one = units.pop()
    whole = one % 1 == 0 if parts else one * THOUSANDTHS % 1 == 0
    if units or not whole:
        raise FloorError("set_in_two", label=str(line))
    return one


def _without_stock(part: WaveOrder) -> dict[int, Decimal]:
    rows = OrderLine.objects.filter(order_id=part.order_id, stocked=False, platform_fulfilled=False)
    return {one.pk: one.quantity - one.shipped_quantity for one in rows if one.quantity > one.shipped_quantity}
