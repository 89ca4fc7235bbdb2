"""The stock's self-audit: its runs, what differs, what a repair would do, repaired and undone; when it runs."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import action, display

from backoffice import audit, references
from backoffice.adminkit import OneRowAdmin, OwnPageAdmin, ReadOnlyMixin, refuse
from backoffice.errors import YikuError
from backoffice.models import User
from inventory import readable, resources
from inventory.access import visible
from inventory.admin.filters import WarehouseFilter
from inventory.admin.stock import StockList
from inventory.models import AuditFinding, AuditRepair, AuditRun, AuditSetting
from inventory.self_audit import repairing, report, runs

State, Counter = AuditFinding.State, AuditFinding.Counter
STATE_LABELS = {State.OPEN: "danger", State.REPAIRED: "success", State.GONE: "default"}
RUN_LABELS = {"running": "info", "done": "success", "failed": "danger"}
REPAIR, START = "inventory.repair_auditfinding", "inventory.start_auditrun"


def figure(counter: int, value: Decimal) -> str:
    """Pieces, or money for the value."""
    return readable.money(value) if counter == Counter.VALUE else readable.pieces(value)


def _page(request: HttpRequest, template: str, model: Any, **more: Any) -> HttpResponse:
    context = {**admin.site.each_context(request), "opts": model._meta, **more}
    return TemplateResponse(request, f"admin/inventory/audit/{template}.html", context)


# --- runs ------------------------------------------------------------------------------------------------------------


@admin.register(AuditRun)
class AuditRunAdmin(ReadOnlyMixin, OwnPageAdmin):
    """Every audit: how much it compared and what it found."""

    empty_note = _("None yet: the stock is audited every night. “Audit now” does it at once.")
    list_display = ("started_at", "state_label", "started_by", "balances", "reservations", "found", "opened", "gone")
    list_display_links = ("started_at",)
    list_filter = (("state", admin.ChoicesFieldListFilter),)
    actions_list = ("audit_now",)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(start)
        return [path("start/", view, name="inventory_auditrun_start"), *super().get_urls()]

    def has_start_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may begin one."""
        return request.user.has_perm(START)

    @action(description=_("Audit now"), url_path="now", icon="fact_check", permissions=["start"])
    def audit_now(self, request: HttpRequest) -> HttpResponse:
        """To the page that begins it."""
        return HttpResponseRedirect(reverse("admin:inventory_auditrun_start"))

    def own_page(self, request: HttpRequest, row: AuditRun) -> HttpResponse:
        """The result of one audit, or how far it is."""
        rows = visible(cast(User, request.user), AuditFinding.objects.filter(last_run=row))
        rows = rows.select_related("sku", "warehouse").order_by("state", "-money", "pk")[:100]
        said = runs.told(row) if row.state == AuditRun.State.DONE else ""
        here = reverse("admin:inventory_auditrun_change", args=[row.pk])
        return _page(request, "run", AuditRun, title=str(row), run=row, rows=list(rows), said=said, here=here)

    @display(description=_("state"), label=RUN_LABELS)
    def state_label(self, row: AuditRun) -> tuple[str, str]:
        """The state as a badge."""
        return row.state, row.get_state_display()


def start(request: HttpRequest) -> HttpResponse:
    """Begin an audit after a click; the page of the run shows how far it is."""
    if not request.user.has_perm(START):
        raise PermissionDenied
    if request.method != "POST":
        return _page(request, "start", AuditRun, title=_("Audit the stock now"))
    user = cast(User, request.user)
    try:
        run = runs.begin(actor=audit.user_actor(user).name, user=user)
    except YikuError as error:
        refuse(request, error)
        return HttpResponseRedirect(reverse("admin:inventory_auditrun_changelist"))
    return HttpResponseRedirect(reverse("admin:inventory_auditrun_change", args=[run.pk]))


# --- differences -----------------------------------------------------------------------------------------------------


class StandsFilter(admin.SimpleListFilter):
    """Open ones, unless the others are asked for."""

    title, parameter_name = _("state"), "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("all", _("All, also closed")), (State.REPAIRED.value, State.REPAIRED.label),
                (State.GONE.value, State.GONE.label)]  # fmt: skip

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.value()
        return queryset if asked == "all" else queryset.filter(state=asked or State.OPEN)


@admin.register(AuditFinding)
class AuditFindingAdmin(StockList, OwnPageAdmin):
    """Counters that are not what their documents say."""

    empty_note = _("Nothing differs: every counter is what its documents say.")
    list_display = (
        "sku_shown", "place", "kind_shown", "counter_shown", "size_shown", "documents_shown", "first_seen_at",
        "last_seen_at", "state_label",
    )  # fmt: skip
    list_display_links = ("sku_shown",)
    list_filter = (WarehouseFilter, StandsFilter, ("kind", admin.ChoicesFieldListFilter))
    actions_list = ("export_xlsx",)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        cost = ("money_shown",) if readable.sees_cost(request) else ()
        return (*self.list_display[:5], *cost, *self.list_display[5:])

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(act)
        return [path("<int:pk>/do/", view, name="inventory_auditfinding_do"), *super().get_urls()]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Describe the documents of one page at once."""
        shown = super().get_changelist_instance(request)
        named = references.describe(request, {text for row in shown.result_list for text in row.documents})
        for row in shown.result_list:
            row.described = [named[text] for text in row.documents]
        return shown

    def own_page(self, request: HttpRequest, row: AuditFinding) -> HttpResponse:
        """One difference: its documents, what a repair would change, what was done."""
        return _page(request, "finding", AuditFinding, **_of_finding(request, row))

    @action(description=_("Export"), url_path="export", icon="download", permissions=["view"])
    def export_xlsx(self, request: HttpRequest) -> HttpResponseBase:
        """All open differences this person sees."""
        rows = self.get_queryset(request).filter(state=State.OPEN)
        cost = readable.sees_cost(request)
        return resources.download(request, "stock-audit", lambda file: report.export(file, request, rows, cost=cost))

    @admin.display(description=_("what differs"))
    def kind_shown(self, row: AuditFinding) -> str:
        """Which two things disagree."""
        return row.get_kind_display()

    @admin.display(description=_("counter"))
    def counter_shown(self, row: AuditFinding) -> str:
        """Which counter."""
        return row.get_counter_display()

    @admin.display(description=_("is / should be"))
    def size_shown(self, row: AuditFinding) -> str:
        """Both figures."""
        return f"{figure(row.counter, row.found)} / {figure(row.counter, row.should_be)}"

    @admin.display(description=_("value"))
    def money_shown(self, row: AuditFinding) -> str:
        """What the difference is worth."""
        return readable.money(row.money)

    @admin.display(description=_("documents"))
    def documents_shown(self, row: Any) -> str:
        """Links for who may open them."""
        shown = ((one.url, one.label) for one in row.described[:2])
        return format_html_join(mark_safe("<br>"), '<a class="text-primary-600" href="{}">{}</a>', shown) or "–"

    @display(description=_("state"), label=STATE_LABELS)
    def state_label(self, row: AuditFinding) -> tuple[str, str]:
        """The state as a badge."""
        return row.state, row.get_state_display()


def _of_finding(request: HttpRequest, row: AuditFinding) -> dict[str, Any]:
    problem, changes = "", []
    if row.state == State.OPEN:
        try:
            changes = repairing.preview(row)
        except YikuError as refusal:
            problem = str(refusal)
    named = references.describe(request, [*row.documents, *(one.reference for one in changes)])
    return {
        "title": str(row),
        "row": row,
        "found": figure(row.counter, row.found),
        "should_be": figure(row.counter, row.should_be),
        "changes": [_told(one, named) for one in changes],
        "size": repairing.size_of(row, changes) if changes else None,
        "problem": problem,
        "documents": [named[text] for text in row.documents],
        "repairs": list(row.repairs.all()),
        "may_repair": request.user.has_perm(REPAIR),
        "see_cost": readable.sees_cost(request),
        "entries_url": reverse("admin:inventory_stockentry_changelist")
        + f"?q={row.sku.code}&warehouse={row.warehouse_id}",
    }


def _told(one: repairing.Change, named: dict[str, Any]) -> dict[str, Any]:
    return {
        "what": HOW[one.what], "counter": Counter(one.counter).label, "amount": one.pieces,
        "money": one.counter == Counter.VALUE, "reference": named.get(one.reference) if one.reference else None,
    }  # fmt: skip


HOW = {
    "balance": _("the balance is set to its movements"),
    "row": _("the reservation is set to its movements"),
    "book": _("one movement, and the reservation with it"),
    "entry": _("one movement"),
    "layers": _("the cost layers become one, with what the balance holds"),
}


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Repair a difference of the size that was shown, or undo a repair."""
    if not request.user.has_perm(REPAIR):
        raise PermissionDenied
    row = visible(cast(User, request.user), AuditFinding.objects.filter(pk=pk)).first()
    if row is None:
        raise Http404
    actor = audit.user_actor(cast(User, request.user)).name
    try:
        if request.POST.get("do") == "repair":
            size = _size(request.POST.get("size", ""))
            reason = request.POST.get("reason", "").replace("\0", "").strip()
            repairing.repair(finding_id=row.pk, size=size, actor=actor, reason=reason)
            messages.success(request, _now("Repaired. It can be undone below."))
        else:
            repairing.undo(repair_id=_repair(request, row), actor=actor)
            messages.success(request, _now("Undone: the opposite was written, the difference is open again."))
    except YikuError as refusal:
        refuse(request, refusal)
    return HttpResponseRedirect(reverse("admin:inventory_auditfinding_change", args=[row.pk]))


def _size(text: str) -> Decimal:
    try:
        found = Decimal(text[:40])
    except InvalidOperation:
        raise Http404 from None
    if not found.is_finite():
        raise Http404
    return found


def _repair(request: HttpRequest, row: AuditFinding) -> int:
    asked = request.POST.get("repair", "")
    if not asked.isdecimal() or len(asked) > 18:
        raise Http404
    found = AuditRepair.objects.filter(finding=row, pk=int(asked)).values_list("pk", flat=True).first()
    if found is None:
        raise Http404
    return found


# --- the setting -----------------------------------------------------------------------------------------------------


@admin.register(AuditSetting)
class AuditSettingAdmin(OneRowAdmin):
    """When the audit runs, and what counts as forgotten."""

    fields = (("audit_at", "enabled"), "ghost_days")

    def save_model(self, request: HttpRequest, obj: AuditSetting, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        after = {"audit_at": str(obj.audit_at), "enabled": obj.enabled, "ghost_days": obj.ghost_days}
        audit.record(action="stock_audit.setting", target=obj, after=after)
