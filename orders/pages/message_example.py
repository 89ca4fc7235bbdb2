"""An order to try a message template on: the newest the person may see, its buyer masked."""

from __future__ import annotations

from typing import Any

from django.utils.translation import get_language

from backoffice import masking
from inventory.access import visible
from orders.desk import letters
from orders.models import Order


def example(user: Any) -> dict[str, str]:
    """Return the variables of a real order; nothing where the person sees none."""
    if not user.has_perm("orders.view_order"):
        return {}
    rows = visible(user, Order.objects.select_related("shop", "contact"))
    order = rows.order_by("-placed_at", "-id").first()
    if order is None:
        return {}
    values = letters.variables(order, get_language() or "en")
    return {**values, "buyer_name": masking.name(values["buyer_name"])}
