"""Compensations: once an order, within the limit or asked for, a coupon code to one order only, cost in our money."""

import datetime as dt
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from backoffice import clock
from orders.admin.returns.return_list import waiting
from orders.contracts import PaymentStatus
from orders.late import compensations
from orders.late.errors import LateError
from orders.models import Compensation, CompensationLimit, CouponCode, OrderEvent, Refund, Return, ReturnRefund
from orders.returns import refunding, reporting
from tests.orders.factories import Seller, later, line, order, refund
from tests.orders.late.build import LI, ids, play_of, preset, short_seller

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller():
    return short_seller(0, 100, 200, 300)


@pytest.fixture
def boss(people):
    return people["ops_admin"]


def give(user, made, order_ids, play=None, **options):
    told = compensations.give(user=user, actor=LI, preset=made, order_ids=order_ids, play=play, **options)
    return [one.code for one in told]


def rows() -> list[tuple]:
    return [
        (one.order.number, one.state, one.code, one.amount, one.cost)
        for one in Compensation.objects.order_by("order_id")
    ]


def test_a_fixed_code_is_given_once_an_order_however_often_it_is_clicked(seller, boss):
    play, made = play_of(seller), preset()
    assert give(boss, made, ids(seller, 1, 2), play) == ["given", "given"]
    assert give(boss, made, ids(seller, 1, 2, 3), play) == ["comp_given", "comp_given", "given"]
    assert rows() == [(f"#100{n}", "given", "SORRY", 0, 5) for n in (1, 2, 3)]
    with pytest.raises(IntegrityError), transaction.atomic():
        Compensation.objects.create(
            play=play, order=seller.order(1), preset=made, kind="coupon", state="given", created_by="x"
        )


def test_codes_of_the_pool_go_to_one_order_each_and_the_rest_is_told_when_they_run_out(seller, boss):
    made = preset(fixed_code="")
    assert compensations.add_codes(preset=made, text=" A-1 \nA-2\n\nA-1\0", actor=LI) == (2, 0)
    assert compensations.add_codes(preset=made, text="A-1\r\nA-2", actor=LI) == (0, 2)
    play = play_of(seller)
    assert give(boss, made, ids(seller, 1, 2, 3), play) == ["given", "given", "comp_no_codes"]
    assert rows() == [("#1001", "given", "A-1", 0, 5), ("#1002", "given", "A-2", 0, 5)]
    assert set(CouponCode.objects.values_list("code", "given_to__order__external_id")) == {("A-1", "o1"), ("A-2", "o2")}
    compensations.add_codes(preset=made, text="A-3", actor=LI)
    assert give(boss, made, ids(seller, 3), play) == ["given"]


def test_a_percentage_goes_back_in_the_buyers_currency_and_costs_ours(seller, boss):
    made = preset("refund", amount=0, percent=15)
    give(boss, made, ids(seller, 1), play_of(seller))
    assert rows() == [("#1001", "given", "", 15, 120)]
    money = ReturnRefund.objects.get()
    assert (money.amount, money.currency, money.state) == (15, "EUR", "wanted")
    assert (money.rma.order, money.rma.source, money.rma.goods) == (seller.order(1), "late", False)
    assert Compensation.objects.get().rma == money.rma
    events = OrderEvent.objects.filter(kind=OrderEvent.Kind.REFUND_WANTED)
    assert [event.data["money"] for event in events] == [money.pk]


def test_money_is_wanted_once_whatever_is_repeated(seller, boss):
    found = seller.order(1)
    for _twice in range(2):
        compensations.apply_refund(found, Decimal(5), actor=LI, key="late:7")
    assert [one.amount for one in ReturnRefund.objects.all()] == [5]


def test_what_the_platform_tells_of_the_money_is_known_and_ends_it(seller, boss):
    give(boss, preset("refund", amount=0, percent=15), ids(seller, 1), play_of(seller))
    total = Decimal(100)
    seller.take(later(order(1, line("MUG", total=total), total=total), refunds=(refund(1, "15"),)))
    money = ReturnRefund.objects.get()
    assert (money.state, money.refund.external_id, money.rma.state) == ("done", "r1", "settled")
    assert Return.objects.count() == 1


def test_money_no_platform_gives_is_given_by_hand_in_the_list_of_all_such(seller, boss):
    give(boss, preset("refund", amount=0, percent=15), ids(seller, 1), play_of(seller))
    money = ReturnRefund.objects.get()
    refunding.by_hand([money.pk])
    assert list(waiting(Return.objects.all(), "hand")) == [money.rma]
    refunding.given_by_hand(money_id=money.pk, actor=LI)
    money.refresh_from_db()
    assert (money.state, Refund.objects.get().amount, money.rma.state) == ("done", 15, "settled")


def test_money_that_is_withdrawn_costs_nothing_and_leaves_the_limit_free(seller, boss):
    give(boss, preset("refund", amount=0, percent=15), ids(seller, 1), play_of(seller))
    refunding.withdraw(money_id=ReturnRefund.objects.get().pk, actor=LI, reason="typed wrong")
    row = Compensation.objects.get()
    assert (row.state, row.decided_by) == ("refused", LI)


def test_an_order_that_is_not_paid_gets_no_money_back(boss):
    seller = short_seller(0, 10)
    seller.take(order(2, line("MUG"), payment=PaymentStatus.PENDING))
    assert give(boss, preset("refund", amount=0, percent=10), ids(seller, 2), play_of(seller)) == ["comp_nothing"]
    assert not Return.objects.exists()


def test_money_for_waiting_is_no_return_in_the_report(seller, boss):
    give(boss, preset("refund", amount=0, percent=15), ids(seller, 1), play_of(seller))
    now = clock.now()
    span = (now - dt.timedelta(days=1), now + dt.timedelta(days=1))
    assert not reporting.within(Return.objects.all(), *span).exists()


def test_never_more_goes_back_than_the_buyer_has_paid(boss):
    seller = short_seller(0, 10)
    first = order(2, line("MUG"), refunds=(refund(1, "8"),))
    seller.take(first)
    play = play_of(seller)
    give(boss, preset("refund", amount=Decimal(800)), ids(seller, 1, 2), play)
    assert [one.amount for one in Compensation.objects.order_by("order_id")] == [10, 2]
    assert give(boss, preset("refund", amount=1), ids(seller, 1), play) == ["comp_nothing"]


def test_shipping_goes_back_and_free_shipping_gives_nothing(boss):
    seller = short_seller(0, 10)
    seller.take(order(2, line("MUG"), shipping_total=Decimal("4.5"), total=Decimal("14.5")))
    play = play_of(seller)
    assert give(boss, preset("shipping", amount=0), ids(seller, 1, 2), play) == ["comp_nothing", "given"]
    assert rows() == [("#1002", "given", "", Decimal("4.5"), 36)]


def test_without_a_rate_the_cost_cannot_be_counted(boss):
    seller = Seller(MUG=0)
    seller.take(order(1, line("MUG"), currency="USD"))
    assert give(boss, preset("refund", amount=0, percent=10), ids(seller, 1)) == ["comp_no_rate"]
    assert not Compensation.objects.exists()


def test_a_gift_is_seen_by_the_packer_and_costs_what_it_cost_us(seller, boss):
    gift = seller.add("PEN", 10)
    made = preset("gift", amount=0, sku=gift, quantity=Decimal(2))
    assert give(boss, made, ids(seller, 1), play_of(seller)) == ["given"]
    row = Compensation.objects.get()
    assert row.cost == 8
    assert [one.quantity for one in seller.order(1).lines.filter(sku=gift)] == [2]


def test_above_the_limit_it_is_asked_for_and_somebody_else_decides(seller, people, boss):
    clerk = people["customer_service"]
    CompensationLimit.objects.create(group=Group.objects.get(name="customer_service"), most=8)
    play, small, large = play_of(seller), preset(), preset(name="second", amount=Decimal(4), fixed_code="MORE")
    assert give(clerk, small, ids(seller, 1), play) == ["given"]
    assert give(clerk, large, ids(seller, 1, 2), play) == ["asked", "given"]  # five and four are more than eight
    asked = Compensation.objects.get(state="asked")
    assert (asked.code, compensations.told(ids(seller, 1), play)) == ("", {seller.order(1).pk: "coupon SORRY"})
    compensations.decide(compensation_id=asked.pk, user=boss, actor="user:1 boss", good=True)
    asked.refresh_from_db()
    assert (asked.state, asked.code, asked.decided_by) == ("given", "MORE", "user:1 boss")
    with pytest.raises(LateError, match="decided already: boss"):
        compensations.decide(compensation_id=asked.pk, user=boss, actor="x", good=False)


def test_what_is_refused_leaves_the_limit_free_again_and_no_limit_is_none_at_all(seller, people, boss):
    clerk = people["order_clerk"]
    assert compensations.limit_of(clerk) == 0
    assert compensations.limit_of(boss) is None
    play, made = play_of(seller), preset("refund", amount=0, percent=10)
    assert give(clerk, made, ids(seller, 1), play) == ["asked"]
    assert not ReturnRefund.objects.exists()
    compensations.decide(compensation_id=Compensation.objects.get().pk, user=boss, actor="x", good=False)
    assert Compensation.objects.get().state == "refused"
    CompensationLimit.objects.create(group=Group.objects.get(name="order_clerk"), most=5)
    assert give(clerk, preset(), ids(seller, 1), play) == ["given"]


def test_an_approval_that_cannot_be_carried_out_stays_open(seller, people, boss):
    made = preset(fixed_code="")
    give(people["order_clerk"], made, ids(seller, 1), play_of(seller))
    with pytest.raises(LateError, match="No coupon codes are left"):
        compensations.decide(compensation_id=Compensation.objects.get().pk, user=boss, actor="x", good=True)
    assert Compensation.objects.get().state == "asked"


def test_presets_that_are_off_and_nothing_chosen(seller, boss):
    with pytest.raises(LateError, match="switched off"):
        give(boss, preset(active=False), ids(seller, 1))
    with pytest.raises(LateError, match="Choose at least one"):
        give(boss, preset(), [])
