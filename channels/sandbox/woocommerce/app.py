"""The sandbox store as one object: its WSGI app, its seed, and what tests and the demo do with it."""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from backoffice.practice.faults import FaultPlan, faulty
from backoffice.practice.server import running
from channels.sandbox.woocommerce import page
from channels.sandbox.woocommerce.auth import Doorkeeper
from channels.sandbox.woocommerce.buying import Buying, SoldOut
from channels.sandbox.woocommerce.catalogue import Catalogue
from channels.sandbox.woocommerce.order_endpoints import OrderEndpoints
from channels.sandbox.woocommerce.ordering import Ordering
from channels.sandbox.woocommerce.product_endpoints import ProductEndpoints
from channels.sandbox.woocommerce.rest import PREFIX, Answer, Request, RestError, only_fields
from channels.sandbox.woocommerce.routing import Router
from channels.sandbox.woocommerce.shop import Row, Shop, StateFile
from channels.sandbox.woocommerce.site_endpoints import SiteEndpoints
from channels.sandbox.woocommerce.webhooks import Webhooks

KEY, SECRET = "ck_sandbox", "cs_sandbox"
KEPT_CALLS = 1000
JSON = "application/json; charset=UTF-8"
HTML = "text/html; charset=UTF-8"


def utc_now() -> dt.datetime:
    """Return the machine's time."""
    return dt.datetime.now(dt.UTC)


class WooCommerceSandbox:
    """One practice store. `app` is the WSGI app, `faults` the plan of what goes wrong, `calls` the last API calls.

    `https`: True asks for Basic as behind TLS, False for OAuth 1.0a, None goes by the connection.
    """

    def __init__(
        self,
        seed: Mapping[str, Any] | None = None,
        *,
        keys: Sequence[Mapping[str, str]] | None = None,
        https: bool | None = None,
        clock: Callable[[], dt.datetime] = utc_now,
        state_file: str | Path | None = None,
        webhook_delay: float = 0.0,
        random_seed: int = 0,
    ) -> None:
        seed = seed or {}
        self.https, self.faults = https, FaultPlan(seed=random_seed)
        self.shop = Shop(seed, clock)
        self.webhooks = Webhooks(self.shop, self._payload, delay=webhook_delay)
        self.catalogue = Catalogue(self.shop, self.webhooks.tell)
        self.ordering = Ordering(self.shop, self.catalogue, self.webhooks.tell)
        self.buying = Buying(self.shop, self.catalogue, self.ordering, seed=random_seed)
        given_keys = keys or seed.get("keys") or [{"key": KEY, "secret": SECRET, "permissions": "read_write"}]
        self.keys = [dict(key) for key in given_keys]
        self._door = Doorkeeper(self.keys, lambda: self.shop.clock().timestamp())
        self._orders = OrderEndpoints(self.shop, self.ordering)
        self._site = SiteEndpoints(self.shop, self.webhooks)
        self._products = ProductEndpoints(self.shop, self.catalogue)
        self._router = Router(self.shop.statuses, self._orders.table(), self._site.table(), self._products.table())
        self.calls: deque[Row] = deque(maxlen=KEPT_CALLS)
        self.app = faulty(self._wsgi, self.faults)
        self._file = StateFile(self.shop, Path(state_file)) if state_file else None
        if self._file is None or not self._file.load():
            self._plant(seed.get("products") or ())
        if self._file:
            self._file.start()

    @contextmanager
    def running(self, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
        """Serve the store inside the block and give its address."""
        with running(self.app, host, port) as url:
            self.webhooks.base = url
            try:
                yield url
            finally:
                self.close()

    def close(self) -> None:
        """Save the state a last time."""
        if self._file:
            self._file.stop()
            self._file = None

    # --- what a test or the demo does to the store ---

    def place_order(self, lines: Sequence[tuple[str, int]], **options: Any) -> Row:
        """Buy (SKU, pieces) at the check-out: see `Buying.place`. Returns the stored order."""
        return self.buying.place(lines, **options)

    def stock(self, sku: str) -> int | None:
        """Return the figure shown for a SKU; None when none is kept."""
        with self.shop.lock:
            keeper = self.catalogue.stock_keeper(self.buying.find(sku))
            return keeper["stock_quantity"] if keeper else None

    def set_stock(self, sku: str, quantity: int) -> None:
        """Change a figure as the seller would on the store's own page."""
        with self.shop.lock:
            self.catalogue.update(self.buying.find(sku), {"stock_quantity": quantity})

    def order(self, number: int | str) -> Row:
        """Return an order as the API shows it. Raises KeyError."""
        with self.shop.lock:
            return self._orders.showing.order(self.ordering.rows[int(number)], self.webhooks.base)

    def orders(self) -> list[Row]:
        """Return all stored orders, oldest first."""
        with self.shop.lock:
            return [dict(row) for row in self.ordering.rows.values()]

    def change_order(self, number: int | str, given: Mapping[str, Any]) -> None:
        """Change an order as the seller would on the store's own page: status, lines, addresses."""
        with self.shop.lock:
            self.ordering.update(self.ordering.rows[int(number)], given)

    def refund_order(self, number: int | str, given: Mapping[str, Any]) -> Row:
        """Refund an order by hand; `given` as the API takes it."""
        with self.shop.lock:
            return self.ordering.refund(self.ordering.rows[int(number)], {"api_refund": False, **given})

    def trash_order(self, number: int | str) -> None:
        """Put an order into the trash."""
        with self.shop.lock:
            self.ordering.trash(self.ordering.rows[int(number)])

    def notes(self, number: int | str) -> list[str]:
        """Return the texts of an order's notes, newest first."""
        with self.shop.lock:
            return [row["note"] for row in self.ordering.notes(int(number))]

    def _plant(self, products: Iterable[Mapping[str, Any]]) -> None:
        for seed in products:
            children = seed.get("variations") or ()
            kind = "variable" if children else "simple"
            row = self.catalogue.create({**_product(seed), "type": kind}, own_id=seed.get("id"))
            row["names"] = {name: seed[f"name_{name}"] for name in page.WORDS if seed.get(f"name_{name}")}
            for child in children:
                self.catalogue.create(_product(child), parent=row, own_id=child.get("id"))

    def _payload(self, resource: str, number: int) -> Any:
        """What a webhook carries: the thing as it is now, or the error of one that is gone."""
        try:
            if resource == "order":
                return self._orders.showing.order(self.ordering.get(number), self.webhooks.base)
            return self.catalogue.shown(self.catalogue.get(number), self.webhooks.base)
        except RestError as error:
            return error.body()

    # --- the wire ---

    def _wsgi(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started = time.perf_counter()
        request = Request.read(environ)
        if request.path.rstrip("/") == PREFIX or request.path.startswith(f"{PREFIX}/"):
            answer, kind = self._api(request, environ), JSON
            answer.headers = {"Link": f'<{request.base}{PREFIX}/>; rel="https://api.w.org/"', **answer.headers}
            call = {"method": request.method, "path": request.path, "query": request.raw_query, "status": answer.status}
            self.calls.append({**call, "seconds": round(time.perf_counter() - started, 4)})
        else:
            answer, kind = self._page(request)
        body = answer.value if isinstance(answer.value, bytes) else json.dumps(answer.value).encode()
        date = email.utils.format_datetime(self.shop.clock().astimezone(dt.UTC), usegmt=True)
        headers = [("Content-Type", kind), ("Date", date), *answer.headers.items()]
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
        return [body]

    def _api(self, request: Request, environ: Mapping[str, Any]) -> Answer:
        try:
            if request.path.rstrip("/") == PREFIX:
                return self._site.site(request)
            https = environ["wsgi.url_scheme"] == "https" if self.https is None else self.https
            self._door.admit(request, https=https)
            with self.shop.lock:
                answer = self._router.answer(request)
                if request.query.get("_fields") and answer.status < 300:
                    answer.value = only_fields(answer.value, str(request.query["_fields"]))
                # Written out under the lock: the rows below are the shop's own.
                answer.value = json.dumps(answer.value).encode()
        except RestError as error:
            return Answer(error.body(), error.status)
        return answer

    def _page(self, request: Request) -> tuple[Answer, str]:
        if request.path == "/_sandbox/state":
            return Answer(self.state()), JSON
        if request.path == "/_sandbox/calls":
            return Answer(list(self.calls)), JSON
        if request.path == "/_sandbox/orders" and request.method == "POST":
            return self._order_from_outside(request), JSON
        language = "zh" if self._language(request) == "zh" else "en"
        if request.path == "/buy" and request.method == "POST":
            return self._buy(str(request.body.get("sku", "")), language), HTML
        if request.path == "/":
            said = str(request.query.get("said") or "")
            text = page.sentence(language, "thanks", f"#{said}") if said.isdecimal() else ""
            with self.shop.lock:
                return Answer(page.render(self.buying, language, said=text).encode()), HTML
        return Answer(b"<h1>404</h1>", 404), HTML

    def _language(self, request: Request) -> str:
        asked = str(request.query.get("lang") or "")
        return asked or ("zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en")

    def _buy(self, sku: str, language: str) -> Answer:
        try:
            order = self.buying.place([(sku, 1)], shipping="4.90")
        except (SoldOut, KeyError):
            with self.shop.lock:
                text = page.sentence(language, "sold_out", sku)
                return Answer(page.render(self.buying, language, said=text, failed=True).encode(), 409)
        return Answer(b"", 303, {"Location": f"/?lang={language}&said={order['id']}"})

    def _order_from_outside(self, request: Request) -> Answer:
        """POST /_sandbox/orders {"lines": [["SKU", 1]], …} for tests that sit in another process."""
        try:
            wanted = dict(request.body)
            lines = [(str(sku), int(pieces)) for sku, pieces in wanted.pop("lines")]
            order = self.buying.place(lines, **wanted)
        except SoldOut as error:
            return Answer({"error": "sold_out", "sku": error.sku, "left": error.left}, 409)
        except (KeyError, TypeError, ValueError) as error:
            return Answer({"error": "bad_order", "message": str(error)}, 400)
        return Answer({"id": order["id"], "number": str(order["id"])}, 201)

    def state(self) -> Row:
        """Return what an onlooker wants to know, without secrets."""
        with self.shop.lock:
            goods = [
                {
                    "id": f"{row['parent_id']}:{row['id']}" if row["parent_id"] else str(row["id"]),
                    "sku": row["sku"],
                    "name": self.catalogue.full_name(row),
                    "stock": keeper["stock_quantity"] if (keeper := self.catalogue.stock_keeper(row)) else None,
                }
                for row in self.catalogue.rows.values()
                if row["type"] in {"simple", "variation"}
            ]
            orders = [
                {"id": row["id"], "status": row["status"], "modified": row["modified"]}
                for row in sorted(self.ordering.rows.values(), key=lambda row: -row["id"])[:200]
            ]
            hooks = [
                {"id": row["id"], "topic": row["topic"], "status": row["status"]} for row in self.webhooks.rows.values()
            ]
            deliveries = list(self.webhooks.log)
            return {
                "platform": "woocommerce",
                "name": self.shop.site["name"],
                "products": goods,
                "order_count": len(self.ordering.rows),
                "orders": orders,
                "webhooks": hooks,
                "deliveries": deliveries,
            }


def _product(seed: Mapping[str, Any]) -> Row:
    """Turn a seed row into what the API would be given; `stock` null means that no figure is kept."""
    stock = seed.get("stock")
    given: Row = {
        "name": seed.get("name", ""),
        "sku": seed.get("sku", ""),
        "regular_price": str(seed.get("price", "")),
        "global_unique_id": seed.get("barcode") or "",
        "manage_stock": seed.get("manage_stock", stock is not None),
        "virtual": bool(seed.get("virtual")),
        "status": seed.get("status", "publish"),
    }
    if stock is not None:
        given["stock_quantity"] = stock
    if seed.get("option"):
        given["attributes"] = [{"name": seed.get("attribute", "Option"), "option": seed["option"]}]
    return given
