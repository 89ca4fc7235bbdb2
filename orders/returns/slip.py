"""The return slip: what the buyer puts into the parcel. The facts alone; a page and a PDF are made of them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

from django.utils import timezone

from orders.fulfil import routing
from orders.fulfil.papers import facts as papers
from orders.fulfil.papers import gather
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


def paper_of(found: Return, *, customer: Mapping[str, str]) -> papers.ReturnFacts:
    """Return the slip as a paper of the house; the customer as whoever prints it may see them."""
    facts, place = facts_of(found), routing.return_address_of(found.warehouse)
    return papers.ReturnFacts(
        number=facts.number,
        order=facts.order_number,
        made_on=timezone.localtime(found.requested_at).date(),
        customer=papers.AddressFacts(**{name: str(customer.get(name) or "") for name in gather.ADDRESS}),
        back_to=_back_to(place),
        lines=[papers.PaperLine(sku=one.sku, title=one.title, quantity=Decimal(one.quantity)) for one in facts.lines],
        company=gather.company_facts(gather.company()),
        reason=facts.reason,
        instructions=facts.note,
        send_by=timezone.localtime(facts.expected_by).date() if facts.expected_by else None,
        language=gather.language_of(found.order.shop_id),
    )


def _back_to(place: ReturnPlace | None) -> papers.AddressFacts:
    if place is None:
        return papers.AddressFacts()
    return papers.AddressFacts(
        name=place.recipient, phone=place.phone, line1=place.line1, line2=place.line2, city=place.city,
        region=place.region, postcode=place.postcode, country=place.country,
    )  # fmt: skip


def _address(place: ReturnPlace | None) -> tuple[str, ...]:
    if place is None:
        return ()
    town = " ".join(filter(None, (place.postcode, place.city, place.region)))
    return tuple(filter(None, (place.recipient, place.line1, place.line2, town, place.country)))
