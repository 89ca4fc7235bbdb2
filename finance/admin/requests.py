"""Requests to post: what waits, why, and the retry."""

from __future__ import annotations

import json

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import action, display

from backoffice.adminkit import Outcome, report_outcomes
from finance import errors, posting
from finance.admin import figures
from finance.admin.books import BooksAdmin
from finance.models import LedgerAccount, PostingRequest

State = PostingRequest.State
ROLES = {role.value: role.label for role in LedgerAccount.Role if role.value}
STATE_LABELS = {
    State.DUE: "info",
    State.WAITING_RATE: "warning",
    State.FAILED: "danger",
    State.POSTED: "success",
    State.EMPTY: "info",
}


@admin.register(PostingRequest)
class PostingRequestAdmin(BooksAdmin):
    """What documents asked of the books; posting happens by itself, a person only mends and retries."""

    list_display = (
        "document", "state_label", "problem", "shop", "order_number", "occurred_on", "total_shown", "voucher_link",
    )  # fmt: skip
    list_display_links = ("state_label",)
    list_filter = (
        ("state", admin.ChoicesFieldListFilter),
        ("kind", admin.ChoicesFieldListFilter),
        "shop",
        ("occurred_on", RangeDateFilter),
    )
    list_select_related = ("shop", "voucher")
    prefix_search = ("order_key", "reference")
    search_help_text = _("Order number or document, for example orders.shipment:12")
    fields = readonly_fields = (
        "document", "state_shown", "problem", "kind_shown", "shop", "order_number", "external_id", "occurred_at",
        "total_shown", "rate_shown", "attempts", "not_before", "voucher_link", "facts_shown",
    )  # fmt: skip
    actions = ("retry",)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Who may let a posting be tried again."""
        return request.user.has_perm("finance.retry_postingrequest")

    @action(description=_("Try again"), permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[PostingRequest]) -> None:
        """Let the chosen failed requests be posted again."""
        rows = list(queryset)
        failed = [row.pk for row in rows if row.state == State.FAILED]
        posting.retry(request_ids=failed)
        refusal = _now("It does not need a retry.")
        outcomes = [Outcome(row.reference, "" if row.pk in failed else refusal) for row in rows]
        report_outcomes(request, outcomes, _now("%(count)d are tried again."))

    @display(description=_("state"), label=STATE_LABELS)
    def state_label(self, row: PostingRequest) -> tuple[str, str]:
        """The state as a badge."""
        return row.state, row.get_state_display()

    @admin.display(description=_("state"))
    def state_shown(self, row: PostingRequest) -> str:
        """The state in words."""
        return str(row.get_state_display())

    @admin.display(description=_("error"))
    def problem(self, row: PostingRequest) -> str:
        """What is wrong and what to do, with the account's role, currency or fault in question."""
        if not row.error_code:
            return ""
        detail = ROLES.get(row.error_detail, row.error_detail)
        text = f"{errors.sentence(row.error_code)} ({detail})" if detail else errors.sentence(row.error_code)
        return format_html('<div class="min-w-56">{}</div>', text)

    @admin.display(description=_("total"))
    def total_shown(self, row: PostingRequest) -> str:
        """In the document's currency."""
        return figures.money(row.total, row.currency)

    @admin.display(description=_("rate"))
    def rate_shown(self, row: PostingRequest) -> str:
        """As frozen."""
        return figures.rate(row.rate)

    @admin.display(description=_("voucher"))
    def voucher_link(self, row: PostingRequest) -> str:
        """The voucher's page."""
        return figures.row_link("voucher", row.voucher_id, row.voucher)

    @admin.display(description=_("facts"))
    def facts_shown(self, row: PostingRequest) -> str:
        """What was frozen, as it is."""
        text = json.dumps(row.frozen, ensure_ascii=False, indent=2)
        return format_html('<pre class="overflow-x-auto text-xs">{}</pre>', text)
