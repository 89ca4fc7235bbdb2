"""An incoming order turned into values the database takes, or refused with the field that is at fault.

Quantities are thousandths, money is ten-thousandths, as the columns hold them: this is the hot path. Nothing is
guessed: what identifies or counts must be right; what only describes is cut to its column and stands whole in the
stored version.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from backoffice.search import search_form
from orders.contracts import Address, IncomingLine, IncomingOrder, digest_of, to_json
from orders.intake.faults import Refused
from orders.intake.own_orders import KIND, OWN

MOST_PIECES = 1_000_000_000  # thousandths: nobody orders more than a million pieces on one line
MOST_MONEY = 9 * 10**17
MOST_LINES = 10_000
ID_LENGTH = 200
_TIMES = ("placed_at", "updated_at", "paid_at", "cancelled_at", "ship_by")
# What lies outside is no time of an order, and the last hours of the calendar cannot be shown in every time zone.
_EARLIEST, _LATEST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
_NOT_DIGITS = re.compile("[^0-9]+")


@dataclasses.dataclass(slots=True)
class DraftLine:
    """One line in stored integers."""

    incoming: IncomingLine
    quantity: int
    ordered: int
    unit_price: int
    discount: int
    tax: int
    tax_rate: int | None
    total: int


@dataclasses.dataclass(slots=True)
class Draft:
    """One order ready to be stored."""

    incoming: IncomingOrder
    text: str
    digest: str
    source_ref: str
    lines: list[DraftLine]
    total: int
    goods_total: int
    discount_total: int
    shipping_total: int
    tax_total: int
    fee_total: int
    rounding: int


def draft_of(order: IncomingOrder, source_ref: str = "") -> Draft:
    """Return the draft of an order; raises Refused."""
    identifier(order.external_id, "external_id")
    if order.external_id.startswith(OWN) and KIND not in order.extra:
        raise Refused("reserved", "external_id", order.external_id)
    if len(order.currency) > 10:
        raise Refused("too_long", "currency", order.currency)
    order = _timed(order)
    lines = _lines(order.lines)
    if order.refunds or order.fulfilments:
        _check_events(order)
    text = to_json(order)
    return Draft(
        incoming=order,
        text=text,
        digest=digest_of(text),
        source_ref=source_ref[:120],
        lines=lines,
        total=money(order.total, "total"),
        goods_total=sum(line.total for line in lines),
        discount_total=money(order.discount_total, "discount_total"),
        shipping_total=money(order.shipping_total, "shipping_total"),
        tax_total=money(order.tax_total, "tax_total"),
        fee_total=money(order.fee_total, "fee_total"),
        rounding=money(order.rounding, "rounding"),
    )


def _timed(order: IncomingOrder) -> IncomingOrder:
    """Return the order with times that can be shown; a promise to ship by the end of time is none.

    Raises Refused for any other time without a zone or outside 1970–2200.
    """
    for name in _TIMES:
        value = getattr(order, name)
        if name == "ship_by" and value is not None and value.tzinfo is not None and not _EARLIEST <= value < _LATEST:
            return dataclasses.replace(order, ship_by=None)  # the last of the times
        _check_time(value, name)
    return order


def _lines(incoming: Sequence[IncomingLine]) -> list[DraftLine]:
    if len(incoming) > MOST_LINES:
        raise Refused("too_large", "lines", len(incoming))
    lines, seen = [], set()
    for place, line in enumerate(incoming):
        if line.external_id in seen:
            raise Refused("twice", f"lines[{place}].external_id", line.external_id)
        seen.add(line.external_id)
        try:
            lines.append(_line(line))
        except Refused as refused:
            fault = refused.fault
            raise Refused(fault.code, f"lines[{place}].{fault.field}", fault.value) from None
    return lines


def _line(line: IncomingLine) -> DraftLine:
    identifier(line.external_id, "external_id")
    quantity = pieces(line.quantity, "quantity")
    ordered = quantity if line.ordered_quantity is None else pieces(line.ordered_quantity, "ordered_quantity")
    price = money(line.unit_price, "unit_price")
    discount = money(line.discount, "discount")
    total = price * quantity // 1000 - discount if line.total is None else money(line.total, "total")
    return DraftLine(
        line,
        quantity,
        max(ordered, quantity),
        price,
        discount,
        money(line.tax, "tax"),
        None if line.tax_rate is None else rate(line.tax_rate, "tax_rate"),
        total,
    )


def _check_events(order: IncomingOrder) -> None:
    for place, refund in enumerate(order.refunds):
        at = f"refunds[{place}]"
        identifier(refund.external_id, f"{at}.external_id")
        _check_time(refund.refunded_at, f"{at}.refunded_at")
        if money(refund.amount, f"{at}.amount") < 0:
            raise Refused("negative", f"{at}.amount", refund.amount)
        money(refund.tax, f"{at}.tax")
        for line in refund.lines:
            pieces(line.quantity, f"{at}.lines.quantity")
            money(line.amount, f"{at}.lines.amount")
            money(line.tax, f"{at}.lines.tax")
    for place, fulfilment in enumerate(order.fulfilments):
        at = f"fulfilments[{place}]"
        identifier(fulfilment.external_id, f"{at}.external_id")
        _check_time(fulfilment.shipped_at, f"{at}.shipped_at")
        for _line_id, quantity in fulfilment.lines:
            pieces(quantity, f"{at}.lines.quantity")


# --- single values ---------------------------------------------------------------------------------------------------


def identifier(value: str, field: str) -> None:
    """Refuse an identity that cannot be kept exactly."""
    if not value:
        raise Refused("empty", field)
    if len(value) > ID_LENGTH:
        raise Refused("too_long", field, value)
    if "\x00" in value or not encodable(value):
        raise Refused("unreadable", field, ascii(value))


def pieces(value: Decimal, field: str) -> int:
    """Return thousandths of a piece; raises Refused for what is no sensible quantity."""
    try:
        exact = value * 1000
        stored = int(exact)
    except (TypeError, ValueError, ArithmeticError):
        raise Refused("not_a_number", field, value) from None
    if value.__class__ is float:
        raise Refused("not_a_number", field, value)
    if stored < 0:
        raise Refused("negative", field, value)
    if stored > MOST_PIECES:
        raise Refused("too_large", field, value)
    if stored != exact:
        raise Refused("too_fine", field, value)
    return stored


def money(value: Decimal, field: str) -> int:
    """Return ten-thousandths; finer than that is rounded half to even, which no currency can see."""
    return _scaled(value, 10_000, field)


def rate(value: Decimal, field: str) -> int:
    """Return a rate in units of 10⁻¹⁰."""
    return _scaled(value, 10**10, field)


def _scaled(value: Decimal, scale: int, field: str) -> int:
    try:
        exact = value * scale
        stored = int(exact)
    except (TypeError, ValueError, ArithmeticError):
        raise Refused("not_a_number", field, value) from None
    if value.__class__ is float:
        raise Refused("not_a_number", field, value)
    if not -MOST_MONEY < stored < MOST_MONEY:
        raise Refused("too_large", field, value)
    return stored if stored == exact else int(exact.to_integral_value(ROUND_HALF_EVEN))


def _check_time(value: dt.datetime | None, field: str) -> None:
    if value is None:
        return
    if value.tzinfo is None:
        raise Refused("no_time_zone", field, value)
    if not _EARLIEST <= value < _LATEST:
        raise Refused("no_such_time", field, value)


# --- text ------------------------------------------------------------------------------------------------------------


def encodable(text: str) -> bool:
    """False for half a surrogate pair, which no database takes."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def clean(text: str, most: int = 0) -> str:
    """Return text that both databases take, cut to `most` characters; NUL and broken characters become U+FFFD."""
    if text.isascii() and "\x00" not in text and (not most or len(text) <= most):  # nearly always
        return text
    if "\x00" in text or not encodable(text):
        text = text.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text[: most - 1] + "…" if most and len(text) > most else text


def number_key(number: str) -> str:
    """Return an order number as it is searched for: `#1001` is found by `1001`."""
    return search_form(clean(number)).lstrip("#")[:ID_LENGTH]


def name_key(name: str) -> str:
    """Return a buyer's name as it is searched for."""
    return search_form(clean(name[:200]))[:100]


def phone_key(phone: str) -> str:
    """Return the digits of a phone number: how it was written does not matter."""
    return _NOT_DIGITS.sub("", phone[:100])[:40]


def address_json(address: Address | None) -> dict[str, object]:
    """Return an address as the contact keeps it; an empty dict for none."""
    if address is None:
        return {}
    fields = ("name", "company", "line1", "line2", "city", "region", "postcode", "country", "phone")
    found: dict[str, object] = {name: clean(value, 500) for name in fields if (value := getattr(address, name))}
    if address.masked:
        found["masked"] = True
    return found
