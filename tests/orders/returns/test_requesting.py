"""A return begins: by the desk, by a refund on the platform, within what was sent."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from backoffice import clock
from inventory.models import Warehouse
from orders.contracts import OrderStatus
from orders.models import Return, ReturnPlace, ReturnPolicy, ReturnRule
from orders.returns import deciding, receiving, requesting, slip
from orders.returns.errors import ReturnError
from tests.orders.factories import later, line, order, refund
from tests.orders.returns.conftest import ANN

pytestmark = pytest.mark.django_db


def refused(code, work, *args, **fields):
    """The work is refused with this code."""
    with pytest.raises(ReturnError) as error:
        work(*args, **fields)
    assert error.value.code == code
    assert str(error.value)
    return error.value


def test_a_return_is_opened_for_what_was_sent(seller, reason):
    seller.sent()
    found = seller.rma(units="1", approve=False, reason_id=reason.pk, text="cracked\0")
    assert (found.state, found.wants, found.source, found.warehouse) == ("requested", "refund", "desk", seller.place)
    assert [(row.quantity, row.received_quantity) for row in found.lines.all()] == [(1, 0)]
    assert (found.number, found.text, found.requested_by) == (f"R{10_000 + found.pk}", "cracked", ANN)


def test_the_same_key_opens_one(seller):
    seller.sent()
    lines = {seller.lines(1)[0].pk: Decimal(1)}
    made = [requesting.open_return(order_id=seller.order(1).pk, lines=lines, actor=ANN, key="x") for _ in range(2)]
    assert made[0] == made[1]
    assert Return.objects.count() == 1


@pytest.mark.parametrize(
    ("units", "code"),
    [
        ("3", "too_many"),
        ("0", "not_positive"),
        ("-1", "not_positive"),
        ("NaN", "bad_quantity"),
        ("0.0001", "bad_quantity"),
    ],
)
def test_impossible_quantities_open_nothing(seller, units, code):
    seller.sent()
    refused(code, seller.rma, units=units)
    assert not Return.objects.exists()


def test_what_is_announced_cannot_be_announced_again(seller):
    seller.sent()
    seller.rma(units="1")
    assert refused("too_many", seller.rma, units="2").params["left"] == "1"
    seller.rma(units="1")
    assert requesting.returnable(seller.order(1)) == {seller.lines(1)[0].pk: 0}


def test_what_was_refused_or_cancelled_can_be_announced_again(seller):
    seller.sent()
    first = seller.rma(units="2", approve=False)
    deciding.refuse(return_id=first.pk, actor=ANN, reason="too late")
    second = seller.rma(units="2")
    deciding.cancel(return_id=second.pk, actor=ANN, reason="keeps it")
    assert seller.rma(units="2").state == "approved"


def test_lines_of_another_order_are_none_of_this_one(seller):
    seller.sent(1)
    seller.sent(2)
    refused("unknown_line", seller.rma, 1, lines={seller.lines(2)[0].pk: Decimal(1)})
    assert not Return.objects.exists()


def test_nothing_comes_back_of_an_order_that_never_left(seller):
    seller.take(order(1, line("MUG", 2)))
    refused("nothing_sent", seller.rma)


def test_money_only_needs_no_goods_and_no_warehouse(seller):
    seller.take(order(1, line("MUG", 2)))
    found = seller.rma(units=None, goods=False)
    assert (found.state, found.warehouse, found.expected_by, found.lines.count()) == ("approved", None, None, 0)


def test_the_clock_runs_from_the_approval_by_the_shops_rule(seller):
    seller.sent()
    ReturnPolicy.objects.create(shop=seller.shop, days=7)
    found = seller.rma()
    assert (found.expected_by - found.updated_at).days in (6, 7)


def test_goods_come_back_to_where_they_left_unless_it_takes_none(seller):
    other = Warehouse.objects.create(code="BACK", name="Back")
    seller.shop.warehouse_links.create(warehouse=other, priority=9)
    seller.sent()
    assert seller.rma(units="1").warehouse == seller.place
    ReturnPlace.objects.create(warehouse=seller.place, takes_returns=False)
    second = seller.rma(units="1")
    assert second.warehouse == other
    deciding.cancel(return_id=second.pk, actor=ANN, reason="keeps it")
    ReturnPlace.objects.create(warehouse=other, takes_returns=False)
    refused("no_place", seller.rma, units="1")


def test_goods_come_back_to_where_the_rules_say(seller):
    seller.sent()
    there = Warehouse.objects.create(code="FR", name="France")
    rule = ReturnRule.objects.create(warehouse=there, country="FR", updated_at=clock.now(), updated_by="x")
    ReturnPlace.objects.create(warehouse=there, recipient="Retours", line1="1 Way", city="Lyon", country="FR")
    found = seller.rma(units="1")
    assert found.warehouse == there
    assert slip.facts_of(found).address == ("Retours", "1 Way", "Lyon", "FR")
    rule.country = "DE"
    rule.save()
    assert seller.rma(units="1").warehouse == seller.place


def test_a_refund_of_sent_goods_without_restock_lets_a_return_be_expected(seller):
    seller.sent()
    version = later(order(1, line("MUG", 2)), refunds=(refund(1, "10", ("1", "1")),))
    assert seller.take(version) != ["failed"]
    found = Return.objects.get()
    assert (found.state, found.source, found.refund.external_id) == ("approved", "platform", "r1")
    assert [row.quantity for row in found.lines.all()] == [1]
    assert seller.buckets("MUG") == (8, 0, 0)


def test_a_refund_that_says_restock_goes_to_the_shelf_as_before(seller):
    seller.sent()
    seller.take(later(order(1, line("MUG", 2)), refunds=(refund(1, "10", ("1", "1"), restock=True),)))
    assert not Return.objects.exists()
    assert seller.buckets("MUG") == (9, 0, 0)


def test_with_inspection_on_restocked_goods_wait_for_somebody_to_look(seller):
    ReturnPolicy.objects.create(shop=seller.shop, inspect=True)
    seller.sent()
    seller.take(later(order(1, line("MUG", 2)), refunds=(refund(1, "10", ("1", "1"), restock=True),)))
    assert Return.objects.get().state == "approved"
    assert seller.buckets("MUG") == (8, 0, 0)


def test_a_refund_of_goods_that_never_left_expects_nothing(seller):
    version = order(1, line("MUG", 2))
    seller.take(version)
    cut = line("MUG", 1, ordered_quantity=Decimal(2))
    seller.take(later(version, lines=(cut,), refunds=(refund(1, "10", ("1", "1")),)))
    assert not Return.objects.exists()


def test_the_same_refund_again_opens_no_second_return(seller):
    seller.sent()
    version = later(order(1, line("MUG", 2)), refunds=(refund(1, "10", ("1", "1")),))
    seller.take(version)
    seller.take(later(version, 5, tags=("x",)))
    assert Return.objects.count() == 1


def test_goods_a_return_brings_already_are_neither_put_back_nor_announced_twice(seller):
    seller.sent()
    seller.rma(units="1")
    seller.take(later(order(1, line("MUG", 2)), refunds=(refund(1, "10", ("1", "1"), restock=True),)))
    assert seller.buckets("MUG") == (8, 0, 0)
    assert Return.objects.get().refund.external_id == "r1"


def test_a_cancelled_order_expects_nothing(seller):
    seller.sent()
    gone = later(order(1, line("MUG", 2)), status=OrderStatus.CANCELLED)
    assert seller.take(gone) != ["failed"]
    assert not Return.objects.exists()


def test_a_decision_names_who_was_quicker(seller):
    seller.sent()
    found = seller.rma()
    said = refused("state", deciding.approve, return_id=found.pk, actor="user:9 li")
    assert "ann" in str(said)
    assert found.number in str(said)


def test_ending_a_return_takes_a_reason(seller):
    seller.sent()
    found = seller.rma()
    refused("say_why", deciding.cancel, return_id=found.pk, actor=ANN, reason=" ")
    found.refresh_from_db()
    assert found.state == "approved"


def test_the_way_from_address_to_parcel(seller):
    seller.sent()
    found = seller.rma()
    for _ in range(2):
        deciding.instruct(return_id=found.pk, actor=ANN)
    deciding.on_its_way(return_id=found.pk, actor=ANN, carrier="SF", tracking=" SF 123 ")
    found.refresh_from_db()
    assert (found.state, found.tracking_number, found.tracking_key) == ("in_transit", "SF 123", "sf123")


def test_the_buyers_parcel_is_expected_on_its_day_and_overdue_the_day_after(seller, later):
    seller.sent()
    found = seller.rma()
    before = found.expected_by
    day = timezone.localdate(clock.now()) + dt.timedelta(days=3)
    deciding.on_its_way(return_id=found.pk, actor=ANN, tracking="SF1", expected_on=day)
    found.refresh_from_db()
    assert before is not None
    assert found.expected_by < before
    assert timezone.localtime(found.expected_by).isoformat()[:19] == f"{day.isoformat()}T23:59:59"
    deciding.on_its_way(return_id=found.pk, actor=ANN, tracking="SF2")  # a corrected number moves no day
    found.refresh_from_db()
    assert (found.tracking_number, timezone.localdate(found.expected_by)) == ("SF2", day)
    assert not receiving.overdue(Return.objects.all()).exists()
    later(days=4)
    assert list(receiving.overdue(Return.objects.all())) == [found]


@pytest.mark.parametrize("days", [-121, 121, 400_000])
def test_a_day_that_can_only_be_a_typing_error_is_refused(seller, days):
    seller.sent()
    found = seller.rma()
    before = found.expected_by
    day = timezone.localdate(clock.now()) + dt.timedelta(days=days)
    refused("bad_day", deciding.on_its_way, return_id=found.pk, actor=ANN, tracking="SF1", expected_on=day)
    found.refresh_from_db()
    assert (found.state, found.expected_by, found.tracking_number) == ("approved", before, "")
