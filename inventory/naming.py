"""What the stock's own references mean to a person: the document behind a movement and its page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import cast

from django.http import HttpRequest
from django.urls import reverse

from backoffice import references
from backoffice.models import User
from backoffice.references import Described
from inventory.access import visible
from inventory.models import Assembly, ExpectedArrival, Lot, StockDocument, Transfer


def register() -> None:
    """Register the kinds; called once by AppConfig.ready()."""
    references.register("inventory.document", _documents)
    references.register("inventory.arrival", _arrivals)
    references.register("inventory.transfer", _transfers)
    references.register("inventory.assembly", _assemblies)
    references.register("inventory.lot", _lots)


def _documents(request: HttpRequest, ids: Collection[int]) -> Mapping[int, Described]:
    if not request.user.has_perm("inventory.view_stockdocument"):
        return {}
    mine = visible(cast(User, request.user), StockDocument.objects.filter(pk__in=ids))
    return {one.pk: Described(str(one), reverse("admin:inventory_stockdocument_change", args=[one.pk])) for one in mine}


def _arrivals(request: HttpRequest, ids: Collection[int]) -> Mapping[int, Described]:
    if not request.user.has_perm("inventory.view_expectedarrival"):
        return {}
    rows = ExpectedArrival.objects.filter(pk__in=ids).select_related("sku")
    mine = visible(cast(User, request.user), rows)
    return {
        one.pk: Described(str(one), reverse("admin:inventory_expectedarrival_change", args=[one.pk])) for one in mine
    }


def _transfers(request: HttpRequest, ids: Collection[int]) -> Mapping[int, Described]:
    if not request.user.has_perm("inventory.view_transfer"):
        return {}
    mine = visible(cast(User, request.user), Transfer.objects.filter(pk__in=ids))
    return {one.pk: Described(str(one), reverse("admin:inventory_transfer_change", args=[one.pk])) for one in mine}


def _lots(request: HttpRequest, ids: Collection[int]) -> Mapping[int, Described]:
    if not request.user.has_perm("inventory.view_lot"):
        return {}
    rows = Lot.objects.filter(pk__in=ids).select_related("sku")
    return {
        one.pk: Described(f"{one.sku} · {one}", reverse("admin:inventory_lot_change", args=[one.pk])) for one in rows
    }


def _assemblies(request: HttpRequest, ids: Collection[int]) -> Mapping[int, Described]:
    if not request.user.has_perm("inventory.view_assembly"):
        return {}
    mine = visible(cast(User, request.user), Assembly.objects.filter(pk__in=ids))
    return {one.pk: Described(str(one), reverse("admin:inventory_assembly_change", args=[one.pk])) for one in mine}
