"""Suggestions of the newest run: what to order and why, what not and why not; one click drafts purchase orders."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy
from unfold.decorators import action, display

from backoffice import audit
from backoffice.adminkit import ReadOnlyMixin, YikuModelAdmin
from backoffice.errors import YikuError
from inventory.access import visible
from orders.admin.late.sheets import workbook
from orders.admin.supply import kit, sheets
from orders.models import ReplenishRow, ReplenishRun
from orders.supply import replenishment, suggestions
from orders.supply.locking import plain

Verdict = ReplenishRow.Verdict
LIST = "admin:orders_replenishrow_changelist"
TONES = {
    Verdict.ORDER: "warning", Verdict.ENOUGH: "success", Verdict.NO_DEMAND: "", Verdict.NO_HISTORY: "info",
    Verdict.NO_SUPPLIER: "danger",
}  # fmt: skip
RAISED = {
    "minimum": _("raised to the supplier's minimum"), "pack": _("rounded up to whole packs"),
    "break": _("raised to the price break: it costs no more"),
}  # fmt: skip


@admin.register(ReplenishRow)
class ReplenishRowAdmin(ReadOnlyMixin, YikuModelAdmin):
    """Every SKU stands here, with its verdict; the newest run that ended is shown."""

    list_display = ("goods", "place", "verdict_label", "order_shown", "supplier", "cover", "risk", "drafted_as")
    list_display_links = ("goods",)
    list_filter = (("verdict", admin.ChoicesFieldListFilter), "supplier", "warehouse")
    list_select_related = ("sku", "warehouse", "supplier", "purchase")
    search_fields = ("sku__code__istartswith",)
    ordering = ("id",)
    actions = ("draft",)
    actions_list = ("calculate", "export_xlsx")
    empty_note = _("Nothing has been calculated yet: press “Calculate”.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReplenishRow]:
        run = replenishment.latest()
        rows = super().get_queryset(request).filter(run=run) if run else super().get_queryset(request).none()
        return visible(request.user, rows)

    def get_urls(self) -> list[Any]:
        own = [path("run/<int:pk>/", self.admin_site.admin_view(running), name="orders_replenishrow_run")]
        return [*own, *super().get_urls()]

    def has_draft_permission(self, request: HttpRequest) -> bool:
        """Who writes purchase orders."""
        return request.user.has_perm(kit.CHANGE)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The formula with its figures."""
        if not self.has_view_permission(request) or request.method != "GET":
            raise PermissionDenied
        row = (
            self.get_queryset(request).filter(pk=kit.number(object_id)).select_related("run", *self.list_select_related)
        )
        found = row.first()
        if found is None:
            raise Http404
        return kit.page(request, "why", found.sku.code, row=found, **_why(found))

    @display(description=_("SKU"), header=True)
    def goods(self, row: ReplenishRow) -> list[str]:
        """Code and name."""
        return [row.sku.code, row.sku.name]

    @admin.display(description=_("warehouse"))
    def place(self, row: ReplenishRow) -> str:
        """Where; the company as a whole without one."""
        return row.warehouse.name if row.warehouse else "–"

    @display(description=pgettext_lazy("replenishment", "verdict"), label=TONES)
    def verdict_label(self, row: ReplenishRow) -> tuple[str, str]:
        """As a badge."""
        return row.verdict, row.get_verdict_display()

    @admin.display(description=pgettext_lazy("replenishment", "to order"))
    def order_shown(self, row: ReplenishRow) -> str:
        """How many, where any."""
        return plain(row.quantity) if row.quantity else "–"

    @admin.display(description=_("here and coming / reorder point"))
    def cover(self, row: ReplenishRow) -> str:
        """What decides."""
        return f"{plain(row.position)} / {plain(row.reorder_point)}"

    @admin.display(description=_("chance to run out"))
    def risk(self, row: ReplenishRow) -> str:
        """In percent, before a delivery ordered now."""
        return f"{row.chance:.0%}" if row.mean else "–"

    @admin.display(description=_("purchase order"))
    def drafted_as(self, row: ReplenishRow) -> str | SafeString:
        """The draft it went into."""
        if row.purchase is None:
            return "–"
        url = reverse("admin:orders_purchaseorder_change", args=[row.purchase_id])
        return format_html('<a class="underline" href="{}">{}</a>', url, row.purchase.number)

    @admin.action(description=_("Draft purchase orders"), permissions=["draft"])
    def draft(self, request: HttpRequest, queryset: QuerySet[ReplenishRow]) -> None:
        """One per supplier and warehouse."""
        try:
            made = suggestions.to_drafts(
                row_ids=list(queryset.values_list("pk", flat=True)), actor=audit.current_actor().name,
                warehouses=kit.within(request),
            )  # fmt: skip
        except YikuError as refusal:
            messages.error(request, str(refusal))
            return
        told = ngettext("%(count)d purchase order drafted:", "%(count)d purchase orders drafted:", len(made))
        messages.success(request, f"{told % {'count': len(made)}} {', '.join(one.number for one in made)}")

    @action(description=_("Calculate"), url_path="calculate", icon="calculate", permissions=["draft"])
    def calculate(self, request: HttpRequest) -> HttpResponse:
        """Look at every SKU now, once the person has said so: following a link starts nothing."""
        if request.method != "POST":
            return kit.page(request, "calculate", _now("Calculate"), back=reverse(LIST))
        try:
            run = replenishment.begin(owner=request.user)  # type: ignore[arg-type]
        except YikuError as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(reverse(LIST))
        if run.ended_at is not None:
            return HttpResponseRedirect(f"{reverse(LIST)}?verdict__exact=order")
        return HttpResponseRedirect(reverse("admin:orders_replenishrow_run", args=[run.pk]))

    @action(description=_("Export"), url_path="export", icon="download", permissions=["view"])
    def export_xlsx(self, request: HttpRequest) -> HttpResponseBase:
        """Every row this person sees, with every number."""
        rows = self.get_queryset(request).select_related(*self.list_select_related).iterator(1_000)
        file = workbook(sheets.ROWS, map(sheets.suggestion_row, rows), name=_now("Suggestions"))
        return FileResponse(file, as_attachment=True, filename="replenishment.xlsx")


def running(request: HttpRequest, pk: int) -> HttpResponse:
    """The bar of a run; the list once it has ended."""
    kit.demand(request, "orders.view_replenishrow")
    run = ReplenishRun.objects.select_related("progress").filter(pk=pk).first()
    if run is None:
        raise Http404
    if run.ended_at is not None:
        return HttpResponseRedirect(f"{reverse(LIST)}?verdict__exact=order")
    return kit.page(request, "run", _now("Suggestions"), run=run)


def _why(row: ReplenishRow) -> dict[str, Any]:
    names = ("sold", "safety", "reorder_point", "order_up_to", "on_hand", "wanted", "incoming", "drafted", "quantity")
    return {
        **{name: plain(getattr(row, name)) for name in names},
        "position": plain(row.position), "mean": f"{row.mean:.2f}", "sd": f"{row.sd:.2f}",
        "lead": f"{row.lead:.1f}", "lead_sd": f"{row.lead_sd:.1f}", "z": f"{row.z:.3f}", "chance": f"{row.chance:.1%}",
        "service": f"{row.run.service_level:.1%}", "raised": RAISED.get(row.why, ""),
        "during": f"{row.mean * row.lead:.1f}",
    }  # fmt: skip
