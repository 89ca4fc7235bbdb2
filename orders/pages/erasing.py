"""Erasing a buyer: the way there from an order's page, the places of the order desk, and the look at age."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from backoffice.chores import register_chore
from orders import erasing
from orders.admin.parts import register_part
from orders.models import Order

OFTEN = 600.0  # seconds: a page of old orders at a time


def register() -> None:
    """Register it; called once by AppConfig.ready()."""
    erasing.register()
    register_part("erase", "side", "admin/orders/order/erase_card.html", _facts, order=990)
    register_chore("orders.erase_old", OFTEN, erasing.erase_old)


def _facts(request: HttpRequest, order: Order) -> dict[str, Any] | None:
    contact = getattr(order, "contact", None)
    if not request.user.has_perm("orders.erase_person") or contact is None:
        return None
    return {"order": order, "erased_at": contact.erased_at}
