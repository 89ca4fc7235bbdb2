"""What a rule sets going: written with the review, done once, told on the order's page."""

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from backoffice import clock
from orders.desk import actions
from orders.desk.rules import deeds, works
from orders.desk.rules.conditions import Unusable
from orders.desk.table import RowOutcome
from orders.models import Order, RuleWork
from tests.orders.factories import Seller, later, line, order
from tests.orders.rules.build import group, publish, row, rule

pytestmark = pytest.mark.django_db
SPLIT = {"do": "split_short"}


@pytest.fixture
def greeted(monkeypatch):
    """A kind of work brought by a part: it remembers whom it greeted, and refuses #1002."""
    seen = []

    def greet(order_ids, params, actor):
        numbers = dict(Order.objects.filter(pk__in=order_ids).values_list("pk", "number"))
        seen.append((sorted(numbers.values()), params["words"], actor))
        return [RowOutcome(pk, numbers[pk] != "#1002", "greeted", "Not this one.") for pk in order_ids]

    def read(raw):
        if not raw.get("words"):
            raise ValueError("Say what to greet with.")
        return {"words": str(raw["words"])}

    kind = works.Kind("greet", "Greet", (works.Input("words", "Words"),), read, lambda params: params["words"], greet)
    monkeypatch.setitem(works._kinds, "greet", kind)
    return seen


def states():
    return sorted(RuleWork.objects.values_list("order__number", "kind", "state"))


def test_a_work_is_checked_by_the_part_that_brings_it(greeted):
    assert deeds.read([{"do": "greet", "words": "hello"}])[0].params == {"words": "hello"}
    with pytest.raises(Unusable) as refused:
        deeds.read([{"do": "greet"}])
    assert [one.text for one in refused.value.problems] == ["Say what to greet with."]


def test_what_is_wished_is_done_to_all_approved_orders_at_once_and_each_outcome_is_kept(greeted):
    made = rule("Hello", deeds=[{"do": "greet", "words": "hi"}])
    publish()
    seller = Seller(MUG=50)
    seller.take(*(order(nth, line("MUG")) for nth in (1, 2, 3)))
    assert works.run_due() == 3
    assert greeted == [(["#1001", "#1002", "#1003"], "hi", "rule:Hello")]
    assert states() == [("#1001", "greet", "done"), ("#1002", "greet", "refused"), ("#1003", "greet", "done")]
    assert RuleWork.objects.get(order__number="#1002").message == "Not this one."
    assert RuleWork.objects.filter(rule=made.pk, name="Hello").count() == 3
    assert works.run_due() == 0


def test_an_order_that_is_held_waits_and_a_cancelled_one_is_missed(greeted):
    rule("Hello", deeds=[{"do": "greet", "words": "hi"}])
    publish()
    seller = Seller(MUG=50)
    seller.take(order(1, line("UNKNOWN")), order(2, line("UNKNOWN")))
    assert works.run_due() == 0
    actions.cancel(order_ids=[seller.order(2).pk], actor="t", reason="gone")
    assert works.run_due() == 1
    assert states() == [("#1001", "greet", "due"), ("#1002", "greet", "missed")]
    assert greeted == []


def test_a_second_review_wishes_nothing_again(greeted):
    rule("Hello", deeds=[{"do": "greet", "words": "hi"}])
    publish()
    seller = Seller(MUG=50)
    first = order(1, line("MUG"))
    seller.take(first)
    works.run_due()
    actions.undo_approve(order_ids=[seller.order(1).pk], actor="t")
    actions.release_hold(order_ids=[seller.order(1).pk], actor="t")
    seller.take(later(first, buyer_note="hello"))
    works.run_due()
    assert len(greeted) == 1


def test_what_fails_is_tried_again_and_given_up_in_the_end(greeted, monkeypatch):
    def broken(order_ids, params, actor):
        Order.objects.filter(pk__in=order_ids).update(priority=9)
        raise RuntimeError("down")

    kind = works._kinds["greet"]
    monkeypatch.setitem(works._kinds, "greet", works.Kind("greet", "Greet", (), kind.read, kind.words, broken))
    rule("Hello", deeds=[{"do": "greet", "words": "hi"}])
    publish()
    seller = Seller(MUG=50)
    seller.take(order(1, line("MUG")))
    for attempt in range(works.TRIES):
        later_on = clock.now() + (attempt + 1) * works.PAUSE * 2
        with clock.moved_to(lambda moment=later_on: moment):
            works.run_due()
    assert (states(), RuleWork.objects.get().message) == ([("#1001", "greet", "refused")], "RuntimeError")
    assert seller.order(1).priority == 0  # nothing half-applied


def test_a_short_order_is_split_by_a_rule():
    rule("Send what is there", group(row("sku", "is", "MUG"), of="any_line"), deeds=[SPLIT])
    publish()
    seller = Seller(MUG=1, CUP=5)
    seller.take(order(1, line("MUG", "3"), line("CUP", "1", 2)), order(2, line("CUP")))
    assert seller.order(1).state == "held"
    assert works.run_due() == 1
    stored = seller.order(1)
    assert (stored.state, stored.hold_code) == ("approved", "short_stock")
    assert seller.buckets("CUP")[2] == 2


def test_without_such_rules_nothing_is_asked_or_written():
    rule("Only marks", deeds=[{"do": "tag", "marks": ["x"]}])
    publish()
    Seller(MUG=5).take(order(1, line("MUG")))
    with CaptureQueriesContext(connection) as caught:
        assert works.run_due() == 0
    assert len(caught) == 1
    assert not RuleWork.objects.exists()


def test_the_order_says_what_rules_set_going(greeted, people):
    rule("Hello", deeds=[{"do": "greet", "words": "<b>hi</b>"}])
    publish()
    seller = Seller(MUG=50)
    seller.take(order(2, line("MUG")))
    works.run_due()
    page = people.client("superuser").get(f"/admin/orders/order/{seller.order(2).pk}/change/").content.decode()
    assert "What rules set going" in page
    assert "&lt;b&gt;hi&lt;/b&gt;" in page
    assert "Not this one." in page


def test_the_builder_knows_what_parts_bring(greeted, people):
    page = people.client("superuser").get("/admin/orders/rule/add/").content.decode()
    assert '"greet"' in page
    assert '"split_short"' in page


def test_a_kind_says_when_an_order_is_ready():
    assert works.kinds()["split_short"].when == Q(order__state="held", order__hold_code="short_stock")
