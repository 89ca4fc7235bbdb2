"""A call that proves itself becomes one row and wakes the fetch of its order; anything else leaves only a count."""

import json

import pytest
from django.db import OperationalError
from django.test import Client

from backoffice.models import AuditEntry
from channels import pull
from channels.connectors.base import ConnectorError
from channels.models import ArrivalState, DueWork, PushJob, SyncError, WebhookArrival, WebhookRefusal
from channels.webhooks import process, receive, refusals, subscriptions
from orders.desk import review
from orders.models import Order, OrderVersion
from tests.inventory.factories import buckets


@pytest.fixture(autouse=True)
def fresh_memory(monkeypatch):
    """Nothing remembered from other tests; refusals are written out at once."""
    receive.forget()
    refusals._counts.clear()
    monkeypatch.setattr(refusals, "EVERY", 0.0)


def call(made, *, key=None, delivery="d1", order="o1", kind="order", token=None, body=None, platform=None, **headers):
    """Knock as the platform would."""
    text = body if body is not None else json.dumps({"topic": "orders/updated", "kind": kind, "resource_id": order})
    return Client().post(
        f"/hooks/{platform or made.account.platform}/{token or made.account.hook_token}",
        data=text,
        content_type="application/json",
        headers={"X-Key": made.front.name if key is None else key, "X-Delivery": delivery, **headers},
    )


def test_a_call_fetches_its_order(shop):
    order = shop.front.buy(("A", 1))
    assert call(shop, order=order).status_code == 200
    assert process.due_accounts() == [shop.account.pk]
    assert process.run(shop.account.pk) == 1
    assert Order.objects.get().external_id == order
    assert WebhookArrival.objects.get().state == ArrivalState.DONE
    assert shop.front.called("pull_orders") == 0


def test_the_same_delivery_a_hundred_times_is_one_row(shop):
    for _ in range(5):
        assert call(shop).status_code == 200
    arrival = WebhookArrival.objects.get()
    assert arrival.repeats == 4


def test_many_calls_about_one_order_fetch_it_once(shop):
    order = shop.front.buy(("A", 1))
    for number in range(5):
        call(shop, delivery=f"d{number}", order=order)
    process.run(shop.account.pk)
    assert shop.front.called("pull_order") == 1
    assert WebhookArrival.objects.filter(state=ArrivalState.DONE).count() == 5


@pytest.mark.parametrize("options", [{"key": "wrong"}, {"key": ""}, {"token": "guessed"}, {"platform": "plainshop"}])
def test_a_call_that_proves_nothing_leaves_a_count_and_no_row(shop, options):
    assert call(shop, **options).status_code == 401
    assert WebhookArrival.objects.count() == 0
    assert WebhookRefusal.objects.get().count == 1


def test_a_flood_of_refused_calls_does_not_write(shop, monkeypatch, django_assert_num_queries):
    call(shop, key="wrong")
    monkeypatch.setattr(refusals, "EVERY", 60.0)
    with django_assert_num_queries(0):
        for _ in range(20):
            assert call(shop, key="wrong").status_code == 401
    refusals.flush()
    assert WebhookRefusal.objects.get().count == 21


def test_a_body_too_large_is_refused(shop):
    assert call(shop, body="x" * (receive.MOST_BYTES + 1)).status_code == 413
    assert WebhookArrival.objects.count() == 0


def test_only_post_is_answered(shop):
    assert Client().get(f"/hooks/swapshop/{shop.account.hook_token}").status_code == 405


def test_a_ping_is_answered_and_not_kept(shop):
    assert call(shop, kind="ping").status_code == 200
    assert WebhookArrival.objects.count() == 0


def test_news_of_stock_that_names_nothing_is_not_kept(shop):
    assert call(shop, kind="stock", order="").status_code == 200
    assert WebhookArrival.objects.count() == 0


def test_without_a_database_the_platform_is_told_to_repeat(shop, monkeypatch):
    call(shop, delivery="warm-up")

    def away(*args):
        raise OperationalError

    monkeypatch.setattr(receive, "_arrive", away)
    assert call(shop).status_code == 503


def test_a_fetch_that_fails_is_tried_again_and_then_left_to_the_poll(shop, later):
    order = shop.front.buy(("A", 1))
    call(shop, order=order)
    for _ in range(process.MOST_ATTEMPTS):
        shop.front.fail("pull_order", ConnectorError("http_500"))
        process.run(shop.account.pk)
        later(hours=1)
    assert WebhookArrival.objects.get().state == ArrivalState.FAILED
    assert SyncError.objects.get().kind == "hook"


def test_an_order_that_is_gone_is_no_fault(shop):
    call(shop, order="o99")
    process.run(shop.account.pk)
    assert WebhookArrival.objects.get().state == ArrivalState.DONE
    assert SyncError.objects.count() == 0


def test_a_killed_worker_gives_its_calls_back(shop, later):
    call(shop)
    process._start(shop.account.pk)
    assert process.due_accounts() == []
    later(seconds=process.LEASE_SECONDS + 1)
    assert process.due_accounts() == [shop.account.pk]


def test_a_stock_call_looks_again_unless_it_is_our_echo(shop, later):
    later(minutes=1)
    call(shop, kind="stock", order="s-A")
    process.run(shop.account.pk)
    assert PushJob.objects.filter(verify_at__isnull=False).count() == 1


def test_the_echo_of_our_own_write_is_left_alone(shop):
    from backoffice import clock

    PushJob.objects.update(sent_at=clock.now())
    call(shop, kind="stock", order="s-A")
    process.run(shop.account.pk)
    assert PushJob.objects.filter(verify_at__isnull=False).count() == 0


def test_a_removed_app_stops_the_account(shop):
    shop.front.fail("test", ConnectorError("unauthorized", permanent=True, auth=True))
    call(shop, kind="uninstalled")
    process.run(shop.account.pk)
    shop.account.refresh_from_db()
    assert (shop.account.state, shop.account.state_code) == ("refused", "app_uninstalled")


def test_a_call_that_only_says_the_app_was_removed_stops_nothing(shop):
    """The signature covers the body alone: an old call under another topic is as well signed as a true one."""
    call(shop, kind="uninstalled")
    process.run(shop.account.pk)
    shop.account.refresh_from_db()
    assert shop.account.state == "active"
    assert not WebhookArrival.objects.filter(state="waiting").exists()


def test_an_order_that_is_gone_over_there_waits_for_a_person(shop):
    order = shop.front.buy(("A", 1))
    pull.run(shop.account.pk)
    assert Order.objects.get().state == "approved"
    del shop.front.orders[order]
    for delivery in ("d8", "d9"):
        call(shop, order=order, delivery=delivery)
        process.run(shop.account.pk)
    found = Order.objects.get()
    assert (found.state, found.hold_code, found.hold_department) == ("held", "gone", "service")
    assert review.review(order_ids=[found.pk]) == {}, "only a person lets it go"
    assert AuditEntry.objects.filter(action="order.vanished").count() == 1


# --- subscriptions ---------------------------------------------------------------------------------------------------


@pytest.fixture
def reachable(shop, settings):
    """The shop may call us."""
    settings.PUBLIC_URL = "https://yiku.example"
    return shop


def test_missing_subscriptions_are_made(reachable):
    assert subscriptions.check(reachable.account.pk) is True
    url = f"https://yiku.example/hooks/swapshop/{reachable.account.hook_token}"
    assert reachable.front.webhooks == {"orders/updated": (url, True), "stock": (url, True)}
    assert SyncError.objects.count() == 0


@pytest.mark.parametrize("how", ["vanished", "disabled"])
def test_a_subscription_that_was_lost_is_noticed_and_made_again(reachable, how):
    subscriptions.check(reachable.account.pk)
    url, _active = reachable.front.webhooks.pop("stock")
    if how == "disabled":
        reachable.front.webhooks["stock"] = (url, False)
    assert subscriptions.check(reachable.account.pk) is True
    assert reachable.front.webhooks["stock"] == (url, True)
    error = SyncError.objects.get()
    assert (error.kind, error.reference, error.state) == ("hook", "stock", "resolved")


def test_without_a_public_address_nothing_is_subscribed(shop):
    assert subscriptions.check(shop.account.pk) is None
    assert shop.front.called("list_webhooks") == 0
    assert DueWork.objects.get(account=shop.account, kind="hooks").ended_at is not None


def test_a_call_that_kills_its_worker_is_parked_and_the_others_go_on(shop, monkeypatch, later):
    bad, *good = (shop.front.buy(("A", 1)) for _ in range(3))
    for number, order in enumerate((bad, *good)):
        call(shop, delivery=f"d{number}", order=order)

    class Killed(BaseException):
        """No handler of ours stops it."""

    def deadly(account, ids, *, trigger):
        if bad in ids:
            raise Killed
        return take(account, ids, trigger=trigger)

    take = process.pull.take_single
    monkeypatch.setattr(process.pull, "take_single", deadly)
    deaths = 0
    for _ in range(20):
        try:
            process.run(shop.account.pk)
        except Killed:
            deaths += 1
        later(minutes=2)
    assert set(Order.objects.values_list("external_id", flat=True)) == set(good)
    assert (deaths, SyncError.objects.get().code) == (process.MOST_ATTEMPTS, "kills_worker")
    states = dict(WebhookArrival.objects.values_list("resource_id", "state"))
    assert states == {bad: ArrivalState.FAILED, **dict.fromkeys(good, ArrivalState.DONE)}


@pytest.mark.parametrize("polled", [True, False], ids=["while the poll goes on", "while we are away too"])
def test_calls_lost_for_six_hours_cost_no_order(shop, later, polled):
    """F27: no call arrives; the walk brings the orders, the sweep those shown late, and the calls at last add none."""
    bought = []
    for half_hour in range(12):
        bought.append(shop.front.buy(("A", 1)) if half_hour < 10 else shop.front.buy(("A", 1), take=False))
        if half_hour == 10:
            shop.front.hidden.add(bought[-1])  # shown by the platform only when the walk has passed it
        later(minutes=30)
        if polled:
            pull.run(shop.account.pk)
            assert set(bought) - shop.front.hidden == set(Order.objects.values_list("external_id", flat=True))
    pull.run(shop.account.pk)
    late = shop.front.hidden.pop()
    pull.run(shop.account.pk)
    assert not Order.objects.filter(external_id=late).exists(), "the sweep below would prove nothing"
    pull.sweep(shop.account.pk)
    assert sorted(Order.objects.values_list("external_id", flat=True)) == sorted(bought)
    for number, order in enumerate(bought):
        assert call(shop, order=order, delivery=f"late{number}").status_code == 200
    process.run(shop.account.pk)
    assert Order.objects.count() == OrderVersion.objects.count() == 12
    on_hand, demand, reserved = buckets(shop.sku, shop.place)
    assert (on_hand, demand + reserved) == (10, 12)
