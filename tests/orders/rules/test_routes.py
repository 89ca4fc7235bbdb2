"""A rule chooses where an order is sent from, before its goods are reserved."""

import pytest

from orders.desk import actions
from orders.desk.rules import deeds, words
from orders.desk.rules.conditions import Unusable
from orders.models import RoutingPlan
from tests.orders.factories import Seller, line, order
from tests.orders.rules.build import group, publish, row, rule

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller():
    """A shop on two warehouses, the same goods in both; the first is the shop's usual one."""
    made = Seller(warehouses=2, MUG=5)
    made.add("MUG", 5, made.places[1])
    return made


def test_goods_are_reserved_where_a_rule_says(seller):
    to = f"warehouse:{seller.places[1].pk}"
    rule("Rush", group(row("buyer_note", "has_word", ["stairs"])), deeds=[{"do": "route", "to": to}])
    publish()
    seller.take(order(1, line("MUG"), buyer_note="mind the stairs"), order(2, line("MUG")))
    assert seller.buckets("MUG", seller.places[1])[2] == 1
    assert seller.buckets("MUG", seller.places[0])[2] == 1
    assert seller.order(1).routing_warehouse == seller.places[1]
    assert RoutingPlan.objects.filter(order=seller.order(1)).exists()


def test_a_later_review_follows_the_rule_and_a_persons_wish_goes_first(seller):
    seller.take(order(1, line("MUG")), order(2, line("MUG")))
    ids = [seller.order(1).pk, seller.order(2).pk]
    actions.undo_approve(order_ids=ids, actor="t")
    type(seller.order(2)).objects.filter(pk=ids[1]).update(routing_warehouse=seller.places[0])
    rule("All", deeds=[{"do": "route", "to": f"warehouse:{seller.places[1].pk}"}])
    publish()
    actions.release_hold(order_ids=ids, actor="t")
    assert [seller.buckets("MUG", place)[2] for place in seller.places] == [1, 1]
    assert seller.order(1).routing_warehouse == seller.places[1]
    assert seller.order(2).routing_warehouse == seller.places[0]


def test_a_place_that_is_gone_cannot_be_chosen(seller):
    for to in ("warehouse:99999", "policy:1", "shelf:1", "", "warehouse:x"):
        with pytest.raises(Unusable):
            deeds.read([{"do": "route", "to": to}])


def test_the_rule_is_told_in_words(seller):
    assert words.deed({"do": "route", "to": f"warehouse:{seller.places[1].pk}"}) == f"Send from: {seller.places[1]}"
