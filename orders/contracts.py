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
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from json.encoder import encode_basestring as _q
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
    """A refund as recorded on the platform; `amount` is positive, tax and shipping included.

    `tax` is what of it is tax besides that of the lines: on shipping, fees and the rest.
    """

    external_id: str
    refunded_at: dt.datetime
    amount: Decimal
    shipping: Decimal = Decimal(0)
    reason: str = ""
    lines: tuple[IncomingRefundLine, ...] = ()
    tax: Decimal = Decimal(0)


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
    text = _order_text(order)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(json.loads(text), ensure_ascii=True, separators=(",", ":"))
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


# Written out by hand and in the order of the alphabet: a walk over the fields took eight times as long, and this runs
# for every order of every poll. tests/orders/test_contracts.py holds it to the dataclasses and to json.dumps.


def _order_text(order: IncomingOrder) -> str:
    buyer = order.buyer
    return (
        f'{{"billing":{_address_text(order.billing)},"buyer":{{"email":{_q(buyer.email)},'
        f'"external_id":{_q(buyer.external_id)},"name":{_q(buyer.name)},"phone":{_q(buyer.phone)}}},'
        f'"buyer_note":{_q(order.buyer_note)},"cancel_reason":{_q(order.cancel_reason)},'
        f'"cancelled_at":{_time(order.cancelled_at)},"currency":{_q(order.currency)},'
        f'"discount_total":{_number(order.discount_total)},"external_id":{_q(order.external_id)},'
        f'"extra":{_mapping_text(order.extra)},"fee_total":{_number(order.fee_total)},'
        f'"fulfilments":{_texts(_fulfilment_text, order.fulfilments)},"lines":{_texts(_line_text, order.lines)},'
        f'"number":{_q(order.number)},"paid_at":{_time(order.paid_at)},"payment":"{order.payment.value}",'
        f'"placed_at":{_time(order.placed_at)},"refunds":{_texts(_refund_text, order.refunds)},'
        f'"risk":{_q(order.risk)},"rounding":{_number(order.rounding)},"seller_note":{_q(order.seller_note)},'
        f'"ship_by":{_time(order.ship_by)},"shipping":{_address_text(order.shipping)},'
        f'"shipping_method":{_q(order.shipping_method)},"shipping_total":{_number(order.shipping_total)},'
        f'"status":"{order.status.value}","tags":{_texts(_q, order.tags)},"tax_total":{_number(order.tax_total)},'
        f'"taxes_included":{_flag(order.taxes_included)},"test":{_flag(order.test)},"total":{_number(order.total)},'
        f'"updated_at":{_time(order.updated_at)},"url":{_q(order.url)}}}'
    )


def _address_text(address: Address | None) -> str:
    if address is None:
        return "null"
    return (
        f'{{"city":{_q(address.city)},"company":{_q(address.company)},"country":{_q(address.country)},'
        f'"line1":{_q(address.line1)},"line2":{_q(address.line2)},"masked":{_flag(address.masked)},'
        f'"name":{_q(address.name)},"phone":{_q(address.phone)},"postcode":{_q(address.postcode)},'
        f'"region":{_q(address.region)}}}'
    )


def _line_text(line: IncomingLine) -> str:
    return (
        f'{{"barcode":{_q(line.barcode)},"discount":{_number(line.discount)},"external_id":{_q(line.external_id)},'
        f'"is_gift_card":{_flag(line.is_gift_card)},"listing_id":{_q(line.listing_id)},'
        f'"ordered_quantity":{_maybe(line.ordered_quantity)},"platform_fulfilled":{_flag(line.platform_fulfilled)},'
        f'"properties":{_mapping_text(line.properties)},"quantity":{_number(line.quantity)},'
        f'"requires_shipping":{_flag(line.requires_shipping)},"sku":{_q(line.sku)},"tax":{_number(line.tax)},'
        f'"tax_rate":{_maybe(line.tax_rate)},"title":{_q(line.title)},"total":{_maybe(line.total)},'
        f'"unit_price":{_number(line.unit_price)}}}'
    )


def _refund_text(refund: IncomingRefund) -> str:
    tax = f',"tax":{_number(refund.tax)}' if refund.tax else ""  # left out when zero: digests kept from before stay
    return (
        f'{{"amount":{_number(refund.amount)},"external_id":{_q(refund.external_id)},'
        f'"lines":{_texts(_refund_line_text, refund.lines)},"reason":{_q(refund.reason)},'
        f'"refunded_at":{_time(refund.refunded_at)},"shipping":{_number(refund.shipping)}{tax}}}'
    )


def _refund_line_text(line: IncomingRefundLine) -> str:
    return (
        f'{{"amount":{_number(line.amount)},"line_external_id":{_q(line.line_external_id)},'
        f'"quantity":{_number(line.quantity)},"restock":{_flag(line.restock)},"tax":{_number(line.tax)}}}'
    )


def _fulfilment_text(fulfilment: IncomingFulfilment) -> str:
    lines = ",".join([f"[{_q(line)},{_number(quantity)}]" for line, quantity in fulfilment.lines])
    return (
        f'{{"carrier":{_q(fulfilment.carrier)},"external_id":{_q(fulfilment.external_id)},"lines":[{lines}],'
        f'"shipped_at":{_time(fulfilment.shipped_at)},"tracking_numbers":{_texts(_q, fulfilment.tracking_numbers)}}}'
    )


def _mapping_text(mapping: Mapping[str, str]) -> str:
    if not mapping:
        return "{}"
    return "{" + ",".join([f"{_q(str(key))}:{_q(str(mapping[key]))}" for key in sorted(mapping)]) + "}"


def _texts(text: Callable[[Any], str], values: Sequence[Any]) -> str:
    return "[" + ",".join([text(value) for value in values]) + "]" if values else "[]"


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _maybe(value: Decimal | None) -> str:
    return "null" if value is None else _number(value)


def _number(value: Decimal) -> str:
    """Return plain digits without trailing zeros, quoted: `12.50` and `12.5` are one number."""
    if not value:
        return '"0"'
    text = format(value, "f")
    return f'"{text.rstrip("0").rstrip(".")}"' if "." in text else f'"{text}"'


def _time(value: dt.datetime | None) -> str:
    if value is None:
        return "null"
    return f'"{value.isoformat() if value.tzinfo is dt.UTC else value.astimezone(dt.UTC).isoformat()}"'


def _line(data: dict[str, Any]) -> IncomingLine:
    for key in ("quantity", "unit_price", "discount", "tax", "tax_rate", "total", "ordered_quantity"):
        data[key] = None if data[key] is None else Decimal(data[key])
    return IncomingLine(**data)


def _refund(data: dict[str, Any]) -> IncomingRefund:
    data["lines"] = tuple(
        IncomingRefundLine(**{**x, **{k: Decimal(x[k]) for k in ("quantity", "amount", "tax")}}) for x in data["lines"]
    )
    data["amount"], data["shipping"] = Decimal(data["amount"]), Decimal(data["shipping"])
    data["tax"] = Decimal(data.get("tax", 0))
    data["refunded_at"] = dt.datetime.fromisoformat(data["refunded_at"])
    return IncomingRefund(**data)


def _fulfilment(data: dict[str, Any]) -> IncomingFulfilment:
    data["shipped_at"] = dt.datetime.fromisoformat(data["shipped_at"]) if data["shipped_at"] else None
    data["tracking_numbers"] = tuple(data["tracking_numbers"])
    data["lines"] = tuple((key, Decimal(qty)) for key, qty in data["lines"])
    return IncomingFulfilment(**data)
