"""One raw WooCommerce order into an `IncomingOrder`: pure, no network, the same text always gives the same order.

Lines come net of tax, whatever the shop shows its buyers. Where `prices_include_tax` says the shop works with gross
prices, net and tax are put together again: 19.17 + 3.83 is the 2 × 11.50 the buyer saw, exact to the cent.
Refunds leave the order's own lines as they were: what was refunded before the order was completed never left, and is
taken off here; what was refunded later is a return and stays on the line.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from backoffice.calls.answers import load_json
from channels.connectors.woocommerce.client import gmt
from channels.connectors.woocommerce.line_mapping import Refund, map_lines, refunds_of
from channels.connectors.woocommerce.reading import amount, bad_order, identifier, moment, record, records, text
from channels.connectors.woocommerce.regions import region_name
from orders.contracts import (
    Address,
    Buyer,
    IncomingFulfilment,
    IncomingOrder,
    IncomingRefund,
    OrderStatus,
    PaymentStatus,
)

Raw = Mapping[str, Any]

# The words of WooCommerce itself. A plugin's own status is mapped by the account's options, else it is open.
STATUSES = {
    "pending": OrderStatus.OPEN,
    "on-hold": OrderStatus.OPEN,
    "processing": OrderStatus.OPEN,
    "failed": OrderStatus.OPEN,  # the payment failed; the buyer may pay again
    "checkout-draft": OrderStatus.OPEN,
    "auto-draft": OrderStatus.OPEN,
    "completed": OrderStatus.CLOSED,
    "cancelled": OrderStatus.CANCELLED,
    "refunded": OrderStatus.CANCELLED,  # all money back before it was completed; CLOSED when it had been completed
    "trash": OrderStatus.DELETED,
}
TO_BE_SHIPPED = frozenset({"processing", "completed"})
TRACKING_ITEMS = "_wc_shipment_tracking_items"  # the Shipment Tracking plugin; others have copied the name


def parse(body: bytes, *, statuses: Mapping[str, str], meta_fields: frozenset[str], root: str) -> IncomingOrder:
    """Return the order. Raises ConnectorError "bad_order" naming the field that is not what WooCommerce documents.

    `statuses` maps a plugin's own status to one of WooCommerce's; `meta_fields` are meta keys kept in `extra`.
    """
    try:
        raw = load_json(body)
    except ValueError as error:
        raise bad_order(str(error)) from None
    if not isinstance(raw, dict) or not isinstance(raw.get("order"), dict):
        raise bad_order("the text holds no order")
    return _Parsed(raw["order"], records(raw, "refunds"), statuses, meta_fields, root).order()


class _Parsed:
    """The order with what several of its fields need."""

    def __init__(
        self, raw: Raw, refunds: list[Raw], statuses: Mapping[str, str], meta_fields: frozenset[str], root: str
    ) -> None:
        self.raw, self.meta_fields, self.root = raw, meta_fields, root
        self.external_id = identifier(raw, "id")
        self.slug = text(raw, "status")
        self.meaning = statuses.get(self.slug, self.slug)
        self.gross = raw.get("prices_include_tax") is True
        # The date stays when a completed order is opened again: then nothing has left.
        left = self.meaning in ("completed", "refunded")
        self.completed_at = gmt(raw.get("date_completed_gmt")) if left else None
        self.refunds = refunds_of(refunds or _summaries(raw), raw)
        self.lines = map_lines(raw, self.refunds, gross=self.gross, completed_at=self.completed_at)
        self.early = [refund for refund in self.refunds if refund.before(self.completed_at)]

    def order(self) -> IncomingOrder:
        """Put the order together."""
        raw = self.raw
        shipping = self._side("shipping_lines") - sum(
            (refund.shipping(self.gross) for refund in self.early), Decimal(0)
        )
        fees = self._side("fee_lines") - sum((refund.fees(self.gross) for refund in self.early), Decimal(0))
        tax = amount(raw, "total_tax") - sum((line.gone_tax for line in self.lines), Decimal(0))
        tax -= sum((refund.other_tax() for refund in self.early), Decimal(0))
        known = sum((line.wanted.total or Decimal(0) for line in self.lines), shipping + fees)
        known += Decimal(0) if self.gross else tax
        total = self._total()
        return IncomingOrder(
            external_id=self.external_id,
            number=text(raw, "number") or self.external_id,
            placed_at=moment(raw, "date_created_gmt", "date_modified_gmt"),
            updated_at=moment(raw, "date_modified_gmt", "date_created_gmt"),
            currency=_currency(raw),
            total=total,
            lines=tuple(line.wanted for line in self.lines),
            status=self._status(),
            payment=self._payment(),
            paid_at=gmt(raw.get("date_paid_gmt")),
            taxes_included=self.gross,
            discount_total=sum((line.wanted.discount for line in self.lines), Decimal(0)),
            shipping_total=shipping,
            tax_total=tax,
            fee_total=fees,
            rounding=total - known,
            buyer=_buyer(raw),
            shipping=_address(raw, "shipping") or _address(raw, "billing"),
            billing=_address(raw, "billing"),
            buyer_note=text(raw, "customer_note"),
            shipping_method=", ".join(
                filter(None, (text(row, "method_title") for row in records(raw, "shipping_lines")))
            ),
            url=f"{self.root}/wp-admin/post.php?post={self.external_id}&action=edit" if self.root else "",
            refunds=tuple(self._refund(refund) for refund in self.refunds),
            fulfilments=self._fulfilments(),
            extra=self._extra(),
        )

    def _side(self, name: str) -> Decimal:
        rows = records(self.raw, name)
        return sum((amount(row, "total") + (amount(row, "total_tax") if self.gross else 0) for row in rows), Decimal(0))

    def _total(self) -> Decimal:
        """What is to be paid without what was refunded before it left; goods count at their price on the order."""
        gone = sum((line.gone_total + (0 if self.gross else line.gone_tax) for line in self.lines), Decimal(0))
        gone += sum((refund.shipping(gross=True) + refund.fees(gross=True) for refund in self.early), Decimal(0))
        return amount(self.raw, "total") - gone

    def _status(self) -> OrderStatus:
        if self.meaning == "refunded" and self.completed_at:
            return OrderStatus.CLOSED
        return STATUSES.get(self.meaning, OrderStatus.OPEN)

    def _payment(self) -> PaymentStatus:
        back = sum((refund.amount for refund in self.refunds), Decimal(0))
        if self.meaning == "refunded" or (back and back >= amount(self.raw, "total")):
            return PaymentStatus.REFUNDED
        if gmt(self.raw.get("date_paid_gmt")) is None:
            # Cash on delivery is "processing" and not paid: the store wants it shipped.
            return PaymentStatus.AUTHORIZED if self.meaning in TO_BE_SHIPPED else PaymentStatus.PENDING
        return PaymentStatus.PARTIALLY_REFUNDED if back else PaymentStatus.PAID

    def _refund(self, refund: Refund) -> IncomingRefund:
        return refund.incoming(fallback=moment(self.raw, "date_modified_gmt", "date_created_gmt"))

    def _fulfilments(self) -> tuple[IncomingFulfilment, ...]:
        if self.meaning != "completed":
            return ()
        carrier, numbers = _tracking(self.raw)
        pieces = tuple((line.wanted.external_id, line.wanted.quantity) for line in self.lines if line.wanted.quantity)
        return (
            IncomingFulfilment(
                external_id=f"{self.external_id}:completed",
                # A plug-in's own state for "sent" sets no date of completion.
                shipped_at=self.completed_at or moment(self.raw, "date_modified_gmt", "date_created_gmt"),
                carrier=carrier,
                tracking_numbers=numbers,
                lines=pieces,
            ),
        )

    def _extra(self) -> dict[str, str]:
        extra = {"status": self.slug, "payment_method": text(self.raw, "payment_method")}
        coupons = ", ".join(filter(None, (text(row, "code") for row in records(self.raw, "coupon_lines"))))
        if coupons:
            extra["coupons"] = coupons
        for row in records(self.raw, "meta_data"):
            if text(row, "key") in self.meta_fields:
                extra[f"meta:{text(row, 'key')}"] = _as_text(row.get("value"))
        return {name: value for name, value in extra.items() if value}


def _summaries(raw: Raw) -> list[Raw]:
    """The short form of refunds that the order carries itself: total negative, no lines, no date."""
    return [
        {"id": row.get("id"), "amount": str(-amount(row, "total")), "reason": text(row, "reason")}
        for row in records(raw, "refunds")
    ]


def _currency(raw: Raw) -> str:
    currency = text(raw, "currency")
    if len(currency) != 3 or not (currency.isascii() and currency.isalpha() and currency.isupper()):
        raise bad_order("currency is not a currency")
    return currency


def _buyer(raw: Raw) -> Buyer:
    billing, customer = record(raw, "billing"), raw.get("customer_id")
    return Buyer(
        external_id=str(customer) if isinstance(customer, int) and customer else "",
        name=_name(billing),
        email=text(billing, "email"),
        phone=text(billing, "phone"),
    )


def _name(person: Raw) -> str:
    return " ".join(filter(None, (text(person, "first_name"), text(person, "last_name"))))


def _address(raw: Raw, field: str) -> Address | None:
    """An address, or None when the store left it blank (it leaves `shipping` blank when it equals `billing`)."""
    found = record(raw, field)
    if not any(text(found, name) for name in ("address_1", "city", "postcode")):
        return None
    country = text(found, "country").upper()
    return Address(
        name=_name(found),
        company=text(found, "company"),
        line1=text(found, "address_1"),
        line2=text(found, "address_2"),
        city=text(found, "city"),
        region=region_name(country, text(found, "state")),
        postcode=text(found, "postcode"),
        country=country,
        phone=text(found, "phone") or text(record(raw, "billing"), "phone"),
    )


def _tracking(raw: Raw) -> tuple[str, tuple[str, ...]]:
    """Carrier and tracking numbers from the meta of tracking plugins."""
    carrier, numbers = "", []
    for row in records(raw, "meta_data"):
        value = row.get("value")
        if text(row, "key") == TRACKING_ITEMS and isinstance(value, list):
            for item in (item for item in value if isinstance(item, dict)):
                carrier = carrier or text(item, "custom_tracking_provider") or text(item, "tracking_provider")
                numbers.append(text(item, "tracking_number"))
        elif text(row, "key") == "_tracking_number" and isinstance(value, str):
            numbers.append(value.strip())
    return carrier, tuple(dict.fromkeys(number for number in numbers if number))


def _as_text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_as_text(item)}" for key, item in value.items())
    return "" if value is None else str(value)
