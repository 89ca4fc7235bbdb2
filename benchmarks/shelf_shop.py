"""A sandbox shop in a process of its own that notes when each figure was written: `python -m benchmarks.shelf_shop`.

GET /bench/writes gives [[time, SKU, quantity], …] as the shop took them; POST /bench/order {"sku": …} buys one piece
and answers with the moment the order existed.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from backoffice.practice.server import SandboxServer
from channels.sandbox.shopify import ShopifySandbox
from channels.sandbox.woocommerce import WooCommerceSandbox

ADDRESS = {"city": "Hamburg", "phone": "+49 40 1234567"}


class ShopifyBench:
    """The Shopify sandbox, unthrottled."""

    def __init__(self, skus: list[str], stock: int) -> None:
        products = [{"title": sku, "sku": sku, "price": "10.00", "stock": stock} for sku in skus]
        shop = {"name": "Bench", "domain": "bench.myshopify.com", "currency": "EUR", "country": "DE"}
        place = [{"id": "gid://shopify/Location/1", "name": "Main", "country": "DE"}]
        seed = {"shop": shop, "locations": place, "products": products}
        self.shop = ShopifySandbox(seed, token="shpat_bench", secret="secret", throttle=False)  # noqa: S106
        self.app = self.shop
        self.items = {row["item"]: row["sku"] for row in self.shop.store.variants.values()}

    def buy(self, sku: str) -> None:
        """One piece."""
        address = {**ADDRESS, "name": "Anna Weber", "address1": "Hauptstr. 5", "zip": "20095", "countryCode": "DE"}
        self.shop.place_order([{"sku": sku, "quantity": 1}], shipping_address=address)

    def written(self, path: str, request: bytes, answer: bytes) -> list[tuple[str, int]]:
        """The figures that a call set, none when it was refused."""
        if b"inventorySetQuantities" not in request or b'"userErrors": []' not in answer.replace(b'":[', b'": ['):
            return []
        rows = json.loads(request)["variables"]["input"]["quantities"]
        return [(self.items[row["inventoryItemId"]], int(row["quantity"])) for row in rows]


class WooBench:
    """The WooCommerce sandbox."""

    def __init__(self, skus: list[str], stock: int) -> None:
        products = [{"name": sku, "sku": sku, "price": "10.00", "stock": stock} for sku in skus]
        keys = [{"key": "ck_bench", "secret": "cs_bench", "permissions": "read_write"}]
        self.shop = WooCommerceSandbox({"name": "Bench", "currency": "EUR", "products": products}, keys=keys)
        self.app = self.shop.app
        self.items = {row["id"]: row["sku"] for row in self.shop.catalogue.rows.values()}

    def buy(self, sku: str) -> None:
        """One piece."""
        buyer = {
            **ADDRESS, "first_name": "Anna", "last_name": "Weber", "address_1": "Hauptstr. 5", "postcode": "20095",
            "country": "DE", "email": "anna@example.com",
        }  # fmt: skip
        self.shop.place_order([(sku, 1)], buyer=buyer)

    def written(self, path: str, request: bytes, answer: bytes) -> list[tuple[str, int]]:
        """The figures that a batch set."""
        if not re.search(r"/batch$", path) or not request:
            return []
        rows = json.loads(request).get("update", [])
        return [(self.items[row["id"]], int(row["stock_quantity"])) for row in rows if "stock_quantity" in row]


KINDS: dict[str, type[ShopifyBench] | type[WooBench]] = {"shopify": ShopifyBench, "woocommerce": WooBench}


class Noting:
    """The shop's app with an eye on what is written."""

    def __init__(self, bench: ShopifyBench | WooBench) -> None:
        self.bench = bench
        self.writes: list[tuple[float, str, int]] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/bench/writes":
            return self._json(start_response, self.writes)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if path == "/bench/order":
            self.bench.buy(json.loads(body)["sku"])
            return self._json(start_response, {"at": time.time()})
        import io

        environ["wsgi.input"] = io.BytesIO(body)
        answer = b"".join(self.bench.app(environ, start_response))
        now = time.time()
        self.writes += [(now, sku, quantity) for sku, quantity in self.bench.written(path, body, answer)]
        return [answer]

    def _json(self, start_response: Callable[..., Any], value: object) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(value).encode()]


def main() -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("--skus", type=int, required=True)
    parser.add_argument("--stock", type=int, required=True)
    chosen = parser.parse_args()
    bench = KINDS[chosen.kind]([f"BENCH-{number:03}" for number in range(chosen.skus)], chosen.stock)
    server = SandboxServer(Noting(bench), "127.0.0.1", 0)
    if isinstance(bench, WooBench):
        bench.shop.webhooks.base = server.url
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sys.stdout.write(f"{server.url}\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
