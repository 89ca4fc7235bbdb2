"""Stocktakes: the lines of the sidebar, the rights, whose rows they are, old sheets swept away."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.chores import register_chore
from backoffice.roles import register_role_permissions
from backoffice.site import register_sidebar
from inventory import access, home
from inventory.models import (
    Stocktake,
    StocktakeCount,
    StocktakeLimit,
    StocktakeLine,
    StocktakeNewLot,
    StocktakeSheet,
)

SEE = ["view_stocktake"]
LIMITS = ["view_stocktakelimit", "add_stocktakelimit", "change_stocktakelimit"]
ROLES = {
    "owner": [*SEE, *LIMITS],
    "ops_admin": [*SEE, *LIMITS],
    "warehouse_clerk": [*SEE, "view_stocktakelimit"],
    "bookkeeper": SEE,
    "auditor": [*SEE, "view_stocktakelimit"],
}
SWEEP_SECONDS = 3_600


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    from inventory.stocktakes import tasks

    register_role_permissions("inventory", ROLES)
    for rows in (Stocktake, StocktakeLine, StocktakeLimit):
        access.register(rows, shop=None, warehouse="warehouse")
    for parts in (StocktakeSheet, StocktakeCount):
        access.register(parts, shop=None, warehouse="stocktake__warehouse")
    access.register(StocktakeNewLot, shop=None, warehouse="sheet__stocktake__warehouse")
    register_sidebar(
        "stock", _("Stocktakes"), "admin:inventory_stocktake_changelist", icon="inventory",
        permission="inventory.view_stocktake", order=13, badge=_waiting,
    )  # fmt: skip
    register_sidebar(
        "settings", _("Limits of stocktakes"), "admin:inventory_stocktakelimit_changelist", icon="rule",
        permission="inventory.view_stocktakelimit", order=60,
    )  # fmt: skip
    register_chore("stocktakes.sweep", SWEEP_SECONDS, tasks.clean_up)


def _waiting(request: HttpRequest) -> QuerySet[Stocktake]:
    return home.own(request, Stocktake.objects.filter(state=Stocktake.State.REVIEW))
