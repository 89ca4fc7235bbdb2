"""Where returned goods go: by rules of country, region and shop, the narrowest first; else where they came from."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from django.db.models import Q

from backoffice import clock
from inventory.models import Shop, ShopWarehouse, Warehouse
from inventory.stock_state import valid
from orders.fulfil.routing.geography import region_key
from orders.models import Order, OrderContact, ReturnPlace, ReturnRule, ShipmentGoods


@dataclasses.dataclass(frozen=True, slots=True)
class GoesBack:
    """The warehouse goods go back to, the address the buyer is told (None: none is written), and by which rule."""

    warehouse: Warehouse
    address: ReturnPlace | None = None
    rule: ReturnRule | None = None


def return_warehouse(*, country: str = "", region: str = "", shop: Shop | int | None = None) -> GoesBack | None:
    """Return where goods of a shop, sent back from a country and region, go by the rules; None when no rule fits."""
    code = country.strip().upper()[:2]
    shop_id = shop.pk if isinstance(shop, Shop) else shop
    rules = ReturnRule.objects.filter(
        active=True, warehouse__active=True, warehouse__read_only=False, country__in=("", code)
    ).exclude(warehouse__return_place__takes_returns=False)
    rules = rules.filter(Q(shop=None) | Q(shop=shop_id)).select_related("warehouse")
    key = region_key(code, region)
    fitting = [one for one in rules if not one.region or (key and region_key(code, one.region) == key)]
    best = min(fitting, key=_narrow, default=None)
    return None if best is None else GoesBack(best.warehouse, return_address_of(best.warehouse), best)


def _narrow(rule: ReturnRule) -> tuple[bool, bool, bool, int]:
    """A rule of the shop goes before one for all; then a region before a country before anywhere."""
    return rule.shop_id is None, not rule.region, not rule.country, rule.pk


def return_address_of(warehouse: Warehouse | None) -> ReturnPlace | None:
    """Return the address a warehouse takes returns at; None when nobody has written one."""
    if warehouse is None:
        return None
    return ReturnPlace.objects.filter(warehouse=warehouse).exclude(line1="").first()


def return_place_of(order: Order) -> GoesBack | None:
    """Return where goods of an order go back to: by rule, else where they came from, else the shop's first warehouse.

    None only for an order of which nothing left and whose shop sells from nowhere.
    """
    contact = OrderContact.objects.filter(order=order).values_list("shipping", "country").first()
    shipping, country = contact or ({}, "")
    region = str(shipping.get("region", ""))
    found = return_warehouse(country=str(shipping.get("country") or country), region=region, shop=order.shop_id)
    if found is not None:
        return found
    warehouse = _first_open([*_sent_from(order), *_of_shop(order)])
    return None if warehouse is None else GoesBack(warehouse, return_address_of(warehouse))


def return_warehouse_of(order: Order) -> Warehouse | None:
    """Return the warehouse that goods of an order go back to; one that takes no returns is passed over."""
    place = return_place_of(order)
    return None if place is None else place.warehouse


def _sent_from(order: Order) -> list[int]:
    """The warehouses its parcels left from, the one that sent most of it first."""
    goods = ShipmentGoods.objects.filter(shipment_line__shipment__order=order, shipment_line__shipment__state="sent")
    return list(goods.order_by("-quantity", "pk").values_list("warehouse_id", flat=True))


def _of_shop(order: Order) -> list[int]:
    links = ShopWarehouse.objects.filter(valid(clock.now()), shop=order.shop_id)
    return list(links.order_by("priority", "warehouse_id").values_list("warehouse_id", flat=True))


def _first_open(wanted: Sequence[int]) -> Warehouse | None:
    rows = Warehouse.objects.filter(active=True, read_only=False).exclude(return_place__takes_returns=False)
    found = rows.in_bulk(list(dict.fromkeys(wanted)))
    return next((found[pk] for pk in wanted if pk in found), None)
