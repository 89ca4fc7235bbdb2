"""Real threads on PostgreSQL: two approve, two receive, two draft, two orders share their goods."""

import pytest

from inventory.models import Balance, ExpectedArrival
from orders.models import PurchaseOrder, PurchaseReceipt, ReplenishRow
from orders.supply import ordering, replenishment, suggestions
from orders.supply.errors import SupplyError
from tests.inventory.invariants import broken
from tests.inventory.threads import together
from tests.orders.supply.conftest import LI, WANG, WU, Buyer, D

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def buying(transactional_db) -> Buyer:
    return Buyer()


def codes(results):
    return sorted(one.code if isinstance(one, SupplyError) else type(one).__name__ for one in results)


def mugs(buyer) -> tuple[int, int]:
    row = Balance.objects.get(sku=buyer.mug, warehouse=buyer.place)
    return int(row.on_hand), int(row.incoming)


@pytest.mark.parametrize("turn", range(3))
def test_two_approve_one_order(buying, turn):
    order = ordering.hand_in(order_id=buying.draft().pk, actor=LI, limit=D(0))
    results = together(
        *(lambda who=who: ordering.approve(order_id=order.pk, actor=who, limit=None) for who in (WANG, WU))
    )
    assert codes(results) == ["PurchaseOrder", "state"]
    assert (ExpectedArrival.objects.count(), mugs(buying)) == (2, (0, 24))
    assert broken() == []


@pytest.mark.parametrize("turn", range(3))
def test_two_receive_one_delivery(buying, turn):
    order = buying.ordered((buying.mug, 24))
    seen = {buying.line(order).pk: D(0)}
    results = together(*(lambda key=key: buying.receive(order, 10, key=key, seen=seen) for key in "ab"))
    assert codes(results) == ["PurchaseReceipt", "moved"]
    assert (PurchaseReceipt.objects.count(), mugs(buying)) == (1, (10, 14))
    assert broken() == []


def test_one_click_twice_receives_once(buying):
    order = buying.ordered((buying.mug, 24))
    results = together(*(lambda: buying.receive(order, 10, key="same") for _ in range(2)))
    assert results[0].pk == results[1].pk
    assert mugs(buying) == (10, 14)


def test_receiving_and_cancelling_at_once_is_one_of_them(buying):
    order = buying.ordered((buying.mug, 24))
    results = together(
        lambda: buying.receive(order, 10), lambda: ordering.cancel(order_id=order.pk, actor=LI, reason="x")
    )
    assert "state" in codes(results)
    assert mugs(buying) in ((10, 14), (0, 0))
    assert broken() == []


@pytest.mark.parametrize("turn", range(3))
def test_two_orders_of_the_same_goods_in_other_order_do_not_wait_for_each_other(buying, turn):
    one = buying.draft((buying.mug, 24), (buying.cup, 5))
    other = buying.draft((buying.cup, 5), (buying.mug, 24))
    results = together(
        *(lambda pk=pk: ordering.hand_in(order_id=pk, actor=LI, limit=None) for pk in (one.pk, other.pk))
    )
    assert codes(results) == ["PurchaseOrder", "PurchaseOrder"]
    assert mugs(buying) == (0, 48)


def test_numbers_come_once(buying):
    together(*(lambda n=n: buying.draft(once=f"m{n}") for n in range(5)))
    numbers = list(PurchaseOrder.objects.order_by("number").values_list("number", flat=True))
    assert numbers == [f"PO-{n:05d}" for n in range(1, 6)]


def test_one_click_twice_is_one_draft_and_no_number_is_lost(buying):
    results = together(*(lambda: buying.draft(once="same") for _ in range(2)))
    assert results[0].pk == results[1].pk
    assert buying.draft().number == "PO-00002"


def test_one_suggestion_is_drafted_once(buying):
    run = replenishment.begin(owner=None)
    row = ReplenishRow.objects.filter(run=run, sku=buying.mug).get()
    ReplenishRow.objects.filter(pk=row.pk).update(
        verdict="order", quantity=24, price=4, supplier=buying.supplier, warehouse=buying.place
    )
    results = together(*(lambda: suggestions.to_drafts(row_ids=[row.pk], actor=LI) for _ in range(2)))
    assert codes(results) == ["list", "nothing_chosen"]
    assert PurchaseOrder.objects.count() == 1
