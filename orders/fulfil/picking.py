"""From which warehouse the goods of a parcel come: pure arithmetic over what the order's lines hold reserved."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal

from orders.models import OrderLine

ZERO = Decimal(0)
Holdings = dict[tuple[int, int], Decimal]  # (sku id, warehouse id) → pieces reserved
Within = frozenset[int] | None  # the warehouses goods may come from; None: all


@dataclasses.dataclass(slots=True)
class Pick:
    """Units of one line and the pieces that leave for them; `goods` is empty for lines that take no stock."""

    line: OrderLine
    units: Decimal
    goods: dict[tuple[int, int], Decimal] = dataclasses.field(default_factory=dict)


def pieces_per_unit(line: OrderLine, parts: tuple[tuple[int, Decimal], ...]) -> dict[int, Decimal]:
    """Return the pieces of each SKU that leave for one unit of the line."""
    if parts:
        return {sku_id: quantity * line.pack for sku_id, quantity in parts}
    return {line.sku_id: line.pack} if line.sku_id is not None else {}


def available_units(per_unit: Mapping[int, Decimal], held: Holdings, within: Within = None) -> Decimal:
    """Return how many whole units can be taken from what is held, warehouse by warehouse."""
    return sum((_units_at(per_unit, held, place) for place in _places(held, within)), ZERO)


def take(
    per_unit: Mapping[int, Decimal], units: Decimal, held: Holdings, within: Within = None
) -> dict[tuple[int, int], Decimal]:
    """Take `units` out of `held`, which is lowered, and return the pieces; the caller checked that they are there."""
    taken: dict[tuple[int, int], Decimal] = {}
    for place in _places(held, within):
        part = min(_units_at(per_unit, held, place), units)
        if part <= 0:
            continue
        for sku_id, per in per_unit.items():
            key = (sku_id, place)
            held[key] -= part * per
            taken[key] = taken.get(key, ZERO) + part * per
        units -= part
    return taken


def _places(held: Holdings, within: Within) -> list[int]:
    places = list(dict.fromkeys(place for _sku, place in held))
    return places if within is None else [place for place in places if place in within]


def _units_at(per_unit: Mapping[int, Decimal], held: Holdings, place: int) -> Decimal:
    """Units are counted in thousandths like every quantity; a part of a unit that the pack cannot make stays."""
    least = min((held.get((sku_id, place), ZERO) / per for sku_id, per in per_unit.items()), default=ZERO)
    return least.quantize(Decimal("0.001"), rounding="ROUND_DOWN")
