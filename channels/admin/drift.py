"""Drift: figures that a platform changed or never took."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from channels.admin import kit
from channels.models import DriftFinding, DriftRun, DriftState

STATES = {DriftState.OPEN: "danger", DriftState.HEALING: "warning", DriftState.RESOLVED: "success"}
KINDS = {
    "changed": _("changed there"),
    "ignored": _("our write was ignored"),
    "missing": _("gone or not stocked there"),
}


@admin.register(DriftFinding)
class DriftFindingAdmin(kit.ShopsLog):
    """Each difference that no order and no pending write explains."""

    empty_note = _("Every shop shows what we sent. The shops are compared every hour.")
    list_display = ("found_at", "listing", "account", "kind_shown", "ours", "theirs", "last_sent", "state_shown")
    list_display_links = ("found_at",)
    list_filter = (kit.AccountFilter, ("state", admin.ChoicesFieldListFilter))
    list_select_related = ("account", "listing")
    ordering = ("-id",)
    fields = readonly_fields = (
        "account", "listing", "location", "kind_shown", "ours", "theirs", "last_sent", "state_shown", "found_at",
        "last_seen_at", "resolved_at", "run",
    )  # fmt: skip

    @admin.display(description=_("kind"))
    def kind_shown(self, row: DriftFinding) -> Any:
        """What happened."""
        return KINDS.get(row.kind, row.kind)

    @display(description=_("state"), label=STATES)
    def state_shown(self, row: DriftFinding) -> tuple[str, str]:
        """Open, being corrected, resolved."""
        return row.state, row.get_state_display()


@admin.register(DriftRun)
class DriftRunAdmin(kit.RunColumns, kit.ShopsLog):
    """Each comparison."""

    list_display = ("started_at", "account", "trigger_shown", "compared", "in_flight", "drifted", "outcome_shown")
    list_display_links = ("started_at",)
    list_filter = (kit.AccountFilter,)
    list_select_related = ("account",)
    ordering = ("-id",)
    fields = readonly_fields = (
        "account", "trigger_shown", "started_at", "ended_at", "compared", "in_flight", "drifted", "outcome_shown",
        "reason",
    )  # fmt: skip
