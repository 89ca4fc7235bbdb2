"""Papers, labels and carriers: lines of the sidebar, who may what, whose rows they are, what is done by itself."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.chores import register_chore
from backoffice.models import User
from backoffice.roles import register_role_permissions
from backoffice.site import register_sidebar
from backoffice.twofactor import register_sensitive
from inventory import access
from inventory.access import visible
from orders.admin import parts
from orders.fulfil import labels, manifests, tracking, voiding
from orders.models import Invoice, Label, Manifest, SenderAddress, ShopPapers
from orders.pages.lines import register_lists

LABELS = ["view_label", "view_manifest", "buy_label", "close_manifest"]
PRINT = ["print_papers", "view_printrun"]
INVOICES = ["view_invoice"]
READ = ["view_carrieraccount", "view_carrierservice", "view_labelrange", "view_carrierrate", "view_company",
        "view_shoppapers", "view_senderaddress"]  # fmt: skip
KEEP = [
    *READ, "add_carrieraccount", "change_carrieraccount", "add_carrierservice", "change_carrierservice",
    "add_labelrange", "change_labelrange", "add_carrierrate", "change_carrierrate",
    "delete_carrierrate", "change_company",
    *(f"{verb}_{model}" for model in ("shoppapers", "senderaddress") for verb in ("add", "change", "delete")),
]  # fmt: skip
ROLES = {
    "owner": [*LABELS, *PRINT, *INVOICES, *KEEP, "set_carrier_credential"],
    "ops_admin": [*LABELS, *PRINT, *INVOICES, *KEEP],
    "order_clerk": [*LABELS, *PRINT, *INVOICES],
    "warehouse_clerk": [*LABELS, *PRINT],
    "customer_service": ["view_label", *PRINT, *INVOICES],
    "bookkeeper": ["view_label", "view_manifest", *INVOICES],
    "auditor": ["view_label", "view_manifest", *INVOICES, *READ],
}
NOT_LEFT_HOURS = 24


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    register_role_permissions("orders", ROLES)
    access.register(Label, shop="order__shop", warehouse="warehouse")
    access.register(Manifest, shop=None, warehouse="warehouse")
    access.register(Invoice, shop="order__shop")
    access.register(ShopPapers, shop="shop")
    access.register(SenderAddress, shop=None, warehouse="warehouse")
    register_sensitive("orders.set_carrier_credential")
    _sidebar()
    _on_orders()
    register_chore("labels", 15.0, lambda: (labels.finish_asked(), voiding.void_cancelled(), voiding.void_due()))
    register_chore("tracking", 60.0, tracking.read_due)
    register_chore("manifests", 60.0, manifests.tell_due)
    register_chore("labels_not_left", 900.0, lambda: labels.tell_not_left(NOT_LEFT_HOURS))


def _sidebar() -> None:
    register_lists(
        ("floor", _("Labels"), "label", "barcode"), ("floor", _("Manifests"), "manifest", "list_alt"),
        ("floor", _("Print runs"), "printrun", "print"), ("orders", _("Invoices"), "invoice", "receipt_long"),
        order=50,
    )  # fmt: skip
    register_sidebar(
        "floor", _("Scan out"), "admin:orders_label_out", icon="barcode_scanner", permission="orders.buy_label",
        order=54, badge=_not_left,
    )  # fmt: skip
    register_lists(
        ("order_settings", _("Carriers"), "carrieraccount", "local_shipping"),
        ("order_settings", _("Number ranges"), "labelrange", "pin"),
        ("order_settings", _("Carrier rates"), "carrierrate", "price_change"),
        ("order_settings", _("Company on papers"), "company", "business"),
        ("order_settings", _("Papers of shops"), "shoppapers", "description"),
        ("order_settings", _("Senders' addresses"), "senderaddress", "home_pin"),
        order=60,
    )


def _not_left(request: HttpRequest) -> int | None:
    user = request.user
    if not isinstance(user, User) and not getattr(user, "is_authenticated", False):
        return None
    return len(labels.not_left(NOT_LEFT_HOURS, visible(user, Label.objects.all()))) or None


def _on_orders() -> None:
    from orders.admin.papers import labels as buttons
    from orders.admin.papers import order_card, prints

    parts.register_part("labels", "main", "admin/orders/papers/order_card.html", order_card.facts, order=20)
    parts.register_work("label_buy", "orders.buy_label", buttons.buy)
    parts.register_work("label_void", "orders.buy_label", buttons.void)
    parts.register_work("label_again", "orders.buy_label", buttons.again)
    parts.register_work("label_ship", "orders.ship_order", buttons.ship)
    parts.register_work("papers_print", "orders.print_papers", buttons.print_papers)
    for one in (prints.print_both, prints.print_slips, prints.print_labels, prints.print_invoices, prints.buy_labels):
        parts.register_bulk(one)
