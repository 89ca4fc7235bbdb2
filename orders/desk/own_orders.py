"""Orders that people enter: on the phone, by e-mail, in a shop. They come in through intake like any other."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format

from backoffice import actors, audit, clock
from backoffice.models import AuditEntry
from finance import currencies
from inventory.models import Sku
from orders.contracts import IncomingOrder, from_json
from orders.desk import actions, baskets
from orders.desk.baskets import Basket
from orders.errors import OrderError
from orders.intake import own_orders as door
from orders.intake.own_orders import Taken
from orders.models import Order
from orders.models.order import order_reference

State, Kind = Order.State, Order.Kind
CHANGEABLE = (State.HELD, State.UNPAID)
BASKET = "basket"


@transaction.atomic
def enter(*, shop_id: int, basket: Basket, key: str, actor: str) -> Taken:
    """Make an order of what a person typed; the same key again returns the order of the first call.

    Raises OrderError not_taken.
    """
    now = clock.now()
    incoming = _incoming(basket, now, now)
    taken = door.take(
        shop_id=shop_id, kind=Kind.MANUAL.value, key=key, actor=actor,
        build=lambda _external_id, _number: incoming,
    )  # fmt: skip
    if taken.made:
        audit.record(action="order.enter", target=order_reference(taken.order_id), actor=actor, summary=taken.number)
    return taken


def _incoming(basket: Basket, placed_at: dt.datetime, updated_at: dt.datetime) -> IncomingOrder:
    """Goods are named by their codes of today: a SKU may have been renamed since a quote was made."""
    codes = dict(Sku.objects.filter(pk__in={line.sku_id for line in basket.lines}).values_list("pk", "code"))
    lines = tuple(dataclasses.replace(line, code=codes.get(line.sku_id, line.code)) for line in basket.lines)
    basket = dataclasses.replace(basket, lines=lines)
    incoming = baskets.to_incoming(
        basket, placed_at=placed_at, updated_at=updated_at, places=currencies.places(basket.currency)
    )
    return dataclasses.replace(incoming, extra={BASKET: baskets.to_text(basket)})


def basket_of(order: Order) -> Basket:
    """Return what was typed for an order entered here. Raises OrderError not_own."""
    version = order.accepted_version
    text = from_json(version.content).extra.get(BASKET) if version is not None else None
    if order.kind != Kind.MANUAL or not text:
        raise OrderError("not_own", number=order.number)
    return baskets.from_json(json.loads(text))


def may_change(order: Order) -> bool:
    """Whether it was entered here, and is still held or unpaid with nothing sent."""
    return order.kind == Kind.MANUAL and order.state in CHANGEABLE and order.shipped_at is None


@transaction.atomic
def change(*, order_id: int, basket: Basket, seen_version: int, actor: str) -> int:
    """Bring a new version of an order entered here, while it is held or unpaid and nothing has left.

    `seen_version` is the accepted version the person had before them: of two who change at once the second is told.
    Raises OrderError: not_found, not_own, edit_state, changed_meanwhile, not_taken.
    """
    order = Order.objects.select_for_update().filter(pk=order_id).first()
    if order is None:
        raise OrderError("not_found")
    if order.kind != Kind.MANUAL:
        raise OrderError("not_own", number=order.number)
    if not may_change(order):
        raise OrderError("edit_state", number=order.number, state=order.get_state_display())
    if order.accepted_version_id != seen_version:
        raise _overtaken(order)
    before = from_json(order.accepted_version.content)  # type: ignore[union-attr]
    fresh = _incoming(basket, before.placed_at, max(clock.now(), before.updated_at))
    extra = {**before.extra, **fresh.extra}
    paid_at = fresh.paid_at and (before.paid_at or clock.now())
    door.store(
        order.shop_id,
        dataclasses.replace(
            fresh, external_id=order.external_id, number=order.number, extra=extra, paid_at=paid_at
        ),
        actor,
    )  # fmt: skip
    order.refresh_from_db()
    if order.pending_version_id is not None:  # it had been through review: the person who changes it decides
        actions.accept_edit(order_ids=[order.pk], actor=actor, reason="changed here")
    audit.record(action="order.change", target=order, actor=actor, summary=order.number)
    return order.pk


def _overtaken(order: Order) -> OrderError:
    last = AuditEntry.objects.filter(target=order_reference(order.pk)).order_by("-pk").first()
    who = actors.named(last.actor) if last else ""
    when = date_format(timezone.localtime(last.at if last else order.updated_at), "DATETIME_FORMAT")
    return OrderError("changed_meanwhile", who=who, when=when)
