"""Stocktakes: the list, the page of one, its buttons; and the limits above which a second person approves."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from backoffice import audit
from backoffice.adminkit import OwnPageAdmin, YikuModelAdmin
from backoffice.models import User
from inventory.access import visible
from inventory.admin import stocktake_page, stocktake_phone, stocktake_sheets
from inventory.admin.filters import WarehouseFilter
from inventory.models import Stocktake, StocktakeLimit, Warehouse

State = Stocktake.State
STATE_LABELS = {
    State.DRAFT: "default", State.COUNTING: "info", State.COUNTED: "warning", State.REVIEW: "warning",
    State.POSTED: "success", State.UNDONE: "default", State.CANCELLED: "danger",
}  # fmt: skip


@admin.register(Stocktake)
class StocktakeAdmin(OwnPageAdmin):
    """Counts of a warehouse or a part of it, as far as this person sees them."""

    empty_note = _("None yet. Plan one, print its sheet or count with a phone: you see the differences before posting.")
    list_display = ("number", "warehouse", "kind_shown", "state_label", "counted_shown", "differences", "created_at")
    list_display_links = ("number",)
    list_filter = (("state", admin.ChoicesFieldListFilter), ("kind", admin.ChoicesFieldListFilter), WarehouseFilter)
    list_select_related = ("warehouse",)
    ordering = ("-id",)
    actions_list = ("new_stocktake",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Stocktake]:
        return visible(cast(User, request.user), super().get_queryset(request))

    def has_count_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may plan and count."""
        return request.user.has_perm("inventory.count_stock")

    def get_urls(self) -> list[Any]:
        views = (
            ("new/", stocktake_page.new, "new"),
            ("<int:pk>/do/", stocktake_page.act, "do"),
            ("<int:pk>/result.xlsx", stocktake_page.result_file, "result"),
            ("<int:pk>/result.pdf", stocktake_page.result_paper, "result_pdf"),
            ("<int:pk>/sheet.xlsx", stocktake_sheets.out, "sheet_out"),
            ("<int:pk>/upload/", stocktake_sheets.upload, "upload"),
            ("sheet/<int:pk>/", stocktake_sheets.show, "sheet"),
            ("sheet/<int:pk>/do/", stocktake_sheets.act, "sheet_do"),
            ("<int:pk>/count/", stocktake_phone.phone, "count"),
            ("<int:pk>/counted/", stocktake_phone.counted, "counted"),
        )
        own = [
            path(where, self.admin_site.admin_view(view), name=f"inventory_stocktake_{name}")
            for where, view, name in views
        ]
        return [*own, *super().get_urls()]

    def own_page(self, request: HttpRequest, row: Stocktake) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts}
        more = stocktake_page.context(request, row)
        return TemplateResponse(request, "admin/inventory/stocktake/page.html", {**context, **more})

    @action(description=_("Plan a stocktake"), url_path="plan", icon="add", permissions=["count"])
    def new_stocktake(self, request: HttpRequest) -> HttpResponse:
        """To the form."""
        return HttpResponseRedirect(reverse("admin:inventory_stocktake_new"))

    @admin.display(description=_("kind"))
    def kind_shown(self, row: Stocktake) -> str:
        """Kind, and what part of the warehouse."""
        return f"{row.get_kind_display()} {stocktake_page.part_of(row)}".strip()

    @display(description=_("state"), label=STATE_LABELS)
    def state_label(self, row: Stocktake) -> tuple[str, str]:
        """The state as a badge."""
        return row.state, row.get_state_display()

    @admin.display(description=_("lines counted"))
    def counted_shown(self, row: Stocktake) -> str:
        """How many of how many."""
        return f"{row.counted_count:,} / {row.line_count:,}"

    @admin.display(description=_("differences"))
    def differences(self, row: Stocktake) -> str:
        """How many lines differ, once counting is over."""
        return "–" if row.state in (State.DRAFT, State.COUNTING) else f"{row.difference_count:,}"


@admin.register(StocktakeLimit)
class StocktakeLimitAdmin(YikuModelAdmin):
    """One row a warehouse."""

    empty_note = _("None yet: the warehouse's adjustment limit holds. Add a row to limit value and percent too.")
    list_display = ("warehouse", "quantity", "value", "percent")
    list_select_related = ("warehouse",)
    fields = ("warehouse", "quantity", "value", "percent")

    def get_queryset(self, request: HttpRequest) -> QuerySet[StocktakeLimit]:
        return visible(cast(User, request.user), super().get_queryset(request))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only warehouses the person sees."""
        if db_field.name == "warehouse":
            kwargs["queryset"] = visible(cast(User, request.user), Warehouse.objects.all())
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: StocktakeLimit, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        after = {name: str(getattr(obj, name)) for name in ("quantity", "value", "percent")}
        audit.record(action="stocktake.limit", target=obj, summary=obj.warehouse.code, after=after)
