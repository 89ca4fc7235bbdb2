"""How quantities read on the pages of the warehouse floor."""

from __future__ import annotations

from decimal import Decimal

from django import template

from inventory import readable

register = template.Library()


@register.filter
def pieces(value: Decimal) -> str:
    """For people: `1,200`."""
    return readable.pieces(value)


@register.filter
def plain(value: Decimal) -> str:
    """For programs: `1200`."""
    return f"{value.normalize():f}" if value else "0"
