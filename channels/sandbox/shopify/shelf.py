"""The shelf behind the orders: what is promised, what is free, and from which place each piece is to be shipped.

An order takes from *available* at once and adds to *committed*; pieces taken off give back; a parcel takes *committed*.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from channels.sandbox.shopify.store import Record, Refused, Store


def check_stock(store: Store, order: Record) -> None:
    """Raise Refused when a tracked variant that may not be oversold is short over all places."""
    wanted: dict[str, int] = {}
    for line in order["lines"]:
        if line["variant"]:
            wanted[line["variant"]] = wanted.get(line["variant"], 0) + line["quantity"]
    for variant_id, count in wanted.items():
        variant = store.variants[variant_id]
        item = store.items[variant["item"]]
        have = sum(level["available"] for level in item["levels"].values())
        if item["tracked"] and variant["inventoryPolicy"] == "DENY" and have < count:
            raise Refused(f"{variant['sku'] or variant_id} is sold out.", "SOLD_OUT")


def route(store: Store, order: Record, details: Mapping[str, Any]) -> None:
    """Open every line of a new order at the place it is to be shipped from."""
    for line in order["lines"]:
        change_open(store, order, line, line["quantity"], location=line["location"] or details.get("location"))


def ship_from(store: Store, line: Record, count: int) -> str:
    """Return the place to ship from: the first that has enough, else the one with most."""
    online = [place["id"] for place in store.locations.values() if place["isActive"] and place["fulfillsOnlineOrders"]]
    levels = store.items[store.variants[line["variant"]]["item"]]["levels"] if line["variant"] in store.variants else {}
    stocked = [place for place in online if place in levels]
    if not stocked:
        return online[0] if online else next(iter(store.locations))
    enough = [place for place in stocked if levels[place]["available"] >= count]
    return enough[0] if enough else max(stocked, key=lambda place: levels[place]["available"])


def _head(store: Store, order: Record, location: str) -> Record:
    for head in order["fulfillment_orders"]:
        if head["location"] == location and head["status"] in {"OPEN", "ON_HOLD", "IN_PROGRESS"}:
            return head
    head = {
        "id": store.new_id("FulfillmentOrder"),
        "status": "OPEN",
        "location": location,
        "fulfillBy": order["ship_by"],
        "lines": [],
    }
    order["fulfillment_orders"].append(head)
    return head


def change_open(
    store: Store, order: Record, line: Record, delta: int, *, restock: bool = True, location: str | None = None
) -> None:
    """Change what is left to ship of a line, and the stock with it. More opens pieces, less closes unshipped ones."""
    if delta > 0:
        place = location or ship_from(store, line, delta)
        head = _head(store, order, place)
        row = next((row for row in head["lines"] if row["line"] == line["id"]), None)
        if row is None:
            row = {"id": store.new_id("FulfillmentOrderLineItem"), "line": line["id"], "totalQuantity": 0}
            head["lines"].append(row | {"remainingQuantity": 0})
            row = head["lines"][-1]
        row["totalQuantity"] += delta
        row["remainingQuantity"] += delta
        commit(store, line, place, delta)
        set_free(store, line, place, -delta)
        return
    left = -delta
    for head in order["fulfillment_orders"]:
        for row in head["lines"]:
            if row["line"] != line["id"] or head["status"] in {"CLOSED", "CANCELLED"}:
                continue
            count = min(left, row["remainingQuantity"])
            row["remainingQuantity"] -= count
            row["totalQuantity"] -= count
            left -= count
            commit(store, line, head["location"], -count)
            if restock:
                set_free(store, line, head["location"], count)
        if head["status"] != "CLOSED" and not any(row["remainingQuantity"] for row in head["lines"]):
            head["status"] = "CLOSED" if any(row["totalQuantity"] for row in head["lines"]) else "CANCELLED"
    if left > 0:
        raise Refused("These pieces have been fulfilled already.")


def _level(store: Store, variant_id: str | None, location: str) -> Record | None:
    variant = store.variants.get(variant_id or "")
    item = store.items[variant["item"]] if variant else None
    return item["levels"].get(location) if item and item["tracked"] else None


def set_free(store: Store, line: Record, location: str, delta: int) -> None:
    """Change what is free of a line at a place; untracked goods and deleted ones have no figure."""
    level = _level(store, line["variant"], location)
    if level is not None and delta:
        level["available"] += delta
        level["updatedAt"] = store.stamp()
        store.moved.add((store.variants[line["variant"]]["item"], location))


def commit(store: Store, line: Record, location: str, delta: int) -> None:
    """Change what is promised of a line at a place."""
    level = _level(store, line["variant"], location)
    if level is not None:
        level["committed"] = max(0, level["committed"] + delta)
