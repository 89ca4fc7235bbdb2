"""What the books bring to the sidebar, the home page and the roles, and whose rows they are."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.home import register_card
from backoffice.roles import register_role_permissions
from backoffice.site import register_sidebar
from finance import home
from finance.models import OpenItem, PostingRequest, Voucher, VoucherLine
from finance.sight import own
from inventory import access

MODELS = ("voucher", "voucherline", "openitem", "postingrequest", "exchangerate", "ledgeraccount", "period", "currency")
VIEW = [f"view_{name}" for name in MODELS]
KEEP = [
    *VIEW,
    "add_exchangerate",
    "add_ledgeraccount", "change_ledgeraccount", "delete_ledgeraccount",
    "add_currency", "change_currency",
    "retry_postingrequest", "close_period",
]  # fmt: skip


def register() -> None:
    """Register the pages of the books; called once by AppConfig.ready()."""
    register_role_permissions("finance", {"owner": KEEP, "bookkeeper": KEEP, "auditor": VIEW})
    for rows in (Voucher, VoucherLine, OpenItem, PostingRequest):
        access.register(rows, shop="shop", empty=True)
    register_card("books", home.card, order=70, permission="finance.view_postingrequest")
    for place, (title, model, icon) in enumerate(_lines()):
        register_sidebar(
            "books",
            title,
            f"admin:finance_{model}_changelist",
            icon=icon,
            permission=f"finance.view_{model}",
            order=100 + place,
            badge=_failed if model == "postingrequest" else None,
        )


def _lines() -> tuple[tuple[object, str, str], ...]:
    return (
        (_("Vouchers"), "voucher", "receipt_long"),
        (_("Journal"), "voucherline", "list_alt"),
        (_("Open items"), "openitem", "pending_actions"),
        (_("Postings"), "postingrequest", "outbox"),
        (_("Exchange rates"), "exchangerate", "currency_exchange"),
        (_("Chart of accounts"), "ledgeraccount", "account_tree"),
        (_("Months"), "period", "calendar_month"),
        (_("Currencies"), "currency", "payments"),
    )


def _failed(request: HttpRequest) -> QuerySet[PostingRequest]:
    return own(request, PostingRequest.objects.filter(state="failed"))
