"""The shop's memory: one JSON-able dictionary behind one lock, kept in a file so that a restart keeps the shop.

Objects carry the field names of the published schema; what the schema derives (totals, remaining quantities) is
computed when asked. Times are texts in UTC to the second, as Shopify gives them.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

Record = dict[str, Any]
SAVE_SECONDS = 0.5
KEYS_KEPT = dt.timedelta(hours=24)  # an idempotency key means nothing after that
COLLECTIONS = ("locations", "products", "variants", "items", "orders", "subscriptions", "idempotency", "tokens")
log = logging.getLogger("sandbox.shopify")


class Refused(Exception):
    """The shop says no to something asked of it; `field` is the path of the input, where there is one."""

    def __init__(self, message: str, code: str = "", field: list[str] | None = None) -> None:
        super().__init__(message)
        self.message, self.code, self.field = message, code, field


class Store:
    """State and clock of one sandbox shop. All methods are to be called with `lock` held for a consistent view."""

    def __init__(self, state_file: Path | None, clock: Callable[[], dt.datetime]) -> None:
        self.lock = threading.RLock()
        self.clock, self.state_file = clock, state_file
        self.state: Record = {"shop": {}, "next_id": 1001, "next_number": 1001, **{name: {} for name in COLLECTIONS}}
        self.fresh = True
        self.frozen = ""  # one time for all changes, when a quirk wants it
        self.moved: set[tuple[str, str]] = set()  # (item, location) whose figure changed and was not told yet
        self.events: list[tuple[str, str, str]] = []  # (topic, order, part of it) that were not told yet
        self._dirty, self._stop = threading.Event(), threading.Event()
        self._saver: threading.Thread | None = None
        if state_file is not None:
            self._open(state_file)

    def __getattr__(self, name: str) -> Any:
        if name in COLLECTIONS or name == "shop":
            return self.state[name]
        raise AttributeError(name)

    def now(self) -> dt.datetime:
        """Return the shop's clock, aware UTC."""
        return self.clock().astimezone(dt.UTC)

    def stamp(self) -> str:
        """Return the time as Shopify writes it, and note that something changes now."""
        self._dirty.set()
        return self.frozen or self.text_now()

    def text_now(self, shift: dt.timedelta = dt.timedelta(0)) -> str:
        """Return the time, shifted, as Shopify writes it."""
        return (self.now() + shift).strftime("%Y-%m-%dT%H:%M:%SZ")

    def new_id(self, kind: str) -> str:
        """Return a global id never given before in this shop."""
        self.state["next_id"] += 1
        return f"gid://shopify/{kind}/{self.state['next_id']}"

    def claim(self, gid: str | None, kind: str) -> str:
        """Return an id given from outside, keeping clear of it from now on, or a new one."""
        if not gid:
            return self.new_id(kind)
        self.state["next_id"] = max(self.state["next_id"], number(gid))
        return gid

    def new_number(self) -> int:
        """Return the next order number."""
        self.state["next_number"] += 1
        return int(self.state["next_number"] - 1)

    def close(self) -> None:
        """Save and stop saving."""
        self._stop.set()
        self._dirty.set()
        if self._saver:
            self._saver.join(10)
            self._save()  # what changed while the last save was under way

    def _open(self, path: Path) -> None:
        if path.exists():
            kept = json.loads(path.read_text(encoding="utf-8"))
            self.state, self.fresh = {**self.state, **kept}, False
        path.parent.mkdir(parents=True, exist_ok=True)
        self._saver = threading.Thread(target=self._keep_saving, name="shop-saver", daemon=True)
        self._saver.start()

    def _keep_saving(self) -> None:
        pause = SAVE_SECONDS
        while not self._stop.is_set():
            self._dirty.wait()
            self._stop.wait(pause)
            self._dirty.clear()
            began = time.monotonic()
            try:
                self._save()
            except OSError as error:
                log.error("The shop could not be saved: %s", error)
            # A large shop is saved less often, so that buyers do not wait for the file.
            pause = max(SAVE_SECONDS, 10 * (time.monotonic() - began))

    def _save(self) -> None:
        with self.lock:
            self._forget_keys()
            text = json.dumps(self.state, ensure_ascii=False)
        path = Path(str(self.state_file))
        # Written beside and renamed, so that a kill leaves the old file or the new one, never half of one.
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as part:
            part.write(text)
            part.flush()
            os.fsync(part.fileno())
        os.replace(part.name, path)

    def _forget_keys(self) -> None:
        oldest = (self.now() - KEYS_KEPT).isoformat()
        for key in [key for key, row in self.idempotency.items() if row["at"] < oldest]:
            del self.idempotency[key]


def money(value: Any) -> str:
    """Return an amount as Shopify writes it: at least one decimal, no more than needed."""
    text = format(Decimal(str(value)).normalize(), "f")
    return text if "." in text else f"{text}.0"


def number(gid: str) -> int:
    """Return the number in a global id."""
    return int(gid.rpartition("/")[2].partition("?")[0])


def seed_store(store: Store, seed: Mapping[str, Any]) -> None:
    """Fill an empty shop from a description.

    `seed`: shop {name, domain, currency, timezone, country}, taxes_included, tax_rate, scopes, locations [{name,
    country, active, fulfils_online, service}], products [{title, title_zh, status, gift_card, sku, barcode, price,
    stock, tracked, policy, bundle, variants [...]}]. `stock` is a figure (first location) or {location name or id:
    figure}. Ids may be given: id of location, product and variant, item_id of a variant's inventory item.
    """
    shop = dict(seed.get("shop", {}))
    store.state["shop"] = {
        "id": "gid://shopify/Shop/1",
        "name": shop.get("name", "Sandbox Shop"),
        "myshopifyDomain": shop.get("domain", "sandbox.myshopify.com"),
        "currencyCode": shop.get("currency", "USD"),
        "ianaTimezone": shop.get("timezone", "America/New_York"),
        "country": shop.get("country", "US"),
        "taxes_included": bool(seed.get("taxes_included", False)),
        "tax_rate": str(seed.get("tax_rate", "0")),
        "scopes": list(seed.get("scopes", DEFAULT_SCOPES)),
    }
    for place in seed.get("locations") or [{"name": "Main warehouse", "country": shop.get("country", "US")}]:
        add_location(store, place)
    for product in seed.get("products", ()):
        add_product(store, product)


DEFAULT_SCOPES = (
    "read_all_orders",
    "read_customers",
    "read_inventory",
    "read_locations",
    "read_merchant_managed_fulfillment_orders",
    "read_orders",
    "read_products",
    "write_inventory",
    "write_merchant_managed_fulfillment_orders",
    "write_orders",
)


def add_location(store: Store, place: Mapping[str, Any]) -> Record:
    """Add a place that keeps stock."""
    location = {
        "id": store.claim(place.get("id"), "Location"),
        "name": place["name"],
        "isActive": bool(place.get("active", True)),
        "fulfillsOnlineOrders": bool(place.get("fulfils_online", True)),
        "isFulfillmentService": bool(place.get("service", False)),
        "countryCode": place.get("country", "US"),
        "createdAt": store.stamp(),
    }
    store.locations[location["id"]] = location
    return location


def add_product(store: Store, seed: Mapping[str, Any]) -> Record:
    """Add a product with its variants, inventory items and levels."""
    stamp = store.stamp()
    product = {
        "id": store.claim(seed.get("id"), "Product"),
        "title": seed["title"],
        "title_zh": seed.get("title_zh", ""),
        "status": seed.get("status", "ACTIVE").upper(),
        "isGiftCard": bool(seed.get("gift_card", False)),
        "createdAt": stamp,
        "updatedAt": stamp,
        "variants": [],
    }
    store.products[product["id"]] = product
    for variant in seed.get("variants") or [{**seed, "id": None, "title": "Default Title"}]:
        product["variants"].append(_add_variant(store, product, variant)["id"])
    return product


def _add_variant(store: Store, product: Record, seed: Mapping[str, Any]) -> Record:
    item: Record = {
        "id": store.claim(seed.get("item_id"), "InventoryItem"),
        "tracked": bool(seed.get("tracked", True)),
        "levels": {},
    }
    variant = {
        "id": store.claim(seed.get("id"), "ProductVariant"),
        "product": product["id"],
        "item": item["id"],
        "sku": seed.get("sku"),
        "barcode": seed.get("barcode"),
        "title": seed.get("title", "Default Title"),
        "price": money(seed.get("price", "0")),
        "inventoryPolicy": seed.get("policy", "DENY").upper(),
        "requiresComponents": bool(seed.get("bundle", False)),
        "requiresShipping": bool(seed.get("requires_shipping", True)),
    }
    item["variant"] = variant["id"]
    store.items[item["id"]], store.variants[variant["id"]] = item, variant
    stock = seed.get("stock", 0)
    names = {place["name"]: place["id"] for place in store.locations.values()}
    figures = stock if isinstance(stock, Mapping) else {next(iter(names)): stock}
    for name, figure in figures.items():
        item["levels"][names.get(name, name)] = {"available": int(figure), "committed": 0, "updatedAt": store.stamp()}
    return variant


def find_variant(store: Store, wanted: str) -> Record:
    """Return the variant with this id or SKU. Raises Refused."""
    variant = store.variants.get(wanted) or next((v for v in store.variants.values() if v["sku"] == wanted), None)
    if variant is None:
        raise Refused(f"There is no variant {wanted!r}.")
    return variant
