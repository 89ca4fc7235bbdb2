"""What the order tests share: currencies, and one listener for the news."""

import pytest
from django.apps import apps

from backoffice import outbox
from finance.currencies import seed_currencies
from orders.desk import kept


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


@pytest.fixture(autouse=True)
def nothing_there_is_left_out(monkeypatch, request):
    """Whatever page a test looks at: what an order is said to lack is not there, and would not have been read either.

    Not where questions to the database are counted.
    """
    if {"django_assert_num_queries", "django_assert_max_num_queries"} & set(request.fixturenames):
        return
    lacks, rows = kept.lacks, kept.rows

    def checked(order, *kinds):
        if lacking := lacks(order, *kinds):
            for kind in kinds:
                name, path = kept.KINDS[kind]
                assert not apps.get_model("orders", name)._base_manager.filter(**{path: order.pk}).exists(), kind
        return lacking

    def read(order, kind, wanted):
        found = rows(order, kind, wanted)
        assert found.count() == wanted.count(), kind
        return found

    monkeypatch.setattr(kept, "lacks", checked)
    monkeypatch.setattr(kept, "rows", read)
