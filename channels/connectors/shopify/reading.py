"""Reading single values out of a raw document: what is not plainly a value is refused, never guessed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from channels.connectors.base import ConnectorError

MOST_PIECES = 1_000_000  # of one line; more is a fault over there
_AMOUNT = re.compile(r"-?\d{1,15}(\.\d{1,10})?")


def bad_order(message: str) -> ConnectorError:
    """Return the error for a raw order that cannot be taken as it stands."""
    return ConnectorError("bad_order", message, permanent=True)


def text(data: Mapping[str, Any], field: str) -> str:
    """Return a text, empty when it is null or absent."""
    value = data.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise bad_order(f"{field} is not a text")
    return value


def record(data: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    """Return a nested object, empty when it is null or absent."""
    value = data.get(field)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise bad_order(f"{field} is not an object")
    return value


def records(data: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    """Return a list of objects, whether given plainly or as a connection."""
    value = data.get(field)
    if isinstance(value, Mapping):
        value = value.get("nodes")
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise bad_order(f"{field} is not a list")
    return value


def flag(data: Mapping[str, Any], field: str) -> bool:
    """Return a yes or no; null is no."""
    value = data.get(field)
    if value is not None and not isinstance(value, bool):
        raise bad_order(f"{field} is neither yes nor no")
    return bool(value)


def pieces(data: Mapping[str, Any], field: str) -> int:
    """Return a count of goods. Raises for a negative, fractional or absurd one."""
    value = data.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_PIECES:
        raise bad_order(f"{field} is not a count of pieces")
    return value


def amount(value: Any, field: str) -> Decimal:
    """Return an amount of money from its text."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not _AMOUNT.fullmatch(value):
        raise bad_order(f"{field} is not an amount")
    return Decimal(value)


def shop_money(data: Mapping[str, Any], field: str) -> Decimal:
    """Return the amount of a MoneyBag in the shop's currency, 0 when the bag is null."""
    bag = record(data, field)
    return amount(record(bag, "shopMoney").get("amount"), field) if bag else Decimal(0)


def moment(data: Mapping[str, Any], field: str) -> dt.datetime | None:
    """Return a time, aware UTC, None when null. Offsets such as +08:00 are taken at their word."""
    value = text(data, field)
    if not value:
        return None
    try:
        parsed = dt.datetime.fromisoformat(value)
        if parsed.tzinfo is None:
            raise bad_order(f"{field} is a time without a zone")
        return parsed.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise bad_order(f"{field} is not a time") from None


def moment_given(data: Mapping[str, Any], field: str) -> dt.datetime:
    """Return a time that must be there."""
    value = moment(data, field)
    if value is None:
        raise bad_order(f"{field} is missing")
    return value
