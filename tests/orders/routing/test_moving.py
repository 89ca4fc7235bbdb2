"""Re-routing: goods are held elsewhere in one transaction, or stay; goods nobody finds are sought elsewhere."""

import pytest

from backoffice.models import AuditEntry
from orders.desk import actions
from orders.fulfil.routing import moving
from orders.models import GoodsGone, Order, RoutingPlan
from tests.inventory import factories as stock
from tests.orders.factories import Seller, line, order
from tests.orders.routing.build import counted, policy

pytestmark = pytest.mark.django_db
WHO = "user:1 li"


@pytest.fixture
def seller():
    made = Seller(warehouses=3, MUG=5, CUP=5)
    made.add("MUG", 5, made.places[1])
    made.add("CUP", 5, made.places[1])
    made.add("MUG", 2, made.places[2])
    return made


def reserved(seller, code="MUG"):
    return [seller.buckets(code, place)[2] for place in seller.places]


def reroute(seller, *numbers, to=None, within=None):
    places = None if to is None else [seller.places[n].pk for n in to]
    ids = [seller.order(n).pk for n in numbers]
    return moving.reroute(order_ids=ids, actor=WHO, to=places, within=within)


def test_an_order_goes_to_the_warehouse_named(seller):
    seller.take(order(1, line("MUG", 2), line("CUP", 1, 2)))
    told = reroute(seller, 1, to=[1])
    assert (told[0].ok, told[0].code) == (True, "rerouted")
    assert (reserved(seller), reserved(seller, "CUP")) == ([0, 2, 0], [0, 1, 0])
    plan = RoutingPlan.objects.get()
    assert (plan.why, plan.actor, plan.warehouses) == ("rerouted", WHO, [seller.places[1].pk])
    entry = AuditEntry.objects.get(action="order.reroute")
    assert (entry.after["from"], entry.after["to"]) == (seller.places[0].code, seller.places[1].code)
    assert seller.order(1).state == Order.State.APPROVED
    assert seller.order(1).revision == 1


def test_what_is_held_stays_when_the_other_place_has_too_little(seller):
    seller.take(order(1, line("MUG", 3)))
    told = reroute(seller, 1, to=[2])
    assert (told[0].ok, told[0].code) == (False, "no_better_route")
    assert "MUG × 3" in told[0].message
    assert reserved(seller) == [3, 0, 0]
    assert not RoutingPlan.objects.exists()


def test_by_its_policy_an_order_finds_the_better_place_itself(seller):
    seller.take(order(1, line("MUG")), order(2, line("MUG")))
    policy("priority", shops=[seller.shop], priority=[seller.places[2], seller.places[1]])
    told = reroute(seller, 1, 2)
    assert [one.ok for one in told] == [True, True]
    assert reserved(seller) == [0, 0, 2]
    again = reroute(seller, 1)
    assert (again[0].ok, again[0].code) == (False, "same_route")


def test_many_orders_are_told_one_by_one(seller):
    seller.take(order(1, line("MUG", 2)), order(2, line("MUG", 2)), order(3, line("CUP"), buyer_note="urgent"))
    told = reroute(seller, 1, 2, 3, to=[2])
    assert [(one.ok, one.code) for one in told] == [
        (True, "rerouted"),
        (False, "no_better_route"),
        (False, "nothing_held"),
    ]
    assert reserved(seller) == [2, 0, 2]


def test_the_cost_of_many_in_queries_is_that_of_a_few(seller):
    seller.add("CUP", 200)
    seller.add("CUP", 200, seller.places[1])
    seller.take(*(order(n, line("CUP")) for n in range(1, 61)))
    ids = [seller.order(n).pk for n in range(1, 61)]

    def move(some):
        return moving.reroute(order_ids=some, actor=WHO, to=[seller.places[1].pk])

    move(ids[-1:])
    few = counted(lambda: move(ids[:5]))
    assert counted(lambda: move(ids[5:-1])) == few
    assert reserved(seller, "CUP") == [0, 60, 0]


def test_the_lists_hold_for_people_too(seller):
    policy("priority", shops=[seller.shop], lists=[(seller.places[1], "never", ["FR"])])
    seller.take(order(1, line("MUG")))
    told = reroute(seller, 1, to=[1])
    assert (told[0].ok, told[0].code) == (False, "no_such_route")
    assert reserved(seller) == [1, 0, 0]


def test_a_warehouse_the_shop_does_not_sell_from_or_the_clerk_does_not_see_is_refused(seller):
    seller.take(order(1, line("MUG")))
    other = stock.warehouse()
    told = moving.reroute(order_ids=[seller.order(1).pk], actor=WHO, to=[other.pk])
    assert told[0].code == "no_such_route"
    told = reroute(seller, 1, to=[1], within=frozenset({seller.places[0].pk}))
    assert told[0].code == "no_such_route"
    assert reserved(seller) == [1, 0, 0]


def test_several_warehouses_share_an_order(seller):
    seller.take(order(1, line("MUG", 2), line("CUP", 4, 2)))
    assert reroute(seller, 1, to=[2, 1])[0].ok
    assert (reserved(seller), reserved(seller, "CUP")) == ([0, 0, 2], [0, 4, 0])


def test_a_shipped_order_and_one_in_work_stay(seller, monkeypatch):
    seller.take(order(1, line("MUG")), order(2, line("MUG")))
    actions.cancel(order_ids=[seller.order(2).pk], actor=WHO, reason="x")
    monkeypatch.setattr(moving, "_blockers", [lambda ids: dict.fromkeys(ids, "it is being picked.")])
    told = reroute(seller, 1, 2, to=[1])
    assert [one.code for one in told] == ["in_work", "wrong_state"]
    assert told[0].message.endswith("it is being picked.")
    assert reserved(seller) == [1, 0, 0]


def test_of_a_split_order_only_what_is_held_moves(seller):
    seller.take(order(1, line("CUP", 14)))
    actions.split_by_stock(order_ids=[seller.order(1).pk], actor=WHO)
    assert reserved(seller, "CUP") == [5, 5, 0]
    seller.add("CUP", 20, seller.places[2])
    assert reroute(seller, 1, to=[2])[0].ok
    assert reserved(seller, "CUP") == [0, 0, 10]
    assert sum(seller.buckets("CUP", place)[1] for place in seller.places) == 4


def gone(seller, number, place, nth=0, **options):
    row = seller.lines(number)[nth]
    return moving.gone(
        order_id=seller.order(number).pk, line_id=row.pk, warehouse_id=seller.places[place].pk, actor=WHO, **options
    )


def test_goods_nobody_finds_are_held_elsewhere_and_not_counted_on(seller):
    policy("priority", shops=[seller.shop])
    seller.take(order(1, line("MUG", 2)))
    assert gone(seller, 1, 0).ok
    assert reserved(seller) == [0, 2, 0]
    report = GoodsGone.objects.get()
    assert (report.quantity, report.warehouse_id, report.by) == ("2", seller.places[0].pk, WHO)
    assert RoutingPlan.objects.first().why == "gone"
    seller.take(order(2, line("MUG")))
    assert reserved(seller) == [0, 3, 0]
    assert RoutingPlan.objects.first().content["parcels"][0]["site"] == seller.places[1].pk
    assert moving.look_into(ids=[report.pk], actor=WHO) == 1
    assert moving.look_into(ids=[report.pk], actor=WHO) == 0
    seller.take(order(3, line("MUG")))
    assert reserved(seller) == [1, 3, 0]


def test_when_nobody_else_has_them_the_order_is_held_with_what_it_has(seller):
    seller.take(order(1, line("CUP", 5)), order(2, line("CUP", 5)))
    told = gone(seller, 1, 0)
    assert (told.ok, told.code) == (False, "no_better_route")
    held = seller.order(1)
    assert (held.state, held.hold_code, held.hold_department) == ("held", "not_found", "warehouse")
    assert reserved(seller, "CUP") == [5, 5, 0]
    seller.add("CUP", 9, seller.places[2])
    assert reroute(seller, 1, to=[2])[0].ok
    assert (seller.order(1).state, seller.order(1).hold_code) == ("approved", "")
    assert reserved(seller, "CUP") == [0, 5, 5]


def test_goods_that_are_not_held_there_cannot_be_missed_there(seller):
    seller.take(order(1, line("MUG")))
    assert gone(seller, 1, 1).code == "nothing_there"
    assert gone(seller, 1, 0, within=frozenset({seller.places[1].pk})).code == "nothing_there"
    assert not GoodsGone.objects.exists()


def test_a_bundle_moves_with_all_its_parts(seller):
    stock.bundle((seller.skus["MUG"], 1), (seller.skus["CUP"], 2), code="SET")
    seller.take(order(1, line("SET", 2)))
    assert (reserved(seller), reserved(seller, "CUP")) == ([2, 0, 0], [4, 0, 0])
    assert reroute(seller, 1, to=[1])[0].ok
    assert (reserved(seller), reserved(seller, "CUP")) == ([0, 2, 0], [0, 4, 0])
