"""An order to try a message template on: the newest the person may see, its buyer masked."""

from __future__ import annotations

from typing import Any

from django.utils.formats import date_format

from backoffice import masking
from inventory.access import visible
from orders.models import Order


def example(user: Any) -> dict[str, str]:
    """Return the variables of a real order; nothing where the person sees none."""
    if not user.has_perm("orders.view_order"):
        return {}
    rows = visible(user, Order.objects.select_related("shop", "contact")).order_by("-placed_at", "-id")
    order = rows.prefetch_related("lines__sku").first()
    if order is None:
        return {}
    contact = getattr(order, "contact", None)
    goods = [f"{line.title or line.sku_code} × {line.quantity:g}" for line in order.lines.all()[:10]]
    return {
        "order_number": order.number,
        "buyer_name": masking.name(contact.buyer_name) if contact else "",
        "shop_name": order.shop.name,
        "ship_by": date_format(order.ship_by, "SHORT_DATE_FORMAT") if order.ship_by else "",
        "goods": "\n".join(goods),
    }
