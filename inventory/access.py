"""Which shops and warehouses a person or an API key sees: every list, export and endpoint passes through here."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, Q, QuerySet
from django.utils.functional import SimpleLazyObject

from backoffice.models import ApiKey, User
from inventory.models import (
    Access,
    Balance,
    ExpectedArrival,
    ShelfPlace,
    Shop,
    ShopWarehouse,
    StockDocument,
    StockEntry,
    StockPolicy,
    Warehouse,
)
from inventory.models import Reservation as HeldStock

Row = TypeVar("Row", bound=Model)
Principal = User | AnonymousUser | ApiKey | None  # None is the system itself
Doer = User | ApiKey | None  # who moves or counts goods


@dataclasses.dataclass(frozen=True, slots=True)
class Paths:
    """How to get from a model to its shop and its warehouse; `empty` rows name none and stand for all.

    `other` is a second warehouse: who sees either one sees the row.
    """

    shop: str | None
    warehouse: str | None
    empty: bool = False
    other: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Sight:
    """What a principal may see. None means all, an empty set means none."""

    shops: frozenset[int] | None
    warehouses: frozenset[int] | None


_paths: dict[type[Model], Paths] = {}
NOTHING, EVERYTHING = Sight(frozenset(), frozenset()), Sight(None, None)


def register(
    model: type[Model],
    shop: str | None = "shop",
    warehouse: str | None = None,
    *,
    empty: bool = False,
    other: str | None = None,
) -> None:
    """Say where a model keeps its shop and/or warehouse (lookup paths such as "order__shop").

    A row must be visible by each path given. With `empty` a row that names no shop (or no warehouse) is visible to
    whoever sees at least one: it stands for all of them. `other` is the path of a second warehouse (a transfer's
    destination): a row is visible to whoever sees one of the two.
    """
    _paths[model] = Paths(shop, warehouse, empty, other)


def registered(model: type[Model]) -> bool:
    """True when `visible` knows the model."""
    return model in _paths


def sight(principal: Principal) -> Sight:
    """Return what a principal may see, in at most three queries. No Access row, no login: nothing.

    Read once for the lazy user of a request, which asks for every list, badge and filter on a page; the next request
    loads its user anew, so a right taken away is gone by then.
    """
    if principal is None:
        return EVERYTHING
    if not isinstance(principal, SimpleLazyObject):
        return _read_sight(principal)
    known: Sight | None = principal.__dict__.get("_sight")
    if known is None:
        known = principal.__dict__["_sight"] = _read_sight(principal)
    return known


def _read_sight(principal: User | AnonymousUser | ApiKey) -> Sight:
    if isinstance(principal, ApiKey):
        row = Access.objects.filter(api_key=principal).first()
    elif not getattr(principal, "is_active", False) or principal.pk is None:
        return NOTHING
    elif principal.is_superuser:
        return EVERYTHING
    else:
        row = Access.objects.filter(user=principal).first()
    if row is None:
        return NOTHING
    return Sight(
        None if row.all_shops else frozenset(row.shops.values_list("pk", flat=True)),
        None if row.all_warehouses else frozenset(row.warehouses.values_list("pk", flat=True)),
    )


def visible(principal: Principal, queryset: QuerySet[Row]) -> QuerySet[Row]:
    """Return the rows of the queryset that the principal may see.

    Raises LookupError for a model nobody registered: a list without a rule must not be shown at all.
    """
    paths = _paths.get(queryset.model)
    if paths is None:
        raise LookupError(f"{queryset.model._meta.label} is not registered with inventory.access.")
    seen = sight(principal)
    place = _condition(paths.warehouse, seen.warehouses, paths.empty)
    if place and paths.other:
        place |= _condition(paths.other, seen.warehouses, paths.empty)
    condition = _condition(paths.shop, seen.shops, paths.empty) & place
    return queryset.filter(condition) if condition else queryset


def may_see(principal: Principal, row: Model) -> bool:
    """True when the principal may see this one row."""
    return visible(principal, type(row)._default_manager.filter(pk=row.pk)).exists()


def may_change(principal: Principal, row: Model) -> bool:
    """True when all that a setting touches is seen: a row without a shop (or warehouse) is for all of them.

    It may be read by whoever sees one of them (`empty`), but is changed by whoever sees all. Also asked of rows that
    are not saved yet. For models that keep their shop and warehouse themselves.
    """
    paths, seen = _paths[type(row)], sight(principal)
    sides = ((paths.shop, seen.shops), (paths.warehouse, seen.warehouses))
    return all(path is None or allowed is None or getattr(row, f"{path}_id") in allowed for path, allowed in sides)


def person(doer: Doer) -> User | None:
    """Return whom a row names as its doer; a key is no person: the audit trail and the ledger name it."""
    return None if isinstance(doer, ApiKey) else doer


def _condition(path: str | None, allowed: frozenset[int] | None, empty: bool) -> Q:
    if path is None or allowed is None:
        return Q()
    condition: Any = Q(**{f"{path}__in": allowed})
    return condition | Q(**{f"{path}__isnull": True}) if empty and allowed else condition


register(Shop, shop="pk")
register(Warehouse, shop=None, warehouse="pk")
register(ShopWarehouse, shop="shop", warehouse="warehouse")
register(StockPolicy, shop="shop", empty=True)
for _model in (Balance, ExpectedArrival, StockEntry, HeldStock, ShelfPlace):
    register(_model, shop=None, warehouse="warehouse")
register(StockDocument, shop=None, warehouse="warehouse", empty=True)
