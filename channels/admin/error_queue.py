"""The error queue: what happened, what to do, run again — one row or many."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import action, display

from backoffice import audit
from backoffice.adminkit import Outcome, report_outcomes
from backoffice.search import prefix_condition, search_form
from channels import error_queue, naming, reruns, wording
from channels.admin import kit
from channels.models import ErrorState, InboundPayload, SyncError

STATES = {ErrorState.OPEN: "danger", ErrorState.RESOLVED: "success", ErrorState.IGNORED: "info"}
KINDS = {
    "order": _("order"),
    "listing": _("listing"),
    "stock": _("stock figure"),
    "tracking": _("parcel"),
    "hook": _("webhook"),
    "account": _("account"),
    "token": _("access"),
}
REVEALED = "channels_revealed"  # in the session: the text uncovered last, for the next look only


@admin.register(SyncError)
class SyncErrorAdmin(kit.ShopsAdmin):
    """Every failure as a row."""

    empty_note = _("All is well: what a platform refuses or nobody can read waits here for a person.")
    list_display = ("what", "kind_shown", "subject", "account", "state_shown", "attempts", "last_seen")
    list_display_links = ("what",)
    list_filter = (("state", admin.ChoicesFieldListFilter), kit.AccountFilter)
    list_select_related = ("account",)
    ordering = ("-last_seen_at", "-id")
    prefix_search = ("reference",)
    search_help_text = _("SKU, order number or platform's id: type the beginning")
    actions = ("run_again", "ignore")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are closed by what they are about, or by the buttons."""
        return False

    def has_rerun_permission(self, request: HttpRequest) -> bool:
        """Who may run rows again."""
        return kit.may(request, "rerun_syncerror")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[SyncError], search_term: str
    ) -> tuple[QuerySet[SyncError], bool]:
        """By the platform's id as it stands in the row, by SKU, by order number."""
        term = search_form(search_term)
        if not term:
            return queryset, False
        found = prefix_condition(["reference"], search_term.strip())
        for beginning in naming.references_like(search_term):
            found |= Q(reference=beginning) | Q(reference__startswith=f"{beginning}@")
        return queryset.filter(found), False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Say what the entries of one page are about, at once."""
        shown = super().get_changelist_instance(request)
        named = naming.subjects(request, shown.result_list)
        for row in shown.result_list:
            row.about = named[row.pk]
        return shown

    def get_urls(self) -> list[Any]:
        return [
            path("<int:pk>/do/", self.admin_site.admin_view(act), name="channels_syncerror_do"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One failure: cause, what to do, the buttons, the text behind it for those who may see it."""
        kit.demand(request, "view_syncerror")
        row = kit.get(request, SyncError.objects.select_related("account", "payload"), object_id)
        revealed = request.session.pop(REVEALED, None) == row.payload_id and kit.may(request, "reveal_inboundpayload")
        what, advice = wording.explained(row)
        page = kit.context(
            self.admin_site,
            request,
            what,
            opts=self.opts,
            original=what,
            row=row,
            what=what,
            advice=advice,
            kind=KINDS.get(row.kind, row.kind),
            about=naming.subjects(request, [row])[row.pk],
            text=pretty(row.payload) if revealed and row.payload else "",
            may_rerun=self.has_rerun_permission(request),
            may_reveal=kit.may(request, "reveal_inboundpayload"),
        )
        return TemplateResponse(request, "admin/channels/sync_error.html", page)

    @action(description=_("Run again"), permissions=["rerun"])
    def run_again(self, request: HttpRequest, queryset: QuerySet[SyncError]) -> None:
        """Run the chosen rows again; each says what became of it."""
        rows = {row.pk: row for row in queryset}
        told = reruns.rerun(error_ids=list(rows), actor=kit.actor())
        outcomes = [Outcome(str(rows[one.error_id]), "" if one.ok else _why(one)) for one in told]
        report_outcomes(request, outcomes, _now("%(count)d were run again."))

    @action(description=_("Ignore"), permissions=["rerun"])
    def ignore(self, request: HttpRequest, queryset: QuerySet[SyncError]) -> None:
        """Close the chosen rows: nothing has to be done."""
        ids = list(queryset.values_list("pk", flat=True))
        count = error_queue.ignore(SyncError.objects.filter(pk__in=ids), actor=kit.actor())
        messages.success(request, _now("%(count)d were closed.") % {"count": count})

    @admin.display(description=_("what happened"))
    def what(self, row: SyncError) -> str:
        """A sentence for a clerk."""
        return wording.explained(row)[0]

    @display(description=_("about"), header=True)
    def subject(self, row: Any) -> list[Any]:
        """The SKU and where, or the order."""
        return [row.about.label, row.about.note]

    @admin.display(description=_("kind"))
    def kind_shown(self, row: SyncError) -> Any:
        """What it is about."""
        return KINDS.get(row.kind, row.kind)

    @display(description=_("state"), label=STATES)
    def state_shown(self, row: SyncError) -> tuple[str, str]:
        """Open or closed."""
        return row.state, row.get_state_display()

    @admin.display(description=_("last seen"))
    def last_seen(self, row: SyncError) -> str:
        """How long ago."""
        return kit.age(row.last_seen_at)


def _why(one: reruns.Rerun) -> str:
    return str(one.message) or wording.sentence(one.code)


def pretty(payload: InboundPayload) -> str:
    """Return a stored text, laid out if it is JSON."""
    try:
        return json.dumps(json.loads(payload.body), ensure_ascii=False, indent=2)
    except ValueError:
        return payload.body


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Run again, ignore, or uncover the text for one look (recorded)."""
    kit.demand(request, "view_syncerror")
    row = kit.get(request, SyncError.objects.select_related("account", "payload"), pk)
    work = {"rerun": _rerun, "ignore": _ignore, "reveal": _reveal}.get(request.POST.get("do", ""))
    if work is None:
        raise Http404
    work(request, row)
    return HttpResponseRedirect(kit.url("syncerror_change", row.pk))


def _rerun(request: HttpRequest, row: SyncError) -> None:
    kit.demand(request, "rerun_syncerror")
    (told,) = reruns.rerun(error_ids=[row.pk], actor=kit.actor())
    if told.ok:
        messages.success(request, str(told.message) or _now("It worked this time."))
    else:
        messages.error(request, _why(told))


def _ignore(request: HttpRequest, row: SyncError) -> None:
    kit.demand(request, "rerun_syncerror")
    error_queue.ignore(SyncError.objects.filter(pk=row.pk), actor=kit.actor())
    messages.success(request, _now("Closed."))


def _reveal(request: HttpRequest, row: SyncError) -> None:
    kit.demand(request, "reveal_inboundpayload")
    if row.payload is not None:
        audit.record(action="payload.reveal", target=row.payload, request=request, summary=row.reference)
        request.session[REVEALED] = row.payload_id
