"""What a shop does wrong that is not a fault of the wire: pages that repeat, orders that come late, pushes it ignores.

Faults of the wire (time-outs, 429, broken JSON …) are in `backoffice.practice.faults`; throttling without end, and
errors inside a 200 are here, because they are Shopify's own.
"""

from __future__ import annotations

import dataclasses
import random
import threading
from typing import Any

from channels.sandbox.shopify.cursors import beside

KINDS = (
    "duplicate_page",  # a page of orders comes a second time, under its own cursor
    "repeated_cursor",  # a page's cursor leads to the same page, for ever
    "empty_page",  # an empty page in the middle
    "late_orders",  # orders can be found only `seconds` after they were placed
    "equal_timestamps",  # new orders and changes all carry one time
    "ignore_pushes",  # stock is answered as set, and is not
    "throttled",  # THROTTLED inside a 200, although there are points
    "internal_error",  # INTERNAL_SERVER_ERROR inside a 200, before anything is done
    "internal_error_after",  # the same, after it was done
    "access_denied",  # the fields in `names` ("Order.customer") are withheld
    "token_expired",  # the access token is not taken
    "drop_webhooks",
    "duplicate_webhooks",
    "reorder_webhooks",
    "idempotency_concurrent",  # the mutation says that an earlier one with its key is still running
)


@dataclasses.dataclass(slots=True, kw_only=True)
class Quirk:
    """One misbehaviour: how many times (None: until cleared), and in which operations ("" any)."""

    kind: str
    count: int | None = None
    operation: str = ""
    seconds: float = 600.0
    names: tuple[str, ...] = ()
    skip: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown quirk {self.kind!r}: one of {', '.join(KINDS)}")
        self.names = tuple(self.names)


class Quirks:
    """The quirks in force; thread-safe."""

    def __init__(self, seed: int = 0) -> None:
        self.active: list[Quirk] = []
        self.random = random.Random(seed)
        self._lock = threading.Lock()

    def add(self, kind: str, **options: Any) -> Quirk:
        """Add one and return it; its `hits` count how often it showed. Raises ValueError or TypeError."""
        quirk = Quirk(kind=kind, **options)
        with self._lock:
            self.active.append(quirk)
        return quirk

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self.active.clear()

    def on(self, kind: str, operation: str = "") -> Quirk | None:
        """Return the quirk if it shows now, counting it."""
        with self._lock:
            for quirk in self.active:
                if quirk.kind != kind or quirk.operation not in {"", operation}:
                    continue
                if quirk.count is not None and quirk.hits >= quirk.count:
                    continue
                if quirk.skip > 0:
                    quirk.skip -= 1
                    continue
                quirk.hits += 1
                return quirk
        return None

    def page(self, page: dict[str, Any], after: str | None) -> dict[str, Any]:
        """Return a page of orders as the quirks make it."""
        info = page["pageInfo"]
        if not info["hasNextPage"]:
            return page
        if self.on("repeated_cursor"):
            return {**page, "pageInfo": {**info, "endCursor": after or beside(after)}}
        if self.on("empty_page"):
            return {"nodes": [], "edges": [], "pageInfo": {**info, "endCursor": beside(after)}}
        if self.on("duplicate_page"):
            return {**page, "pageInfo": {**info, "endCursor": beside(after)}}
        return page
