"""A draft becomes an order: handed in, approved above the limit, sent; put off, closed or cancelled later."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.db import transaction

from backoffice import audit, clock
from backoffice.fields import rounded
from backoffice.money import convert
from finance import rates
from finance.currencies import base_code, iso_places
from inventory import arrivals, balances
from inventory.arrivals import Expected
from inventory.models import ExpectedArrival
from orders.models import PurchaseLine, PurchaseOrder, SupplyDraft
from orders.models.purchase import AWAITED, EDITABLE
from orders.supply import locking, terms
from orders.supply.errors import SupplyError
from orders.supply.locking import plain

State = PurchaseOrder.State


@transaction.atomic
def hand_in(
    *, order_id: int, actor: str, limit: Decimal | None, revision: int | None = None
) -> PurchaseOrder:  # fmt: skip
    """Order a draft within the limit (None: any amount) at once; above it the order waits for approval.

    Raises SupplyError: not_found, state, moved, supplier_off, minimum, pack, minimum_order, no_rate.
    """
    order = locking.locked(order_id)
    locking.must_be(order, *EDITABLE)
    locking.must_be_seen(order, revision)
    if not order.supplier.active:
        raise SupplyError("supplier_off", supplier=order.supplier.name)
    lines = _lines(order)
    terms.check(order, lines)
    order.submitted_by, order.base_total = actor[:150], _in_base(order)
    if limit is None or order.base_total <= limit:
        return _ordered(order, lines, actor, "purchase.order")
    order.state = State.WAITING
    locking.moved(order, actor, "purchase.hand_in", "state", "submitted_by", "base_total", total=plain(order.total))
    return order


@transaction.atomic
def approve(*, order_id: int, actor: str, limit: Decimal | None, revision: int | None = None) -> PurchaseOrder:
    """Approve what waits, and order it. Nobody approves their own.

    Raises SupplyError: not_found, state, moved, own, over_limit, no_rate.
    """
    order = locking.locked(order_id)
    locking.must_be(order, State.WAITING)
    locking.must_be_seen(order, revision)
    if actor[:150] == order.submitted_by:
        raise SupplyError("own")
    order.base_total = _in_base(order)
    if limit is not None and order.base_total > limit:
        raise SupplyError("over_limit", total=plain(order.base_total), limit=plain(limit))
    order.approved_by = actor[:150]
    return _ordered(order, _lines(order), actor, "purchase.approve")


@transaction.atomic
def send_back(*, order_id: int, actor: str, reason: str) -> PurchaseOrder:
    """Make what waits a draft again, with the reason. Raises SupplyError: not_found, state, say_why."""
    order = locking.locked(order_id)
    locking.must_be(order, State.WAITING)
    why = _reason(reason)
    order.state, order.revision = State.DRAFT, order.revision + 1
    locking.moved(order, actor, "purchase.send_back", "state", "revision", summary=why)
    return order


@transaction.atomic
def put_off(*, order_id: int, expected_on: dt.date, actor: str) -> PurchaseOrder:
    """Note another promised day; what is promised to buyers from it moves along.

    Raises SupplyError: not_found, state, past_day.
    """
    order = locking.locked(order_id)
    locking.must_be(order, *AWAITED)
    today = clock.now().date()
    if not today - dt.timedelta(days=1) <= expected_on <= today + dt.timedelta(days=730):
        raise SupplyError("past_day", field="expected_on")
    for row in _awaited(order):
        arrivals.change(
            arrival_id=row.pk, quantity=row.quantity, expected_on=expected_on, source=row.source, actor=actor,
            owner=order.reference,
        )  # fmt: skip
    before, order.expected_on = order.expected_on, expected_on
    locking.moved(order, actor, "purchase.put_off", "expected_on", summary=f"{before} → {expected_on}")
    return order


@transaction.atomic
def cancel(*, order_id: int, actor: str, reason: str) -> PurchaseOrder:
    """Give an order up of which nothing has come. Raises SupplyError: not_found, state, say_why."""
    order = locking.locked(order_id)
    locking.must_be(order, State.DRAFT, State.WAITING, State.ORDERED)
    why = _reason(reason)
    _give_up(order, actor)
    order.state = State.CANCELLED
    locking.moved(order, actor, "purchase.cancel", "state", summary=why)
    _tell_late(order, SupplyDraft.State.CANCELLED, actor)
    return order


@transaction.atomic
def close(*, order_id: int, actor: str, reason: str = "") -> PurchaseOrder:
    """End an order: what has not come is awaited no longer. Raises SupplyError: not_found, state, say_why."""
    order = locking.locked(order_id)
    locking.must_be(order, State.PARTLY, State.RECEIVED)
    why = _reason(reason) if order.state == State.PARTLY else locking.clean(reason, 300)
    _give_up(order, actor)
    order.state = State.CLOSED
    locking.moved(order, actor, "purchase.close", "state", summary=why)
    return order


def _reason(text: str) -> str:
    why = locking.clean(text, 300)
    if not why:
        raise SupplyError("say_why", field="reason")
    return why


def _lines(order: PurchaseOrder) -> list[PurchaseLine]:
    return list(order.lines.select_related("sku").order_by("row"))


def _in_base(order: PurchaseOrder) -> Decimal:
    return convert(order.total, _rate(order.currency), iso_places(base_code()))


def _rate(currency: str) -> Decimal:
    today = clock.now().date()
    found = rates.rates_for({(currency, today)}).get((currency, today))
    if found is None:
        raise SupplyError("no_rate", currency=currency)
    return found


def _ordered(order: PurchaseOrder, lines: list[PurchaseLine], actor: str, action: str) -> PurchaseOrder:
    """Announce the goods: they are incoming from now on, at the price of today's rate."""
    rate, now = _rate(order.currency), clock.now()
    if order.expected_on is None:
        days = order.supplier.lead_days if order.supplier.measured_mean is None else order.supplier.measured_mean
        order.expected_on = (now + dt.timedelta(days=float(days))).date()
    order.state, order.ordered_at = State.ORDERED, now
    balances.lock([(line.sku_id, order.warehouse_id) for line in lines], create=True)
    rows = [
        Expected(
            sku_id=line.sku_id, warehouse_id=order.warehouse_id, quantity=line.quantity, expected_on=order.expected_on,
            unit_cost=rounded(line.price * rate, 6), source=f"{order.number} {order.supplier.name}",
            owner=order.reference,
        )
        for line in lines
    ]  # fmt: skip
    for line, arrival in zip(lines, arrivals.announce(rows=rows, actor=actor), strict=True):
        line.arrival = arrival
    PurchaseLine.objects.bulk_update(lines, ["arrival"])
    names = ("state", "ordered_at", "expected_on", "submitted_by", "approved_by", "base_total")
    locking.moved(order, actor, action, *names, total=f"{plain(order.total)} {order.currency}")
    _tell_late(order, SupplyDraft.State.CONFIRMED, actor)
    return order


def _awaited(order: PurchaseOrder) -> list[ExpectedArrival]:
    rows = ExpectedArrival.objects.filter(owner=order.reference, state=ExpectedArrival.State.EXPECTED)
    return list(rows.order_by("pk"))


def _give_up(order: PurchaseOrder, actor: str) -> None:
    rows = _awaited(order)
    balances.lock([(row.sku_id, row.warehouse_id) for row in rows])
    for row in rows:
        arrivals.cancel(arrival_id=row.pk, actor=actor, owner=order.reference)


def _tell_late(order: PurchaseOrder, state: str, actor: str) -> None:
    """The late play that asked for the goods hears of it."""
    for row in SupplyDraft.objects.filter(purchase=order, state=SupplyDraft.State.DRAFT):
        row.state, row.ended_at, row.ended_by = state, clock.now(), actor[:150]
        row.save(update_fields=["state", "ended_at", "ended_by"])
        audit.record(action=f"supply.{state}", target=row, actor=actor, summary=order.number)
