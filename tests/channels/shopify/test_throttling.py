"""Keeping to what Shopify allows: Retry-After in all its forms (F15), points, THROTTLED inside a 200, page sizes."""

import datetime as dt
import email.utils

import pytest

from backoffice.practice.server import running
from channels.connectors.base import ConnectorError, StockKey, StockWrite, WriteStatus
from channels.connectors.shopify import documents
from channels.connectors.shopify.client import LONGEST_SLEEP
from channels.connectors.shopify.throttle import Bucket, bucket_for
from channels.sandbox.shopify import Bucket as ShopBucket
from tests.channels.shopify.conftest import LONG_AGO, all_orders, connect, keys_of, open_shop

START = dt.datetime(2026, 11, 11, 8, 0, tzinfo=dt.UTC)


class Clock:
    """A clock that moves only when somebody sleeps."""

    def __init__(self):
        self.now, self.slept = START, []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += dt.timedelta(seconds=seconds)


@pytest.fixture
def clock():
    """A clock of our own, shared by shop and connector."""
    return Clock()


def refuse(shop, after, count=1):
    headers = {} if after is None else {"Retry-After": after}
    return shop.faults.add("status", "graphql", status=429, headers=headers, count=count)


def in_an_hour():
    return email.utils.format_datetime(START + dt.timedelta(hours=1), usegmt=True)


@pytest.mark.parametrize(
    ("after", "wait"),
    [("7", 7.0), ("1.5", 1.5), ("86400", 86_400.0), ("999999999", 86_400.0), (in_an_hour(), 3600.0)],
)
def test_the_wait_asked_for_is_passed_on(shop, url, clock, after, wait):
    refuse(shop, after)
    with pytest.raises(ConnectorError) as caught:
        connect(url, sleep=None, clock=clock).test_connection()
    assert (caught.value.code, caught.value.retry_after, caught.value.permanent) == ("throttled", wait, False)


@pytest.mark.parametrize("after", [None, "0", "-5", "soon", "Wed, 01 Jan 2020 00:00:00 GMT"])
def test_without_a_usable_wait_we_choose_one(shop, url, clock, after):
    refuse(shop, after)
    with pytest.raises(ConnectorError) as caught:
        connect(url, sleep=None, clock=clock).test_connection()
    assert caught.value.retry_after == 2.0


def test_no_call_goes_out_before_the_stamp_not_even_by_another_connector(shop, url, clock):
    refuse(shop, "60")
    for _ in range(3):
        with pytest.raises(ConnectorError, match="throttled"):
            connect(url, sleep=None, clock=clock).test_connection()
    assert len(shop.calls) == 1
    clock.now += dt.timedelta(seconds=60)
    assert connect(url, sleep=None, clock=clock).test_connection().name == "Harbour & Hill"


def test_other_accounts_are_not_held_up(shop, url, clock):
    refuse(shop, "60")
    with pytest.raises(ConnectorError):
        connect(url, sleep=None, clock=clock).test_connection()
    assert connect(url, sleep=None, clock=clock, account="2").test_connection().name == "Harbour & Hill"


def test_where_waiting_is_allowed_the_call_waits_and_goes_through(shop, url, clock):
    refuse(shop, "7", count=2)
    assert connect(url, sleep=clock.sleep, clock=clock).test_connection().name == "Harbour & Hill"
    assert clock.slept == [7.0, 7.0]


def test_without_a_stamp_the_waits_grow_and_then_it_is_given_up(shop, url, clock):
    refuse(shop, None, count=None)
    with pytest.raises(ConnectorError, match="throttled") as caught:
        connect(url, sleep=clock.sleep, clock=clock).test_connection()
    assert clock.slept == [2.0, 4.0, 8.0, 16.0]
    assert caught.value.retry_after == 32.0


def test_a_wait_too_long_for_one_call_is_left_to_the_engine(shop, url, clock):
    refuse(shop, str(int(LONGEST_SLEEP) + 1))
    with pytest.raises(ConnectorError) as caught:
        connect(url, sleep=clock.sleep, clock=clock).test_connection()
    assert (clock.slept, caught.value.retry_after) == ([], 31.0)


def test_a_clock_that_was_moved_back_does_not_block_for_years(clock):
    bucket = Bucket()
    bucket.block(60, clock())
    assert bucket.wait("Shop", START - dt.timedelta(days=365)) == 0


# --- points ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def metered(clock):
    """A shop on a small plan, and where it answers: 1,000 points at 50 a second."""
    shop = open_shop(throttle=ShopBucket(maximum=1000, rate=50), clock=clock)
    with running(shop) as url:
        yield shop, url
    shop.close()


def test_throttled_inside_a_200_is_waited_for(metered, clock):
    shop, url = metered
    shop.endpoint.bucket.available, shop.endpoint.bucket.at = 0.0, clock()
    assert connect(url, sleep=clock.sleep, clock=clock).test_connection().name == "Harbour & Hill"
    # Four points at fifty a second would be 0.08 s; half a second is the least wait.
    assert clock.slept == [0.5]


def test_throttled_inside_a_200_says_when_to_come_back(metered, clock):
    shop, url = metered
    connector = connect(url, sleep=None, clock=clock)
    all_orders(connector)
    shop.endpoint.bucket.available, shop.endpoint.bucket.at = 0.0, clock()
    connector.client.bucket.told_at = None
    connector.client.bucket.available = 1000.0
    with pytest.raises(ConnectorError) as caught:
        all_orders(connector)
    # Until the bucket is full again, because the work begins anew then: 1,000 points at 50 a second.
    assert (caught.value.code, caught.value.retry_after) == ("throttled", 20.0)


def test_a_call_that_cannot_be_paid_is_not_sent(metered, clock):
    shop, url = metered
    connector = connect(url, sleep=None, clock=clock)
    all_orders(connector)
    connector.client.bucket.available = 0.0
    sent = len(shop.calls)
    with pytest.raises(ConnectorError, match="throttled"):
        all_orders(connector)
    assert len(shop.calls) == sent


def test_a_long_pull_keeps_within_its_points_without_one_refusal(metered, clock):
    shop, url = metered
    for _ in range(60):
        shop.place_order([{"sku": "CANDLE"}])
    refused = []
    shop.endpoint.bucket.take, take = lambda *a: refused.append(not (ok := take(*a))) or ok, shop.endpoint.bucket.take
    assert len(all_orders(connect(url, sleep=clock.sleep, clock=clock))) == 60
    assert (any(refused), sum(clock.slept) > 10) == (False, True)


def test_work_of_many_calls_gets_done_in_bursts_where_it_may_not_wait(metered, clock):
    shop, url = metered
    for _ in range(20):
        shop.place_order([{"sku": "CANDLE"}])
    shop.place_order([{"sku": f"L{index}", "custom": True} for index in range(300)])
    connector, cursor, got, bursts = connect(url, sleep=None, clock=clock), None, [], 0
    while len(got) < 21:
        try:
            for page in connector.pull_orders(since=LONG_AGO, cursor=cursor):
                got, cursor = got + list(page.orders), page.next_cursor
        except ConnectorError as error:
            bursts += 1
            clock.sleep(error.retry_after)
    assert len(connector.parse_order(got[-1].body).lines) == 300
    assert bursts < 15


def test_throttled_for_ever_is_given_up(shop, url, clock):
    metered = open_shop(clock=clock, throttle=True)
    metered.quirks.add("throttled")
    with running(metered) as where, pytest.raises(ConnectorError, match="throttled"):
        connect(where, sleep=clock.sleep, clock=clock).test_connection()
    metered.close()
    assert len(clock.slept) == 5


def test_a_throttled_write_was_not_applied_and_is_not_unknown(metered, clock):
    shop, url = metered
    connector = connect(url, sleep=None, clock=clock)
    tote = keys_of(connector)["TOTE"]
    location = next(iter(tote.quantities))
    key = StockKey(listing_id=tote.external_id, stock_id=tote.stock_id, location_id=location)
    write = StockWrite(key=key, quantity=9, expected=tote.quantities[location], idempotency_key="k")
    shop.quirks.add("throttled", operation="SetStock", count=1)
    clock.now += dt.timedelta(seconds=60)
    with pytest.raises(ConnectorError) as caught:
        connector.push_stock([write])
    assert (caught.value.code, caught.value.unknown) == ("throttled", False)
    clock.now += dt.timedelta(seconds=60)
    assert connector.push_stock([write])[0].status is WriteStatus.APPLIED


# --- page sizes ------------------------------------------------------------------------------------------------------


def test_a_page_too_dear_is_asked_for_with_fewer_rows_and_the_size_is_remembered(metered, clock):
    shop, url = metered
    for _ in range(12):
        shop.place_order([{"sku": "CANDLE"}])
    connector = connect(url, sleep=clock.sleep, clock=clock)
    assert len(all_orders(connector)) == 12
    assert connector.client.bucket.rows("Orders", 50) == 2
    shop.endpoint.asked.clear()
    clock.now += dt.timedelta(minutes=5)
    next(connect(url, sleep=clock.sleep, clock=clock).pull_orders(since=LONG_AGO))
    assert shop.endpoint.asked["Orders"] == 1


def test_where_nothing_is_counted_pages_are_as_large_as_wanted(shop, url):
    connector = connect(url)
    all_orders(connector)
    assert connector.client.bucket.rows("Orders", 50) == 50


def test_every_document_can_be_asked_for_within_one_querys_points(metered, clock):
    shop, url = metered
    connector = connect(url, sleep=clock.sleep, clock=clock)
    fixed = {"id": "gid://shopify/Order/1", "after": None, "lines": 8, "withFulfilmentOrders": True, "query": "id:1"}
    for name in ("ORDERS", "ORDER_LINES", "FULFILMENT_ORDERS", "LOCATIONS", "LISTINGS", "LEVELS", "WEBHOOKS"):
        text = getattr(documents, name)
        wanted = {key: value for key, value in fixed.items() if f"${key}:" in text}
        clock.now += dt.timedelta(minutes=1)
        connector.client.run_page(text, wanted, most=250)


def test_figures_that_are_none_are_left_aside():
    bucket = Bucket()
    for cost in (
        None,
        [],
        {"requestedQueryCost": "many"},
        {"throttleStatus": {"maximumAvailable": -1}},
        {"x": 10**400},
    ):
        bucket.note("Orders", cost, START)
    huge = {"maximumAvailable": 10**18, "currentlyAvailable": 10**18, "restoreRate": 10**18}
    bucket.note("Orders", {"requestedQueryCost": True, "throttleStatus": huge}, START)
    assert (bucket.rate, bucket.costs, bucket.wait("Orders", START)) == (0.0, {}, 0.0)


def test_connectors_of_one_account_share_their_bucket():
    assert bucket_for("https://a", "1") is bucket_for("https://a", "1")
    assert bucket_for("https://a", "1") is not bucket_for("https://a", "2")
