"""The lists of stock by file: goods, barcodes, bundles, opening stock, transfers; balances only go out."""

from __future__ import annotations


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    from backoffice.imports.kinds import register_kind
    from inventory.importing.balances import BalanceKind
    from inventory.importing.barcodes import BarcodeKind
    from inventory.importing.bundles import BundleKind
    from inventory.importing.opening import OpeningKind
    from inventory.importing.products import ProductKind
    from inventory.importing.skus import SkuKind
    from inventory.importing.transfers import TransferKind

    for kind in (ProductKind, SkuKind, BarcodeKind, BundleKind, OpeningKind, TransferKind, BalanceKind):
        register_kind(kind)
