"""Put the cost layers of a balance right: they are used up, and one layer holds what they should have held."""

from __future__ import annotations

from django.db.models import Sum

from backoffice import clock
from inventory.costing.layers import Layer, Use
from inventory.costing.writing import write
from inventory.models import CostLayer


def held(sku_id: int, warehouse_id: int) -> tuple[int, int]:
    """Return pieces and value of all layers of a balance, in stored integers."""
    rows = CostLayer.objects.filter(sku=sku_id, warehouse=warehouse_id, quantity__gt=0)
    sums = rows.aggregate(pieces=Sum("quantity"), worth=Sum("value"))
    return int((sums["pieces"] or 0) * 1000), int((sums["worth"] or 0) * 10_000)


def as_one(sku_id: int, warehouse_id: int, key: str, pieces: int, worth: int) -> bool:
    """Make one layer of all, with so much more (or less); False when that cannot be. The balance is locked."""
    rows = list(CostLayer.objects.filter(sku=sku_id, warehouse=warehouse_id, quantity__gt=0).order_by("id"))
    before = held(sku_id, warehouse_id)
    quantity, value = before[0] + pieces, before[1] + worth
    if quantity < 0 or value < 0 or (value and not quantity):
        return False
    layers = [
        Layer(
            row.pk, row.entry_key, row.position, sku_id, warehouse_id, row.origin, row.received_at, 0, 0,
            int(row.quantity * 1000), int(row.value * 10_000),
        )
        for row in rows
    ]  # fmt: skip
    moment = min((one.received_at for one in layers), default=clock.now())
    made = [Layer(0, key, 0, sku_id, warehouse_id, key, moment, quantity, value, quantity, value)] if quantity else []
    write(made, [Use(key, one, one.quantity, one.value) for one in layers])
    return True
