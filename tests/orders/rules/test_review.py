"""Published rules in the real intake and review: holds, passes, marks, promises, ends of holds, overrides."""

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice import clock
from finance import ratebook
from orders.contracts import Buyer
from orders.desk import actions, review
from orders.models import Order, ReviewLog
from tests.orders.factories import LYON, NOW, Seller, at, line, order
from tests.orders.factories import later as newer
from tests.orders.rules.build import HOLD, group, publish, row, rule

pytestmark = pytest.mark.django_db
NOTE = group(row("buyer_note", "has_word", ["加急"]))


def held(seller: Seller, number: int) -> tuple[str, str, str]:
    stored = seller.order(number)
    return stored.state, stored.hold_code, stored.hold_department


def test_without_a_published_version_no_rule_counts():
    rule("Nobody published me")
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG")))
    assert seller.order(1).state == Order.State.APPROVED


def test_a_rule_holds_for_its_department_with_its_words():
    ratebook.set_rate(currency="EUR", on=dt.date(2026, 1, 1), rate=Decimal(8))
    made = rule("Large to France", group(row("total", "at_least", 400)), group(row("country", "one_of", ["FR"])))
    version = publish()
    seller = Seller(MUG=20)
    seller.take(order(1, line("MUG", "5")), order(2, line("MUG", "1")))
    assert held(seller, 1) == ("held", f"rule:{made.pk}", "service")
    assert seller.order(1).hold_note == "Large to France"
    assert held(seller, 2) == ("approved", "", "")
    log = ReviewLog.objects.get(order=seller.order(1))
    assert log.findings[0]["reason"] == "Call the buyer."
    assert log.rules_version.endswith(f"-r{version.pk}")
    assert log.facts["rules"]["matched"] == [made.pk]


def test_a_rule_lets_pass_what_a_soft_check_holds_but_never_what_cannot_be_sent():
    rule("Known buyers may wish", NOTE, deeds=[{"do": "approve"}])
    publish()
    seller = Seller(MUG=5)
    wish = {"buyer_note": "gift wrap please, 加急"}
    seller.take(order(1, line("MUG"), **wish), order(2, line("UNKNOWN"), **wish), order(3, line("MUG", "50"), **wish))
    assert [seller.order(number).state for number in (1, 2, 3)] == ["approved", "held", "held"]
    assert seller.findings(2) == ["unmatched"]
    assert seller.findings(3) == ["short_stock"]
    assert ReviewLog.objects.get(order=seller.order(1)).facts["rules"]["over"] == ["keyword"]


def test_a_rule_may_let_pass_over_one_check_only():
    rule("Wishes are fine", deeds=[{"do": "approve", "over": ["keyword"]}])
    publish()
    seller = Seller(MUG=5)
    seller.take(
        order(1, line("MUG"), buyer_note="gift"),
        order(2, line("MUG", 2), buyer_note="gift", shipping=dataclasses.replace(LYON, postcode="1")),
    )
    assert seller.order(1).state == Order.State.APPROVED
    assert seller.findings(2) == ["address"]


def test_marks_priority_and_promise_stand_on_the_order():
    deeds = [{"do": "tag", "marks": ["加急"]}, {"do": "priority", "priority": 8}, {"do": "ship_by", "hours": 24}]
    rule("Rush", group(row("sku", "is", "MUG"), of="any_line"), deeds=deeds)
    publish()
    seller = Seller(MUG=5, CUP=5)
    seller.take(order(1, line("MUG")), order(2, line("CUP")), order(3, line("MUG"), ship_by=at(60)))
    first, second, third = (seller.order(number) for number in (1, 2, 3))
    assert (first.marks, first.priority, first.ship_by) == (["加急"], 8, NOW + dt.timedelta(hours=24))
    assert (second.marks, second.priority, second.ship_by) == ([], 0, None)
    assert (third.ship_by, third.own_ship_by) == (at(60), NOW + dt.timedelta(hours=24))


def test_a_newer_version_does_not_take_our_own_promise_away():
    rule("Rush", deeds=[{"do": "ship_by", "hours": 24}])
    publish()
    seller = Seller(MUG=5)
    first = order(1, line("MUG"))
    seller.take(first)
    seller.take(newer(first, tags=("x",), ship_by=NOW + dt.timedelta(days=9)))
    assert seller.order(1).ship_by == NOW + dt.timedelta(hours=24)


def test_history_counts_the_buyers_earlier_orders_and_is_frozen():
    made = rule("Third of the week", group(row("buyer_orders", "at_least", 2, days=7)))
    publish()
    seller = Seller(MUG=50)
    same = {"buyer": Buyer(name="Wang", email="wang@example.com")}
    for number in (1, 2, 3):
        seller.take(order(number, line("MUG", number), minutes=number, placed_at=at(number), **same))
    assert [seller.order(number).hold_code for number in (1, 2, 3)] == ["", "", f"rule:{made.pk}"]
    assert ReviewLog.objects.get(order=seller.order(3)).facts["rules"]["told"] == {"buyer_orders:7": 2.0}


def test_history_of_one_page_counts_too():
    made = rule("Second", group(row("address_orders", "at_least", 1, days=1)))
    publish()
    seller = Seller(MUG=50)
    seller.take(*(order(number, line("MUG", number), placed_at=at(number)) for number in (1, 2)))
    assert [seller.order(number).hold_code for number in (1, 2)] == ["", f"rule:{made.pk}"]


def test_a_dry_rule_is_noted_and_does_nothing():
    made = rule("Would hold all", dry=True)
    publish()
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG")))
    assert seller.order(1).state == Order.State.APPROVED
    assert ReviewLog.objects.get(order=seller.order(1)).facts["rules"]["tried"] == [made.pk]


def approved_then_judged_again(seller: Seller) -> Order:
    """An order that a person let go, and that comes back to the checks on another occasion."""
    seller.take(order(1, line("MUG")))
    assert actions.approve(order_ids=[seller.order(1).pk], actor="user:1 wang", reason="known")[0].ok
    return seller.order(1)


def test_what_a_person_approved_over_a_rule_is_not_asked_again():
    rule("Hold all")
    publish()
    assert review.judge([approved_then_judged_again(Seller(MUG=5))]) == {Order.objects.get().pk: "approved"}


def test_another_rule_still_holds_what_a_person_approved_over_one():
    rule("Hold all")
    publish()
    seller = Seller(MUG=5)
    stored = approved_then_judged_again(seller)
    second = rule("And another")
    publish()
    review.judge([stored])
    assert seller.order(1).hold_code == f"rule:{second.pk}"


def test_a_hold_with_an_end_lets_go_by_itself(later):
    rule("Wait for changes of mind", deeds=[{**HOLD, "hours": 2}])
    publish()
    seller = Seller(MUG=5)
    now = clock.now()
    seller.take(order(1, line("MUG"), placed_at=now, updated_at=now))
    stored = seller.order(1)
    assert (stored.state, stored.hold_until) == ("held", now + dt.timedelta(hours=2))
    assert review.let_go(now + dt.timedelta(hours=1)) == 0
    later(hours=2, seconds=1)
    assert review.let_go(clock.now()) == 1
    stored = seller.order(1)
    assert (stored.state, stored.hold_until, stored.hold_code) == ("approved", None, "")
    assert review.let_go(clock.now()) == 0


def test_a_hold_with_an_end_stays_while_something_else_is_wrong(later):
    rule("Wait", deeds=[{**HOLD, "hours": 2}])
    publish()
    seller = Seller(MUG=5)
    now = clock.now()
    seller.take(order(1, line("MUG"), placed_at=now, updated_at=now, buyer_note="gift wrap"))
    later(hours=3)
    review.let_go(clock.now())
    stored = seller.order(1)
    assert (stored.state, stored.hold_code, stored.hold_until) == ("held", "keyword", None)


def test_orders_that_wait_for_payment_are_asked_when_they_are_paid():
    made = rule("Hold all")
    publish()
    seller = Seller(MUG=5)
    first = order(1, line("MUG"), payment=order(1).payment.PENDING, paid_at=None)
    seller.take(first)
    assert seller.order(1).state == Order.State.UNPAID
    seller.take(newer(first, payment=order(1).payment.PAID, paid_at=at(5)))
    assert seller.order(1).hold_code == f"rule:{made.pk}"


def test_rules_cost_a_page_a_fixed_number_of_queries():
    rule("All", group(row("buyer_orders", "at_least", 99, days=30)), group(row("margin_percent", "less", -99)),
         group(row("in_stock", "no"), of="any_line"))  # fmt: skip
    publish()
    seller = Seller(MUG=500)
    seller.take(order(1, line("MUG")))  # reads the version, once a process
    counts = []
    for start, size in ((2, 1), (10, 20)):
        with CaptureQueriesContext(connection) as seen:
            seller.take(*(order(number, line("MUG")) for number in range(start, start + size)))
        counts.append(len(seen))
    assert counts[0] == counts[1]
