"""Facts become the lines of a voucher: pure arithmetic, no database.

Every amount is converted at the document's rate and rounded by itself, so that each line can be checked against its
original; what the roundings leave over goes to the rounding account.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from decimal import Decimal

from backoffice.money import allocate, convert, round_money
from finance.facts import CostFacts, RefundFacts, SaleFacts
from finance.models import LedgerAccount

Role = LedgerAccount.Role
ONE, ZERO = Decimal(1), Decimal(0)
MOST_PLACES = 4  # what MoneyField keeps


@dataclasses.dataclass(frozen=True, slots=True)
class Terms:
    """The money a document was made in and the money of the books."""

    currency: str
    places: int
    rate: Decimal
    base: str
    base_places: int


@dataclasses.dataclass(frozen=True, slots=True)
class DraftLine:
    """One line: debit when positive, credit when negative, in `currency` and in the base currency."""

    role: str
    amount: Decimal
    base_amount: Decimal
    currency: str
    rate: Decimal
    warehouse_id: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Draft:
    """A voucher in the making and what the document leaves open on the order."""

    lines: tuple[DraftLine, ...]
    open_amount: Decimal
    open_base: Decimal
    advances: Decimal = ZERO  # the part of a refund that was never a sale

    @property
    def total(self) -> Decimal:
        """Σ debit in the base currency."""
        return sum((line.base_amount for line in self.lines if line.base_amount > 0), ZERO)

    @property
    def balanced(self) -> bool:
        """Σ debit = Σ credit in the base currency."""
        return sum((line.base_amount for line in self.lines), ZERO) == 0


def draft_sale(sale: SaleFacts, terms: Terms, cleared: Decimal = ZERO) -> Draft:
    """Return receivable against sales, discount, shipping and tax, and cost of goods against stock per warehouse.

    `cleared` was given back before the sale, out of the advances: now that it is sold, it becomes a refund.
    """
    total = round_money(sale.total, terms.places)
    amounts = (
        (Role.RECEIVABLE, total),
        (Role.SALES, -_sum(line.net for line in sale.lines)),
        (Role.DISCOUNT, _sum(line.discount for line in sale.lines)),
        (Role.SHIPPING_INCOME, -_kept(sale.shipping_net)),
        (Role.SALES_TAX, -_sum([*(line.tax for line in sale.lines), sale.shipping_tax])),
        (Role.REFUNDS, cleared),
        (Role.ADVANCES, -cleared),
    )
    money = _balanced_lines(amounts, terms)
    goods = _goods_lines(((line.warehouse_id, line.cost) for line in sale.lines), terms)
    return Draft((*money, *goods), total, convert(total, terms.rate, terms.base_places))


def draft_refund(refund: RefundFacts, sold: Decimal, terms: Terms) -> Draft:
    """Return refunds and tax (or advances, beyond what was `sold`) against receivable, and goods back in stock.

    What is never sold leaves the sales alone, whatever else of the order was sold before.
    """
    total = round_money(refund.amount, terms.places)
    within = sold_part(total, sold, refund.never_sold)
    tax = _tax_within(_kept(refund.tax), within, total)
    amounts = (
        (Role.REFUNDS, within - tax),
        (Role.SALES_TAX, tax),
        (Role.ADVANCES, total - within),
        (Role.RECEIVABLE, -total),
    )
    goods = _goods_lines([(refund.warehouse_id, -refund.goods_back_cost)], terms)
    lost = _lost_lines(refund.warehouse_id, refund.goods_lost, terms)
    lines = (*_balanced_lines(amounts, terms), *goods, *lost)
    return Draft(lines, -total, -convert(total, terms.rate, terms.base_places), total - within)


def draft_cost(cost: CostFacts, terms: Terms) -> Draft:
    """Return cost of goods sold or cost differences against stock, one pair per warehouse, in the base currency."""
    lines = []
    for one in cost.lines:
        value = round_money(one.amount, terms.base_places)
        if value:
            role = Role.COGS if one.sold else Role.COST_DIFFERENCES
            lines.append(DraftLine(role, value, value, terms.base, ONE, one.warehouse_id))
            lines.append(DraftLine(Role.INVENTORY, -value, -value, terms.base, ONE, one.warehouse_id))
    return Draft(tuple(lines), ZERO, ZERO)


def sold_part(total: Decimal, sold: Decimal, never_sold: Decimal) -> Decimal:
    """Return the part of a refund of `total` that takes from what its order has `sold`; one below zero is all of it."""
    if total <= 0:
        return total
    return min(max(total - max(never_sold, ZERO), ZERO), max(sold, ZERO))


def _tax_within(tax: Decimal, within: Decimal, total: Decimal) -> Decimal:
    """Return the tax that belongs to the part of a refund which had been sold."""
    if within == total:
        return tax
    return allocate(tax, [within, total - within], MOST_PLACES)[0]


def _balanced_lines(amounts: Iterable[tuple[str, Decimal]], terms: Terms) -> list[DraftLine]:
    """Convert each amount; add what is left over in the document's currency, then in the base currency."""
    amounts = list(amounts)
    rest = -sum((amount for _role, amount in amounts), ZERO)
    lines = [_line(role, amount, terms) for role, amount in [*amounts, (Role.ROUNDING, rest)]]
    base_rest = -sum((line.base_amount for line in lines), ZERO)
    lines.append(DraftLine(Role.ROUNDING, base_rest, base_rest, terms.base, ONE))
    return [line for line in lines if line.base_amount]


def _goods_lines(costs: Iterable[tuple[int | None, Decimal]], terms: Terms) -> list[DraftLine]:
    """Return cost of goods against stock, one pair per warehouse, in the base currency."""
    by_warehouse: dict[int | None, Decimal] = {}
    for warehouse_id, cost in costs:
        by_warehouse[warehouse_id] = by_warehouse.get(warehouse_id, ZERO) + cost
    lines = []
    for warehouse_id, cost in by_warehouse.items():
        value = round_money(cost, terms.base_places)
        if value:
            lines.append(DraftLine(Role.COGS, value, value, terms.base, ONE, warehouse_id))
            lines.append(DraftLine(Role.INVENTORY, -value, -value, terms.base, ONE, warehouse_id))
    return lines


def _lost_lines(warehouse_id: int | None, cost: Decimal, terms: Terms) -> list[DraftLine]:
    """Return stock differences against stock for goods that came back and were written off, in the base currency."""
    value = round_money(cost, terms.base_places)
    if not value:
        return []
    return [
        DraftLine(Role.STOCK_DIFFERENCES, value, value, terms.base, ONE, warehouse_id),
        DraftLine(Role.INVENTORY, -value, -value, terms.base, ONE, warehouse_id),
    ]


def _line(role: str, amount: Decimal, terms: Terms) -> DraftLine:
    return DraftLine(role, amount, convert(amount, terms.rate, terms.base_places), terms.currency, terms.rate)


def _kept(amount: Decimal) -> Decimal:
    return round_money(amount, MOST_PLACES)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return _kept(sum(amounts, ZERO))
