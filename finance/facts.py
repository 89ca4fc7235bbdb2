"""What a document tells the books: frozen dataclasses, no Django, no database, no import from the floors above.

Amounts are `Decimal` in the document's currency unless they say *base*; quantities are `Decimal` pieces; times are
aware UTC. Tax never hides in a net figure: whoever builds the facts takes included taxes out first.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

ZERO = Decimal(0)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SaleLine:
    """Goods of one line in one parcel. What the buyer pays for it is `net − discount + tax`.

    `net` is for the whole quantity, before discount and without tax; `discount` is its share of all discounts, without
    tax; `tax` is the tax on the rest. `cost` is the value the stock ledger took out for it, in the base currency.
    `reference` names the order's line, so that whoever sends the next parcel finds what is booked of it.
    """

    sku: str
    quantity: Decimal
    net: Decimal
    tax: Decimal = ZERO
    discount: Decimal = ZERO
    cost: Decimal = ZERO
    warehouse_id: int | None = None
    reference: str = ""  # "orders.line:12"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SaleFacts:
    """One parcel that left. `rounding` is what the platform added (negative: took off) to round the order's total."""

    reference: str  # "orders.shipment:12"
    shop_id: int
    external_id: str
    occurred_at: dt.datetime
    currency: str  # ISO 4217
    lines: tuple[SaleLine, ...]
    number: str = ""
    shipping_net: Decimal = ZERO
    shipping_tax: Decimal = ZERO
    rounding: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """What the buyer owes for this parcel, in the document's currency, not yet rounded."""
        goods = sum((line.net - line.discount + line.tax for line in self.lines), ZERO)
        return goods + self.shipping_net + self.shipping_tax + self.rounding


def reversed_sale(sale: SaleFacts, *, reference: str, occurred_at: dt.datetime) -> SaleFacts:
    """Return the exact opposite of a sale under another reference: every amount, tax, discount and cost negative."""
    names = ("quantity", "net", "tax", "discount", "cost")
    lines = tuple(dataclasses.replace(x, **{name: -getattr(x, name) for name in names}) for x in sale.lines)
    return dataclasses.replace(
        sale,
        reference=reference,
        occurred_at=occurred_at,
        lines=lines,
        shipping_net=-sale.shipping_net,
        shipping_tax=-sale.shipping_tax,
        rounding=-sale.rounding,
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RefundLine:
    """Goods of one refund, for the trace: `amount` and `tax` are parts of the refund's own."""

    sku: str
    quantity: Decimal
    amount: Decimal = ZERO
    tax: Decimal = ZERO


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RefundFacts:
    """Money given back. `amount` is positive and includes `tax`.

    `goods_back_cost` (base currency) is the value at which goods went back on the shelf of `warehouse_id`, if any.
    `never_sold` is the part for goods that never left: the order is smaller by it, so no parcel will ever sell it.
    `goods_lost` (base currency) is the value of returned goods that were written off at `warehouse_id`.
    """

    reference: str  # "orders.refund:7"
    shop_id: int
    external_id: str
    occurred_at: dt.datetime
    currency: str
    amount: Decimal
    tax: Decimal = ZERO
    number: str = ""
    lines: tuple[RefundLine, ...] = ()
    goods_back_cost: Decimal = ZERO
    warehouse_id: int | None = None
    never_sold: Decimal = ZERO
    goods_lost: Decimal = ZERO


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """What goods of one warehouse that are gone cost more (less: below zero), in the base currency.

    `sold` goes into the cost of goods sold, the rest into cost differences.
    """

    warehouse_id: int | None
    amount: Decimal
    sold: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CostFacts:
    """A cost that came late, as far as its goods are gone. Of one shop's sales, or of no shop alone."""

    reference: str  # "orders.costdocument:7/1"
    shop_id: int | None
    occurred_at: dt.datetime
    currency: str  # the base currency
    number: str
    lines: tuple[CostLine, ...]
    external_id: str = ""


Facts = SaleFacts | RefundFacts | CostFacts


def to_json(facts: Facts) -> dict[str, Any]:
    """Return the facts as JSON-able values (decimals as plain text, times in ISO form)."""
    found = {field.name: _plain(getattr(facts, field.name)) for field in dataclasses.fields(facts)}
    if found.get("goods_lost") == "0":
        del found["goods_lost"]  # facts without it keep the digest they had before it was known
    return found


def sale_from_json(data: Mapping[str, Any]) -> SaleFacts:
    """Rebuild the facts of a sale; raises KeyError, TypeError or ArithmeticError on anything else."""
    lines = tuple(SaleLine(**_decimals(x, "quantity", "net", "tax", "discount", "cost")) for x in data["lines"])
    values = _decimals(data, "shipping_net", "shipping_tax", "rounding")
    return SaleFacts(**{**values, "lines": lines, "occurred_at": dt.datetime.fromisoformat(data["occurred_at"])})


def cost_from_json(data: Mapping[str, Any]) -> CostFacts:
    """Rebuild the facts of a late cost; raises KeyError, TypeError or ArithmeticError on anything else."""
    lines = tuple(CostLine(**_decimals(x, "amount")) for x in data["lines"])
    return CostFacts(**{**data, "lines": lines, "occurred_at": dt.datetime.fromisoformat(data["occurred_at"])})


def refund_from_json(data: Mapping[str, Any]) -> RefundFacts:
    """Rebuild the facts of a refund; raises KeyError, TypeError or ArithmeticError on anything else."""
    lines = tuple(RefundLine(**_decimals(x, "quantity", "amount", "tax")) for x in data["lines"])
    known = {"never_sold": "0", "goods_lost": "0", **data}
    values = _decimals(known, "amount", "tax", "goods_back_cost", "never_sold", "goods_lost")
    return RefundFacts(**{**values, "lines": lines, "occurred_at": dt.datetime.fromisoformat(data["occurred_at"])})


def digest(data: Mapping[str, Any]) -> str:
    """Return the SHA-256 of facts in JSON form: equal facts, equal digest."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value else "0"
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, tuple):
        return [to_json(x) for x in value]
    if isinstance(value, float):
        raise TypeError("Amounts in facts are Decimal, never float.")
    return value.replace("\0", "") if isinstance(value, str) else value  # PostgreSQL refuses NUL in JSON


def _decimals(data: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {**data, **{name: Decimal(data[name]) for name in names}}
