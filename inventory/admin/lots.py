"""Lots and serials: the list, the way to each lot's page, the house's rule."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.formats import date_format
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from backoffice import audit
from backoffice.adminkit import OneRowAdmin, OwnPageAdmin
from backoffice.search import prefix_condition, search_form
from inventory import home, readable
from inventory.admin import lot_page, tracking_page
from inventory.lots import ageing
from inventory.lots.registry import house_days
from inventory.lots.shelf import sellable, today
from inventory.models import Lot, LotBalance, LotSetting, Sku

LABELS = {"open": "success", "blocked": "danger", "expired": "danger", "soon": "warning"}


class StandFilter(admin.SimpleListFilter):
    """Lots that lie somewhere, unless all are asked for."""

    title, parameter_name = _("where"), "stand"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("blocked", _("Blocked")), ("expired", _("Expired")), ("all", _("All, also used up"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "all":
            return queryset
        there = LotBalance.objects.filter(on_hand__gt=0).values("lot_id")
        rows = queryset.filter(pk__in=there)
        if self.value() == "blocked":
            return rows.filter(state=Lot.State.BLOCKED)
        return rows.filter(expires_on__lt=today()) if self.value() == "expired" else rows


@admin.register(Lot)
class LotAdmin(OwnPageAdmin):
    """Every lot that lies somewhere; what expires first stands first."""

    empty_note = _("None yet: open a SKU, choose “Lots and serials…”, and its goods are told apart from then on.")
    list_display = ("named", "sku_shown", "state_label", "expires_shown", "there", "first_received_at")
    list_display_links = ("named",)
    list_filter = (StandFilter,)
    list_select_related = ("sku",)
    ordering = ("expires_on", "id")
    search_fields = ("number_key",)  # get_search_results says how
    search_help_text = _("Lot or serial number, or SKU code: type the beginning")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Lot]:
        seen = home.own(request, LotBalance.objects.filter(on_hand__gt=0))
        return super().get_queryset(request).prefetch_related(Prefetch("balances", seen, to_attr="seen"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Lot], search_term: str
    ) -> tuple[QuerySet[Lot], bool]:
        term = search_form(search_term)
        if not term:
            return queryset, False
        skus = Sku.objects.filter(prefix_condition(["code_key"], term)).values_list("pk", flat=True)[:1_000]
        return queryset.filter(prefix_condition(["number_key"], term) | Q(sku_id__in=list(skus))), False

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/do/", wrap(lot_page.act), name="inventory_lot_do"),
            path("<int:pk>/recall.xlsx", wrap(lot_page.out), name="inventory_lot_xlsx"),
            path("tracking/<int:pk>/", wrap(tracking_page.page), name="inventory_lot_tracking"),
        ]
        return [*own, *super().get_urls()]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        shown = super().get_changelist_instance(request)
        house, day = house_days(), today()
        for row in shown.result_list:
            days = house if row.sku.ship_days is None else row.sku.ship_days
            good = sellable(Lot.State.OPEN, row.expires_on, days, day)
            row.standing = "blocked" if row.state == Lot.State.BLOCKED else "open" if good else "expired"
        return shown

    def own_page(self, request: HttpRequest, row: Lot) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **lot_page.context(request, row)}
        return TemplateResponse(request, "admin/inventory/lot/page.html", context)

    @admin.display(description=_("lot or serial number"), ordering="number_key")
    def named(self, row: Lot) -> str:
        """The number."""
        return str(row)

    @display(description=_("SKU"), header=True)
    def sku_shown(self, row: Lot) -> list[str]:
        """Code and name."""
        return [row.sku.code, row.sku.name]

    @display(description=_("state"), label=LABELS)
    def state_label(self, row: Any) -> tuple[str, str]:
        """Whether it may be sold."""
        names = {"blocked": _now("Blocked"), "open": _now("May be sold"), "expired": _now("Not to be sold any more")}
        return row.standing, names[row.standing]

    @admin.display(description=_("expires on"), ordering="expires_on")
    def expires_shown(self, row: Lot) -> str:
        """The day."""
        return date_format(row.expires_on, "SHORT_DATE_FORMAT") if row.expires_on else readable.NONE

    @admin.display(description=_("on hand"))
    def there(self, row: Any) -> str:
        """Pieces in the warehouses this person sees."""
        return readable.pieces(sum((one.on_hand for one in row.seen), Decimal(0)) if row.seen else None)


@admin.register(LotSetting)
class LotSettingAdmin(OneRowAdmin):
    """What may still be shipped, and when near expiry is told."""

    fields = ("ship_days", "alert_days")

    def save_model(self, request: HttpRequest, obj: LotSetting, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        audit.record(action="lot.setting", target=obj, after={"ship": obj.ship_days, "alert": obj.alert_days})
        ageing.sweep()
