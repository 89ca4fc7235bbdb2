"""Goods that are not where the books say: the order goes back, another warehouse may send them, somebody counts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal

from django.utils.translation import gettext as _

from backoffice.models import User
from inventory import adjusting, reservations
from inventory.models import Reason
from orders.desk import holds
from orders.desk.table import Table
from orders.fulfil import wave_watch
from orders.fulfil.routing import moving
from orders.models import Order, WaveGoods, WaveOrder
from orders.models.order import OPEN_STATES, line_reference

OVER = {Order.State.CANCELLED.value: "cancelled", Order.State.SHIPPED.value: "shipped"}


@dataclasses.dataclass(frozen=True, slots=True)
class Missing:
    """Of a SKU so many pieces are not there, and these parts of a wave cannot be sent because of it."""

    sku_id: int
    sku_code: str
    pieces: Decimal
    parts: Sequence[WaveOrder]
    where: str  # in words, for whoever counts: "W12, A-01-3"


def send_back(table: Table, missing: Missing, *, user: User | None) -> list[str]:
    """Take parts out of their wave, reserve their goods elsewhere or hold the orders; let the difference be counted.

    `table` holds the locks of the orders. One that was cancelled or has left meanwhile drops out and stays what it is.
    Returns the numbers of the orders that dropped out.
    """
    rows = WaveGoods.objects.filter(wave_order__in=missing.parts, sku_id=missing.sku_id)
    lines = dict(rows.values_list("line_id", "wave_order__order_id"))
    gone = {part.order_id: part for part in missing.parts}
    dropped = [one for one in table.orders if one.pk in gone]
    orders = [one for one in dropped if one.state in OPEN_STATES]
    lines = {pk: order_id for pk, order_id in lines.items() if order_id in {one.pk for one in orders}}
    place = missing.parts[0].warehouse_id
    moved = moving.not_found(table, orders, line_ids=lines, sku_id=missing.sku_id, warehouse_id=place)
    stay = {line_reference(pk) for pk, order_id in lines.items() if order_id not in moved}
    reservations.unreserve(references=sorted(stay), actor=table.actor)
    _hold([one for one in orders if one.pk not in moved], table, missing)
    reasons = {gone[one.pk].pk: "rerouted" if one.pk in moved else "short" for one in orders}
    reasons |= {gone[one.pk].pk: OVER.get(one.state, "edited") for one in dropped if one not in orders}
    wave_watch.drop(reasons, actor=table.actor)
    if missing.pieces > 0:
        _note_difference(missing, user)
    return [one.number for one in dropped]


def _hold(orders: Sequence[Order], table: Table, missing: Missing) -> None:
    """Their goods are nowhere, and the goods that are here stay reserved.

    Held until a person lets them go: the books still have the pieces, so a review would give out the same ones again.
    """
    note = f"{missing.sku_code}: {missing.where}"
    for order in orders:
        order.state = Order.State.HELD
        holds.put(order, holds.NOT_FOUND, table.now, note=note)
    table.save(orders)
    table.note(orders, "order.short_pick", {"state": Order.State.HELD.value, "reason": note})


def _note_difference(missing: Missing, user: User | None) -> None:
    line = adjusting.Line(sku_id=missing.sku_id, change=-missing.pieces)
    note = _("Not found when picking: %(where)s. Count before posting.") % {"where": missing.where}
    adjusting.propose(
        warehouse_id=missing.parts[0].warehouse_id, lines=[line], reason=Reason.LOST, note=note, user=user
    )
