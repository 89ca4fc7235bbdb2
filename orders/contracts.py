"""What every source of orders hands to intake: frozen dataclasses, no Django, no database.

Connectors, the file import and the REST API build an `IncomingOrder`; `orders.intake` is the only reader.
Money is `Decimal` in the order's currency; quantities are `Decimal` pieces; times are aware UTC; ids are strings.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import hashlib
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
    """Return the order as canonical JSON (sorted keys, decimals as plain text); the input of the version digest.

    Text that is not valid Unicode (half of a surrogate pair) is written as escapes, so that the result always encodes.
    """
    plain = _plain_order(order)
    text = _ENCODER.encode(plain)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(plain, ensure_ascii=True, separators=(",", ":"))
    return text


def digest_of(text: str) -> str:
    """Return the SHA-256 of a canonical text: equal content, equal digest."""
    return hashlib.sha256(text.encode()).hexdigest()


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


# Written out by hand and in the order of the alphabet: a generic walk over the fields took four times as long, and
# this runs for every order of every poll. tests/orders/test_contracts.py holds it to the dataclasses.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


def _plain_order(order: IncomingOrder) -> dict[str, Any]:
    return {
        "billing": _plain_address(order.billing),
        "buyer": {
            "email": order.buyer.email,
            "external_id": order.buyer.external_id,
            "name": order.buyer.name,
            "phone": order.buyer.phone,
        },
        "buyer_note": order.buyer_note,
        "cancel_reason": order.cancel_reason,
        "cancelled_at": _time(order.cancelled_at),
        "currency": order.currency,
        "discount_total": _number(order.discount_total),
        "external_id": order.external_id,
        "extra": _plain_mapping(order.extra),
        "fee_total": _number(order.fee_total),
        "fulfilments": [_plain_fulfilment(one) for one in order.fulfilments],
        "lines": [_plain_line(line) for line in order.lines],
        "number": order.number,
        "paid_at": _time(order.paid_at),
        "payment": order.payment.value,
        "placed_at": _time(order.placed_at),
        "refunds": [_plain_refund(one) for one in order.refunds],
        "risk": order.risk,
        "rounding": _number(order.rounding),
        "seller_note": order.seller_note,
        "ship_by": _time(order.ship_by),
        "shipping": _plain_address(order.shipping),
        "shipping_method": order.shipping_method,
        "shipping_total": _number(order.shipping_total),
        "status": order.status.value,
        "tags": list(order.tags),
        "tax_total": _number(order.tax_total),
        "taxes_included": order.taxes_included,
        "test": order.test,
        "total": _number(order.total),
        "updated_at": _time(order.updated_at),
        "url": order.url,
    }


def _plain_address(address: Address | None) -> dict[str, Any] | None:
    if address is None:
        return None
    return {
        "city": address.city,
        "company": address.company,
        "country": address.country,
        "line1": address.line1,
        "line2": address.line2,
        "masked": address.masked,
        "name": address.name,
        "phone": address.phone,
        "postcode": address.postcode,
        "region": address.region,
    }


def _plain_line(line: IncomingLine) -> dict[str, Any]:
    return {
        "barcode": line.barcode,
        "discount": _number(line.discount),
        "external_id": line.external_id,
        "is_gift_card": line.is_gift_card,
        "listing_id": line.listing_id,
        "ordered_quantity": None if line.ordered_quantity is None else _number(line.ordered_quantity),
        "platform_fulfilled": line.platform_fulfilled,
        "properties": _plain_mapping(line.properties),
        "quantity": _number(line.quantity),
        "requires_shipping": line.requires_shipping,
        "sku": line.sku,
        "tax": _number(line.tax),
        "tax_rate": None if line.tax_rate is None else _number(line.tax_rate),
        "title": line.title,
        "total": None if line.total is None else _number(line.total),
        "unit_price": _number(line.unit_price),
    }


def _plain_refund(refund: IncomingRefund) -> dict[str, Any]:
    lines = [
        {
            "amount": _number(line.amount),
            "line_external_id": line.line_external_id,
            "quantity": _number(line.quantity),
            "restock": line.restock,
            "tax": _number(line.tax),
        }
        for line in refund.lines
    ]
    return {
        "amount": _number(refund.amount),
        "external_id": refund.external_id,
        "lines": lines,
        "reason": refund.reason,
        "refunded_at": _time(refund.refunded_at),
        "shipping": _number(refund.shipping),
    }


def _plain_fulfilment(fulfilment: IncomingFulfilment) -> dict[str, Any]:
    return {
        "carrier": fulfilment.carrier,
        "external_id": fulfilment.external_id,
        "lines": [[line, _number(quantity)] for line, quantity in fulfilment.lines],
        "shipped_at": _time(fulfilment.shipped_at),
        "tracking_numbers": list(fulfilment.tracking_numbers),
    }


def _plain_mapping(mapping: Mapping[str, str]) -> dict[str, str]:
    return {str(key): str(mapping[key]) for key in sorted(mapping)} if mapping else {}


def _number(value: Decimal) -> str:
    """Return plain digits without trailing zeros: `12.50` and `12.5` are one number."""
    if not value:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _time(value: dt.datetime | None) -> str | None:
    if value is None:
        return None
    return value.isoformat() if value.tzinfo is dt.UTC else value.astimezone(dt.UTC).isoformat()


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
