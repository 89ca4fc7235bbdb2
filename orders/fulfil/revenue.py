"""What a parcel sells, for the books: each line's share of price, discount and tax, exact to the last coin.

Pure arithmetic. Shares are cumulative: what two parcels of a line book together is what one parcel would have booked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal

from backoffice.money import allocate, round_money
from finance.facts import SaleLine

ZERO = Decimal(0)
PLACES = 4  # as the columns keep money; the books round to coins
TOLERANCE = Decimal("0.05")  # what a platform's own rounding can add up to on one line


@dataclasses.dataclass(frozen=True, slots=True)
class LineMoney:
    """A whole line without tax in its prices: the buyer pays `net − discount + tax`."""

    net: Decimal
    discount: Decimal
    tax: Decimal

    @property
    def paid(self) -> Decimal:
        """What the buyer pays for it."""
        return self.net - self.discount + self.tax


NOTHING = LineMoney(ZERO, ZERO, ZERO)


@dataclasses.dataclass(frozen=True, slots=True)
class OrderMoney:
    """An order taken apart: its lines, and what stands beside them."""

    lines: dict[int, LineMoney]
    shipping_net: Decimal
    shipping_tax: Decimal
    rounding: Decimal


@dataclasses.dataclass(frozen=True, slots=True)
class PricedLine:
    """What is needed of a line: amounts as the order's `taxes_included` says."""

    id: int
    total: Decimal
    discount: Decimal
    tax: Decimal


@dataclasses.dataclass(frozen=True, slots=True)
class Charges:
    """What is needed of an order besides its lines."""

    total: Decimal
    shipping: Decimal
    fees: Decimal
    tax: Decimal
    taxes_included: bool


def taken_apart(charges: Charges, lines: Sequence[PricedLine]) -> OrderMoney:
    """Split an order into net amounts and tax.

    A discount that the platform gave on the order but on no line is spread over the lines by value; what still differs
    from the order's total is its rounding.
    """
    money = {line.id: _line(line, charges.taxes_included) for line in lines}
    shipping_tax = max(charges.tax - sum((line.tax for line in lines), ZERO), ZERO)
    beside = charges.shipping + charges.fees
    shipping_tax = min(shipping_tax, beside) if charges.taxes_included else shipping_tax
    shipping_net = beside - shipping_tax if charges.taxes_included else beside
    paid = sum((one.paid for one in money.values()), ZERO) + shipping_net + shipping_tax
    rest = charges.total - paid
    if rest < -TOLERANCE * max(len(lines), 1) and money:
        money, rest = _with_discount(money, -rest), ZERO
    return OrderMoney(money, shipping_net, shipping_tax, rest)


def _line(line: PricedLine, taxes_included: bool) -> LineMoney:
    if not taxes_included:
        return LineMoney(line.total + line.discount, line.discount, line.tax)
    after = line.total - line.tax
    discount = round_money(line.discount * after / line.total, PLACES) if line.total else line.discount
    return LineMoney(after + discount, discount, line.tax)


def _with_discount(money: dict[int, LineMoney], amount: Decimal) -> dict[int, LineMoney]:
    shares = allocate(amount, [max(one.net - one.discount, ZERO) for one in money.values()], PLACES)
    return {
        pk: dataclasses.replace(one, discount=one.discount + share)
        for (pk, one), share in zip(money.items(), shares, strict=True)
    }


def share(money: LineMoney, quantity: Decimal, before: Decimal, now: Decimal) -> LineMoney:
    """Return what `now` units sell when `before` of `quantity` have been sold already.

    Units beyond what is wanted sell nothing.
    """
    before = min(before, quantity)

    def part(amount: Decimal) -> Decimal:
        if before + now >= quantity:
            return amount - round_money(amount * before / quantity, PLACES)
        return round_money(amount * (before + now) / quantity, PLACES) - round_money(amount * before / quantity, PLACES)

    return LineMoney(part(money.net), part(money.discount), part(money.tax))


def sale_lines(sku: str, quantity: Decimal, money: LineMoney, costs: Sequence[tuple[int, Decimal]]) -> list[SaleLine]:
    """Return a line of a parcel for the books, one row per warehouse it came from; `costs` are (warehouse, cost)."""
    if len(costs) <= 1:
        warehouse_id, cost = costs[0] if costs else (None, ZERO)
        return [_sale_line(sku, quantity, money, cost, warehouse_id)]
    weights = [cost for _warehouse, cost in costs]
    parts = [allocate(amount, weights, PLACES) for amount in (quantity, money.net, money.discount, money.tax)]
    return [
        _sale_line(sku, parts[0][i], LineMoney(parts[1][i], parts[2][i], parts[3][i]), cost, warehouse_id)
        for i, (warehouse_id, cost) in enumerate(costs)
    ]


def _sale_line(sku: str, quantity: Decimal, money: LineMoney, cost: Decimal, warehouse_id: int | None) -> SaleLine:
    return SaleLine(
        sku=sku,
        quantity=quantity,
        net=money.net,
        tax=money.tax,
        discount=money.discount,
        cost=cost,
        warehouse_id=warehouse_id,
    )
