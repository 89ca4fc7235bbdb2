"""Who may see of a buyer what: masked for most, uncovered for a moment and on the record, never for some."""

from __future__ import annotations

from django.http import HttpRequest

from backoffice import masking
from orders.models import OrderContact

SEE, REVEAL = "orders.see_buyer", "orders.reveal_buyer"
PRINT, SHIP = "orders.print_papers", "orders.ship_order"
MASKED_KEYS = ("name", "company", "line1", "line2", "phone")
ADDRESS_KEYS = ("name", "company", "line1", "line2", "city", "region", "postcode", "country", "phone")


def may_see(request: HttpRequest) -> bool:
    """True when the person may know who bought, masked."""
    return request.user.has_perm(SEE) or may_reveal(request)


def may_reveal(request: HttpRequest) -> bool:
    """True when the person may uncover personal data."""
    return request.user.has_perm(REVEAL)


def may_print(request: HttpRequest) -> bool:
    """True when the person may have personal data on paper: whoever ships, or may uncover them."""
    return request.user.has_perm(PRINT) and (request.user.has_perm(SHIP) or may_reveal(request))


def shown(contact: OrderContact | None, *, clear: bool) -> dict[str, object]:
    """Return the buyer for the page: `clear` as it is, else masked."""
    if contact is None:
        return {}
    return {
        "name": contact.buyer_name if clear else masking.name(contact.buyer_name),
        "email": contact.email if clear else masking.email(contact.email),
        "phone": contact.phone if clear else masking.phone(contact.phone),
        "address": address(contact.shipping, clear=clear),
        "note": contact.buyer_note,
        "seller_note": contact.seller_note,
        "fixed": contact.address_fixed,
        "billing": address(contact.billing, clear=clear) if contact.billing != contact.shipping else {},
    }


def address(values: dict[str, str], *, clear: bool) -> dict[str, str]:
    """Return an address field by field; town, region, postcode and country are never masked."""
    found = {key: str(values.get(key) or "") for key in ADDRESS_KEYS}
    if clear:
        return found
    hide = {"name": masking.name, "company": masking.text, "phone": masking.phone}
    return {
        key: hide.get(key, masking.text)(value) if key in MASKED_KEYS and value else value
        for key, value in found.items()
    }
