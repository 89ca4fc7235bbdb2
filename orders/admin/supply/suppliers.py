"""Suppliers, and what each sells on what terms."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from backoffice.adminkit import TabularInline
from backoffice.imports.buttons import ByFile
from inventory import readable
from orders.admin.supply import kit
from orders.models import PriceBreak, Supplier, SupplierItem


@admin.register(Supplier)
class SupplierAdmin(ByFile, kit.AuditedAdmin):
    """Whom we buy from; lead times are measured by themselves."""

    file_kind = "orders.suppliers"
    actions_list = ("import_file", "export_file")
    list_display = ("code", "name", "contact", "currency", "lead_shown", "measured_shown", "active")
    list_filter = ("active", "currency")
    search_fields = ("code__istartswith", "name__icontains")
    fields = (
        ("code", "name"), ("contact", "phone", "email"), "address", ("currency", "minimum_order"),
        ("lead_days", "measured_shown"), "note", "active",
    )  # fmt: skip
    readonly_fields = ("measured_shown",)
    ordering = ("-id",)
    empty_note = _("No suppliers yet. Add whom you buy from, then what each sells: suggestions need both.")

    @admin.display(description=_("lead time (days)"))
    def lead_shown(self, row: Supplier) -> str:
        """As stated."""
        return str(row.lead_days)

    @admin.display(description=_("measured"))
    def measured_shown(self, row: Supplier) -> str:
        """Mean and spread of the deliveries; how many there are while they are too few."""
        if row.measured_mean is None or row.measured_sd is None:
            return _now("%d of 3 deliveries") % row.measured_count
        return f"{row.measured_mean:.1f} ± {row.measured_sd:.1f} ({row.measured_count})"


class BreakInline(TabularInline):
    """Cheaper from so many pieces on."""

    model = PriceBreak
    extra = 1
    fields = ("quantity", "price")


@admin.register(SupplierItem)
class SupplierItemAdmin(ByFile, kit.AuditedAdmin):
    """What a supplier sells; prices are for who may see them."""

    file_kind = "orders.supplier_items"
    actions_list = ("import_file", "export_file")
    list_display = ("goods", "supplier", "supplier_code", "price_shown", "minimum_shown", "pack_shown", "preferred",
                    "active")  # fmt: skip
    list_display_links = ("goods",)
    list_filter = ("supplier", "preferred", "active")
    list_select_related = ("sku", "supplier")
    search_fields = ("sku__code__istartswith", "supplier_code__istartswith")
    autocomplete_fields = ("sku", "supplier")
    fields = ("supplier", "sku", "supplier_code", "price", ("minimum", "pack_size"), ("preferred", "active"))
    inlines = (BreakInline,)
    ordering = ("-id",)
    empty_note = _("Nothing yet. Say which supplier sells which SKU, at what price and in what packs.")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The whole list is prices."""
        return super().has_view_permission(request, obj) and kit.sees_prices(request)

    @display(description=_("SKU"), header=True)
    def goods(self, row: SupplierItem) -> list[str]:
        """Code and name."""
        return [row.sku.code, row.sku.name]

    @admin.display(description=_("minimum quantity"))
    def minimum_shown(self, row: SupplierItem) -> str:
        """Without needless zeros."""
        return readable.pieces(row.minimum)

    @admin.display(description=_("pack size"))
    def pack_shown(self, row: SupplierItem) -> str:
        """Without needless zeros."""
        return readable.pieces(row.pack_size)

    @admin.display(description=_("price"))
    def price_shown(self, row: SupplierItem) -> str:
        """With its currency."""
        return f"{row.price.normalize():f} {row.supplier.currency}"
