"""Lots and serials: the lines of the sidebar, the rights, whose rows they are, the watch and the chore."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.chores import register_chore
from backoffice.roles import register_role_permissions
from backoffice.site import register_sidebar
from inventory import access
from inventory.alerts.watches import register_watch
from inventory.lots import ageing, recall, watch
from inventory.models import Lot, LotBalance, LotMovement

SWEEP_SECONDS = 300
BOSS = ["view_lot", "block_lot", "track_sku", "view_lotsetting", "change_lotsetting"]
ROLES = {
    "owner": BOSS,
    "ops_admin": BOSS,
    "warehouse_clerk": ["view_lot", "block_lot", "view_lotsetting"],
    "order_clerk": ["view_lot"],
    "customer_service": ["view_lot"],
    "buyer": ["view_lot", "block_lot", "view_lotsetting"],
    "bookkeeper": ["view_lot"],
    "auditor": ["view_lot", "view_lotsetting"],
}


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    register_role_permissions("inventory", ROLES)
    access.register(Lot, shop=None)
    access.register(LotBalance, shop=None, warehouse="warehouse")
    access.register(LotMovement, shop=None, warehouse="warehouse")
    register_watch("expiring", watch.expiring)
    register_chore("stock.lots", SWEEP_SECONDS, ageing.sweep)
    recall.register_kind()
    register_sidebar(
        "stock", _("Lots and serials"), "admin:inventory_lot_changelist", icon="qr_code_2",
        permission="inventory.view_lot", order=16,
    )  # fmt: skip
    register_sidebar(
        "settings", _("Lots"), "admin:inventory_lotsetting_changelist", icon="event_busy",
        permission="inventory.view_lotsetting", order=46,
    )  # fmt: skip
