"""What the orders' references in the stock ledger and the books mean to a person: the order's number and its page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import cast

from django.http import HttpRequest
from django.urls import reverse

from backoffice import references
from backoffice.models import User
from backoffice.references import Described
from inventory.access import visible
from orders.models import Order, OrderLine, Refund, Shipment


def register() -> None:
    """Register the kinds; called once by AppConfig.ready()."""
    references.register("orders.order", lambda request, ids: _orders(request, {pk: pk for pk in ids}))
    for kind, model in (("orders.line", OrderLine), ("orders.shipment", Shipment), ("orders.refund", Refund)):
        references.register(kind, _through(model))


def _through(model: type[OrderLine | Shipment | Refund]) -> references.Describer:
    def describe(request: HttpRequest, ids: Collection[int]) -> Mapping[int, Described]:
        return _orders(request, dict(model._default_manager.filter(pk__in=ids).values_list("pk", "order_id")))

    return describe


def _orders(request: HttpRequest, orders: Mapping[int, int]) -> dict[int, Described]:
    """Describe ids by the order behind each; the link is there for who may open the order."""
    if not request.user.has_perm("orders.view_order"):
        return {}
    mine = visible(cast(User, request.user), Order.objects.filter(pk__in=set(orders.values())))
    numbers = dict(mine.values_list("pk", "number"))
    return {
        pk: Described(numbers[order] or f"{order}", reverse("admin:orders_order_change", args=[order]))
        for pk, order in orders.items()
        if order in numbers
    }
