"""Housekeeping that the dispatcher starts: what other programs read must move without a hand."""

import datetime as dt

import pytest

from backoffice import clock, progress
from channels import chores
from channels.models import Account, OrderFile, PollRun
from orders import feed
from orders.models import Order, OrderFeed
from tests.inventory import factories as stock
from tests.orders.factories import Seller, line, order

pytestmark = pytest.mark.django_db


def chore(name):
    return next(one for one in chores.CHORES if one.name == name)


def test_changed_orders_reach_the_feed_by_themselves(monkeypatch):
    monkeypatch.setattr(chores, "FEED_PAGE", 2)
    seller = Seller(MUG=50)
    seller.take(*(order(number, line("MUG")) for number in range(1, 6)))
    assert chore("feed") in chores.due()
    chores.run(chore("feed"))
    assert feed.changes(after=0, limit=10, orders=Order.objects.all()).last == 5
    assert OrderFeed.objects.count() == 5


def test_a_chore_rests_for_its_interval(monkeypatch):
    chores.run(chore("feed"))
    assert chore("feed") not in chores.due()
    later = clock.now() + dt.timedelta(seconds=chore("feed").every + 1)
    with clock.moved_to(lambda: later):
        assert chore("feed") in chores.due()


@pytest.fixture
def account():
    """A shop that sends files."""
    return Account.objects.create(shop=stock.shop(stock.warehouse(), currency="CNY", country="CN"), platform="files")


def test_files_nobody_took_in_go_and_those_being_taken_in_stay(people, account):
    user = people["superuser"]
    now = clock.now()
    old, fresh = now - chores.KEEP_UNCONFIRMED - dt.timedelta(minutes=1), now

    def file(name, uploaded_at, bar_moved_at=None):
        bar = progress.start("channels.order_file", user, 10).row if bar_moved_at else None
        if bar:
            type(bar).objects.filter(pk=bar.pk).update(updated_at=bar_moved_at)
        OrderFile.objects.create(account=account, uploaded_by=user, uploaded_at=uploaded_at, name=name, progress=bar)

    file("forgotten", old)
    file("fresh", fresh)
    file("running", old, bar_moved_at=fresh)
    file("worker died", old, bar_moved_at=old)
    chores.run(chore("tidy"))
    assert set(OrderFile.objects.values_list("name", flat=True)) == {"fresh", "running"}


def test_a_file_visit_cut_off_by_a_crash_is_closed_as_lost(account):
    long_ago = clock.now() - chores.KEEP_UNCONFIRMED - dt.timedelta(minutes=1)

    def visit(kind, started_at, created=1):
        run = PollRun.objects.create(account=account, kind=kind, trigger="file", started_at=started_at, created=created)
        return run.pk

    cut_off, going, polled = visit("file", long_ago), visit("file", clock.now()), visit("orders", long_ago)
    chores.run(chore("tidy"))
    said = dict(PollRun.objects.values_list("pk", "outcome"))
    assert said == {cut_off: "lost", going: "", polled: ""}
    assert PollRun.objects.get(pk=cut_off).ended_at is not None
