"""The page of an order asks no table that has nothing of the order, and leaves out nothing that is there."""

import pytest
from django.apps import apps

from orders.desk import kept
from orders.models import Order, StaffNote
from tests.orders.factories import Seller, line, order

pytestmark = pytest.mark.django_db


@pytest.fixture
def one():
    seller = Seller(MUG=50)
    seller.take(order(1, line("MUG", "1")), order(2, line("MUG", "2")))
    return seller.order(1)


def test_every_kind_is_found_by_its_own_rows_alone(one):
    """Each question is taken apart: it must be true of exactly the rows that the relation has."""
    kept.note(one)
    for kind, (name, path) in kept.KINDS.items():
        there = apps.get_model("orders", name)._base_manager.filter(**{path: one.pk}).exists()
        assert kept.lacks(one, kind) is not there, kind


def test_it_is_one_question_and_then_none_for_what_is_not_there(one, django_assert_num_queries):
    with django_assert_num_queries(1):
        kept.note(one)
    with django_assert_num_queries(0):
        assert list(kept.rows(one, "staff_notes", one.staff_notes.select_related("order").order_by("-pk"))[:5]) == []
    StaffNote.objects.create(order=Order.objects.exclude(pk=one.pk).get(), text="of the other")
    StaffNote.objects.create(order=one, text="be careful")
    kept.note(one)
    with django_assert_num_queries(1):
        assert [row.text for row in kept.rows(one, "staff_notes", one.staff_notes.all())] == ["be careful"]
    assert not kept.lacks(one, "gifts", "staff_notes")
    assert kept.lacks(one, "gifts", "plan")


def test_who_did_not_look_asks_for_everything(one, django_assert_num_queries):
    assert not kept.lacks(one, "staff_notes")
    with django_assert_num_queries(1):
        assert list(kept.rows(one, "staff_notes", one.staff_notes.all())) == []
