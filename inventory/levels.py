"""Balances by how much is there; lists, home page and sidebar count with the same words."""

from __future__ import annotations

from typing import Any

from django.db.models import F, QuerySet

Rows = QuerySet[Any]


def level(queryset: Rows, name: str | None) -> Rows:
    """Narrow balances to a level: low, out (nothing free), short (more wanted than there is), some (on hand)."""
    if name == "low":
        return low(queryset)
    if name == "out":
        return queryset.filter(on_hand__lte=F("reserved") + F("demand") + F("unsellable"))
    if name == "short":
        return queryset.filter(on_hand__lt=F("reserved") + F("demand") + F("unsellable"))
    return queryset.filter(on_hand__gt=0) if name == "some" else queryset


def low(queryset: Rows) -> Rows:
    """Balances at or below the low-stock mark of their SKU."""
    marked = queryset.filter(sku__low_stock__isnull=False, sku__active=True)
    return marked.filter(on_hand__lte=F("reserved") + F("demand") + F("unsellable") + F("sku__low_stock"))
