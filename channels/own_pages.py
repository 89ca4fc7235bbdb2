"""What the shops bring to the sidebar, the home page and the roles."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice import references
from backoffice.home import register_card
from backoffice.roles import register_role_permissions
from backoffice.site import register_sidebar
from backoffice.twofactor import register_sensitive

LOGS = (
    "publicationlog",
    "pollrun",
    "webhookarrival",
    "webhookrefusal",
    "driftfinding",
    "driftrun",
    "ordernotice",
)
FIGURES = ["view_listing", "view_pushjob", "view_publicationlog"]
DESK = [
    "view_account", "sync_account",
    *FIGURES, "match_listing", "requeue_pushjob",
    "view_syncerror", "rerun_syncerror",
    "view_orderfile", "add_orderfile",
    "view_inboundpayload", "reveal_inboundpayload",
    *(f"view_{name}" for name in LOGS),
]  # fmt: skip
RUN = [*DESK, "add_account", "change_account", "set_credential", "switch_writes", "decide_brake"]
LOOK = [
    "view_account", "view_listing", "view_pushjob", "view_syncerror", "view_orderfile", "view_inboundpayload",
    *(f"view_{name}" for name in LOGS),
]  # fmt: skip


WORK = {
    "pull:account": _("Fetch orders, shop account %s"),
    "drift:account": _("Compare figures, shop account %s"),
    "listings:account": _("Fetch listings, shop account %s"),
    "subscriptions:account": _("Check webhooks, shop account %s"),
    "token:account": _("Renew the access token, shop account %s"),
}


def register() -> None:
    """Register the pages of the shops; called once by AppConfig.ready()."""
    from channels import home

    references.register("channels.account", _accounts)
    for kind, label in WORK.items():
        references.register_work(kind, label)
    register_role_permissions(
        "channels",
        {
            "owner": RUN,
            "ops_admin": RUN,
            "order_clerk": DESK,
            "customer_service": FIGURES,
            "warehouse_clerk": ["view_listing", "view_pushjob"],
            "buyer": ["view_listing", "view_pushjob"],
            "auditor": LOOK,
        },
    )
    register_sensitive("channels.set_credential")
    register_card("shops", home.health_card, order=30, permission="channels.view_account")
    register_card("shop_exceptions", home.exceptions_card, order=35, permission="channels.view_syncerror")
    for place, (section, title, name, icon, permission, query) in enumerate(_lines()):
        register_sidebar(
            section,
            title,
            f"admin:channels_{name}",
            icon=icon,
            permission=f"channels.{permission}",
            order=6 if section == "desk" else 100 + place,  # the error queue stands beside the incidents
            query=query,
            badge=_open_errors if name == "syncerror_changelist" else None,
        )


def _lines() -> tuple[tuple[str, object, str, str, str, str], ...]:
    return (
        ("desk", _("Error queue"), "syncerror_changelist", "error", "view_syncerror", "?state__exact=open"),
        ("shops", _("Shop accounts"), "account_changelist", "storefront", "view_account", ""),
        ("shops", _("Listings"), "listing_changelist", "sell", "view_listing", ""),
        ("shops", _("What each shop shows"), "pushjob_shelves", "visibility", "view_pushjob", ""),
        ("shops", _("Figures"), "pushjob_changelist", "numbers", "view_pushjob", ""),
        ("shops", _("Drift"), "driftfinding_changelist", "compare_arrows", "view_driftfinding", ""),
        ("shops", _("Order files"), "orderfile_changelist", "upload_file", "view_orderfile", ""),
        ("shops", _("Messages about orders"), "ordernotice_changelist", "local_shipping", "view_ordernotice", ""),
        ("shops", _("Publication log"), "publicationlog_changelist", "history", "view_publicationlog", ""),
        ("shops", _("Visits"), "pollrun_changelist", "travel_explore", "view_pollrun", ""),
        ("shops", _("Webhooks"), "webhookarrival_changelist", "webhook", "view_webhookarrival", ""),
        ("shops", _("Delivered texts"), "inboundpayload_changelist", "description", "view_inboundpayload", ""),
    )


def _open_errors(request: HttpRequest) -> QuerySet[Any]:
    from channels.admin import kit
    from channels.models import SyncError

    return kit.own(request, SyncError.objects.filter(state="open"))


def _accounts(request: HttpRequest, ids: Collection[int]) -> Mapping[int, references.Described]:
    """Describe shop accounts, for an incident's page."""
    from channels.admin import kit
    from channels.models import Account

    if not kit.may(request, "view_account"):
        return {}
    mine = kit.own(request, Account.objects.filter(pk__in=ids))
    return {one.pk: references.Described(one.name, kit.url("account_change", one.pk)) for one in mine}
