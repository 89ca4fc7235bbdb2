"""Which returns a person sees: those of his shops; who only works in a warehouse, those that come back to it."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from inventory.access import sight, visible
from orders.models import Return, ReturnPhoto, StrayParcel

DECIDE, RECEIVE, REFUND = "orders.decide_return", "orders.receive_return", "orders.refund_return"
MONEY, VIEW, APPROVE = "orders.money_return", "orders.view_return", "orders.approve_refund"


def mine(user: Any, rows: QuerySet[Return] | None = None) -> QuerySet[Return]:
    """Return the returns a person sees."""
    found = visible(user, Return.objects.all() if rows is None else rows)
    if user.has_perm(DECIDE) or user.has_perm(MONEY):
        return found
    places = sight(user).warehouses
    return found if places is None else found.filter(warehouse__in=places)


def my_strays(user: Any) -> QuerySet[StrayParcel]:
    """Return the unknown parcels a person sees."""
    return visible(user, StrayParcel.objects.all())


def may_see_photo(user: Any, photo: ReturnPhoto) -> bool:
    """Whether a person sees the return or the parcel that a picture is of."""
    if photo.rma_id and user.has_perm(VIEW) and mine(user).filter(pk=photo.rma_id).exists():
        return True
    return bool(
        photo.stray_id
        and user.has_perm("orders.view_strayparcel")
        and my_strays(user).filter(Q(pk=photo.stray_id)).exists()
    )
