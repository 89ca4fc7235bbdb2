"""Goods sent for an order that has left: in exchange for what comes back, or once more because they never arrived.

The new order is one of our own, linked to the old one: same buyer and address, at zero or at the difference. It goes
through review like any other; that it costs nothing and resembles the old order is meant so and holds nothing.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction

from backoffice import audit, clock
from backoffice.money import round_money
from finance import currencies
from inventory.models import Sku
from orders.contracts import Buyer, IncomingLine, IncomingOrder, PaymentStatus, from_json
from orders.desk import actions, review
from orders.errors import OrderError
from orders.intake import own_orders as door
from orders.intake.own_orders import Taken
from orders.models import Order, OrderContact
from orders.models.order import Department, order_reference

ZERO = Decimal(0)
KINDS = (Order.Kind.EXCHANGE.value, Order.Kind.REISSUE.value)
REASON = "reason"
MOST = Decimal(1000)


@dataclasses.dataclass(frozen=True, slots=True)
class Goods:
    """What is sent: pieces of a SKU."""

    sku_id: int
    quantity: Decimal


@transaction.atomic
def replace(
    *,
    order_id: int,
    kind: str,
    goods: Sequence[Goods],
    reason: str,
    actor: str,
    key: str,
    difference: Decimal = ZERO,
    paid: bool = True,
    ship_by: dt.datetime | None = None,
    asked: bool = False,
) -> Taken:
    """Make the order that is sent for one that has left; the same key again returns the first one.

    `difference` is what the buyer pays for an exchange, `paid` whether that is paid already. With `asked` the new
    order is held until somebody who may decide lets it go. Raises OrderError: not_found, not_sent_yet,
    no_reason_given, nothing_chosen, gift_quantity, gift_unknown, difference, not_taken.
    """
    order = Order.objects.select_for_update().filter(pk=order_id).first()
    if order is None:
        raise OrderError("not_found")
    if order.shipped_at is None or order.state == Order.State.CANCELLED:
        raise OrderError("not_sent_yet", number=order.number)
    if not reason.strip():
        raise OrderError("no_reason_given")
    if not difference.is_finite() or difference < 0 or (difference and kind != Order.Kind.EXCHANGE):
        raise OrderError("difference")
    lines = _lines(goods, round_money(difference, currencies.places(order.currency)))
    incoming = _incoming(order, lines, paid, ship_by, reason)
    taken = door.take(
        shop_id=order.shop_id, kind=kind, key=f"{order.pk}:{key}", actor=actor, origin_id=order.pk,
        build=lambda _external_id, _number: incoming,
    )  # fmt: skip
    if taken.made:
        _note(order, taken, kind, reason, actor)
        if asked:
            actions.hold(order_ids=[taken.order_id], actor=actor, reason=reason, department=Department.DESK.value)
    return taken


def _lines(goods: Sequence[Goods], difference: Decimal) -> tuple[IncomingLine, ...]:
    if not goods:
        raise OrderError("nothing_chosen")
    skus = Sku.objects.in_bulk([one.sku_id for one in goods])
    lines = []
    for nth, one in enumerate(goods, 1):
        if not one.quantity.is_finite() or not 0 < one.quantity <= MOST or one.quantity * 1000 % 1:
            raise OrderError("gift_quantity")
        if one.sku_id not in skus:
            raise OrderError("gift_unknown")
        sku, total = skus[one.sku_id], difference if nth == 1 else ZERO
        price = round_money(total / one.quantity, 4)
        lines.append(
            IncomingLine(
                external_id=str(nth), sku=sku.code, title=sku.name or sku.code, quantity=one.quantity,
                unit_price=price, total=total,
            )
        )  # fmt: skip
    return tuple(lines)


def _incoming(
    order: Order, lines: tuple[IncomingLine, ...], paid: bool, ship_by: dt.datetime | None, reason: str
) -> IncomingOrder:
    """The buyer and the address as they are known now: corrected ones are sent to."""
    contact = OrderContact.objects.filter(order=order).first() or OrderContact(order=order)
    now, total = clock.now(), sum((one.total or ZERO for one in lines), ZERO)
    settled = paid or not total
    return IncomingOrder(
        external_id="", number="", placed_at=now, updated_at=now, currency=order.currency, total=total, lines=lines,
        payment=PaymentStatus.PAID if settled else PaymentStatus.PENDING, paid_at=now if settled else None,
        taxes_included=True, shipping=review.address_of(contact), ship_by=ship_by, test=order.test,
        buyer=Buyer(
            external_id=contact.buyer_id, name=contact.buyer_name, email=contact.email, phone=contact.phone
        ),
        extra={REASON: reason[:300]},
    )  # fmt: skip


def _note(order: Order, taken: Taken, kind: str, reason: str, actor: str) -> None:
    after = {"reason": reason[:300]}
    audit.record_many(
        [
            audit.Entry(f"order.{kind}", order, after=after, summary=taken.number, actor=actor),
            audit.Entry(
                f"order.{kind}_of", order_reference(taken.order_id), after=after, summary=order.number, actor=actor
            ),
        ]
    )


def reason_of(order: Order) -> str:
    """Return why an order of these kinds was sent."""
    version = order.accepted_version
    return from_json(version.content).extra.get(REASON, "") if version is not None else ""
