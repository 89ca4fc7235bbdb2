"""What a carrier wrote, as it may be kept: it likes to quote the name, street or phone that it was sent."""

from __future__ import annotations

from collections.abc import Collection

from backoffice.calls.answers import redact
from backoffice.redaction import without_people
from orders.carriers.base import CarrierError
from orders.models import OrderContact

PARTS = ("name", "company", "line1", "line2", "phone")


def problem(error: CarrierError, order_ids: Collection[int]) -> str:
    """Return a fault as `code: message`, without secrets and without the people of these orders."""
    message = without_people(redact(error.message, limit=200), people_of(order_ids))
    return f"{error.code}: {message}".rstrip(": ")[:300]


def people_of(order_ids: Collection[int]) -> set[str]:
    """Return what is known of the buyers of some orders and of where their parcels go."""
    return {value for values in people_by_order(order_ids).values() for value in values}


def people_by_order(order_ids: Collection[int]) -> dict[int, set[str]]:
    """Return the same order by order."""
    rows = OrderContact.objects.filter(order__in=order_ids)
    found = {}
    for pk, *plain, to, billing in rows.values_list("order_id", "buyer_name", "email", "phone", "shipping", "billing"):
        parts = (str(place.get(part) or "") for place in (to, billing) for part in PARTS)
        found[pk] = {*plain, *parts} - {""}
    return found
