"""Planned parcels as they stand: what is still to be sent of each, and what may not leave yet."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format

from orders.models import Order, OrderLine, OrderPart, Shipment

ZERO = Decimal(0)
Units = dict[int, Decimal]  # line id → units
WAITING = Q(shipment__isnull=True) | Q(shipment__state=Shipment.State.VOID)  # parcels that have not left


@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """Units of lines that may not leave yet, and the first day on which some of them may."""

    units: Units
    until: dt.datetime | None = None

    def of(self, line: OrderLine) -> Decimal:
        """Units of a line that stay."""
        return self.units.get(line.pk, ZERO)

    @property
    def day(self) -> str:
        """Until when, in words."""
        return day(self.until) if self.until else ""


def kept_back(order: Order, now: dt.datetime) -> Kept:
    """Return what stands in planned parcels before their day: one query while there are none.

    What was cut comes off the last parcels. What was sent by hand came out of those that may leave: it does not make
    room for the others.
    """
    if not order.plan.filter(WAITING, ship_after__gt=now).exists():
        return Kept({})
    wanted, days = _wanted(order), []
    kept: Units = {}
    for part in order.plan.select_related("shipment").prefetch_related("lines__line"):
        for one in part.lines.all():
            units = min(one.quantity, wanted[one.line_id])
            wanted[one.line_id] -= units
            if units > 0 and not sent(part) and part.ship_after is not None and part.ship_after > now:
                left = one.line.quantity - one.line.shipped_quantity
                kept[one.line_id] = min(kept.get(one.line_id, ZERO) + units, left)
                days.append(part.ship_after)
    return Kept(kept, min(days, default=None))


def _wanted(order: Order) -> Units:
    return dict(order.lines.values_list("pk", "quantity"))


def day(moment: dt.datetime) -> str:
    """Return a moment as clerks read it."""
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT")


def plan_of(order: Order) -> list[tuple[OrderPart, list[tuple[OrderLine, Decimal]]]]:
    """Return the planned parcels with what is still to be sent of each: two queries.

    What has left, or was cut, comes off the parcels in their order from the last one backwards.
    """
    parts = list(order.plan.select_related("warehouse", "shipment").prefetch_related("lines__line__sku"))
    left: Units = {}
    for part in parts:
        for one in part.lines.all():
            left[one.line_id] = max(one.line.quantity - one.line.shipped_quantity, ZERO)
    return [(part, [] if sent(part) else _take(part, left)) for part in parts]


def sent(part: OrderPart) -> bool:
    """Whether a planned parcel has left; one that was taken back is to be sent again."""
    return part.shipment is not None and part.shipment.state == Shipment.State.SENT


def _take(part: OrderPart, left: Units) -> list[tuple[OrderLine, Decimal]]:
    found = []
    for one in sorted(part.lines.all(), key=lambda row: row.line.position):
        units = min(one.quantity, left[one.line_id])
        left[one.line_id] -= units
        if units > 0:
            found.append((one.line, units))
    return found
