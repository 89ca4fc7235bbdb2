"""What can be given back: what was paid, what is given back or on its way, and what the buyer paid for some pieces."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

from django.db.models import Sum

from backoffice.money import allocate, round_money
from finance import currencies
from orders.fulfil import parcels, refunds
from orders.fulfil.revenue import NOTHING, LineMoney
from orders.models import Order, OrderLine, Refund, RefundLine, Return, ReturnLine, ReturnRefund
from orders.models.return_money import OPEN_MONEY

ZERO = Decimal(0)
Payment = Order.Payment
UNPAID = (Payment.PENDING, Payment.AUTHORIZED, Payment.VOIDED)


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """An order's money: paid, given back, and on its way back."""

    paid: Decimal
    given: Decimal
    under_way: Decimal

    @property
    def back(self) -> Decimal:
        """What the buyer has back or will have."""
        return self.given + self.under_way

    @property
    def left(self) -> Decimal:
        """What can still be given back."""
        return max(self.paid - self.back, ZERO)


@dataclasses.dataclass(frozen=True, slots=True)
class Suggested:
    """What the buyer paid for some units of a line: its share of discounts and tax included."""

    line: ReturnLine
    units: Decimal
    amount: Decimal
    tax: Decimal


def standing(order: Order) -> Standing:
    """Return how an order stands. The caller holds its lock where money depends on it.

    An order's total is without what was refunded before it left, so that is added to find what was paid.
    """
    rows = list(Refund.objects.filter(order=order).prefetch_related("lines"))
    never_sold = sum((refunds.never_sold(one, list(one.lines.all())) for one in rows), ZERO)
    under_way = ReturnRefund.objects.filter(rma__order=order, state__in=OPEN_MONEY).aggregate(sum=Sum("amount"))
    paid = ZERO if order.payment in UNPAID else order.total + never_sold
    return Standing(paid, sum((one.amount for one in rows), ZERO), under_way["sum"] or ZERO)


def places_of(order: Order) -> int:
    """Return how many decimals the order's currency has."""
    return currencies.places_by_code().get(order.currency, 2)


def suggested(found: Return, rows: Iterable[ReturnLine]) -> list[Suggested]:
    """Return what the buyer paid for the units of each line of a return: those received, else those announced.

    What was given for this return already, or is on its way, is off.
    """
    order, rows = found.order, list(rows)
    lines = list(OrderLine.objects.filter(order=order).order_by("position", "pk"))
    money, places = parcels.money_of(order, lines), places_of(order)
    whole = {line.pk: line for line in lines}
    own = [pk for pk in (found.refund_id, *found.money.values_list("refund_id", flat=True)) if pk]
    before = _given_units(found, whole.values(), own)
    mine = _given_here(found, whole.values())
    return [_suggestion(row, whole[row.line_id], money.lines, before, mine, places) for row in rows]


def _suggestion(
    row: ReturnLine,
    line: OrderLine,
    money: Mapping[int, LineMoney],
    before: Mapping[int, Decimal],
    mine: Mapping[int, Decimal],
    places: int,
) -> Suggested:
    units, paid = row.received_quantity or row.quantity, money.get(line.pk, NOTHING)
    whole = _part(paid.paid, line.quantity, before[line.pk], units, places)
    tax = _part(paid.tax, line.quantity, before[line.pk], units, places)
    left = max(whole - mine[line.pk], ZERO)
    return Suggested(row, units, left, round_money(tax * left / whole, places) if whole else ZERO)


def _part(amount: Decimal, quantity: Decimal, before: Decimal, units: Decimal, places: int) -> Decimal:
    """Return the units' share of a line in whole coins; what is given back bit by bit adds up to the line."""
    if not quantity:
        return ZERO
    upto, start = min(before + units, quantity), min(before, quantity)
    return round_money(amount * upto / quantity, places) - round_money(amount * start / quantity, places)


def _given_units(found: Return, lines: Iterable[OrderLine], own: Collection[int]) -> dict[int, Decimal]:
    """Return per line how many units have their money through other returns or refunds; what never left is not one."""
    units: dict[int, Decimal] = defaultdict(lambda: ZERO)
    rows = RefundLine.objects.filter(refund__order=found.order_id).exclude(refund__in=own)
    for line_id, count in rows.values_list("line_id", "of_shipped"):
        units[line_id] += count
    ids = {line.external_id: line.pk for line in lines}
    others = ReturnRefund.objects.filter(rma__order=found.order_id, state__in=OPEN_MONEY).exclude(rma=found)
    for content in others.values_list("content", flat=True):
        for external_id, count, *_money in content:
            if external_id in ids:
                units[ids[external_id]] += Decimal(count)
    return units


def _given_here(found: Return, lines: Iterable[OrderLine]) -> dict[int, Decimal]:
    """Return per line what this return's own money is, given or under way."""
    given: dict[int, Decimal] = defaultdict(lambda: ZERO)
    ids = {line.external_id: line.pk for line in lines}
    for content in found.money.exclude(state=ReturnRefund.State.CANCELLED).values_list("content", flat=True):
        for external_id, _count, amount, _tax in content:
            if external_id in ids:
                given[ids[external_id]] += Decimal(amount)
    if found.refund is not None:  # the platform's lines may or may not hold the tax: its sum decides
        rows = list(found.refund.lines.order_by("pk"))
        shares = allocate(found.refund.amount - found.refund.shipping, [row.amount for row in rows], 4) if rows else []
        for row, share in zip(rows, shares, strict=True):
            given[row.line_id] += share
    return given


def shipping_left(order: Order) -> Decimal:
    """Return what of the shipping, tax included, has not been given back yet."""
    lines = list(OrderLine.objects.filter(order=order))
    money = parcels.money_of(order, lines)
    charged = money.shipping_net + money.shipping_tax
    given = Refund.objects.filter(order=order).aggregate(sum=Sum("shipping"))["sum"] or ZERO
    under_way = ReturnRefund.objects.filter(rma__order=order, state__in=OPEN_MONEY).aggregate(sum=Sum("shipping"))
    return max(round_money(charged - given - (under_way["sum"] or ZERO), places_of(order)), ZERO)


def in_base(order: Order, amount: Decimal) -> Decimal | None:
    """Return an amount of the order in the base currency, at the order's own rate; None when there is none."""
    if order.currency == currencies.base_code():
        return amount
    if order.base_total is None or not order.total:
        return None
    return amount * order.base_total / order.total
