"""Where returned goods go: by rules of country, region and shop, the narrowest first."""

from __future__ import annotations

import dataclasses

from django.db.models import Q

from backoffice import clock
from inventory.models import Shop, ShopWarehouse, Warehouse
from inventory.stock_state import valid
from orders.contracts import Address
from orders.fulfil.routing.geography import region_key
from orders.models import Order, OrderContact, ReturnRule, ShipmentGoods


@dataclasses.dataclass(frozen=True, slots=True)
class ReturnPlace:
    """The warehouse goods go back to and, where a rule gives one, the address the buyer is told."""

    warehouse: Warehouse
    address: Address | None = None
    rule: ReturnRule | None = None


def return_warehouse(*, country: str = "", region: str = "", shop: Shop | int | None = None) -> ReturnPlace | None:
    """Return where goods of a shop, sent back from a country and region, go by the rules; None when no rule fits."""
    code = country.strip().upper()[:2]
    shop_id = shop.pk if isinstance(shop, Shop) else shop
    rules = ReturnRule.objects.filter(active=True, warehouse__active=True, country__in=("", code))
    rules = rules.filter(Q(shop=None) | Q(shop=shop_id)).select_related("warehouse")
    key = region_key(code, region)
    fitting = [one for one in rules if not one.region or (key and region_key(code, one.region) == key)]
    best = min(fitting, key=_narrow, default=None)
    return None if best is None else ReturnPlace(best.warehouse, address_of(best), best)


def _narrow(rule: ReturnRule) -> tuple[bool, bool, bool, int]:
    """A rule of the shop goes before one for all; then a region before a country before anywhere."""
    return rule.shop_id is None, not rule.region, not rule.country, rule.pk


def address_of(rule: ReturnRule) -> Address:
    """Return the return address of a rule as labels take it."""
    return Address(
        name=rule.name,
        line1=rule.line1,
        line2=rule.line2,
        city=rule.city,
        region=rule.state,
        postcode=rule.postcode,
        country=rule.address_country,
        phone=rule.phone,
    )


def return_place_of(order: Order) -> ReturnPlace | None:
    """Return where goods of an order go back to: by rule, else where they came from, else the shop's first warehouse.

    None only for an order of which nothing left and whose shop sells from nowhere.
    """
    contact = OrderContact.objects.filter(order=order).values_list("shipping", "country").first()
    shipping, country = contact or ({}, "")
    region = str(shipping.get("region", ""))
    found = return_warehouse(country=str(shipping.get("country") or country), region=region, shop=order.shop_id)
    if found is not None:
        return found
    warehouse = _sent_from(order) or _first_of(order)
    return None if warehouse is None else ReturnPlace(warehouse)


def return_warehouse_of(order: Order) -> Warehouse | None:
    """Return the warehouse that goods of an order go back to."""
    place = return_place_of(order)
    return None if place is None else place.warehouse


def _sent_from(order: Order) -> Warehouse | None:
    """The warehouse the newest parcel left, when goods can be taken in there."""
    goods = ShipmentGoods.objects.filter(
        shipment_line__shipment__order=order, warehouse__active=True, warehouse__read_only=False
    )
    row = goods.select_related("warehouse").order_by("-shipment_line__shipment_id", "pk").first()
    return None if row is None else row.warehouse


def _first_of(order: Order) -> Warehouse | None:
    links = ShopWarehouse.objects.filter(
        valid(clock.now()), shop=order.shop_id, warehouse__active=True, warehouse__read_only=False
    )
    row = links.select_related("warehouse").order_by("priority", "warehouse_id").first()
    return None if row is None else row.warehouse
