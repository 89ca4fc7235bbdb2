"""Balances: they only go out; they come in as counts, which post movements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from backoffice.imports.kinds import ExportKind
from backoffice.spreadsheets.writing import Out
from inventory import access, resources
from inventory.models import Balance


class BalanceKind(ExportKind):
    """What lies where, in the warehouses the person sees; cost and value for who may see them."""

    key = "inventory.balances"
    title = _("Stock")
    note = _("What lies in each warehouse. It goes out only: stock comes in by counts and documents.")
    view, order = ("inventory.view_balance",), 60

    def _cost(self) -> bool:
        return self.user is not None and self.user.has_perm("inventory.see_cost")

    def out_columns(self) -> Sequence[Out]:
        return (*resources.COLUMNS, *resources.COST_COLUMNS) if self._cost() else resources.COLUMNS

    def out_rows(self) -> Iterable[Sequence[Any]]:
        return resources.balance_rows(access.visible(self.user, Balance.objects.all()), cost=self._cost())
