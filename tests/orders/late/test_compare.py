"""Oversold, sent twice, missed: found by comparing what is in the tables."""

import pytest

from orders.desk import actions
from orders.fulfil import shipping
from orders.late import compare
from orders.models import Order, OrderLine
from tests.orders.factories import Seller, at, later, line, order, parcel
from tests.orders.late.build import HOUR, ids, short_seller

pytestmark = pytest.mark.django_db


def found(days=30, orders=None) -> dict[str, list[tuple[str, str]]]:
    told = compare.report(Order.objects.all() if orders is None else orders, days=days)
    return {one.kind: [(row.order.number, row.what) for row in one.rows] for one in told}


def test_an_order_that_was_short_is_told_of_even_when_it_has_its_goods_now():
    seller = short_seller(1, 10, 20)
    assert found()["oversold"] == [("#1002", "MUG 0 / 1")]
    seller.add("MUG", 5)
    actions.approve(order_ids=ids(seller, 2), actor="x")
    assert found()["oversold"] == [("#1002", "MUG 0 / 1")]


def test_more_sent_than_wanted_and_the_same_parcel_twice():
    seller = Seller(MUG=9)
    first, second, third = (order(n, line("MUG", 2)) for n in (1, 2, 3))
    seller.take(first, second, third)
    seller.take(later(first, fulfilments=(parcel(1, ("1", "2")),)))
    seller.take(later(first, 20, fulfilments=(parcel(1, ("1", "2")),), lines=(line("MUG", 1),)))
    for key, number in (("a", 2), ("b", 2)):
        one = OrderLine.objects.get(order=seller.order(number))
        shipping.ship(
            order_id=seller.order(2).pk, parcels=[shipping.Parcel(lines={one.pk: 1}, tracking="SF1")], actor="x",
            idempotency_key=key,
        )  # fmt: skip
    shipping.ship(order_id=seller.order(3).pk, parcels=[shipping.Parcel()], actor="x", idempotency_key="c")
    assert found()["twice"] == [("#1002", ""), ("#1001", "MUG: 2 / 1")]


def test_paid_and_not_sent_in_time(watch):
    seller = Seller(MUG=9)
    seller.take(order(1, line("MUG"), ship_by=at(60)), order(2, line("MUG"), ship_by=at(600)))
    assert found()["missed"] == []
    watch.on(4 * HOUR)
    assert found()["missed"] == [("#1001", "3 h")]
    shipping.ship(order_id=seller.order(1).pk, parcels=[shipping.Parcel()], actor="x", idempotency_key="k")
    assert found()["missed"] == []


def test_only_the_orders_given_and_only_the_last_days(watch):
    seller = short_seller(0, 10)
    assert found(orders=Order.objects.none()) == {"oversold": [], "twice": [], "missed": []}
    watch.on(8 * 24 * HOUR)
    assert found(days=7)["oversold"] == []
    assert found(days=30)["oversold"] == [(seller.order(1).number, "MUG 0 / 1")]


def test_it_takes_as_many_questions_for_many_as_for_few(django_assert_max_num_queries):
    short_seller(0, *range(1, 12))
    with django_assert_max_num_queries(6):
        assert len(found()["oversold"]) == 11


def test_beyond_the_most_all_are_counted():
    short_seller(0, 1, 2, 3)
    oversold = compare.report(Order.objects.all(), days=7, most=2)[0]
    assert (oversold.total, len(oversold.rows)) == (3, 2)
