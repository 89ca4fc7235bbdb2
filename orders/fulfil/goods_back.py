"""Which of the goods that left come back, and at what cost: the latest parcels first, to the last ten-thousandth."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from inventory import reservations
from orders.models import OrderLine, Shipment, ShipmentGoods
from orders.models.order import line_reference

ZERO = Decimal(0)
COST = Decimal("0.0001")  # what the stock ledger keeps of a value
PIECES = Decimal("0.001")


@dataclasses.dataclass(frozen=True, slots=True)
class Back:
    """Pieces of what left in one parcel, and their part of its cost."""

    goods: ShipmentGoods
    pieces: Decimal
    value: Decimal


def sent_goods(line_ids: Collection[int]) -> dict[int, list[ShipmentGoods]]:
    """Return what left for the lines in parcels that were not taken back, the latest first."""
    found: dict[int, list[ShipmentGoods]] = defaultdict(list)
    if not line_ids:
        return found
    sent = ShipmentGoods.objects.filter(
        shipment_line__line__in=line_ids, shipment_line__shipment__state=Shipment.State.SENT
    )
    for goods in sent.select_related("shipment_line").order_by("-pk"):
        found[goods.shipment_line.line_id].append(goods)
    return found


def choose(line: OrderLine, units: Decimal, goods: Sequence[ShipmentGoods]) -> list[Back]:
    """Choose from the latest parcels first, each SKU in the line's proportion; what is chosen counts as returned.

    The caller saves `returned_quantity` of the goods chosen.
    """
    sent: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for one in goods:
        sent[one.sku_id] += one.quantity
    chosen = []
    for sku_id, pieces in sent.items():
        left = (pieces * units / line.shipped_quantity).quantize(PIECES)
        for one in (one for one in goods if one.sku_id == sku_id):
            part = min(one.quantity - one.returned_quantity, left)
            if part > 0:
                chosen.append(_taken(one, part))
                left -= part
    return chosen


def left_by(one: ShipmentGoods) -> str:
    """Return the key of the stock entry by which goods left."""
    line = one.shipment_line
    return reservations.out_key(
        f"orders.shipment:{line.shipment_id}", (line_reference(line.line_id), one.sku_id, one.warehouse_id)
    )


def _taken(one: ShipmentGoods, pieces: Decimal) -> Back:
    """Take pieces and the cost up to them less the cost before: parts of a parcel add up to it, whatever is rounded."""
    before = _cost_of(one, one.returned_quantity)
    one.returned_quantity += pieces
    return Back(one, pieces, _cost_of(one, one.returned_quantity) - before)


def _cost_of(one: ShipmentGoods, pieces: Decimal) -> Decimal:
    return (one.cost_value * pieces / one.quantity).quantize(COST, ROUND_HALF_EVEN)
