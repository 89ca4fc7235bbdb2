"""Reading fields of a WooCommerce object: text, money and pieces as they are, or an error naming the field."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from channels.connectors.base import ConnectorError
from channels.connectors.woocommerce.client import gmt

Raw = Mapping[str, Any]
NUMERIC = frozenset({str, int, Decimal})
MOST_DIGITS = 20  # before or after the point; a text like "1e999999999" must not become a number


def bad_order(message: str) -> ConnectorError:
    """Return the error for an order that cannot be read; the same text will never be readable."""
    return ConnectorError("bad_order", message, permanent=True)


def identifier(raw: Raw, name: str) -> str:
    """Return an id as text."""
    value = raw.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise bad_order(f"{name} is no id")
    return str(value)


def text(raw: Raw, name: str) -> str:
    """Return text without the blanks around it; "" for null and anything that is no text."""
    value = raw.get(name)
    if type(value) is str:
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def record(raw: Raw, name: str) -> Raw:
    """Return an inner object; empty when absent (PHP writes an empty one as [])."""
    value = raw.get(name)
    return value if isinstance(value, dict) else {}


def records(raw: Raw, name: str) -> list[Raw]:
    """Return a list of objects; empty when absent."""
    value = raw.get(name)
    if not value:
        return []
    if not isinstance(value, list):
        raise bad_order(f"{name} is no list")
    return [row for row in value if isinstance(row, dict)]


def number(value: Any) -> Decimal | None:
    """Return a number given as text or number, exact; None for anything else."""
    if type(value) not in NUMERIC:
        return None
    try:
        found = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        return None
    if not found.is_finite() or (found and abs(found.adjusted()) > MOST_DIGITS):
        return None
    return found


def amount(raw: Raw, name: str) -> Decimal:
    """Return an amount of money; blank and null are 0. Raises ConnectorError "bad_order"."""
    value = raw.get(name)
    if value is None or value == "":
        return Decimal(0)
    found = number(value)
    if found is None:
        raise bad_order(f"{name} is no amount")
    return found


def moment(raw: Raw, *names: str) -> dt.datetime:
    """Return the first of the named times that is there. Raises ConnectorError "bad_order"."""
    for name in names:
        found = gmt(raw.get(name))
        if found is not None:
            return found
    raise bad_order(f"{names[0]} is missing")
