"""A supplier's terms for a SKU: what a quantity costs, and whether it can be ordered at all."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from orders.models import PurchaseLine, PurchaseOrder, SupplierItem
from orders.supply.errors import SupplyError
from orders.supply.formula import Terms
from orders.supply.locking import plain


def of_item(item: SupplierItem) -> Terms:
    """Return the terms of a supplier's SKU, its price breaks read before."""
    breaks = tuple(sorted((one.quantity, one.price) for one in item.breaks.all()))
    return Terms(price=item.price, minimum=item.minimum, pack=item.pack_size, breaks=breaks)


def price_of(item: SupplierItem, quantity: Decimal) -> Decimal:
    """Return the price of a piece when so many are ordered."""
    return of_item(item).price_at(quantity)


def check(order: PurchaseOrder, lines: Sequence[PurchaseLine]) -> None:
    """Refuse what the supplier would refuse. Raises SupplyError: minimum, pack, minimum_order."""
    supplier = order.supplier
    items = {one.sku_id: one for one in supplier.items.filter(sku__in=[one.sku_id for one in lines])}
    for place, line in enumerate(lines):
        item = items.get(line.sku_id)
        if item is None:
            continue
        told = {"sku": line.sku.code, "supplier": supplier.name, "wanted": plain(line.quantity)}
        if line.quantity < item.minimum:
            raise SupplyError("minimum", field=f"lines[{place}].quantity", minimum=plain(item.minimum), **told)
        if line.quantity % item.pack_size:
            raise SupplyError("pack", field=f"lines[{place}].quantity", pack=plain(item.pack_size), **told)
    if order.total < supplier.minimum_order:
        raise SupplyError(
            "minimum_order", supplier=supplier.name, minimum=plain(supplier.minimum_order), currency=order.currency,
            total=plain(order.total),
        )  # fmt: skip
