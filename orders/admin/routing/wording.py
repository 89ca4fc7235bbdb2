"""Plans in words: names of warehouses the reader may see, and why a way was not chosen."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from finance.admin.figures import money
from inventory.access import sight
from inventory.models import Warehouse
from orders.admin.wording import pieces

WHY_NOT: dict[str, Any] = {
    "complete": gettext_lazy("%(mine)s parcels instead of one"),
    "fewest": gettext_lazy("%(mine)s parcels instead of %(chosen)s"),
    "nearest": gettext_lazy("%(mine)s km instead of %(chosen)s km"),
    "cheapest": gettext_lazy("costs %(mine)s instead of %(chosen)s"),
    "priority": gettext_lazy("comes later among the preferred warehouses"),
    "not_wished": gettext_lazy("another warehouse was wished for this order"),
    "not_allowed": gettext_lazy("the lists of the policy do not let it send there"),
    "alike": gettext_lazy("just as good, but later in the shop's order"),
}


class Names:
    """Names of warehouses; what the reader may not see has none."""

    def __init__(self, request: HttpRequest, site_ids: Collection[int]) -> None:
        self.seen = sight(request.user).warehouses
        self._names = dict(Warehouse.objects.filter(pk__in=site_ids).values_list("pk", "name"))

    def sees(self, site: int) -> bool:
        """Whether the reader may see this warehouse."""
        return self.seen is None or site in self.seen

    def of(self, sites: Sequence[int]) -> str:
        """Name warehouses: `Shanghai + Leipzig`."""
        return " + ".join(self._names.get(one, "?") if self.sees(one) else _("another warehouse") for one in sites)


def why_not(one: Mapping[str, Any], labels: Mapping[int, str]) -> str:
    """Return in words why a way of a plan's content was not chosen."""
    code = str(one.get("code"))
    if code == "lacks":
        return _("lacks %s") % missing(one.get("missing", ()), labels)
    mine, chosen = str(one.get("mine", "")), str(one.get("chosen", ""))
    if code == "cheapest":
        if not mine:
            return _("no rate table has a price for it")
        mine, chosen = cost(mine), cost(chosen)
    if code == "nearest":
        mine, chosen = _grouped(mine), _grouped(chosen)
    return str(WHY_NOT.get(code, code)) % {"mine": mine, "chosen": chosen}


def missing(rows: Sequence[Sequence[int]], labels: Mapping[int, str]) -> str:
    """Name what is missing: `2 × MUG, 1 × CUP`."""
    return ", ".join(f"{units(some)} × {labels.get(line, '?')}" for line, some in rows)


def units(thousandths: int) -> str:
    """Return units without trailing zeros."""
    return pieces(Decimal(thousandths).scaleb(-3))


def cost(text: str | None) -> str:
    """Return a cost in base currency; a dash when it is not known."""
    try:
        return money(None if text is None else Decimal(text))
    except InvalidOperation:
        return money(None)


def _grouped(text: str) -> str:
    return number_format(int(text), use_l10n=True, force_grouping=True) if text.isdecimal() else text


def kilometres(km: int) -> str:
    """Return a distance, grouped."""
    return _("%s km") % number_format(km, use_l10n=True, force_grouping=True)
