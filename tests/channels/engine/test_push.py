"""Figures go out absolute, on an explained base, once per change."""

import pytest

from backoffice import clock, locks, outbox
from backoffice.models import Lease
from channels import accounts, pull
from channels.connectors.base import ConnectorError
from channels.models import DueWork, JobState, PlatformObservation, PublicationLog, SyncError
from channels.push import claims, jobs, send
from tests.channels.engine.conftest import job, poll, settle_down
from tests.inventory import factories as stock


def sold_elsewhere(made, pieces=1):
    """Take stock of the shop's SKU as another shop's order would."""
    stock.stock(made.sku, made.place, -pieces)
    jobs.touch_stock([(made.sku.pk, made.place.pk)], cause="shipment")


@pytest.mark.parametrize("kind", ["shop", "plain"])
def test_a_change_of_stock_is_written(request, kind):
    made = request.getfixturevalue(kind)
    sold_elsewhere(made, 3)
    settle_down(made)
    assert made.front.stock["A"] == 7
    assert (job(made).state, job(made).confirmed) == (JobState.IDLE, job(made).wanted)


def test_ten_changes_before_a_send_are_one_write(shop):
    for _ in range(10):
        sold_elsewhere(shop)
    settle_down(shop)
    assert [detail for call, detail in shop.front.calls if call == "push_stock"] == [[("A", 0, 10)]]


def test_nothing_is_sent_when_the_figure_shows_already(shop):
    jobs.touch_account(shop.account.pk, cause="test")
    settle_down(shop)
    assert shop.front.called("push_stock") == 0
    assert job(shop).state == JobState.IDLE


@pytest.mark.parametrize("kind", ["shop", "plain"])
def test_an_unseen_order_is_never_handed_back(request, kind):
    """Sold 2 over there (unseen), 3 elsewhere: writing 7 would hand 2 pieces back; only 5 are left."""
    made = request.getfixturevalue(kind)
    made.front.buy(("A", 2))
    sold_elsewhere(made, 3)
    settle_down(made)
    assert made.front.stock["A"] == 5
    assert made.front.written == [("A", 8, 5)]


def test_a_raise_waits_for_the_orders_behind_a_moved_figure(shop):
    walked = poll(shop).completed_walk
    shop.front.buy(("A", 2))
    stock.stock(shop.sku, shop.place, 5)
    jobs.touch_stock([(shop.sku.pk, shop.place.pk)], cause="receipt")
    settle_down(shop)
    assert shop.front.stock["A"] == 13
    assert poll(shop).completed_walk > walked


def test_where_the_platform_compares_a_sale_between_reading_and_writing_is_not_written_over(shop):
    sold_elsewhere(shop, 3)
    shop.front.meanwhile["push_stock"] = lambda: shop.front.buy(("A", 2))
    settle_down(shop)
    assert shop.front.written == [("A", 8, 5)]


def test_a_sale_between_reading_and_writing_is_set_right_by_the_next_orders(plain):
    """Without compare-and-swap this gap cannot be closed; it must be short, and end by itself."""
    sold_elsewhere(plain, 3)
    plain.front.meanwhile["push_stock"] = lambda: plain.front.buy(("A", 2))
    settle_down(plain)
    assert plain.front.stock["A"] == 7
    soon = DueWork.objects.get(account=plain.account, kind="orders").due_at - clock.now()
    assert soon.total_seconds() <= 1
    pull.run(plain.account.pk)
    consume()
    settle_down(plain)
    assert plain.front.stock["A"] == 5


def consume():
    """Let the consumer have the stock's news."""
    mine = next(one for one in outbox.consumers("inventory.StockChangeDelivery") if one.name == "push")
    while outbox.work(mine):
        pass


def test_no_write_while_the_orders_cannot_be_fetched(plain):
    plain.front.buy(("A", 2))
    sold_elsewhere(plain, 3)
    plain.front.fail("pull_orders", ConnectorError("http_500"))
    settle_down(plain)
    assert plain.front.stock["A"] == 8
    assert (job(plain).state, job(plain).code) == (JobState.DUE, "orders_first")


@pytest.mark.parametrize("kind", ["shop", "plain"])
def test_a_lost_answer_is_read_back_and_not_repeated(request, kind, later):
    made = request.getfixturevalue(kind)
    sold_elsewhere(made, 3)
    made.front.fail("push_stock", ConnectorError("timeout", unknown=True), after=True)
    settle_down(made)
    assert job(made).state == JobState.UNKNOWN
    later(seconds=10)
    settle_down(made)
    assert (made.front.stock["A"], made.front.called("push_stock")) == (7, 1)
    assert job(made).state == JobState.IDLE
    assert PublicationLog.objects.get(mode="live").status == "applied"


def test_a_write_that_never_arrived_is_repeated_after_reading(shop, later):
    sold_elsewhere(shop, 3)
    shop.front.fail("push_stock", ConnectorError("timeout", unknown=True))
    settle_down(shop)
    later(seconds=10)
    settle_down(shop)
    assert (shop.front.stock["A"], shop.front.called("push_stock")) == (7, 2)


def test_a_late_write_that_lands_after_all_is_found(shop, later):
    sold_elsewhere(shop, 3)
    shop.front.fail("push_stock", ConnectorError("timeout", unknown=True))
    settle_down(shop)
    later(seconds=10)
    settle_down(shop)
    shop.front.stock["A"] = 9
    later(seconds=70)
    settle_down(shop)
    settle_down(shop)
    assert shop.front.stock["A"] == 7


def test_a_sale_between_reading_and_marking_is_not_lost(shop):
    """F38: stock changes while the write is on its way; the job must be due again."""
    shop.front.meanwhile["push_stock"] = lambda: sold_elsewhere(shop, 2)
    sold_elsewhere(shop, 3)
    settle_down(shop)
    assert shop.front.stock["A"] == 5


def test_an_ignored_write_is_found_and_told(shop):
    shop.front.ignore_writes = True
    sold_elsewhere(shop, 3)
    settle_down(shop)
    assert (job(shop).state, job(shop).code) == (JobState.DUE, "ignored")
    assert SyncError.objects.get().code == "write_ignored"


def test_an_old_worker_writes_nothing_over_its_successor(shop):
    sold_elsewhere(shop, 3)
    looked = []

    def overtaken():
        mine = job(shop)
        type(mine).objects.filter(pk=mine.pk).update(fence=mine.fence + 1)
        looked.append(shop.front.called("read_stock"))

    shop.front.meanwhile["push_stock"] = overtaken
    settle_down(shop)
    assert job(shop).confirmed < job(shop).wanted
    assert (job(shop).state, [shop.front.called("read_stock")]) == (JobState.SENDING, looked)


def test_a_push_of_one_figure_costs_few_queries(shop, django_assert_max_num_queries):
    """Five shops and ten sales a second must fit into one process: nobody slips a query in unnoticed."""
    pull.run(shop.account.pk)  # nothing is unexplained, as between two polls
    sold_elsewhere(shop)
    with django_assert_max_num_queries(36):
        settle_down(shop)
    assert shop.front.stock["A"] == 9


def test_figures_are_logged_but_not_sent_while_the_switch_is_off(connect):
    from tests.channels.engine.conftest import offering

    made = offering(connect(writes=False))
    sold_elsewhere(made, 3)
    settle_down(made)
    settle_down(made)
    assert made.front.called("push_stock") == 0
    assert list(PublicationLog.objects.order_by("pk").values_list("mode", "desired")) == [("dry", 10), ("dry", 7)]


def test_each_publication_freezes_its_inputs(shop):
    sold_elsewhere(shop, 3)
    settle_down(shop)
    log = PublicationLog.objects.get(mode="live")
    assert (log.desired, log.expected, log.sent, log.observed, log.status) == (7, 10, 7, 7, "applied")
    assert log.inputs["match"]["code"] == shop.sku.code
    assert log.inputs["steps"][0]["amount"] == "7"
    assert list(PlatformObservation.objects.order_by("-pk").values_list("quantity", "source")[:1]) == [(7, "answer")]


def test_a_refused_row_is_parked_and_the_others_go_on(shop, monkeypatch):
    other = stock.sku()
    stock.stock(other, shop.place, 4)
    shop.front.offer("B", other.code, 1)
    from channels import listings

    listings.sync(shop.account.pk)
    del shop.front.stock["A"]
    shop.front.skus.pop("A")
    sold_elsewhere(shop, 3)
    settle_down(shop)
    assert shop.front.stock["B"] == 4
    assert job(shop).state == JobState.PARKED


def test_an_account_that_must_wait_is_left_alone(shop):
    sold_elsewhere(shop, 3)
    shop.front.fail("push_stock", ConnectorError("throttled", retry_after=60))
    settle_down(shop)
    settle_down(shop)
    assert shop.front.called("push_stock") == 1
    assert (job(shop).state, job(shop).attempts) == (JobState.DUE, 0)


def test_a_long_silence_fetches_the_orders_before_the_first_write(shop, later):
    sold_elsewhere(shop, 1)
    settle_down(shop)  # our own figure stands there now: nothing but the silence asks for the orders
    shop.front.calls.clear()
    later(hours=2)
    shop.front.buy(("A", 1), take=False)
    sold_elsewhere(shop, 3)
    settle_down(shop)
    assert [call for call, _detail in shop.front.calls][:2] == ["pull_orders", "push_stock"]
    assert shop.front.stock["A"] == 5


def test_a_run_takes_over_what_a_dead_worker_left(shop):
    sold_elsewhere(shop, 3)
    type(job(shop)).objects.filter(pk=job(shop).pk).update(state=JobState.SENDING, fence=0, sent=7)
    assert jobs.due_accounts() == []
    send.run(shop.account.pk)
    assert shop.front.stock["A"] == 7


def test_a_held_account_is_not_written_to_even_when_a_run_had_begun(shop):
    sold_elsewhere(shop, 3)
    accounts.hold_writes(because="restored_backup", actor="test")
    settle_down(shop)
    assert shop.front.called("push_stock") == 0
    assert shop.front.stock["A"] == 10


def test_a_job_that_was_parked_since_it_was_looked_at_is_not_taken(shop):
    sold_elsewhere(shop, 3)
    held = locks.acquire(f"push:account:{shop.account.pk}", "one", 60)
    work = claims.survey(shop.account.pk, held)
    assert [row.id for row in work.due] == [job(shop).pk]
    type(job(shop)).objects.update(state=JobState.PARKED)
    assert claims.take(shop.account.pk, work.due, held) == []
    assert job(shop).state == JobState.PARKED


def test_a_run_that_lost_its_lease_before_the_send_sends_nothing(shop, monkeypatch):
    name = f"push:account:{shop.account.pk}"

    def slow(*_given):
        Lease.objects.filter(name=name).update(until=None)
        assert locks.acquire(name, "successor", 60)
        return []

    sold_elsewhere(shop, 1)
    settle_down(shop)  # our own figure stands there now, so nothing is read or fetched before the next send
    shop.front.calls.clear()
    monkeypatch.setattr(send.brake, "held_back", slow)  # the last step before
    sold_elsewhere(shop, 3)
    settle_down(shop)
    assert shop.front.called("push_stock") == 0
    assert PublicationLog.objects.filter(mode="live").count() == 1


def test_a_sale_in_this_very_shop_costs_one_look_and_no_walk(shop):
    for _sale in range(3):
        order = shop.front.buy(("A", 1))
        before = {name: shop.front.called(name) for name in ("read_stock", "push_stock", "pull_orders")}
        pull.take_single(shop.account, [order], trigger="hook")
        jobs.touch_stock([(shop.sku.pk, shop.place.pk)], cause="demand")
        settle_down(shop)
        assert shop.front.called("pull_orders") == before["pull_orders"]
        assert shop.front.called("push_stock") - before["push_stock"] <= 1
    assert shop.front.stock["A"] == 7
    assert (job(shop).state, job(shop).desired) == (JobState.IDLE, 7)


def test_a_figure_that_is_not_as_wanted_is_explained_before_it_is_written(shop):
    """Two sold here, one of them unheard of, and one sold elsewhere: the unheard one is fetched before the write."""
    heard = shop.front.buy(("A", 1))
    shop.front.buy(("A", 1))
    pull.take_single(shop.account, [heard], trigger="hook")
    jobs.touch_stock([(shop.sku.pk, shop.place.pk)], cause="demand")
    sold_elsewhere(shop)
    sold_elsewhere(shop)
    settle_down(shop)
    assert shop.front.stock["A"] == 6
