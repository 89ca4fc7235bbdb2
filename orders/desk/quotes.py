"""Quotes: an offer with a date until which it stands, that becomes an order once."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format

from backoffice import actors, audit, clock
from backoffice.models import AuditEntry
from finance import currencies
from orders.desk import baskets, own_orders, usual_prices
from orders.desk.addresses import problems
from orders.desk.baskets import Basket
from orders.errors import OrderError
from orders.intake import numbers
from orders.intake.own_orders import Taken
from orders.models import NumberRange, Quote

State = Quote.State
OPEN = (State.DRAFT, State.SENT)
CHANGEABLE = (*OPEN, State.REFUSED, State.EXPIRED)


@transaction.atomic
def make(*, shop_id: int, basket: Basket, valid_until: dt.date, text: str, key: str, actor: str) -> Quote:
    """Make a quote under the next number of its shop; the same key again returns the first one."""
    drawn = numbers.locked(shop_id=shop_id, of=NumberRange.Of.QUOTE.value)
    known = Quote.objects.filter(idempotency_key=key).first()
    if known is not None:
        return known
    now = clock.now()
    quote = Quote.objects.create(
        shop_id=shop_id,
        number=numbers.draw(drawn),
        valid_until=valid_until,
        text=text[:5000],
        idempotency_key=key,
        created_at=now,
        created_by=actor[:150],
        updated_at=now,
        **_content(basket),
    )
    audit.record(action="quote.make", target=quote, actor=actor, summary=quote.number)
    return quote


def _content(basket: Basket) -> dict[str, object]:
    total = baskets.totals(basket, currencies.places(basket.currency)).total
    return {"currency": basket.currency, "total": total, "basket": baskets.to_json(basket)}


def basket_of(quote: Quote) -> Basket:
    """Return what is offered."""
    return baskets.from_json(quote.basket)


@transaction.atomic
def change(*, quote_id: int, basket: Basket, valid_until: dt.date, text: str, seen_revision: int, actor: str) -> Quote:
    """Change a quote that is no order yet: it is a draft again. Raises OrderError: not_found, quote_*, changed_…"""
    quote = _locked(quote_id)
    _must_be(quote, CHANGEABLE)
    if quote.revision != seen_revision:
        last = AuditEntry.objects.filter(target=audit.target_text(quote)).order_by("-pk").first()
        who = actors.named(last.actor) if last else ""
        when = date_format(timezone.localtime(quote.updated_at), "DATETIME_FORMAT")
        raise OrderError("changed_meanwhile", who=who, when=when)
    for name, value in _content(basket).items():
        setattr(quote, name, value)
    quote.valid_until, quote.text, quote.state = valid_until, text[:5000], State.DRAFT
    quote.decided_at = None
    _save(quote, "quote.change", actor)
    return quote


@transaction.atomic
def duplicate(*, quote_id: int, valid_until: dt.date, key: str, actor: str) -> Quote:
    """Make a new draft like a quote, whatever became of it."""
    quote = _locked(quote_id)
    return make(
        shop_id=quote.shop_id, basket=basket_of(quote), valid_until=valid_until, text=quote.text, key=key, actor=actor
    )


@transaction.atomic
def mark(*, quote_id: int, state: str, actor: str) -> Quote:
    """Say that a quote was sent to the customer, or refused by them. Raises OrderError: not_found, quote_*."""
    quote = _locked(quote_id)
    _must_be(quote, OPEN)
    if _over(quote):
        raise OrderError("quote_expired", number=quote.number, when=date_format(quote.valid_until, "DATE_FORMAT"))
    quote.state = state
    if state == State.SENT:
        quote.sent_at = clock.now()
    else:
        quote.decided_at = clock.now()
    _save(quote, f"quote.{state}", actor)
    return quote


def expire(now: dt.datetime | None = None) -> int:
    """Let quotes end whose last day is over; returns how many. A chore."""
    today = timezone.localdate(now or clock.now())
    due = Quote.objects.filter(state__in=OPEN, valid_until__lt=today)
    return due.update(state=State.EXPIRED, updated_at=clock.now())


@dataclasses.dataclass(frozen=True, slots=True)
class PriceChange:
    """A line of a quote whose usual price is another one than when it was made."""

    code: str
    title: str
    quoted: Decimal
    then: Decimal | None
    now: Decimal


def price_changes(quote: Quote) -> list[PriceChange]:
    """Return the lines whose usual price has changed since, in one query."""
    basket = basket_of(quote)
    prices = usual_prices.of({line.sku_id for line in basket.lines}, quote.shop_id, quote.currency)
    return [
        PriceChange(line.code, line.title, line.unit_price, line.usual, prices[line.sku_id])
        for line in basket.lines
        if line.sku_id in prices and prices[line.sku_id] != (line.unit_price if line.usual is None else line.usual)
    ]


@transaction.atomic
def order(*, quote_id: int, actor: str) -> Taken:
    """Turn a quote into an order of its shop, once.

    Raises OrderError: not_found, quote_ordered, quote_state, quote_expired, quote_buyer, not_taken.
    """
    quote = _locked(quote_id)
    _must_be(quote, OPEN)
    if _over(quote):
        raise OrderError("quote_expired", number=quote.number, when=date_format(quote.valid_until, "DATE_FORMAT"))
    basket = basket_of(quote)
    if problems(baskets.address_of(basket)):
        raise OrderError("quote_buyer", number=quote.number)
    taken = own_orders.enter(shop_id=quote.shop_id, basket=basket, key=f"quote-{quote.pk}", actor=actor)
    quote.order_id, quote.state, quote.decided_at = taken.order_id, State.ACCEPTED, clock.now()
    _save(quote, "quote.order", actor, after={"order": taken.number})
    return taken


def _locked(quote_id: int) -> Quote:
    # Without its order: what is joined to a row that was waited for is as it was before the wait.
    quote = Quote.objects.select_for_update().filter(pk=quote_id).first()
    if quote is None:
        raise OrderError("not_found")
    return quote


def _must_be(quote: Quote, states: tuple[str, ...]) -> None:
    if quote.order is not None:
        raise OrderError("quote_ordered", number=quote.number, order=quote.order.number)
    if quote.state not in states:
        raise OrderError("quote_state", number=quote.number, state=quote.get_state_display())


def _over(quote: Quote) -> bool:
    return quote.valid_until < timezone.localdate(clock.now())


def _save(quote: Quote, action: str, actor: str, after: dict[str, str] | None = None) -> None:
    quote.updated_at, quote.revision = clock.now(), quote.revision + 1
    quote.save()
    audit.record(action=action, target=quote, actor=actor, after=after or {}, summary=quote.number)
