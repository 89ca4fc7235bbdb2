"""A sandbox shop on a real socket, and connectors that talk to it."""

from __future__ import annotations

import datetime as dt
import functools
import gzip
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from graphql import GraphQLSchema, build_client_schema

from backoffice.calls.http import make_client
from backoffice.practice.server import running
from channels.connectors.base import ConnectorConfig
from channels.connectors.shopify import ShopifyConnector
from channels.connectors.shopify.throttle import forget_buckets
from channels.sandbox.shopify import ShopifySandbox
from channels.sandbox.shopify.schema import published_file

TOKEN, SECRET = "shpat_0123456789abcdef", "hush-hush-secret"
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
SEED: dict[str, Any] = {
    "shop": {"name": "Harbour & Hill", "domain": "harbour-hill.myshopify.com", "currency": "USD", "country": "US"},
    "tax_rate": "0.1",
    "locations": [{"name": "Main", "country": "US"}, {"name": "Berlin", "country": "DE"}],
    "products": [
        {"title": "Tote", "sku": "TOTE", "barcode": "400001", "price": "24.00", "stock": {"Main": 30, "Berlin": 5}},
        {"title": "Mug", "sku": "MUG", "barcode": "400002", "price": "14.50", "stock": {"Main": 12}},
        {"title": "Candle", "sku": "CANDLE", "price": "18.00", "stock": {"Main": 5}, "policy": "CONTINUE"},
    ],
}
ADDRESS = {
    "name": "Ann Bell",
    "address1": "221 Oak Avenue",
    "city": "Portland",
    "province": "Oregon",
    "zip": "97205",
    "countryCode": "US",
    "phone": "+15550001111",
}


@pytest.fixture(autouse=True)
def fresh_process() -> None:
    """Nothing learnt about points by an earlier test."""
    forget_buckets()


@pytest.fixture
def shop() -> Iterator[ShopifySandbox]:
    """A shop with three products, that counts no points."""
    opened = open_shop()
    yield opened
    opened.close()


@pytest.fixture
def url(shop) -> Iterator[str]:
    """Where the shop answers."""
    with running(shop) as address:
        yield address


@pytest.fixture
def connector(url) -> ShopifyConnector:
    """A connector to the shop that may wait."""
    return connect(url)


@pytest.fixture(scope="session")
def published_schema() -> GraphQLSchema:
    """The whole schema as Shopify publishes it."""
    return build_client_schema(published_introspection(), assume_valid=True)


def published_introspection() -> dict[str, Any]:
    """Return the published introspection."""
    with gzip.open(published_file()) as packed:
        return json.load(packed)["data"]


def open_shop(seed: dict[str, Any] = SEED, **options: Any) -> ShopifySandbox:
    """Open a shop; without `throttle` it counts no points."""
    return ShopifySandbox(seed, token=TOKEN, secret=SECRET, **{"throttle": False, **options})


def connect(
    url: str,
    *,
    credentials: dict[str, str] | None = None,
    http: Any = None,
    sleep: Callable[[float], None] | None = time.sleep,
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    account: str = "1",
    base_url: str = "",
    **options: Any,
) -> ShopifyConnector:
    """Return a connector to a shop."""
    secrets = {"access_token": TOKEN, "client_secret": SECRET} if credentials is None else credentials
    config = ConnectorConfig(
        account=account, base_url=base_url or url, credentials=secrets, options=options, clock=clock, sleep=sleep
    )
    return ShopifyConnector(config, http or shared_client())


@functools.cache
def shared_client() -> Any:
    """Return one client for all tests: loading the certificates takes longer than most of them."""
    return make_client(allow=["127.0.0.1"], read_timeout=5.0, total_timeout=5.0)


def all_orders(connector: ShopifyConnector, since: dt.datetime = LONG_AGO) -> list[Any]:
    """Return all raw orders."""
    return [order for page in connector.pull_orders(since=since) for order in page.orders]


def parsed(connector: ShopifyConnector, order: dict[str, Any]) -> Any:
    """Return an order of the sandbox as it arrives with us."""
    raw = connector.pull_order(order["id"])
    assert raw is not None
    return connector.parse_order(raw.body)


def keys_of(connector: ShopifyConnector) -> dict[str, Any]:
    """Return SKU → listing."""
    return {listing.sku: listing for page in connector.pull_listings() for listing in page.listings}


class Recorder:
    """An HTTP client that remembers the GraphQL requests it passes on."""

    def __init__(self) -> None:
        self.inner = shared_client()
        self.sent: list[dict[str, Any]] = []

    def request(self, method: str, url: str, **options: Any) -> Any:
        if options.get("json"):
            self.sent.append(options["json"])
        return self.inner.request(method, url, **options)
