"""Locations and listings (product variants) as Shopify shows them now, each with its figure per location."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from channels.connectors.base import ConnectorError, ListingPage, RemoteListing, RemoteLocation
from channels.connectors.shopify import documents
from channels.connectors.shopify.client import GraphQLClient, connection_of, next_cursor
from channels.connectors.shopify.gids import gid, number_of

PAGE = 250
SHORT_PAGE = 50  # of lists that are short anyway: what a page asks for has to be in the bucket
ROWS_PER_WALK = 20_000  # of the 25,000 that a list can be paged to (shopify.dev "API limits", pagination)
STATUSES = {"ACTIVE": "active", "UNLISTED": "active", "DRAFT": "draft", "ARCHIVED": "archived"}
DEFAULT_TITLE = "Default Title"  # the name Shopify gives the one variant of a product without options


def locations(client: GraphQLClient) -> tuple[RemoteLocation, ...]:
    """Return all locations, closed ones and those of fulfilment services included."""
    found: list[RemoteLocation] = []
    for nodes in node_pages(client, documents.LOCATIONS, "locations"):
        found += [_location(node) for node in nodes]
    return tuple(found)


def pages(client: GraphQLClient, *, cursor: str | None = None) -> Iterator[ListingPage]:
    """Walk all variants by id. The cursor is ours: the ids asked for, Shopify's cursor, the rows so far."""
    query, after, rows = _parse(cursor)
    used: set[tuple[str, str | None]] = set()
    while True:
        if (query, after) in used:
            raise ConnectorError("cursor_loop", "the list of variants goes round in circles")
        used.add((query, after))
        data = client.run_page(documents.LISTINGS, {"query": query or None, "after": after}, most=PAGE).data
        connection = connection_of(data, "productVariants")
        listings = tuple(_listing(client, node) for node in connection["nodes"])
        after, rows = next_cursor(connection), rows + len(listings)
        if after and rows >= ROWS_PER_WALK and listings:
            query, after, rows = f"id:>{number_of(listings[-1].external_id)}", None, 0
        elif after is None:
            yield ListingPage(listings=listings, next_cursor=None)
            return
        yield ListingPage(listings=listings, next_cursor=json.dumps([query, after, rows]))


def node_pages(client: GraphQLClient, document: str, field: str) -> Iterator[list[Any]]:
    """Walk a plain list to its end and yield the nodes of each page."""
    connection = connection_of(client.run_page(document, {"after": None}, most=SHORT_PAGE).data, field)
    yield connection["nodes"]
    used: set[str] = set()
    while after := next_cursor(connection):
        if after in used:
            raise ConnectorError("cursor_loop", f"{field}: the same cursor came twice")
        used.add(after)
        connection = connection_of(client.run_page(document, {"after": after}, most=SHORT_PAGE).data, field)
        yield connection["nodes"]


def level_quantity(level: Any) -> int | None:
    """Return the available figure of an inventory level; None when it is not stocked there (any more)."""
    if not isinstance(level, dict) or level.get("isActive") is False:
        return None
    for quantity in level.get("quantities") or ():
        if quantity.get("name") == "available" and type(quantity.get("quantity")) is int:
            return int(quantity["quantity"])
    raise ConnectorError("bad_answer", "a stock level without its available quantity")


def _parse(cursor: str | None) -> tuple[str, str | None, int]:
    if not cursor:
        return "", None, 0
    try:
        query, after, rows = json.loads(cursor)
        return str(query), None if after is None else str(after), int(rows)
    except (ValueError, TypeError):
        raise ConnectorError("bad_cursor", "the cursor is not one of ours", permanent=True) from None


def _location(node: Any) -> RemoteLocation:
    external_id = gid("Location", node.get("id") if isinstance(node, dict) else None)
    if not external_id:
        raise ConnectorError("bad_answer", "a location without an id")
    return RemoteLocation(
        external_id=external_id,
        name=str(node.get("name") or ""),
        country=str((node.get("address") or {}).get("countryCode") or "").upper(),
        active=bool(node.get("isActive", True)),
        fulfils_orders=bool(node.get("fulfillsOnlineOrders", True)),
    )


def _listing(client: GraphQLClient, node: Any) -> RemoteListing:
    product, item = (node.get("product"), node.get("inventoryItem")) if isinstance(node, dict) else (None, None)
    if not isinstance(product, dict) or not isinstance(item, dict) or not gid("ProductVariant", node.get("id")):
        raise ConnectorError("bad_answer", "a variant without its product or inventory item")
    barrier = _barrier(node, product, item)
    return RemoteListing(
        external_id=node["id"],
        stock_id=str(item["id"]),
        sku=str(node.get("sku") or ""),
        title=_title(node, product),
        parent_id=str(product.get("id") or ""),
        barcode=str(node.get("barcode") or ""),
        status=STATUSES.get(str(product.get("status")), "draft"),
        stock_managed=item.get("tracked") is True,
        not_pushable=barrier,
        price=_price(node.get("price")),
        url=str(product.get("onlineStoreUrl") or ""),
        quantities=_quantities(client, item),
    )


def _barrier(node: Mapping[str, Any], product: Mapping[str, Any], item: Mapping[str, Any]) -> str:
    """Return why a stock write would be refused or without effect; one such row sinks a whole batch over there."""
    if node.get("requiresComponents"):
        return "bundle_parent"  # its figure follows from its components
    if product.get("isGiftCard"):
        return "gift_card"
    return "" if item.get("tracked") is True else "stock_not_managed"


def _title(node: Mapping[str, Any], product: Mapping[str, Any]) -> str:
    title, variant = str(product.get("title") or ""), str(node.get("title") or "")
    return title if variant in {"", DEFAULT_TITLE} else f"{title} – {variant}"


def _price(value: Any) -> Decimal | None:
    try:
        price = Decimal(str(value))
    except InvalidOperation:
        return None
    return price if price.is_finite() and 0 <= price < 10**12 else None


def _quantities(client: GraphQLClient, item: dict[str, Any]) -> dict[str, int]:
    path = ("inventoryItem", "inventoryLevels")
    levels = client.whole(documents.LEVELS, {"id": item["id"]}, item, path, most=PAGE)
    figures = {level["location"]["id"]: level_quantity(level) for level in levels}
    return {location: figure for location, figure in figures.items() if figure is not None}
