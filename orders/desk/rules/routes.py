"""Rules that choose where an order is sent from: a warehouse, or a routing policy other than its shop's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inventory.access import visible
from inventory.models import Warehouse
from orders.desk.consequences import ROUTE
from orders.desk.rules.works import Input, Kind, register
from orders.models import RoutingPolicy

Params = Mapping[str, Any]
WAREHOUSE, POLICY = "warehouse", "policy"


def register_route() -> None:
    """Register it; called once by AppConfig.ready()."""
    to = Input("to", gettext_lazy("from"), choices)
    register(Kind(ROUTE, gettext_lazy("Choose where it is sent from"), (to,), _read, _words, None))


def choices(principal: Any) -> list[tuple[str, str]]:
    """Return the warehouses a person may see, and the policies, as (value, label)."""
    sites = visible(principal, Warehouse.objects.filter(active=True, read_only=False).order_by("name"))
    found = [(f"{WAREHOUSE}:{pk}", name) for pk, name in sites.values_list("pk", "name")]
    policies = RoutingPolicy.objects.filter(active=True).order_by("name").values_list("pk", "name")
    return found + [(f"{POLICY}:{pk}", _("policy “%s”") % name) for pk, name in policies]


def _read(raw: Params) -> dict[str, Any]:
    kind, _colon, text = str(raw.get("to", "")).partition(":")
    pk = int(text) if text.isdecimal() and len(text) < 18 else 0
    rows = {WAREHOUSE: Warehouse.objects.filter(active=True, read_only=False), POLICY: RoutingPolicy.objects.all()}
    if kind not in rows or not rows[kind].filter(pk=pk).exists():
        raise ValueError(_("Choose the warehouse or the policy: the one named is not there any more."))
    return {kind: pk}


def _words(saved: Params) -> str:
    kind, _colon, text = str(saved.get("to", "")).partition(":")
    pk = int(text) if text.isdecimal() and len(text) < 18 else 0
    model = {WAREHOUSE: Warehouse, POLICY: RoutingPolicy}.get(kind)
    row = model._default_manager.filter(pk=pk).first() if model is not None else None
    return _("Send from: %s") % (row or text)
