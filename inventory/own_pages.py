"""What the stock brings to the sidebar, the home page and the roles."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.home import register_card
from backoffice.roles import register_role_permissions
from backoffice.site import register_sidebar
from inventory import home
from inventory.levels import level
from inventory.models import Balance, StockDocument
from inventory.pages import costing, floor, lots, stocktake, transfers, trust

PARTS = (stocktake, floor, trust, transfers, costing, lots)

CATALOGUE = ["product", "sku", "barcode", "pack", "bundlepart"]
PLACES = ["warehouse", "shop", "shopwarehouse", "stockpolicy"]
STOCK = ["balance", "stockentry", "reservation"]
SHELVES = ["view_shelfplace", "add_shelfplace", "change_shelfplace", "delete_shelfplace"]


def _view(*names: str) -> list[str]:
    return [f"view_{name}" for name in names]


def _keep(*names: str) -> list[str]:
    return [f"{verb}_{name}" for name in names for verb in ("view", "add", "change")]


INLINE_ROWS = ["delete_barcode", "delete_pack", "delete_bundlepart"]  # a barcode that was wrong may go
CATALOGUE_KEPT = [*_keep(*CATALOGUE), *INLINE_ROWS]
ARRIVALS = [f"{verb}_expectedarrival" for verb in ("view", "add", "change", "receive")]
DOCUMENTS = ["view_stockdocument", "count_stock"]
SEEN = _view(*CATALOGUE, *PLACES, *STOCK)
ROLES = {
    "owner": [
        *CATALOGUE_KEPT, *_keep(*PLACES, "access"), "delete_access", *_view(*STOCK), *DOCUMENTS,
        "approve_stockdocument", "see_cost", *ARRIVALS, *SHELVES,
    ],
    "ops_admin": [
        *CATALOGUE_KEPT, *_keep(*PLACES), *_view(*STOCK), *DOCUMENTS, "approve_stockdocument", *ARRIVALS, *SHELVES,
    ],
    "order_clerk": [*SEEN, "view_expectedarrival", "view_shelfplace"],
    "warehouse_clerk": [
        *_view(*CATALOGUE, "warehouse", *STOCK), *DOCUMENTS, *SHELVES, "view_expectedarrival",
        "receive_expectedarrival",
    ],
    "customer_service": _view(*CATALOGUE, "shop", "balance", "expectedarrival"),
    "bookkeeper": [*SEEN, "view_expectedarrival", "view_stockdocument", "see_cost"],
    "buyer": [*CATALOGUE_KEPT, *_view(*PLACES, *STOCK), *ARRIVALS],
    "auditor": [
        *SEEN, "view_expectedarrival", "view_shelfplace", "view_access", "view_stockdocument", "see_cost",
    ],
}  # fmt: skip


def register() -> None:
    """Register the pages of the stock; called once by AppConfig.ready()."""
    register_role_permissions("inventory", ROLES)
    register_card("stock", home.stock_card, order=40, permission="inventory.view_balance")
    lines = (
        ("stock", _("Stock"), "balance", "inventory_2", _short),
        ("stock", _("SKUs"), "sku", "sell", None),
        ("stock", _("Products"), "product", "category", None),
        ("stock", _("Counts and adjustments"), "stockdocument", "fact_check", _waiting),
        ("stock", _("Expected deliveries"), "expectedarrival", "local_shipping", None),
        ("stock", _("Movements"), "stockentry", "swap_vert", None),
        ("stock", _("Ordered and reserved"), "reservation", "lock", None),
        ("stock", _("Bins"), "shelfplace", "shelves", None),
        ("stock", _("Warehouses"), "warehouse", "warehouse", None),
        ("shops", _("Shops"), "shop", "storefront", None),
        ("shops", _("Shops' warehouses"), "shopwarehouse", "link", None),
        ("shops", _("Stock policies"), "stockpolicy", "tune", None),
        ("settings", _("Access to shops and warehouses"), "access", "key_visualizer", None),
    )
    for place, (section, title, model, icon, badge) in enumerate(lines):
        url = f"admin:inventory_{model}_changelist"
        permission = f"inventory.view_{model}"
        register_sidebar(section, title, url, icon=icon, permission=permission, order=10 + place, badge=badge)
    for part in PARTS:
        part.register()


def _short(request: HttpRequest) -> QuerySet[Balance]:
    """Balances of which more is wanted than there is."""
    return level(home.own(request, Balance.objects.all()), "short")


def _waiting(request: HttpRequest) -> QuerySet[StockDocument]:
    return home.own(request, StockDocument.objects.filter(state=StockDocument.State.PROPOSED))
