"""kill −9 within pull, push, tracking and webhooks against a real sandbox shop on a socket (F01, F02, F04, F07).

Each sweep dies on both sides of every request and before every statement (`soak`), or at some of these every day.
Then the leases end, somebody else goes on, and what stands here and over there must be as if nobody had died.
"""

import base64
import datetime as dt
import hashlib
import hmac
import json
import os
import signal

import pytest
import urllib3
from django.test import Client

from backoffice import clock, locks, outbox
from backoffice.models import Lease
from channels import accounts, listings, pull, tracking
from channels.models import (
    Account,
    InboundPayload,
    JobState,
    NoticeState,
    OrderNotice,
    PollRun,
    PollState,
    PublicationLog,
    PushJob,
    WebhookArrival,
)
from channels.push import jobs, send
from channels.webhooks import process, receive
from finance.currencies import seed_currencies
from orders.fulfil.shipping import Parcel, ship
from orders.models import CheckSetting, Order, OrderVersion
from tests.channels.contract.counters import COUNTERS
from tests.crash.killing import killed_at
from tests.inventory import factories as stock
from tests.inventory.invariants import broken

pytestmark = pytest.mark.django_db(transaction=True)
GOODS = ("TEA", "CUP", "POT")
# Every n-th side of a request and every m-th statement.
STRIDES = [(1, 41), pytest.param((1, 1), marks=pytest.mark.soak)]
FROM_END_TO_END = [(5, 131), pytest.param((1, 1), marks=pytest.mark.soak)]


class Moved:
    """A clock that is ahead of the machine's."""

    ahead = dt.timedelta(0)

    def now(self):
        return dt.datetime.now(dt.UTC) + self.ahead


class House:
    """A Shopify shop on a socket and our account of it: pages of two orders, a clock that the test moves for both."""

    def __init__(self, counter, moved):
        self.counter, self.moved, self.placed = counter, moved, []
        counter.sandbox.store.clock = moved.now
        # One buyer orders the same thing again and again: here that is no reason to hold it.
        CheckSetting.objects.update_or_create(code="duplicate", defaults={"enabled": False, "params": {}})
        self.place = stock.warehouse()
        self.skus = [stock.sku(code) for code in GOODS]
        for sku in self.skus:
            stock.stock(sku, self.place, 5_000)
            counter.recount(sku.code, 5_000)
        shop = stock.shop(self.place, currency="EUR", country="DE")
        options = {**counter.options, "order_page_size": 2}
        account = Account.objects.create(shop=shop, platform="shopify", name="s", base_url=counter.url, options=options)
        accounts.set_credential(account=account, values=counter.credentials, actor="test")
        self.account = Account.objects.get(pk=account.pk)
        accounts.test_connection(account=self.account, actor="test")
        accounts.switch_writes(account=self.account, on=True, actor="test")
        listings.sync(self.account.pk)
        self.stages = (self.pull, self.hear, self.push, self.pack, self.tell, self.hear, self.push)
        self.push()

    def later(self, **delta):
        """Let time pass, here and over there."""
        self.moved.ahead += dt.timedelta(**delta)

    def buy(self, sku="TEA", pieces=1):
        """A buyer orders over there."""
        self.placed.append(self.counter.buy(sku, pieces))
        return self.placed[-1]

    def pull(self):
        """Read the orders once."""
        return pull.run(self.account.pk)

    def push(self):
        """Send what is due."""
        return send.run(self.account.pk)

    def hear(self):
        """Make jobs of what moved in the stock."""
        outbox.work(next(one for one in outbox.consumers("inventory.StockChangeDelivery") if one.name == "push"))

    def tell(self):
        """Make notices of the news and send them."""
        outbox.work(next(one for one in outbox.consumers("orders.OrderEventDelivery") if one.name == "tracking"))
        tracking.run(self.account.pk)

    def pack(self):
        """The packer sends each order that is free, and clicks again when nobody answers."""
        for order in Order.objects.exclude(state="shipped").order_by("pk"):
            parcels = [Parcel(carrier="DHL", tracking=f"T{order.pk}")]
            ship(order_id=order.pk, parcels=parcels, actor="t", idempotency_key=order.external_id)

    def go_on(self, most=None):
        """An order's way: pull and intake, news of the stock, push, parcel, tracking, and the figures once more."""
        for stage in self.stages[:most]:
            stage()

    def call(self):
        """The platform calls about the newest order; the same call again when it is not thanked."""
        order = self.placed[-1]
        body = json.dumps({"admin_graphql_api_id": order}).encode()
        secret = self.counter.credentials["client_secret"].encode()
        proof = base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()
        told = {"X-Shopify-Topic": "orders/create", "X-Shopify-Webhook-Id": order, "X-Shopify-Hmac-Sha256": proof}
        told["X-Shopify-Shop-Domain"] = self.counter.options["shop_domain"]
        url = f"/hooks/shopify/{self.account.hook_token}"
        return Client().post(url, data=body, content_type="application/json", headers=told).status_code

    def answer(self):
        """Fetch what calls have named."""
        return process.run(self.account.pk)

    def poll(self):
        """How far the orders were read."""
        return PollState.objects.get(account=self.account)


@pytest.fixture
def house(transactional_db, settings, monkeypatch):
    """The house, under a clock of its own."""
    settings.EGRESS_ALLOW = ["127.0.0.1"]
    seed_currencies()
    moved = Moved()
    with COUNTERS["shopify"](dict.fromkeys(GOODS, 0)) as counter, clock.moved_to(moved.now):
        yield House(counter, moved)


def sweep(prepare, work, recover, every):
    """Kill `work` on every n-th side of a request, then before every m-th statement; recover and go on each time."""
    for requests_only, stride in ((True, every[0]), (False, every[1])):
        step, killed = 1, True
        while killed:
            prepare()
            killed = killed_at(step, work, requests_only=requests_only)
            recover()
            step += stride


# --- killed ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("every", STRIDES)
def test_a_walk_killed_anywhere_goes_on_and_takes_each_order_once(house, every):
    covered = []

    def again():
        house.later(minutes=5)
        assert house.pull().outcome == "ok"
        assert set(Order.objects.values_list("external_id", flat=True)) == set(house.placed)
        covered.append(house.poll().covered_until)

    sweep(lambda: [house.buy(sku) for sku in GOODS], house.pull, again, every)
    assert Order.objects.count() == OrderVersion.objects.count() == InboundPayload.objects.count() == len(house.placed)
    assert covered == sorted(covered)
    assert (house.poll().walking, house.poll().page_cursor, broken()) == (False, "", [])
    assert PollRun.objects.filter(resumed=True).exists()


@pytest.mark.parametrize("every", STRIDES)
def test_a_send_killed_anywhere_ends_with_the_figures_we_want_over_there(house, every):
    def change():
        for sku in house.skus:
            stock.stock(sku, house.place, -1)
        jobs.touch_stock([(sku.pk, house.place.pk) for sku in house.skus], cause="shipment")

    def again():
        for _ in range(3):  # read back, write, and look once more for a write that came late
            house.later(minutes=3)
            house.push()
        left = int(stock.buckets(house.skus[0], house.place)[0])
        assert [house.counter.stock(code) for code in GOODS] == [left] * 3
        assert {(one.state, one.wanted - one.confirmed) for one in PushJob.objects.all()} == {(JobState.IDLE, 0)}

    sweep(change, house.push, again, every)
    sent = PublicationLog.objects.filter(mode="live")
    assert set(sent.values_list("status", flat=True)) == {"applied", "lost"}
    for sku in house.skus:  # each step down is explained by a write that arrived
        mine = sent.filter(listing__sku_text=sku.code, status="applied").values_list("observed", flat=True)
        assert min(mine) == house.counter.stock(sku.code)


@pytest.mark.parametrize("every", STRIDES)
def test_news_of_a_parcel_killed_anywhere_makes_one_parcel_over_there(house, every):
    def parcel():
        external = house.buy()
        house.pull()
        order = Order.objects.get(external_id=external)
        parcels = [Parcel(carrier="DHL", tracking=f"T{order.pk}")]
        ship(order_id=order.pk, parcels=parcels, actor="t", idempotency_key=external)

    def again():
        house.later(minutes=5)
        house.tell()
        assert house.counter.parcels(house.placed[-1]) == 1
        assert OrderNotice.objects.get(order__external_id=house.placed[-1]).state == NoticeState.DONE

    sweep(parcel, house.tell, again, every)
    assert OrderNotice.objects.count() == Order.objects.count() == len(house.placed)


@pytest.mark.parametrize("every", STRIDES)
def test_a_call_killed_while_it_arrives_is_repeated_and_stored_once(house, every):
    def again():
        receive.forget()
        assert house.call() == 200
        house.answer()
        assert set(Order.objects.values_list("external_id", flat=True)) == set(house.placed)

    sweep(lambda: (house.buy(), receive.forget()), house.call, again, every)
    assert set(WebhookArrival.objects.values_list("state", flat=True)) == {"done"}
    assert WebhookArrival.objects.count() == OrderVersion.objects.count() == len(house.placed)


@pytest.mark.parametrize("every", STRIDES)
def test_a_call_killed_while_it_is_answered_brings_its_order_once(house, every):
    def again():
        house.later(minutes=5)
        house.answer()
        assert set(Order.objects.values_list("external_id", flat=True)) == set(house.placed)

    sweep(lambda: (house.buy(), house.call()), house.answer, again, every)
    assert set(WebhookArrival.objects.values_list("state", flat=True)) == {"done"}
    assert OrderVersion.objects.count() == InboundPayload.objects.count() == len(house.placed)
    assert broken() == []


@pytest.mark.parametrize("every", FROM_END_TO_END)
def test_an_order_killed_anywhere_on_its_way_through_the_house_arrives_once_everywhere(house, every):
    sweep(house.buy, house.go_on, lambda: _as_if_nobody_had_died(house), every)


def test_an_order_whose_worker_dies_between_two_stages_arrives_once_everywhere(house):
    def die_after(number):
        house.go_on(number)
        os.kill(os.getpid(), signal.SIGKILL)

    for number in range(1, len(house.stages) + 1):
        house.buy()
        assert killed_at(0, lambda number=number: die_after(number))
        _as_if_nobody_had_died(house)


def _as_if_nobody_had_died(house):
    for _ in range(3):  # what was cut off is read back, written, and looked at once more
        house.later(minutes=5)
        house.go_on()
    assert {one.external_id: one.state for one in Order.objects.all()} == dict.fromkeys(house.placed, "shipped")
    assert OrderVersion.objects.values("order").distinct().count() == len(house.placed)
    assert {house.counter.parcels(order) for order in house.placed} == {1}
    on_hand, *promised = (int(pieces) for pieces in stock.buckets(house.skus[0], house.place))
    assert (on_hand, sum(promised)) == (5_000 - len(house.placed), 0)
    assert house.counter.stock("TEA") == on_hand
    assert set(OrderNotice.objects.values_list("state", flat=True)) == {NoticeState.DONE}
    assert broken() == []


# --- not dead, only late ---------------------------------------------------------------------------------------------


@pytest.fixture
def overtaken(house, monkeypatch):
    """`overtaken(n, successor)`: before the n-th request goes out its worker sleeps past its lease, another works."""
    original = urllib3.PoolManager.urlopen

    def arrange(number, successor):
        left = [number]

        def sleepy(pools, *args, **kwargs):
            left[0] -= 1
            if left[0] == 0:
                house.later(minutes=5)
                successor()
            return original(pools, *args, **kwargs)

        monkeypatch.setattr(urllib3.PoolManager, "urlopen", sleepy)

    return arrange


def test_a_walk_that_wakes_after_its_lease_stores_no_page(house, overtaken):
    for sku in GOODS:
        house.buy(sku)
    overtaken(2, lambda: house.pull())
    late = house.pull()
    by = PollRun.objects.exclude(pk=late.pk).latest("pk")
    assert (late.outcome, late.pages, by.outcome) == ("lost", 1, "ok")
    assert Order.objects.count() == InboundPayload.objects.count() == 3
    assert (house.poll().completed_walk, house.poll().walking) == (by.walk, False)


def test_a_send_that_wakes_after_its_lease_confirms_nothing(house, overtaken):
    stock.stock(house.skus[0], house.place, -1)
    jobs.touch_stock([(house.skus[0].pk, house.place.pk)], cause="shipment")
    house.later(minutes=1)
    fences = []

    def successor():
        fences.append(Lease.objects.get(name=f"push:account:{house.account.pk}").fence)  # the late worker's own
        house.push()  # takes over what it finds in mid-send, and reads it back
        house.push()

    overtaken(1, successor)
    house.push()
    house.later(minutes=2)
    house.push()
    job = PushJob.objects.get(listing__sku_text="TEA")
    assert (house.counter.stock("TEA"), job.state, job.confirmed) == (4_999, JobState.IDLE, job.wanted)
    assert job.fence > fences[0]


@pytest.mark.parametrize("request_number", [1, 2])
def test_a_parcel_told_by_a_worker_past_its_lease_is_not_told_twice(house, overtaken, request_number):
    external = house.buy()
    house.pull()
    order = Order.objects.get()
    ship(order_id=order.pk, parcels=[Parcel(carrier="DHL", tracking="T1")], actor="t", idempotency_key="k")
    overtaken(request_number, lambda: tracking.run(house.account.pk))
    house.tell()
    notice = OrderNotice.objects.get()
    assert (house.counter.parcels(external), notice.state, notice.attempts) == (1, NoticeState.DONE, 2)


def test_a_worker_past_its_lease_cannot_renew_it(house):
    name = f"push:account:{house.account.pk}"
    late = locks.acquire(name, "late", 60)
    house.later(minutes=2)
    successor = locks.acquire(name, "successor", 60)
    with pytest.raises(locks.LeaseLost):
        locks.renew(late, 60)
    assert (successor.fence > late.fence, locks.release(late), locks.release(successor)) == (True, False, True)
