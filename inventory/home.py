"""Stock on the home page: what runs out, what is oversold, which counts wait for somebody."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice.home import Figure, HomeCard
from backoffice.models import User
from inventory.access import visible
from inventory.levels import level
from inventory.models import Balance, StockDocument, StockPolicy

LEVELS = (("short", "bad"), ("out", "warn"), ("low", "warn"))


def stock_card(request: HttpRequest) -> HomeCard:
    """Return the stock alerts; each figure leads to its rows."""
    balances = own(request, Balance.objects.filter(sku__active=True, warehouse__active=True))
    url = reverse("admin:inventory_balance_changelist")
    names = {"short": _("More wanted than there is"), "out": _("Nothing free"), "low": _("Low stock")}
    figures = []
    for name, tone in LEVELS:
        count = level(balances.order_by(), name).count()
        if count:
            figures.append(Figure(names[name], f"{count:,}", f"{url}?level={name}", tone))
    figures += [one for one in (_paused(request), _proposed(request)) if one]
    empty = _("Everything is in stock.") if balances.exists() else _("No stock yet: upload a count to begin.")
    return HomeCard(title=_("Stock alerts"), figures=figures, url=url, icon="inventory_2", empty=empty)


def own(request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
    """The rows that whoever asks may see."""
    return visible(cast(User, request.user), rows)


def _paused(request: HttpRequest) -> Figure | None:
    if not request.user.has_perm("inventory.view_stockpolicy"):
        return None
    count = own(request, StockPolicy.objects.filter(paused=True, valid_to__isnull=True)).count()
    url = reverse("admin:inventory_stockpolicy_changelist") + "?paused__exact=1"
    return Figure(_("Sales paused"), f"{count:,}", url, "warn") if count else None


def _proposed(request: HttpRequest) -> Figure | None:
    if not request.user.has_perm("inventory.approve_stockdocument"):
        return None
    count = own(request, StockDocument.objects.filter(state=StockDocument.State.PROPOSED)).count()
    url = reverse("admin:inventory_stockdocument_changelist") + "?state__exact=proposed"
    return Figure(_("Counts and adjustments to be posted"), f"{count:,}", url, "warn") if count else None
