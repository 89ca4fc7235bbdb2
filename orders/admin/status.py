"""The one status of an order that a person reads, on the list and on its page, each with its sentence.

It starts from the order's state and is refined from what the order says of itself; parts of the desk refine it further
(in a wave, packed) by registration. Nothing is stored: a status is only another way to read what is true already.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from orders.desk import sentences
from orders.desk.holds import MANUAL, PRESALE
from orders.models import Order

State = Order.State
SHORT = "short_stock"
OPEN = (State.HELD, State.APPROVED, State.PARTLY_SHIPPED)


@dataclasses.dataclass(frozen=True, slots=True)
class Status:
    """What a person reads. `tone` is unfold's label: default, info, warning, primary, success, danger.

    Of several the one with the greatest weight is shown: 0 is the bare state, 10 what the order says of itself, parts
    of the desk take 20 and more.
    """

    code: str
    label: str
    sentence: str
    tone: str = "default"
    weight: int = 20


Refine = Callable[[Sequence[Order]], Mapping[int, Status]]
_refinements: list[Refine] = []

PLAIN: dict[str, tuple[Any, Any, str]] = {
    State.UNPAID: (
        _("Waiting for payment"), _("Waits for the buyer's payment. Its goods are kept back meanwhile."), "info",
    ),
    State.HELD: (State.HELD.label, _("Somebody has to look at it. What is wrong stands below."), "warning"),
    State.APPROVED: (
        _("To be shipped"), _("Checked, its goods are reserved. Pack it and enter the parcel."), "primary",
    ),
    State.PARTLY_SHIPPED: (_("Partly shipped"), _("A part has left. The rest still has to be sent."), "primary"),
    State.SHIPPED: (_("Shipped"), _("Everything has left."), "success"),
    State.CANCELLED: (_("Cancelled"), _("Cancelled. No goods are kept for it."), "danger"),
    State.HISTORY: (
        _("Before go-live"), _("Older than the go-live date: kept for reference, takes no stock."), "default",
    ),
}  # fmt: skip


def register_status(refine: Refine) -> None:
    """Let a part of the desk refine the status: a function from a page of orders to those it says something of.

    It is called once a page, so it must read for all of them together.
    """
    if refine not in _refinements:
        _refinements.append(refine)


def of(orders: Sequence[Order]) -> dict[int, Status]:
    """Return the status of each order of a page: no query but those of the parts, each the same for any page."""
    found = {order.pk: _own(order) for order in orders}
    for refine in _refinements:
        for pk, status in refine(orders).items():
            if pk in found and status.weight > found[pk].weight:
                found[pk] = status
    return found


def one(order: Order) -> Status:
    """Return the status of one order."""
    return of([order])[order.pk]


def _own(order: Order) -> Status:
    state = State(order.state)
    if order.pending_version_id and state in (*OPEN, State.UNPAID, State.SHIPPED):
        sentence = _now("The platform changed this order. Compare below and decide.")
        return Status("edited", _now("Changed on the platform"), sentence, "warning", 10)
    if state in OPEN and order.hold_code == PRESALE:
        return _presale(order, state)
    if state in OPEN and order.hold_code == SHORT:
        return _backordered(order, state)
    label, sentence, tone = PLAIN[state]
    if state == State.HELD and order.hold_code:
        title = sentences.hold_title(order.hold_code, order.hold_note)
        label_of = title if order.hold_code == MANUAL else _now("Held: %s") % title
        return Status("held", label_of, str(sentence), tone, 10)
    return Status(str(state), str(label), str(sentence), tone, 0)


def _presale(order: Order, state: State) -> Status:
    until = _day(order.not_before or order.hold_until)
    if state == State.HELD:
        label = _now("Presale until %s") % until if until else _now("Presale")
        sentence = _now("Sold before its goods are here. It goes on by itself when they may leave.")
        return Status("presale", label, sentence, "info", 10)
    sentence = _now("What is in stock can leave; the goods sold in presale follow.")
    return Status("presale_rest", _joined(state, _now("rest in presale")), sentence, "primary", 10)


def _backordered(order: Order, state: State) -> Status:
    promised = (
        _now("Promised for %s.") % date_format(order.promised_on, "SHORT_DATE_FORMAT") if order.promised_on else ""
    )
    if state == State.HELD:
        sentence = _now("Goods are missing; it goes on when they come.")
        return Status("backordered", _now("Backordered"), f"{sentence} {promised}".strip(), "warning", 10)
    sentence = _now("What is in stock can leave; the missing goods follow.")
    return Status(
        "short_rest", _joined(state, _now("rest backordered")), f"{sentence} {promised}".strip(), "primary", 10
    )


def _joined(state: State, rest: str) -> str:
    return f"{PLAIN[state][0]} · {rest}"


def _day(moment: dt.datetime | None) -> str:
    return date_format(timezone.localtime(moment), "SHORT_DATE_FORMAT") if moment else ""
