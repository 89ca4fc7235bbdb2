"""What an order costs: totals as first placed and as they stand now, from its lines, refunds and edits."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Record = dict[str, Any]
ZERO = Decimal(0)


def cents(value: Decimal, order: Record) -> Decimal:
    """Return the amount rounded as the shop's currency is counted."""
    places = {"JPY": "1", "KRW": "1", "VND": "1", "KWD": "0.001", "BHD": "0.001"}.get(order["currencyCode"], "0.01")
    return value.quantize(Decimal(places), rounding=ROUND_HALF_UP)


def refunded(order: Record, line: Record) -> int:
    """Return how many pieces of the line were refunded."""
    rows = (row for refund in order["refunds"] for row in refund["lines"])
    return sum(row["quantity"] for row in rows if row["line"] == line["id"])


def current(order: Record, line: Record) -> int:
    """Return the pieces neither removed nor refunded."""
    return int(line["quantity"] - line["removed"] - refunded(order, line))


def fulfilled(order: Record, line: Record) -> int:
    """Return the pieces in parcels that stand."""
    parcels = (parcel for parcel in order["fulfillments"] if parcel["status"] != "CANCELLED")
    return sum(row["quantity"] for parcel in parcels for row in parcel["lines"] if row["line"] == line["id"])


def remaining(order: Record, line: Record) -> int:
    """Return the pieces still on open fulfilment orders."""
    return sum(
        row["remainingQuantity"]
        for head in order["fulfillment_orders"]
        for row in head["lines"]
        if row["line"] == line["id"] and head["status"] not in {"CLOSED", "CANCELLED"}
    )


def discount(line: Record) -> Decimal:
    """Return the discounts allocated to the line, for the quantity first ordered."""
    return sum((Decimal(part["amount"]) for part in line["discounts"]), ZERO)


def tax(line: Record) -> Decimal:
    """Return the taxes of the line, for the quantity first ordered."""
    return sum((Decimal(part["amount"]) for part in line["taxes"]), ZERO)


def part_of(order: Record, line: Record, whole: Decimal, count: int) -> Decimal:
    """Return the share of a line's amount for `count` of its pieces."""
    if count == line["quantity"]:
        return whole
    return cents(whole * count / line["quantity"], order) if line["quantity"] else ZERO


def line_total(order: Record, line: Record, count: int) -> Decimal:
    """Return price less discount for `count` pieces, with or without tax as the order's prices are."""
    return Decimal(line["price"]) * count - part_of(order, line, discount(line), count)


def totals(order: Record, *, now: bool) -> dict[str, Decimal]:
    """Return subtotal, tax, discount, shipping and total: as they stand `now`, or as first ordered."""
    counts = [
        (line, current(order, line) if now else line["quantity"] - line["added_later"]) for line in order["lines"]
    ]
    shipping = Decimal(order["shipping"]["price"]) - (_shipping_refunded(order) if now else ZERO)
    shipping_tax = part_of_shipping(order, shipping)
    subtotal = sum((line_total(order, line, count) for line, count in counts), ZERO)
    taxes = sum((part_of(order, line, tax(line), count) for line, count in counts), shipping_tax)
    discounts = sum((part_of(order, line, discount(line), count) for line, count in counts), ZERO)
    others = Decimal(order["tip"]) + Decimal(order["duties"]) + Decimal(order["fees"])
    total = subtotal + shipping + others + (ZERO if order["taxesIncluded"] else taxes)
    return {"subtotal": subtotal, "tax": taxes, "discount": discounts, "shipping": shipping, "total": total}


def part_of_shipping(order: Record, shipping: Decimal) -> Decimal:
    """Return the tax on what is left of the shipping price."""
    price = Decimal(order["shipping"]["price"])
    return cents(Decimal(order["shipping"]["tax"]) * shipping / price, order) if price else ZERO


def refunded_amount(order: Record) -> Decimal:
    """Return the money given back so far."""
    return sum((Decimal(refund["amount"]) for refund in order["refunds"]), ZERO)


def _shipping_refunded(order: Record) -> Decimal:
    return sum((Decimal(refund["shipping"]) for refund in order["refunds"]), ZERO)
