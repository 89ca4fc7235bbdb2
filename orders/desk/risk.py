"""Our own score of how likely an order is fraud or trouble: points for signs, and the signs are told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

import phonenumbers

from orders.desk.facts import Facts, History

# Points of each sign. Together they end at 100.
POINTS = {
    "platform_high": 60,
    "platform_medium": 30,
    "mail": 25,
    "returns": 25,
    "billing": 20,
    "address_burst": 20,
    "value": 15,
    "phone_country": 10,
    "pieces": 10,
    "rush": 10,
    "first": 10,
}
HIGH, MEDIUM = ("cancel", "high", "fraud", "高"), ("investigate", "medium", "suspicious", "中")
RUSH = ("express", "overnight", "next day", "same day", "加急", "次日", "当日")
THROWAWAY = [
    "mailinator.com", "guerrillamail.com", "10minutemail.com", "tempmail.com", "temp-mail.org", "yopmail.com",
    "trashmail.com", "sharklasers.com", "getnada.com", "dispostable.com", "maildrop.cc",
]  # fmt: skip
PARAMS: Mapping[str, Any] = {"points": 60, "value": 500, "domains": THROWAWAY}
MANY_PIECES = 10_000  # thousandths of one SKU
MANY_ORDERS, MANY_SAME_DAY = 3, 3
_DROP = str.maketrans("", "", " \t-.()/\u00a0")
DAYS = 180  # how far the history looks back


def signs(facts: Facts, params: Mapping[str, Any]) -> Iterator[str]:
    """Yield the signs an order shows by itself."""
    advice = facts.risk.casefold()
    if any(word in advice for word in HIGH):
        yield "platform_high"
    elif any(word in advice for word in MEDIUM):
        yield "platform_medium"
    if facts.email.rpartition("@")[2].strip().casefold() in map(str.casefold, params.get("domains", THROWAWAY)):
        yield "mail"
    if facts.billing_country and facts.country and facts.billing_country != facts.country:
        yield "billing"
    if _foreign_phone(facts):
        yield "phone_country"
    if any(line.quantity >= MANY_PIECES for line in facts.lines):
        yield "pieces"
    if facts.base_rate is not None and facts.total * facts.base_rate >= Decimal(str(params.get("value", 500))):
        yield "value"
        if any(word in facts.shipping_method.casefold() for word in RUSH):
            yield "rush"


def signs_of(facts: Facts, params: Mapping[str, Any]) -> list[str]:
    """Return all signs, those of the history included where it was read."""
    found = list(signs(facts, params))
    return found if facts.history is None else [*found, *signs_of_history(facts.history, found)]


def signs_of_history(history: History, found: Sequence[str]) -> Iterator[str]:
    """Yield the signs that earlier orders show."""
    if "value" in found and not history.orders:
        yield "first"
    if history.orders >= MANY_ORDERS and history.refunded * 2 >= history.orders:
        yield "returns"
    if history.same_day >= MANY_SAME_DAY:
        yield "address_burst"


def worth_reading(found: Sequence[str], params: Mapping[str, Any]) -> bool:
    """Whether the history could still decide; for most orders it is never read."""
    most = POINTS["returns"] + POINTS["address_burst"] + (POINTS["first"] if "value" in found else 0)
    points, limit = points_of(found), float(params.get("points", 60))
    return bool(found) and points + most >= limit


def points_of(found: Sequence[str]) -> int:
    """Return the points of signs, 100 at most."""
    return min(sum(POINTS[sign] for sign in found), 100)


def _foreign_phone(facts: Facts) -> bool:
    """True when the number names the calling code of another country than the parcel's."""
    text = facts.phone.strip()
    if not facts.country or not text.startswith(("+", "00")) or "*" in text:
        return False
    digits = text.translate(_DROP).lstrip("+0")
    own = calling_code(facts.country)
    return bool(own) and digits.isdecimal() and not digits.startswith(own)


@lru_cache(maxsize=512)
def calling_code(country: str) -> str:
    """Return the digits by which a country is called from abroad; empty when there are none."""
    return str(phonenumbers.country_code_for_region(country) or "")
