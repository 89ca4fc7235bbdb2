"""Purchase orders: drafted once, ordered within the limit or approved by another, expected at their cost."""

import datetime as dt
from decimal import Decimal

import pytest

from backoffice import clock
from inventory import arrivals
from inventory.arrivals import ArrivalRefused
from inventory.models import Balance, ExpectedArrival, StockEntry
from orders.models import PurchaseOrder
from orders.supply import drafting, ordering
from orders.supply.errors import SupplyError
from tests.inventory.invariants import broken
from tests.orders.supply.conftest import LI, WANG, D

pytestmark = pytest.mark.django_db


def incoming(buyer, sku=None) -> int:
    row = Balance.objects.filter(sku=sku or buyer.mug, warehouse=buyer.place).first()
    return int(row.incoming) if row else 0


def refusal(work) -> str:
    with pytest.raises(SupplyError) as error:
        work()
    return error.value.code


def test_a_draft_has_a_number_prices_and_a_total_and_expects_nothing(buyer):
    order = buyer.draft()
    assert (order.number, order.state, order.total, order.currency) == ("PO-00001", "draft", 116, "CNY")
    assert [(one.sku.code, one.quantity, one.price, one.supplier_code) for one in order.lines.all()] == [
        ("MUG", 24, 4, "M-001"), ("CUP", 10, 2, ""),
    ]  # fmt: skip
    assert StockEntry.objects.count() == 0
    assert buyer.draft().number == "PO-00002"


def test_the_price_follows_the_breaks(buyer):
    assert buyer.draft((buyer.mug, 120)).total == 420
    assert buyer.draft((buyer.mug, 108)).total == 432


def test_the_same_click_is_the_same_draft(buyer):
    assert buyer.draft(once="a").pk == buyer.draft(once="a").pk
    assert PurchaseOrder.objects.count() == 1


@pytest.mark.parametrize(
    ("lines", "code"),
    [((), "no_lines"), ((("MUG", 1), ("MUG", 2)), "sku_twice"), ((("MUG", "0"),), "quantity"),
     ((("MUG", "1.0001"),), "quantity"), ((("MUG", "NaN"),), "quantity"), ((("MUG", 1, "-1"),), "price"),
     ((("MUG", 1, "Infinity"),), "price")],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_and_nothing_is_kept(buyer, lines, code):
    rows = [
        drafting.Wanted(sku_id=buyer.mug.pk, quantity=D(n), price=D(price[0]) if price else None)
        for _sku, n, *price in lines
    ]

    def work():
        drafting.draft(supplier_id=buyer.supplier.pk, warehouse_id=buyer.place.pk, lines=rows, actor=LI, once="x")

    assert refusal(work) == code
    assert PurchaseOrder.objects.count() == 0


def test_a_draft_is_changed_and_not_over_somebody_elses_change(buyer):
    order = buyer.draft()
    rows = [drafting.Wanted(sku_id=buyer.cup.pk, quantity=D(7), price=D("1.9"))]
    changed = drafting.change(order_id=order.pk, lines=rows, actor=WANG, revision=1)
    assert (changed.total, changed.revision, changed.lines.count()) == (D("13.3"), 2, 1)
    assert refusal(lambda: drafting.change(order_id=order.pk, lines=rows, actor=LI, revision=1)) == "moved"
    ordering.hand_in(order_id=order.pk, actor=LI, limit=None)
    assert refusal(lambda: drafting.change(order_id=order.pk, lines=rows, actor=LI)) == "state"


def test_an_order_within_the_limit_is_sent_and_its_goods_are_incoming(buyer):
    order = ordering.hand_in(order_id=buyer.draft().pk, actor=LI, limit=D(116))
    assert (order.state, incoming(buyer), incoming(buyer, buyer.cup)) == ("ordered", 24, 10)
    arrival = ExpectedArrival.objects.get(sku=buyer.mug)
    assert (arrival.unit_cost, arrival.source) == (4, "PO-00001 青岚陶瓷厂")
    assert arrival.expected_on == clock.now().date() + dt.timedelta(days=10)
    assert broken() == []


def test_above_the_limit_another_person_approves(buyer):
    order = ordering.hand_in(order_id=buyer.draft().pk, actor=LI, limit=D("115.99"))
    assert (order.state, incoming(buyer)) == ("waiting", 0)
    assert refusal(lambda: ordering.approve(order_id=order.pk, actor=LI, limit=None)) == "own"
    assert refusal(lambda: ordering.approve(order_id=order.pk, actor=WANG, limit=D(100))) == "over_limit"
    assert incoming(buyer) == 0
    order = ordering.approve(order_id=order.pk, actor=WANG, limit=D(200))
    assert (order.state, order.submitted_by, order.approved_by, incoming(buyer)) == ("ordered", LI, WANG, 24)
    assert refusal(lambda: ordering.approve(order_id=order.pk, actor=WANG, limit=None)) == "state"
    assert incoming(buyer) == 24


def test_what_is_sent_back_is_a_draft_that_the_approver_has_not_seen(buyer):
    order = ordering.hand_in(order_id=buyer.draft().pk, actor=LI, limit=D(0))
    assert refusal(lambda: ordering.send_back(order_id=order.pk, actor=WANG, reason=" ")) == "say_why"
    ordering.send_back(order_id=order.pk, actor=WANG, reason="too many")
    ordering.hand_in(order_id=order.pk, actor=LI, limit=D(0))
    assert refusal(lambda: ordering.approve(order_id=order.pk, actor=WANG, limit=None, revision=1)) == "moved"


@pytest.mark.parametrize(("pieces", "code"), [(12, "minimum"), (30, "pack")])
def test_what_the_supplier_would_refuse_is_not_sent(buyer, pieces, code):
    order = buyer.draft((buyer.mug, pieces))
    assert refusal(lambda: ordering.hand_in(order_id=order.pk, actor=LI, limit=None)) == code
    order.refresh_from_db()
    assert (order.state, incoming(buyer)) == ("draft", 0)


def test_an_order_below_the_suppliers_minimum_is_not_sent(buyer):
    buyer.supplier.minimum_order = D(500)
    buyer.supplier.save()
    order = buyer.draft()
    with pytest.raises(SupplyError, match="takes orders from 500 CNY on; this one is 116"):
        ordering.hand_in(order_id=order.pk, actor=LI, limit=None)
    assert incoming(buyer) == 0


def test_another_currency_needs_a_rate_and_costs_by_it(buyer):
    from finance import ratebook

    buyer.supplier.currency = "EUR"
    buyer.supplier.save()
    order = buyer.draft()
    assert refusal(lambda: ordering.hand_in(order_id=order.pk, actor=LI, limit=None)) == "no_rate"
    ratebook.set_rate(currency="EUR", on=clock.now().date() - dt.timedelta(days=1), rate=Decimal("7.8"))
    order = ordering.hand_in(order_id=order.pk, actor=LI, limit=None)
    assert (order.base_total, ExpectedArrival.objects.get(sku=buyer.mug).unit_cost) == (D("904.8"), D("31.2"))


def test_another_day_moves_what_is_expected(buyer):
    order, day = buyer.ordered(), clock.now().date() + dt.timedelta(days=30)
    ordering.put_off(order_id=order.pk, expected_on=day, actor=LI)
    assert {one.expected_on for one in ExpectedArrival.objects.all()} == {day}
    past = clock.now().date() - dt.timedelta(days=9)
    assert refusal(lambda: ordering.put_off(order_id=order.pk, expected_on=past, actor=LI)) == "past_day"


def test_a_cancelled_order_is_awaited_no_longer(buyer):
    order = buyer.ordered()
    ordering.cancel(order_id=order.pk, actor=LI, reason="supplier closed")
    order.refresh_from_db()
    assert (order.state, incoming(buyer)) == ("cancelled", 0)
    assert refusal(lambda: ordering.cancel(order_id=order.pk, actor=LI, reason="x")) == "state"


def test_its_deliveries_are_moved_by_the_order_alone(buyer):
    buyer.ordered()
    arrival = ExpectedArrival.objects.get(sku=buyer.mug)
    for work in (
        lambda: arrivals.receive(arrival_id=arrival.pk),
        lambda: arrivals.cancel(arrival_id=arrival.pk),
        lambda: arrivals.change(arrival_id=arrival.pk, quantity=D(1), expected_on=arrival.expected_on, source=""),
    ):
        with pytest.raises(ArrivalRefused) as error:
            work()
        assert error.value.code == "owned"
    assert incoming(buyer) == 24
