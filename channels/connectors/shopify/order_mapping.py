"""One raw Shopify order into an `IncomingOrder`: pure, no network, the same text always gives the same order.

Amounts are the shop's money (what the seller is paid in), and the *current* ones, after edits and refunds. A line's
discounts and taxes are given by Shopify for the quantity first ordered and are cut to what is wanted now.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from backoffice.calls.answers import load_json
from channels.connectors.shopify.gids import gid
from channels.connectors.shopify.line_mapping import MappedLine, map_lines
from channels.connectors.shopify.reading import (
    ZERO,
    Raw,
    bad_order,
    flag,
    moment,
    moment_given,
    pieces,
    record,
    records,
    shop_money,
    text,
)
from orders.contracts import (
    Address,
    Buyer,
    IncomingFulfilment,
    IncomingOrder,
    IncomingRefund,
    IncomingRefundLine,
    OrderStatus,
    PaymentStatus,
)

PAYMENTS = {
    "AUTHORIZED": PaymentStatus.AUTHORIZED,
    "EXPIRED": PaymentStatus.VOIDED,  # the authorisation ran out: there is no money to capture
    "PAID": PaymentStatus.PAID,
    "PARTIALLY_PAID": PaymentStatus.PARTIALLY_PAID,
    "PARTIALLY_REFUNDED": PaymentStatus.PARTIALLY_REFUNDED,
    "PENDING": PaymentStatus.PENDING,
    "REFUNDED": PaymentStatus.REFUNDED,
    "VOIDED": PaymentStatus.VOIDED,
    "": PaymentStatus.PENDING,
}
DEAD_FULFILMENTS = frozenset({"CANCELLED", "ERROR", "FAILURE"})
LIVE_FULFILMENT_ORDERS = frozenset({"OPEN", "IN_PROGRESS", "SCHEDULED", "ON_HOLD"})
WHOLE_UNITS = frozenset(("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF").split())  # noqa: SIM905
THOUSANDTHS = frozenset(("BHD IQD JOD KWD LYD OMR TND").split())  # noqa: SIM905


def parse(body: bytes, *, own_locations: Collection[str] = (), shop_url: str = "") -> IncomingOrder:
    """Return the order. Raises ConnectorError "bad_order" naming the field that is not what Shopify documents."""
    try:
        raw = load_json(body)
    except ValueError as error:
        raise bad_order(str(error)) from None
    order = raw.get("order") if isinstance(raw, dict) else None
    if not isinstance(order, dict):
        raise bad_order("the text holds no order")
    withheld = raw.get("withheld") or []
    return _order(order, tuple(str(name) for name in withheld), own_locations, shop_url)


def _order(order: Raw, withheld: tuple[str, ...], own_locations: Collection[str], shop_url: str) -> IncomingOrder:
    external_id, currency = gid("Order", order.get("id")), _currency(order)
    if not external_id:
        raise bad_order("the order has no id")
    gross = flag(order, "taxesIncluded")
    fulfilments = tuple(_fulfilments(order))
    lines = map_lines(order, _shipped(fulfilments), _by_others(order, own_locations), quantum(currency))
    totals = _Totals(order, lines, gross)
    cancelled_at, placed = moment(order, "cancelledAt"), moment(order, "processedAt")
    return IncomingOrder(
        external_id=external_id,
        number=text(order, "name") or external_id,
        placed_at=placed or moment_given(order, "createdAt"),
        updated_at=moment_given(order, "updatedAt"),
        currency=currency,
        total=totals.total,
        lines=tuple(line.wanted for line in lines),
        status=_status(order),
        payment=_payment(order),
        paid_at=_paid_at(order),
        cancelled_at=cancelled_at,
        cancel_reason=text(order, "cancelReason").lower(),
        taxes_included=gross,
        discount_total=totals.discount,
        shipping_total=totals.shipping,
        tax_total=totals.tax,
        fee_total=totals.fees,
        rounding=totals.rounding,
        buyer=_buyer(order),
        shipping=_address(order, "shippingAddress"),
        billing=_address(order, "billingAddress"),
        buyer_note=text(order, "note"),
        tags=_texts(order, "tags"),
        shipping_method=", ".join(filter(None, (text(line, "title") for line in records(order, "shippingLines")))),
        ship_by=_ship_by(order),
        risk=_risk(order),
        test=flag(order, "test"),
        url=f"{shop_url}/admin/orders/{external_id.rpartition('/')[2]}" if shop_url else "",
        refunds=tuple(_refund(refund, gross) for refund in records(order, "refunds")),
        fulfilments=fulfilments,
        extra=_extra(order, withheld, totals),
    )


class _Totals:
    """The order's own totals. Refunds of goods that had left are added back: they are listed as refunds."""

    def __init__(self, order: Raw, lines: list[MappedLine], gross: bool) -> None:
        back = sum((line.returned_total + (0 if gross else line.returned_tax) for line in lines), ZERO)
        self.total = shop_money(order, "currentTotalPriceSet") + back
        self.tax = shop_money(order, "currentTotalTaxSet") + sum((line.returned_tax for line in lines), ZERO)
        returned_discount = sum((line.returned_discount for line in lines), ZERO)
        self.discount = shop_money(order, "currentTotalDiscountsSet") + returned_discount
        self.shipping = shop_money(order, "currentShippingPriceSet")
        known = sum((line.wanted.total or ZERO for line in lines), self.shipping) + (0 if gross else self.tax)
        self.fees = _fees(order, self.total - known)
        self.rounding = self.total - known - self.fees
        # A cent a line comes from cutting discounts and taxes; more than that nobody has explained.
        self.unexplained = abs(self.rounding) > Decimal("0.01") * (len(lines) + 2)


def _fees(order: Raw, gap: Decimal) -> Decimal:
    # Additional fees may or may not hold the duties already ("duties, import fees, …"): the order's total decides.
    tip, fees = shop_money(order, "totalTipReceivedSet"), shop_money(order, "currentTotalAdditionalFeesSet")
    duties = shop_money(order, "currentTotalDutiesSet")
    return min((tip + fees, tip + fees + duties), key=lambda sum_: abs(gap - sum_))


def quantum(currency: str) -> Decimal:
    """Return the smallest unit of a currency, as a figure to round to."""
    return Decimal(1) if currency in WHOLE_UNITS else Decimal("0.001" if currency in THOUSANDTHS else "0.01")


def _currency(order: Raw) -> str:
    currency = text(order, "currencyCode")
    if len(currency) != 3 or not currency.isascii() or not currency.isupper():
        raise bad_order("currencyCode is not a currency")
    counted = text(record(record(order, "currentTotalPriceSet"), "shopMoney"), "currencyCode")
    if counted and counted != currency:
        raise bad_order(f"the order is in {currency}, its total in {counted}")
    return currency


def _status(order: Raw) -> OrderStatus:
    if text(order, "cancelledAt"):
        return OrderStatus.CANCELLED
    return OrderStatus.CLOSED if text(order, "closedAt") else OrderStatus.OPEN


def _payment(order: Raw) -> PaymentStatus:
    status = text(order, "displayFinancialStatus")
    if status not in PAYMENTS:
        raise bad_order("displayFinancialStatus is unknown")
    return PAYMENTS[status]


def _paid_at(order: Raw) -> Any:
    times = [
        moment(paid, "processedAt")
        for paid in records(order, "transactions")
        if text(paid, "status") == "SUCCESS" and text(paid, "kind") in {"SALE", "CAPTURE"}
    ]
    return max((time for time in times if time), default=None)


def _buyer(order: Raw) -> Buyer:
    customer = record(order, "customer")
    name = text(customer, "displayName") or text(record(order, "billingAddress"), "name")
    return Buyer(external_id=text(customer, "id"), name=name, email=text(order, "email"), phone=text(order, "phone"))


def _address(order: Raw, field: str) -> Address | None:
    raw = record(order, field)
    if not raw:
        return None
    return Address(
        name=text(raw, "name"),
        company=text(raw, "company"),
        line1=text(raw, "address1"),
        line2=text(raw, "address2"),
        city=text(raw, "city"),
        region=text(raw, "province"),
        postcode=text(raw, "zip"),
        country=text(raw, "countryCodeV2").upper(),
        phone=text(raw, "phone"),
    )


def _fulfilments(order: Raw) -> list[IncomingFulfilment]:
    parcels = []
    for raw in records(order, "fulfillments"):
        if text(raw, "status") in DEAD_FULFILMENTS:
            continue
        tracking = records(raw, "trackingInfo")
        lines = records(raw, "fulfillmentLineItems")
        parcels.append(
            IncomingFulfilment(
                external_id=text(raw, "id"),
                shipped_at=moment(raw, "createdAt"),
                carrier=next((text(info, "company") for info in tracking if text(info, "company")), ""),
                tracking_numbers=tuple(filter(None, (text(info, "number") for info in tracking))),
                lines=tuple(
                    (text(record(line, "lineItem"), "id"), Decimal(pieces(line, "quantity"))) for line in lines
                ),
            )
        )
    return parcels


def _shipped(parcels: Collection[IncomingFulfilment]) -> dict[str, int]:
    shipped: dict[str, int] = {}
    for parcel in parcels:
        for line_id, quantity in parcel.lines:
            shipped[line_id] = shipped.get(line_id, 0) + int(quantity)
    return shipped


def _by_others(order: Raw, own_locations: Collection[str]) -> dict[str, int]:
    """Return line id → pieces that a fulfilment service ships from its own stock (not one of `own_locations`)."""
    found: dict[str, int] = {}
    for head in records(order, "fulfillmentOrders"):
        location = record(record(head, "assignedLocation"), "location")
        if not flag(location, "isFulfillmentService") or text(location, "id") in own_locations:
            continue
        if text(head, "status") == "CANCELLED":
            continue
        for line in records(head, "lineItems"):
            line_id = text(record(line, "lineItem"), "id")
            found[line_id] = found.get(line_id, 0) + pieces(line, "totalQuantity")
    return found


def _ship_by(order: Raw) -> Any:
    live = (head for head in records(order, "fulfillmentOrders") if text(head, "status") in LIVE_FULFILMENT_ORDERS)
    return min((time for time in (moment(head, "fulfillBy") for head in live) if time), default=None)


def _refund(refund: Raw, gross: bool) -> IncomingRefund:
    rows = records(refund, "refundShippingLines")
    tax = sum((shop_money(row, "taxAmountSet") for row in rows), ZERO)
    shipping = sum((shop_money(row, "subtotalAmountSet") for row in rows), ZERO) + (ZERO if gross else tax)
    return IncomingRefund(
        external_id=text(refund, "id"),
        refunded_at=moment(refund, "processedAt") or moment_given(refund, "createdAt"),
        amount=shop_money(refund, "totalRefundedSet"),
        shipping=shipping,
        reason=text(refund, "note"),
        tax=tax,
        lines=tuple(_refund_line(line) for line in records(refund, "refundLineItems")),
    )


def _refund_line(line: Raw) -> IncomingRefundLine:
    # CANCEL puts back what had never left: cutting the line's quantity already gives that stock free again.
    returned = text(line, "restockType") in {"RETURN", "LEGACY_RESTOCK"}
    return IncomingRefundLine(
        line_external_id=text(record(line, "lineItem"), "id"),
        quantity=Decimal(pieces(line, "quantity")),
        amount=shop_money(line, "subtotalSet"),
        tax=shop_money(line, "totalTaxSet"),
        restock=returned and flag(line, "restocked"),
    )


def _texts(data: Raw, field: str) -> tuple[str, ...]:
    value = data.get(field) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise bad_order(f"{field} is not a list of texts")
    return tuple(value)


def _risk(order: Raw) -> str:
    advice = text(record(order, "risk"), "recommendation").lower()
    return "" if advice == "none" else advice


def _extra(order: Raw, withheld: tuple[str, ...], totals: _Totals) -> dict[str, str]:
    extra = {f"attribute.{text(item, 'key')}": text(item, "value") for item in records(order, "customAttributes")}
    more = {
        "source": text(order, "sourceName"),
        "discount_codes": ", ".join(_texts(order, "discountCodes")),
        "gateways": ", ".join(_texts(order, "paymentGatewayNames")),
        "unexplained": str(totals.rounding) if totals.unexplained else "",
        "withheld": ", ".join(withheld),
    }
    if flag(order, "edited"):
        more |= {"edited": "1", "original_total": str(shop_money(order, "totalPriceSet"))}
    if any(text(head, "status") == "ON_HOLD" for head in records(order, "fulfillmentOrders")):
        more["on_hold"] = "1"
    if rounding := shop_money(record(order, "totalCashRoundingAdjustment"), "paymentSet"):
        more["cash_rounding"] = str(rounding)
    if text(order, "presentmentCurrencyCode") not in {"", text(order, "currencyCode")}:
        shown = record(record(order, "currentTotalPriceSet"), "presentmentMoney")
        more["presentment_total"] = f"{text(shown, 'amount')} {text(shown, 'currencyCode')}"
    return extra | {name: value for name, value in more.items() if value}
