"""Each item is scanned into the open parcel, or taken out again: counted once, wrong and surplus items refused."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Sum

from inventory.lots import choosing
from inventory.lots.errors import LotRefused
from orders.fulfil import packing_table, pick_lists, scan_log, wave_parts
from orders.fulfil.floor_errors import FloorError
from orders.fulfil.scan_log import Answer, plain
from orders.models import PackItem, PackParcel, PackScan, WaveGoods, WaveOrder
from orders.models.order import line_reference

PACK = PackScan.Stage.PACK
ZERO = Decimal(0)
ONE = Decimal(1)
CHECKED = 20  # lines of one SKU that a scan compares with what is reserved; finishing compares all


@transaction.atomic
def scan(*, wave_order_id: int, actor: str, key: str, text: str = "", goods_id: int = 0, whole: bool = False) -> Answer:
    """Put what was scanned into the open parcel. Wrong and surplus items change nothing, and are kept as errors.

    Without a code the packer presses the button of the goods: one piece, or `whole` for all that is missing of them.
    """
    part, full = packing_table.locked(wave_order_id), scan_log.full_key(PACK, wave_order_id, key)
    before = scan_log.known(full)
    if before is not None:
        return before
    found = pick_lists.scanned(text) if not goods_id else None
    rows = packing_table.goods_of(part, goods_id, found.sku_id if found else 0)
    pieces = found.pieces if found else ONE
    try:
        packing_table.may_scan(part, actor)
        _must_be_wanted(part, rows)
        answer = _put_in(part, rows, pieces, found, text, actor, whole=whole and not found)
    except FloorError as refusal:
        answer = Answer(False, refusal.code, _kept(refusal.params))
    except LotRefused as refusal:
        answer = Answer(False, "lot", {"why": str(refusal)})
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


def _put_in(
    part: WaveOrder,
    rows: Sequence[WaveGoods],
    pieces: Decimal,
    found: pick_lists.Scanned | None,
    text: str,
    actor: str,
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
    lot = found.lot if found else ""
    choosing.must_scan(rows[0].sku, lot)
    changed = _fill(part, _open_parcel(part), rows, pieces, lot, actor)
    packed = plain(wanted - left + pieces)
    data = {"goods": changed, "pieces": plain(pieces), "left": _left(part)}
    return Answer(True, "packed", {"sku": code, "packed": packed, "wanted": plain(wanted)}, data)


def _open_parcel(part: WaveOrder) -> PackParcel:
    parcels = list(PackParcel.objects.filter(wave_order=part).order_by("number"))
    if parcels and parcels[-1].state == PackParcel.State.OPEN:
        return parcels[-1]
    return PackParcel.objects.create(wave_order=part, number=parcels[-1].number + 1 if parcels else 1)


def _fill(
    packed: WaveOrder, parcel: PackParcel, rows: Sequence[WaveGoods], pieces: Decimal, lot: str, actor: str
) -> dict[str, str]:
    """Share pieces out over the lines that want them; returns what each has now."""
    changed = {}
    for one in rows:
        part = min(one.wanted - one.packed, pieces)
        if part <= 0:
            continue
        _keep_lot(packed, one, part, lot, actor)
        item, made = PackItem.objects.get_or_create(parcel=parcel, goods=one, defaults={"quantity": part})
        if not made:  # our lock on the order's part makes this safe; a database sum would not know thousandths
            item.quantity += part
            item.save(update_fields=["quantity"])
        one.packed += part
        WaveGoods.objects.filter(pk=one.pk).update(packed=one.packed)
        changed[str(one.pk)] = plain(one.packed)
        pieces -= part
    return changed


def _keep_lot(packed: WaveOrder, goods: WaveGoods, pieces: Decimal, lot: str, actor: str) -> None:
    """Keep which lot this order line gets; what was scanned for a parcel that never left does not count."""
    if not goods.sku.tracking:
        return
    reference = line_reference(goods.line_id)
    if not goods.packed:
        choosing.forget(reference=reference, sku_id=goods.sku_id)
    if lot:
        choosing.choose(
            reference=reference, sku=goods.sku, warehouse_id=packed.warehouse_id, number=lot, quantity=pieces,
            actor=actor,
        )  # fmt: skip


def number_now(wave_order_id: int) -> int:
    """Return the number of the parcel on the table: the open one, the last one when all is in, else the next."""
    last = PackParcel.objects.filter(wave_order=wave_order_id).order_by("-number").first()
    if last is None:
        return 1
    more = WaveGoods.objects.filter(packing_table.in_tote(wave_order_id), packed__lt=F("wanted")).exists()
    return last.number + 1 if last.state != PackParcel.State.OPEN and more else last.number


def _left(part: WaveOrder) -> str:
    rest = WaveGoods.objects.filter(packing_table.in_tote(part)).aggregate(left=Sum(F("wanted") - F("packed")))["left"]
    return plain(packing_table.pieces_of(rest or 0))


@transaction.atomic
def take_out(*, wave_order_id: int, goods_id: int, actor: str, key: str) -> Answer:
    """Take one piece out of the open parcel again."""
    part, full = packing_table.locked(wave_order_id), scan_log.full_key(PACK, wave_order_id, key)
    before = scan_log.known(full)
    if before is not None:
        return before
    rows = packing_table.goods_of(part, goods_id, 0)
    answer, pieces = Answer(False, "nothing_to_take_out"), ZERO
    try:
        packing_table.may_scan(part, actor)
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
    if goods.sku.tracking:
        choosing.take_out(reference=line_reference(goods.line_id), sku_id=goods.sku_id, quantity=pieces)
    WaveGoods.objects.filter(pk=goods.pk).update(packed=goods.packed)
    said = {"sku": goods.sku.code, "packed": plain(goods.packed), "wanted": plain(goods.wanted)}
    return Answer(True, "taken_out", said, {"goods": {str(goods.pk): plain(goods.packed)}, "left": _left(part)}), pieces
