"""What the order desk reports to the incident desk, and the incidents on an order's page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from backoffice.chores import register_chore
from backoffice.incidents import about
from backoffice.messages import templates
from orders.admin.parts import register_part
from orders.desk import troubles
from orders.models import Order
from orders.models.order import order_reference
from orders.pages.message_example import example


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    troubles.register_kinds()
    register_chore("order_incidents", 300.0, troubles.look)
    register_part("incidents", "side", "admin/incidents/card.html", _facts, order=20)
    templates.register_variables(example=example)


def _facts(request: HttpRequest, order: Order) -> dict[str, Any] | None:
    if not request.user.has_perm("backoffice.view_incident"):
        return None
    rows = about.of(request.user, order_reference(order.pk))
    return {"rows": rows} if rows else None
