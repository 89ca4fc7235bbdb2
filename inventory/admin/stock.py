"""What lies where, every movement, and who holds what: read only, the ledger is written by documents and orders."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display

from backoffice import references
from backoffice.adminkit import ReadOnlyMixin, YikuModelAdmin
from backoffice.models import User
from backoffice.search import prefix_condition, search_form
from inventory import readable
from inventory.access import visible
from inventory.admin.filters import LevelFilter, WarehouseFilter
from inventory.models import Balance, Bucket, Reservation, Sku, StockEntry
from inventory.resources import balance_file

BUCKET_LABELS = {
    Bucket.ON_HAND: "success",
    Bucket.DEMAND: "warning",
    Bucket.RESERVED: "info",
    Bucket.INCOMING: "default",
}
Rows = QuerySet[Any]


class StockList(ReadOnlyMixin, YikuModelAdmin):
    """A list of the stock, in the warehouses this person sees, found by SKU."""

    list_select_related: tuple[str, ...] = ("sku", "warehouse")
    ordering: tuple[str, ...] = ("-id",)
    search_fields = ("sku__code_key",)  # get_search_results says how
    search_help_text = _("SKU code: type the beginning")

    def get_queryset(self, request: HttpRequest) -> Rows:
        return visible(cast(User, request.user), super().get_queryset(request))

    def get_search_results(self, request: HttpRequest, queryset: Rows, search_term: str) -> tuple[Rows, bool]:
        term = search_form(search_term)
        return (queryset.filter(self.found(term, search_term)) if term else queryset), False

    def found(self, term: str, typed: str) -> Q:
        """The condition of a search: the SKUs whose code begins so, looked up first."""
        skus = Sku.objects.filter(prefix_condition(["code_key"], term)).values_list("pk", flat=True)
        return Q(sku_id__in=list(skus[:1_000]))

    @display(description=_("SKU"), header=True)
    def sku_shown(self, row: Any) -> list[str]:
        """Code and name."""
        return [row.sku.code, row.sku.name]

    @admin.display(description=_("warehouse"))
    def place(self, row: Any) -> str:
        """The warehouse's code."""
        return str(row.warehouse.code)


class ReferencedList(StockList):
    """A list whose rows name the document they stand for, with a link for who may open it."""

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Describe the references of one page at once."""
        shown = super().get_changelist_instance(request)
        named = references.describe(request, [row.reference for row in shown.result_list])
        for row in shown.result_list:
            row.described = named[row.reference]
        return shown

    @admin.display(description=_("document"))
    def reference_shown(self, row: Any) -> str:
        """The order's number or the document, as a link."""
        one = row.described
        return format_html('<a class="text-primary-600" href="{}">{}</a>', one.url, one.label) if one.url else one.label


@admin.register(Balance)
class BalanceAdmin(StockList):
    """Stock by SKU and warehouse."""

    list_display = (
        "sku_shown",
        "place",
        "on_hand_shown",
        "reserved_shown",
        "demand_shown",
        "free_shown",
        "incoming_shown",
    )
    list_display_links = None
    list_filter = (WarehouseFilter, LevelFilter)
    actions_list = ("export_xlsx",)
    actions = ("export_selected",)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        cost = ("value_shown",) if readable.sees_cost(request) else ()
        return (*self.list_display, *cost, "why_link")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        cost = ("value", "last_cost") if readable.sees_cost(request) else ()
        return ("sku", "warehouse", "on_hand", "reserved", "demand", "incoming", *cost, "updated_at")

    @admin.display(description=_("on hand"))
    def on_hand_shown(self, row: Balance) -> str:
        """Pieces on the shelf."""
        return readable.pieces(row.on_hand)

    @admin.display(description=_("reserved"))
    def reserved_shown(self, row: Balance) -> str:
        """Pieces promised to approved orders."""
        return readable.pieces(row.reserved)

    @admin.display(description=_("in orders"))
    def demand_shown(self, row: Balance) -> str:
        """Pieces of orders that are not approved yet."""
        return readable.pieces(row.demand)

    @admin.display(description=_("incoming"))
    def incoming_shown(self, row: Balance) -> str:
        """Pieces on their way."""
        return readable.pieces(row.incoming)

    @display(description=_("free"), label={"low": "danger", "ok": "success"})
    def free_shown(self, row: Balance) -> tuple[str, str]:
        """On hand less reserved and ordered; red at or below the low-stock mark."""
        free = row.sellable - row.reserved - row.demand
        low = free < 0 or (row.sku.low_stock is not None and free <= row.sku.low_stock)
        return "low" if low else "ok", readable.pieces(free)

    @admin.display(description=_("value"))
    def value_shown(self, row: Balance) -> str:
        """What it cost."""
        return readable.money(row.value)

    @admin.display(description=_("in the shops"))
    def why_link(self, row: Balance) -> str:
        """To the page that explains what every shop may show, and to the movements."""
        why = reverse("admin:inventory_sku_why", args=[row.sku_id])
        moves = reverse("admin:inventory_stockentry_changelist") + f"?q={row.sku.code}&warehouse={row.warehouse_id}"
        return format_html(
            '<a class="text-primary-600" href="{}">{}</a> · <a class="text-primary-600" href="{}">{}</a>',
            why, _("Why this number"), moves, _("Movements"),
        )  # fmt: skip

    @action(description=_("Export"), url_path="export", icon="download")
    def export_xlsx(self, request: HttpRequest) -> HttpResponseBase:
        """All balances this person sees."""
        return balance_file(request, self.get_queryset(request))

    @admin.action(description=_("Export the chosen rows"))
    def export_selected(self, request: HttpRequest, queryset: QuerySet[Balance]) -> HttpResponseBase:
        """The rows that are ticked, or all that the filters show."""
        return balance_file(request, queryset)


@admin.register(StockEntry)
class StockEntryAdmin(ReferencedList):
    """Every movement ever; nothing here is changed, a mistake is put right by another movement."""

    list_display = (
        "recorded_at",
        "sku_shown",
        "place",
        "bucket_label",
        "moved",
        "reason_shown",
        "reference_shown",
        "actor",
    )
    list_display_links = ("recorded_at",)
    list_filter = (
        WarehouseFilter,
        ("bucket", admin.ChoicesFieldListFilter),
        ("reason", admin.ChoicesFieldListFilter),
        ("recorded_at", RangeDateTimeFilter),
    )
    search_help_text = _("SKU code (its beginning), or a whole reference")

    def found(self, term: str, typed: str) -> Q:
        """By SKU, or by the document or order line that moved it."""
        return super().found(term, typed) | Q(reference=typed.strip())

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return (*self.list_display, "value_shown") if readable.sees_cost(request) else self.list_display

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        cost = ("unit_cost", "value") if readable.sees_cost(request) else ()
        return (
            "sku", "warehouse", "bucket", "quantity", *cost, "reason", "reference", "key", "occurred_at", "recorded_at",
            "lot", "bin", "condition", "actor_named",
        )  # fmt: skip

    @display(description=_("bucket"), label=BUCKET_LABELS)
    def bucket_label(self, row: StockEntry) -> tuple[int, str]:
        """The bucket as a badge."""
        return row.bucket, row.get_bucket_display()

    @admin.display(description=_("moved"))
    def moved(self, row: StockEntry) -> str:
        """Pieces in or out."""
        return readable.signed(row.quantity)

    @admin.display(description=_("reason"))
    def reason_shown(self, row: StockEntry) -> str:
        """Why."""
        return row.get_reason_display()

    @admin.display(description=_("value"))
    def value_shown(self, row: StockEntry) -> str:
        """What it cost."""
        return readable.money(row.value) if row.bucket == Bucket.ON_HAND else readable.NONE


class OpenFilter(admin.SimpleListFilter):
    """Open ones, unless the history is asked for."""

    title = _("open")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("all", _("All, also closed"))]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        return queryset if self.value() == "all" else queryset.filter(quantity__gt=0)


@admin.register(Reservation)
class ReservationAdmin(ReferencedList):
    """Who holds which goods: ordered or reserved."""

    list_display = ("reference_shown", "sku_shown", "place", "bucket_label", "open_shown", "expires_at", "updated_at")
    list_display_links = None
    list_filter = (WarehouseFilter, ("bucket", admin.ChoicesFieldListFilter), OpenFilter)
    search_help_text = _("SKU code (its beginning), or a whole reference")

    def found(self, term: str, typed: str) -> Q:
        """By SKU or by the order line."""
        return super().found(term, typed) | Q(reference=typed.strip())

    @display(description=_("kind"), label=BUCKET_LABELS)
    def bucket_label(self, row: Reservation) -> tuple[int, str]:
        """Ordered or reserved."""
        return row.bucket, row.get_bucket_display()

    @admin.display(description=_("open quantity"))
    def open_shown(self, row: Reservation) -> str:
        """Pieces held."""
        return readable.pieces(row.quantity)
