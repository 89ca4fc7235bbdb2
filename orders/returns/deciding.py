"""The steps of a return that move no goods: approved or refused, address given, on its way, closed, settled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from backoffice import clock
from orders.models import Return, ReturnLine, ReturnRefund
from orders.models.return_money import OPEN_MONEY
from orders.models.returns import EXPECTED, OPEN
from orders.returns import locking, requesting
from orders.returns.errors import ReturnError
from orders.returns.locking import locked, moved, must_be

State = Return.State
LONGEST = dt.timedelta(days=120)  # a parcel that is expected later, or was that long ago, is a typing error


@transaction.atomic
def approve(*, return_id: int, actor: str, warehouse_id: int | None = None) -> Return:
    """Let the goods come; from now on the clock runs. Raises ReturnError not_found, state."""
    found = locked(return_id)
    must_be(found, State.REQUESTED)
    found.state = State.APPROVED
    found.expected_by = requesting.due(found.order, clock.now()) if found.goods else None
    if warehouse_id is not None and found.goods:
        found.warehouse_id = warehouse_id
    moved(found, actor, "return.approve", "state", "expected_by", "warehouse")
    return found


@transaction.atomic
def refuse(*, return_id: int, actor: str, reason: str) -> Return:
    """Say no, and why. Raises ReturnError not_found, state, say_why."""
    return _end(return_id, actor, reason, State.REFUSED, "return.refuse", (State.REQUESTED,))


@transaction.atomic
def cancel(*, return_id: int, actor: str, reason: str) -> Return:
    """The buyer keeps it after all. Raises ReturnError not_found, state, say_why, money_first."""
    return _end(return_id, actor, reason, State.CANCELLED, "return.cancel", EXPECTED)


@transaction.atomic
def close(*, return_id: int, actor: str, reason: str) -> Return:
    """It never came, or nothing is left to do. Raises ReturnError not_found, state, say_why, money_first, undecided."""
    return _end(return_id, actor, reason, State.CLOSED, "return.close", OPEN)


def _end(return_id: int, actor: str, reason: str, state: str, action: str, of: Iterable[str]) -> Return:
    found = locked(return_id)
    must_be(found, *of)
    if not reason.strip():
        raise ReturnError("say_why")
    _nothing_open(found)
    found.state, found.note = state, reason.replace("\0", "").strip()[:300]
    moved(found, actor, action, "state", "note", summary=found.note)
    return found


def _nothing_open(found: Return) -> None:
    if found.money.filter(state__in=OPEN_MONEY).exists():
        raise ReturnError("money_first", number=found.number)
    if undecided(found):
        raise ReturnError("undecided", number=found.number)


def undecided(found: Return) -> bool:
    """Whether pieces are here that nobody has decided about."""
    return found.lines.filter(received_quantity__gt=F("decided_quantity")).exists()


@transaction.atomic
def instruct(*, return_id: int, actor: str) -> Return:
    """Note that the buyer has the address or the label. A second time changes nothing. Raises not_found, state."""
    found = locked(return_id)
    if found.state == State.INSTRUCTED:
        return found
    must_be(found, State.APPROVED)
    found.state = State.INSTRUCTED
    moved(found, actor, "return.instruct", "state")
    return found


@transaction.atomic
def on_its_way(
    *, return_id: int, actor: str, carrier: str = "", tracking: str = "", expected_on: dt.date | None = None
) -> Return:
    """Note the buyer's parcel, or correct its number; `expected_on` moves the day by which it should be here.

    Raises ReturnError not_found, state, bad_day.
    """
    found = locked(return_id)
    must_be(found, State.APPROVED, State.INSTRUCTED, State.IN_TRANSIT)
    fields = ["state", "carrier", "tracking_number", "tracking_key"]
    if expected_on is not None:
        found.expected_by = _end_of(expected_on)
        fields.append("expected_by")
    found.state = State.IN_TRANSIT
    found.carrier, found.tracking_number = carrier.strip()[:100], tracking.strip()[:200]
    found.tracking_key = requesting.tracking_key(tracking)
    told = {"expected": expected_on.isoformat()} if expected_on is not None else {}
    moved(found, actor, "return.in_transit", *fields, summary=tracking.strip()[:200], **told)
    return found


def _end_of(day: dt.date) -> dt.datetime:
    """The end of a day in the person's zone: a parcel of that day is not late in the afternoon."""
    today = timezone.localdate(clock.now())
    if not today - LONGEST <= day <= today + LONGEST:
        raise ReturnError("bad_day", most=LONGEST.days)
    return timezone.make_aware(dt.datetime.combine(day, dt.time(23, 59, 59)))


@transaction.atomic
def settle(*, return_id: int, actor: str, reason: str) -> Return:
    """Finish a return without (more) money, and say why. Raises not_found, state, say_why, money_first, undecided."""
    states = (State.INSPECTED, State.RECEIVED)
    found = locked(return_id)
    must_be(found, *states, *(() if found.goods else (State.APPROVED,)))
    if not reason.strip():
        raise ReturnError("say_why")
    _nothing_open(found)
    found.note = reason.replace("\0", "").strip()[:300]
    _settled(found, actor)
    return found


def settle_if_done(found: Return, actor: str) -> None:
    """Settle a locked return by itself once its goods are decided and the buyer has what was promised."""
    if found.state not in (State.INSPECTED, *(() if found.goods else (State.APPROVED,))) or undecided(found):
        return
    if found.money.filter(state__in=OPEN_MONEY).exists() or _missing(found):
        return
    given = found.refund_id or found.exchange_order_id or found.money.filter(state=ReturnRefund.State.DONE).exists()
    if given:
        _settled(found, actor)


def _missing(found: Return) -> bool:
    """Whether announced goods are still to come: then the return stays open, whatever is settled so far."""
    return found.goods and ReturnLine.objects.filter(rma=found, received_quantity__lt=F("quantity")).exists()


def _settled(found: Return, actor: str) -> None:
    found.state, found.settled_at = State.SETTLED, clock.now()
    locking.moved(found, actor, "return.settle", "state", "settled_at", "note", summary=found.note)
