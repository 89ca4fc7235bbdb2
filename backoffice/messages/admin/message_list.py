"""What went out and what waits: masked without the right, each look at the text recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from unfold.decorators import action, display

from backoffice import audit, masking, references
from backoffice.adminkit import Outcome, ReadOnlyMixin, YikuModelAdmin, outcome_of, report_outcomes
from backoffice.errors import YikuError
from backoffice.incidents.admin import wording
from backoffice.incidents.sight import condition, sight
from backoffice.messages import files, queueing, registry
from backoffice.models import MessageTemplate, OutgoingMessage

State = OutgoingMessage.State
STATES = {
    State.QUEUED: "info", State.SENDING: "primary", State.SENT: "success", State.FAILED: "warning",
    State.PARKED: "danger", State.BY_HAND: "warning", State.CANCELLED: "default",
}  # fmt: skip
CHANNELS = {**dict(MessageTemplate.Channel.choices), "robot": _("Group robot")}
REVEALED = "messages_revealed"  # in the session: the message uncovered last, for the next look only


def visible(request: HttpRequest) -> QuerySet[OutgoingMessage]:
    """Return the messages a person may see: those of his shops; those to staff are for who runs the house."""
    rows = OutgoingMessage.objects.filter(condition(sight(request.user), warehouse=False))
    return rows if request.user.has_perm("backoffice.change_worktime") else rows.filter(staff=False)


def masked(row: OutgoingMessage) -> str:
    """Return the recipient, recognisable and no more."""
    if not row.to:
        return "–"
    if row.channel == "robot":
        return _now("robot %s") % row.to
    if "@" in row.to:
        return masking.email(row.to)
    return masking.phone(row.to) if row.channel == "sms" else masking.name(row.to)


class ChannelFilter(admin.SimpleListFilter):
    """The channels in words."""

    title = _("channel")
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(CHANNELS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutgoingMessage]) -> QuerySet[OutgoingMessage]:
        return queryset.filter(channel=self.value()) if self.value() else queryset


@admin.register(OutgoingMessage)
class OutgoingMessageAdmin(ReadOnlyMixin, YikuModelAdmin):
    """The way out. Rows are made by the work itself."""

    list_display = ("about", "channel_shown", "to_shown", "template", "state_shown", "why", "attempts", "created_at")
    list_display_links = ("about",)
    list_filter = (
        ("state", admin.ChoicesFieldListFilter),
        ChannelFilter,
        "staff",
        ("template", admin.RelatedOnlyFieldListFilter),
    )
    list_select_related = ("template",)
    ordering = ("-id",)
    search_fields = ("reference",)
    search_help_text = _("What it is about (orders.order:42), or the whole address or phone number of the recipient")
    empty_note = _("No message yet. Write templates under “Message templates”; an order's page sends them.")
    actions = ("cancel_them", "repeat_them")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutgoingMessage]:
        return visible(request).defer("body")

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Who may cancel and repeat."""
        return request.user.has_perm("backoffice.send_message")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[OutgoingMessage], search_term: str
    ) -> tuple[QuerySet[OutgoingMessage], bool]:
        """By reference; by the whole recipient for who may read recipients, so that nobody finds out by guessing."""
        term = search_term.replace("\0", "").strip()[:320]
        if not term:
            return queryset, False
        if request.user.has_perm("backoffice.reveal_message") and ":" not in term:
            return queryset.filter(to_key=queueing.recipient_key(term)), False
        return queryset.filter(reference=term[:120]), False

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(act)
        return [path("<int:pk>/do/", page, name="backoffice_outgoingmessage_do"), *super().get_urls()]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Say what the messages of one page are about, at once."""
        shown = super().get_changelist_instance(request)
        named = references.describe(request, [row.reference for row in shown.result_list])
        for row in shown.result_list:
            row.named = named[row.reference].label or f"#{row.pk}"
        return shown

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return TemplateResponse(request, "admin/messages/page.html", self._page(request, row))

    def _page(self, request: HttpRequest, row: OutgoingMessage) -> dict[str, Any]:
        may_reveal = request.user.has_perm("backoffice.reveal_message")
        clear = request.session.pop(REVEALED, None) == row.pk and may_reveal and row.erased_at is None
        may_send = self.has_send_permission(request) and row.erased_at is None
        about = references.describe(request, [row.reference])[row.reference] if row.reference else None
        return {
            **self.admin_site.each_context(request), "title": _now("Message %s") % row, "opts": self.opts,
            "original": row, "row": row, "about": about, "clear": clear,
            "to": row.to if clear else masked(row), "channel": CHANNELS.get(row.channel, row.channel),
            "why": registry.why(row.code) if row.code else "", "where": answer(row),
            "may_reveal": may_reveal and not clear and row.erased_at is None and not row.staff,
            "can": {
                "cancel": may_send and row.state in (State.QUEUED, State.FAILED, State.PARKED, State.BY_HAND),
                "repeat": may_send and row.state in (State.PARKED, State.CANCELLED),
                "done": may_send and row.state == State.BY_HAND,
            },
            "staff_text": row.body if row.staff else "",
        }  # fmt: skip

    @action(description=_("Cancel"), permissions=["send"])
    def cancel_them(self, request: HttpRequest, queryset: QuerySet[OutgoingMessage]) -> None:
        """Take back what has not gone."""
        _each(request, queryset, lambda row: queueing.cancel(message=row))

    @action(description=_("Try again"), permissions=["send"])
    def repeat_them(self, request: HttpRequest, queryset: QuerySet[OutgoingMessage]) -> None:
        """Let parked ones go again."""
        _each(request, queryset, lambda row: queueing.repeat(message=row))

    @admin.display(description=_("about"))
    def about(self, row: Any) -> str:
        """The order, the person, the incident."""
        return str(getattr(row, "named", row.reference))

    @admin.display(description=_("channel"))
    def channel_shown(self, row: OutgoingMessage) -> Any:
        """In words."""
        return CHANNELS.get(row.channel, row.channel)

    @admin.display(description=_("recipient"))
    def to_shown(self, row: OutgoingMessage) -> str:
        """Masked."""
        return masked(row)

    @display(description=_("state"), label=STATES)
    def state_shown(self, row: OutgoingMessage) -> tuple[str, str]:
        """As a badge."""
        return row.state, row.get_state_display()

    @admin.display(description=_("reason"))
    def why(self, row: OutgoingMessage) -> str:
        """Why it did not go; the file it went into."""
        return registry.why(row.code) if row.code else answer(row)


def answer(row: OutgoingMessage) -> str:
    """Return what the gateway said, or where the file lies."""
    if row.erased_at:
        return _now("erased")
    if row.answer.startswith("file:"):
        return _now("written to %s") % (files.folder() / row.answer.removeprefix("file:"))
    return row.answer


def _each(request: HttpRequest, queryset: QuerySet[OutgoingMessage], work: Callable[[OutgoingMessage], None]) -> None:
    outcomes: list[Outcome] = []
    for row in queryset:
        try:
            work(row)
            outcomes.append(outcome_of(row))
        except YikuError as error:
            outcomes.append(outcome_of(row, error))
    done = sum(one.ok for one in outcomes)
    report_outcomes(request, outcomes, ngettext("%(count)d message done.", "%(count)d messages done.", done))


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Do what a button of the page says."""
    if not request.user.has_perm("backoffice.view_outgoingmessage"):
        raise PermissionDenied
    row = visible(request).filter(pk=pk).first()
    permission, work = WORK.get(request.POST.get("do", ""), ("", None))
    if row is None or work is None:
        raise Http404
    if not request.user.has_perm(permission):
        raise PermissionDenied
    try:
        told = work(request, row)
        if told:
            messages.success(request, told)
    except YikuError as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(reverse("admin:backoffice_outgoingmessage_change", args=[pk]))


def _reveal(request: HttpRequest, row: OutgoingMessage) -> str:
    audit.record(action="message.reveal", target=row, request=request)
    request.session[REVEALED] = row.pk
    return ""


def _cancel(request: HttpRequest, row: OutgoingMessage) -> str:
    queueing.cancel(message=row)
    return _now("Cancelled: it is not sent.")


def _repeat(request: HttpRequest, row: OutgoingMessage) -> str:
    queueing.repeat(message=row)
    return _now("It is tried again now.")


def _done(request: HttpRequest, row: OutgoingMessage) -> str:
    queueing.done_by_hand(message=row)
    return _now("Noted as sent.")


SEND = "backoffice.send_message"
WORK: dict[str, tuple[str, Callable[[HttpRequest, OutgoingMessage], str]]] = {
    "reveal": ("backoffice.reveal_message", _reveal),
    "cancel": (SEND, _cancel),
    "repeat": (SEND, _repeat),
    "done": (SEND, _done),
}


def age(row: OutgoingMessage) -> str:
    """Return how long ago it was queued."""
    return wording.age(row.created_at)
