"""The practice carrier over a real socket, reachable for our own HTTP client."""

import pytest

from orders.carriers.sandbox.app import CarrierSandbox


@pytest.fixture
def carrier():
    """The practice carrier; `carrier.url` is where it answers."""
    made = CarrierSandbox()
    made.faults.sleep = lambda seconds: None
    with made.running() as url:
        made.url = url
        yield made


@pytest.fixture
def open_way(carrier, settings):
    """Let our side call it."""
    settings.EGRESS_ALLOW = [carrier.url.removeprefix("http://")]
    return carrier
