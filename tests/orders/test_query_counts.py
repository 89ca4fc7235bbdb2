"""A page of a hundred costs what a page of ten costs: the number of queries does not grow with the page."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.contracts import PaymentStatus
from orders.desk import actions
from tests.orders.factories import Seller, later, line, order, parcel

pytestmark = pytest.mark.django_db


def counted(job) -> int:
    """How many queries a job makes."""
    with CaptureQueriesContext(
        connection,
    ) as seen:
        job()
    return len(seen)


def page(first: int, size: int, **fields):
    return [order(first + n, line("MUG"), line("CUP", 2, 2), **fields) for n in range(size)]


@pytest.fixture
def seller():
    made = Seller(MUG=5000, CUP=5000)
    made.take(*page(9000, 3))  # what is read once a process has been read
    return made


@pytest.mark.parametrize(
    "fields", [{}, {"buyer_note": "urgent"}, {"payment": PaymentStatus.PENDING}, {"currency": "ZZZ"}]
)
def test_new_orders(seller, fields):
    small = counted(lambda: seller.take(*page(0, 10, **fields)))
    assert counted(lambda: seller.take(*page(100, 100, **fields))) == small
    assert small <= 45


def test_a_page_known_already_is_one_query_and_its_transaction(seller):
    orders = page(0, 100)
    seller.take(*orders)
    assert counted(lambda: seller.take(*orders)) <= 3


@pytest.mark.parametrize(
    "fields",
    [
        {"tags": ("x",)},
        {"buyer_note": "please hurry"},
        {"payment": PaymentStatus.REFUNDED},
        {"lines": (line("MUG", 2), line("CUP", 1, 2))},
    ],
)
def test_newer_versions(seller, fields):
    small, large = page(0, 10), page(100, 100)
    seller.take(*small)
    seller.take(*large)
    few = counted(lambda: seller.take(*(later(one, **fields) for one in small)))
    assert counted(lambda: seller.take(*(later(one, **fields) for one in large))) == few
    assert few <= 60


def test_our_parcels_coming_back(seller):
    from orders.fulfil import shipping

    def shipped(first, size):
        orders = page(first, size)
        seller.take(*orders)
        for n in range(first, first + size):
            parcels = [shipping.Parcel(tracking=f"T{n}")]
            shipping.ship(order_id=seller.order(n).pk, parcels=parcels, actor="x", idempotency_key=f"k{n}")
        told = [parcel(n, ("1", "1"), ("2", "2"), tracking=f"T{n}") for n in range(first, first + size)]
        return [later(one, fulfilments=(sent,)) for one, sent in zip(orders, told, strict=True)]

    small, large = shipped(0, 5), shipped(100, 20)
    few = counted(lambda: seller.take(*small))
    assert counted(lambda: seller.take(*large)) == few


@pytest.mark.parametrize("action", ["approve", "hold", "release_hold", "cancel", "split_by_stock"])
def test_actions_on_many(seller, action):
    seller.take(*page(0, 10, buyer_note="urgent"))
    seller.take(*page(100, 100, buyer_note="urgent"))
    reason = {"reason": "x"} if action != "split_by_stock" else {}
    ids = list(seller.shop.orders.filter(state="held").order_by("pk").values_list("pk", flat=True))

    def act(some):
        return getattr(actions, action)(order_ids=some, actor="user:1 li", **reason)

    few = counted(lambda: act(ids[:10]))
    assert counted(lambda: act(ids[10:])) == few
    assert few <= 40
