"""The mutations that the sandbox plays, with the rules that stand only in Shopify's documents and not in the schema."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from graphql import GraphQLError, GraphQLResolveInfo, get_directive_values

from channels.sandbox.shopify import orders
from channels.sandbox.shopify.resolvers import Context, field, in_order
from channels.sandbox.shopify.store import KEYS_KEPT, Record, Refused

REASONS = frozenset(
    {
        "correction",
        "cycle_count_available",
        "damaged",
        "movement_canceled",
        "movement_created",
        "movement_received",
        "movement_updated",
        "other",
        "promotion",
        "quality_control",
        "received",
        "reservation_created",
        "reservation_deleted",
        "reservation_updated",
        "restock",
        "safety_stock",
        "shrinkage",
    }
)
Problem = dict[str, Any]


@field("Mutation", "inventorySetQuantities")
def _set_quantities(context: Context, source: Any, info: GraphQLResolveInfo, input: Record) -> Any:
    key = _idempotency_key(info)
    for row in input["quantities"]:
        if "changeFromQuantity" not in row:
            raise GraphQLError(
                "InventoryQuantityInput must include the following argument: changeFromQuantity.",
                extensions={"code": "INVALID_FIELD_ARGUMENTS"},
            )
    return _once(context, key, input, lambda: _apply_quantities(context, input))


def _idempotency_key(info: GraphQLResolveInfo) -> str:
    directive = info.schema.get_directive("idempotent")
    values = get_directive_values(directive, info.field_nodes[0], info.variable_values) if directive else None
    if values is None:
        raise GraphQLError(
            "The @idempotent directive is required for this mutation but was not provided.",
            extensions={"code": "BAD_REQUEST"},
        )
    if not values["key"].strip():
        raise GraphQLError("The idempotency key cannot be blank.", extensions={"code": "BAD_REQUEST"})
    return str(values["key"])


def _once(
    context: Context,
    key: str,
    input: Record,
    work: Callable[[], Record],
    failed: Callable[[str, str], Record] | None = None,
) -> Record:
    """Do the work once for a key: a repeat is answered as the first, a repeat with other content refused."""
    refused = failed or _failed
    digest = hashlib.sha256(json.dumps(input, sort_keys=True).encode()).hexdigest()
    kept = context.store.idempotency.get(key)
    if kept and dt.datetime.fromisoformat(kept["at"]) < context.store.now() - KEYS_KEPT:
        kept = None
    if context.quirks.on("idempotency_concurrent"):
        return refused("IDEMPOTENCY_CONCURRENT_REQUEST", "This request is currently in progress, please try again.")
    if kept and kept["digest"] != digest:
        message = "The same idempotency key cannot be used with different operation parameters."
        return refused("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", message)
    if kept and kept["answer"] is None:
        message = "A previous request with this idempotency key failed. Retry with a new idempotency key."
        return refused("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", message)
    if kept:
        return dict(kept["answer"])
    answer = work()
    done = None if answer["userErrors"] else answer
    context.store.idempotency[key] = {"digest": digest, "at": context.store.stamp(), "answer": done}
    return answer


def _failed(code: str, message: str) -> Record:
    return {"inventoryAdjustmentGroup": None, "userErrors": [{"field": None, "code": code, "message": message}]}


def _apply_quantities(context: Context, input: Record) -> Record:
    problems = _problems(context, input)
    if problems:  # one row sinks them all, as over there
        return {"inventoryAdjustmentGroup": None, "userErrors": problems}
    if not context.quirks.on("ignore_pushes"):
        for row in input["quantities"]:
            level = context.store.items[row["inventoryItemId"]]["levels"][row["locationId"]]
            figure = row["quantity"] - (level["committed"] if input["name"] == "on_hand" else 0)
            if figure != level["available"]:
                level["available"], level["updatedAt"] = figure, context.store.stamp()
                context.store.moved.add((row["inventoryItemId"], row["locationId"]))
    group = {"id": context.store.new_id("InventoryAdjustmentGroup"), "reason": input["reason"]}
    return {"inventoryAdjustmentGroup": group | {"createdAt": context.store.stamp()}, "userErrors": []}


def _problems(context: Context, input: Record) -> list[Problem]:
    if input["name"] not in {"available", "on_hand"}:
        return [_problem(["name"], "INVALID_NAME", "The quantity name must be either 'available' or 'on_hand'.")]
    if input["reason"] not in REASONS:
        return [_problem(["reason"], "INVALID_REASON", "The specified reason is invalid.")]
    found, seen = list[Problem](), set[tuple[str, str]]()
    for index, row in enumerate(input["quantities"]):
        place = (row["inventoryItemId"], row["locationId"])
        problem = _row_problem(context, input["name"], row)
        if place in seen:
            code = "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"
            problem = ("", code, "The combination of inventoryItemId and locationId must be unique.")
        seen.add(place)
        if problem:
            name, code, message = problem
            found.append(_problem(["quantities", str(index), *([name] if name else [])], code, message))
    return found


def _row_problem(context: Context, name: str, row: Record) -> tuple[str, str, str] | None:
    store, quantity = context.store, row["quantity"]
    if quantity < 0:
        return "quantity", "INVALID_QUANTITY_NEGATIVE", "The quantity can't be negative."
    if quantity > 1_000_000_000:
        return "quantity", "INVALID_QUANTITY_TOO_HIGH", "The total quantity can't be higher than 1,000,000,000."
    item, place = store.items.get(row["inventoryItemId"]), store.locations.get(row["locationId"])
    if item is None:
        return "inventoryItemId", "INVALID_INVENTORY_ITEM", "The specified inventory item could not be found."
    if place is None:
        return "locationId", "INVALID_LOCATION", "The specified location could not be found."
    level = item["levels"].get(row["locationId"])
    if level is None:
        return "locationId", "INVALID_LOCATION", "The specified inventory item is not stocked at the location."
    if store.variants[item["variant"]]["requiresComponents"]:
        message = "The specified inventory item is not allowed to be adjusted via API."
        return "inventoryItemId", "NON_MUTABLE_INVENTORY_ITEM", message
    persisted = level["available"] + (level["committed"] if name == "on_hand" else 0)
    if row["changeFromQuantity"] is not None and row["changeFromQuantity"] != persisted:
        message = "The changeFromQuantity value does not match persisted value."
        return "changeFromQuantity", "CHANGE_FROM_QUANTITY_STALE", message
    return None


def _problem(path: list[str], code: str, message: str) -> Problem:
    return {"field": ["input", *path], "code": code, "message": message}


@field("Mutation", "fulfillmentCreate")
def _fulfil(context: Context, source: Any, info: GraphQLResolveInfo, fulfillment: Record, message: str = "") -> Any:
    try:
        order, rows = _parcel_rows(context, fulfillment["lineItemsByFulfillmentOrder"])
        parcel = orders.fulfil(context.store, order, rows, _tracking(fulfillment.get("trackingInfo")))
    except Refused as refusal:
        problem = {"field": refusal.field or ["fulfillment"], "message": refusal.message}
        return {"fulfillment": None, "userErrors": [problem]}
    return {"fulfillment": in_order(order, parcel), "userErrors": []}


def _tracking(given: Record | None) -> Record | None:
    if not given:
        return None
    number = given.get("number") or next(iter(given.get("numbers") or ()), None)
    url = given.get("url") or next(iter(given.get("urls") or ()), None)
    return {"company": given.get("company"), "number": number, "url": url}


def _parcel_rows(context: Context, groups: list[Record]) -> tuple[Record, list[tuple[Record, Record, int]]]:
    chosen: list[tuple[Record, Record, int]] = []
    where: set[tuple[str, str]] = set()
    order: Record = {}
    for group in groups:
        order, head = _head(context, group["fulfillmentOrderId"])
        where.add((order["id"], head["location"]))
        wanted = group.get("fulfillmentOrderLineItems")
        rows = {row["id"]: row for row in head["lines"]}
        if wanted is None:
            wanted = [{"id": id_, "quantity": row["remainingQuantity"]} for id_, row in rows.items()]
        for line in wanted:
            if line["id"] not in rows:
                raise Refused("Fulfillment order line item does not exist.")
            chosen.append((head, rows[line["id"]], line["quantity"]))
    if len(where) != 1:
        raise Refused("All fulfillment orders must belong to one order and be assigned to the same location.")
    return order, chosen


def _head(context: Context, gid: str) -> tuple[Record, Record]:
    for order in context.store.orders.values():
        for head in order["fulfillment_orders"]:
            if head["id"] == gid:
                return order, head
    raise Refused("Fulfillment order does not exist.")


@field("Mutation", "orderCancel")
def _cancel(
    context: Context,
    source: Any,
    info: GraphQLResolveInfo,
    orderId: str,
    reason: str,
    restock: bool,
    **others: Any,
) -> Any:
    method = others.get("refundMethod") or {}
    try:
        order = orders.find(context.store, orderId)
        refund = bool(method.get("originalPaymentMethodsRefund") or others.get("refund"))
        orders.cancel(context.store, order, reason=reason, restock=restock, refund_money=refund)
    except Refused as refusal:
        problem = {"field": refusal.field, "message": refusal.message, "code": refusal.code or "INVALID"}
        return {"job": None, "orderCancelUserErrors": [problem], "userErrors": []}
    job = {"id": context.store.new_id("Job"), "done": False}
    return {"job": job, "orderCancelUserErrors": [], "userErrors": []}


@field("Mutation", "refundCreate")
def _refund(context: Context, source: Any, info: GraphQLResolveInfo, input: Record) -> Any:
    """Source: refundCreate since 2026-04 takes the @idempotent directive; money goes back through its payments."""
    key = _idempotency_key(info)
    return _once(context, key, input, lambda: _give_back(context, input), _no_refund)


def _no_refund(code: str, message: str) -> Record:
    return {"refund": None, "order": None, "userErrors": [{"field": None, "message": message}]}


def _give_back(context: Context, input: Record) -> Record:
    try:
        order = orders.find(context.store, input["orderId"])
        done = orders.refund_by_api(context.store, order, input)
    except Refused as refusal:
        return _no_refund("", refusal.message)
    return {"refund": in_order(order, done), "order": order, "userErrors": []}


@field("Mutation", "webhookSubscriptionCreate")
def _subscribe(
    context: Context,
    source: Any,
    info: GraphQLResolveInfo,
    topic: str,
    webhookSubscription: Record,
) -> Any:
    uri = webhookSubscription.get("uri") or webhookSubscription.get("callbackUrl") or ""
    taken = any(row["uri"] == uri and row["topic"] == topic for row in context.store.subscriptions.values())
    message = _uri_problem(uri) or ("Address for this topic has already been taken" if taken else "")
    if message:
        problem = {"field": ["webhookSubscription", "uri"], "message": message}
        return {"webhookSubscription": None, "userErrors": [problem]}
    row = {
        "id": context.store.new_id("WebhookSubscription"),
        "topic": topic,
        "uri": uri,
        "format": webhookSubscription.get("format") or "JSON",
        "includeFields": list(webhookSubscription.get("includeFields") or ()),
        "createdAt": context.store.stamp(),
        "failures": 0,
    }
    context.store.subscriptions[row["id"]] = row
    return {"webhookSubscription": row, "userErrors": []}


def _uri_problem(uri: str) -> str:
    parts = urlsplit(uri)
    local = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    if parts.scheme == "https" or (parts.scheme == "http" and local):
        return "" if parts.hostname else "Address is invalid"
    return "Address protocol http:// is not supported" if parts.scheme == "http" else "Address is invalid"
