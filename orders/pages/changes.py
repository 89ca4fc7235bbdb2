"""Orders sent together, split, with gifts, replaced, entered by hand, quoted: lines of the sidebar, rights, cards."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.chores import register_chore
from backoffice.roles import register_role_permissions
from backoffice.site import register_sidebar
from inventory import access
from orders.desk import merging, quotes
from orders.models import NumberRange, OwnOrder, Quote
from orders.pages.lines import register_lists

ENTER = ["view_ownorder", "add_ownorder", "change_ownorder", "replace_order", "view_quote", "add_quote", "change_quote"]
ARRANGE = ["view_mergegroup", "arrange_order"]
SET = [f"{verb}_{model}" for model in ("mergecircle", "numberrange") for verb in ("view", "add", "change")]
ROLES = {
    "owner": [*ENTER, *ARRANGE, *SET],
    "ops_admin": [*ENTER, *ARRANGE, *SET],
    "order_clerk": [*ENTER, *ARRANGE, "view_mergecircle", "view_numberrange"],
    "customer_service": [*ENTER, "view_mergegroup"],
    "warehouse_clerk": ["view_mergegroup"],
    "bookkeeper": ["view_ownorder", "view_quote"],
    "auditor": ["view_ownorder", "view_quote", "view_mergegroup", "view_mergecircle", "view_numberrange"],
}
TOGETHER, ENDED_QUOTES = 300, 3600  # seconds between two looks


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    register_role_permissions("orders", ROLES)
    for rows in (OwnOrder, Quote, NumberRange):
        access.register(rows, shop="shop")
    register_chore("orders.merge_groups", TOGETHER, merging.tidy)
    register_chore("orders.quotes", ENDED_QUOTES, quotes.expire)
    register_lists(
        ("orders", _("Orders entered here"), "ownorder", "edit_note"),
        ("orders", _("Quotes"), "quote", "request_quote"),
        order=20,
    )
    register_sidebar(
        "orders", _("Sent together"), "admin:orders_mergegroup_changelist", icon="merge",
        permission="orders.view_mergegroup", order=22, query="?state__exact=open",
    )  # fmt: skip
    register_sidebar(
        "orders", _("Could be sent together"), "admin:orders_mergegroup_suggestions", icon="join_inner",
        permission="orders.arrange_order", order=23,
    )  # fmt: skip
    register_lists(
        ("order_settings", _("Shops that send together"), "mergecircle", "hub"),
        ("order_settings", _("Order and quote numbers"), "numberrange", "tag"),
        order=60,
    )
    _register_cards()


def _register_cards() -> None:
    from orders.admin.changes import cards

    cards.register()
