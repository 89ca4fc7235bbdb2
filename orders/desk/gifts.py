"""Gifts: goods added to an order at no price. They take stock, cost what they cost, and no platform is told of them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.formats import date_format

from backoffice import actors, audit, clock
from inventory import reservations
from inventory.models import Bucket, Reservation, Sku
from orders.desk import holds, review
from orders.desk.table import RowOutcome, Table
from orders.errors import OrderError
from orders.fulfil import parcels
from orders.intake import own_lines
from orders.models import Gift, Order, OrderLine
from orders.models.order import line_reference

State = Order.State
OPEN = (State.HELD, State.APPROVED, State.PARTLY_SHIPPED)
MOST = Decimal(1000)


@transaction.atomic
def add(
    *,
    order_ids: Sequence[int],
    sku_id: int,
    quantity: Decimal,
    actor: str,
    reason: str = "",
    rule: str = "",
    force: bool = False,
) -> list[RowOutcome]:
    """Put a gift in orders of which something still has to leave; one of a kind in each, unless `force`.

    The goods come from where the order's other goods lie. An order that would lack it is refused, the others get it.
    Raises OrderError: gift_unknown, gift_quantity.
    """
    sku = Sku.objects.filter(pk=sku_id).select_related("product").first()
    if sku is None:
        raise OrderError("gift_unknown")
    if not quantity.is_finite() or not 0 < quantity <= MOST or quantity % 1:
        raise OrderError("gift_quantity")
    table = Table(order_ids, actor)
    there = set() if force else _having(table, sku)
    places = review.warehouses_of({one.shop_id for one in table.orders}, table.now)
    done = []
    for order in table.orders:
        if order.state not in OPEN:
            table.refuse_state(order)
        elif order.pk in there:
            table.refuse(order, "gift_there")
        elif _give(table, order, sku, quantity, places.get(order.shop_id, ()), (reason, rule, force)):
            done.append(order)
    after = {"sku": sku.code, "quantity": format(quantity.normalize(), "f"), "reason": reason, "rule": rule}
    _touch(done, table)
    table.done(done, "gift", "order.gift", after)
    return table.outcomes()


def _having(table: Table, sku: Sku) -> set[int]:
    rows = Gift.objects.filter(order__in=[one.pk for one in table.orders], sku=sku, removed_at=None)
    return set(rows.values_list("order_id", flat=True))


def _give(
    table: Table, order: Order, sku: Sku, quantity: Decimal, places: Sequence[int], why: tuple[str, str, bool]
) -> bool:
    sid = transaction.savepoint()
    last = OrderLine.objects.filter(order=order).aggregate(last=Max("position"))["last"] or 0
    line = own_lines.add(order, sku=sku, quantity=quantity, title=sku.name or sku.code, position=last + 1)
    short = _book(table, order, line, _places(order, places))
    if short is not None:
        transaction.savepoint_rollback(sid)
        table.refuse(order, "gift_short", sku=sku.code, available=_plain(short), wanted=_plain(quantity))
        return False
    transaction.savepoint_commit(sid)
    reason, rule, force = why
    Gift.objects.create(
        order=order,
        line=line,
        sku=sku,
        reason=reason[:300],
        rule=rule[:100],
        forced=force,
        added_at=table.now,
        added_by=table.actor[:150],
    )
    return True


def _places(order: Order, places: Sequence[int]) -> list[int]:
    """Return where the order's goods lie; all its shop's warehouses while nothing is reserved."""
    references = [line_reference(pk) for pk in order.lines.values_list("pk", flat=True)]
    rows = Reservation.objects.filter(reference__in=references, bucket=Bucket.RESERVED, quantity__gt=0)
    there = set(rows.values_list("warehouse_id", flat=True))
    return [place for place in places if place in there] or list(places)


def _book(table: Table, order: Order, line: OrderLine, places: Sequence[int]) -> Decimal | None:
    """Book what the gift needs, reserve it for an order that is approved; returns what there is when it is short."""
    if not line.stocked:
        return None
    available = own_lines.free(line, places)
    want = own_lines.want_of(line, places)
    if want is None or available < line.quantity:
        return available
    reservations.change_demand(wants=[want], actor=table.actor)
    if order.state == State.HELD:
        return None
    result = reservations.reserve(wants=[want], actor=table.actor)
    return available if result.shortages else None


@transaction.atomic
def remove(*, order_id: int, gift_id: int, actor: str) -> None:
    """Take a gift out again before it leaves. Raises OrderError: not_found, gift_gone, gift_shipped."""
    order = Order.objects.select_for_update().filter(pk=order_id).first()
    gift = Gift.objects.filter(pk=gift_id, order=order_id).select_related("line__sku").first()
    if order is None or gift is None:
        raise OrderError("not_found")
    if gift.removed_at is not None:
        when = date_format(timezone.localtime(gift.removed_at), "DATETIME_FORMAT")
        raise OrderError("gift_gone", who=actors.named(gift.removed_by), when=when)
    if gift.line.shipped_quantity > 0:
        raise OrderError("gift_shipped")
    own_lines.cut(gift.line, actor)
    gift.removed_at, gift.removed_by = clock.now(), actor[:150]
    gift.save(update_fields=["removed_at", "removed_by"])
    _finish(order)
    code = gift.line.sku.code if gift.line.sku else ""
    audit.record(action="order.gift_out", target=order, actor=actor, after={"sku": code}, summary=order.number)


def _finish(order: Order) -> None:
    """An order of which only the gift was left has left as a whole now."""
    order.updated_at, order.revision = clock.now(), order.revision + 1
    hand = parcels.open_order(order)
    if order.state == State.PARTLY_SHIPPED and all(line.shipped_quantity >= line.quantity for line in hand.lines):
        order.state = State.SHIPPED
        holds.clear(order)
    order.save(
        update_fields=[
            "state", "updated_at", "revision", "hold_code", "hold_note", "hold_department", "held_since", "hold_until",
        ]
    )  # fmt: skip


def _touch(orders: Sequence[Order], table: Table) -> None:
    """The goods of the orders changed: whoever follows the changes reads them again."""
    table.save(list(orders))


def _plain(value: Decimal) -> str:
    return format(value.normalize() if value else Decimal(0), "f")
