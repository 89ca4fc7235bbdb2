"""Finding orders by number or buyer: a prefix of an indexed column, on either engine."""

from __future__ import annotations

from django.db.models import QuerySet

from backoffice.adminkit import prefix_condition
from orders.models import Order, OrderContact

BUYER_COLUMNS = ("name_key", "email_key", "phone_key")


def found(orders: QuerySet[Order], term: str, *, buyers: bool) -> QuerySet[Order]:
    """Return the orders whose number, or whose buyer when `buyers`, begins with the term (in search form)."""
    condition = prefix_condition(["number_key"], term.lstrip("#"))
    if buyers:
        contacts = OrderContact.objects.filter(prefix_condition(BUYER_COLUMNS, term))
        return orders.filter(condition) | orders.filter(pk__in=contacts.values("order_id"))
    return orders.filter(condition)
