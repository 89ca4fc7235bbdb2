"""One status a person understands: the state, refined by what the order says of itself and by the parts of the desk."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orders.admin import status
from orders.admin.status import Status
from orders.desk import actions
from orders.models import Order
from tests.orders.factories import Seller, later, line, order

pytestmark = pytest.mark.django_db


def said(seller, number) -> tuple[str, str]:
    found = status.one(seller.order(number))
    return found.code, found.label


def test_each_state_reads_in_words():
    seller = Seller(MUG=2)
    seller.take(
        order(1, line("MUG")),
        order(2, line("MUG"), buyer_note="gift wrap"),
        order(3, line("MUG", 9)),
    )
    assert said(seller, 1) == ("approved", "To be shipped")
    assert said(seller, 2) == ("held", "Held: A wish in the note")
    assert said(seller, 3) == ("backordered", "Backordered")


def test_a_split_order_says_what_follows():
    seller = Seller(MUG=2, CUP=0)
    seller.take(order(1, line("MUG"), line("CUP", 1, 2)))
    actions.split_by_stock(order_ids=[seller.order(1).pk], actor="user:1 wang")
    assert said(seller, 1) == ("short_rest", "To be shipped · rest backordered")


def test_a_promise_stands_in_the_sentence():
    seller = Seller(MUG=0)
    seller.take(order(1, line("MUG")))
    Order.objects.update(promised_on=dt.date(2026, 12, 24))
    assert "Promised for 24 Dec 2026." in status.one(seller.order(1)).sentence


def test_an_edit_that_waits_goes_before_the_state():
    seller = Seller(MUG=5)
    first = order(1, line("MUG"))
    seller.take(first)
    seller.take(later(first, buyer_note="please hurry"))
    assert said(seller, 1) == ("edited", "Changed on the platform")


def test_parts_refine_it_by_weight_and_are_asked_once_a_page(monkeypatch):
    seller = Seller(MUG=9)
    seller.take(*(order(n, line("MUG")) for n in range(1, 4)))
    asked = []

    def wave(orders):
        asked.append(len(orders))
        return {orders[0].pk: Status("in_wave", "In wave 7", "Somebody picks it.", "primary", 20)}

    def weak(orders):
        return {one.pk: Status("weak", "weak", "", "default", 0) for one in orders}

    monkeypatch.setattr(status, "_refinements", [])
    status.register_status(wave)
    status.register_status(wave)
    status.register_status(weak)
    page = list(Order.objects.order_by("pk"))
    found = status.of(page)
    assert [found[one.pk].code for one in page] == ["in_wave", "approved", "approved"]
    assert asked == [3]


def test_the_list_shows_it_in_the_same_number_of_queries_for_any_page(desk):
    seller = Seller(MUG=500)
    client = desk()
    seller.take(*(order(n, line("MUG"), tags=("vip",)) for n in range(1, 4)))
    address = reverse("admin:orders_order_changelist")
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        assert "To be shipped" in client.get(address).content.decode()
    seller.take(*(order(n, line("MUG"), tags=("vip",)) for n in range(4, 44)))
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    assert len(many) == len(few)
    assert not [one["sql"] for one in many if "DISTINCT" in one["sql"]]
