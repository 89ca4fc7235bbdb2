"""Orders are read page by page: nothing lost, nothing twice, one bad order never stops the others."""

import datetime as dt
import json

import pytest

from backoffice import clock, locks
from backoffice.models import TaskAttempt
from channels import accounts, budget, due, pull, reruns
from channels.connectors.base import ConnectorError
from channels.models import Account, AccountState, DueWork, ErrorState, InboundPayload, PollRun, PollState, SyncError
from orders.models import Order
from tests.channels.engine.conftest import poll
from tests.inventory.factories import buckets


def walk(made, **options):
    """One visit."""
    return pull.run(made.account.pk, **options)


def numbers():
    """The orders we have."""
    return sorted(Order.objects.values_list("external_id", flat=True))


def test_orders_arrive_and_book_their_demand(shop):
    shop.front.buy(("A", 2))
    run = walk(shop)
    assert (run.outcome, run.created, run.seen) == ("ok", 1, 1)
    on_hand, demand, reserved = buckets(shop.sku, shop.place)
    assert (on_hand, demand + reserved) == (10, 2)


def test_a_known_text_costs_nothing_and_stores_nothing(shop):
    shop.front.buy(("A", 1))
    walk(shop)
    run = walk(shop)
    assert (run.seen, run.fresh) == (1, 0)
    assert InboundPayload.objects.count() == 1


def test_the_walk_goes_over_all_pages(shop):
    ids = [shop.front.buy(("A", 1)) for _ in range(5)]
    run = walk(shop)
    assert run.pages == 3
    assert numbers() == sorted(ids)


def test_a_walk_that_was_cut_off_goes_on_from_its_page(shop):
    for _ in range(5):
        shop.front.buy(("A", 1))
    shop.front.fail("pull_orders", ConnectorError("dropped"), after=True)
    before = poll(shop).covered_until
    assert walk(shop).outcome == "failed"
    assert (poll(shop).page_cursor, poll(shop).covered_until) == ("2", before)
    shop.front.calls.clear()
    assert walk(shop).resumed
    assert [start for _since, start in (detail for _call, detail in shop.front.calls)] == [2, 4]
    assert len(numbers()) == 5


def test_the_next_walk_begins_before_the_last_one_did(shop):
    began = clock.now()
    walk(shop)
    walk(shop)
    since = shop.front.calls[-1][1][0]
    assert since <= began - pull.SHORT_OVERLAP + dt.timedelta(seconds=2)


def test_an_order_that_showed_up_late_is_found_by_the_hourly_sweep(shop, later):
    hidden = shop.front.buy(("A", 1))
    shop.front.hidden.add(hidden)
    walk(shop)
    later(minutes=30)
    walk(shop)
    shop.front.hidden.clear()
    walk(shop)
    assert numbers() == []
    pull.sweep(shop.account.pk)
    assert numbers() == [hidden]


def test_an_unreadable_order_waits_in_the_queue_and_the_others_go_on(shop):
    bad, good = shop.front.buy(("A", 1)), shop.front.buy(("A", 1))
    shop.front.edit(bad, broken=True)
    run = walk(shop)
    assert (run.outcome, run.parked, numbers()) == ("ok", 1, [good])
    error = SyncError.objects.get()
    assert (error.kind, error.reference, error.code, error.permanent) == ("order", bad, "bad_order", True)
    assert json.loads(error.payload.body)["id"] == bad


def test_a_fixed_connector_reads_the_stored_text_again(shop, monkeypatch):
    bad = shop.front.buy(("A", 1))
    shop.front.edit(bad, broken=True)
    walk(shop)
    error = SyncError.objects.get()
    assert [one.ok for one in reruns.rerun(error_ids=[error.pk], actor="test")] == [False]
    from tests.channels.engine import shopfront

    monkeypatch.setattr(shopfront.SwapConnector, "parse_order", lambda self, body: shopfront.incoming(json.loads(body)))
    calls = len(shop.front.calls)
    assert [one.ok for one in reruns.rerun(error_ids=[error.pk], actor="test")] == [True]
    assert (numbers(), len(shop.front.calls)) == ([bad], calls)
    assert SyncError.objects.get().state == ErrorState.RESOLVED


def test_a_surprise_of_the_parser_costs_one_order(shop, monkeypatch):
    odd, good = shop.front.buy(("A", 1)), shop.front.buy(("A", 1))
    shop.front.orders[odd]["lines"] = [["A", "many"]]
    assert walk(shop).parked == 1
    assert numbers() == [good]


def test_a_page_that_comes_again_is_a_loop_and_moves_nothing(shop):
    for _ in range(5):
        shop.front.buy(("A", 1))
    shop.front.loop_at = "0"
    covered = poll(shop).covered_until
    run = walk(shop)
    assert (run.outcome, run.code) == ("failed", "cursor_loop")
    assert poll(shop).covered_until == covered
    assert SyncError.objects.get().code == "cursor_loop"
    shop.front.loop_at = None
    walk(shop)
    assert len(numbers()) == 5


def test_an_empty_page_in_the_middle_does_not_end_the_walk(shop, monkeypatch):
    ids = [shop.front.buy(("A", 1)) for _ in range(3)]
    shop.front.page_size = 1
    shop.front.hidden = set()
    run = walk(shop)
    assert (run.pages, numbers()) == (3, sorted(ids))


def test_a_platform_that_asks_to_wait_is_not_called_before(shop):
    shop.front.fail("pull_orders", ConnectorError("throttled", retry_after=120))
    assert walk(shop).outcome == "put_off"
    assert walk(shop) is None
    assert shop.front.called("pull_orders") == 1
    assert DueWork.objects.get(account=shop.account, kind="orders").due_at > clock.now() + dt.timedelta(seconds=100)


def test_the_wait_of_one_account_is_not_the_wait_of_another(shop, connect):
    other = connect()
    budget.put_off(shop.account.pk, 600)
    assert walk(other).outcome == "ok"


def test_a_refused_log_in_stops_the_account_with_a_message(connect, monkeypatch):
    from tests.channels.engine import shopfront

    monkeypatch.setattr(shopfront.SwapConnector, "capabilities", shopfront.ALL - {shopfront.Capability.TOKEN_REFRESH})
    made = connect()
    made.front.fail("pull_orders", ConnectorError("bad_key", permanent=True, auth=True))
    walk(made)
    assert Account.objects.get(pk=made.account.pk).state == AccountState.REFUSED
    assert walk(made) is None
    error = SyncError.objects.get()
    assert (error.kind, error.reference, error.code) == ("account", "login", "bad_key")


def test_new_credentials_bring_a_refused_account_back(connect):
    made = connect()
    accounts.refuse(made.account, ConnectorError("bad_key", auth=True, permanent=True))
    Account.objects.filter(pk=made.account.pk).update(state=AccountState.REFUSED)
    accounts.set_credential(account=Account.objects.get(pk=made.account.pk), values={"key": "new"}, actor="test")
    assert walk(made).outcome == "ok"
    assert not SyncError.objects.filter(state=ErrorState.OPEN, reference="login").exists()


def test_only_one_walks_an_account_at_a_time(shop):
    held = locks.acquire(f"pull:account:{shop.account.pk}", "somebody else", 60)
    assert walk(shop) is None
    locks.release(held)
    assert walk(shop).outcome == "ok"


def test_a_worker_that_lost_its_lease_stores_no_page(shop):
    shop.front.buy(("A", 1))
    shop.front.meanwhile["pull_orders"] = lambda: _steal(shop)
    assert walk(shop).outcome == "lost"
    assert numbers() == []


def _steal(made):
    from backoffice.models import Lease

    Lease.objects.filter(name=f"pull:account:{made.account.pk}").update(holder="thief", fence=99)


def test_the_start_is_on_record_before_the_work(shop):
    seen = []
    shop.front.meanwhile["pull_orders"] = lambda: seen.extend(TaskAttempt.objects.filter(ended_at=None))
    walk(shop)
    assert [attempt.name for attempt in seen] == [f"pull:account:{shop.account.pk}"]


def test_an_order_that_kills_its_worker_is_parked_alone(shop):
    killer, good = shop.front.buy(("A", 1)), shop.front.buy(("A", 1))
    state = poll(shop)
    PollState.objects.filter(pk=state.pk).update(
        walking=True,
        walk=state.walk + 1,
        walk_since=clock.now() - dt.timedelta(hours=1),
        walk_until=clock.now(),
        page_starts=pull.CAREFUL_AFTER,
        suspect=killer,
    )
    walk(shop)
    assert numbers() == [good]
    assert SyncError.objects.get().code == "kills_worker"


def test_a_clock_of_ours_that_is_ahead_skips_no_order(shop, later, monkeypatch):
    """Ours is ten minutes ahead: the walk's end counts by the platform's clock."""
    from tests.channels.engine import shopfront

    there = clock.now()
    later(minutes=10)
    monkeypatch.setattr(shopfront, "server_now", lambda: there)
    walk(shop)
    assert poll(shop).walk_until <= there
    assert Account.objects.get(pk=shop.account.pk).clock_skew < -590


def test_orders_from_before_go_live_take_no_stock(connect):
    from tests.channels.engine.conftest import offering

    made = offering(connect())
    Account.objects.filter(pk=made.account.pk).update(go_live_at=clock.now() + dt.timedelta(hours=1))
    made.front.buy(("A", 2))
    walk(made)
    assert Order.objects.get().state == Order.State.HISTORY
    assert buckets(made.sku, made.place) == (10, 0, 0)


def test_how_far_behind_is_a_figure(shop, later):
    walk(shop)
    assert pull.behind(shop.account) == dt.timedelta(0)
    later(minutes=5)
    assert 260 < pull.behind(shop.account).total_seconds() < 280


def test_ten_times_sync_now_is_one_visit(shop):
    due.ended(shop.account.pk, due.ORDERS)
    for _ in range(10):
        pull.sync_now(shop.account.pk)
    assert [one.kind for one in due.claim() if one.kind == "orders"] == ["orders"]
    assert [one for one in due.claim() if one.kind == "orders"] == []


def test_of_two_dispatchers_that_saw_the_same_job_one_gets_it(shop):
    due.soon(shop.account.pk, due.ORDERS)
    seen = [job.pk for job in DueWork.objects.filter(due_at__lte=clock.now())]
    first, second = due._mark(seen, clock.now()), due._mark(seen, clock.now())
    assert (len(first), second) == (len(seen), [])


def test_a_job_handed_over_and_lost_comes_back(shop, later):
    due.soon(shop.account.pk, due.ORDERS)
    assert "orders" in {one.kind for one in due.claim()}
    later(seconds=due.HANDED_OVER_SECONDS + 1)
    assert "orders" in {one.kind for one in due.claim()}


def test_the_text_expires_and_the_order_is_not_taken_in_again(shop, later):
    from channels import payloads

    shop.front.buy(("A", 1))
    walk(shop)
    InboundPayload.objects.update(expires_at=clock.now())
    assert payloads.expire() == 1
    assert InboundPayload.objects.get().body == ""
    assert walk(shop).fresh == 0


def test_secrets_in_a_text_are_blotted_out_and_numbers_stay_exact(db):
    from channels.payloads import redacted

    text = b'{"total":1.10,"order_key":"wc_order_1","meta":[{"key":"_stripe_token","value":"tok"}]}'
    assert redacted(text) == '{"total":1.10,"order_key":"•••","meta":[{"key":"_stripe_token","value":"•••"}]}'
    typed = '{"customAttributes":[{"key":"Signature","value":"Für Oma Erna"},{"key":"api_key","value":"•••"}]}'
    assert redacted(typed.replace("•••", "abc").encode()) == typed
    assert redacted(b'{"total": 1.10}') == '{"total": 1.10}'


def test_two_accounts_with_the_same_secrets_are_refused(connect, platforms):
    from backoffice.errors import YikuError

    made = connect()
    other = connect()
    Account.objects.filter(pk=other.account.pk).update(base_url=made.account.base_url)
    with pytest.raises(YikuError, match="already used"):
        accounts.set_credential(
            account=Account.objects.get(pk=other.account.pk), values={"key": made.front.name}, actor="test"
        )


def test_two_accounts_that_reach_the_same_shop_are_refused(connect):
    from backoffice.errors import YikuError

    made, other = connect(), connect()
    other.front.name = made.front.name
    Account.objects.filter(pk=other.account.pk).update(external_shop_id=None)
    with pytest.raises(YikuError, match="already connected"):
        accounts.test_connection(account=Account.objects.get(pk=other.account.pk), actor="test")


def test_runs_are_logged_with_what_they_found(shop):
    shop.front.buy(("A", 1))
    walk(shop, trigger="button")
    run = PollRun.objects.filter(kind="orders").first()
    assert (run.trigger, run.created, run.outcome) == ("button", 1, "ok")
    assert run.since is not None
    assert run.server_time is not None
