"""What the order desk brings to the sidebar, the home page and the roles, and whose rows its rows are."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.home import register_card
from backoffice.roles import register_role_permissions
from backoffice.site import register_sidebar
from inventory import access
from inventory.access import visible
from orders import home, lots, stock_sources
from orders.models import CheckSetting, Order, OrderEvent, Override, Refund, ReviewLog, Shipment
from orders.pages import (
    buyer_messages,
    changes,
    erasing,
    incidents,
    late,
    limits,
    lists,
    packing,
    papers,
    returns,
    routing,
    rule_works,
    stocktake,
    supply,
)
from orders.pages.lines import register_lists

PARTS = (
    limits,
    rule_works,
    lists,
    incidents,
    buyer_messages,
    late,
    routing,
    changes,
    packing,
    returns,
    papers,
    stocktake,
    supply,
    erasing,
)
LIST = "admin:orders_order_changelist"
RULES = ["view_rule", "add_rule", "change_rule", "publish_rule"]
LOGS = ["view_reviewlog", "view_override", "view_shipment", "view_refund", "view_orderevent"]
DESK = ["view_order", "decide_order", "see_buyer", "reveal_buyer", *LOGS]
ROLES = {
    "owner": [*DESK, *RULES, "ship_order", "erase_person", "view_checksetting", "change_checksetting"],
    "ops_admin": [*DESK, *RULES, "ship_order", "erase_person", "view_checksetting", "change_checksetting"],
    "order_clerk": [*DESK, *RULES, "ship_order", "view_checksetting"],
    "warehouse_clerk": ["view_order", "ship_order", "see_buyer", "view_shipment"],
    "customer_service": ["view_order", "see_buyer", "reveal_buyer", *LOGS],
    "bookkeeper": ["view_order", "see_buyer", "view_shipment", "view_refund"],
    "buyer": ["view_order", "view_shipment"],
    "auditor": ["view_order", "see_buyer", "view_checksetting", "view_rule", *LOGS],
}


def register() -> None:
    """Register the pages of the order desk; called once by AppConfig.ready()."""
    register_role_permissions("orders", ROLES)
    access.register(Order, shop="shop")
    access.register(Override, shop="shop")
    for rows in (OrderEvent, Refund, ReviewLog, Shipment):
        access.register(rows, shop="order__shop")
    register_card("sales", home.sales, order=10, permission="orders.view_order", wide=True)
    register_card("orders", home.states, order=20, permission="orders.view_order")
    register_card("held", home.held, order=30, permission="orders.view_order")
    _sidebar()
    stock_sources.register()
    lots.register()
    for part in PARTS:
        part.register()


def _sidebar() -> None:
    views = (
        (_("All orders"), "", "shopping_bag", None),
        (_("Held"), "?state__exact=held", "front_hand", _held),
        (_("To be shipped"), "?state__exact=approved", "local_shipping", None),
        (_("Waiting for payment"), "?state__exact=unpaid", "hourglass_top", None),
    )
    for place, (title, query, icon, badge) in enumerate(views):
        register_sidebar(
            "orders", title, LIST, icon=icon, permission="orders.view_order", order=10 + place, query=query, badge=badge
        )
    logs = (
        ("floor", _("Parcels"), "shipment", "package_2"),
        ("after_sales", _("Refunds"), "refund", "currency_exchange"),
        ("rules", _("Review log"), "reviewlog", "fact_check"),
        ("rules", _("Review rules"), "rule", "rule"),
        ("rules", _("Standing exceptions"), "override", "gpp_good"),
        ("rules", _("Checks"), "checksetting", "rule_settings"),
    )
    register_lists(*logs, order=60)


def _held(request: HttpRequest) -> QuerySet[Order]:
    return visible(request.user, Order.objects.filter(state=Order.State.HELD))


def checks_after_migrate(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Receiver of post_migrate: every check of the code has its row, so that the owner can set it."""
    from orders.desk.checks import CHECKS

    there = set(CheckSetting.objects.using(using).values_list("code", flat=True))
    CheckSetting.objects.using(using).bulk_create(
        [
            CheckSetting(code=check.code, enabled=check.enabled, department=check.department)
            for check in CHECKS.values()
            if check.code not in there
        ],
        ignore_conflicts=True,
    )
