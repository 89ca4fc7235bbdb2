"""Gifts: goods added to an order at no price. They take stock, cost what they cost, and no platform is told of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format

from backoffice import actors, audit, clock
from inventory import balances, reservations
from inventory.models import Sku
from orders.desk import holds, review
from orders.desk.table import RowOutcome, Table
from orders.errors import OrderError
from orders.fulfil import parcels
from orders.fulfil.routing import reading
from orders.fulfil.routing.facts import ONE
from orders.intake import goods as goods_of
from orders.intake import own_lines
from orders.intake.goods import Goods
from orders.models import Gift, Order, OrderLine

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
    goods = goods_of.by_sku([sku.pk])[sku.pk]
    due = _due(table, sku, force=force)
    places: dict[int, int] = {}
    if goods.kind != Sku.Kind.VIRTUAL:
        places = _places(table, due, goods, int(quantity))
        due = [one for one in due if one.pk in places]
    lines = own_lines.add(due, goods=goods, quantity=quantity, title=sku.name or sku.code)
    Gift.objects.bulk_create(_gift(table, one, sku, (reason, rule, force)) for one in lines)
    _book(table, lines, goods, places)
    after = {"sku": sku.code, "quantity": format(quantity.normalize(), "f"), "reason": reason, "rule": rule}
    _touch(due, table)
    table.done(due, "gift", "order.gift", after)
    return table.outcomes()


def _due(table: Table, sku: Sku, *, force: bool) -> list[Order]:
    there = set() if force else _having(table, sku)
    for order in table.orders:
        if order.state not in OPEN:
            table.refuse_state(order)
        elif order.pk in there:
            table.refuse(order, "gift_there")
    return [one for one in table.orders if one.state in OPEN and one.pk not in there]


def _having(table: Table, sku: Sku) -> set[int]:
    rows = Gift.objects.filter(order__in=[one.pk for one in table.orders], sku=sku, removed_at=None)
    return set(rows.values_list("order_id", flat=True))


def _gift(table: Table, line: OrderLine, sku: Sku, why: tuple[str, str, bool]) -> Gift:
    reason, rule, force = why
    return Gift(
        order_id=line.order_id, line=line, sku=sku, reason=reason[:300], rule=rule[:100], forced=force,
        added_at=table.now, added_by=table.actor[:150],
    )  # fmt: skip


# --- where from ------------------------------------------------------------------------------------------------------


def _places(table: Table, due: Sequence[Order], goods: Goods, pieces: int) -> dict[int, int]:
    """Return for each order the warehouse that gives its gift: one where its other goods lie, if any do.

    Of what nobody waits for, counted down under the locks of all balances at once: two who give the same goods to many
    orders wait for each other, never crosswise. Who comes too late is refused.
    """
    asked = _asked(table, due)
    needs = {pk: int(each * ONE) for pk, each in goods.parts} or {goods.sku_id or 0: ONE}
    sites = {site for found in asked.values() for site in found}
    gone = reading.gone(needs, sites) if sites else frozenset()
    stock = balances.lock((sku, site) for sku in needs for site in sites)
    free = {pair: one.uncommitted for pair, one in stock.items() if pair not in gone}
    found = {}
    for order in due:
        units = {
            site: min(max(free.get((sku, site), 0), 0) // n for sku, n in needs.items()) for site in asked[order.pk]
        }
        place = next((site for site in asked[order.pk] if units[site] >= pieces), None)
        if place is None:
            there = max(units.values(), default=0)
            table.refuse(order, "gift_short", sku=goods.code, available=str(there), wanted=str(pieces))
            continue
        found[order.pk] = place
        for sku, n in needs.items():
            free[sku, place] -= n * pieces
    return found


def _asked(table: Table, due: Sequence[Order]) -> dict[int, list[int]]:
    """Return where each order's goods lie; all its shop's warehouses while nothing is reserved."""
    shops = review.warehouses_of({one.shop_id for one in due}, table.now)
    rows = OrderLine.objects.filter(order__in=[one.pk for one in due]).values_list("pk", "order_id")
    owners: dict[int, int] = dict(rows)
    there: dict[int, set[int]] = defaultdict(set)
    for line_id, pairs in reading.held_by(owners).items():
        there[owners[line_id]] |= {site for _sku, site in pairs}
    found = {}
    for order in due:
        places = shops.get(order.shop_id, ())
        found[order.pk] = [one for one in places if one in there[order.pk]] or list(places)
    return found


def _book(table: Table, lines: Sequence[OrderLine], goods: Goods, places: Mapping[int, int]) -> None:
    """Book what the gifts need, and reserve it for the orders that are approved: their places have it, locked."""
    wants = {one: own_lines.want_of(one, goods, places[one.order_id]) for one in lines if one.order_id in places}
    held = {one.pk for one in table.orders if one.state == State.HELD}
    reservations.change_demand(wants=list(wants.values()), actor=table.actor)
    now = [want for line, want in wants.items() if line.order_id not in held]
    reservations.reserve(wants=now, actor=table.actor)


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
