"""Review, approval and splitting ask the warehouses as they are planned; without a policy nothing changes."""

import pytest

from inventory.models import Reservation
from orders.desk import actions
from orders.fulfil import routing, shipping
from orders.models import Order, RoutingPlan
from tests.inventory import factories as stock
from tests.orders.factories import Seller, line, order
from tests.orders.routing.build import counted, policy, rates

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller():
    """Two warehouses: the first in Warsaw, the second in Lyon; orders go to Lyon."""
    made = Seller(warehouses=2, MUG=5, CUP=5)
    for place, country in zip(made.places, ("PL", "FR"), strict=True):
        place.country = country
        place.save()
    for code in ("MUG", "CUP"):
        made.add(code, 5, made.places[1])
    return made


def test_without_a_policy_the_shops_order_stands_and_nothing_is_planned(seller):
    seller.take(order(1, line("MUG")))
    assert [seller.buckets("MUG", place) for place in seller.places] == [(5, 0, 1), (5, 0, 0)]
    assert not RoutingPlan.objects.exists()


def test_the_nearest_warehouse_gives_the_goods(seller):
    policy("nearest", shops=[seller.shop])
    assert seller.take(order(1, line("MUG"))) == ["created"]
    assert [seller.buckets("MUG", place) for place in seller.places] == [(5, 0, 0), (5, 0, 1)]
    plan = RoutingPlan.objects.get()
    assert (plan.warehouses, plan.complete, plan.why) == ([seller.places[1].pk], True, "review")
    assert plan.content["alternatives"][0]["code"] == "nearest"


def test_a_general_policy_counts_for_shops_without_their_own(seller):
    policy("nearest", general=True)
    policy("priority", shops=[stock.shop(code="OTHER")], name="other")
    seller.take(order(1, line("MUG")))
    assert seller.buckets("MUG", seller.places[1]) == (5, 0, 1)


def test_a_policy_that_is_off_counts_for_nothing(seller):
    policy("nearest", shops=[seller.shop], active=False)
    seller.take(order(1, line("MUG")))
    assert seller.buckets("MUG") == (5, 0, 1)


def test_the_cheapest_is_found_through_the_rate_tables(seller):
    policy("cheapest", shops=[seller.shop])
    rates("PL post", "CNY", ("FR", "", 0, "9", "0"), warehouses=[seller.places[0]])
    rates("FR post", "CNY", ("FR", "", 0, "12", "0"), ("FR", "69", 0, "10", "2"), warehouses=[seller.places[1]])
    seller.take(order(1, line("MUG")))
    plan = RoutingPlan.objects.get()
    assert (plan.warehouses, str(plan.cost)) == ([seller.places[0].pk], "9.0000")
    assert plan.content["alternatives"][0] == {
        "sites": [seller.places[1].pk], "code": "cheapest", "km": 0, "cost": "11.00", "mine": "11.00", "chosen": "9.00",
    }  # fmt: skip


def test_what_the_first_order_of_a_page_gets_is_gone_for_the_next(seller):
    policy("nearest", shops=[seller.shop])
    seller.take(order(1, line("MUG", 4)), order(2, line("MUG", 4)))
    assert [seller.buckets("MUG", place)[2] for place in seller.places] == [4, 4]


def test_a_line_is_spread_only_where_the_policy_lets_it(seller):
    seller.take(order(1, line("MUG", 8)))
    assert seller.order(1).hold_code == "short_stock"
    policy("nearest", shops=[seller.shop], split=True)
    actions.release_hold(order_ids=[seller.order(1).pk], actor="user:1 li")
    assert seller.order(1).state == Order.State.APPROVED
    assert [seller.buckets("MUG", place)[2] for place in seller.places] == [3, 5]


def test_an_order_no_warehouse_may_send_is_held_with_its_demand(seller):
    policy("nearest", shops=[seller.shop], lists=[(None, "never", ["FR"])])
    seller.take(order(1, line("MUG")))
    held = seller.order(1)
    assert (held.state, held.hold_code, held.hold_department) == ("held", "no_route", "owner")
    assert seller.buckets("MUG") == (5, 1, 0)
    told = actions.approve(order_ids=[held.pk], actor="user:1 li")
    assert (told[0].ok, told[0].code) == (False, "no_route")
    assert not Reservation.objects.filter(bucket=3, quantity__gt=0).exists()


def test_a_denied_warehouse_is_never_asked_even_when_only_it_has_the_goods(seller):
    policy("nearest", shops=[seller.shop], lists=[(seller.places[0], "only", ["PL", "DE"])])
    seller.take(order(1, line("MUG", 4)), order(2, line("MUG", 4)))
    assert [seller.order(n).state for n in (1, 2)] == ["approved", "held"]
    assert seller.buckets("MUG", seller.places[0])[2] == 0


def test_approval_plans_too(seller):
    policy("nearest", shops=[seller.shop])
    seller.take(order(1, line("MUG"), buyer_note="urgent"))
    assert actions.approve(order_ids=[seller.order(1).pk], actor="user:1 li")[0].ok
    assert seller.buckets("MUG", seller.places[1]) == (5, 0, 1)
    assert RoutingPlan.objects.get().why == "approved"


def test_an_order_that_holds_all_its_goods_is_not_planned_again(seller):
    policy("nearest", shops=[seller.shop])
    seller.take(order(1, line("MUG")))
    actions.hold(order_ids=[seller.order(1).pk], actor="user:1 li", reason="wait")
    assert actions.approve(order_ids=[seller.order(1).pk], actor="user:1 li")[0].ok
    assert RoutingPlan.objects.count() == 1
    assert seller.buckets("MUG", seller.places[1]) == (5, 0, 1)


def test_of_two_orders_the_one_that_is_placed_first_gets_the_near_goods(seller):
    policy("nearest", shops=[seller.shop])
    seller.take(order(1, line("MUG", 4), buyer_note="urgent"), order(2, line("MUG", 4), buyer_note="urgent"))
    ids = [seller.order(2).pk, seller.order(1).pk]
    assert all(one.ok for one in actions.approve(order_ids=ids, actor="user:1 li"))
    first = RoutingPlan.objects.get(order=seller.order(1))
    assert first.warehouses == [seller.places[1].pk]


def test_a_parcel_taken_back_is_reserved_only_where_the_lists_allow(seller):
    seller.take(order(1, line("MUG", 2)))
    pk = seller.order(1).pk
    sent = shipping.ship(order_id=pk, parcels=[shipping.Parcel()], actor="x", idempotency_key="k")
    policy("priority", shops=[seller.shop], lists=[(seller.places[0], "never", ["FR"])])
    shipping.void(shipment_id=sent[0].pk, actor="x")
    assert [seller.buckets("MUG", place) for place in seller.places] == [(5, 0, 0), (5, 0, 2)]


def test_split_by_stock_goes_by_the_plan(seller):
    policy("nearest", shops=[seller.shop])
    seller.take(order(1, line("MUG", 12)))
    assert actions.split_by_stock(order_ids=[seller.order(1).pk], actor="user:1 li")[0].ok
    assert [seller.buckets("MUG", place)[2] for place in seller.places] == [5, 5]


def test_a_wish_for_a_warehouse_goes_before_the_criteria(seller):
    seller.take(order(1, line("MUG"), buyer_note="urgent"))
    assert routing.prefer([seller.order(1).pk], warehouse_id=seller.places[1].pk, actor="rule:1") == 1
    actions.approve(order_ids=[seller.order(1).pk], actor="user:1 li")
    assert seller.buckets("MUG", seller.places[1]) == (5, 0, 1)
    assert RoutingPlan.objects.get().policy_id is None


def test_a_wish_never_goes_past_a_list(seller):
    policy("nearest", shops=[seller.shop], lists=[(seller.places[0], "never", ["FR"])])
    seller.take(order(1, line("MUG"), buyer_note="urgent"))
    routing.prefer([seller.order(1).pk], warehouse_id=seller.places[0].pk)
    actions.approve(order_ids=[seller.order(1).pk], actor="user:1 li")
    assert seller.buckets("MUG", seller.places[0])[2] == 0


def test_a_wish_for_a_policy_replaces_the_shops(seller):
    policy("priority", shops=[seller.shop])
    other = policy("nearest", name="near")
    seller.take(order(1, line("MUG"), buyer_note="urgent"))
    routing.prefer([seller.order(1).pk], policy_id=other.pk)
    actions.approve(order_ids=[seller.order(1).pk], actor="user:1 li")
    assert RoutingPlan.objects.get().policy_id == other.pk
    assert seller.buckets("MUG", seller.places[1]) == (5, 0, 1)


def test_bundles_are_planned_by_their_frozen_parts(seller):
    stock.bundle((seller.skus["MUG"], 2), (seller.skus["CUP"], 1), code="SET")
    policy("nearest", shops=[seller.shop])
    seller.take(order(1, line("SET", 2)))
    assert seller.buckets("MUG", seller.places[1])[2] == 4
    assert seller.buckets("CUP", seller.places[1])[2] == 2


def test_a_policy_costs_the_same_few_queries_for_any_page(seller):
    for code in ("MUG", "CUP"):
        seller.add(code, 3000, seller.places[1])
    seller.take(order(900, line("MUG")))
    plain = counted(lambda: seller.take(*(order(n, line("MUG"), line("CUP", 2, 2)) for n in range(10))))
    policy("cheapest", "nearest", shops=[seller.shop])
    rates("post", "CNY", ("FR", "", 0, "9", "1"))
    seller.take(order(901, line("MUG")))
    few = counted(lambda: seller.take(*(order(100 + n, line("MUG"), line("CUP", 2, 2)) for n in range(10))))
    many = counted(lambda: seller.take(*(order(200 + n, line("MUG"), line("CUP", 2, 2)) for n in range(60))))
    assert few == many
    assert few - plain <= 11
