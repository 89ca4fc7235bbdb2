"""One face for every platform's sandbox: a shop with two goods, what buyers do there, and faults on the wire."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from backoffice.calls.http import make_client
from backoffice.practice.server import running
from channels.connectors.base import Connector, ConnectorConfig
from channels.registry import connector_class
from channels.sandbox.shopify import ShopifySandbox
from channels.sandbox.shopify.schema import best_schema
from channels.sandbox.woocommerce import WooCommerceSandbox

GOODS = {"TEA": 20, "CUP": 7}
ADDRESS = {"name": "Anna Weber", "city": "Hamburg", "phone": "+49 40 1234567"}


@dataclasses.dataclass
class Counter:
    """A sandbox shop seen from the street: `buy`, `stock`, `recount` (behind our back), `faults`, `parcels`."""

    platform: str
    url: str
    credentials: dict[str, str]
    options: dict[str, Any]
    buy: Callable[[str, int], str]
    stock: Callable[[str], int]
    recount: Callable[[str, int], None]
    parcels: Callable[[str], int]
    faults: Any
    write_path: str
    refunds: Callable[[str], list[str]] = list  # amounts given back on an order
    refund_path: str = ""
    sandbox: Any = None

    def connector(self, **credentials: str) -> Connector:
        """A connector to the shop; other credentials than its own on request."""
        config = ConnectorConfig(
            account="contract",
            base_url=self.url,
            credentials={**self.credentials, **credentials},
            options=self.options,
        )
        # Short times, so that a store that hangs costs a test two seconds.
        return connector_class(self.platform)(
            config, make_client(allow=["127.0.0.1"], read_timeout=1.5, total_timeout=2.0)
        )


@contextmanager
def shopify(goods=None) -> Iterator[Counter]:
    """The Shopify sandbox with one location."""
    seed = {
        "shop": {"name": "Contract", "domain": "contract.myshopify.com", "currency": "EUR", "country": "DE"},
        "locations": [{"id": "gid://shopify/Location/1", "name": "Main", "country": "DE"}],
        "products": [
            {"title": sku, "sku": sku, "price": "10.00", "stock": figure} for sku, figure in (goods or GOODS).items()
        ],
    }
    shop = ShopifySandbox(
        seed, token="shpat_contract", secret="shopify-secret", throttle=False, graphql_schema=best_schema()
    )
    address = {**ADDRESS, "address1": "Hauptstr. 5", "zip": "20095", "countryCode": "DE"}
    with running(shop) as url:
        yield Counter(
            platform="shopify",
            url=url,
            credentials={"access_token": "shpat_contract", "client_secret": "shopify-secret"},
            options={"shop_domain": "contract.myshopify.com"},
            buy=lambda sku, pieces: shop.place_order([{"sku": sku, "quantity": pieces}], shipping_address=address)[
                "id"
            ],
            stock=shop.stock,
            recount=shop.set_stock,
            parcels=lambda order: len(shop.store.orders[order]["fulfillments"]),
            faults=shop.faults,
            write_path="operation=SetStock",
            refunds=lambda order: [f"{Decimal(row['amount']):.2f}" for row in shop.store.orders[order]["refunds"]],
            refund_path="operation=Refund$",
            sandbox=shop,
        )
    shop.close()


@contextmanager
def woocommerce(goods=None) -> Iterator[Counter]:
    """The WooCommerce sandbox."""
    seed = {
        "name": "Contract",
        "currency": "EUR",
        "refunding_gateways": ["stripe"],
        "products": [
            {"name": sku, "sku": sku, "price": "10.00", "stock": figure} for sku, figure in (goods or GOODS).items()
        ],
    }
    keys = [{"key": "ck_contract", "secret": "cs_contract", "permissions": "read_write"}]
    shop = WooCommerceSandbox(seed, keys=keys)
    buyer = {
        "first_name": "Anna", "last_name": "Weber", "address_1": "Hauptstr. 5", "city": "Hamburg", "postcode": "20095",
        "country": "DE", "phone": "+49 40 1234567", "email": "anna@example.com",
    }  # fmt: skip
    with shop.running() as url:
        yield Counter(
            platform="woocommerce",
            url=url,
            credentials={
                "consumer_key": "ck_contract",
                "consumer_secret": "cs_contract",
                "webhook_secret": "woo-secret",
            },
            options={},
            buy=lambda sku, pieces: str(shop.place_order([(sku, pieces)], buyer=buyer)["id"]),
            stock=shop.stock,
            recount=shop.set_stock,
            parcels=lambda order: len([note for note in shop.notes(order) if "TRACK-1" in note]),
            faults=shop.faults,
            write_path="/batch",
            refunds=lambda order: [row["amount"] for row in shop.ordering.refunds(int(order))],
            refund_path=r"/orders/\d+/refunds",
            sandbox=shop,
        )


COUNTERS = {"shopify": shopify, "woocommerce": woocommerce}
