"""Money for a return reaches the platform once, or a person is asked to give it by hand."""

from decimal import Decimal

import pytest

from channels import accounts, pull, registry, reruns, tracking
from channels.connectors.base import Capability, ConnectorError
from channels.models import Account, OrderNotice
from orders.fulfil import shipping
from orders.models import Order, Refund, Return, ReturnRefund
from orders.returns import deciding, exchange, refunding, requesting
from tests.channels.engine import shopfront
from tests.channels.engine.conftest import connect, offering, platforms  # noqa: F401 — fixtures
from tests.channels.engine.test_tracking import deliver
from tests.orders.returns.test_requesting import refused

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture(autouse=True)
def one_consumer(monkeypatch):
    """The real listener, not the empty one of the other tests of orders."""
    from backoffice import outbox

    monkeypatch.setattr(outbox, "_consumers", {})
    outbox.register_consumer("orders.OrderEventDelivery", tracking.NAME, tracking.handle)


@pytest.fixture
def shop(connect):  # noqa: F811
    """A shop with a sent order of two pieces, 20.00, and a return of it."""
    made = offering(connect())
    made.order_id = made.front.buy(("A", 2))
    pull.run(made.account.pk)
    made.order = Order.objects.get()
    shipping.ship(order_id=made.order.pk, parcels=[shipping.Parcel(tracking="T1")], actor="t", idempotency_key="k")
    row = made.order.lines.get()
    made.rma = requesting.open_return(order_id=made.order.pk, lines={row.pk: D(2)}, actor="t", key="r")
    deciding.approve(return_id=made.rma.pk, actor="t")
    return made


def want(made, amount="20") -> ReturnRefund:
    """Want money and let the news out."""
    lines = {made.rma.lines.get().pk: D(amount)}
    money = refunding.propose(
        return_id=made.rma.pk, lines=lines, limit=None, actor="t", key=f"m{amount}", deduction_reason="x"
    )
    deliver()
    return money


def state(money):
    money.refresh_from_db()
    return money.state


def test_a_wanted_refund_is_given_once_with_our_key(shop):
    money = want(shop)
    for _ in range(2):
        tracking.run(shop.account.pk)
    (given,) = shop.front.refunds
    line = shop.order.lines.get()
    assert (given.order_id, given.amount, given.currency) == (shop.order_id, 20, "EUR")
    assert [(row.line_id, row.quantity, row.amount) for row in given.lines] == [(line.external_id, 2, 20)]
    notice = OrderNotice.objects.get(kind="refund")
    assert (given.idempotency_key, given.note) == (str(notice.key), shop.rma.number)
    assert (state(money), money.external_id) == ("sent", notice.external_id)
    assert not Refund.objects.exists()  # it is recorded when the platform tells of it


def test_a_lost_answer_gives_the_money_once(shop, later):
    money = want(shop)
    shop.front.fail("refund", ConnectorError("timeout", unknown=True), after=True)
    tracking.run(shop.account.pk)
    assert state(money) == "sending"
    refused("money_state", refunding.withdraw, money_id=money.pk, actor="t", reason="x")
    later(minutes=1)
    tracking.run(shop.account.pk)
    assert (state(money), len(shop.front.refunds)) == ("sent", 1)
    assert OrderNotice.objects.get(kind="refund").already_known


def test_nothing_is_sent_while_writing_is_off(shop):
    accounts.hold_writes(because="test", actor="test")
    money = want(shop)
    tracking.run(shop.account.pk)
    assert (state(money), shop.front.refunds) == ("wanted", [])


def test_what_the_platform_refuses_becomes_a_task_by_hand_and_can_be_tried_again(shop):
    money = want(shop)
    shop.front.fail("refund", ConnectorError("gateway_refuses", "no plugin", permanent=True))
    tracking.run(shop.account.pk)
    assert (state(money), money.problem, money.maybe_given) == ("manual", "no plugin", False)
    from channels.models import SyncError

    reruns.rerun(error_ids=[SyncError.objects.get().pk], actor="clerk")
    assert state(money) == "wanted"
    tracking.run(shop.account.pk)
    assert (state(money), len(shop.front.refunds)) == ("sent", 1)


def test_a_task_done_by_hand_is_not_sent_when_somebody_runs_it_again(shop):
    money = want(shop)
    shop.front.fail("refund", ConnectorError("gateway_refuses", "no plugin", permanent=True))
    tracking.run(shop.account.pk)
    refunding.given_by_hand(money_id=money.pk, actor="t")
    tracking.requeue([OrderNotice.objects.get(kind="refund").pk])
    tracking.run(shop.account.pk)
    assert (state(money), shop.front.refunds) == ("done", [])
    assert OrderNotice.objects.get(kind="refund").code == "taken_back"


def test_too_many_lost_answers_say_that_it_may_have_been_given(shop, later):
    money = want(shop)
    shop.front.fail("refund", *[ConnectorError("timeout", unknown=True)] * tracking.MOST_ATTEMPTS)
    for _ in range(tracking.MOST_ATTEMPTS):
        later(hours=2)
        tracking.run(shop.account.pk)
    assert (state(money), money.maybe_given) == ("manual", True)


def test_what_was_withdrawn_before_its_turn_is_not_sent(shop):
    money = want(shop)
    refunding.withdraw(money_id=money.pk, actor="t", reason="keeps it")
    tracking.run(shop.account.pk)
    assert (state(money), shop.front.refunds) == ("cancelled", [])


def test_a_platform_that_cannot_refund_leaves_it_to_a_person(shop, monkeypatch):
    able = shopfront.SwapConnector.capabilities - {Capability.REFUND}
    monkeypatch.setattr(shopfront.SwapConnector, "capabilities", able)
    assert state(want(shop)) == "manual"
    assert not OrderNotice.objects.filter(kind="refund").exists()


def test_a_shop_without_a_platform_leaves_it_to_a_person(shop):
    Account.objects.update(shop=shop.order.shop.__class__.objects.create(code="other", name="other"))
    assert state(want(shop)) == "manual"


def test_an_order_from_before_go_live_leaves_it_to_a_person(shop):
    Order.objects.update(state=Order.State.HISTORY)
    assert state(want(shop)) == "manual"


def test_an_exchange_order_is_no_platforms_business(shop):
    made = exchange.exchange(shop.rma.pk, actor="t")
    assert made.state == "approved"
    shipping.ship(order_id=made.pk, parcels=[shipping.Parcel(tracking="T2")], actor="t", idempotency_key="x")
    deliver()
    tracking.run(shop.account.pk)
    assert [parcel.tracking_number for parcel in shop.front.parcels] == ["T1"]


@pytest.mark.parametrize("platform", ["shopify", "woocommerce"])
def test_a_sandbox_gives_the_money_and_its_own_record_settles_the_return(platform, db, settings):
    """From the wish to the settled return over the platform's real protocol."""
    from channels import listings as listing_sync
    from channels.connectors.shopify.throttle import forget_buckets
    from tests.channels.contract.counters import COUNTERS
    from tests.inventory import factories as stock

    forget_buckets()
    settings.EGRESS_ALLOW = ["127.0.0.1"]
    with COUNTERS[platform]() as counter:
        place = stock.warehouse()
        seller = stock.shop(place, country="DE", currency="EUR")
        stock.stock(stock.sku("TEA"), place, 20, "4")
        account = Account.objects.create(
            shop=seller, platform=platform, name=seller.code, base_url=counter.url, poll_seconds=30,
            options=counter.options,
        )  # fmt: skip
        accounts.set_credential(account=account, values=counter.credentials, actor="test")
        account.refresh_from_db()
        accounts.test_connection(account=account, actor="test")
        accounts.switch_writes(account=account, on=True, actor="test")
        listing_sync.sync(account.pk)
        counter.buy("TEA", 2)
        pull.run(account.pk)
        found = Order.objects.get()
        shipping.ship(order_id=found.pk, parcels=[shipping.Parcel(tracking="T1")], actor="t", idempotency_key="k")
        deliver()
        tracking.run(account.pk)
        rma = requesting.open_return(
            order_id=found.pk, lines={found.lines.get().pk: D(1)}, goods=False, actor="t", key="r"
        )
        deciding.approve(return_id=rma.pk, actor="t")
        refunding.propose(return_id=rma.pk, lines={rma.lines.get().pk: D(10)}, limit=None, actor="t", key="m")
        deliver()
        tracking.run(account.pk)
        assert counter.refunds(found.external_id) == ["10.00"]
        pull.run(account.pk)
    refund = Refund.objects.get()
    assert (refund.amount, refund.for_return.state, Return.objects.get().state) == (10, "done", "settled")


def test_every_platform_that_refunds_is_known():
    able = {name for name in registry.PLATFORMS if Capability.REFUND in registry.connector_class(name).capabilities}
    assert able == {"shopify", "woocommerce"}
