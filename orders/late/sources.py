"""What other parts of the house know: where goods lie and are coming, which parcels stand packed."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from django.db.models import Q

from inventory import arrivals, catalogue
from inventory.access import Sight
from inventory.models import Balance, ShopWarehouse, Sku, Warehouse
from orders.models import PackParcel

ZERO = Decimal(0)


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """What a warehouse has of a SKU. `free` is below zero where more is wanted than is there."""

    warehouse_id: int
    name: str
    on_hand: Decimal
    reserved: Decimal
    wanted: Decimal  # in orders that are not approved
    sells: bool  # some shop sells from it
    read_only: bool

    @property
    def free(self) -> Decimal:
        """Pieces nobody has ordered or reserved."""
        return self.on_hand - self.reserved - self.wanted


@dataclasses.dataclass(frozen=True, slots=True)
class Arrival:
    """Goods on their way. Without a day nobody has said when."""

    place: str
    quantity: Decimal
    day: dt.date | None
    source: str = ""


def places_of(sku_id: int, seen: Sight) -> list[Place]:
    """Return where a SKU lies among the warehouses somebody sees, the fullest first: two questions."""
    rows = Balance.objects.filter(_within("warehouse", seen), sku_id=sku_id, warehouse__active=True)
    selling = set(ShopWarehouse.objects.filter(valid_to=None).values_list("warehouse_id", flat=True))
    found = [
        Place(
            row.warehouse_id, row.warehouse.name, row.sellable, row.reserved, row.demand,
            row.warehouse_id in selling, row.warehouse.read_only,
        )
        for row in rows.select_related("warehouse")
    ]  # fmt: skip
    return sorted(found, key=lambda one: (-one.free, one.name))


def arrivals_of(sku_id: int, seen: Sight) -> list[Arrival]:
    """Return what is on its way, the earliest first."""
    names = dict(Warehouse.objects.filter(_within("pk", seen)).values_list("pk", "name"))
    rows = [one for one in arrivals.incoming_of([sku_id]) if one.warehouse_id in names]
    told = [Arrival(names[one.warehouse_id], one.quantity, one.expected_on, one.source) for one in rows]
    return sorted(told, key=lambda one: (one.day or dt.date.max, one.place))


def _within(path: str, seen: Sight) -> Q:
    if seen.warehouses is None:
        return Q()
    condition: Any = Q(**{f"{path}__in": seen.warehouses})
    return condition


def free_pieces(sku_id: int) -> Decimal:
    """Return how many of a SKU could be sold now over all warehouses; a bundle counts by its scarcest part."""
    parts = catalogue.parts_at([sku_id]).get(sku_id, ())
    wanted = dict(parts) or {sku_id: Decimal(1)}
    free = dict.fromkeys(wanted, ZERO)
    balances = Balance.objects.filter(sku_id__in=wanted, warehouse__active=True, warehouse__read_only=False)
    columns = ("sku_id", "on_hand", "unsellable", "reserved", "demand")
    for one, on_hand, held, reserved, demand in balances.values_list(*columns):
        free[one] += on_hand - held - reserved - demand
    return min(free[one] // per for one, per in wanted.items())


def expect(
    *, sku: Sku, warehouse: Warehouse, quantity: Decimal, day: dt.date, source: str, actor: str
) -> bool:  # fmt: skip
    """Announce bought goods as a delivery; False for what has no stock of its own."""
    if sku.kind != Sku.Kind.STOCKED:
        return False
    row = arrivals.Expected(sku_id=sku.pk, warehouse_id=warehouse.pk, quantity=quantity, expected_on=day, source=source)
    arrivals.announce(rows=[row], actor=actor)
    return True


def packed(order_ids: Collection[int]) -> set[int]:
    """Return which of these orders stand packed and closed, and have not been handed over."""
    rows = PackParcel.objects.filter(state=PackParcel.State.CLOSED, wave_order__order__in=list(order_ids))
    return set(rows.values_list("wave_order__order_id", flat=True))
