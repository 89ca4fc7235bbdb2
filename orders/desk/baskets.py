"""What a person types when entering an order or a quote: goods, prices, buyer, address. Exact to the last coin."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from backoffice.money import allocate, round_money
from orders.contracts import Address, Buyer, IncomingLine, IncomingOrder, PaymentStatus

ZERO, HUNDRED = Decimal(0), Decimal(100)
ADDRESS = ("name", "company", "line1", "line2", "city", "region", "postcode", "country", "phone")
PAYMENTS = {
    "paid": PaymentStatus.PAID,
    "account": PaymentStatus.AUTHORIZED,  # is sent now, paid later
    "pending": PaymentStatus.PENDING,  # waits for the money
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BasketLine:
    """Goods of one line; `usual` is the price that was usual when it was typed."""

    sku_id: int
    code: str
    title: str
    quantity: Decimal
    unit_price: Decimal
    discount: Decimal = ZERO
    usual: Decimal | None = None
    number: str = ""  # the line's id in its order: kept when the order is changed


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """Everything about an order of our own besides its number and its time."""

    currency: str
    lines: tuple[BasketLine, ...]
    buyer_name: str = ""
    email: str = ""
    phone: str = ""
    address: Mapping[str, str] = dataclasses.field(default_factory=dict)
    discount: Decimal = ZERO
    shipping: Decimal = ZERO
    tax_percent: Decimal = ZERO
    taxes_included: bool = True
    buyer_note: str = ""
    note: str = ""
    payment: str = "paid"
    ship_by: dt.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Totals:
    """A basket added up. `lines` are (before discount, discount, after discount, tax) for each line."""

    lines: tuple[tuple[Decimal, Decimal, Decimal, Decimal], ...]
    goods: Decimal
    discount: Decimal
    shipping: Decimal
    tax: Decimal
    total: Decimal


def totals(basket: Basket, places: int) -> Totals:
    """Add a basket up in whole coins; a discount on the whole is spread over the lines by value."""
    gross = [round_money(line.quantity * line.unit_price, places) for line in basket.lines]
    after = [max(amount - line.discount, ZERO) for amount, line in zip(gross, basket.lines, strict=True)]
    shares = allocate(basket.discount, after, places) if any(after) and basket.discount else [ZERO] * len(after)
    net = [amount - share for amount, share in zip(after, shares, strict=True)]
    taxes = [_tax(amount, basket, places) for amount in net]
    shipping_tax = _tax(basket.shipping, basket, places)
    tax = sum(taxes, shipping_tax)
    goods = sum(net, ZERO)
    total = goods + basket.shipping + (ZERO if basket.taxes_included else tax)
    rows = tuple(zip(gross, (a - b for a, b in zip(gross, net, strict=True)), net, taxes, strict=True))
    return Totals(rows, goods, sum(gross, ZERO) - goods, basket.shipping, tax, total)


def _tax(amount: Decimal, basket: Basket, places: int) -> Decimal:
    rate = basket.tax_percent
    return round_money(amount * rate / (HUNDRED + rate if basket.taxes_included else HUNDRED), places)


def to_incoming(basket: Basket, *, placed_at: dt.datetime, updated_at: dt.datetime, places: int) -> IncomingOrder:
    """Return the order that intake takes in; its id, number and kind are given there."""
    sums = totals(basket, places)
    payment = PAYMENTS[basket.payment]
    rate = basket.tax_percent / HUNDRED if basket.tax_percent else None
    lines = tuple(
        IncomingLine(
            external_id=line.number or str(nth), sku=line.code, title=line.title, quantity=line.quantity,
            unit_price=line.unit_price, discount=discount, tax=tax, tax_rate=rate, total=net,
        )
        for nth, (line, (_gross, discount, net, tax)) in enumerate(zip(basket.lines, sums.lines, strict=True), 1)
    )  # fmt: skip
    return IncomingOrder(
        external_id="", number="", placed_at=placed_at, updated_at=updated_at, currency=basket.currency,
        total=sums.total, lines=lines, payment=payment,
        paid_at=placed_at if payment == PaymentStatus.PAID else None, taxes_included=basket.taxes_included,
        discount_total=sums.discount, shipping_total=sums.shipping, tax_total=sums.tax,
        buyer=Buyer(name=basket.buyer_name, email=basket.email, phone=basket.phone),
        shipping=address_of(basket),
        buyer_note=basket.buyer_note, seller_note=basket.note, ship_by=basket.ship_by,
    )  # fmt: skip


def address_of(basket: Basket) -> Address:
    """Return the address as the contract has it."""
    fields: dict[str, Any] = {name: basket.address.get(name, "") for name in ADDRESS}
    return Address(**fields)


# --- as JSON ---------------------------------------------------------------------------------------------------------


def to_json(basket: Basket) -> dict[str, Any]:
    """Return a basket as JSON-able values."""
    return {name: _plain(value) for name, value in dataclasses.asdict(basket).items()}


def from_json(data: Mapping[str, Any]) -> Basket:
    """Rebuild a basket from `to_json`."""
    lines = tuple(_line(one) for one in data["lines"])
    amounts = {name: Decimal(data[name]) for name in ("discount", "shipping", "tax_percent")}
    ship_by = dt.datetime.fromisoformat(data["ship_by"]) if data["ship_by"] else None
    return Basket(**{**data, **amounts, "lines": lines, "ship_by": ship_by})


def to_text(basket: Basket) -> str:
    """Return a basket as the text that goes with its order's version."""
    return json.dumps(to_json(basket), ensure_ascii=False, sort_keys=True)


def _line(data: Mapping[str, Any]) -> BasketLine:
    amounts = {name: Decimal(data[name]) for name in ("quantity", "unit_price", "discount")}
    usual = None if data["usual"] is None else Decimal(data["usual"])
    return BasketLine(**{**data, **amounts, "usual": usual})


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return value
