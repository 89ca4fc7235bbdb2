"""What the order tests share: currencies, and one listener for the news."""

import pytest

from backoffice import outbox
from finance.currencies import seed_currencies


@pytest.fixture(autouse=True)
def _currencies(request):
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("transactional_db" if _transactional(request) else "db")
        seed_currencies()


def _transactional(request) -> bool:
    return bool(request.node.get_closest_marker("django_db").kwargs.get("transaction"))


@pytest.fixture(autouse=True)
def one_consumer(monkeypatch):
    """Exactly one listener for news of orders, whatever the apps above have registered."""
    monkeypatch.setattr(outbox, "_consumers", {})
    outbox.register_consumer("orders.OrderEventDelivery", "tracking")
