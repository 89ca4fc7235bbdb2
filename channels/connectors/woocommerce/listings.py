"""What the store sells and the figures it shows: products and the variations below them.

A listing is "12" for a simple product and "18:20" for variation 20 of product 18; stock calls use the same text.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from backoffice.calls.answers import parse_json
from channels.connectors.base import ConnectorError, HttpResponse, ListingPage, RemoteListing, RemoteStock, StockKey
from channels.connectors.woocommerce.client import StoreClient, gmt
from channels.connectors.woocommerce.reading import Raw, number, record, text

PAGE = 100
NO_STOCK_TYPES = frozenset({"grouped", "external"})  # a shelf of other products; an offer of another shop
STATUSES = {"publish": "active", "trash": "deleted"}  # the others (draft, pending, private, future) are drafts
STOCK_FIELDS = "id,manage_stock,stock_quantity,date_modified_gmt"


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """The figure of one listing as the store tells it; `reason` why a stock write would be in vain."""

    quantity: int | None
    reason: str = ""
    updated_at: dt.datetime | None = None


GONE = Shown(None, "gone")


def pages(client: StoreClient, *, cursor: str | None, page_size: int = PAGE) -> Iterator[ListingPage]:
    """Walk all products by id with their variations. Raises ConnectorError "bad_cursor"."""
    page, serial = _place(cursor) if cursor else (1, 0)
    total: int | None = None
    while True:
        params = {"per_page": page_size, "page": page, "orderby": "id", "order": "asc"}
        response = client.send("GET", "products", params)
        products = _objects(response)
        # A page past the last says that there is nothing at all: its total counts for nothing.
        before, total = total, _total(response) if products else None
        # A product deleted meanwhile moves the ones behind it a place forward, over the edge of the page.
        fewer = total is not None and before is not None and total < before
        vanished = not products and before is not None and before > (page - 1) * page_size
        shifted = page > 1 and (fewer or vanished)
        last = len(products) < page_size if total is None else page * page_size >= total
        page, serial = (page - 1 if shifted else page + 1), serial + 1
        done = last and not shifted
        yield ListingPage(listings=tuple(_listings(client, products)), next_cursor=None if done else f"{page}|{serial}")
        if done:
            return


def _place(cursor: str) -> tuple[int, int]:
    """Read "page|serial"; the serial only makes each cursor of a walk differ."""
    page, _, serial = cursor.partition("|")
    if not page.isdecimal() or not serial.isdecimal() or int(page) < 1:
        raise ConnectorError("bad_cursor", "the stored place in the walk cannot be read", permanent=True)
    return int(page), int(serial)


def read_stock(client: StoreClient, keys: Sequence[StockKey]) -> tuple[RemoteStock, ...]:
    """Return the figures shown now, one a key, same order; None where no figure of its own is kept."""
    shown = shown_figures(client, [key.stock_id for key in keys])
    return tuple(
        RemoteStock(key=key, quantity=shown[key.stock_id].quantity, updated_at=shown[key.stock_id].updated_at)
        for key in keys
    )


def shown_figures(client: StoreClient, stock_ids: Sequence[str]) -> dict[str, Shown]:
    """Read the figures of these listings, a call for each hundred products and each parent of variations."""
    found = {}
    for parent, ids in by_parent(stock_ids).items():
        path = f"products/{parent}/variations" if parent else "products"
        for start in range(0, len(ids), PAGE):
            chunk = ids[start : start + PAGE]
            for row in _read_chunk(client, path, chunk):
                found[stock_id_of(parent, text(row, "id"))] = _shown(row)
    return {stock_id: found.get(stock_id, GONE) for stock_id in stock_ids}


def by_parent(stock_ids: Sequence[str]) -> dict[str, list[str]]:
    """Group stock ids by the product that holds the variations; "" for simple products."""
    groups: dict[str, list[str]] = {}
    for stock_id in dict.fromkeys(stock_ids):
        parent, separator, variation = stock_id.partition(":")
        if all(part.isdecimal() for part in ((parent, variation) if separator else (parent,))):
            groups.setdefault(parent if separator else "", []).append(variation if separator else parent)
    return groups


def stock_id_of(parent: str, own: str) -> str:
    """Return "18:20" for a variation, "12" for a simple product."""
    return f"{parent}:{own}" if parent else own


def managed(raw: Raw) -> str:
    """Return "" when the store keeps a figure for this row, else the code of why a write is in vain.

    With `manage_stock` false a write is answered 200 and ignored; with "parent" the shown figure is the parent's.
    """
    if raw.get("manage_stock") is True:
        return ""
    return "stock_managed_by_parent" if raw.get("manage_stock") == "parent" else "stock_not_managed"


def _read_chunk(client: StoreClient, path: str, ids: list[str]) -> list[Raw]:
    params = {"include": ",".join(ids), "per_page": PAGE, "_fields": STOCK_FIELDS}
    try:
        return _objects(client.send("GET", path, params))
    except ConnectorError as error:
        if error.code == "not_found":
            return []  # the parent is gone, and its variations with it
        raise


def _shown(raw: Raw) -> Shown:
    reason = managed(raw)
    return Shown(None if reason else figure(raw), reason, gmt(raw.get("date_modified_gmt")))


def figure(raw: Raw) -> int | None:
    """Return the stock figure of a row; a plugin's fraction counts down to the whole piece."""
    quantity = number(raw.get("stock_quantity"))
    return None if quantity is None else int(quantity.to_integral_value("ROUND_FLOOR"))


def _listings(client: StoreClient, products: Sequence[Raw]) -> Iterator[RemoteListing]:
    for product in products:
        kind = text(product, "type")
        if kind in NO_STOCK_TYPES:
            continue
        if kind.startswith("variable"):
            for variation in _variations(client, text(product, "id")):
                yield _listing(variation, parent=product)
        else:
            yield _listing(product)


def _variations(client: StoreClient, product_id: str) -> Iterator[Raw]:
    page = 1
    while True:
        params = {"per_page": PAGE, "page": page, "orderby": "id", "order": "asc"}
        try:
            rows = _objects(client.send("GET", f"products/{product_id}/variations", params))
        except ConnectorError as error:
            if error.code == "not_found":
                return
            raise
        yield from rows
        if len(rows) < PAGE:
            return
        page += 1


def _listing(raw: Raw, parent: Raw | None = None) -> RemoteListing:
    parent_id = text(parent, "id") if parent else ""
    external_id, reason, shown = stock_id_of(parent_id, text(raw, "id")), managed(raw), figure(raw)
    price = number(raw.get("price"))
    hidden = parent is not None and text(parent, "status") != "publish"
    return RemoteListing(
        external_id=external_id,
        stock_id=external_id,
        sku=_own(raw, "sku", parent),
        title=_title(raw, parent),
        parent_id=parent_id,
        barcode=_own(raw, "global_unique_id", parent),
        status=STATUSES.get(text(parent if hidden and parent else raw, "status"), "draft"),
        stock_managed=not reason,
        not_pushable=reason,
        price=price if isinstance(price, Decimal) else None,
        url=text(raw, "permalink"),
        quantities={} if shown is None else {"": shown},
    )


def _own(raw: Raw, field: str, parent: Raw | None) -> str:
    """A variation without a code of its own shows its parent's: that would claim one SKU for many listings."""
    value = text(raw, field)
    return "" if parent is not None and value == text(parent, field) else value


def _title(raw: Raw, parent: Raw | None) -> str:
    name = text(raw, "name")
    if parent is None:
        return name
    options = [text(option, "option") for option in raw.get("attributes") or () if isinstance(option, dict)]
    label = name or ", ".join(filter(None, options))
    head = text(parent, "name")
    return label if not head or label.startswith(head) else f"{head} - {label}" if label else head


def _objects(response: HttpResponse) -> list[Raw]:
    rows = parse_json(response)
    if not isinstance(rows, list) or not all(isinstance(row, dict) and row.get("id") for row in rows):
        raise ConnectorError("bad_json", "a list of products was expected")
    return rows


def _total(response: HttpResponse) -> int | None:
    value = response.headers.get("x-wp-total", "")
    return int(value) if value.isdecimal() else None


def error_of(raw: Any) -> Raw:
    """Return the error object that stands inside an answered row; empty when the row is fine."""
    return record(raw, "error") if isinstance(raw, dict) else {}
