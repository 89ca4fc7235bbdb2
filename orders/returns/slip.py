"""The return slip: what the buyer puts into the parcel. The facts alone; a page and a PDF are made of them."""

from __future__ import annotations

import dataclasses
import datetime as dt

from orders.fulfil import routing
from orders.models import Return, ReturnPlace
from orders.returns.requesting import plain


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SlipLine:
    """One line of the slip."""

    sku: str
    title: str
    quantity: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReturnFacts:
    """All that stands on a return slip. `address` has a line each; empty when no address is known."""

    number: str  # "R10012", also the barcode
    order_number: str
    shop: str
    warehouse: str
    address: tuple[str, ...]
    phone: str
    note: str
    reason: str
    expected_by: dt.datetime | None
    lines: tuple[SlipLine, ...]


def facts_of(found: Return) -> ReturnFacts:
    """Return what stands on the slip of a return."""
    place = routing.return_address_of(found.warehouse)
    rows = found.lines.select_related("line__sku").order_by("pk")
    return ReturnFacts(
        number=found.number,
        order_number=found.order.number,
        shop=found.order.shop.name,
        warehouse=found.warehouse.name if found.warehouse else "",
        address=_address(place),
        phone=place.phone if place else "",
        note=place.note if place else "",
        reason=str(found.reason) if found.reason else "",
        expected_by=found.expected_by,
        lines=tuple(
            SlipLine(
                sku=row.line.sku.code if row.line.sku else row.line.sku_code,
                title=row.line.title,
                quantity=plain(row.quantity),
            )
            for row in rows
        ),
    )


def _address(place: ReturnPlace | None) -> tuple[str, ...]:
    if place is None:
        return ()
    town = " ".join(filter(None, (place.postcode, place.city, place.region)))
    return tuple(filter(None, (place.recipient, place.line1, place.line2, town, place.country)))
