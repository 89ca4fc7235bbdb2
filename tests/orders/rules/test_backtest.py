"""Rules over past orders: what they would have done, beside what was done and what came of it."""

import datetime as dt

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice import clock, longwork
from inventory.models import Access
from orders.admin.rules import sheets
from orders.contracts import OrderStatus
from orders.desk import actions
from orders.desk.rules import backtest
from orders.fulfil import shipping
from orders.models import Backtest, Order, ReviewLog, Rule
from tests.orders.factories import Seller, line, order, refund
from tests.orders.factories import later as newer
from tests.orders.rules.build import group, publish, row, rule

pytestmark = pytest.mark.django_db
NOTE = group(row("buyer_note", "has_word", ["stairs"]))


@pytest.fixture
def user(people):
    """Who asks."""
    return people["superuser"]


def ordered(number: int, *lines, **fields):
    """An order of a quarter of an hour ago."""
    moment = clock.now() - dt.timedelta(minutes=15)
    return order(number, *(lines or (line("MUG"),)), placed_at=moment, updated_at=moment, paid_at=moment, **fields)


def tried(user, days: int = 30) -> dict:
    row_ = backtest.begin(user=user, days=days)
    row_.refresh_from_db()
    assert row_.progress.state == "done", row_.progress.message
    return {**row_.result, "differ": [(one["number"], bool(one["now"]), one["ending"]) for one in row_.differing]}


def ship(seller, number):
    shipping.ship(order_id=seller.order(number).pk, parcels=[shipping.Parcel()], actor="u", idempotency_key=str(number))


def test_without_rules_past_and_present_agree(user):
    seller = Seller(MUG=50)
    seller.take(ordered(1), ordered(2, buyer_note="gift wrap"), ordered(3, line("NOBODY")), ordered(4, line("MUG", 99)))
    found = tried(user)
    assert (found["orders"], found["held"], found["was_held"], found["differ"]) == (4, 3, 3, [])


def test_a_draft_that_would_hold_what_went_well(user):
    seller = Seller(MUG=50)
    seller.take(ordered(1, buyer_note="mind the stairs"), ordered(2))
    for number in (1, 2):
        ship(seller, number)
    made = rule("Stairs", NOTE)
    found = tried(user)
    assert (found["newly_held"], found["held_but_fine"], found["passed_percent"]) == (1, 1, 50.0)
    assert found["differ"] == [("#1001", True, "fine")]
    assert found["rules"] == [{"id": made.pk, "name": "Stairs", "dry": False, "fired": 1, "held": 1, "helped": 0}]
    assert Order.objects.filter(state="held").count() == 0


def test_a_draft_that_lets_pass_what_a_person_let_go_saves_minutes(user):
    seller = Seller(MUG=50)
    seller.take(*(ordered(number, buyer_note="gift wrap") for number in (1, 2, 3)))
    for number in (1, 2, 3):
        actions.approve(order_ids=[seller.order(number).pk], actor="user:1 wang")
    rule("Gifts are fine", group(row("buyer_note", "has_word", ["gift"])), deeds=[{"do": "approve"}])
    found = tried(user)
    assert (found["newly_passed"], found["minutes_saved"]) == (3, 6)


def test_what_passes_but_was_refunded_cancelled_or_late_is_counted(user):
    seller = Seller(MUG=50)
    bad = [ordered(1), ordered(2), ordered(3, ship_by=clock.now() - dt.timedelta(minutes=5)), ordered(4)]
    seller.take(*bad)
    ship(seller, 1)
    seller.take(newer(bad[0], refunds=(refund(1, "10", ("1", "1")),)))
    seller.take(newer(bad[1], status=OrderStatus.CANCELLED))
    ship(seller, 3)
    found = tried(user)
    assert (found["passed_but_bad"], found["was_passed_but_bad"], found["held_and_bad"]) == (3, 3, 0)
    rule("All")
    assert tried(user)["held_and_bad"] == 3


def test_orders_are_judged_as_they_were_then(user):
    seller = Seller(MUG=50)
    first = ordered(1, buyer_note="mind the stairs")
    seller.take(first)
    seller.take(newer(first, buyer_note="", tags=("x",)))
    seller.add("MUG2")
    rule("Stairs", NOTE)
    rule("Short", group(row("all_in_stock", "no")))
    seller.take(ordered(2, line("MUG", 60)))
    seller.add("MUG", 1000)  # there is enough now; then there was not
    found = tried(user)
    assert {one["name"]: one["fired"] for one in found["rules"]} == {"Stairs": 1, "Short": 1}


def test_history_before_an_order_counts_and_what_came_after_does_not(user):
    seller = Seller(MUG=50)
    same = {"buyer": order(1).buyer}
    seller.take(ordered(1, **same), ordered(2, line("MUG", 2), **same), ordered(3, line("MUG", 3)))
    rule("Again", group(row("buyer_orders", "at_least", 1, days=7)))
    assert tried(user)["rules"][0]["fired"] == 1


def test_a_dry_rule_is_counted_and_holds_nothing(user):
    seller = Seller(MUG=50)
    seller.take(ordered(1))
    rule("All", dry=True)
    found = tried(user)
    assert (found["rules"][0]["fired"], found["held"]) == (1, 0)


def test_the_period_the_history_and_other_peoples_shops_are_left_out(people):
    mine, other = Seller(MUG=50), Seller(CUP=50)
    old = clock.now() - dt.timedelta(days=31)
    mine.take(ordered(1), order(2, line("MUG"), placed_at=old, updated_at=old))
    mine.take(ordered(3), go_live=clock.now())
    other.take(ordered(4, line("CUP")))
    Access.objects.create(user=people["order_clerk"], all_warehouses=True).shops.add(mine.shop)
    assert tried(people["order_clerk"])["orders"] == 1


def test_a_test_is_done_once_and_by_a_worker_when_there_is_one(user, monkeypatch):
    seller = Seller(MUG=50)
    seller.take(ordered(1))
    handed = []
    monkeypatch.setattr(longwork, "workers_alive", lambda: True)
    monkeypatch.setattr(longwork, "enqueue", lambda *what: handed.append(what))
    started = backtest.begin(user=user, days=30)
    assert handed == [("orders.tasks.backtest", started.pk)]
    assert backtest.running(started)
    assert [backtest.run(started.pk), backtest.run(started.pk)] == ["ok", "done already"]


def _everything() -> tuple:
    orders = list(Order.objects.values().order_by("pk"))
    return orders, list(ReviewLog.objects.values().order_by("pk")), list(Rule.objects.values())


def test_a_test_writes_nothing_but_its_result(user):
    seller = Seller(MUG=50)
    seller.take(ordered(1), ordered(2, buyer_note="gift"))
    rule("All")
    before = list(Order.objects.values().order_by("pk")), ReviewLog.objects.count(), Rule.objects.get().updated_at
    tried(user)
    assert (
        list(Order.objects.values().order_by("pk")),
        ReviewLog.objects.count(),
        Rule.objects.get().updated_at,
    ) == before


def test_pages_of_orders_are_walked_to_the_end(user, monkeypatch):
    monkeypatch.setattr(backtest, "CHUNK", 2)
    seller = Seller(MUG=50)
    seller.take(*(ordered(number) for number in range(1, 6)))
    assert tried(user)["orders"] == 5


def test_rows_that_differ_are_kept_up_to_a_limit_and_all_are_counted(user, monkeypatch):
    monkeypatch.setattr(backtest, "MOST_DIFFERING", 2)
    seller = Seller(MUG=50)
    seller.take(*(ordered(number) for number in range(1, 6)))
    rule("All")
    found = tried(user)
    assert (found["differing"], len(found["differ"])) == (5, 2)


def test_a_page_of_any_size_costs_the_same_queries(user):
    rule("History and margin", group(row("buyer_orders", "at_least", 5, days=30), row("margin_percent", "less", 5)))
    counts = []
    for size in (1, 9):
        seller = Seller(**{f"MUG{size}": 50})
        seller.take(*(ordered(nth, line(f"MUG{size}", number=nth)) for nth in range(1, size + 1)))
        Order.objects.exclude(shop=seller.shop).update(state=Order.State.HISTORY)
        with CaptureQueriesContext(connection) as caught:
            found = tried(user)
        assert found["orders"] == size
        counts.append(len(caught))
    assert counts[0] == counts[1]


def test_only_the_earlier_orders_that_a_rule_asks_for_are_read(user):
    rule("By address", group(row("address_orders", "at_least", 5, days=30)))
    publish()
    seller = Seller(MUG=50)
    with CaptureQueriesContext(connection) as caught:
        seller.take(ordered(1))
    asked = " ".join(one["sql"] for one in caught if "placed_at" in one["sql"] and "WHERE" in one["sql"])
    assert '"address_key" IN' in asked
    assert '"phone_key" IN' not in asked


def test_the_workbook_names_the_rule_that_would_hold(user):
    seller = Seller(MUG=50)
    seller.take(ordered(1, buyer_note="mind the stairs"))
    rule("Stairs", NOTE)
    tried(user)
    sheet = openpyxl.load_workbook(sheets.workbook(Backtest.objects.get())).active
    values = [cell.value for cell in sheet[2]]
    assert (values[0], values[4], values[5], values[7]) == ("#1001", "Stairs", "passed", "still open")


def test_the_published_rules_are_not_what_is_tested(user):
    seller = Seller(MUG=50)
    old = rule("All")
    publish()
    Rule.objects.filter(pk=old.pk).update(enabled=False)
    seller.take(ordered(1))
    assert seller.order(1).state == "held"
    found = tried(user)
    assert (found["was_held"], found["held"]) == (1, 0)
