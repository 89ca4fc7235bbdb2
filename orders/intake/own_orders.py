"""Orders of our own: entered by hand or sent for another order. They come in by the same door as a platform's.

What an order is, its version says (`extra`), so that it is judged as what it is from the first moment.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from django.db import transaction

from orders.contracts import IncomingOrder

OWN = "yiku:"  # no platform's id begins so
KIND, ORIGIN = "yiku_kind", "yiku_origin"
Build = Callable[[str, str], IncomingOrder]  # (external id, number) → the order


@dataclasses.dataclass(frozen=True, slots=True)
class Taken:
    """The order, and whether this call made it (or an earlier one with the same key did)."""

    order_id: int
    number: str
    made: bool


def told_kind(order: IncomingOrder) -> tuple[str, int | None]:
    """Return the kind of an own order and the order it is sent for."""
    origin = order.extra.get(ORIGIN, "")
    return order.extra.get(KIND, ""), int(origin) if origin.isdecimal() else None


@transaction.atomic
def take(*, shop_id: int, kind: str, key: str, build: Build, actor: str, origin_id: int | None = None) -> Taken:
    """Make an order of our own under the next number of its shop; the same key again returns the first one.

    Raises OrderError not_taken when intake refuses it. Then nothing has happened.
    """
    from orders.intake import numbers
    from orders.models import Order

    external_id = f"{OWN}{kind}:{key}"
    drawn = numbers.locked(shop_id=shop_id, of=kind)  # a second click waits here and finds the order of the first
    known = Order.objects.filter(shop_id=shop_id, external_id=external_id).values_list("pk", "number").first()
    if known is not None:
        return Taken(*known, made=False)
    number = numbers.draw(drawn)
    extra = {KIND: kind, **({ORIGIN: str(origin_id)} if origin_id else {})}
    built = build(external_id, number)
    told = {**built.extra, **extra}
    incoming = dataclasses.replace(built, external_id=external_id, number=number, extra=told)
    order_id = store(shop_id, incoming, actor)
    Order.objects.filter(pk=order_id).update(kind=kind, origin_id=origin_id)
    return Taken(order_id, number, made=True)


def store(shop_id: int, incoming: IncomingOrder, actor: str) -> int:
    """Take in one version; returns the order's id. Raises OrderError not_taken with the field at fault."""
    from orders.errors import OrderError
    from orders.intake.taking import take_in

    outcome = take_in(shop_id=shop_id, orders=[incoming], source_refs=[f"own:{actor}"]).outcomes[0]
    if outcome.error is not None or outcome.order_id is None:
        message = outcome.error.message if outcome.error else ""
        error = OrderError("not_taken", message=message)
        error.field = outcome.error.field if outcome.error else ""
        raise error
    return outcome.order_id
