"""Packing: each item is scanned into a parcel, parcels are weighed and closed, the order ships once.

Everything stands in rows: a browser that dies in the middle opens the order again where it was. Locks: order, wave,
part of the wave.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import F, Q, Sum

from backoffice import audit, clock, locks
from backoffice.models import User
from orders.desk import merging
from orders.desk.table import Table
from orders.fulfil import (
    labels_given,
    packing_table,
    parcel_lines,
    shipping,
    shortages,
    wave_together,
    wave_watch,
    weighing,
)
from orders.fulfil.floor_errors import FloorError
from orders.fulfil.labels_given import LabelFacts, register_label_source
from orders.fulfil.packing_scans import number_now, scan, take_out
from orders.fulfil.packing_table import in_tote, members
from orders.fulfil.scan_log import plain
from orders.fulfil.wave_picking import locked as locked_wave
from orders.models import Order, PackItem, PackParcel, Shipment, Wave, WaveGoods, WaveOrder

__all__ = [
    "LabelFacts",
    "close_parcel",
    "finish",
    "in_tote",
    "members",
    "missing",
    "number_now",
    "open_order",
    "register_label_source",
    "scan",
    "take_out",
]
State = Wave.State


def open_order(*, wave_order_id: int, actor: str, take_over: bool = False) -> WaveOrder:
    """Say that one packs this order; a second packer is told who does, and may take it over.

    Raises FloorError: part_gone, packed_already, dropped, not_picked, packed_by_other.
    """
    known = WaveOrder.objects.filter(pk=wave_order_id).values_list("wave_id", "lead_id").first()
    if known is None:
        raise FloorError("part_gone")
    wave_id, wave_order_id = known[0], known[1] or wave_order_id
    wave_watch.look([wave_id])
    with transaction.atomic():
        wave = locked_wave(wave_id)
        part = packing_table.locked(wave_order_id)
        packing_table.must_be_in(part)
        if part.packer and part.packer != actor and not take_over:
            raise packing_table.packed_by_other(part)
        _must_be_picked(part)
        if part.packer != actor:
            before, part.packer, part.packing_since = part.packer, actor[:150], clock.now()
            part.save(update_fields=["packer", "packing_since"])
            audit.record(
                action="wave.pack", target=part, actor=actor, before={"packer": before}, after={"packer": actor}
            )
        if wave.state == State.PICKED:
            Wave.objects.filter(pk=wave.pk).update(state=State.PACKING)
    return part


def look_at(*, wave_order_id: int, actor: str) -> WaveOrder:
    """Return the order that one is packing, and change nothing: it is opened by `open_order`, never by a look.

    Raises FloorError: part_gone, packed_already, dropped, packed_by_other, not_opened, not_picked.
    """
    known = WaveOrder.objects.filter(pk=wave_order_id).values_list("lead_id", flat=True).first()
    parts = WaveOrder.objects.select_related("wave", "order").filter(pk=known or wave_order_id)
    part = parts.first()
    if part is None:
        raise FloorError("part_gone")
    packing_table.must_be_in(part)
    _must_be_picked(part)
    packing_table.must_be_mine(part, actor)
    return part


def _must_be_picked(part: WaveOrder) -> None:
    rest = WaveGoods.objects.filter(in_tote(part), picked__lt=F("wanted"))
    left = rest.aggregate(left=Sum(F("wanted") - F("picked")))["left"]
    if left:
        order = part.order.number
        raise FloorError("not_picked", order=order, wave=part.wave.code, left=plain(packing_table.pieces_of(left)))


# --- parcels ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def close_parcel(
    *,
    wave_order_id: int,
    actor: str,
    weight_g: int | None = None,
    reason: str = "",
    carrier: str = "",
    tracking: str = "",
    tracking_url: str = "",
) -> PackParcel:
    """Close the open parcel; the next scan begins the next one.

    Raises FloorError: dropped, packed_already, packed_by_other, empty_parcel, set_in_two, weigh_first, weight_off,
    one_parcel_only.
    """
    part = packing_table.locked(wave_order_id)
    packing_table.may_scan(part, actor)
    if len(members(part)) > 1:
        raise FloorError("one_parcel_only", order=part.order.number)
    parcel = PackParcel.objects.filter(wave_order=part, state=PackParcel.State.OPEN).first()
    if parcel is None:
        raise FloorError("empty_parcel")
    parcel.carrier, parcel.tracking, parcel.tracking_url = carrier[:100], tracking[:200], tracking_url[:1000]
    return _close(part, parcel, actor, weight_g, reason)


def _close(part: WaveOrder, parcel: PackParcel, actor: str, weight_g: int | None, reason: str) -> PackParcel:
    items = list(PackItem.objects.filter(parcel=parcel).select_related("goods__sku", "goods__line"))
    if not items:
        raise FloorError("empty_parcel")
    parcel_lines.units_of(items)  # refuses a set that lies in two parcels
    setting = weighing.setting_of(part.warehouse_id)
    contents = [(one.goods.sku.code, one.goods.sku.weight_g, one.quantity) for one in items]
    should = weighing.expected(contents, setting)
    weighing.check(weight_g, should, setting, reason)
    parcel.state, parcel.closed_at, parcel.closed_by = PackParcel.State.CLOSED, clock.now(), actor[:150]
    parcel.weight_g, parcel.expected_g, parcel.weight_reason = weight_g, should.grams, reason.strip()[:300]
    parcel.save()
    return parcel


def finish(
    *,
    wave_order_id: int,
    actor: str,
    weight_g: int | None = None,
    reason: str = "",
    carrier: str = "",
    tracking: str = "",
    tracking_url: str = "",
    warehouses: frozenset[int] | None = None,
) -> list[Shipment]:
    """Close the last parcel and ship the order once, in as many parcels as were packed.

    Parcels without a tracking number are asked of the label source. A second finish is told who was first and ships
    nothing. Raises FloorError, OrderError (what `shipping.ship` refuses) or the refusal of the label source.
    """
    found = WaveOrder.objects.filter(pk=wave_order_id).values_list("wave_id", "order_id").first()
    if found is None:
        raise FloorError("part_gone")
    wave_id, order_id = found
    wave_watch.look([wave_id])
    labels = _labels(wave_order_id, actor, typed=bool(tracking))
    with transaction.atomic():
        locks.locked_rows(Order.objects.filter(pk__in=wave_together.whole([order_id])))
        locked_wave(wave_id)
        part = packing_table.locked(wave_order_id)
        packing_table.must_be_in(part)
        packing_table.must_be_mine(part, actor)
        _must_be_complete(part)
        last = PackParcel.objects.filter(wave_order=part).order_by("-number").first()
        if last is not None and (last.state == PackParcel.State.OPEN or not last.tracking):
            last.carrier, last.tracking = carrier[:100] or last.carrier, tracking[:200]
            last.tracking_url = tracking_url[:1000]
            last.save(update_fields=["carrier", "tracking", "tracking_url"])
        if last is not None and last.state == PackParcel.State.OPEN:
            _close(part, last, actor, weight_g, reason)
        shipments = _ship(part, labels, actor, warehouses)
        _packed_now(part, wave_id)
    return shipments


def _labels(wave_order_id: int, actor: str, *, typed: bool) -> dict[int, LabelFacts]:
    """Ask for the labels of parcels that have no tracking number yet, outside any transaction."""
    part = WaveOrder.objects.select_related("order").get(pk=wave_order_id)
    if not part.open or part.packer != actor:
        return {}
    found = {}
    parcels = list(PackParcel.objects.filter(wave_order=part).order_by("number"))
    last = parcels[-1] if parcels else None
    for parcel in (one for one in parcels if not one.tracking):
        if parcel is last and typed:
            continue
        label = labels_given.label_of(part.order, parcel.number, part.warehouse_id)
        if label is not None:
            found[parcel.number] = label
    return found


def _must_be_complete(part: WaveOrder) -> None:
    rest = WaveGoods.objects.filter(in_tote(part), packed__lt=F("wanted")).select_related("sku")[:10]
    if rest:
        listed = ", ".join(f"{one.sku.code} {plain(one.wanted - one.packed)}" for one in rest)
        raise FloorError("incomplete", list=listed)


def _ship(
    part: WaveOrder, labels: dict[int, LabelFacts], actor: str, warehouses: frozenset[int] | None
) -> list[Shipment]:
    parcels = list(PackParcel.objects.filter(wave_order=part).order_by("number"))
    for one in parcels:
        label = labels.get(one.number)
        if label is not None and not one.tracking:
            one.carrier, one.tracking = label.carrier[:100], label.tracking[:200]
            one.tracking_url, one.label_id = label.tracking_url[:1000], label.label_id[:120]
    if len(members(part)) > 1:
        return _ship_together(part, parcels[0], actor, warehouses)
    contents = parcel_lines.of_order(part, parcels)
    sending = [
        shipping.Parcel(
            lines=contents[one.pk], carrier=one.carrier, tracking=one.tracking, tracking_url=one.tracking_url,
            warehouse_id=part.warehouse_id, warehouses=warehouses,
        )
        for one in parcels
    ]  # fmt: skip
    key = f"pack:{part.pk}"
    shipments = shipping.ship(order_id=part.order_id, parcels=sending, actor=actor, idempotency_key=key)
    for one, shipment in zip(parcels, shipments, strict=True):
        one.state, one.shipment = PackParcel.State.SENT, shipment
        one.save()
    return shipments


def _ship_together(
    part: WaveOrder, parcel: PackParcel, actor: str, warehouses: frozenset[int] | None
) -> list[Shipment]:
    """Ship all orders of the parcel or none; the parcel on the table stands with the shipment of the first."""
    orders = {one.order_id for one in members(part)}
    if set(wave_together.sets_of(orders).get(part.order_id, ())) != orders:
        raise FloorError("dropped", order=part.order.number, why="together")
    group = merging.group_of(part.order)
    shipments = merging.ship_merged(
        group_id=group.pk if group is not None else 0, carrier=parcel.carrier, tracking=parcel.tracking,
        tracking_url=parcel.tracking_url, actor=actor, idempotency_key=f"pack:{part.pk}", warehouses=warehouses,
    )  # fmt: skip
    parcel.state = PackParcel.State.SENT
    parcel.shipment = next(one for one in shipments if one.order_id == part.order_id)
    parcel.save()
    return shipments


def _packed_now(part: WaveOrder, wave_id: int) -> None:
    rows = WaveOrder.objects.filter(Q(pk=part.pk) | Q(lead=part))
    rows.update(open=False, state=WaveOrder.State.PACKED, packed_at=clock.now(), packer=part.packer)
    wave_watch.settle([wave_id])


@transaction.atomic
def missing(*, wave_order_id: int, goods_id: int, actor: str, user: User | None = None) -> list[str]:
    """Say that goods of an order are not in its tote: the order goes back as after a short pick.

    Raises FloorError: part_gone, dropped, packed_already, packed_by_other, nothing_to_take_out.
    """
    found = WaveOrder.objects.filter(pk=wave_order_id).values_list("wave_id", "order_id").first()
    if found is None:
        raise FloorError("part_gone")
    wave_id, order_id = found
    table = Table(wave_together.whole([order_id]), actor)
    locked_wave(wave_id)  # before the part, as everywhere
    part = packing_table.locked(wave_order_id)
    packing_table.may_scan(part, actor)
    rows = [one for one in packing_table.goods_of(part, goods_id, 0) if one.packed < one.wanted]
    if not rows:
        raise FloorError("found_all")
    goods = rows[0]
    lost = shortages.Missing(goods.sku_id, goods.sku.code, goods.wanted - goods.packed, [goods.wave_order], part.code)
    return shortages.send_back(table, lost, user=user)
