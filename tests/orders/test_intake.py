"""Orders come in: stored once, judged, booked and reserved."""

from decimal import Decimal

import pytest

from finance.currencies import seed_currencies
from orders.contracts import OrderStatus, PaymentStatus
from orders.models import Order, OrderVersion, ReviewLog
from tests.orders.factories import Seller, at, later, line, order

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _currencies(db):
    seed_currencies()


def test_a_good_order_is_approved_and_reserved():
    seller = Seller(MUG=5)
    assert seller.take(order(1, line("MUG", 2))) == ["created"]
    found = seller.order(1)
    assert (found.state, found.hold_code, found.total) == ("approved", "", Decimal("20"))
    assert seller.buckets("MUG") == (5, 0, 2)
    log = ReviewLog.objects.get(order=found)
    assert (log.verdict, log.findings) == ("approved", [])
    assert log.version_id == found.accepted_version_id == OrderVersion.objects.get(order=found).pk
