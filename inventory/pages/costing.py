"""What goods cost: the lines of the sidebar and the rights."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.roles import register_role_permissions
from backoffice.site import register_sidebar

ROLES = {
    "owner": ["view_costsetting", "change_costsetting", "change_costmethod"],
    "ops_admin": ["view_costsetting"],
    "bookkeeper": ["view_costsetting"],
    "auditor": ["view_costsetting"],
}


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    register_role_permissions("inventory", ROLES)
    register_sidebar(
        "stock", _("Stock value"), "admin:inventory_costsetting_value", icon="account_balance_wallet",
        permission="inventory.view_balance", order=12,
    )  # fmt: skip
    register_sidebar(
        "settings", _("Stock values"), "admin:inventory_costsetting_changelist", icon="calculate",
        permission="inventory.view_costsetting", order=61,
    )  # fmt: skip
