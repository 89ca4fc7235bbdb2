"""What every source of orders hands to intake: frozen dataclasses, no Django, no database.

Connectors, the file import and the REST API build an `IncomingOrder`; `orders.intake` is the only reader.
Money is `Decimal` in the order's currency; quantities are `Decimal` pieces; times are aware UTC; ids are strings.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

CONTRACT_VERSION = 1


class OrderStatus(enum.StrEnum):
    """The platform's word for the whole order, in our few words."""

    OPEN = "open"
    CANCELLED = "cancelled"
    CLOSED = "closed"  # finished or archived over there: no more work expected
    DELETED = "deleted"  # trashed or gone on the platform


class PaymentStatus(enum.StrEnum):
    """Where the buyer's money is."""

    PENDING = "pending"
    AUTHORIZED = "authorized"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address as the platform gave it; `masked` when the platform hides parts on purpose."""

    name: str = ""
    company: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""  # ISO 3166-1 alpha-2, upper case
    phone: str = ""
    masked: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Who bought, as far as the platform says."""

    external_id: str = ""
    name: str = ""
    email: str = ""
    phone: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class IncomingLine:
    """One line. `quantity` is what is wanted *now*; edits, cancellations, refunds of unshipped goods are already off.

    `unit_price` is before discount, net or gross as the order's `taxes_included` says; `discount` and `tax` are for
    the whole line; `total` is what the buyer pays for the line (after discount, in the sense of `unit_price`).
    """

    external_id: str
    sku: str
    title: str
    quantity: Decimal
    unit_price: Decimal
    discount: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    tax_rate: Decimal | None = None
    total: Decimal | None = None
    ordered_quantity: Decimal | None = None  # as first ordered; None means equal to quantity
    listing_id: str = ""  # the platform's own id of the listing, same text as channels.Listing.external_id
    barcode: str = ""
    requires_shipping: bool = True
    platform_fulfilled: bool = False  # the platform ships it itself: never takes own stock
    is_gift_card: bool = False
    properties: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class IncomingRefundLine:
    """Goods of one refund; `restock` when the platform says they go back on the shelf."""

    line_external_id: str
    quantity: Decimal
    amount: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    restock: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class IncomingRefund:
    """A refund as recorded on the platform; `amount` is positive, tax and shipping included."""

    external_id: str
    refunded_at: dt.datetime
    amount: Decimal
    shipping: Decimal = Decimal(0)
    reason: str = ""
    lines: tuple[IncomingRefundLine, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class IncomingFulfilment:
    """A parcel that the platform already knows of."""

    external_id: str
    shipped_at: dt.datetime | None = None
    carrier: str = ""
    tracking_numbers: tuple[str, ...] = ()
    lines: tuple[tuple[str, Decimal], ...] = ()  # (line external id, pieces)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class IncomingOrder:
    """One order in one version. Equal content gives an equal `digest`, whatever came with it."""

    external_id: str
    number: str
    placed_at: dt.datetime
    updated_at: dt.datetime
    currency: str  # ISO 4217
    total: Decimal  # what the buyer pays now, after edits and refunds of unshipped goods, tax and shipping included
    lines: tuple[IncomingLine, ...]
    status: OrderStatus = OrderStatus.OPEN
    payment: PaymentStatus = PaymentStatus.PENDING
    paid_at: dt.datetime | None = None
    cancelled_at: dt.datetime | None = None
    cancel_reason: str = ""
    taxes_included: bool = False
    discount_total: Decimal = Decimal(0)
    shipping_total: Decimal = Decimal(0)
    tax_total: Decimal = Decimal(0)
    fee_total: Decimal = Decimal(0)
    rounding: Decimal = Decimal(0)
    buyer: Buyer = Buyer()
    shipping: Address | None = None
    billing: Address | None = None
    buyer_note: str = ""
    seller_note: str = ""
    tags: tuple[str, ...] = ()
    shipping_method: str = ""
    ship_by: dt.datetime | None = None
    risk: str = ""
    test: bool = False
    url: str = ""
    refunds: tuple[IncomingRefund, ...] = ()
    fulfilments: tuple[IncomingFulfilment, ...] = ()
    extra: Mapping[str, str] = dataclasses.field(default_factory=dict)


def to_json(order: IncomingOrder) -> str:
    """Return the order as canonical JSON (sorted keys, decimals as plain text); the input of the version digest."""
    return json.dumps(_plain(order), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def from_json(text: str) -> IncomingOrder:
    """Rebuild an order from `to_json`. Raises `ValueError` or `KeyError` on text that is not one."""
    data = json.loads(text)
    data["lines"] = tuple(_line(x) for x in data["lines"])
    data["refunds"] = tuple(_refund(x) for x in data.get("refunds", ()))
    data["fulfilments"] = tuple(_fulfilment(x) for x in data.get("fulfilments", ()))
    data["buyer"] = Buyer(**data["buyer"])
    for key in ("shipping", "billing"):
        data[key] = Address(**data[key]) if data[key] else None
    for key in ("total", "discount_total", "shipping_total", "tax_total", "fee_total", "rounding"):
        data[key] = Decimal(data[key])
    for key in ("placed_at", "updated_at", "paid_at", "cancelled_at", "ship_by"):
        data[key] = dt.datetime.fromisoformat(data[key]) if data[key] else None
    data["status"], data["payment"] = OrderStatus(data["status"]), PaymentStatus(data["payment"])
    data["tags"] = tuple(data["tags"])
    return IncomingOrder(**data)


def _plain(value: Any) -> Any:
    if isinstance(value, str | int | bool) or value is None:
        return str(value) if isinstance(value, enum.Enum) else value
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value else "0"
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}


def _line(data: dict[str, Any]) -> IncomingLine:
    for key in ("quantity", "unit_price", "discount", "tax", "tax_rate", "total", "ordered_quantity"):
        data[key] = None if data[key] is None else Decimal(data[key])
    return IncomingLine(**data)


def _refund(data: dict[str, Any]) -> IncomingRefund:
    data["lines"] = tuple(
        IncomingRefundLine(**{**x, **{k: Decimal(x[k]) for k in ("quantity", "amount", "tax")}}) for x in data["lines"]
    )
    data["amount"], data["shipping"] = Decimal(data["amount"]), Decimal(data["shipping"])
    data["refunded_at"] = dt.datetime.fromisoformat(data["refunded_at"])
    return IncomingRefund(**data)


def _fulfilment(data: dict[str, Any]) -> IncomingFulfilment:
    data["shipped_at"] = dt.datetime.fromisoformat(data["shipped_at"]) if data["shipped_at"] else None
    data["tracking_numbers"] = tuple(data["tracking_numbers"])
    data["lines"] = tuple((key, Decimal(qty)) for key, qty in data["lines"])
    return IncomingFulfilment(**data)
