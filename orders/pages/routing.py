"""Routing: its lines of the sidebar, who may what, the card and the buttons of an order, the action on many."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.roles import register_role_permissions
from inventory import access
from orders.models import GoodsGone, ReturnRule, RoutingPlan
from orders.pages.lines import register_lists

KEPT = ("routingpolicy", "ratetable", "returnrule")
KEEP = [f"{verb}_{model}" for model in KEPT for verb in ("view", "add", "change")]
ROWS = [f"{verb}_raterow" for verb in ("view", "add", "change", "delete")]
SEE = [f"view_{model}" for model in (*KEPT, "raterow", "routingplan", "goodsgone")]
MOVE = ["reroute_order", "report_gone"]
ROLES = {
    "owner": [*KEEP, *ROWS, *SEE, *MOVE],
    "ops_admin": [*KEEP, *ROWS, *SEE, *MOVE],
    "order_clerk": [*SEE, *MOVE],
    "warehouse_clerk": ["view_goodsgone", "report_gone"],
    "auditor": SEE,
}


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    from orders.admin import parts
    from orders.admin.routing import card, many
    from orders.desk import runs
    from orders.fulfil.routing import many as moving_many

    runs.register(moving_many.KIND, moving_many.work)
    register_role_permissions("orders", ROLES)
    access.register(RoutingPlan, shop="order__shop")
    access.register(GoodsGone, shop="line__order__shop", warehouse="warehouse")
    access.register(ReturnRule, shop="shop", warehouse="warehouse", empty=True)
    register_lists(
        ("rules", _("Routing policies"), "routingpolicy", "alt_route"),
        ("rules", _("Rate tables"), "ratetable", "request_quote"),
        ("rules", _("Return rules"), "returnrule", "assignment_return"),
        ("rules", _("Routing plans"), "routingplan", "route"),
        ("floor", _("Goods not found"), "goodsgone", "search_off"),
        order=50,
    )
    parts.register_part("routing", "main", "admin/orders/routing/card.html", card.facts, order=20)
    parts.register_work("reroute", card.REROUTE, card.reroute)
    parts.register_work("goods_gone", card.REPORT, card.goods_gone)
    parts.register_work("prefer", card.REROUTE, card.prefer)
    parts.register_bulk(many.reroute_many)
