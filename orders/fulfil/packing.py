"""Packing: each item is scanned into a parcel, parcels are weighed and closed, the order ships once.

Everything stands in rows: a browser that dies in the middle opens the order again where it was. Locks: order, wave,
part of the wave.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Q, Sum

from backoffice import audit, clock, locks
from backoffice.models import User
from orders.desk import merging
from orders.desk.table import Table
from orders.fulfil import (
    labels_given,
    parcel_lines,
    pick_lists,
    scan_log,
    shipping,
    shortages,
    wave_parts,
    wave_together,
    wave_watch,
    weighing,
)
from orders.fulfil.floor_errors import FloorError
from orders.fulfil.labels_given import LabelFacts, register_label_source
from orders.fulfil.scan_log import Answer, moment, person, plain
from orders.fulfil.wave_picking import locked as locked_wave
from orders.models import Order, PackItem, PackParcel, PackScan, Shipment, Wave, WaveGoods, WaveOrder

__all__ = ["LabelFacts", "close_parcel", "finish", "missing", "open_order", "register_label_source", "scan", "take_out"]
State = Wave.State
PACK = PackScan.Stage.PACK
ZERO = Decimal(0)
ONE = Decimal(1)
CHECKED = 20  # lines of one SKU that a scan compares with what is reserved; finishing compares all


def _locked(wave_order_id: int) -> WaveOrder:
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


def _must_be_in(part: WaveOrder) -> None:
    """Raise FloorError for an order that is packed already or has dropped out."""
    if part.state == WaveOrder.State.PACKED:
        raise _packed(part)
    if part.state == WaveOrder.State.DROPPED:
        raise FloorError("dropped", order=part.order.number, why=part.reason)


def _packed(part: WaveOrder) -> FloorError:
    when = moment(part.packed_at)
    return FloorError("packed_already", order=part.order.number, who=person(part.packer), when=when)


def _must_be_mine(part: WaveOrder, actor: str) -> None:
    if not part.packer:
        raise FloorError("not_opened", order=part.order.number)
    if part.packer != actor:
        raise _other(part)


def _other(part: WaveOrder) -> FloorError:
    when = moment(part.packing_since)
    return FloorError("packed_by_other", who=person(part.packer), order=part.order.number, when=when)


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
        part = _locked(wave_order_id)
        _must_be_in(part)
        if part.packer and part.packer != actor and not take_over:
            raise _other(part)
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


def _must_be_picked(part: WaveOrder) -> None:
    rest = WaveGoods.objects.filter(in_tote(part), picked__lt=F("wanted"))
    left = rest.aggregate(left=Sum(F("wanted") - F("picked")))["left"]
    if left:
        order = part.order.number
        raise FloorError("not_picked", order=order, wave=part.wave.code, left=plain(_pieces(left)))


def _pieces(value: Any) -> Decimal:
    """A sum of stored thousandths, as pieces."""
    return value if isinstance(value, Decimal) else Decimal(value).scaleb(-3)


# --- scanning --------------------------------------------------------------------------------------------------------


@transaction.atomic
def scan(*, wave_order_id: int, actor: str, key: str, text: str = "", goods_id: int = 0, whole: bool = False) -> Answer:
    """Put what was scanned into the open parcel. Wrong and surplus items change nothing, and are kept as errors.

    Without a code the packer presses the button of the goods: one piece, or `whole` for all that is missing of them.
    """
    part, full = _locked(wave_order_id), scan_log.full_key(PACK, wave_order_id, key)
    before = scan_log.known(full)
    if before is not None:
        return before
    found = pick_lists.scanned(text) if not goods_id else None
    rows = _goods(part, goods_id, found.sku_id if found else 0)
    pieces = found.pieces if found else ONE
    try:
        _may_scan(part, actor)
        _must_be_wanted(part, rows)
        answer = _put_in(part, rows, pieces, found, text, whole=whole and not found)
    except FloorError as refusal:
        answer = Answer(False, refusal.code, _kept(refusal.params))
    sku_id = found.sku_id if found else rows[0].sku_id if rows else None
    done = Decimal(str(answer.data.get("pieces", 0))) if answer.ok else ZERO
    return scan_log.write(
        full, PACK, answer, actor=actor, text=text, quantity=done, wave_id=part.wave_id, wave_order=part, sku_id=sku_id
    )


def _must_be_wanted(part: WaveOrder, rows: Sequence[WaveGoods]) -> None:
    """Raise FloorError when less (or more) of these goods is reserved than the wave was made for: an edit came in."""
    asked = [one for one in rows if one.packed < one.wanted][:CHECKED]
    held = wave_parts.reserved({one.line_id for one in asked}, part.warehouse_id)
    if any(held.get((one.line_id, one.sku_id), ZERO) != one.wanted for one in asked):
        raise FloorError("dropped", order=part.order.number, why="edited")


def _kept(params: Any) -> dict[str, Any]:
    return {name: str(value) for name, value in params.items()}


def _may_scan(part: WaveOrder, actor: str) -> None:
    _must_be_in(part)
    _must_be_mine(part, actor)
    for order in (one.order for one in members(part)):
        if order.state == Order.State.CANCELLED:
            raise FloorError("dropped", order=order.number, why="cancelled")
        if order.state not in shipping.READY:
            raise FloorError("dropped", order=order.number, why="held")
        if order.pending_version_id is not None:
            raise FloorError("dropped", order=order.number, why="edited")


def _goods(part: WaveOrder, goods_id: int, sku_id: int) -> list[WaveGoods]:
    rows = WaveGoods.objects.filter(in_tote(part)).select_related("sku", "wave_order").order_by("pk")
    if goods_id:
        return list(rows.filter(pk=goods_id))
    return list(rows.filter(sku_id=sku_id)) if sku_id else []


def _put_in(
    part: WaveOrder,
    rows: Sequence[WaveGoods],
    pieces: Decimal,
    found: pick_lists.Scanned | None,
    text: str,
    *,
    whole: bool,
) -> Answer:
    if not rows:
        if found is None:
            return Answer(False, "unknown_code", {"text": scan_log.clean(text)})
        return Answer(False, "wrong_item", {"sku": found.sku_code})
    code = rows[0].sku.code
    wanted = sum((one.wanted for one in rows), ZERO)
    left = wanted - sum((one.packed for one in rows), ZERO)
    if left <= 0:
        return Answer(False, "too_many", {"sku": code, "wanted": plain(wanted)})
    if whole or (pieces == ONE and left < ONE):  # half a metre is scanned like a piece
        pieces = left
    if pieces > left:
        return Answer(False, "case_too_big", {"pieces": plain(pieces), "left": plain(left), "sku": code})
    changed = _fill(_open_parcel(part), rows, pieces)
    packed = plain(wanted - left + pieces)
    data = {"goods": changed, "pieces": plain(pieces), "left": _left(part)}
    return Answer(True, "packed", {"sku": code, "packed": packed, "wanted": plain(wanted)}, data)


def _open_parcel(part: WaveOrder) -> PackParcel:
    parcels = list(PackParcel.objects.filter(wave_order=part).order_by("number"))
    if parcels and parcels[-1].state == PackParcel.State.OPEN:
        return parcels[-1]
    return PackParcel.objects.create(wave_order=part, number=parcels[-1].number + 1 if parcels else 1)


def _fill(parcel: PackParcel, rows: Sequence[WaveGoods], pieces: Decimal) -> dict[str, str]:
    """Share pieces out over the lines that want them; returns what each has now."""
    changed = {}
    for one in rows:
        part = min(one.wanted - one.packed, pieces)
        if part <= 0:
            continue
        item, made = PackItem.objects.get_or_create(parcel=parcel, goods=one, defaults={"quantity": part})
        if not made:  # our lock on the order's part makes this safe; a database sum would not know thousandths
            item.quantity += part
            item.save(update_fields=["quantity"])
        one.packed += part
        WaveGoods.objects.filter(pk=one.pk).update(packed=one.packed)
        changed[str(one.pk)] = plain(one.packed)
        pieces -= part
    return changed


def number_now(wave_order_id: int) -> int:
    """Return the number of the parcel on the table: the open one, the last one when all is in, else the next."""
    last = PackParcel.objects.filter(wave_order=wave_order_id).order_by("-number").first()
    if last is None:
        return 1
    more = WaveGoods.objects.filter(in_tote(wave_order_id), packed__lt=F("wanted")).exists()
    return last.number + 1 if last.state != PackParcel.State.OPEN and more else last.number


def _left(part: WaveOrder) -> str:
    rest = WaveGoods.objects.filter(in_tote(part)).aggregate(left=Sum(F("wanted") - F("packed")))["left"]
    return plain(_pieces(rest or 0))


@transaction.atomic
def take_out(*, wave_order_id: int, goods_id: int, actor: str, key: str) -> Answer:
    """Take one piece out of the open parcel again."""
    part, full = _locked(wave_order_id), scan_log.full_key(PACK, wave_order_id, key)
    before = scan_log.known(full)
    if before is not None:
        return before
    rows = _goods(part, goods_id, 0)
    answer, pieces = Answer(False, "nothing_to_take_out"), ZERO
    try:
        _may_scan(part, actor)
        item = PackItem.objects.filter(parcel__wave_order=part, parcel__state="open", goods_id=goods_id).first()
        if rows and item is not None:
            answer, pieces = _taken_out(part, rows[0], item)
    except FloorError as refusal:
        answer = Answer(False, refusal.code, _kept(refusal.params))
    return scan_log.write(
        full, PACK, answer, actor=actor, quantity=-pieces, wave_id=part.wave_id, wave_order=part,
        sku_id=rows[0].sku_id if rows else None,
    )  # fmt: skip


def _taken_out(part: WaveOrder, goods: WaveGoods, item: PackItem) -> tuple[Answer, Decimal]:
    pieces = min(ONE, item.quantity)
    if item.quantity > pieces:
        item.quantity -= pieces
        item.save(update_fields=["quantity"])
    else:
        item.delete()
    goods.packed -= pieces
    WaveGoods.objects.filter(pk=goods.pk).update(packed=goods.packed)
    said = {"sku": goods.sku.code, "packed": plain(goods.packed), "wanted": plain(goods.wanted)}
    return Answer(True, "taken_out", said, {"goods": {str(goods.pk): plain(goods.packed)}, "left": _left(part)}), pieces


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
    part = _locked(wave_order_id)
    _may_scan(part, actor)
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
        part = _locked(wave_order_id)
        _must_be_in(part)
        _must_be_mine(part, actor)
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
    part = _locked(wave_order_id)
    _may_scan(part, actor)
    rows = [one for one in _goods(part, goods_id, 0) if one.packed < one.wanted]
    if not rows:
        raise FloorError("found_all")
    goods = rows[0]
    lost = shortages.Missing(goods.sku_id, goods.sku.code, goods.wanted - goods.packed, [goods.wave_order], part.code)
    return shortages.send_back(table, lost, user=user)
