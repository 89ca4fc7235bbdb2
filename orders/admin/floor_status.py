"""Where orders are on the warehouse floor and who goes with whom, as one status; constant queries for any page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from orders.admin.status import Status
from orders.desk import kept
from orders.fulfil import wave_together
from orders.models import Order, Shipment, Wave, WaveGoods, WaveOrder

READY = (Order.State.APPROVED, Order.State.PARTLY_SHIPPED)
OVER = (Order.State.SHIPPED, Order.State.CANCELLED, Order.State.HISTORY)  # in no wave any more


def of(orders: Sequence[Order]) -> dict[int, Status]:
    """Say which orders are in a wave, being picked or packed, packed and still here, or go together with others."""
    sent = (one for one in orders if one.state in (*READY, Order.State.SHIPPED) and not kept.lacks(one, "parcels"))
    found = _packed([one.pk for one in sent])
    found |= _together(orders)
    picked = (one for one in orders if one.pk and one.state not in OVER and not kept.lacks(one, "wave_parts"))
    return found | _in_waves([one.pk for one in picked])


def _in_waves(order_ids: Sequence[int]) -> dict[int, Status]:
    parts = WaveOrder.objects.filter(order__in=order_ids, open=True).select_related("wave", "lead").order_by("pk")
    rows = list(parts)
    started = set(
        WaveGoods.objects.filter(wave_order__in=rows, packed__gt=0).values_list("wave_order_id", flat=True)
        if rows
        else ()
    )
    return {one.order_id: _in_wave(one, started) for one in rows}


def _in_wave(part: WaveOrder, started: set[int]) -> Status:
    wave = {"wave": part.wave.code, "tote": part.tote}
    if part.packer or part.pk in started:
        return Status("packing", _("Being packed · %(wave)s") % wave, _("It is on the packing table."), "info", 40)
    if part.wave.state == Wave.State.PICKING:
        return Status("picking", _("Being picked · %(wave)s") % wave, _("Its goods are being picked."), "info", 38)
    if part.wave.state in (Wave.State.PICKED, Wave.State.PACKING):
        sentence = _("Its goods lie in tote %(tote)s of wave %(wave)s.") % wave
        return Status("picked", _("Picked · %(wave)s") % wave, sentence, "info", 36)
    sentence = _("It waits in wave %(wave)s to be picked.") % wave
    return Status("in_wave", _("In wave %(wave)s") % wave, sentence, "info", 34)


def _packed(order_ids: Sequence[int]) -> dict[int, Status]:
    rows = Shipment.objects.filter(
        order__in=order_ids, state=Shipment.State.SENT, handover__isnull=True, packed_as__isnull=False
    )
    sentence = _("The carrier has not taken its parcel yet: it is scanned when it leaves.")
    told = Status("packed", _("Packed, not handed over"), sentence, "info", 30)
    return dict.fromkeys(rows.values_list("order_id", flat=True), told)


def _together(orders: Sequence[Order]) -> Mapping[int, Status]:
    waiting = [one for one in orders if one.state in READY]
    sets = wave_together.sets_of([one.pk for one in waiting])
    everybody = {pk for mates in sets.values() for pk in mates}
    numbers = dict(Order.objects.filter(pk__in=everybody).values_list("pk", "number"))
    found = {}
    for one in waiting:
        others = [numbers[pk] for pk in sets.get(one.pk, ()) if pk != one.pk]
        if others:
            label = _("Together with %s") % ", ".join(others[:2]) + ("…" if len(others) > 2 else "")
            found[one.pk] = Status("together", label, _("It leaves in one parcel with other orders."), "primary", 22)
    return found
