"""Messages about orders: parcels and cancellations on their way to the platforms."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from channels import wording
from channels.admin import kit
from channels.models import NoticeState, OrderNotice

STATES = {
    NoticeState.DUE: "info",
    NoticeState.SENDING: "info",
    NoticeState.UNKNOWN: "warning",
    NoticeState.DONE: "success",
    NoticeState.PARKED: "danger",
}
KINDS = {"ship": _("parcel"), "cancel": _("cancellation"), "refund": _("refund")}


@admin.register(OrderNotice)
class OrderNoticeAdmin(kit.ShopsLog):
    """What the platforms are told about orders."""

    list_display = ("created_at", "order", "account", "kind_shown", "state_shown", "attempts", "reason", "done_at")
    list_display_links = ("created_at",)
    list_filter = (kit.AccountFilter, ("state", admin.ChoicesFieldListFilter))
    list_select_related = ("account", "order")
    ordering = ("-id",)
    prefix_search = ("order__number_key",)
    fields = readonly_fields = (
        "account", "order", "kind_shown", "content", "state_shown", "attempts", "not_before", "external_id",
        "already_known", "reason", "message", "created_at", "done_at",
    )  # fmt: skip

    @admin.display(description=_("kind"))
    def kind_shown(self, row: OrderNotice) -> Any:
        """A parcel, a cancellation or a refund."""
        return KINDS.get(row.kind, row.kind)

    @display(description=_("state"), label=STATES)
    def state_shown(self, row: OrderNotice) -> tuple[str, str]:
        """Where it stands."""
        return row.state, row.get_state_display()

    @admin.display(description=_("reason"))
    def reason(self, row: OrderNotice) -> str:
        """Why it waits."""
        return wording.sentence(row.code)
