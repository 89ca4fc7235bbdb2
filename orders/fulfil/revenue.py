"""What a parcel sells, for the books: each line's share of price, discount and tax, exact to the last coin.

Pure arithmetic. A parcel books what its order should have sold with it less what is booked already, so the parcels of
an order add up to the order, whatever was taken back, sent again or changed in between.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal

from backoffice.money import allocate, coin, round_money
from finance.facts import SaleFacts, SaleLine

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

    def __add__(self, other: LineMoney) -> LineMoney:
        return LineMoney(self.net + other.net, self.discount + other.discount, self.tax + other.tax)


NOTHING = LineMoney(ZERO, ZERO, ZERO)


@dataclasses.dataclass(frozen=True, slots=True)
class WarehouseGoods:
    """What one warehouse gave to a line of a parcel."""

    warehouse_id: int
    pieces: Decimal
    cost: Decimal


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


def share(money: LineMoney, quantity: Decimal, sold: Decimal, booked: LineMoney, places: int | None) -> LineMoney:
    """Return what a parcel sells of a line when `sold` of `quantity` units have left with it and `booked` is booked.

    In whole coins of `places` decimals; None, for the last parcel of an order, leaves nothing over.
    """
    sold = min(sold, quantity)

    def part(amount: Decimal, before: Decimal) -> Decimal:
        target = amount if sold == quantity else round_money(amount * sold / quantity, PLACES)
        return (target if places is None else round_money(target, places)) - before

    return LineMoney(part(money.net, booked.net), part(money.discount, booked.discount), part(money.tax, booked.tax))


def beside(amount: Decimal, booked: Decimal, places: int, *, last: bool) -> Decimal:
    """Return what a parcel sells of shipping or rounding: all of it when nothing is booked yet.

    What changes after it was booked comes as a refund. The last parcel adds the part of a coin that was left over.
    """
    target = amount if last else round_money(amount, places)
    return target - booked if not booked or abs(target - booked) < coin(places) else ZERO


@dataclasses.dataclass(slots=True)
class Booked:
    """What the books hold of an order already: sales of its parcels, those of parcels taken back off again."""

    lines: dict[str, LineMoney] = dataclasses.field(default_factory=dict)  # by the line's reference
    shipping_net: Decimal = ZERO
    shipping_tax: Decimal = ZERO
    rounding: Decimal = ZERO

    def add(self, sale: SaleFacts) -> None:
        """Count a sale, or the reversal of one."""
        for row in sale.lines:
            name = row.reference or row.sku
            self.lines[name] = self.line(name) + LineMoney(row.net, row.discount, row.tax)
        self.shipping_net += sale.shipping_net
        self.shipping_tax += sale.shipping_tax
        self.rounding += sale.rounding

    def line(self, reference: str) -> LineMoney:
        """Return what is booked of a line."""
        return self.lines.get(reference, NOTHING)

    def rename(self, name: str, reference: str) -> None:
        """Give a line what was booked when facts named their lines by SKU only."""
        if name in self.lines:
            self.lines[reference] = self.line(reference) + self.lines.pop(name)


def sale_lines(
    sku: str, quantity: Decimal, money: LineMoney, goods: Sequence[WarehouseGoods], reference: str = ""
) -> list[SaleLine]:
    """Return a line of a parcel for the books, one row per warehouse it came from.

    Units go by the pieces from each warehouse, money by their cost (by pieces where nothing has a cost).
    """
    if len(goods) <= 1:
        warehouse_id, cost = (goods[0].warehouse_id, goods[0].cost) if goods else (None, ZERO)
        return [_sale_line(sku, quantity, money, cost, warehouse_id, reference)]
    pieces = [one.pieces for one in goods]
    costs = [one.cost for one in goods]
    weights = costs if any(costs) else pieces
    units = allocate(quantity, pieces, PLACES)
    parts = [allocate(amount, weights, PLACES) for amount in (money.net, money.discount, money.tax)]
    return [
        _sale_line(
            sku, units[i], LineMoney(parts[0][i], parts[1][i], parts[2][i]), one.cost, one.warehouse_id, reference
        )
        for i, one in enumerate(goods)
    ]


def _sale_line(
    sku: str, quantity: Decimal, money: LineMoney, cost: Decimal, warehouse_id: int | None, reference: str
) -> SaleLine:
    return SaleLine(
        sku=sku,
        quantity=quantity,
        net=money.net,
        tax=money.tax,
        discount=money.discount,
        cost=cost,
        warehouse_id=warehouse_id,
        reference=reference,
    )
