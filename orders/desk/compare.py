"""Two versions of an order side by side: every field that differs, every line that came, went or changed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from orders import naming
from orders.contracts import Address, IncomingLine, IncomingOrder
from orders.desk.sentences import ADDRESS_FIELDS
from orders.models import Order

LABELS: dict[str, Any] = {
    "number": _("order number"), "placed_at": _("ordered"), "updated_at": _("changed on the platform"),
    "currency": _("currency"), "total": _("total"), "status": _("state on the platform"), "payment": _("payment"),
    "paid_at": _("paid"), "cancelled_at": _("cancelled at"), "cancel_reason": _("reason of the cancellation"),
    "taxes_included": _("prices include tax"), "discount_total": _("discount"), "shipping_total": _("shipping"),
    "tax_total": _("tax"), "fee_total": _("fees"), "rounding": _("rounding"), "buyer_note": _("note of the buyer"),
    "seller_note": _("note of the seller"), "tags": _("tags"), "shipping_method": _("delivery method"),
    "ship_by": _("ship by"), "risk": _("risk"), "test": _("test order"), "url": _("address on the platform"),
    "external_id": _("platform id"), "extra": _("more from the platform"),
}  # fmt: skip
LINE_LABELS: dict[str, Any] = {
    "sku": _("SKU on the platform"), "title": _("title"), "quantity": _("wanted"), "unit_price": _("unit price"),
    "discount": _("discount"), "tax": _("tax"), "tax_rate": _("tax rate"), "total": _("line total"),
    "ordered_quantity": _("first ordered"), "listing_id": _("listing"), "barcode": _("barcode"),
    "requires_shipping": _("has to be sent"), "platform_fulfilled": _("shipped by the platform"),
    "is_gift_card": _("gift card"), "properties": _("properties"),
}  # fmt: skip
BUYER_LABELS: dict[str, Any] = {
    "name": _("buyer"), "email": _("e-mail"), "phone": _("phone"), "external_id": _("buyer id on the platform"),
}  # fmt: skip
STATUS: dict[str, Any] = {
    "open": pgettext_lazy("platform order", "open"), "cancelled": _("Cancelled"),
    "closed": _("Finished on the platform"), "deleted": pgettext_lazy("platform order", "deleted"),
}  # fmt: skip
ADDRESSES = {"shipping": _("delivery address"), "billing": _("billing address")}
APART = ("lines", "buyer", "shipping", "billing", "refunds", "fulfilments")
PERSONAL_ADDRESS = ("name", "company", "line1", "line2", "phone")


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs. What is `personal` is shown masked to most."""

    label: str
    before: str
    after: str
    personal: str = ""  # how it is masked: name, phone, email, text


@dataclasses.dataclass(frozen=True, slots=True)
class LineDifference:
    """One line that is `new`, `gone` or `changed`."""

    change: str
    label: str
    quantity: str
    fields: tuple[Difference, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """All that differs between two versions."""

    fields: tuple[Difference, ...]
    lines: tuple[LineDifference, ...]

    @property
    def same(self) -> bool:
        """True when nothing differs."""
        return not self.fields and not self.lines


def compare(before: IncomingOrder, after: IncomingOrder) -> Comparison:
    """Return every difference, field by field and line by line."""
    fields = [*_header(before, after), *_buyer(before, after), *_addresses(before, after), *_events(before, after)]
    return Comparison(tuple(fields), tuple(_lines(before.lines, after.lines)))


def _header(before: IncomingOrder, after: IncomingOrder) -> Iterator[Difference]:
    for field in dataclasses.fields(IncomingOrder):
        if field.name not in APART:
            was, now = getattr(before, field.name), getattr(after, field.name)
            if field.name == "cancel_reason":
                was, now = naming.reason(was), naming.reason(now)
            yield from _field(LABELS.get(field.name, field.name), was, now)


def _buyer(before: IncomingOrder, after: IncomingOrder) -> Iterator[Difference]:
    for name, label in BUYER_LABELS.items():
        personal = {"name": "name", "email": "email", "phone": "phone"}.get(name, "text")
        yield from _field(label, getattr(before.buyer, name), getattr(after.buyer, name), personal)


def _addresses(before: IncomingOrder, after: IncomingOrder) -> Iterator[Difference]:
    for name, title in ADDRESSES.items():
        was, now = getattr(before, name) or Address(), getattr(after, name) or Address()
        for field, label in ADDRESS_FIELDS.items():
            personal = ({"name": "name", "phone": "phone"}.get(field) or "text") if field in PERSONAL_ADDRESS else ""
            yield from _field(f"{title}: {label}", getattr(was, field), getattr(now, field), personal)


def _events(before: IncomingOrder, after: IncomingOrder) -> Iterator[Difference]:
    yield from _field(_("refunds"), _refunds(before), _refunds(after))
    yield from _field(_("parcels"), _parcels(before), _parcels(after))


def _refunds(order: IncomingOrder) -> tuple[str, ...]:
    return tuple(f"{one.external_id}: {_text(one.amount)}" for one in order.refunds)


def _parcels(order: IncomingOrder) -> tuple[str, ...]:
    return tuple(
        " ".join(filter(None, [one.external_id, one.carrier, *one.tracking_numbers])) for one in order.fulfilments
    )


def _lines(before: Sequence[IncomingLine], after: Sequence[IncomingLine]) -> Iterator[LineDifference]:
    old, new = {line.external_id: line for line in before}, {line.external_id: line for line in after}
    for key in [*old, *(key for key in new if key not in old)]:
        was, now = old.get(key), new.get(key)
        if was is None and now is not None:
            yield LineDifference("new", now.title or now.sku, _text(now.quantity))
        elif now is None and was is not None:
            yield LineDifference("gone", was.title or was.sku, _text(was.quantity))
        elif was is not None and now is not None:
            fields = tuple(_line(was, now))
            if fields:
                yield LineDifference("changed", now.title or now.sku, _text(now.quantity), fields)


def _line(was: IncomingLine, now: IncomingLine) -> Iterator[Difference]:
    for name, label in LINE_LABELS.items():
        yield from _field(label, getattr(was, name), getattr(now, name))


def _field(label: Any, before: Any, after: Any, personal: str = "") -> Iterator[Difference]:
    if before != after:
        yield Difference(str(label), _text(before), _text(after), personal)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return _now("yes") if value else _now("no")
    if isinstance(value, Decimal):
        return f"{value.normalize() if value else Decimal(0):f}"
    if isinstance(value, dt.datetime):
        return date_format(timezone.localtime(value), "SHORT_DATETIME_FORMAT")
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {text}" for key, text in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, enum.Enum):
        return str(STATUS.get(str(value.value)) or dict(Order.Payment.choices).get(str(value.value), value.value))
    return "" if value is None else str(value)
