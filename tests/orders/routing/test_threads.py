"""Real locks: two clerks re-route at once, and re-routing meets a new order. PostgreSQL only."""

import threading

import pytest
from django.db import connection

from orders.desk import actions
from orders.fulfil.routing import moving
from orders.models import Order, RoutingPlan
from tests.orders.factories import Seller, line, order
from tests.orders.routing.build import policy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def together(*jobs):
    """Run jobs at the same moment; returns what each gave, in their order."""
    barrier, found = threading.Barrier(len(jobs)), [None] * len(jobs)

    def run(place, job):
        try:
            barrier.wait(10)
            found[place] = job()
        except Exception as error:  # told to the test below
            found[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


@pytest.fixture
def seller():
    made = Seller(warehouses=2, MUG=6)
    made.add("MUG", 3, made.places[1])
    return made


def test_of_two_clerks_who_reroute_one_order_one_moves_it_and_the_other_is_told(seller):
    seller.take(order(1, line("MUG", 3)))
    pk, to = seller.order(1).pk, [seller.places[1].pk]
    told = together(*(lambda: moving.reroute(order_ids=[pk], actor="user:1 li", to=to)[0].code for _ in range(2)))
    assert sorted(told) == ["rerouted", "same_route"]
    assert [seller.buckets("MUG", place)[2] for place in seller.places] == [0, 3]
    assert RoutingPlan.objects.count() == 1


def test_two_orders_that_want_the_last_goods_elsewhere_never_lose_what_they_hold(seller):
    seller.take(order(1, line("MUG", 3)), order(2, line("MUG", 3)))
    to = [seller.places[1].pk]
    ids = [seller.order(n).pk for n in (1, 2)]
    told = together(*(lambda pk=pk: moving.reroute(order_ids=[pk], actor="user:1 li", to=to)[0].code for pk in ids))
    assert sorted(told) == ["no_better_route", "rerouted"]
    assert [seller.buckets("MUG", place)[2] for place in seller.places] == [3, 3]


def test_rerouting_meets_a_cancellation(seller):
    seller.take(order(1, line("MUG", 3)))
    pk, to = seller.order(1).pk, [seller.places[1].pk]
    told = together(
        lambda: moving.reroute(order_ids=[pk], actor="user:1 li", to=to)[0].code,
        lambda: actions.cancel(order_ids=[pk], actor="user:2 wu", reason="x")[0].code,
    )
    assert told[1] == "cancelled"
    assert told[0] in ("rerouted", "wrong_state")
    assert seller.order(1).state == Order.State.CANCELLED
    assert [seller.buckets("MUG", place)[2] for place in seller.places] == [0, 0]


def test_two_pages_of_orders_planned_at_once_never_reserve_what_is_not_there(seller):
    policy("priority", shops=[seller.shop], split=True)
    told = together(
        lambda: seller.take(*(order(n, line("MUG", 2)) for n in range(1, 4))),
        lambda: seller.take(*(order(n, line("MUG", 2)) for n in range(11, 14))),
    )
    assert [len(one) for one in told] == [3, 3]
    assert Order.objects.filter(state="approved").count() == 4
    assert sum(seller.buckets("MUG", place)[2] for place in seller.places) == 8
