"""Transfers and assemblies: the lines of the sidebar, the rights, whose rows they are."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.roles import register_role_permissions
from backoffice.site import register_sidebar
from inventory import access, home
from inventory.models import Assembly, Transfer

SEE = ["view_transfer", "view_assembly", "view_recipepart"]
MOVE = ["plan_transfer", "move_transfer", "assemble"]
RECIPES = ["add_recipepart", "change_recipepart", "delete_recipepart"]
ROLES = {
    "owner": [*SEE, *MOVE, *RECIPES],
    "ops_admin": [*SEE, *MOVE, *RECIPES],
    "warehouse_clerk": [*SEE, *MOVE],
    "buyer": [*SEE, "plan_transfer", *RECIPES],
    "bookkeeper": SEE,
    "auditor": SEE,
    "order_clerk": ["view_transfer", "view_recipepart"],
    "customer_service": ["view_recipepart"],
}


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    register_role_permissions("inventory", ROLES)
    access.register(Transfer, shop=None, warehouse="origin", other="destination")
    access.register(Assembly, shop=None, warehouse="warehouse")
    register_sidebar(
        "stock", _("Transfers"), "admin:inventory_transfer_changelist", icon="move_up",
        permission="inventory.view_transfer", order=14, badge=_waiting,
    )  # fmt: skip
    register_sidebar(
        "stock", _("Assemblies"), "admin:inventory_assembly_changelist", icon="build",
        permission="inventory.view_assembly", order=15,
    )  # fmt: skip


def _waiting(request: HttpRequest) -> QuerySet[Transfer]:
    """What the origin has to pick and the destination to receive."""
    State = Transfer.State
    states = [State.REQUESTED, State.PICKED, State.TRANSIT, State.PARTLY]
    return home.own(request, Transfer.objects.filter(state__in=states))
