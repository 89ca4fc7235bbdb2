"""Picking a wave: who picks it, each stop confirmed once, goods that are not there, goods that go back to the shelf.

Locks are taken in one order everywhere: orders, the wave, its parts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from backoffice import audit, clock, locks
from backoffice.models import User
from orders.desk.table import Table
from orders.fulfil import pick_lists, scan_log, shortages, wave_watch
from orders.fulfil.floor_errors import FloorError
from orders.fulfil.scan_log import Answer, moment, person, plain
from orders.models import PackScan, Wave, WaveGoods, WaveOrder
from orders.models.waves import RUNNING

State = Wave.State
PICK = PackScan.Stage.PICK
ZERO = Decimal(0)


def locked(wave_id: int) -> Wave:
    """Return the wave, locked until the transaction ends. Raises FloorError wave_gone."""
    found = locks.locked_rows(Wave.objects.filter(pk=wave_id))
    if not found:
        raise FloorError("wave_gone")
    return found[0]


@transaction.atomic
def start(*, wave_id: int, actor: str, take_over: bool = False) -> Wave:
    """Say that one picks this wave. Of two the second is told who does, and may take it over.

    Raises FloorError: wave_gone, wave_closed, picked_by_other.
    """
    wave = locked(wave_id)
    if wave.state not in (State.OPEN, State.PICKING):
        raise FloorError("wave_closed", wave=wave.code, state=wave.state)
    if wave.picker == actor:
        return wave
    if wave.picker and not take_over:
        raise _other(wave)
    before = wave.picker
    wave.state, wave.picker, wave.picking_since = State.PICKING, actor[:150], clock.now()
    wave.save(update_fields=["state", "picker", "picking_since"])
    audit.record(action="wave.pick", target=wave, actor=actor, before={"picker": before}, after={"picker": actor})
    return wave


def _other(wave: Wave) -> FloorError:
    return FloorError("picked_by_other", who=person(wave.picker), wave=wave.code, when=moment(wave.picking_since))


def _may_pick(wave: Wave, actor: str) -> Answer | None:
    """Return why nothing can be picked, or None."""
    if wave.state not in (State.OPEN, State.PICKING):
        return Answer(False, "wave_closed", {"wave": wave.code, "state": wave.state})
    if not wave.picker:
        return Answer(False, "not_started", {"wave": wave.code})
    if wave.picker != actor:
        return Answer(False, "picked_by_other", dict(_other(wave).params))
    return None


@transaction.atomic
def confirm(*, wave_id: int, row: str, quantity: Decimal, actor: str, key: str, text: str = "") -> Answer:
    """Take a whole stop (`row` is PickRow.key) off the shelf; `quantity` is what the picker's page asked for.

    When less is wanted by now, the rest has to go back. The same key again gives the same answer.
    """
    wave, full = locked(wave_id), scan_log.full_key(PICK, wave_id, key)
    before = scan_log.known(full)
    if before is not None:
        return before
    goods, sku_id = _rows(wave, row)
    open_goods = list(goods.filter(picked__lt=F("wanted")).values_list("pk", "wanted", "picked"))
    answer = _may_pick(wave, actor) or _confirmed(wave, goods, open_goods, quantity)
    scan_log.write(
        full, PICK, answer, actor=actor, text=text, quantity=_taken(open_goods) if answer.ok else ZERO, wave=wave,
        sku_id=sku_id if open_goods or answer.code == "picked_before" else None,  # a forged stop names no goods
    )  # fmt: skip
    if answer.ok and answer.code != "picked_before":
        WaveGoods.objects.filter(pk__in=[one[0] for one in open_goods]).update(picked=F("wanted"))
        wave_watch.settle([wave.pk])
    return answer


def _taken(rows: Sequence[tuple[int, Decimal, Decimal]]) -> Decimal:
    return sum((wanted - picked for _pk, wanted, picked in rows), ZERO)


def _rows(wave: Wave, row: str) -> tuple[QuerySet[WaveGoods], int]:
    """Return the goods of a stop that are still in the wave, and the SKU."""
    part, _colon, sku = row.partition(":")
    numbers = [int(one) if one.isdecimal() and len(one) < 18 else -1 for one in (part, sku)]
    goods = WaveGoods.objects.filter(wave_order__wave=wave, sku_id=numbers[1], wave_order__state=WaveOrder.State.IN)
    return (goods.filter(wave_order_id=numbers[0]) if numbers[0] else goods), numbers[1]


def _confirmed(wave: Wave, goods: Any, rest: Sequence[tuple[int, Decimal, Decimal]], quantity: Decimal) -> Answer:
    if not rest:
        code = "picked_before" if goods.exists() else "no_such_row"
        return Answer(code == "picked_before", code, {} if code == "picked_before" else {"wave": wave.code})
    left = _taken(rest)
    if quantity.is_finite() and left < quantity:
        return Answer(True, "fewer", {"left": plain(left), "surplus": plain(quantity - left)})
    return Answer(True, "picked")


@transaction.atomic
def wrong(*, wave_id: int, text: str, actor: str, key: str) -> Answer:
    """Keep a scan at the shelf that was not what the stop asks for."""
    wave, full = locked(wave_id), scan_log.full_key(PICK, wave_id, key)
    before = scan_log.known(full)
    if before is not None:
        return before
    found = pick_lists.scanned(text)
    answer = (
        Answer(False, "wrong_item", {"sku": found.sku_code})
        if found
        else Answer(False, "unknown_code", {"text": scan_log.clean(text)})
    )
    sku_id = found.sku_id if found else None
    return scan_log.write(full, PICK, answer, actor=actor, text=text, wave=wave, sku_id=sku_id)


@transaction.atomic
def short_pick(*, wave_id: int, row: str, found: Decimal, actor: str, key: str, user: User | None = None) -> Answer:
    """Say that fewer are there than a stop asks for.

    What is there goes to the orders that come first. The others drop out: reserved in another warehouse of their shop,
    or held as short; what was picked for them is to be put back, and the difference is proposed as an adjustment.
    """
    goods, sku_id = _rows(Wave(pk=wave_id), row)
    orders = set(goods.filter(picked__lt=F("wanted")).values_list("wave_order__order_id", flat=True))
    table = Table(sorted(orders), actor)
    wave, full = locked(wave_id), scan_log.full_key(PICK, wave_id, key)
    before = scan_log.known(full)
    if before is not None:
        return before
    rows = list(
        goods.filter(picked__lt=F("wanted")).select_related("wave_order", "sku").order_by("wave_order__place", "pk")
    )
    answer = _may_pick(wave, actor) or _may_be_short(wave, rows, found, orders)
    if answer is None:
        answer = _short(wave, rows, found, table, user)
    taken = found if answer.ok else ZERO
    scan_log.write(full, PICK, answer, actor=actor, quantity=taken, wave=wave, sku_id=sku_id if rows else None)
    return answer


def _may_be_short(wave: Wave, rows: Sequence[WaveGoods], found: Decimal, orders: set[int]) -> Answer | None:
    if not rows or {one.wave_order.order_id for one in rows} - orders:
        return Answer(False, "no_such_row", {"wave": wave.code})
    left = sum((one.wanted - one.picked for one in rows), ZERO)
    if not found.is_finite() or not 0 <= found <= left:
        return Answer(False, "bad_found", {"most": plain(left)})
    if found == left:
        return Answer(False, "found_all")
    return None


def _short(wave: Wave, rows: Sequence[WaveGoods], found: Decimal, table: Table, user: User | None) -> Answer:
    served, short = _share_out(rows, found)
    WaveGoods.objects.filter(pk__in=[one.pk for one in served]).update(picked=F("wanted"))
    left = sum((one.wanted - one.picked for one in rows), ZERO)
    sku = rows[0].sku
    shelf = pick_lists.bins_of([sku.pk], wave.warehouse_id).get(sku.pk, (0, ""))[1]
    where = ", ".join(part for part in (wave.code, shelf) if part)
    parts = list({one.wave_order_id: one.wave_order for one in short}.values())
    missing = shortages.Missing(sku.pk, sku.code, left - found, parts, where)
    numbers = shortages.send_back(table, missing, user=user)
    wave_watch.settle([wave.pk])
    return Answer(True, "short", {"missing": plain(left - found), "sku": sku.code, "orders": ", ".join(numbers)})


def _share_out(rows: Sequence[WaveGoods], found: Decimal) -> tuple[list[WaveGoods], list[WaveGoods]]:
    """Give what is there to whole orders, first ones first; returns the goods served and those of orders left short."""
    by_part: dict[int, list[WaveGoods]] = {}
    for one in rows:
        by_part.setdefault(one.wave_order_id, []).append(one)
    served: list[WaveGoods] = []
    short: list[WaveGoods] = []
    for group in by_part.values():
        wants = sum((one.wanted - one.picked for one in group), ZERO)
        if wants <= found:
            served, found = served + group, found - wants
        else:
            short += group
    return served, short


@transaction.atomic
def picked_on_paper(*, wave_id: int, actor: str) -> Wave:
    """Say that everything on the printed list is picked. Raises FloorError: wave_gone, wave_closed."""
    wave_watch.look([wave_id])
    wave = locked(wave_id)
    if wave.state not in (State.OPEN, State.PICKING):
        raise FloorError("wave_closed", wave=wave.code, state=wave.state)
    now = clock.now()
    WaveGoods.objects.filter(wave_order__wave=wave, wave_order__open=True).update(picked=F("wanted"))
    wave.state, wave.picker, wave.picked_at = State.PICKED, wave.picker or actor[:150], now
    wave.picking_since = wave.picking_since or now
    wave.save(update_fields=["state", "picker", "picked_at", "picking_since"])
    audit.record(action="wave.picked_on_paper", target=wave, actor=actor)
    return wave


@transaction.atomic
def cancel(*, wave_id: int, actor: str) -> Wave:
    """Take every order out that is not packed; what was picked is to be put back. With nothing packed it is cancelled.

    Raises FloorError: wave_gone, not_running.
    """
    wave = locked(wave_id)
    if wave.state not in RUNNING:
        raise FloorError("not_running", wave=wave.code, state=wave.state)
    left = WaveOrder.objects.filter(wave=wave, open=True).values_list("pk", flat=True)
    wave_watch.drop(dict.fromkeys(left, "wave_cancelled"), actor=actor)
    packed = WaveOrder.objects.filter(wave=wave, state=WaveOrder.State.PACKED).exists()
    wave.state = State.DONE if packed else State.CANCELLED
    wave.done_at = clock.now()
    wave.save(update_fields=["state", "done_at"])
    audit.record(action="wave.cancel", target=wave, actor=actor, after={"state": wave.state})
    return wave


@transaction.atomic
def put_back(*, wave_order_id: int, actor: str, at: dt.datetime | None = None) -> WaveOrder:
    """Say that the goods of an order that dropped out are on their shelves again. Raises FloorError."""
    found = locks.locked_rows(WaveOrder.objects.filter(pk=wave_order_id))
    if not found:
        raise FloorError("part_gone")
    part = found[0]
    if not part.put_back:
        raise FloorError("nothing_to_put_back", order=part.order.number)
    part.put_back, part.put_back_at, part.put_back_by = False, at or clock.now(), actor[:150]
    part.save(update_fields=["put_back", "put_back_at", "put_back_by"])
    audit.record(action="wave.put_back", target=part, actor=actor, summary=part.code)
    return part
