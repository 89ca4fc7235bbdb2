"""Reading single values out of a raw document: what is not plainly a value is refused, never guessed."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

from channels.connectors.base import ConnectorError

MOST_PIECES = 1_000_000  # of one line; more is a fault over there
ZERO = Decimal(0)
EMPTY: dict[str, Any] = {}  # what stands for null; never changed
Raw = dict[str, Any]  # only what the JSON reader makes: checks by exact type are several times faster
_AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,10})?").fullmatch


def bad_order(message: str) -> ConnectorError:
    """Return the error for a raw order that cannot be taken as it stands."""
    return ConnectorError("bad_order", message, permanent=True)


def text(data: Raw, field: str) -> str:
    """Return a text, empty when it is null or absent."""
    value = data.get(field)
    if type(value) is str:
        return value
    if value is None:
        return ""
    raise bad_order(f"{field} is not a text")


def record(data: Raw, field: str) -> Raw:
    """Return a nested object, empty when it is null or absent."""
    value = data.get(field)
    if type(value) is dict:
        return value
    if value is None:
        return EMPTY
    raise bad_order(f"{field} is not an object")


def records(data: Raw, field: str) -> list[Raw]:
    """Return a list of objects, whether given plainly or as a connection."""
    value = data.get(field)
    if type(value) is dict:
        value = value.get("nodes")
    if value is None:
        return []
    if type(value) is not list:
        raise bad_order(f"{field} is not a list")
    for item in value:
        if type(item) is not dict:
            raise bad_order(f"{field} is not a list of objects")
    return value


def flag(data: Raw, field: str) -> bool:
    """Return a yes or no; null is no."""
    value = data.get(field)
    if value is not None and value is not True and value is not False:
        raise bad_order(f"{field} is neither yes nor no")
    return bool(value)


def pieces(data: Raw, field: str) -> int:
    """Return a count of goods. Raises for a negative, fractional or absurd one."""
    value = data.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_PIECES:
        raise bad_order(f"{field} is not a count of pieces")
    return value


def amount(value: Any, field: str) -> Decimal:
    """Return an amount of money from its text."""
    if type(value) is not str:
        value = str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else ""
    if not _AMOUNT(value):
        raise bad_order(f"{field} is not an amount")
    return Decimal(value)


def shop_money(data: Raw, field: str) -> Decimal:
    """Return the amount of a MoneyBag in the shop's currency, 0 when the bag is null."""
    bag = data.get(field)
    if bag is None:
        return ZERO
    return amount(record(record(data, field), "shopMoney").get("amount"), field)


def moment(data: Raw, field: str) -> dt.datetime | None:
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


def moment_given(data: Raw, field: str) -> dt.datetime:
    """Return a time that must be there."""
    value = moment(data, field)
    if value is None:
        raise bad_order(f"{field} is missing")
    return value
