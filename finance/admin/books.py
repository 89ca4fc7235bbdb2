"""Vouchers, their lines and open items: read only, each with a way back to its document."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import action, display

from backoffice.adminkit import ReadOnlyMixin, TabularInline, YikuModelAdmin
from finance.admin import figures
from finance.admin.downloads import download
from finance.models import OpenItem, Voucher, VoucherLine
from finance.models.books import VoucherKind
from finance.sight import own

KIND_LABELS = {VoucherKind.SALE: "success", VoucherKind.REFUND: "warning", VoucherKind.REVERSAL: "danger",
               VoucherKind.COST: "info"}  # fmt: skip


class BooksAdmin(ReadOnlyMixin, YikuModelAdmin):
    """What the list pages of the books share: own shops only, newest first."""

    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return own(request, super().get_queryset(request))

    @display(description=_("kind"), label=KIND_LABELS)
    def kind_label(self, row: Any) -> tuple[str, str]:
        """The kind as a badge."""
        return row.kind, row.get_kind_display()

    @admin.display(description=_("kind"))
    def kind_shown(self, row: Any) -> str:
        """The kind in words."""
        return str(row.get_kind_display())

    @admin.display(description=_("document"))
    def document(self, row: Any) -> str:
        """The parcel or refund it was made of."""
        return figures.document_link(row.reference)


class LineInline(TabularInline):
    """The lines of a voucher."""

    model = VoucherLine
    fields = readonly_fields = ("account", "debit_shown", "credit_shown", "original", "rate_shown", "shop", "warehouse")
    ordering = ("position",)
    extra = 0
    can_delete = False
    hide_title = True
    verbose_name_plural = _("lines")

    def get_queryset(self, request: HttpRequest) -> QuerySet[VoucherLine]:
        return super().get_queryset(request).select_related("account", "shop", "warehouse")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("debit"))
    def debit_shown(self, line: VoucherLine) -> str:
        """The debit, empty when there is none."""
        return figures.money(line.debit) if line.debit else ""

    @admin.display(description=_("credit"))
    def credit_shown(self, line: VoucherLine) -> str:
        """The credit, empty when there is none."""
        return figures.money(line.credit) if line.credit else ""

    @admin.display(description=_("original amount"))
    def original(self, line: VoucherLine) -> str:
        """The amount in the document's currency."""
        return f"{figures.money(line.amount, line.currency_id)}"

    @admin.display(description=_("rate"))
    def rate_shown(self, line: VoucherLine) -> str:
        """The rate without trailing zeros."""
        return figures.rate(line.rate)


@admin.register(Voucher)
class VoucherAdmin(BooksAdmin):
    """Vouchers. Made by `finance.posting` only; the database refuses any change."""

    list_display = ("number_shown", "on", "kind_label", "shop_name", "order_number", "total_shown", "document")
    list_filter = (("kind", admin.ChoicesFieldListFilter), "shop", ("on", RangeDateFilter))
    list_select_related = ("shop",)
    prefix_search = ("order_key", "reference")
    search_help_text = _("Order number or document, for example orders.shipment:12")
    fieldsets = (
        (None, {"fields": (("number_shown", "on", "total_shown"), ("kind_shown", "document", "occurred_on"))}),
        (None, {"fields": (("shop", "order_number", "posted_at"), "summary")}),
    )
    readonly_fields = (
        "number_shown", "on", "total_shown", "kind_shown", "document", "occurred_on", "shop", "order_number",
        "posted_at", "summary",
    )  # fmt: skip
    inlines = (LineInline,)
    actions = ("export",)

    @action(description=_("Export (.xlsx)"), permissions=["view"])
    def export(self, request: HttpRequest, queryset: QuerySet[Voucher]) -> FileResponse | None:
        """Download the chosen vouchers with their lines."""
        return download(request, queryset, of=f"{queryset.count()} vouchers")

    @admin.display(description=_("number"))
    def number_shown(self, voucher: Voucher) -> str:
        """Month and number."""
        return str(voucher)

    @admin.display(description=_("shop"))
    def shop_name(self, voucher: Voucher) -> str:
        """The shop without its code: the table is full enough."""
        return voucher.shop.name if voucher.shop else "–"

    @admin.display(description=_("total"))
    def total_shown(self, voucher: Voucher) -> str:
        """Σ debit in the base currency."""
        return figures.money(voucher.total)


@admin.register(VoucherLine)
class JournalAdmin(BooksAdmin):
    """All lines of all vouchers: what stands on one account, shop or warehouse."""

    list_display = (
        "id",
        "day",
        "voucher_link",
        "account",
        "debit_shown",
        "credit_shown",
        "original",
        "shop",
        "warehouse",
    )
    list_display_links = None
    list_filter = ("account", "shop", "warehouse", ("voucher__on", RangeDateFilter))
    list_select_related = ("voucher", "account", "shop", "warehouse")
    fields = readonly_fields = (
        "voucher_link", "account", "debit_shown", "credit_shown", "original", "rate", "shop", "warehouse",
    )  # fmt: skip
    debit_shown, credit_shown = LineInline.debit_shown, LineInline.credit_shown
    original = LineInline.original

    @admin.display(description=_("date"))
    def day(self, line: VoucherLine) -> Any:
        """The voucher's date."""
        return line.voucher.on

    @admin.display(description=_("voucher"))
    def voucher_link(self, line: VoucherLine) -> str:
        """The voucher's page."""
        return figures.row_link("voucher", line.voucher_id, line.voucher)


class OpenFilter(admin.SimpleListFilter):
    """Settled or still open."""

    title = _("settled")
    parameter_name = "settled"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("Open")), ("yes", _("Settled"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OpenItem]) -> QuerySet[OpenItem]:
        return queryset.filter(settled_at__isnull=self.value() == "no") if self.value() else queryset


@admin.register(OpenItem)
class OpenItemAdmin(BooksAdmin):
    """What orders still owe and are owed, until a settlement is matched to it."""

    list_display = (
        "order_shown", "shop", "kind_label", "on", "amount_shown", "base_shown", "document", "voucher_link",
        "settled_at",
    )  # fmt: skip
    list_filter = (OpenFilter, ("kind", admin.ChoicesFieldListFilter), "shop", ("on", RangeDateFilter))
    list_select_related = ("shop", "voucher")
    prefix_search = ("order_key", "reference")
    search_help_text = VoucherAdmin.search_help_text
    fields = readonly_fields = (
        "order_shown", "external_id", "shop", "kind_shown", "on", "amount_shown", "base_shown", "document",
        "voucher_link", "settled_at",
    )  # fmt: skip

    @admin.display(description=_("order"))
    def order_shown(self, item: OpenItem) -> str:
        """The number the shop shows, else the platform's own."""
        return item.order_number or item.external_id

    @admin.display(description=_("amount"))
    def amount_shown(self, item: OpenItem) -> str:
        """In the order's currency."""
        return figures.money(item.amount, item.currency_id)

    @admin.display(description=_("amount in base currency"))
    def base_shown(self, item: OpenItem) -> str:
        """As it stands in the books."""
        return figures.money(item.base_amount)

    @admin.display(description=_("voucher"))
    def voucher_link(self, item: OpenItem) -> str:
        """The voucher's page."""
        return figures.row_link("voucher", item.voucher_id, item.voucher)
