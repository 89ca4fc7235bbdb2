"""Finding orders by number or buyer: by prefix, in one query, never by a sign the term happens to hold."""

import dataclasses

import pytest

from orders import search
from orders.contracts import Buyer
from orders.models import Order
from tests.orders.factories import LYON, Seller, line, order

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller():
    made = Seller(MUG=50)
    wang = dataclasses.replace(LYON, name="王小明", phone="+33698765432")
    made.take(
        order(1, line("MUG")),
        order(2, line("MUG"), buyer=Buyer(name="王小明", email="wang@example.com"), shipping=wang),
        order(3, line("MUG"), number="A_1%"),
    )
    return made


def numbers(term, *, buyers=True):
    return sorted(search.found(Order.objects.all(), term, buyers=buyers).values_list("external_id", flat=True))


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("#1001", ["o1"]),
        ("100", ["o1", "o2"]),
        ("王小", ["o2"]),
        ("wang@", ["o2"]),
        ("33698", ["o2"]),
        ("ana", ["o1", "o3"]),
        ("a_1%", ["o3"]),
        ("a%", []),
        ("_", []),
        ("%", []),
        ("nobody", []),
    ],
)
def test_a_term_is_a_prefix_and_nothing_else(seller, term, expected):
    assert numbers(term) == expected


def test_who_may_not_uncover_buyers_finds_none_by_name(seller):
    assert numbers("王小", buyers=False) == []
    assert numbers("1002", buyers=False) == ["o2"]


def test_a_search_is_one_query_and_keeps_the_rows_a_person_may_see(seller, django_assert_num_queries):
    mine = Order.objects.exclude(external_id="o1")
    with django_assert_num_queries(1):
        assert [one.external_id for one in search.found(mine, "100", buyers=True)] == ["o2"]


def test_a_search_takes_no_more_than_its_share_of_an_index(seller, monkeypatch):
    monkeypatch.setattr(search, "MOST", 1)
    assert len(numbers("100")) == 1
