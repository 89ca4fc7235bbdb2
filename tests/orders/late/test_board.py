"""The board at a million orders: it reads along the index of open orders and never walks the table."""

import pytest
from django.db import connection

from orders.late import board, due
from orders.models import LateOrder, Order
from tests.orders.factories import NOW, Seller, line, order
from tests.orders.late.build import due_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller():
    made = Seller(MUG=9)
    made.take(*(order(n, line("MUG")) for n in (1, 2, 3, 4)))
    for number, hours in ((1, -2), (2, 1), (3, 5)):
        due_in(made.order(number), hours)
    return made


def plan(rows) -> str:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:  # a handful of rows would not be worth an index
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
    return rows.explain()


@pytest.mark.parametrize("span", [board.LATE, board.TWO_HOURS, board.TODAY, board.TOMORROW, board.SOON, ""])
def test_every_span_is_read_along_the_index(seller, span):
    rows = board.clocked(LateOrder.objects.all()).filter(board.spans(NOW)[span]).order_by("due_at", "pk")[:51]
    assert "order_late" in plan(rows)


def test_the_figures_are_counted_along_the_index(seller):
    rows = board.clocked(Order.objects.all()).filter(board.spans(NOW)[""])
    assert "order_late" in plan(rows.order_by())
    assert board.figures(Order.objects.all()) == {"late": 1, "2h": 1, "today": 2, "tomorrow": 0}


def test_only_open_orders_with_a_time_are_on_the_board(seller):
    first = seller.order(1)
    for state in Order.State.values:
        held = {"hold_code": "manual", "held_since": NOW} if state == "held" else {"hold_code": "", "held_since": None}
        Order.objects.filter(pk=first.pk).update(state=state, **held)
        there = first.pk in board.clocked(Order.objects.all()).values_list("pk", flat=True)
        assert there == (state in due.CLOCKED)
