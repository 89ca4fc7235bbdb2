"""Due rows become work; two dispatchers share it; a sale in one shop reaches the other."""

import datetime as dt
import threading
import time
from contextlib import closing

import pytest
from django.db import connection, connections

from backoffice import clock, health
from backoffice.models import Heartbeat
from channels import dispatcher as dispatching
from channels import due, listings, pull, restored, tasks, working
from channels.dispatcher import Dispatcher
from channels.models import Account, DueWork, SyncError, WebhookArrival
from inventory.models import ShopWarehouse
from orders.models import Order, OrderVersion
from tests.channels.engine.conftest import settle_down
from tests.channels.engine.test_webhooks import call
from tests.inventory import factories as stock
from tests.inventory.factories import buckets
from tests.inventory.invariants import broken

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def two(connect):
    """Two shops that sell the same goods from one warehouse."""
    first = connect()
    second = connect("plainshop", first.place)
    sku = stock.sku()
    stock.stock(sku, first.place, 50)
    for made in (first, second):
        made.front.offer("A", sku.code, 50)
        made.sku, made.place = sku, first.place
        listings.sync(made.account.pk)
        settle_down(made)
    assert ShopWarehouse.objects.count() == 2
    return first, second


@pytest.fixture
def running():
    """Dispatchers in this process, stopped and joined at the end."""
    started = []

    def start(count=1):
        for _ in range(count):
            one = Dispatcher(threads=4, inline=True)
            thread = threading.Thread(target=_loop, args=(one,))
            thread.start()
            started.append((one, thread))

    yield start
    working.stop()
    for one, thread in started:
        thread.join(20)
        one.pool.shutdown(wait=True)
    working._stop.clear()


def _loop(one):
    while not working.stopping():
        one.once()
        time.sleep(0.02)
    # Each thread of the pool holds a connection of its own.
    for _ in range(8):
        one.pool.submit(connections.close_all)
    connections.close_all()


def until(condition, seconds=20.0):
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


def test_a_sale_in_one_shop_lowers_the_other(two, running):
    first, second = two
    running()
    order = first.front.buy(("A", 3))
    call(first, order=order)
    assert until(lambda: second.front.stock["A"] == 47)
    assert first.front.stock["A"] == 47


def test_two_dispatchers_do_nothing_twice(two, running):
    first, second = two
    running(2)
    for number in range(10):
        order = first.front.buy(("A", 1))
        call(first, order=order, delivery=f"d{number}")
    assert until(lambda: second.front.stock["A"] == 40)
    assert until(lambda: WebhookArrival.objects.exclude(state="done").count() == 0)
    assert Order.objects.count() == 10
    on_hand, demand, reserved = buckets(first.sku, first.place)
    assert (on_hand, demand + reserved) == (50, 10)


@pytest.mark.postgres
def test_connections_that_drop_in_the_middle_of_everything_lose_nothing(two, running, later):
    """F09: PostgreSQL ends all connections again and again, as a restart does; what was cut off is done later, once."""
    first, second = two
    running(2)
    cut, orders = 0, []
    outside = connection.copy()
    with closing(outside), outside.cursor() as cursor:
        for number in range(10):
            orders.append(first.front.buy(("A", 1)))
            for delivery in (f"a{number}", f"b{number}"):
                threading.Thread(target=_told, args=(first, orders[-1], delivery)).start()
            until(lambda: _others(cursor, "count(*)", "xact_start IS NOT NULL"), seconds=0.5)
            cut += _others(cursor, "count(pg_terminate_backend(pid))", "true")
    connection.close()
    assert cut > 10
    later(minutes=10)  # the leases of what was cut off end
    pull.run(first.account.pk)
    assert until(lambda: (first.front.stock["A"], second.front.stock["A"]) == (40, 40))
    assert until(lambda: not WebhookArrival.objects.filter(state="waiting").exists())
    assert sorted(Order.objects.values_list("external_id", flat=True)) == sorted(orders)
    assert OrderVersion.objects.count() == 10
    on_hand, demand, reserved = buckets(first.sku, first.place)
    assert (on_hand, demand + reserved) == (50, 10)
    assert broken() == []


def _others(cursor, figure, which):
    """A figure about the other connections to this database."""
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    cursor.execute(f"SELECT {figure} {others} AND {which}")
    return cursor.fetchone()[0]


def _told(made, order, delivery):
    """The platform calls, and calls again until it is thanked."""
    try:
        while call(made, order=order, delivery=delivery).status_code != 200:
            connection.close()
            time.sleep(0.1)
    finally:
        connection.close()


def test_the_dispatcher_shows_that_it_lives(two):
    one = Dispatcher(inline=True)
    one.once()
    one.pool.submit(connections.close_all)
    one.pool.shutdown(wait=True)  # else its work meets the emptying of the tables
    assert Heartbeat.objects.get(kind="dispatcher").name == health.process_name("dispatcher")


def test_work_that_fails_is_tried_again_and_the_loop_goes_on(two, running, monkeypatch):
    first, _second = two
    monkeypatch.setattr(dispatching, "CALM_AFTER_FAULT", 0.01)
    broken = iter([RuntimeError("odd"), None])

    def odd(account_id):
        fault = next(broken, None)
        if fault:
            raise fault
        return real(account_id)

    real = tasks.hooks
    monkeypatch.setattr(tasks, "hooks", odd)
    running()
    order = first.front.buy(("A", 1))
    call(first, order=order)
    assert until(lambda: Order.objects.count() == 1)


def test_a_regular_job_that_breaks_is_noted_and_due_again(two, monkeypatch):
    first, _second = two
    monkeypatch.setitem(tasks.REGULAR, "orders", _broken)
    assert tasks.regular("orders", first.account.pk) == "ZeroDivisionError"
    job = DueWork.objects.get(account=first.account, kind="orders")
    assert (job.failures, job.code, job.queued_until) == (1, "ZeroDivisionError", None)


def _broken(account_id):
    return 1 / 0


def test_a_paused_account_is_given_nothing(two):
    first, second = two
    Account.objects.filter(pk=first.account.pk).update(state="paused")
    DueWork.objects.update(queued_until=None)
    for account in (first.account, second.account):
        due.soon(account.pk, due.ORDERS)
    assert {one.account_id for one in due.claim()} == {second.account.pk}


# --- a restored backup -----------------------------------------------------------------------------------------------


def test_a_database_older_than_what_this_machine_saw_holds_all_writes(two, tmp_path, settings):
    settings.VAR_DIR = tmp_path
    assert restored.check() is False
    restored.mark()
    marked = restored._read()
    restored._path().write_text(restored.json.dumps({**marked, "inventory.stockentry": 10**6}))
    assert restored.check() is True
    assert {account.writes for account in Account.objects.all()} == {False}
    assert set(SyncError.objects.values_list("code", flat=True)) == {"restored_backup"}
    assert restored.check() is False


def test_another_database_is_not_an_older_one(two, tmp_path, settings):
    settings.VAR_DIR = tmp_path
    restored._path().write_text(restored.json.dumps({"database": "elsewhere", "inventory.stockentry": 10**6}))
    assert restored.check() is False


def test_after_a_restore_orders_come_back_and_nothing_is_written(two, running):
    from channels import accounts

    first, second = two
    accounts.hold_writes(because="restored_backup", actor="test")
    running()
    first.front.buy(("A", 3))
    pull.sync_now(first.account.pk)
    assert until(lambda: Order.objects.count() == 1)
    time.sleep(0.5)
    assert second.front.stock["A"] == 50


def test_a_start_looks_at_the_subscriptions_at_once(two):
    first, _second = two
    later = clock.now() + dt.timedelta(hours=1)
    DueWork.objects.filter(account=first.account).update(due_at=later)
    working.stop()
    try:
        Dispatcher(inline=True).run()
    finally:
        working._stop.clear()
    soon = DueWork.objects.filter(account=first.account, due_at__lt=later)
    assert set(soon.values_list("kind", flat=True)) == {due.HOOKS}
