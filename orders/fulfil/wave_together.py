"""Orders that go in one parcel go into one wave, one tote and one parcel; and who asks which wave an order is in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence

from django.db.models import OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from orders.desk.table import Table
from orders.models import MergeMember, Order, OrderPart, Shipment, WaveOrder
from orders.models.order import OPEN_STATES

Sets = Mapping[int, tuple[int, ...]]  # order id → all orders of its parcel, itself too


def sets_of(order_ids: Collection[int]) -> Sets:
    """Return which orders go in one parcel with these; one query. Orders that go alone are not in it."""
    mine = MergeMember.objects.filter(order__in=order_ids, state=MergeMember.State.IN).values("group")
    rows = MergeMember.objects.filter(group__in=mine, state=MergeMember.State.IN, order__state__in=OPEN_STATES)
    groups: dict[int, list[int]] = {}
    for group_id, order_id in rows.order_by("order_id").values_list("group_id", "order_id"):
        groups.setdefault(group_id, []).append(order_id)
    return {pk: tuple(found) for found in groups.values() if len(found) > 1 for pk in found}


def whole(order_ids: Sequence[int]) -> list[int]:
    """Return the orders with all that go in one parcel with them."""
    together = sets_of(order_ids)
    return list(dict.fromkeys(one for pk in order_ids for one in (pk, *together.get(pk, ()))))


def keep_whole(table: Table, due: Sequence[Order]) -> list[Order]:
    """Put orders of one parcel next to each other; when one of them cannot go, all stay out and are told which."""
    together = sets_of([one.pk for one in due])
    fit = {one.pk: one for one in due}
    missing = {pk for found in together.values() for pk in found if pk not in fit}
    numbers = dict(Order.objects.filter(pk__in=missing).values_list("pk", "number")) if missing else {}
    found: dict[int, Order] = {}
    for order in due:
        mates = together.get(order.pk, (order.pk,))
        lacking = [numbers.get(pk, "") for pk in mates if pk not in fit]
        if lacking:
            table.refuse(order, "wave_together", others=", ".join(lacking))
        else:
            found |= {pk: fit[pk] for pk in mates if pk not in found}
    return list(found.values())


def set_leads(parts: Sequence[WaveOrder]) -> None:
    """Let orders of one parcel share the tote of the first of them."""
    together = sets_of([one.order_id for one in parts])
    first: dict[tuple[int, ...], WaveOrder] = {}
    followers = []
    for part in parts:
        mates = together.get(part.order_id)
        if mates is not None and first.setdefault(mates, part) is not part:
            part.lead = first[mates]
            followers.append(part)
    if followers:
        WaveOrder.objects.bulk_update(followers, ["lead"])


def mates(part_ids: Collection[int]) -> list[int]:
    """Return the open parts that share a tote with these, without these."""
    leads = WaveOrder.objects.filter(pk__in=part_ids, lead__isnull=False).values("lead")
    rows = WaveOrder.objects.filter(Q(lead__in=part_ids) | Q(pk__in=leads) | Q(lead__in=leads), open=True)
    return [pk for pk in rows.values_list("pk", flat=True) if pk not in part_ids]


def busy(order_ids: Collection[int]) -> dict[int, str]:
    """Say of orders in a running wave which one it is: they are not moved, merged or taken apart meanwhile."""
    rows = WaveOrder.objects.filter(order__in=order_ids, open=True).order_by("pk")
    return {
        pk: _("it is in wave %(wave)s. End the wave, or wait until it is packed.") % {"wave": f"W{wave}"}
        for pk, wave in rows.values_list("order_id", "wave_id")
    }


def early_parts(order_ids: Collection[int], warehouse_id: int, now: dt.datetime) -> dict[int, dt.datetime]:
    """Return the orders with a planned parcel that may not leave this warehouse yet, and until when. One query."""
    rows = early(OrderPart.objects.filter(order__in=order_ids), warehouse_id, now)
    found = rows.order_by("-ship_after").values_list("order_id", "ship_after")
    return {pk: until for pk, until in found if until is not None}


def early(parts: QuerySet[OrderPart], warehouse_id: int | OuterRef, now: dt.datetime) -> QuerySet[OrderPart]:
    """Narrow planned parcels to those that may not leave a warehouse yet.

    One that still waits for stock keeps nothing back: none of its goods are here.
    """
    waits = Q(shipment__isnull=True) | Q(shipment__state=Shipment.State.VOID)
    here = Q(waiting=False) | ~Q(order__hold_code="short_stock")
    return parts.filter(waits, here, Q(warehouse__isnull=True) | Q(warehouse=warehouse_id), ship_after__gt=now)
