"""Handling the shop from outside, for tests and the demo: its state, its quirks, and whatever may happen in it.

/_sandbox/state, /_sandbox/calls (GET), /_sandbox/quirks (GET, POST one or a list, DELETE), /_sandbox/do (POST
{"action": "edit_order", …}), /_sandbox/stream (POST {"rate": orders a second}; 0 stops). Faults of the
wire: backoffice.practice.faults.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from channels.sandbox.shopify import money as sums
from channels.sandbox.shopify.store import Record, Refused, Store
from channels.sandbox.shopify.stream import OrderStream
from channels.sandbox.shopify.wire import Call, Reply, as_json

if TYPE_CHECKING:
    from channels.sandbox.shopify.shop import ShopifySandbox

ACTIONS = frozenset(
    {
        "place_order",
        "edit_order",
        "update_order",
        "pay_order",
        "refund_order",
        "cancel_order",
        "fulfil_order",
        "hold_order",
        "delete_order",
        "set_stock",
        "add_product",
        "delete_variant",
        "uninstall",
    }
)
RECENT = 200


def reply(shop: ShopifySandbox, call: Call) -> Reply:
    """Answer a request under /_sandbox/."""
    try:
        match call.path.removeprefix("/_sandbox/"), call.method:
            case "state", "GET":
                return as_json(state(shop))
            case "calls", "GET":
                return as_json(list(shop.calls))
            case "quirks", _:
                return _quirks(shop, call)
            case "do", "POST":
                return as_json(_do(shop, dict(call.json())))
            case "stream", "POST":
                return as_json(set_stream(shop, float(dict(call.json()).get("rate", 0))))
    except (Refused, ValueError, TypeError, KeyError) as error:
        return as_json({"error": str(error)}, 400)
    return as_json({"error": "no such control"}, 404)


def state(shop: ShopifySandbox) -> Record:
    """Return what the shop looks like now: figures, orders newest first, subscriptions and messages."""
    store = shop.store
    with store.lock:
        orders = list(store.orders.values())[-RECENT:][::-1]
        return {
            "shop": {key: store.shop[key] for key in ("name", "myshopifyDomain", "currencyCode")},
            "locations": {place["id"]: place["name"] for place in store.locations.values()},
            "variants": [_variant(store, row) for row in store.variants.values()],
            "orders_count": len(store.orders),
            "orders": [_order(order) for order in orders],
            "subscriptions": list(store.subscriptions.values()),
            "messages": shop.messenger.log[-RECENT:],
            "calls": len(shop.calls),
            "asked": dict(shop.endpoint.asked),
        }


def set_stream(shop: ShopifySandbox, rate: float) -> Record:
    """Let orders come in steadily, `rate` a second; 0 stops."""
    stop_stream(shop)
    if rate > 0:
        stream = OrderStream(shop.store, shop.place_order, rate)
        _streams[id(shop)] = stream
        stream.start()
    return {"rate": rate}


def stop_stream(shop: ShopifySandbox) -> None:
    """Stop the stream of orders, if one runs."""
    stream = _streams.pop(id(shop), None)
    if stream:
        stream.stop()


_streams: dict[int, OrderStream] = {}


def _quirks(shop: ShopifySandbox, call: Call) -> Reply:
    if call.method == "POST":
        wanted = call.json()
        for options in wanted if isinstance(wanted, list) else [wanted]:
            shop.quirks.add(**options)
    elif call.method == "DELETE":
        shop.quirks.clear()
    return as_json([dataclasses.asdict(quirk) for quirk in shop.quirks.active])


def _do(shop: ShopifySandbox, wanted: dict[str, Any]) -> Any:
    action = wanted.pop("action", "")
    if action not in ACTIONS:
        raise ValueError(f"unknown action {action!r}: one of {', '.join(sorted(ACTIONS))}")
    done = getattr(shop, action)(**wanted)
    return {"id": done["id"], "name": done.get("name")} if isinstance(done, dict) else {"done": True}


def _variant(store: Store, row: Record) -> Record:
    item = store.items[row["item"]]
    return {
        "id": row["id"],
        "item": row["item"],
        "sku": row["sku"],
        "title": store.products[row["product"]]["title"],
        "price": row["price"],
        "tracked": item["tracked"],
        "available": {place: level["available"] for place, level in item["levels"].items()},
    }


def _order(order: Record) -> Record:
    return {
        "id": order["id"],
        "name": order["name"],
        "updatedAt": order["updatedAt"],
        "cancelledAt": order["cancelledAt"],
        "financial": order["financial"],
        "total": str(sums.totals(order, now=True)["total"]),
        "lines": [{"id": row["id"], "sku": row["sku"], "quantity": row["quantity"]} for row in order["lines"]],
        "tracking": [info for parcel in order["fulfillments"] for info in parcel["tracking"]],
    }
