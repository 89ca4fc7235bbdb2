"""The filters of the list, and the index of marks and tags that the database keeps by itself."""

import datetime as dt

import pytest
from django.db import connection
from django.urls import reverse

from backoffice import clock
from inventory.models import Access
from orders import labels, triggers
from orders.desk import marking
from orders.late import board
from orders.models import Order, OrderLabel
from tests.orders.factories import LYON, Seller, later, line, order

pytestmark = pytest.mark.django_db
LIST = "admin:orders_order_changelist"


def rows(kind="mark") -> list[tuple[str, str]]:
    found = OrderLabel.objects.filter(kind=kind).order_by("order_id", "text")
    return list(found.values_list("order__number", "text"))


def numbers(client, query) -> list[str]:
    return [one.number for one in client.get(f"{reverse(LIST)}?{query}").context["cl"].result_list]


@pytest.fixture
def seller():
    made = Seller(warehouses=2, MUG=5)
    made.first = order(1, line("MUG"), tags=("vip", "wholesale", "vip"))
    made.take(made.first, order(2, line("MUG")))
    return made


def test_tags_are_indexed_as_orders_arrive_and_change(seller):
    assert rows("tag") == [("#1001", "vip"), ("#1001", "wholesale")]
    seller.take(later(seller.first, tags=("late",)))
    assert rows("tag") == [("#1001", "late")]
    seller.take(later(seller.first, minutes=20, tags=()))
    assert rows("tag") == []


def test_marks_are_indexed_whoever_writes_them(seller):
    ids = [seller.order(n).pk for n in (1, 2)]
    marking.mark(order_ids=ids, marks=["加急", "gift"], actor="user:1 li")
    Order.objects.filter(pk=ids[1]).update(marks=["gift"])
    assert rows() == [("#1001", "gift"), ("#1001", "加急"), ("#1002", "gift")]
    marking.unmark(order_ids=ids, marks=["gift"], actor="user:1 li")
    assert rows() == [("#1001", "加急")]


def test_the_marks_in_use_are_found_without_reading_every_order(seller):
    marking.mark(order_ids=[seller.order(1).pk, seller.order(2).pk], marks=["b", "a", "c"], actor="user:1 li")
    assert labels.used(OrderLabel.Kind.MARK) == ["a", "b", "c"]
    assert labels.used(OrderLabel.Kind.MARK, 2) == ["a", "b"]
    assert labels.used(OrderLabel.Kind.TAG) == ["vip", "wholesale"]


def test_the_triggers_are_written_again_after_a_migration(seller):
    triggers.install(connection)
    triggers.install(connection)
    marking.mark(order_ids=[seller.order(1).pk], marks=["x"], actor="user:1 li")
    assert rows() == [("#1001", "x")]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("mark=VIP", ["#1002"]),
        ("mark=*", ["#1002"]),
        ("mark=none", []),
        ("tag=wholesale", ["#1001"]),
        ("tag=whole", []),
        ("priority=1", ["#1002"]),
        ("priority=7", []),
        ("country=FR", ["#1002", "#1001"]),
        ("country=DE", ["#1003"]),
        ("country=x%00", None),
        ("waits=nonsense", ["#1003", "#1002", "#1001"]),
        ("priority=99999999999999999999", None),
        ("mark=a%00b", None),
    ],
)
def test_each_filter_finds_its_orders(desk, seller, query, found):
    seller.take(
        order(
            3,
            line("MUG"),
            shipping=LYON.__class__(name="A", city="Berlin", postcode="10115", line1="X 1", country="DE"),
        )
    )
    marking.mark(order_ids=[seller.order(2).pk], marks=["VIP"], actor="user:1 li")
    marking.set_priority(order_ids=[seller.order(2).pk], priority=4, actor="user:1 li")
    client = desk()
    if found is None:
        assert client.get(f"{reverse(LIST)}?{query}").status_code == 400
        return
    assert numbers(client, query) == found


def test_orders_are_found_by_the_warehouse_that_keeps_their_goods(desk, seller):
    seller.add("CUP", 5, place=seller.places[1])
    seller.take(order(3, line("CUP")))
    client = desk()
    assert numbers(client, f"reserved_at={seller.places[1].pk}") == ["#1003"]
    assert numbers(client, f"reserved_at={seller.place.pk}") == ["#1002", "#1001"]


def test_a_warehouse_somebody_may_not_see_tells_nothing(people, seller):
    access = Access.objects.create(user=people["warehouse_clerk"], all_shops=True)
    access.warehouses.add(seller.places[1])
    assert numbers(people.client("warehouse_clerk"), f"reserved_at={seller.place.pk}") == []


def test_what_is_late_is_what_the_board_calls_late_our_own_time_included(seller, people):
    Access.objects.create(user=people["order_clerk"], all_shops=True)
    clerk, now = people.client("order_clerk"), clock.now()
    for number, hours in ((1, -1), (2, 3)):
        Order.objects.filter(pk=seller.order(number).pk).update(ship_by=None, due_at=now + dt.timedelta(hours=hours))
    assert (numbers(clerk, "due=late"), numbers(clerk, "due=soon")) == (["#1001"], ["#1002"])
    assert board.figures(Order.objects.all())["late"] == 1
