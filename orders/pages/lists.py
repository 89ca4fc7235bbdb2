"""Views, marks, notes, presale and backorders: what they bring to the list, the page, the sidebar and roles."""

from __future__ import annotations

from django.apps import apps
from django.db.models import QuerySet
from django.db.models.signals import post_migrate
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.chores import register_chore
from backoffice.roles import register_role_permissions
from backoffice.site import register_sidebar
from inventory import access
from inventory.access import visible
from orders import triggers
from orders.models import Order, PresaleOffer
from orders.models.order import OPEN_STATES

PRESALES = ["view_presaleoffer", "add_presaleoffer", "change_presaleoffer"]
ROLES = {
    "owner": [*PRESALES, "add_staffnote", "add_orderexport"],
    "ops_admin": [*PRESALES, "add_staffnote", "add_orderexport"],
    "order_clerk": [*PRESALES, "add_staffnote", "add_orderexport"],
    "warehouse_clerk": ["add_staffnote"],
    "customer_service": ["view_presaleoffer", "add_staffnote", "add_orderexport"],
    "bookkeeper": ["add_staffnote", "add_orderexport"],
    "buyer": [*PRESALES, "add_staffnote", "add_orderexport"],
    "auditor": ["view_presaleoffer"],
}


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    from orders.admin import bulk, parts

    register_role_permissions("orders", ROLES)
    access.register(PresaleOffer, shop="shop", empty=True)
    for action in (bulk.mark, bulk.unmark, bulk.priority, bulk.note, bulk.export):
        parts.register_bulk(action)
    _sidebar()
    _chores()
    post_migrate.connect(
        triggers.install_after_migrate, sender=apps.get_app_config("orders"), dispatch_uid="orders.labels"
    )


def _sidebar() -> None:
    register_sidebar(
        "orders", _("Backorders"), "admin:orders_order_backorders", icon="pending_actions", order=16,
        permission="orders.view_order", badge=_waiting,
    )  # fmt: skip
    register_sidebar(
        "orders", _("Presale"), "admin:orders_presaleoffer_changelist", icon="schedule_send", order=17,
        permission="orders.view_presaleoffer",
    )  # fmt: skip


def _waiting(request: HttpRequest) -> QuerySet[Order]:
    return visible(request.user, Order.objects.filter(hold_code="short_stock", state__in=OPEN_STATES))


def _chores() -> None:
    register_chore("presale", 60.0, _presale)
    register_chore("backorders", 60.0, _backorders)
    register_chore("order_pages", 900.0, _tidy)


def _presale() -> None:
    """Let go what was sold in presale and may leave."""
    from orders.desk import presale

    presale.release_due()


def _backorders() -> None:
    """Give out what has come, and promise the rest."""
    from orders.desk import backorders

    backorders.work()


def _tidy() -> None:
    """Forget closed pages and yesterday's exports."""
    from orders.admin import exporting
    from orders.desk import presence

    presence.forget()
    exporting.clean_up()
