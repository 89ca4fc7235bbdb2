"""Shopify's global ids: `gid://shopify/Order/123`. Ids are kept whole; webhooks bring numbers."""

from __future__ import annotations

import re
from typing import Any

_GID = re.compile(r"gid://shopify/[A-Za-z]+/(\d{1,20})(?:\?[\w=&.-]{1,100})?")
_NUMBER = re.compile(r"\d{1,20}")


def gid(kind: str, value: Any) -> str:
    """Return the global id of a number, a numeric text or a global id of this kind; empty for anything else."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if _NUMBER.fullmatch(text):
        return f"gid://shopify/{kind}/{text}"
    return text if text.startswith(f"gid://shopify/{kind}/") and _GID.fullmatch(text) else ""


def is_gid(kind: str, value: str) -> bool:
    """Say whether the text is a global id of this kind."""
    return bool(value) and gid(kind, value) == value


def number_of(value: str) -> str:
    """Return the number of a global id, empty when it has none."""
    found = _GID.fullmatch(value)
    return found[1] if found else ""
