"""Purchasing: the lines of the sidebar, who may what, whose rows they are, the nightly look at every SKU."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.db.models import QuerySet
from django.db.models.signals import post_migrate
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice import references
from backoffice.chores import register_chore
from backoffice.references import Described
from backoffice.roles import register_role_permissions
from backoffice.site import register_sidebar
from inventory import access
from inventory.access import visible
from orders.models import CostDocument, PurchaseOrder, ReplenishRow, SupplierInvoice, SupplierReturn
from orders.pages.lines import register_lists
from orders.supply import limits, replenishment

VIEW = "orders.view_purchaseorder"
SUPPLIERS = [f"{verb}_{model}" for model in ("supplier", "supplieritem") for verb in ("view", "add", "change")]
PROMOTIONS = [f"{verb}_promotiondays" for verb in ("view", "add", "change", "delete")]
BUY = [
    "view_purchaseorder", "change_purchaseorder", "receive_purchaseorder", "price_purchaseorder", "view_replenishrow",
    *SUPPLIERS, *PROMOTIONS, "add_pricebreak", "change_pricebreak", "delete_pricebreak", "view_pricebreak",
]  # fmt: skip
RULE = [
    *BUY, "approve_purchaseorder", "view_purchasesetting", "change_purchasesetting", "view_purchaselimit",
    "add_purchaselimit", "change_purchaselimit", "delete_purchaselimit",
]  # fmt: skip
READ = ["view_purchaseorder", "price_purchaseorder", "view_supplier", "view_supplieritem", "view_pricebreak"]
COSTS = ["view_costdocument", "add_costdocument"]
BOOKED = [*COSTS, "book_costdocument"]
ROLES = {
    "owner": [*RULE, *BOOKED],
    "ops_admin": [*RULE, *BOOKED],
    "buyer": [*BUY, *COSTS, "view_purchasesetting"],
    "warehouse_clerk": ["view_purchaseorder", "receive_purchaseorder"],
    "bookkeeper": [*READ, *BOOKED],
    "auditor": [
        *READ, "view_costdocument", "view_replenishrow", "view_promotiondays", "view_purchasesetting",
        "view_purchaselimit",
    ],
}  # fmt: skip
NIGHT = 86_400


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    register_role_permissions("orders", ROLES)
    access.register(PurchaseOrder, shop=None, warehouse="warehouse")
    access.register(CostDocument, shop=None, warehouse="warehouse")
    access.register(ReplenishRow, shop=None, warehouse="warehouse", empty=True)
    register_sidebar(
        "purchasing", _("Purchase orders"), "admin:orders_purchaseorder_changelist", icon="shopping_cart",
        permission=VIEW, order=10, badge=_waiting,
    )  # fmt: skip
    register_sidebar(
        "purchasing", _("Suggestions"), "admin:orders_replenishrow_changelist", icon="lightbulb",
        permission="orders.view_replenishrow", order=11, query="?verdict__exact=order",
    )  # fmt: skip
    register_sidebar(
        "purchasing", _("Late costs"), "admin:orders_costdocument_changelist", icon="price_change",
        permission="orders.view_costdocument", order=15, badge=_unbooked,
    )  # fmt: skip
    register_lists(
        ("purchasing", _("Suppliers"), "supplier", "factory"),
        ("purchasing", _("Suppliers' SKUs"), "supplieritem", "sell"),
        ("purchasing", _("Promotion days"), "promotiondays", "celebration"),
        order=12,
    )
    register_lists(
        ("order_settings", _("Purchasing"), "purchasesetting", "shopping_cart"),
        ("order_settings", _("Limits of purchases"), "purchaselimit", "price_check"),
        order=64,
    )
    register_chore("replenish", NIGHT, replenishment.nightly)
    references.register("orders.purchaseorder", lambda request, ids: _orders(request, {pk: pk for pk in ids}))
    references.register("orders.supplierreturn", _returns)
    references.register("orders.supplierinvoice", _invoices)
    references.register("orders.costdocument", _costs)
    post_migrate.connect(seed_after_migrate, sender=apps.get_app_config("orders"), dispatch_uid="orders.supply")


def _unbooked(request: HttpRequest) -> QuerySet[CostDocument]:
    return visible(request.user, CostDocument.objects.filter(state=CostDocument.State.DRAFT))


def _costs(request: HttpRequest, ids: Any) -> dict[int, Described]:
    if not request.user.has_perm("orders.view_costdocument"):
        return {}
    rows = visible(request.user, CostDocument.objects.filter(pk__in=ids))
    return {one.pk: Described(str(one), reverse("admin:orders_costdocument_change", args=[one.pk])) for one in rows}


def _waiting(request: HttpRequest) -> QuerySet[PurchaseOrder]:
    return visible(request.user, PurchaseOrder.objects.filter(state=PurchaseOrder.State.WAITING))


def seed_after_migrate(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Receiver of post_migrate: an installation starts with a limit for the buyer; what the owner changed stays."""
    limits.seed()


def _returns(request: HttpRequest, ids: Any) -> dict[int, Described]:
    return _orders(request, dict(SupplierReturn.objects.filter(pk__in=ids).values_list("pk", "order_id")))


def _invoices(request: HttpRequest, ids: Any) -> dict[int, Described]:
    return _orders(request, dict(SupplierInvoice.objects.filter(pk__in=ids).values_list("pk", "order_id")))


def _orders(request: HttpRequest, orders: dict[int, int]) -> dict[int, Described]:
    """Describe ids by the order behind each."""
    if not request.user.has_perm(VIEW):
        return {}
    rows = visible(request.user, PurchaseOrder.objects.filter(pk__in=set(orders.values())))
    numbers = dict(rows.values_list("pk", "number"))
    return {
        pk: Described(numbers[order], reverse("admin:orders_purchaseorder_change", args=[order]))
        for pk, order in orders.items()
        if order in numbers
    }
