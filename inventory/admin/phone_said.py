"""What a phone sends, read without trust: a list of scans, and the fields of one."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import HttpRequest
from django.utils.dateparse import parse_datetime

MOST_SCANS, LONGEST = 50, 200_000  # in one request: scans, bytes


def sent(request: HttpRequest, rows: str, *, most: int = MOST_SCANS, longest: int = LONGEST) -> dict[str, Any] | None:
    """Return a body like `{"scans": [{…}]}`, `rows` naming its list; None for what is no such body."""
    if len(request.body) > longest:
        return None
    try:
        body = json.loads(request.body or b"null")
    except (ValueError, RecursionError):
        return None
    found = body.get(rows) if isinstance(body, dict) else None
    good = isinstance(found, list) and len(found) <= most and all(isinstance(one, dict) for one in found)
    return body if good else None


def scans(request: HttpRequest) -> list[Mapping[str, Any]] | None:
    """Return the scans of `{"scans": [{"key": …}]}`; None for what is no such body."""
    body = sent(request, "scans")
    return None if body is None else body["scans"]


def text(one: Mapping[str, Any], name: str, most: int) -> str:
    """Return a field as text, without the NUL that PostgreSQL refuses and without halves of letters."""
    plain = str(one.get(name) or "").replace("\0", "")
    return plain.encode("utf-8", "ignore").decode()[:most]


def quantity(said: Any) -> Decimal:
    """Return a quantity; what is none is NaN, which every rule refuses with a sentence."""
    try:
        return Decimal(str(said)[:30])
    except InvalidOperation:
        return Decimal("NaN")


def number(said: Any) -> int | None:
    """Return the id that was sent; None for what is none."""
    plain = str(said or "")[:20]
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) < 18 else None


def moment(said: str) -> dt.datetime | None:
    """Return a moment with its zone, or None."""
    try:
        found = parse_datetime(said)
    except ValueError:
        return None
    return found if found and found.tzinfo else None
