"""A practice store on a real socket and a connector that calls it."""

import datetime as dt

import pytest

from backoffice.calls.http import make_client
from channels.connectors.base import ConnectorConfig
from channels.connectors.woocommerce import WooCommerceConnector
from channels.sandbox.woocommerce import WooCommerceSandbox

CREDENTIALS = {"consumer_key": "ck_sandbox", "consumer_secret": "cs_sandbox", "webhook_secret": "whsec"}
SEED = {
    "name": "Teehaus",
    "currency": "EUR",
    "country": "DE",
    "timezone": "Europe/Berlin",
    "prices_include_tax": True,
    "tax_percent": "20",
    "statuses": {"packed": "Packed"},
    "products": [
        {"id": 12, "name": "Green tea", "sku": "TEA", "price": "11.50", "stock": 50, "barcode": "4000000000001"},
        {"id": 13, "name": "Gaiwan", "sku": "GW", "price": "24.00", "stock": 10},
        {"id": 14, "name": "Gift card", "sku": "CARD", "price": "25.00", "virtual": True},
        {
            "id": 18,
            "name": "T-shirt",
            "sku": "TS",
            "variations": [
                {"id": 19, "option": "S", "sku": "TS-S", "price": "19.90", "stock": 10},
                {"id": 20, "option": "M", "sku": "TS-M", "price": "19.90", "stock": 10},
                {"id": 21, "option": "L", "price": "19.90", "stock": 10},
            ],
        },
        {
            "id": 30,
            "name": "Pooled cup",
            "sku": "CUP",
            "price": "8.00",
            "manage_stock": True,
            "stock": 7,
            "variations": [{"id": 31, "option": "Red", "sku": "CUP-R", "price": "8.00", "manage_stock": "parent"}],
        },
    ],
}


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.moment = dt.datetime(2026, 11, 21, 16, 41, 44, tzinfo=dt.UTC)

    def __call__(self):
        return self.moment

    def forward(self, seconds):
        self.moment += dt.timedelta(seconds=seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(clock):
    return WooCommerceSandbox(SEED, clock=clock)


@pytest.fixture
def url(store):
    with store.running() as address:
        yield address


@pytest.fixture(scope="session")
def http():
    return make_client(allow=["127.0.0.1"], total_timeout=5, read_timeout=3)


def connector_to(address, http, clock, *, credentials=CREDENTIALS, **options):
    """Return a connector for the store at `address`."""
    config = ConnectorConfig(
        account="7",
        base_url=address,
        credentials=credentials,
        options=options,
        clock=clock or (lambda: dt.datetime.now(dt.UTC)),
    )
    return WooCommerceConnector(config, http)


@pytest.fixture
def woo(url, http, clock):
    return connector_to(url, http, clock)
