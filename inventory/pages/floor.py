"""The warehouse floor: lines of the sidebar, rights, whose rows they are."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.roles import register_role_permissions
from backoffice.site import register_sidebar
from inventory import access
from inventory.models import Bin, FloorAction

BINS = ["view_bin", "add_bin", "change_bin", "delete_bin"]
SEE = ["view_flooraction"]
ROLES = {
    "owner": [*BINS, *SEE],
    "ops_admin": [*BINS, *SEE],
    "order_clerk": ["view_bin"],
    "warehouse_clerk": [*BINS, *SEE],
    "auditor": ["view_bin", *SEE],
}


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    register_role_permissions("inventory", ROLES)
    for rows in (Bin, FloorAction):
        access.register(rows, shop=None, warehouse="warehouse")
    register_sidebar(
        "stock", _("Warehouse floor"), "admin:inventory_flooraction_home", icon="barcode_scanner",
        permission="inventory.view_balance", order=9,
    )  # fmt: skip
    register_sidebar(
        "stock", _("Done with a phone"), "admin:inventory_flooraction_changelist", icon="smartphone",
        permission="inventory.view_flooraction", order=14,
    )  # fmt: skip
    register_sidebar(
        "stock", _("Bins of the warehouses"), "admin:inventory_bin_changelist", icon="grid_view",
        permission="inventory.view_bin", order=17,
    )  # fmt: skip
