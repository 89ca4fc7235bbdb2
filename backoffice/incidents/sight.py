"""Who may see which incidents: an app that knows shops and warehouses says so; this floor knows only their numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Q, QuerySet

from backoffice.models import Incident


@dataclasses.dataclass(frozen=True, slots=True)
class Sight:
    """What a person may see. None means all, an empty set none."""

    shops: frozenset[int] | None = None
    warehouses: frozenset[int] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Places:
    """Names of shops and warehouses by their numbers, for forms and lists."""

    shops: Mapping[int, str] = dataclasses.field(default_factory=dict)
    warehouses: Mapping[int, str] = dataclasses.field(default_factory=dict)


def _nothing(user: Any) -> Sight:
    """What is seen while no app has said."""
    return Sight(frozenset(), frozenset())


_sight: Callable[[Any], Sight] = _nothing
_places: Callable[[], Places] = Places


def register_sight(function: Callable[[Any], Sight]) -> None:
    """Let an app say which shops and warehouses a person sees."""
    global _sight
    _sight = function


def register_places(function: Callable[[], Places]) -> None:
    """Let an app name the shops and warehouses."""
    global _places
    _places = function


def sight(user: Any) -> Sight:
    """Return what a person may see."""
    return _sight(user)


def places() -> Places:
    """Return the names of all shops and warehouses."""
    return _places()


def condition(seen: Sight, *, warehouse: bool = True) -> Q:
    """Return the condition on rows with `shop_id` (and `warehouse_id`): rows that name none are for everybody."""
    found = Q()
    if seen.shops is not None:
        found &= Q(shop_id__isnull=True) | Q(shop_id__in=seen.shops)
    if warehouse and seen.warehouses is not None:
        found &= Q(warehouse_id__isnull=True) | Q(warehouse_id__in=seen.warehouses)
    return found


def visible(user: Any, queryset: QuerySet[Incident] | None = None) -> QuerySet[Incident]:
    """Return the incidents a person may see."""
    rows = Incident.objects.all() if queryset is None else queryset
    return rows.filter(condition(sight(user)))
