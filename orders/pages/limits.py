"""Listed buyers, forbidden destinations, least prices: lines of the sidebar, who may what, whose rows they are."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.roles import register_role_permissions
from inventory import access
from orders.models import PriceFloor
from orders.pages.lines import register_lists

KEEP = [f"{verb}_{model}" for model in ("destinationban", "pricefloor") for verb in ("view", "add", "change", "delete")]
BUYERS = ["view_listedbuyer", "add_listedbuyer"]
SEEN = ["view_listedbuyer", "view_destinationban", "view_pricefloor"]
ROLES = {
    "owner": [*KEEP, *BUYERS],
    "ops_admin": [*KEEP, *BUYERS],
    "order_clerk": [*SEEN, *BUYERS],
    "customer_service": BUYERS,
    "buyer": ["view_destinationban", "view_pricefloor"],
    "auditor": SEEN,
}


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    register_role_permissions("orders", ROLES)
    access.register(PriceFloor, shop="shop", empty=True)
    register_lists(
        ("rules", _("Blocked and trusted buyers"), "listedbuyer", "person_off"),
        ("rules", _("Forbidden destinations"), "destinationban", "wrong_location"),
        ("rules", _("Least prices"), "pricefloor", "price_check"),
        order=40,
    )
