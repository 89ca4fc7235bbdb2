"""What the stock's own references mean to a person: the count or adjustment and its page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import cast

from django.http import HttpRequest
from django.urls import reverse

from backoffice import references
from backoffice.models import User
from backoffice.references import Described
from inventory.access import visible
from inventory.models import ExpectedArrival, StockDocument


def register() -> None:
    """Register the kinds; called once by AppConfig.ready()."""
    references.register("inventory.document", _documents)
    references.register("inventory.arrival", _arrivals)


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
