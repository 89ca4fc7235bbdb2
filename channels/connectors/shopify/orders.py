"""Pulling orders: pages by update time, each order completed with what overflowed, as the raw JSON `parse_order` reads.

The raw body is `{"order": <the Order as delivered>, "withheld": [<fields our scopes do not reach>]}`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from channels.connectors.base import ConnectorError, OrderPage, RawOrder
from channels.connectors.shopify import documents
from channels.connectors.shopify.client import (
    AccessDenied,
    Answer,
    GraphQLClient,
    Path,
    connection_of,
    next_cursor,
)
from channels.connectors.shopify.gids import gid

LINES_WITH_ORDER = 8  # of each order in a page; longer orders are followed
LINES_PER_CALL = 250
NODES_PER_CALL = 100
# A list can be paged to 25,000 rows (shopify.dev "API limits", pagination): start anew from the last time seen before.
ROWS_PER_WALK = 20_000
KEPT_BEGUN = 16
TRIES = 3  # of one order that changes while its pages are read


# Long orders begun and put off for want of points: (shop, order, version) → the lines so far and where to go on.
_begun: OrderedDict[tuple[str, str, str], dict[str, Any]] = OrderedDict()


@dataclasses.dataclass(frozen=True, slots=True)
class Walk:
    """Where a walk over orders stands: the times asked for, the cursor, and how many rows came since `since`."""

    since: dt.datetime
    after: str | None = None
    rows: int = 0

    def text(self) -> str:
        """Return the cursor for `OrderPage`."""
        return json.dumps([self.since.isoformat(), self.after, self.rows])

    @classmethod
    def parse(cls, cursor: str) -> Walk:
        """Read `text` back. Raises ConnectorError "bad_cursor"."""
        try:
            since, after, rows = json.loads(cursor)
            return cls(dt.datetime.fromisoformat(since).astimezone(dt.UTC), after, int(rows))
        except (ValueError, TypeError):
            raise ConnectorError("bad_cursor", "the cursor is not one of ours", permanent=True) from None


class OrderReader:
    """Reads orders of one shop."""

    def __init__(self, client: GraphQLClient, *, page_size: int) -> None:
        self.client, self.page_size = client, page_size
        self.with_fulfilment_orders = True

    def pages(self, *, since: dt.datetime, cursor: str | None = None) -> Iterator[OrderPage]:
        """Walk all orders of any status updated at or after `since`, oldest first; complete orders only."""
        walk: Walk | None = Walk.parse(cursor) if cursor else Walk(since.astimezone(dt.UTC))
        used: set[Walk] = set()
        while walk is not None:
            if dataclasses.replace(walk, rows=0) in used:
                raise ConnectorError("cursor_loop", "the list of orders goes round in circles")
            used.add(dataclasses.replace(walk, rows=0))
            answer = self._ask(
                documents.ORDERS, {"query": search(walk.since), "after": walk.after, "lines": LINES_WITH_ORDER}
            )
            connection = connection_of(answer.data, "orders")
            walk = _next(walk, connection)
            orders = tuple(self._completed(connection["nodes"], answer))
            yield OrderPage(orders=orders, next_cursor=walk.text() if walk else None, server_time=answer.server_time)

    def one(self, external_id: str) -> RawOrder | None:
        """Return one order now; None when Shopify does not have it (or it is older than our scopes reach)."""
        wanted = gid("Order", external_id)
        if not wanted:
            return None
        for _try in range(TRIES):
            answer = self._ask(documents.ORDER, {"id": wanted, "lines": LINES_WITH_ORDER})
            if answer.data.get("order") is None:
                return None
            try:
                return next(self._completed([answer.data["order"]], answer, single=True))
            except ConnectorError as error:
                if error.code != "changed":
                    raise
        raise ConnectorError("changed", "the order changed each time while it was read")

    def _ask(self, document: str, variables: dict[str, Any]) -> Answer:
        """Ask for orders; without the scopes for fulfilment orders they are left out rather than nothing read."""
        try:
            return self._sent(document, variables)
        except AccessDenied as error:
            if not self.with_fulfilment_orders or not any("fulfillmentOrders" in path for path in error.paths):
                raise
            self.with_fulfilment_orders = False
            return self._sent(document, variables)

    def _sent(self, document: str, variables: dict[str, Any]) -> Answer:
        variables = {**variables, "withFulfilmentOrders": self.with_fulfilment_orders}
        if document is documents.ORDERS:
            return self.client.run_page(document, variables, most=self.page_size)
        return self.client.run(document, variables)

    def _completed(self, nodes: list[Any], answer: Answer, *, single: bool = False) -> Iterator[RawOrder]:
        """Yield each order with its overflowing lists followed, its refunds and its parcels.

        One of a page that changes meanwhile is read anew on its own; a `single` one raises "changed".
        """
        for node in nodes:
            if not isinstance(node, dict) or not gid("Order", node.get("id")):
                raise ConnectorError("bad_answer", "an order without an id")
        fulfilments = self._details(documents.FULFILMENTS, nodes, "fulfillments")
        refunds = self._details(documents.REFUNDS, nodes, "refunds")
        for index, node in enumerate(nodes):
            node["fulfillments"], node["refunds"] = fulfilments[index], refunds[index]
            try:
                _check_whole(node)
                self._follow_lines(node)
                self._follow_fulfilment_orders(node)
            except ConnectorError as error:
                if single or error.code != "changed":
                    raise
                fresh = self.one(node["id"])
                if fresh is not None:
                    yield fresh
                continue
            yield raw_order(node, _withheld(answer, ("order",) if single else ("orders", "nodes", index)))

    def _follow_lines(self, order: dict[str, Any]) -> None:
        """Read the lines beyond the first page. What was read before a wait for points is not read again."""
        lines, version = connection_of(order, "lineItems"), (self.client.url, order["id"], str(order.get("updatedAt")))
        lines = _begun.pop(version, lines)
        path = ("order", "lineItems")
        for parent, page in self.client.rest_of(
            documents.ORDER_LINES, {"id": order["id"]}, lines, path, most=LINES_PER_CALL
        ):
            # Lines of two versions of one order must not be mixed into a third that never was.
            if parent.get("updatedAt") != order.get("updatedAt"):
                raise ConnectorError("changed", "the order changed while its lines were read")
            lines = {"nodes": lines["nodes"] + page["nodes"], "pageInfo": page["pageInfo"]}
            _begun[version] = lines
            while len(_begun) > KEPT_BEGUN:
                _begun.popitem(last=False)
        _begun.pop(version, None)
        order["lineItems"] = {"nodes": lines["nodes"]}

    def _follow_fulfilment_orders(self, order: dict[str, Any]) -> None:
        """Read the lines of fulfilment orders where they matter: when a service, not the seller, may ship."""
        heads = order.get("fulfillmentOrders")
        if not isinstance(heads, dict):
            return
        if next_cursor(heads) or any(_by_service(head) for head in heads["nodes"]):
            order["fulfillmentOrders"] = {"nodes": read_fulfilment_orders(self.client, order["id"])}

    def _details(self, document: str, orders: list[Any], field: str) -> list[list[Any]]:
        """Return the refunds or parcels of each order, read in as few calls as their cost allows; None for one gone."""
        heads = [[head["id"] for head in order.get(field) or ()] for order in orders]
        ids = [id_ for order_ids in heads for id_ in order_ids]
        found = dict(zip(ids, self.client.run_nodes(document, ids, {}, most=NODES_PER_CALL), strict=True))
        document, path = documents.REFUND_LINES, ("refund", "refundLineItems")
        if field == "fulfillments":
            document, path = documents.FULFILMENT_LINES, ("fulfillment", "fulfillmentLineItems")
        for id_, node in found.items():
            if not isinstance(node, dict):
                continue
            nodes = self.client.whole(document, {"id": id_}, node, path, most=LINES_PER_CALL)
            node[path[1]] = {"nodes": nodes}
        return [[found[id_] for id_ in order_ids] for order_ids in heads]


def _check_whole(order: dict[str, Any]) -> None:
    """Raise "changed" when a parcel or refund that the order named could not be read a moment later."""
    if not all(isinstance(node, dict) for field in ("fulfillments", "refunds") for node in order[field]):
        raise ConnectorError("changed", "a parcel or refund of an order went while it was read")


def read_fulfilment_orders(client: GraphQLClient, order_id: str) -> list[dict[str, Any]]:
    """Return all fulfilment orders of an order, each with all its lines; empty when the order is gone."""
    order = client.run_page(documents.FULFILMENT_ORDERS, {"id": order_id, "after": None}, most=5).data.get("order")
    if not isinstance(order, dict):
        return []
    path, inner = ("order", "fulfillmentOrders"), ("fulfillmentOrder", "lineItems")
    heads = client.whole(documents.FULFILMENT_ORDERS, {"id": order_id}, order, path, most=5)
    for head in heads:
        variables = {"id": head["id"]}
        lines = client.whole(documents.FULFILMENT_ORDER_LINES, variables, head, inner, most=LINES_PER_CALL)
        head["lineItems"] = {"nodes": lines}
    return heads


def search(since: dt.datetime) -> str:
    """Return the search text for orders of any status updated at or after this time (whole seconds, rounded down).

    Without `status:any` archived and cancelled orders are missing. Source: shopify.dev "Shopify API search syntax".
    """
    return f"updated_at:>='{since.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}' status:any"


def raw_order(node: dict[str, Any], withheld: tuple[str, ...]) -> RawOrder:
    """Return the order as the bytes that are kept and parsed."""
    body = json.dumps({"order": node, "withheld": list(withheld)}, ensure_ascii=False, default="{:f}".format)
    try:
        updated_at = dt.datetime.fromisoformat(node["updatedAt"])
    except (KeyError, TypeError, ValueError):
        updated_at = None  # parse_order will say so with the body at hand; the page must not be lost for it
    return RawOrder(external_id=node["id"], updated_at=updated_at, body=body.encode())


def _next(walk: Walk, connection: dict[str, Any]) -> Walk | None:
    after = next_cursor(connection)
    if after is None:
        return None
    rows = walk.rows + len(connection["nodes"])
    if rows < ROWS_PER_WALK:
        return dataclasses.replace(walk, after=after, rows=rows)
    try:
        last = dt.datetime.fromisoformat(connection["nodes"][-1]["updatedAt"]).astimezone(dt.UTC)
    except (IndexError, KeyError, TypeError, ValueError):
        raise ConnectorError("bad_answer", "an order without the time of its update") from None
    # Many thousands of orders in one second cannot be told apart by time: then go on by cursor as far as it leads.
    return Walk(last) if last > walk.since else dataclasses.replace(walk, after=after, rows=rows)


def _by_service(fulfilment_order: dict[str, Any]) -> bool:
    location = (fulfilment_order.get("assignedLocation") or {}).get("location") or {}
    return bool(location.get("isFulfillmentService"))


def _withheld(answer: Answer, prefix: Path) -> tuple[str, ...]:
    """Return the names of the fields withheld from the order that stands at this place in the answer."""
    paths = (path[len(prefix) :] for path in answer.withheld if path[: len(prefix)] == prefix)
    return tuple(sorted({".".join(part for part in path if isinstance(part, str)) for path in paths}))
