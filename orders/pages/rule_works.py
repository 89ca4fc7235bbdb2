"""What rules set going, on the page of an order."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from orders.admin.parts import register_part
from orders.desk import kept
from orders.desk.rules import works
from orders.models import Order


def _facts(request: HttpRequest, order: Order) -> dict[str, Any] | None:
    rows = (
        list(kept.rows(order, "rule_works", order.rule_works.order_by("pk")))
        if request.user.has_perm("orders.view_rule")
        else []
    )
    kinds = works.kinds()
    told = [{"row": row, "words": kinds[row.kind].words(row.params)} for row in rows if row.kind in kinds]
    return {"rows": told} if told else None


def register() -> None:
    """Register it; called once by AppConfig.ready()."""
    register_part("rule_works", "main", "admin/orders/order/works.html", _facts, order=20)
