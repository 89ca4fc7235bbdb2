"""What came in: visits, delivered texts (without their content), webhooks, refused calls."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from backoffice.adminkit import ReadOnlyMixin, YikuModelAdmin
from channels import wording
from channels.admin import kit
from channels.models import ArrivalState, InboundPayload, PollRun, WebhookArrival, WebhookRefusal

ARRIVALS = {ArrivalState.WAITING: "info", ArrivalState.DONE: "success", ArrivalState.FAILED: "danger"}


@admin.register(PollRun)
class PollRunAdmin(kit.RunColumns, kit.ShopsLog):
    """Each visit to a platform."""

    list_display = (
        "started_at",
        "account",
        "kind_shown",
        "trigger_shown",
        "pages",
        "seen",
        "fresh",
        "created",
        "changed",
        "parked",
        "outcome_shown",
    )
    list_display_links = ("started_at",)
    list_filter = (kit.AccountFilter, ("started_at", RangeDateTimeFilter))
    list_select_related = ("account",)
    ordering = ("-id",)
    fields = readonly_fields = (
        "account", "kind_shown", "trigger_shown", "started_at", "ended_at", "since", "walk", "resumed", "pages", "seen",
        "fresh", "created", "changed", "parked", "outcome_shown", "reason", "server_time", "clock_skew",
    )  # fmt: skip

    @admin.display(description=_("kind"))
    def kind_shown(self, run: PollRun) -> Any:
        """What was asked for."""
        return wording.VISITS.get(run.kind, run.kind)


@admin.register(InboundPayload)
class InboundPayloadAdmin(kit.ShopsLog):
    """Delivered order texts. The text itself is shown from the error queue, to those who may, and recorded."""

    list_display = ("received_at", "account", "external_id", "size", "platform_updated_at", "expires_at")
    list_display_links = ("received_at",)
    list_filter = (kit.AccountFilter,)
    list_select_related = ("account",)
    ordering = ("-id",)
    prefix_search = ("external_id",)
    fields = readonly_fields = (
        "account", "kind", "external_id", "sha256", "size", "platform_updated_at", "received_at", "expires_at", "run",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("body")


@admin.register(WebhookArrival)
class WebhookArrivalAdmin(kit.ShopsLog):
    """Calls that proved themselves."""

    list_display = ("received_at", "account", "topic", "resource_id", "state_shown", "repeats", "attempts", "reason")
    list_display_links = ("received_at",)
    list_filter = (kit.AccountFilter, ("state", admin.ChoicesFieldListFilter))
    list_select_related = ("account",)
    ordering = ("-id",)
    fields = readonly_fields = (
        "account", "topic", "kind", "resource_id", "delivery_id", "event_id", "triggered_at", "received_at", "repeats",
        "state_shown", "attempts", "not_before", "done_at", "reason",
    )  # fmt: skip

    @display(description=_("state"), label=ARRIVALS)
    def state_shown(self, row: WebhookArrival) -> tuple[str, str]:
        """What became of it."""
        return row.state, row.get_state_display()

    @admin.display(description=_("reason"))
    def reason(self, row: WebhookArrival) -> str:
        """Why it failed."""
        return wording.sentence(row.code)


@admin.register(WebhookRefusal)
class WebhookRefusalAdmin(ReadOnlyMixin, YikuModelAdmin):
    """How many calls were refused."""

    list_display = ("day", "platform", "reason", "count", "last_at")
    list_display_links = None
    ordering = ("-day", "-id")

    @admin.display(description=_("reason"))
    def reason(self, row: WebhookRefusal) -> str:
        """Why."""
        return wording.sentence(row.code)
