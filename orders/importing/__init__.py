"""The lists of purchasing by file: suppliers, what each sells on what terms, purchase orders, invoices."""

from __future__ import annotations


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    from backoffice.imports.kinds import register_kind
    from orders.importing.invoices import InvoiceKind
    from orders.importing.purchases import PurchaseKind
    from orders.importing.supplier_items import SupplierItemKind
    from orders.importing.suppliers import SupplierKind

    for kind in (SupplierKind, SupplierItemKind, PurchaseKind, InvoiceKind):
        register_kind(kind)
