"""How quantities and money read on a page."""

from __future__ import annotations

from decimal import Decimal

from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.html import format_html

NONE = "–"


def pieces(value: Decimal | None) -> str:
    """A quantity without trailing zeros, with thousands grouped; a dash for none."""
    if value is None:
        return NONE
    plain = value.normalize()
    places = max(-int(plain.as_tuple().exponent), 0)
    return number_format(plain, decimal_pos=places, use_l10n=True, force_grouping=True)


def signed(value: Decimal | None) -> str:
    """A movement: + or −, red when goods went."""
    if value is None:
        return NONE
    if not value:
        return "0"
    if value < 0:
        return format_html('<span class="yi-minus">−{}</span>', pieces(-value))
    return format_html('<span class="yi-plus">+{}</span>', pieces(value))


def money(value: Decimal | None) -> str:
    """An amount in the base currency, two places."""
    return NONE if value is None else number_format(round(value, 2), decimal_pos=2, use_l10n=True, force_grouping=True)


def sees_cost(request: HttpRequest) -> bool:
    """True when the person may know what goods cost."""
    return request.user.has_perm("inventory.see_cost")
