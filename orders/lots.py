"""Which parcels a lot went into, for its page and the recall list: by the shops a person sees, buyers as they may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import cast

from django.http import HttpRequest
from django.urls import reverse

from backoffice import masking
from backoffice.models import User
from inventory.access import visible
from inventory.lots import recall
from inventory.lots.recall import Left, Sent, Whose
from orders.models import Shipment

DOCUMENT = "orders.shipment:"


def register() -> None:
    """Register the reader; called once by AppConfig.ready()."""
    recall.register_reader("orders", parcels)


def parcels(request: HttpRequest, rows: Sequence[Left], clear: bool) -> list[Sent]:
    """Return the parcels behind movements of a lot, and of what was built from it, that this person may see.

    Names of buyers are for who may uncover them only (the desk, not the warehouse): masked on the page, in the file as
    they are (`clear`), which is recorded by whoever asks.
    """
    if not request.user.has_perm("orders.view_order"):
        return []
    ids = {_shipment(one.key): one for one in rows if one.key.startswith(DOCUMENT)}
    found = visible(cast(User, request.user), Shipment.objects.filter(pk__in=ids))
    known = {one.pk: one for one in found.select_related("order__shop", "order__contact")}
    back = recall.came_back(rows)
    names = request.user.has_perm("orders.reveal_buyer")
    told = []
    for one in rows:
        shipment = known.get(_shipment(one.key))
        if shipment is not None:
            told.append(_sent(one, shipment, back, names, clear))
    return told


def _shipment(key: str) -> int:
    number = key.removeprefix(DOCUMENT).partition("/")[0]
    return int(number) if number.isdecimal() and len(number) < 18 else 0


def _sent(one: Left, shipment: Shipment, back: Mapping[Whose, Decimal], names: bool, clear: bool) -> Sent:
    order = shipment.order
    contact = getattr(order, "contact", None)
    buyer = contact.buyer_name if contact and names else ""
    return Sent(
        order=order.number or str(order.pk), url=reverse("admin:orders_order_change", args=[order.pk]),
        shop=order.shop.name, parcel=str(shipment.number), shipped_at=shipment.shipped_at,
        tracking=shipment.tracking_number, buyer=buyer if clear else masking.name(buyer) if buyer else "",
        quantity=-one.quantity, came_back=back.get(one.whose, Decimal(0)), reference=one.reference, how=one.how,
    )  # fmt: skip
