"""What other parts of the house know: where goods lie and are coming, which parcels stand packed, how gifts are added.

The one place where this part meets its neighbours; one that is not installed is done without.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib
import importlib.util
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.db.models import Q

from inventory import catalogue
from inventory.access import Sight
from inventory.models import Balance, ShopWarehouse, Sku, Warehouse
from orders.desk.table import RowOutcome

ARRIVALS, GIFTS = "inventory.arrivals", "orders.desk.gifts"
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
            row.warehouse_id, row.warehouse.name, row.on_hand, row.reserved, row.demand,
            row.warehouse_id in selling, row.warehouse.read_only,
        )
        for row in rows.select_related("warehouse")
    ]  # fmt: skip
    return sorted(found, key=lambda one: (-one.free, one.name))


def arrivals_of(sku_id: int, seen: Sight) -> list[Arrival]:
    """Return what is on its way, the earliest first; without a list of deliveries, what the ledger calls incoming."""
    arrivals = _neighbour(ARRIVALS)
    if arrivals is not None:
        names = dict(Warehouse.objects.filter(_within("pk", seen)).values_list("pk", "name"))
        rows = [one for one in arrivals.incoming_of([sku_id]) if one.warehouse_id in names]
        told = [Arrival(names[one.warehouse_id], one.quantity, one.expected_on, one.source) for one in rows]
        return sorted(told, key=lambda one: (one.day or dt.date.max, one.place))
    balances = Balance.objects.filter(_within("warehouse", seen), sku_id=sku_id, incoming__gt=0)
    return [Arrival(one.warehouse.name, one.incoming, None) for one in balances.select_related("warehouse")]


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
    for one, on_hand, reserved, demand in balances.values_list("sku_id", "on_hand", "reserved", "demand"):
        free[one] += on_hand - reserved - demand
    return min(free[one] // per for one, per in wanted.items())


def expect(
    *, sku: Sku, warehouse: Warehouse, quantity: Decimal, day: dt.date, source: str, actor: str
) -> bool:  # fmt: skip
    """Announce bought goods as a delivery; False when the house keeps no list of deliveries."""
    arrivals = _neighbour(ARRIVALS)
    if arrivals is None or sku.kind != Sku.Kind.STOCKED:
        return False
    row = arrivals.Expected(sku_id=sku.pk, warehouse_id=warehouse.pk, quantity=quantity, expected_on=day, source=source)
    arrivals.announce(rows=[row], actor=actor)
    return True


def packed(order_ids: Collection[int]) -> set[int]:
    """Return which of these orders stand packed and closed, and have not been handed over."""
    parcels: Any = apps.all_models["orders"].get("packparcel")
    if parcels is None:
        return set()
    rows = parcels.objects.filter(state="closed", wave_order__order__in=list(order_ids))
    return set(rows.values_list("wave_order__order_id", flat=True))


def add_gifts(
    *, order_ids: Sequence[int], sku_id: int, quantity: Decimal, actor: str, reason: str
) -> list[RowOutcome] | None:
    """Put a gift on orders; None when orders cannot be given lines of our own here."""
    gifts = _neighbour(GIFTS)
    if gifts is None:
        return None
    told: list[RowOutcome] = gifts.add(
        order_ids=order_ids, sku_id=sku_id, quantity=quantity, actor=actor, reason=reason
    )
    return told


def _neighbour(name: str) -> Any:
    """The module of a neighbour, or None where it is not built in."""
    return importlib.import_module(name) if importlib.util.find_spec(name) is not None else None
