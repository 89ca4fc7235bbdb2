"""The fields of the shop, its places, goods and figures, and the lists at the root of the schema."""

from __future__ import annotations

from typing import Any

from channels.sandbox.shopify.paging import connect
from channels.sandbox.shopify.resolvers import RESOLVERS, Context, field, in_order
from channels.sandbox.shopify.search import matching_orders, matching_variants
from channels.sandbox.shopify.store import Record, Store, number


def _find(store: Store, gid: str) -> Record | None:
    """Return any record with a global id, as a source for its type."""
    kind = gid.split("/")[3] if gid.startswith("gid://shopify/") and gid.count("/") >= 4 else ""
    plain = {"ProductVariant": "variants", "Product": "products", "InventoryItem": "items", "Location": "locations"}
    if kind in plain:
        return store.state[plain[kind]].get(gid)
    if kind == "Order":
        return store.orders.get(gid)
    inside = {"Refund": "refunds", "Fulfillment": "fulfillments", "FulfillmentOrder": "fulfillment_orders"}
    if kind in inside:
        for order in store.orders.values():
            for record in order[inside[kind]]:
                if record["id"] == gid:
                    return in_order(order, record)
    return None


@field("QueryRoot", "node")
def _node(context: Context, source: Any, id: str) -> Any:
    return _find(context.store, id)


@field("QueryRoot", "nodes")
def _nodes(context: Context, source: Any, ids: list[str]) -> Any:
    return [_find(context.store, id_) for id_ in ids]


@field("QueryRoot", "order", "refund", "fulfillment", "fulfillmentOrder", "inventoryItem", "location", "productVariant")
def _by_id(context: Context, source: Any, id: str) -> Any:
    return _find(context.store, id)


@field("QueryRoot", "shop")
def _shop(context: Context, source: Any) -> Any:
    return {**context.store.shop, "billingAddress": {"countryCodeV2": context.store.shop["country"]}}


@field("QueryRoot", "currentAppInstallation")
def _installation(context: Context, source: Any) -> Any:
    return {"id": "gid://shopify/AppInstallation/1", "accessScopes": [{"handle": s} for s in sorted(context.scopes)]}


@field("QueryRoot", "orders")
def _orders(context: Context, source: Any, **args: Any) -> Any:
    rows = matching_orders(context.store, args.get("query"), everything="read_all_orders" in context.scopes)
    key = {"UPDATED_AT": "updatedAt", "CREATED_AT": "createdAt"}.get(args.get("sortKey", ""), "processedAt")
    return connect(rows, args, place=lambda order: (order[key], number(order["id"])), faults=context.quirks)


@field("QueryRoot", "productVariants")
def _variants(context: Context, source: Any, **args: Any) -> Any:
    return connect(matching_variants(context.store, args.get("query")), args, place=lambda row: number(row["id"]))


@field("QueryRoot", "locations")
def _locations(context: Context, source: Any, **args: Any) -> Any:
    rows = [
        place
        for place in context.store.locations.values()
        if (place["isActive"] or args.get("includeInactive"))
        and (not place["isFulfillmentService"] or args.get("includeLegacy"))
    ]
    return connect(rows, args, place=lambda row: (row["name"], number(row["id"])))


@field("QueryRoot", "webhookSubscriptions")
def _subscriptions(context: Context, source: Any, **args: Any) -> Any:
    topics, uri = args.get("topics"), args.get("uri") or args.get("callbackUrl")
    rows = [
        row
        for row in context.store.subscriptions.values()
        if (not topics or row["topic"] in topics) and (not uri or row["uri"] == uri)
    ]
    return connect(rows, args, place=lambda row: number(row["id"]))


for _type in ("Order", "ProductVariant", "InventoryItem", "Location", "Refund", "Fulfillment"):
    RESOLVERS[_type, "legacyResourceId"] = lambda context, source: str(number(source["id"]))


@field("Location", "address")
def _location_address(context: Context, place: Record) -> Any:
    return {"countryCode": place["countryCode"], "country": place["countryCode"], "formatted": [place["name"]]}


@field("ProductVariant", "product")
def _variant_product(context: Context, variant: Record) -> Any:
    return context.store.products[variant["product"]]


@field("ProductVariant", "inventoryItem")
def _variant_item(context: Context, variant: Record) -> Any:
    return context.store.items[variant["item"]]


@field("ProductVariant", "inventoryQuantity")
def _variant_quantity(context: Context, variant: Record) -> int:
    levels = context.store.items[variant["item"]]["levels"].values()
    return sum(level["available"] for level in levels)


@field("Product", "onlineStoreUrl")
def _product_url(context: Context, product: Record) -> Any:
    return f"https://{context.store.shop['myshopifyDomain']}/products/{number(product['id'])}"


@field("InventoryItem", "inventoryLevels")
def _levels(context: Context, item: Record, **args: Any) -> Any:
    rows = [_level(context, item, location) for location in item["levels"]]
    return connect(rows, args, place=lambda row: number(row["_location"]))


@field("InventoryItem", "inventoryLevel")
def _one_level(context: Context, item: Record, locationId: str, includeInactive: bool = False) -> Any:
    return _level(context, item, locationId) if locationId in item["levels"] else None


def _level(context: Context, item: Record, location: str) -> Record:
    level = item["levels"][location]
    gid = f"gid://shopify/InventoryLevel/{number(location)}?inventory_item_id={number(item['id'])}"
    return {**level, "id": gid, "_item": item, "_location": location, "isActive": True}


@field("InventoryLevel", "location")
def _level_location(context: Context, level: Record) -> Any:
    return context.store.locations[level["_location"]]


@field("InventoryLevel", "quantities")
def _quantities(context: Context, level: Record, names: list[str]) -> Any:
    figures = {"available": level["available"], "committed": level["committed"]}
    figures["on_hand"] = level["available"] + level["committed"]
    return [
        {"id": f"{level['id']}&name={name}", "name": name, "quantity": figures[name], "updatedAt": level["updatedAt"]}
        for name in names
        if name in figures
    ]
