"""Orders that drop out of their waves: cancelled, held or changed meanwhile, by the platform or by a person.

Orders know nothing of waves. Whoever opens a page of a wave looks first, and a chore looks at all of them; the parcel
itself is guarded by `orders.fulfil.shipping`, which ships only what is approved and reserved.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Mapping

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from backoffice import audit, clock, locks
from orders.fulfil import wave_parts, wave_together
from orders.models import Order, OrderPart, Wave, WaveGoods, WaveOrder
from orders.models.waves import RUNNING

State = Wave.State


@dataclasses.dataclass(frozen=True, slots=True)
class Open:
    """An order in a running wave, with what decides whether it stays."""

    pk: int
    wave_id: int
    order_id: int
    warehouse_id: int
    order_state: str
    edit: bool
    early: bool  # a planned parcel of it may not leave here yet


def look(wave_ids: Collection[int]) -> int:
    """Let orders drop out that are not to be packed any more; returns how many did."""
    out = _changed(_open_parts(wave_ids))
    return drop(out) if out else 0


def look_at_all() -> int:
    """Look at every running wave (a chore)."""
    return look(list(Wave.objects.filter(state__in=RUNNING).values_list("pk", flat=True)))


def _open_parts(wave_ids: Collection[int]) -> list[Open]:
    planned = OrderPart.objects.filter(order=OuterRef("order_id"))
    early = Exists(wave_together.early(planned, OuterRef("warehouse_id"), clock.now()))
    rows = WaveOrder.objects.filter(wave__in=wave_ids, open=True).annotate(early=early).order_by("pk")
    names = ("pk", "wave_id", "order_id", "warehouse_id", "order__state", "order__pending_version_id", "early")
    return [
        Open(pk, wave, order, place, state, edit is not None, waits)
        for pk, wave, order, place, state, edit, waits in rows.values_list(*names)
    ]


def _changed(parts: list[Open]) -> dict[int, str]:
    """Return why each part that cannot stay drops out."""
    found = {one.pk: why for one in parts if (why := _why(one))}
    rest = [one for one in parts if one.pk not in found]
    wanted: dict[int, wave_parts.Goods] = defaultdict(dict)
    rows = WaveGoods.objects.filter(wave_order__in=[one.pk for one in rest])
    for pk, line_id, sku_id, pieces in rows.values_list("wave_order_id", "line_id", "sku_id", "wanted"):
        wanted[pk][line_id, sku_id] = pieces
    held = _held(rest)
    for one in rest:
        if one.early:
            found[one.pk] = "not_yet"
            continue
        has = held.get((one.order_id, one.warehouse_id), {})
        if has != wanted[one.pk]:
            found[one.pk] = (
                "edited" if has else "shipped" if one.order_state == Order.State.PARTLY_SHIPPED else "edited"
            )
    return found


def _why(one: Open) -> str:
    """The reason that the order's own state gives."""
    if one.order_state == Order.State.CANCELLED:
        return "cancelled"
    if one.order_state == Order.State.SHIPPED:
        return "shipped"
    if one.order_state not in wave_parts.READY:
        return "held"
    return "edited" if one.edit else ""


def _held(parts: list[Open]) -> dict[tuple[int, int], wave_parts.Goods]:
    lines = wave_parts.lines_of([one.order_id for one in parts])
    found: dict[tuple[int, int], wave_parts.Goods] = defaultdict(dict)
    for warehouse_id in {one.warehouse_id for one in parts}:
        mine = {one.order_id for one in parts if one.warehouse_id == warehouse_id}
        here = [line_id for line_id, order_id in lines.items() if order_id in mine]
        for key, pieces in wave_parts.reserved(here, warehouse_id).items():
            found[lines[key[0]], warehouse_id][key] = pieces
    return found


@transaction.atomic
def drop(reasons: Mapping[int, str], *, actor: str = "") -> int:
    """Take parts out of their waves, under the locks of these waves; what is packed meanwhile stays packed.

    Goods that were picked for them are listed to be put back.
    """
    reasons = {**dict.fromkeys(wave_together.mates(list(reasons)), "together"), **reasons}
    waves = list(WaveOrder.objects.filter(pk__in=reasons).values_list("wave_id", flat=True))
    locks.locked_rows(Wave.objects.filter(pk__in=set(waves)))
    now, gone = clock.now(), []
    for part in locks.locked_rows(WaveOrder.objects.filter(pk__in=reasons, open=True)):
        part.open, part.state, part.reason = False, WaveOrder.State.DROPPED, reasons[part.pk]
        part.dropped_at = now
        gone.append(part)
    picked = set(
        WaveGoods.objects.filter(wave_order__in=[one.pk for one in gone], picked__gt=0).values_list(
            "wave_order_id", flat=True
        )
    )
    for part in gone:
        part.put_back = part.pk in picked
    WaveOrder.objects.bulk_update(gone, ["open", "state", "reason", "dropped_at", "put_back"])
    entries = [audit.Entry("wave.drop", one, after={"why": one.reason, "wave": one.code}, actor=actor) for one in gone]
    if entries:
        audit.record_many(entries)
    settle({one.wave_id for one in gone})
    return len(gone)


def settle(wave_ids: Collection[int]) -> None:
    """Bring the states of waves in line with their orders: nothing left to pick, nothing left to pack.

    The caller holds the waves' locks.
    """
    now = clock.now()
    running = set(WaveOrder.objects.filter(wave__in=wave_ids, open=True).values_list("wave_id", flat=True))
    over = [pk for pk in wave_ids if pk not in running]
    Wave.objects.filter(pk__in=over, state__in=RUNNING).update(state=State.DONE, done_at=now)
    picking = Wave.objects.filter(pk__in=running, state__in=(State.OPEN, State.PICKING))
    unpicked = WaveGoods.objects.filter(wave_order__wave__in=running, wave_order__open=True, picked__lt=F("wanted"))
    rest = set(unpicked.values_list("wave_order__wave_id", flat=True))
    picking.exclude(pk__in=rest).update(state=State.PICKED, picked_at=now)
