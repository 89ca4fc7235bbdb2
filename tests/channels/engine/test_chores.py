"""Housekeeping that the dispatcher starts: what other programs read must move without a hand."""

import datetime as dt

import pytest

from backoffice import clock
from channels import chores
from orders import feed
from orders.models import Order, OrderFeed
from tests.orders.factories import Seller, line, order

pytestmark = pytest.mark.django_db


def chore(name):
    return next(one for one in chores.CHORES if one.name == name)


def test_changed_orders_reach_the_feed_by_themselves(monkeypatch):
    monkeypatch.setattr(chores, "FEED_PAGE", 2)
    seller = Seller(MUG=50)
    seller.take(*(order(number, line("MUG")) for number in range(1, 6)))
    assert chore("feed") in chores.due()
    chore("feed").run()
    assert feed.changes(after=0, limit=10, orders=Order.objects.all()).last == 5
    assert OrderFeed.objects.count() == 5


def test_a_chore_rests_for_its_interval(monkeypatch):
    chore("feed").run()
    assert chore("feed") not in chores.due()
    later = clock.now() + dt.timedelta(seconds=chore("feed").every + 1)
    with clock.moved_to(lambda: later):
        assert chore("feed") in chores.due()
