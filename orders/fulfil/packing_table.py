"""What lies on the packing table: a part of a wave under its lock, whose it is, and its goods."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import Q

from backoffice import locks
from orders.fulfil import shipping
from orders.fulfil.floor_errors import FloorError
from orders.fulfil.scan_log import moment, person
from orders.models import Order, WaveGoods, WaveOrder


def locked(wave_order_id: int) -> WaveOrder:
    """Return the part, locked until the transaction ends. Raises FloorError part_gone."""
    rows = locks.locked_rows(WaveOrder.objects.filter(pk=wave_order_id).select_related("wave", "order"))
    if not rows:
        raise FloorError("part_gone")
    return rows[0]


def in_tote(part: WaveOrder | int) -> Q:
    """Return the condition for goods that lie in the tote of a part: its own, and of orders in the same parcel."""
    return Q(wave_order=part) | Q(wave_order__lead=part)


def members(part: WaveOrder) -> list[WaveOrder]:
    """Return the parts that go into the parcel, the first one first; most often there is no other."""
    followers = WaveOrder.objects.filter(lead=part).select_related("order").order_by("place")
    return [part, *followers]


def must_be_in(part: WaveOrder) -> None:
    """Raise FloorError for an order that is packed already or has dropped out."""
    if part.state == WaveOrder.State.PACKED:
        raise _packed(part)
    if part.state == WaveOrder.State.DROPPED:
        raise FloorError("dropped", order=part.order.number, why=part.reason)


def _packed(part: WaveOrder) -> FloorError:
    when = moment(part.packed_at)
    return FloorError("packed_already", order=part.order.number, who=person(part.packer), when=when)


def must_be_mine(part: WaveOrder, actor: str) -> None:
    """Raise FloorError for a part that nobody or somebody else packs."""
    if not part.packer:
        raise FloorError("not_opened", order=part.order.number)
    if part.packer != actor:
        raise packed_by_other(part)


def packed_by_other(part: WaveOrder) -> FloorError:
    """Return the refusal that names who packs it."""
    when = moment(part.packing_since)
    return FloorError("packed_by_other", who=person(part.packer), order=part.order.number, when=when)


def pieces_of(value: Any) -> Decimal:
    """Return a sum of stored thousandths as pieces."""
    return value if isinstance(value, Decimal) else Decimal(value).scaleb(-3)


def may_scan(part: WaveOrder, actor: str) -> None:
    """Raise FloorError unless this packer may go on with the part and all orders in its parcel may still leave."""
    must_be_in(part)
    must_be_mine(part, actor)
    for order in (one.order for one in members(part)):
        if order.state == Order.State.CANCELLED:
            raise FloorError("dropped", order=order.number, why="cancelled")
        if order.state not in shipping.READY:
            raise FloorError("dropped", order=order.number, why="held")
        if order.pending_version_id is not None:
            raise FloorError("dropped", order=order.number, why="edited")


def goods_of(part: WaveOrder, goods_id: int, sku_id: int) -> list[WaveGoods]:
    """Return the goods of a part that were pressed or scanned, those of all orders in its parcel."""
    rows = WaveGoods.objects.filter(in_tote(part)).select_related("sku", "wave_order").order_by("pk")
    if goods_id:
        return list(rows.filter(pk=goods_id))
    return list(rows.filter(sku_id=sku_id)) if sku_id else []
