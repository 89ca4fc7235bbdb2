"""What the tests of late orders start from: handling times, late orders, causes."""

import datetime as dt

from orders.late import recount
from orders.models import Order, ShipPolicy
from tests.orders.factories import NOW

WEEK = [0, 1, 2, 3, 4]
HOUR = dt.timedelta(hours=1)


def policy(shop=None, **fields) -> ShipPolicy:
    """Two hours round the clock in Berlin unless said otherwise."""
    values = {"amount": 2, "unit": "hours", "time_zone": "Europe/Berlin", "work_days": WEEK, "keeps_holidays": False}
    return ShipPolicy.objects.create(shop=shop, **{**values, **fields})


def due_in(order: Order, hours: float) -> Order:
    """Let an order have to leave so many hours after the tests' morning."""
    order.due_at = NOW + hours * HOUR
    order.save(update_fields=["due_at"])
    return order


def recounted() -> None:
    """Work all open orders out again."""
    assert recount.nightly() == "ok"
