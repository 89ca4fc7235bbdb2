"""The lines of an order and of its refunds: what is still wanted, and what of it is already off again."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from channels.connectors.woocommerce.client import gmt
from channels.connectors.woocommerce.reading import Raw, amount, bad_order, identifier, number, records, text
from orders.contracts import IncomingLine, IncomingRefund, IncomingRefundLine

ZERO = Decimal(0)
PRICE_PLACES = Decimal("0.000001")  # WooCommerce itself divides to six places
REFUNDED_LINE = "_refunded_item_id"
RESTOCKED = "_restock_refunded_items"


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """A line as wanted now, and what refunds before it left have taken off (net or gross as the order is)."""

    wanted: IncomingLine
    gone_total: Decimal = ZERO
    gone_tax: Decimal = ZERO


@dataclasses.dataclass(frozen=True, slots=True)
class RefundLine:
    """Goods of a refund, turned positive; amounts net, tax beside."""

    line_id: str
    quantity: Decimal
    net: Decimal
    tax: Decimal
    restock: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Refund:
    """A refund of an order; WooCommerce gives quantities and totals negative, `amount` positive."""

    external_id: str
    at: dt.datetime | None
    amount: Decimal
    reason: str
    lines: tuple[RefundLine, ...]
    raw: Raw

    def before(self, completed_at: dt.datetime | None) -> bool:
        """Say whether it was made before the order was completed: its goods never left."""
        return completed_at is None or (self.at is not None and self.at <= completed_at)

    def shipping(self, gross: bool) -> Decimal:
        """Return the shipping given back."""
        return self._side("shipping_lines", gross)

    def fees(self, gross: bool) -> Decimal:
        """Return the fees given back."""
        return self._side("fee_lines", gross)

    def other_tax(self) -> Decimal:
        """Return the tax given back on shipping and fees."""
        rows = [*records(self.raw, "shipping_lines"), *records(self.raw, "fee_lines")]
        return -sum((amount(row, "total_tax") for row in rows), ZERO)

    def incoming(self, *, fallback: dt.datetime) -> IncomingRefund:
        """Return the refund as intake wants it; `fallback` dates one known by its sum only."""
        return IncomingRefund(
            external_id=self.external_id,
            refunded_at=self.at or fallback,
            amount=self.amount,
            shipping=self.shipping(gross=True),
            reason=self.reason,
            tax=self.other_tax(),
            lines=tuple(
                IncomingRefundLine(
                    line_external_id=line.line_id,
                    quantity=line.quantity,
                    amount=line.net + line.tax,
                    tax=line.tax,
                    restock=line.restock,
                )
                for line in self.lines
            ),
        )

    def _side(self, name: str, gross: bool) -> Decimal:
        rows = records(self.raw, name)
        return -sum((amount(row, "total") + (amount(row, "total_tax") if gross else ZERO) for row in rows), ZERO)


def refunds_of(raws: Sequence[Raw], order: Raw) -> list[Refund]:
    """Return the refunds, oldest first. The store tells restocking per order line, not per refund: the oldest first."""
    restocked = {text(line, "id"): _meta_number(line, RESTOCKED) for line in records(order, "line_items")}
    refunds = []
    for raw in sorted(raws, key=lambda raw: int(identifier(raw, "id"))):
        lines = []
        for row in records(raw, "line_items"):
            line_id, quantity = _meta(row, REFUNDED_LINE), abs(_pieces(row))
            if not line_id:
                continue  # an old plugin's refund that does not say of which line: its amount counts, its goods cannot
            back = bool(quantity) and restocked.get(line_id, ZERO) >= quantity
            if back:
                restocked[line_id] -= quantity
            lines.append(RefundLine(line_id, quantity, -amount(row, "total"), -amount(row, "total_tax"), back))
        refunds.append(
            Refund(
                external_id=identifier(raw, "id"),
                at=gmt(raw.get("date_created_gmt")),
                amount=abs(amount(raw, "amount")),
                reason=text(raw, "reason"),
                lines=tuple(lines),
                raw=raw,
            )
        )
    return refunds


def map_lines(order: Raw, refunds: Sequence[Refund], *, gross: bool, completed_at: dt.datetime | None) -> list[Line]:
    """Return the lines of the order with early refunds taken off. Raises ConnectorError "bad_order"."""
    rates = {str(row.get("rate_id")): number(row.get("rate_percent")) for row in records(order, "tax_lines")}
    gone: dict[str, Decimal] = {}
    for refund in refunds:
        if refund.before(completed_at):
            for line in refund.lines:
                gone[line.line_id] = gone.get(line.line_id, ZERO) + line.quantity
    ships = order.get("needs_processing") is not False
    rows = records(order, "line_items")
    return [_line(row, gone.get(text(row, "id"), ZERO), rates, gross=gross, ships=ships) for row in rows]


def _line(raw: Raw, gone: Decimal, rates: dict[str, Decimal | None], *, gross: bool, ships: bool) -> Line:
    external_id, ordered = identifier(raw, "id"), _pieces(raw)
    if ordered < 0:
        raise bad_order(f"line {external_id}: the quantity is negative")
    left = max(ordered - gone, ZERO)
    tax = amount(raw, "total_tax")
    total = amount(raw, "total") + (tax if gross else ZERO)
    before = max(amount(raw, "subtotal") + (amount(raw, "subtotal_tax") if gross else ZERO), total)
    gone_total, gone_tax, gone_before = (share(sum_, ordered - left, ordered) for sum_ in (total, tax, before))
    wanted = IncomingLine(
        external_id=external_id,
        sku=text(raw, "sku"),
        title=text(raw, "name"),
        quantity=left,
        unit_price=(before / ordered).quantize(PRICE_PLACES, ROUND_HALF_EVEN) if ordered else amount(raw, "price"),
        discount=(before - gone_before) - (total - gone_total),
        tax=tax - gone_tax,
        tax_rate=_tax_rate(raw, rates),
        total=total - gone_total,
        ordered_quantity=ordered,
        listing_id=_listing_id(raw),
        barcode=text(raw, "global_unique_id"),
        requires_shipping=ships,
        properties=_properties(raw),
    )
    return Line(wanted, gone_total, gone_tax)


def share(whole: Decimal, part: Decimal, of: Decimal) -> Decimal:
    """Return whole × part ÷ of, in the unit that `whole` is written in ("19.17" is in cents)."""
    if not part:
        return ZERO
    exponent = whole.as_tuple().exponent
    unit = Decimal(1).scaleb(min(exponent, 0) if isinstance(exponent, int) else 0)
    return (whole * part / of).quantize(unit, ROUND_HALF_EVEN)


def _pieces(raw: Raw) -> Decimal:
    found = number(raw.get("quantity"))
    if found is None:
        raise bad_order("quantity is no number")
    return found


def _listing_id(raw: Raw) -> str:
    """The listing's id; a product that was deleted has product_id 0 and leaves nothing to go by but its name."""
    product, variation = text(raw, "product_id"), text(raw, "variation_id")
    if product in {"", "0"}:
        return ""
    return product if variation in {"", "0"} else f"{product}:{variation}"


def _tax_rate(raw: Raw, rates: dict[str, Decimal | None]) -> Decimal | None:
    found = [rates.get(str(row.get("id"))) for row in records(raw, "taxes") if row.get("total") not in (None, "")]
    if not found or None in found:
        return None
    return sum((rate for rate in found if rate is not None), ZERO) / 100


def _meta(raw: Raw, key: str) -> str:
    return next((text(row, "value") for row in records(raw, "meta_data") if row.get("key") == key), "")


def _meta_number(raw: Raw, key: str) -> Decimal:
    return number(_meta(raw, key)) or ZERO


def _properties(raw: Raw) -> dict[str, str]:
    """What the buyer chose or typed; keys with an underscore are the store's own book-keeping."""
    found = {}
    for row in records(raw, "meta_data"):
        key, value = text(row, "key"), text(row, "display_value")
        if key and not key.startswith("_") and value:
            found[text(row, "display_key") or key] = value
    return found
