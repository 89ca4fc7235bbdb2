"""Tell the incident desk, which knows no shops, whose incidents a person sees and what the places are called."""

from __future__ import annotations

from typing import Any

from backoffice import incidents
from inventory.access import sight
from inventory.models import Shop, Warehouse


def register() -> None:
    """Register both; called once by AppConfig.ready()."""
    incidents.register_sight(_sight)
    incidents.register_places(_places)


def _sight(user: Any) -> incidents.Sight:
    seen = sight(user)
    return incidents.Sight(seen.shops, seen.warehouses)


def _places() -> incidents.Places:
    return incidents.Places(
        dict(Shop.objects.order_by("name").values_list("pk", "name")),
        dict(Warehouse.objects.order_by("name").values_list("pk", "name")),
    )
