"""What several cards of an order's page read: asked once for the order they are given, however many of them ask."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Prefetch, prefetch_related_objects
from django.http import HttpRequest

from inventory.models import Bucket, Reservation
from orders.desk import kept
from orders.models import Order, OrderLine, Shipment
from orders.models.order import line_reference

SHOWN = 20  # parcels, labels, hand-overs on a card; the rest behind "Show all"
READ = 40  # parcels read at first: the newest lines of the history name them too
SHOWN_LINES = 100
_HELD, _PARCELS = "_page_held", "_page_parcels"  # kept with the order, which lives as long as the page


def lines(order: Order) -> list[OrderLine]:
    """Return the lines with their SKUs and the parts of bundles."""
    rows = OrderLine.objects.select_related("sku").prefetch_related("parts__sku")
    prefetch_related_objects([order], Prefetch("lines", rows))  # does nothing when it has been read
    return list(order.lines.all())


def held(order: Order) -> list[tuple[int, Reservation]]:
    """Return what the lines hold reserved, everywhere: (line id, reservation with its warehouse), oldest first."""
    known: list[tuple[int, Reservation]] | None = vars(order).get(_HELD)
    if known is None:
        ids = {line_reference(line.pk): line.pk for line in lines(order)}
        rows = Reservation.objects.filter(reference__in=list(ids), bucket=Bucket.RESERVED, quantity__gt=0)
        known = [(ids[row.reference], row) for row in rows.select_related("warehouse").order_by("pk")]
        vars(order)[_HELD] = known
    return known


def parcels(order: Order, *, every: bool = False) -> list[Shipment]:
    """Return the newest parcels, or every one, each with what is in it; whether it has any is known from either."""
    known: list[Shipment] | None = vars(order).get(_PARCELS)
    if known is None:
        rows = kept.rows(order, "parcels", order.shipments.select_related("handover").prefetch_related("lines"))
        known = list(rows if every else rows[: READ + 1])
        vars(order)[_PARCELS] = known
    return known


def all_of(request: HttpRequest, card: str) -> bool:
    """True when the person asked to see everything of a card (`?parcels=all`)."""
    return request.GET.get(card) == "all"


def cut(rows: Sequence[object], most: int, *, every: bool) -> bool:
    """True when there is more than is shown."""
    return not every and len(rows) > most
