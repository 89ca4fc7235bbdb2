"""Cursors of connections: the sorting place of a row, written so that nobody is tempted to read it."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any


def write(place: Any) -> str:
    """Return the cursor of a place."""
    return base64.urlsafe_b64encode(json.dumps(place, ensure_ascii=False).encode()).decode()


def read(cursor: str) -> Any:
    """Return the place of a cursor. Raises ValueError."""
    try:
        value = json.loads(base64.urlsafe_b64decode(cursor))
    except (binascii.Error, ValueError):
        raise ValueError("the cursor is invalid") from None
    return tuple(value) if isinstance(value, list) else value


def beside(cursor: str | None) -> str:
    """Return another cursor for the same place among rows sorted by tuples: what comes after it is the same."""
    place = read(cursor) if cursor else ()
    return write([*place, ""])
