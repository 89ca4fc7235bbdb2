"""Papers, labels and carriers: lines of the sidebar, who may what, whose rows they are, what is done by itself."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.chores import register_chore
from backoffice.roles import register_role_permissions
from backoffice.twofactor import register_sensitive
from inventory import access
from orders.admin import parts
from orders.fulfil import labels, labels_given, leaving, manifests, packing_labels, tracking, voiding
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
    register_chore("labels_not_left", 300.0, leaving.look)
    labels_given.register_label_source(packing_labels.of_parcel)


def _sidebar() -> None:
    register_lists(
        ("floor", _("Labels"), "label", "barcode"), ("floor", _("Manifests"), "manifest", "list_alt"),
        ("floor", _("Print runs"), "printrun", "print"), ("orders", _("Invoices"), "invoice", "receipt_long"),
        order=50,
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
