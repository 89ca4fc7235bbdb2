"""By when an order has to leave: written at intake, kept up by new versions, worked out again when a policy changes."""

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from backoffice import clock
from orders.contracts import PaymentStatus
from orders.desk import actions
from orders.late import due, recount
from orders.models import Order, ShipPolicy
from tests.orders.factories import NOW, Seller, at, later, line, order
from tests.orders.late.build import HOUR, policy
from tests.orders.rules.build import publish, rule

pytestmark = pytest.mark.django_db
NEVER = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)


def due_at(seller, number=1):
    return seller.order(number).due_at


def test_without_a_policy_the_promise_of_the_platform_counts():
    seller = Seller(MUG=9)
    seller.take(order(1, line("MUG"), ship_by=at(90)), order(2, line("MUG")))
    assert (due_at(seller, 1), due_at(seller, 2)) == (at(90), None)


def test_a_policy_counts_from_the_payment_and_never_beyond_the_promise():
    seller = Seller(MUG=9)
    policy(seller.shop, amount=3)
    seller.take(
        order(1, line("MUG"), paid_at=at(60)),
        order(2, line("MUG"), ship_by=at(30)),
        order(3, line("MUG"), ship_by=at(600)),
    )
    assert [due_at(seller, n) for n in (1, 2, 3)] == [at(60) + 3 * HOUR, at(30), NOW + 3 * HOUR]
    assert seller.order(3).ship_by == at(600)  # the promise itself stays what it was


def test_the_shops_own_policy_goes_before_the_one_for_all_and_one_that_is_off_counts_for_nothing():
    seller, other = Seller(MUG=9), Seller(CUP=9)
    policy(None, amount=9)
    own = policy(seller.shop, amount=1)
    seller.take(order(1, line("MUG")))
    other.take(order(1, line("CUP")))
    assert (due_at(seller), due_at(other)) == (NOW + HOUR, NOW + 9 * HOUR)
    ShipPolicy.objects.filter(pk=own.pk).update(active=False)
    recount.nightly()
    assert due_at(seller) == NOW + 9 * HOUR


def test_days_are_counted_in_the_zone_and_with_the_holidays_of_the_shop():
    seller = Seller(MUG=9)
    type(seller.shop).objects.filter(pk=seller.shop.pk).update(time_zone="Asia/Shanghai", country="CN")
    policy(seller.shop, unit="work_days", amount=1, time_zone="", keeps_holidays=True)
    placed = dt.datetime(2026, 9, 30, 2, tzinfo=dt.UTC)  # ten in the morning, the day before National Day
    seller.take(order(1, line("MUG"), placed_at=placed, paid_at=placed))
    assert due_at(seller) == dt.datetime(2026, 10, 8, 10, tzinfo=dt.UTC)


def test_an_unpaid_order_has_no_time_until_it_is_paid():
    seller = Seller(MUG=9)
    policy(seller.shop)
    unpaid = order(1, line("MUG"), payment=PaymentStatus.PENDING, paid_at=None, ship_by=at(900))
    seller.take(unpaid)
    assert due_at(seller) is None
    seller.take(later(unpaid, payment=PaymentStatus.PAID, paid_at=at(5)))
    assert due_at(seller) == at(5) + 2 * HOUR


def test_a_rule_that_makes_it_earlier_is_respected_and_a_new_version_keeps_it():
    seller = Seller(MUG=9)
    policy(seller.shop, amount=48)
    first, held = order(1, line("MUG"), ship_by=at(6000)), order(2, line("MUG"), buyer_note="urgent")
    seller.take(held)
    rule("Rush", deeds=[{"do": "ship_by", "hours": 24}])
    publish()
    seller.take(first)
    assert due_at(seller, 1) == NOW + 24 * HOUR
    seller.take(later(first, tags=("x",)))
    assert (due_at(seller, 1), seller.order(1).ship_by) == (NOW + 24 * HOUR, NOW + 24 * HOUR)
    assert due_at(seller, 2) == NOW + 48 * HOUR
    actions.release_hold(order_ids=[seller.order(2).pk], actor="x")  # the rule comes at a later review
    assert due_at(seller, 2) == NOW + 24 * HOUR


def test_a_new_promise_moves_the_time_and_what_has_left_keeps_the_time_it_had():
    from orders.fulfil import shipping

    seller = Seller(MUG=9)
    first = order(1, line("MUG"), ship_by=at(600))
    seller.take(first)
    moved = later(first, ship_by=at(300))
    seller.take(moved)
    assert due_at(seller) == at(300)
    shipping.ship(order_id=seller.order(1).pk, parcels=[shipping.Parcel()], actor="x", idempotency_key="k")
    seller.take(later(moved, ship_by=at(9000)))
    assert due_at(seller) == at(300)


def test_a_promise_for_the_end_of_time_is_none():
    seller = Seller(MUG=9)
    policy(seller.shop)
    seller.take(order(1, line("MUG")))
    Order.objects.update(ship_by=NEVER, due_at=None)
    recount.nightly()
    assert due_at(seller) == NOW + 2 * HOUR
    assert due.shown(NEVER) is None


def test_intake_asks_for_the_policy_once_a_page():
    seller = Seller(MUG=999)
    policy(seller.shop)
    seller.take(order(900, line("MUG")))

    def asked(first, size):
        with CaptureQueriesContext(connection) as seen:
            seller.take(*(order(first + n, line("MUG")) for n in range(size)))
        return len(seen), sum("orders_shippolicy" in one["sql"] for one in seen.captured_queries)

    few = asked(1, 3)
    assert few[1] == 1
    assert asked(100, 30) == few


def test_recounting_writes_only_what_is_wrong_and_marks_the_policy_as_followed(people):
    seller = Seller(MUG=99)
    seller.take(*(order(n, line("MUG"), ship_by=at(900)) for n in range(1, 8)))
    own = policy(seller.shop, amount=1)
    assert own.applied == 0
    recount.begin(policy=own, user=people["ops_admin"])
    own.refresh_from_db()
    assert (own.applied, own.progress.state, own.progress.result, own.progress.done) == (1, "done", {"changed": 7}, 7)
    assert {one.due_at for one in Order.objects.all()} == {NOW + HOUR}
    assert recount.run(own.progress.pk) == "done already"
    recount.begin(policy=own, user=people["ops_admin"])
    assert ShipPolicy.objects.get().progress.result == {"changed": 0}


def test_recounting_takes_as_many_questions_for_many_as_for_few():
    seller = Seller(MUG=99)
    policy(seller.shop)
    seller.take(*(order(n, line("MUG")) for n in range(40)))

    def asked(ids):
        Order.objects.update(due_at=None)
        with CaptureQueriesContext(connection) as seen:
            assert recount._page(ids) == len(ids)
        return len(seen)

    ids = list(Order.objects.values_list("pk", flat=True))
    assert asked(ids) == asked(ids[:3])


def test_a_change_that_a_dead_worker_never_applied_is_taken_up_again():
    seller = Seller(MUG=9)
    seller.take(order(1, line("MUG")))
    policy(seller.shop)
    assert recount.overdue_policies() == 1
    assert due_at(seller) == NOW + 2 * HOUR
    assert recount.overdue_policies() == 0


def test_orders_that_came_another_way_get_their_time():
    seller = Seller(MUG=9)
    seller.take(order(1, line("MUG"), ship_by=at(60)), order(2, line("MUG")), order(3, line("MUG")))
    actions.cancel(order_ids=[seller.order(3).pk], actor="x", reason="y")
    Order.objects.update(due_at=None)
    assert recount.missing() == 1
    policy(seller.shop)
    assert recount.missing() == 1
    assert [due_at(seller, n) for n in (1, 2, 3)] == [at(60), NOW + 2 * HOUR, None]


def test_there_is_one_policy_for_a_shop_and_one_for_all():
    policy(None)
    with pytest.raises(IntegrityError), transaction.atomic():
        policy(None)
    assert ShipPolicy.objects.count() == 1


def test_soon_late_is_counted_by_shop():
    seller = Seller(MUG=9)
    policy(seller.shop, soon_hours=6)
    with clock.moved_to(lambda: NOW):
        assert recount.soon() == {None: NOW + 4 * HOUR, seller.shop.pk: NOW + 6 * HOUR}
