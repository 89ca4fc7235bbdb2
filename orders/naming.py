"""What codes of the orders mean to a person: references in the stock ledger and the books, actors, reasons."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice import actors, references
from backoffice.models import User
from backoffice.references import Described
from inventory.access import visible
from orders.models import Order, OrderLine, Refund, Shipment

ACTORS = {
    "intake": _("taken in from the shop"),
    "review": _("the checks"),
    "rematch": _("matched again"),
    "rule:": _("rule “%s”"),
}
REASONS: dict[str, Any] = {  # what platforms send for why an order was cancelled or money given back
    "customer": _("The customer wished it"),
    "inventory": _("Goods not available"),
    "fraud": _("Suspected fraud"),
    "declined": _("Payment declined"),
    "staff": _("Mistake of staff"),
    "other": _("Another reason"),
    "order fully refunded.": _("Order fully refunded"),
}


def register() -> None:
    """Register the kinds; called once by AppConfig.ready()."""
    references.register("orders.order", lambda request, ids: _orders(request, {pk: pk for pk in ids}))
    for kind, model in (("orders.line", OrderLine), ("orders.shipment", Shipment), ("orders.refund", Refund)):
        references.register(kind, _through(model))
    for actor, name in ACTORS.items():
        actors.register_actor(actor, name)


def reason(text: str) -> str:
    """Return a platform's reason in words; what a person typed stays as it is."""
    return str(REASONS.get(text.strip().lower(), text))


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
