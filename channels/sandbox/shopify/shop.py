"""A Shopify shop to try everything on: the real one's wire protocol, stock and orders that behave, faults on demand.

It knows Shopify's published schema and documents, not our connector. A WSGI application; `__main__` runs it alone.
"""

from __future__ import annotations

import collections
import datetime as dt
import email.utils
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from graphql import GraphQLSchema

from backoffice.practice.faults import FaultPlan, faulty
from channels.sandbox.shopify import control, orders, page, schema
from channels.sandbox.shopify.cost import Bucket
from channels.sandbox.shopify.graphql_api import Endpoint, Request
from channels.sandbox.shopify.quirks import Quirks
from channels.sandbox.shopify.store import Record, Refused, Store, add_product, find_variant, number, seed_store
from channels.sandbox.shopify.tokens import Tokens
from channels.sandbox.shopify.webhooks import RETRY_SECONDS, Messenger
from channels.sandbox.shopify.wire import Call, Reply, StartResponse, as_json

GRAPHQL = re.compile(r"/admin/api/([\w-]+)/graphql\.json")
VERSIONS = frozenset({"2026-07", "2026-10"})
KEPT_CALLS = 20_000


def utc_now() -> dt.datetime:
    """Return the machine's clock."""
    return dt.datetime.now(dt.UTC)


class ShopifySandbox:
    """One shop. `throttle` False: no points are counted. `state_file` keeps the shop over restarts.

    `faults` breaks the wire (backoffice.practice.faults; a fault's path may name the operation: "operation=SetStock"),
    `quirks` makes the shop itself misbehave. Both, and every method below, can be reached under /_sandbox/.
    """

    def __init__(
        self,
        seed: Mapping[str, Any],
        *,
        token: str = "shpat_sandbox",  # noqa: S107 - the sandbox's own, opens nothing else
        client_id: str = "sandbox-app",
        secret: str = "sandbox-secret",  # noqa: S107 - the same
        state_file: str | Path | None = None,
        throttle: bool | Bucket = True,
        clock: Callable[[], dt.datetime] = utc_now,
        graphql_schema: GraphQLSchema | None = None,
        retry_seconds: Sequence[float] = RETRY_SECONDS,
        random_seed: int = 0,
    ) -> None:
        self.store = Store(Path(state_file) if state_file else None, clock)
        if self.store.fresh:
            seed_store(self.store, seed)
        self.quirks, self.faults = Quirks(random_seed), FaultPlan(seed=random_seed)
        self.tokens = Tokens(self.store, lasting=token, client_id=client_id, client_secret=secret)
        self.messenger = Messenger(self.store, self.quirks, secret, retry_seconds)
        bucket = throttle if isinstance(throttle, Bucket) else Bucket() if throttle else None
        self.endpoint = Endpoint(self.store, self.quirks, graphql_schema or schema.best_schema(), bucket)
        self.calls: collections.deque[Record] = collections.deque(maxlen=KEPT_CALLS)
        self._app = faulty(self._serve, self.faults)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        call = Call.read(environ)
        operation = _operation(call)
        if not call.path.startswith("/_sandbox"):
            self.calls.append({"at": self.store.now().timestamp(), "path": call.path, "operation": operation})
        if operation:
            environ["QUERY_STRING"] = f"operation={operation}"  # so that a fault can be for one operation
        return self._app(environ, start_response)

    def close(self) -> None:
        """Stop sending messages and save the shop."""
        control.stop_stream(self)
        self.messenger.stop()
        self.store.close()

    @contextmanager
    def changing(self) -> Iterator[Store]:
        """Change the shop inside the block; who subscribed is told afterwards."""
        with self.store.lock:
            frozen = any(quirk.kind == "equal_timestamps" for quirk in self.quirks.active)
            self.store.frozen = (self.store.frozen or self.store.text_now()) if frozen else ""
            yield self.store
            self.messenger.tell()

    def place_order(self, lines: Sequence[Mapping[str, Any]], **details: Any) -> Record:
        """Place an order as a buyer would; see `orders.place`. Raises Refused when goods are sold out."""
        with self.changing() as store:
            order = orders.place(store, lines, **details)
            late = self.quirks.on("late_orders")
            if late:
                order["visibleAt"] = store.text_now(dt.timedelta(seconds=late.seconds))
            return order

    def edit_order(
        self, order: str, changes: Mapping[str, int] | None = None, add: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """Edit an order as the seller would in the admin: line or SKU → new quantity, and lines to add."""
        with self.changing() as store:
            orders.edit(store, orders.find(store, order), changes=changes or {}, add=add)

    def update_order(self, order: str, **fields: Any) -> None:
        """Change plain fields (note, tags, email, shippingAddress, updatedAt …) as an admin or another app would."""
        with self.changing() as store:
            found = orders.find(store, order)
            if not fields.keys() <= found.keys():
                raise Refused(f"An order has no {', '.join(sorted(fields.keys() - found.keys()))}.")
            orders.touch(store, found)
            found.update(fields)

    def pay_order(self, order: str) -> None:
        """Let the buyer pay."""
        with self.changing() as store:
            orders.pay(store, orders.find(store, order))

    def refund_order(self, order: str, lines: Sequence[tuple[str, int, str]] = (), **details: Any) -> Record:
        """Refund lines (line or SKU, pieces, NO_RESTOCK | CANCEL | RETURN) or an amount; see `orders.refund`."""
        with self.changing() as store:
            return orders.refund(store, orders.find(store, order), [tuple(line) for line in lines], **details)  # type: ignore[misc]

    def cancel_order(self, order: str, *, reason: str = "CUSTOMER", restock: bool = True) -> None:
        """Cancel an order on the platform."""
        with self.changing() as store:
            orders.cancel(store, orders.find(store, order), reason=reason, restock=restock)

    def fulfil_order(self, order: str, tracking: Record | None = None) -> Record:
        """Ship what is left in Shopify's own admin."""
        with self.changing() as store:
            return orders.fulfil_all(store, orders.find(store, order), tracking)

    def hold_order(self, order: str, *, on: bool = True) -> None:
        """Hold the order back, or release it."""
        with self.changing() as store:
            orders.hold(store, orders.find(store, order), on=on)

    def delete_order(self, order: str) -> None:
        """Delete an order for good."""
        with self.changing() as store:
            found = orders.find(store, order)
            del store.orders[found["id"]]
            store.stamp()
            self.messenger.tell_other("ORDERS_DELETE", {"id": number(found["id"])})

    def stock(self, sku: str, location: str = "") -> int:
        """Return the available figure of a variant, at one location (id or name) or over all."""
        with self.store.lock:
            levels = self.store.items[find_variant(self.store, sku)["item"]]["levels"]
            return sum(levels[key]["available"] for key in levels if not location or key == self._place(location))

    def set_stock(self, sku: str, quantity: int, location: str = "") -> None:
        """Change a figure in Shopify's own admin, behind our back."""
        with self.changing() as store:
            item = find_variant(store, sku)["item"]
            place = self._place(location) if location else next(iter(store.items[item]["levels"]))
            level = {"available": 0, "committed": 0} | store.items[item]["levels"].get(place, {})
            store.items[item]["levels"][place] = level | {"available": int(quantity), "updatedAt": store.stamp()}
            store.moved.add((item, place))

    def add_product(self, product: Mapping[str, Any]) -> Record:
        """Add a product; see `store.seed_store` for its form."""
        with self.changing() as store:
            added = add_product(store, product)
            self.messenger.tell_other(
                "PRODUCTS_CREATE", {"id": number(added["id"]), "admin_graphql_api_id": added["id"]}
            )
            return added

    def delete_variant(self, sku: str) -> None:
        """Delete a variant and its inventory item; orders keep their lines."""
        with self.changing() as store:
            variant = find_variant(store, sku)
            product = store.products[variant["product"]]
            product["variants"].remove(variant["id"])
            del store.variants[variant["id"]], store.items[variant["item"]]
            product["updatedAt"] = store.stamp()
            self.messenger.tell_other("PRODUCTS_UPDATE", {"id": number(product["id"])})

    def uninstall(self) -> None:
        """Remove the app from the shop: tokens die, then the last message is sent."""
        with self.changing() as store:
            self.tokens.revoke_all()
            self.messenger.tell_other("APP_UNINSTALLED", {"id": 1, "domain": store.shop["myshopifyDomain"]})

    def _place(self, location: str) -> str:
        places = self.store.locations.values()
        found = next((place["id"] for place in places if location in (place["id"], place["name"])), None)
        if found is None:
            raise Refused(f"There is no location {location!r}.")
        return str(found)

    def _serve(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        reply = self._reply(Call.read(environ))
        reply.headers.setdefault("Date", email.utils.format_datetime(self.store.now(), usegmt=True))
        return reply.send(start_response)

    def _reply(self, call: Call) -> Reply:
        version = GRAPHQL.fullmatch(call.path)
        if version and call.method == "POST":
            return self._graphql(call) if version[1] in VERSIONS else as_json({"errors": "Not Found"}, 404)
        if call.path == "/admin/oauth/access_token" and call.method == "POST":
            return self._grant(call)
        if call.path.startswith("/_sandbox/"):
            return control.reply(self, call)
        if call.path in {"/", "/buy"}:
            return page.reply(self, call)
        return as_json({"errors": "Not Found"}, 404)

    def _graphql(self, call: Call) -> Reply:
        with self.changing():
            token = call.headers.get("x-shopify-access-token", "")
            if not self.tokens.accepts(token) or self.quirks.on("token_expired"):
                message = "[API] Invalid API key or access token (unrecognized login or wrong password)"
                return as_json({"errors": message}, 401)
            request = _request(call)
            if request is None:
                return as_json({"errors": {"query": "Required parameter missing or invalid"}}, 400)
            return as_json(self.endpoint.answer(request))

    def _grant(self, call: Call) -> Reply:
        try:
            with self.changing():
                return as_json(self.tokens.grant(call.form()))
        except (Refused, ValueError) as refusal:
            return as_json({"error": str(refusal)}, 401)


def _request(call: Call) -> Request | None:
    try:
        body = call.json()
    except ValueError:
        return None
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        return None
    variables = body.get("variables") or {}
    if not isinstance(variables, dict):
        return None
    return Request(body["query"], variables, str(body.get("operationName") or ""))


def _operation(call: Call) -> str:
    if call.method != "POST" or not GRAPHQL.fullmatch(call.path):
        return ""
    try:
        body = json.loads(call.body)
        named = body.get("operationName") or re.search(r"^\s*(?:query|mutation)\s+(\w+)", body["query"], re.M)[1]  # type: ignore[index]
    except (ValueError, TypeError, KeyError, AttributeError):
        return "unnamed"
    return str(named)
