"""What changed from one version of an order to another, and whether a person has to say yes to it."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator
from decimal import Decimal

from orders.contracts import Address, IncomingLine, IncomingOrder


class Kind(enum.StrEnum):
    """What sort of change it is."""

    QUANTITY = "quantity"  # applied at once: it decides how much stock is wanted
    GOODS = "goods"
    ADDRESS = "address"
    TEXT = "text"
    MONEY = "money"
    MINOR = "minor"  # payment, tags, dates: told, never asked


ASKED = {Kind.GOODS, Kind.ADDRESS, Kind.TEXT, Kind.MONEY}
ADDRESS_FIELDS = ("name", "company", "line1", "line2", "city", "region", "postcode", "country", "phone")
TEXT_FIELDS = ("buyer_note", "shipping_method")
MINOR_FIELDS = ("payment", "status", "seller_note", "tags", "ship_by", "risk", "cancel_reason")


@dataclasses.dataclass(frozen=True, slots=True)
class Edit:
    """One change. `field` is a path in contracts.IncomingOrder, `label` names the line it is about."""

    kind: Kind
    field: str
    before: str
    after: str
    label: str = ""


def edits(before: IncomingOrder, after: IncomingOrder) -> list[Edit]:
    """Return every change from one version to the next, the important ones first."""
    found = [*_lines(before, after), *_address(before, after), *_texts(before, after)]
    found += _money(before, after, any(edit.kind in (Kind.QUANTITY, Kind.GOODS) for edit in found))
    found += _minor(before, after)
    return found


def asked(found: list[Edit]) -> list[Edit]:
    """Return the changes that wait for a person once an order has been reviewed."""
    return [edit for edit in found if edit.kind in ASKED]


def _lines(before: IncomingOrder, after: IncomingOrder) -> Iterator[Edit]:
    old = {line.external_id: line for line in before.lines}
    new = {line.external_id: line for line in after.lines}
    for key in [*old, *(key for key in new if key not in old)]:
        was, now = old.get(key), new.get(key)
        label = ((now or was).title or (now or was).sku) if (now or was) else key  # type: ignore[union-attr]
        quantities = (was.quantity if was else Decimal(0)), (now.quantity if now else Decimal(0))
        if quantities[0] != quantities[1]:
            yield Edit(Kind.QUANTITY, "quantity", _plain(quantities[0]), _plain(quantities[1]), label)
        if was is not None and now is not None:
            yield from _line(was, now, label, same_quantity=quantities[0] == quantities[1])


def _line(was: IncomingLine, now: IncomingLine, label: str, *, same_quantity: bool) -> Iterator[Edit]:
    for field in ("sku", "listing_id", "barcode", "platform_fulfilled", "properties"):
        if getattr(was, field) != getattr(now, field):
            yield Edit(Kind.GOODS, field, str(getattr(was, field)), str(getattr(now, field)), label)
    if was.unit_price != now.unit_price:
        yield Edit(Kind.MONEY, "unit_price", _plain(was.unit_price), _plain(now.unit_price), label)
    if same_quantity and was.discount != now.discount:
        yield Edit(Kind.MONEY, "discount", _plain(was.discount), _plain(now.discount), label)


def _address(before: IncomingOrder, after: IncomingOrder) -> Iterator[Edit]:
    """A platform that stops showing an address, or hides part of it, has not changed it."""
    was, now = before.shipping or Address(), after.shipping
    if now is None or not any(getattr(now, field) for field in ADDRESS_FIELDS) or (now.masked and not was.masked):
        return
    for field in ADDRESS_FIELDS:
        if getattr(was, field).strip() != getattr(now, field).strip():
            yield Edit(Kind.ADDRESS, f"shipping.{field}", getattr(was, field), getattr(now, field))


def _texts(before: IncomingOrder, after: IncomingOrder) -> Iterator[Edit]:
    for field in TEXT_FIELDS:
        if getattr(before, field).strip() != getattr(after, field).strip():
            yield Edit(Kind.TEXT, field, getattr(before, field), getattr(after, field))


def _money(before: IncomingOrder, after: IncomingOrder, goods_changed: bool) -> Iterator[Edit]:
    """Totals follow the goods and the refunds; alone they are somebody's decision."""
    if before.currency != after.currency:
        yield Edit(Kind.MONEY, "currency", before.currency, after.currency)
    explained = goods_changed or len(before.refunds) != len(after.refunds)
    if not explained and before.total != after.total:
        yield Edit(Kind.MONEY, "total", _plain(before.total), _plain(after.total))


def _minor(before: IncomingOrder, after: IncomingOrder) -> Iterator[Edit]:
    for field in MINOR_FIELDS:
        was, now = getattr(before, field), getattr(after, field)
        if was != now:
            yield Edit(Kind.MINOR, field, _words(was), _words(now))


def _words(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def _plain(value: Decimal) -> str:
    return format(value.normalize() if value else Decimal(0), "f")
