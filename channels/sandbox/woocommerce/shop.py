"""The shop's state: plain dictionaries under one lock, kept in a file when one is named, and the seed it starts from.

Seed, all optional: {"name", "currency", "currency_symbol", "country", "timezone", "prices_include_tax",
"tax_percent", "tax_label", "statuses": {"packed": "Packed"}, "keys": [{"key", "secret", "permissions"}],
"products": [{"id", "name", "name_other", "sku", "price", "stock" (null: not managed), "barcode", "manage_stock",
"variations": [{"id", "option", "sku", "price", "stock", "barcode", "manage_stock": true | false | "parent"}]}]}.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import threading
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

CORE_STATUSES = {
    "pending": "Pending payment",
    "processing": "Processing",
    "on-hold": "On hold",
    "completed": "Completed",
    "cancelled": "Cancelled",
    "refunded": "Refunded",
    "failed": "Failed",
    "checkout-draft": "Draft",
}
TABLES = ("products", "orders", "refunds", "notes", "coupons", "attributes", "webhooks")
SITE = {
    "name": "Sandbox store",
    "currency": "EUR",
    "currency_symbol": "€",
    "country": "DE",
    "timezone": "Europe/Berlin",
    "prices_include_tax": True,
    "tax_percent": "19",
    "tax_label": "VAT",
    "refunding_gateways": [],  # payment methods whose plugin gives money back by itself; the recorded store had none
}
SAVE_SECONDS = 0.3

Row = dict[str, Any]


class Shop:
    """The tables, ids and the clock. Every reader and writer holds `lock`."""

    def __init__(self, seed: Mapping[str, Any] | None, clock: Callable[[], dt.datetime]) -> None:
        seed = seed or {}
        self.lock = threading.RLock()
        self.clock = clock
        self.site: Row = {**SITE, **{name: seed[name] for name in SITE if name in seed}}
        self.statuses: dict[str, str] = {**CORE_STATUSES, **seed.get("statuses", {})}
        self.tables: dict[str, dict[int, Row]] = {name: {} for name in TABLES}
        self.counters: dict[str, int] = {}
        self.changed = threading.Event()
        self.zone = ZoneInfo(self.site["timezone"])

    def __getitem__(self, table: str) -> dict[int, Row]:
        return self.tables[table]

    def next_id(self, counter: str) -> int:
        """Return the next id; products, orders, refunds and coupons share one counter, as posts do."""
        self.counters[counter] = self.counters.get(counter, 0) + 1
        return self.counters[counter]

    def reserve_id(self, counter: str, number: int) -> None:
        """Let no later id collide with one that a seed gave."""
        self.counters[counter] = max(self.counters.get(counter, 0), number)

    def now(self) -> str:
        """Return the time as stored: GMT in whole seconds."""
        return self.clock().astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")

    def local(self, gmt: str | None) -> str | None:
        """Return a stored time in the shop's own zone."""
        if gmt is None:
            return None
        moment = dt.datetime.fromisoformat(gmt).replace(tzinfo=dt.UTC)
        return moment.astimezone(self.zone).strftime("%Y-%m-%dT%H:%M:%S")

    def to_gmt(self, text: str, *, is_gmt: bool) -> str:
        """Return a date parameter as stored: `Z` and offsets are honoured, a bare date is the shop's own time."""
        moment = dt.datetime.fromisoformat(text.upper())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.UTC if is_gmt else self.zone)
        return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")

    def touch(self) -> None:
        """Note that the state changed, for the file."""
        self.changed.set()

    def dump(self) -> str:
        """Return the whole state as JSON."""
        with self.lock:
            whole = {"site": self.site, "statuses": self.statuses, "tables": self.tables, "counters": self.counters}
            return json.dumps(whole, ensure_ascii=False)

    def restore(self, text: str) -> None:
        """Take over a dumped state."""
        whole = json.loads(text)
        with self.lock:
            self.site, self.counters = whole["site"], whole["counters"]
            self.statuses.clear()
            self.statuses.update(whole["statuses"])
            self.tables = {
                name: {int(key): row for key, row in whole["tables"].get(name, {}).items()} for name in TABLES
            }
            self.zone = ZoneInfo(self.site["timezone"])


class StateFile:
    """Keeps a shop in a file: written beside and moved into place, so that a kill leaves the old or the new one."""

    def __init__(self, shop: Shop, path: Path) -> None:
        self.shop, self.path = shop, path
        self._stop = threading.Event()
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="shop-state", daemon=True)

    def load(self) -> bool:
        """Take over the file's state; False when there is none yet."""
        if not self.path.is_file():
            return False
        self.shop.restore(self.path.read_text(encoding="utf-8"))
        return True

    def start(self) -> None:
        """Save in the background, soon after each change."""
        self._thread.start()

    def stop(self) -> None:
        """Save a last time."""
        self._stop.set()
        self._thread.join(5)
        self.save()

    def save(self) -> None:
        """Write the state now."""
        with self._writing:
            self.shop.changed.clear()
            beside = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
            try:
                with beside.open("w", encoding="utf-8") as file:
                    file.write(self.shop.dump())
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(beside, self.path)
            finally:
                with suppress(FileNotFoundError):
                    beside.unlink()

    def _run(self) -> None:
        while not self._stop.is_set():
            if self.shop.changed.wait(SAVE_SECONDS):
                self._stop.wait(SAVE_SECONDS)
                self.save()


def fixed(value: Decimal | str, places: int = 2, *, half_down: bool = False) -> str:
    """Return an amount as text. Taxes within prices are rounded half down, everything else half up."""
    unit = Decimal(1).scaleb(-places)
    return str(Decimal(value).quantize(unit, ROUND_HALF_DOWN if half_down else ROUND_HALF_UP))


def slug(text: str) -> str:
    """Return a name as WordPress puts it into addresses."""
    plain = unicodedata.normalize("NFKD", text.replace("€", "e")).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "item"
