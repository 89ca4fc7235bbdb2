"""Small real rows for the stock tests: a SKU, a warehouse, a shop, stock on a shelf."""

import itertools
from decimal import Decimal

from inventory import ledger
from inventory.models import Balance, BundlePart, Product, Shop, ShopWarehouse, Sku, Warehouse
from inventory.reservations import Want

_numbers = itertools.count(1)


def number() -> int:
    """A number nobody else has."""
    return next(_numbers)


def sku(code: str = "", **fields) -> Sku:
    """A stocked SKU of a product of its own."""
    code = code or f"SKU-{number()}"
    return Sku.objects.create(product=Product.objects.create(name=code), code=code, name=code, **fields)


def bundle(*parts, code: str = "") -> Sku:
    """A bundle of (part, pieces)."""
    made = sku(code or f"SET-{number()}", kind=Sku.Kind.BUNDLE)
    for part, quantity in parts:
        BundlePart.objects.create(bundle=made, part=part, quantity=Decimal(quantity))
    return made


def warehouse(code: str = "", **fields) -> Warehouse:
    """A warehouse."""
    code = code or f"WH-{number()}"
    return Warehouse.objects.create(code=code, name=code, **fields)


def shop(*warehouses, code: str = "", **fields) -> Shop:
    """A shop that sells from the warehouses in this order."""
    code = code or f"SHOP-{number()}"
    made = Shop.objects.create(code=code, name=code, **fields)
    for priority, place in enumerate(warehouses, 1):
        ShopWarehouse.objects.create(shop=made, warehouse=place, priority=priority)
    return made


def stock(item: Sku, place: Warehouse, quantity, cost="1", **fields) -> None:
    """Put pieces on the shelf at a unit cost."""
    draft = ledger.EntryDraft(
        key=f"test:{number()}",
        sku_id=item.pk,
        warehouse_id=place.pk,
        quantity=Decimal(quantity),
        unit_cost=Decimal(cost),
        reason="opening",
        **fields,
    )
    ledger.post(entries=[draft])


def want(reference: str, item: Sku, quantity, *places: Warehouse, **fields) -> Want:
    """A want of a stocked SKU."""
    return Want(
        reference=reference,
        sku_id=item.pk,
        quantity=Decimal(quantity),
        warehouses=tuple(place.pk for place in places),
        **fields,
    )


def want_bundle(reference: str, item: Sku, quantity, *places: Warehouse, **fields) -> Want:
    """A want of a bundle with the parts it has now."""
    parts = tuple((part.part_id, part.quantity) for part in item.parts.order_by("part_id"))
    return want(reference, item, quantity, *places, parts=parts, **fields)


def buckets(item: Sku, place: Warehouse) -> tuple[int, int, int]:
    """(on hand, demand, reserved) in pieces; zeros when there is no balance."""
    row = Balance.objects.filter(sku=item, warehouse=place).first()
    return (int(row.on_hand), int(row.demand), int(row.reserved)) if row else (0, 0, 0)
