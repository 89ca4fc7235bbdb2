"""What several stock tests share."""

import pytest

from backoffice import outbox


@pytest.fixture
def one_consumer(monkeypatch):
    """Exactly one listener for stock changes, whatever the apps above have registered."""
    monkeypatch.setattr(outbox, "_consumers", {})
    outbox.register_consumer("inventory.StockChangeDelivery", "tester")
