"""The lines of one raw Shopify order: how much is wanted now, and what of price, discount and tax belongs to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from channels.connectors.shopify.reading import (
    ZERO,
    Raw,
    amount,
    bad_order,
    flag,
    pieces,
    record,
    records,
    shop_money,
    text,
)
from orders.contracts import IncomingLine


@dataclasses.dataclass(frozen=True, slots=True)
class MappedLine:
    """A line as wanted, and the money of its pieces that had left and came back (Shopify's current totals lack it)."""

    wanted: IncomingLine
    returned_total: Decimal
    returned_tax: Decimal
    returned_discount: Decimal


def map_lines(order: Raw, shipped: Mapping[str, int], by_others: Mapping[str, int], unit: Decimal) -> list[MappedLine]:
    """Return the lines; `shipped` and `by_others` are pieces per line id, `unit` what amounts are rounded to."""
    return [
        _line(line, shipped.get(text(line, "id"), 0), by_others.get(text(line, "id"), 0), unit)
        for line in records(order, "lineItems")
    ]


def _line(line: Raw, shipped: int, by_others: int, unit: Decimal) -> MappedLine:
    ordered, current = pieces(line, "quantity"), pieces(line, "currentQuantity")
    wanted = _wanted(ordered, current, pieces(line, "unfulfilledQuantity"), shipped)
    price, variant = shop_money(line, "originalUnitPriceSet"), record(line, "variant")
    discounts = sum((shop_money(item, "allocatedAmountSet") for item in records(line, "discountAllocations")), ZERO)
    taxes = sum((shop_money(item, "priceSet") for item in records(line, "taxLines")), ZERO)
    discount, tax = share(discounts, wanted, ordered, unit), share(taxes, wanted, ordered, unit)
    total = price * wanted - discount
    if not text(line, "id") or price < 0 or total < 0:
        raise bad_order("a line without an id or below zero")
    incoming = IncomingLine(
        external_id=text(line, "id"),
        sku=text(line, "sku"),
        title=" – ".join(filter(None, (text(line, "title"), text(line, "variantTitle")))),
        quantity=Decimal(wanted),
        unit_price=price,
        discount=discount,
        tax=tax,
        tax_rate=_rate(line),
        total=total,
        ordered_quantity=Decimal(ordered),
        listing_id=text(variant, "id"),
        barcode=text(variant, "barcode"),
        requires_shipping=flag(line, "requiresShipping"),
        platform_fulfilled=wanted > 0 and by_others >= wanted,
        is_gift_card=flag(line, "isGiftCard"),
        properties=_properties(line),
    )
    if wanted == current:
        return MappedLine(incoming, ZERO, ZERO, ZERO)
    kept_discount, kept_tax = share(discounts, current, ordered, unit), share(taxes, current, ordered, unit)
    return MappedLine(incoming, total - (price * current - kept_discount), tax - kept_tax, discount - kept_discount)


def _wanted(ordered: int, current: int, unshipped: int, shipped: int) -> int:
    """Return the pieces wanted: what left already counts, also when it came back since; what was removed does not.

    Shopify's currentQuantity takes refunded pieces off whether they had left or not.
    """
    if current > ordered:
        raise bad_order("currentQuantity is more than was ordered")
    if not shipped:
        return current
    return min(ordered, max(current, shipped + min(unshipped, current)))


def share(whole: Decimal, part: int, of: int, unit: Decimal) -> Decimal:
    """Return the share of an amount that belongs to `part` of `of` pieces, rounded half up to `unit`."""
    if part == of:
        return whole
    return (whole * part / of).quantize(unit, rounding=ROUND_HALF_UP) if part else ZERO


def _rate(line: Raw) -> Decimal | None:
    rates = [item["rate"] for item in records(line, "taxLines") if item.get("rate") is not None]
    return sum((amount(rate, "rate") for rate in rates), ZERO) if rates else None


def _properties(line: Raw) -> dict[str, str]:
    found = {text(item, "key"): text(item, "value") for item in records(line, "customAttributes")}
    group = record(line, "lineItemGroup")
    if group:
        found["bundle"] = text(group, "title")
        found["bundle_sku"] = text(group, "variantSku")
        found["bundle_quantity"] = str(pieces(group, "quantity"))
        found["bundle_id"] = text(group, "id")
    return found
