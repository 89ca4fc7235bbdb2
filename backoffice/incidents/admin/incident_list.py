"""The list of incidents: the most urgent first, quick views, what is done to many at once."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action, display

from backoffice.adminkit import Outcome, YikuModelAdmin, refuse, report_outcomes
from backoffice.departments import Department
from backoffice.errors import YikuError
from backoffice.incidents import causes, desk, kinds
from backoffice.incidents.admin import incident_page, views, wording
from backoffice.incidents.sight import places, visible
from backoffice.models import Incident
from backoffice.models.incidents import Severity
from backoffice.notices import incident_url

STATES = {"open": "warning", "acknowledged": "primary", "reopened": "danger", "resolved": "success", "gone": "info"}
SEVERITIES = {Severity.LOW: "default", Severity.NORMAL: "info", Severity.HIGH: "warning", Severity.CRITICAL: "danger"}


@admin.register(Incident)
class IncidentAdmin(YikuModelAdmin):
    """Every trouble of the house."""

    list_display = ("what", "state_shown", "severity_shown", "whose", "place", "due", "times", "seen")
    list_display_links = ("what",)
    list_filter = (
        views.ViewFilter,
        views.KindFilter,
        ("state", admin.ChoicesFieldListFilter),
        ("department", admin.ChoicesFieldListFilter),
        ("severity", admin.ChoicesFieldListFilter),
        views.ShopFilter,
    )
    list_select_related = ("person",)
    list_before_template = "admin/incidents/views.html"
    ordering = ("due_at", "id")
    sortable_by = ("due", "seen")
    search_fields = ("pk",)  # what it finds is said by get_search_results
    search_help_text = _("The incident's number, or what it is about: orders.order:42")
    empty_note = _("Nothing is wrong here. Troubles come by themselves; report by hand what no source of ours sees.")
    actions = ("take", "give", "close")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incident]:
        return visible(request.user, super().get_queryset(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Incident], search_term: str
    ) -> tuple[QuerySet[Incident], bool]:
        """By number, or by the row it is about."""
        term = search_term.replace("\0", "").strip()
        number = term.removeprefix("#")
        if number.isdecimal() and len(number) < 18:
            return queryset.filter(pk=int(number)), False
        return (queryset.filter(links__target=term[:120]) if term else queryset), False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is edited as a row: the buttons do it."""
        return False

    def has_work_permission(self, request: HttpRequest) -> bool:
        """Who may take in hand, assign and resolve."""
        return request.user.has_perm("backoffice.work_incident")

    # --- pages -------------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        act = self.admin_site.admin_view(incident_page.act)
        return [path("<int:pk>/do/", act, name="backoffice_incident_do"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        more = {"incident_tabs": views.tabs(request), "title": _("Incident desk")}
        self.places = places()  # read once a page
        return super().changelist_view(request, {**more, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return incident_page.show(self, request, row)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return incident_page.add(self, request)

    # --- columns -----------------------------------------------------------------------------------------------------

    @display(description=_("what is wrong"), header=True)
    def what(self, row: Incident) -> list[str]:
        """The sentence, and its kind with the number."""
        return [kinds.sentence_of(row.kind, row.data)[:160], f"{kinds.title_of(row.kind)} · #{row.pk}"]

    @display(description=_("state"), label=STATES)
    def state_shown(self, row: Incident) -> tuple[str, str]:
        """As a badge."""
        return row.state, row.get_state_display()

    @display(description=_("severity"), label=SEVERITIES)
    def severity_shown(self, row: Incident) -> tuple[str, str]:
        """As a badge."""
        return row.severity, row.get_severity_display()

    @admin.display(description=_("whose"))
    def whose(self, row: Incident) -> str:
        """Department and person; the level it was escalated to."""
        if not row.level or not row.is_open:
            return wording.owner(row)
        level = _now("escalated, level %d") % row.level
        return format_html('{}<span class="block text-xs text-red-600">{}</span>', wording.owner(row), level)

    @admin.display(description=_("where"))
    def place(self, row: Incident) -> str:
        """Shop or warehouse."""
        found = (self.places.shops.get(row.shop_id or 0), self.places.warehouses.get(row.warehouse_id or 0))
        return " · ".join(name for name in found if name)

    @admin.display(description=_("due"), ordering="due_at")
    def due(self, row: Incident) -> str:
        """What is left of the clock that runs, red when it is over."""
        if not row.is_open:
            return wording.moment(row.closed_at)
        text, late = wording.left(row.due_at)
        what = _now("to resolve") if row.state == Incident.State.ACKNOWLEDGED else _now("to take in hand")
        tone = "text-red-600 font-semibold" if late else ""
        return format_html(
            '<span class="{} whitespace-nowrap">{}</span><span class="block text-xs text-base-500">{}</span>',
            tone, text, what,
        )  # fmt: skip

    @admin.display(description=_("times"))
    def times(self, row: Incident) -> str:
        """How often it was reported."""
        return f"{row.count} ×" if row.count > 1 else ""

    @admin.display(description=_("last seen"), ordering="last_seen_at")
    def seen(self, row: Incident) -> str:
        """How long ago."""
        return wording.age(row.last_seen_at)

    # --- many at once ------------------------------------------------------------------------------------------------

    @action(description=_("Take in hand"), permissions=["work"])
    def take(self, request: HttpRequest, queryset: QuerySet[Incident]) -> None:
        """They are mine now, unless they have a name."""
        self._report(request, desk.acknowledge_many(ids=_ids(queryset), user=request.user))  # type: ignore[arg-type]

    @action(description=_("Assign…"), permissions=["work"])
    def give(self, request: HttpRequest, queryset: QuerySet[Incident]) -> HttpResponse | None:
        """To a department or a person."""
        return self._ask(request, queryset, "give", _now("Assign"), self._give)

    @action(description=_("Resolve…"), permissions=["work"])
    def close(self, request: HttpRequest, queryset: QuerySet[Incident]) -> HttpResponse | None:
        """With a cause and what was done."""
        return self._ask(request, queryset, "close", _now("Resolve"), self._close)

    def _give(self, request: HttpRequest, ids: list[int]) -> list[desk.RowOutcome]:
        return desk.assign_many(
            ids=ids, department=request.POST.get("department", ""), person=incident_page.person_of(request),
            note=request.POST.get("text", ""),
        )  # fmt: skip

    def _close(self, request: HttpRequest, ids: list[int]) -> list[desk.RowOutcome]:
        return desk.resolve_many(ids=ids, cause=incident_page.cause_of(request), done=request.POST.get("text", ""))

    def _ask(
        self, request: HttpRequest, queryset: QuerySet[Incident], name: str, title: str, work: Any
    ) -> HttpResponse | None:
        """Ask on a page of its own, then do it; a refusal of all of them leaves the question open."""
        if "confirmed" in request.POST:
            try:
                self._report(request, work(request, _ids(queryset)))
                return HttpResponseRedirect(request.get_full_path())
            except YikuError as error:
                refuse(request, error)
        rows = list(queryset)
        context = {
            **self.admin_site.each_context(request), "title": title, "action": name, "opts": self.opts,
            "media": self.media, "departments": Department.choices, "people": incident_page.people(),
            "rows": [(row, kinds.sentence_of(row.kind, row.data)) for row in rows],
            "causes": causes.for_kind(rows[0].kind if len({row.kind for row in rows}) == 1 else ""),
            "text": request.POST.get("text", ""),
        }  # fmt: skip
        return TemplateResponse(request, "admin/incidents/many.html", context)

    def _report(self, request: HttpRequest, told: list[desk.RowOutcome]) -> None:
        outcomes = [
            Outcome(f"#{one.incident_id}", "" if one.ok else one.message, incident_url(one.incident_id)) for one in told
        ]
        done = sum(one.ok for one in told)
        report_outcomes(request, outcomes, ngettext("%(count)d incident done.", "%(count)d incidents done.", done))


def _ids(queryset: QuerySet[Incident]) -> list[int]:
    return list(queryset.values_list("pk", flat=True))
