"""Reading and publishing stock. Over there one bad row sinks its whole batch; here it never sinks the others.

`inventorySetQuantities` compares each row's figure with `changeFromQuantity` before it writes, and knows a repeat by
its idempotency key. Source: shopify.dev "Implementing idempotency", "inventorySetQuantities" (2026-04 and later).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from channels.connectors.base import ConnectorError, RemoteStock, StockKey, StockResult, StockWrite, WriteStatus
from channels.connectors.shopify import documents
from channels.connectors.shopify.client import GraphQLClient
from channels.connectors.shopify.gids import is_gid
from channels.connectors.shopify.listings import level_quantity

MOST_PIECES = 1_000_000_000  # INVALID_QUANTITY_TOO_HIGH beyond
MOST_ROWS = 250  # of one input list (shopify.dev "API limits")
KEYS = uuid.UUID("6f2f9c0e-93c7-4a52-9a56-0f4f6c0a4d11")  # namespace of our idempotency keys, arbitrary but fixed
FRESH_KEYS = 5  # tried for a row whose earlier attempts all failed
STALE = frozenset({"CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE"})
IN_PROGRESS, FAILED_BEFORE = "IDEMPOTENCY_CONCURRENT_REQUEST", "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"
# Our code for Shopify's, and whether repeating the row unchanged is idle.
REFUSALS: dict[str, tuple[str, bool]] = {
    "INVALID_INVENTORY_ITEM": ("listing_gone", True),
    "INVALID_LOCATION": ("not_stocked_there", True),
    "ITEM_NOT_STOCKED_AT_LOCATION": ("not_stocked_there", True),
    "NON_MUTABLE_INVENTORY_ITEM": ("not_pushable", True),
    "INVALID_QUANTITY_NEGATIVE": ("bad_quantity", True),
    "INVALID_QUANTITY_TOO_HIGH": ("bad_quantity", True),
    "INVALID_QUANTITY_TOO_LOW": ("bad_quantity", True),
    "IDEMPOTENCY_KEY_PARAMETER_MISMATCH": ("key_reused", True),
}


def read(client: GraphQLClient, keys: Sequence[StockKey]) -> tuple[RemoteStock, ...]:
    """Return the figure of each key, in order; None where the item is gone or not stocked at the location."""
    found: dict[tuple[str, str], tuple[int | None, dt.datetime | None]] = {}
    for location in dict.fromkeys(key.location_id for key in keys):
        items = list(dict.fromkeys(key.stock_id for key in keys if key.location_id == location))
        askable = [item for item in items if is_gid("InventoryItem", item) and is_gid("Location", location)]
        nodes = client.run_nodes(documents.STOCK, askable, {"location": location}, most=MOST_ROWS)
        for item, node in zip(askable, nodes, strict=True):
            found[item, location] = _figure(node)
    figures = ((key, *found.get((key.stock_id, key.location_id), (None, None))) for key in keys)
    return tuple(RemoteStock(key=key, quantity=quantity, updated_at=at) for key, quantity, at in figures)


def push(client: GraphQLClient, writes: Sequence[StockWrite], *, read_back: bool = True) -> tuple[StockResult, ...]:
    """Publish absolute figures; one result a write, in order.

    Raises ConnectorError only while nothing has been sent that may count; later faults stand in the rows' results.
    """
    results = {row: refusal for row, write in enumerate(writes) if (refusal := _refused_here(write))}
    sender = _Sender(client, writes, results)
    for batch in _batches(writes, [row for row in range(len(writes)) if row not in results]):
        sender.settle(batch)
    if read_back:
        _read_back(client, writes, results)
    return tuple(results[index] for index in range(len(writes)))


def _figure(node: Any) -> tuple[int | None, dt.datetime | None]:
    level = node.get("inventoryLevel") if isinstance(node, dict) else None
    if not isinstance(level, dict):
        return None, None
    try:
        at = dt.datetime.fromisoformat(str(level.get("updatedAt")))
    except ValueError:
        at = None
    return level_quantity(level), at


def _batches(writes: Sequence[StockWrite], waiting: list[int]) -> Iterator[list[int]]:
    """Yield the rows' indices in batches; a second figure for one item and place waits for the next batch."""
    while waiting:
        batch: dict[tuple[str, str], int] = {}
        later: list[int] = []
        for index in waiting:
            place = (writes[index].key.stock_id, writes[index].key.location_id)
            if place in batch or len(batch) == MOST_ROWS:
                later.append(index)
            else:
                batch[place] = index
        yield list(batch.values())
        waiting = later


class _Sender:
    """Sends a batch whole, then again without the rows that were refused, until each row has its result."""

    def __init__(self, client: GraphQLClient, writes: Sequence[StockWrite], results: dict[int, StockResult]) -> None:
        self.client, self.writes, self.results = client, writes, results
        self.sent = False

    def settle(self, rows: list[int], *, attempt: int = 0) -> None:
        """Give each row its result. Raises ConnectorError when nothing was sent so far that may count."""
        while rows:
            try:
                errors = self._send(rows, attempt)
            except ConnectorError as error:
                if not self.sent and not error.unknown:
                    raise
                self._all_failed(rows, error)
                return
            finally:
                self.sent = True
            if not errors:
                for row in rows:
                    self._give(row, WriteStatus.APPLIED)
                return
            named = _by_row(errors, len(rows))
            if not named:
                self._unnamed(rows, errors[0], attempt)
                return
            for position, (code, message) in named.items():
                self._refused(rows[position], code, message)
            rows = [row for position, row in enumerate(rows) if position not in named]

    def _unnamed(self, rows: list[int], error: tuple[str, str, int | None], attempt: int) -> None:
        """Handle an error that names no row: it is about the key, or the rows have to be told apart."""
        code, message, _position = error
        if code == IN_PROGRESS:
            for row in rows:
                self._give(row, WriteStatus.UNKNOWN, "in_progress", message)
        elif code == FAILED_BEFORE and attempt < FRESH_KEYS:
            self.settle(rows, attempt=attempt + 1)  # that attempt changed nothing: a fresh key may try again
        elif len(rows) == 1:
            self._refused(rows[0], code, message)
        else:
            middle = len(rows) // 2
            self.settle(rows[:middle], attempt=attempt)
            self.settle(rows[middle:], attempt=attempt)

    def _send(self, rows: list[int], attempt: int) -> list[tuple[str, str, int | None]]:
        """Send the rows and return the refusals as (code, message, position of the row or None)."""
        quantities = [_quantity(self.writes[row]) for row in rows]
        # The key names content and intent: the same rows sent again are a repeat, any other set of rows is not.
        name = json.dumps([attempt, [[self.writes[row].idempotency_key for row in rows], quantities]])
        key = str(uuid.uuid5(KEYS, f"{self.client.config.account}:{name}"))
        variables = {"input": {"name": "available", "reason": "correction", "quantities": quantities}, "key": key}
        payload = self.client.run(documents.SET_STOCK, variables, write=True).data.get("inventorySetQuantities")
        if not isinstance(payload, dict) or not isinstance(payload.get("userErrors"), list):
            raise ConnectorError("bad_answer", "the write was not answered", unknown=True)
        return [_refusal(error, self.client) for error in payload["userErrors"]]

    def _all_failed(self, rows: list[int], error: ConnectorError) -> None:
        status = WriteStatus.UNKNOWN if error.unknown else WriteStatus.REJECTED
        for row in rows:
            self._give(row, status, error.code, error.message, permanent=error.permanent)

    def _refused(self, row: int, code: str, message: str) -> None:
        if code in STALE:
            self._give(row, WriteStatus.STALE, "stale", message)
        elif code == IN_PROGRESS:
            self._give(row, WriteStatus.UNKNOWN, "in_progress", message)
        else:
            ours, permanent = REFUSALS.get(code, ("refused", False))
            self._give(row, WriteStatus.REJECTED, ours, message, permanent=permanent)

    def _give(
        self, row: int, status: WriteStatus, code: str = "", message: str = "", *, permanent: bool = False
    ) -> None:
        key = self.writes[row].key
        self.results[row] = StockResult(key=key, status=status, code=code, message=message, permanent=permanent)


def _refused_here(write: StockWrite) -> StockResult | None:
    """Refuse what would make Shopify refuse the whole call: ids of another kind, figures beyond its limit."""
    code = ""
    if not is_gid("InventoryItem", write.key.stock_id):
        code, message = "listing_gone", "the listing has no inventory item"
    elif not is_gid("Location", write.key.location_id):
        code, message = "not_stocked_there", "no location is given"
    elif not 0 <= write.quantity <= MOST_PIECES:
        code, message = "bad_quantity", f"the figure is outside of 0 to {MOST_PIECES:,}"
    if not code:
        return None
    return StockResult(key=write.key, status=WriteStatus.REJECTED, code=code, message=message, permanent=True)


def _quantity(write: StockWrite) -> dict[str, Any]:
    return {
        "inventoryItemId": write.key.stock_id,
        "locationId": write.key.location_id,
        "quantity": write.quantity,
        "changeFromQuantity": write.expected,  # must be sent; null asks for no comparison
    }


def _refusal(error: Any, client: GraphQLClient) -> tuple[str, str, int | None]:
    if not isinstance(error, dict):
        raise ConnectorError("bad_answer", "a refusal that is none", unknown=True)
    field = error.get("field")
    path = [str(part) for part in field] if isinstance(field, list) else []
    place = path[path.index("quantities") + 1 :] if "quantities" in path else []
    position = int(place[0]) if place and place[0].isascii() and place[0].isdigit() else None
    return str(error.get("code") or ""), client.safe(error.get("message") or ""), position


def _by_row(errors: list[tuple[str, str, int | None]], rows: int) -> dict[int, tuple[str, str]]:
    """Return position → (code, message) of the rows that are named; staleness outweighs what else is said of a row."""
    named: dict[int, tuple[str, str]] = {}
    for code, message, position in errors:
        if position is not None and position < rows and (position not in named or code in STALE):
            named[position] = (code, message)
    return named


def _read_back(client: GraphQLClient, writes: Sequence[StockWrite], results: dict[int, StockResult]) -> None:
    """Set `observed` from what Shopify shows now; a figure taken but not shown makes the row IGNORED."""
    asked = [row for row, result in results.items() if result.status is not WriteStatus.REJECTED]
    try:
        shown = read(client, [writes[row].key for row in asked])
    except ConnectorError:
        return  # the writes' outcome is known without it; the engine reads again before it repeats one
    # Of two figures for one place only the later one can be seen.
    last = {(writes[row].key.stock_id, writes[row].key.location_id): row for row in asked}
    for row, stock in zip(asked, shown, strict=True):
        result = dataclasses.replace(results[row], observed=stock.quantity)
        overwritten = last[stock.key.stock_id, stock.key.location_id] != row
        if result.status is WriteStatus.APPLIED and stock.quantity != writes[row].quantity and not overwritten:
            result = dataclasses.replace(result, status=WriteStatus.IGNORED, code="not_shown")
        results[row] = result
