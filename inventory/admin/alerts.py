"""Stock alerts, and the rules from when on and for whom."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from backoffice import audit
from backoffice.departments import Department
from backoffice.models import User
from inventory import readable
from inventory.access import visible
from inventory.admin.filters import WarehouseFilter
from inventory.admin.shared import SharedSettingsAdmin
from inventory.admin.stock import StockList
from inventory.models import AlertKind, StockAlert, StockAlertRule

LABELS = {
    AlertKind.OUT: "danger", AlertKind.NEGATIVE: "danger", AlertKind.LOW: "warning", AlertKind.EXPIRING: "warning",
    AlertKind.OVER: "info", AlertKind.SLOW: "info",
}  # fmt: skip


class OverFilter(admin.SimpleListFilter):
    """Those that stand, unless all are asked for."""

    title, parameter_name = _("open"), "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("all", _("All, also closed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.value() == "all" else queryset.filter(closed_at__isnull=True)


class MineFilter(admin.SimpleListFilter):
    """By department."""

    title, parameter_name = _("department"), "department"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Department.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(department=self.value()) if self.value() else queryset


@admin.register(StockAlert)
class StockAlertAdmin(StockList):
    """What a buyer or a warehouse should look at; each closes by itself."""

    empty_note = _("Nothing to look at: no limit is passed.")
    list_display = ("kind_label", "sku_shown", "place", "pieces", "limit", "owner", "opened_at", "closed_at")
    list_display_links = None
    list_select_related = ("sku", "warehouse", "person")
    list_filter = (WarehouseFilter, ("kind", admin.ChoicesFieldListFilter), MineFilter, OverFilter)

    @display(description=_("alert"), label=LABELS)
    def kind_label(self, row: StockAlert) -> tuple[str, str]:
        """The kind as a badge."""
        return row.kind, row.get_kind_display()

    @admin.display(description=_("pieces"))
    def pieces(self, row: StockAlert) -> str:
        """How many, and what the watch adds."""
        return " · ".join(part for part in (readable.pieces(row.quantity), row.note) if part)

    @admin.display(description=_("limit"))
    def limit(self, row: StockAlert) -> str:
        """What was passed."""
        return readable.pieces(row.threshold)

    @admin.display(description=_("whose it is"))
    def owner(self, row: StockAlert) -> str:
        """Department and person."""
        parts = (row.get_department_display(), row.person)
        return " · ".join(str(part) for part in parts if part)


@admin.register(StockAlertRule)
class StockAlertRuleAdmin(SharedSettingsAdmin):
    """From when on, and whose it is; the most specific rule holds."""

    deletable = True
    empty_note = _(
        "None yet: low stock follows the mark of each SKU, the buyers are told. Add a rule for other limits or owners."
    )
    list_display = ("kind", "sku", "category", "warehouse", "threshold_shown", "days", "department", "person", "active")
    list_display_links = ("kind",)
    list_select_related = ("sku", "warehouse", "person")
    list_filter = (("kind", admin.ChoicesFieldListFilter), ("active", admin.BooleanFieldListFilter))
    fields = ("kind", "sku", "category", "warehouse", ("threshold", "days"), ("department", "person"), "active")
    autocomplete_fields = ("sku",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[StockAlertRule]:
        return visible(cast(User, request.user), super().get_queryset(request))

    def save_model(self, request: HttpRequest, obj: StockAlertRule, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        audit.record(action="stock_alert.rule", target=obj, after={"rule": str(obj), "active": obj.active})

    @admin.display(description=_("pieces"))
    def threshold_shown(self, row: StockAlertRule) -> str:
        """The limit."""
        return readable.pieces(row.threshold)
