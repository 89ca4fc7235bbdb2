"""How numbers read on the shops' pages."""

from __future__ import annotations

from decimal import Decimal

from django import template

from backoffice import actors

register = template.Library()


@register.filter
def pieces(number: Decimal | int | None) -> str:
    """Return a number without trailing zeros, never as 1E+1; nothing for none."""
    if number is None or number == "":
        return ""
    return f"{Decimal(number).normalize():f}"


@register.filter
def named(actor: str) -> str:
    """Return who did it as people say it."""
    return actors.named(actor)


@register.filter
def percent(share: Decimal | None) -> str:
    """Return a share of 0.5 as 50."""
    return "" if share is None else pieces(share * 100)
