"""The exchange: a new order at zero through the ordinary intake, linked to the return it is for.

The one place that makes it; when the desk has its own door for orders at zero, this goes through that.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction

from backoffice import clock
from orders import intake
from orders.contracts import Address, Buyer, IncomingLine, IncomingOrder, PaymentStatus
from orders.desk import actions
from orders.models import Order, OrderContact, Return
from orders.models.returns import OPEN
from orders.returns import deciding, locking, strays
from orders.returns.errors import ReturnError

OWN_ORDER = "return:"  # begins the platform id of an order that no platform knows
NATURAL = frozenset({"total", "duplicate", "price_floor", "discount"})  # what is found at every order at zero
Goods = Sequence[tuple[str, Decimal]]  # (SKU code, pieces)


def is_own(order: Order) -> bool:
    """Whether an order was made here, so that no platform has to hear of it."""
    return order.external_id.startswith(OWN_ORDER)


@transaction.atomic
def exchange(return_id: int, goods: Goods = (), actor: str = "") -> Order:
    """Send other goods for those that come back: an order at zero to the same buyer. No goods named: the same again.

    Raises ReturnError: not_found, state, exchanged, no_exchange_goods, unknown_sku, exchange_failed.
    """
    found = locking.locked(return_id)
    locking.must_be(found, *(one for one in OPEN if one != Return.State.REQUESTED))
    if found.exchange_order_id:
        raise ReturnError("exchanged", number=found.number)
    incoming = _order(found, list(goods) or _same_again(found))
    outcome = intake.take_in(shop_id=found.order.shop_id, orders=[incoming]).outcomes[0]
    if outcome.order_id is None or outcome.action == "failed":
        raise ReturnError("exchange_failed", what=outcome.error.code if outcome.error else outcome.action)
    made = Order.objects.get(pk=outcome.order_id)
    _approve_if_only_free(made, found, actor)
    found.exchange_order = made
    locking.moved(found, actor, "return.exchange", "exchange_order", summary=made.number)
    deciding.settle_if_done(found, actor)
    made.refresh_from_db()
    return made


def _same_again(found: Return) -> list[tuple[str, Decimal]]:
    rows = found.lines.select_related("line__sku").order_by("pk")
    return [
        (row.line.sku.code, (row.received_quantity or row.quantity) * row.line.pack) for row in rows if row.line.sku
    ]


def _order(found: Return, goods: Goods) -> IncomingOrder:
    if not goods:
        raise ReturnError("no_exchange_goods")
    now, order = clock.now(), found.order
    contact = OrderContact.objects.filter(order=order).first()
    return IncomingOrder(
        external_id=f"{OWN_ORDER}{found.pk}",
        number=f"{order.number}-{found.number}",
        placed_at=now,
        updated_at=now,
        currency=order.currency,
        total=Decimal(0),
        payment=PaymentStatus.PAID,
        paid_at=now,
        lines=tuple(_line(place, code, pieces) for place, (code, pieces) in enumerate(goods, 1)),
        buyer=_buyer(contact),
        shipping=Address(**contact.shipping) if contact and contact.shipping else None,
        shipping_method=order.shipping_method,
    )


def _line(place: int, code: str, pieces: Decimal) -> IncomingLine:
    if not pieces.is_finite() or not 0 < pieces < 10**6 or pieces * 1000 % 1:
        raise ReturnError("bad_quantity", label=code[:100], wanted=str(pieces)[:40])
    sku = strays.sku_of(code, stocked=False)
    return IncomingLine(
        external_id=str(place), sku=sku.code, title=sku.name, quantity=pieces, unit_price=Decimal(0), total=Decimal(0)
    )


def _buyer(contact: OrderContact | None) -> Buyer:
    if contact is None:
        return Buyer()
    return Buyer(external_id=contact.buyer_id, name=contact.buyer_name, email=contact.email, phone=contact.phone)


def _approve_if_only_free(made: Order, found: Return, actor: str) -> None:
    """Let it go when nothing is found but that it costs nothing; anything else waits for a person as always."""
    review = made.reviews.first()
    codes = {str(one.get("code")) for one in review.findings} if review else set()
    if made.state == Order.State.HELD and codes and codes <= NATURAL:
        actions.approve(order_ids=[made.pk], actor=actor, reason=found.number)
