"""Forgotten reservations: found by their documents and age, released or kept, each row answered."""

import datetime as dt
from decimal import Decimal

import pytest
from django.urls import reverse

from backoffice import clock
from inventory import ghosts, reservations
from inventory.ghosts import GhostRefused
from inventory.models import KeptReservation, Reservation
from tests.inventory.factories import buckets, want
from tests.inventory.invariants import broken

pytestmark = pytest.mark.django_db
D = Decimal
LIST = "admin:inventory_ghostreservation_changelist"


@pytest.fixture
def held(a, w, desk):
    """doc:1 is open, doc:2 cancelled, x:1 of nobody and 40 days old."""
    for reference, pieces in (("doc:1", 1), ("doc:2", 2), ("x:1", 3)):
        reservations.reserve(wants=[want(reference, a, pieces, w)])
    desk.over["doc:2"] = "cancelled"
    old = clock.now() - dt.timedelta(days=40)
    Reservation.objects.filter(reference="x:1").update(updated_at=old)
    return {row.reference: row for row in Reservation.objects.all()}


def test_ended_documents_and_old_rows_are_forgotten_ones(held):
    assert ghosts.all_of_them() == {held["doc:2"].pk: "cancelled", held["x:1"].pk: "old"}
    assert ghosts.money_locked([held["doc:2"]]) == {held["doc:2"].pk: D(4)}


def test_releasing_gives_the_goods_back_once(held, a, w):
    assert ghosts.release(reservation_id=held["doc:2"].pk, actor="olga") == 2
    assert buckets(a, w) == (10, 0, 4)
    assert not broken()
    with pytest.raises(GhostRefused) as again:
        ghosts.release(reservation_id=held["doc:2"].pk, actor="olga")
    assert again.value.code == "holds_nothing"


def test_an_old_reservation_of_an_open_order_is_listed_and_not_released(held, a, w):
    row = held["doc:1"]
    Reservation.objects.filter(pk=row.pk).update(updated_at=clock.now() - dt.timedelta(days=40))
    assert ghosts.all_of_them()[row.pk] == "old"
    with pytest.raises(GhostRefused) as refused:
        ghosts.release(reservation_id=row.pk, actor="olga")
    assert refused.value.code == "needed"
    assert buckets(a, w) == (10, 0, 6)


def test_an_order_that_came_back_to_life_keeps_its_goods(held, desk, a, w):
    desk.over.clear()
    with pytest.raises(GhostRefused):
        ghosts.release(reservation_id=held["doc:2"].pk, actor="olga")
    assert buckets(a, w) == (10, 0, 6)


@pytest.mark.parametrize(("days", "reason", "code"), [(0, "exhibit", "past"), (5, " ", "reason")])
def test_keeping_needs_a_day_to_come_and_a_reason(held, days, reason, code):
    until = clock.now().date() + dt.timedelta(days=days)
    with pytest.raises(GhostRefused) as refused:
        ghosts.keep(reservation_id=held["x:1"].pk, until=until, reason=reason, actor="olga")
    assert refused.value.code == code
    assert not KeptReservation.objects.exists()


def test_what_is_kept_is_not_listed_until_its_day(held, see):
    client = see()
    until = clock.now().date() + dt.timedelta(days=5)
    address = reverse("admin:inventory_ghostreservation_keep") + f"?ids={held['x:1'].pk}"
    client.post(address, {"until": until.isoformat(), "reason": "exhibit"})
    shown = client.get(reverse(LIST)).content.decode()
    assert ("doc:2" in shown, "x:1" in shown) == (True, False)
    assert "exhibit" in client.get(reverse(LIST) + "?why=kept").content.decode()
    KeptReservation.objects.update(until=clock.now().date() - dt.timedelta(days=1))
    assert "x:1" in client.get(reverse(LIST)).content.decode()


def test_releasing_many_answers_each_row(held, see, a, w):
    client = see()
    Reservation.objects.filter(reference="doc:1").update(updated_at=clock.now() - dt.timedelta(days=40))
    data = {"action": "release_chosen", "_selected_action": [row.pk for row in held.values()]}
    page = client.post(reverse(LIST), data, follow=True).content.decode()
    assert "2 released" in page
    assert "1 row was refused" in page
    assert "Its order is still open" in page
    assert buckets(a, w) == (10, 0, 1)


def test_money_is_for_who_may_see_cost(held, see):
    assert "money locked" not in see("warehouse_clerk").get(reverse(LIST)).content.decode().lower()
    assert "money locked" in see("owner").get(reverse(LIST)).content.decode().lower()


def test_a_buyer_looks_and_does_not_release(held, see, a, w):
    client = see("buyer")
    data = {"action": "release_chosen", "_selected_action": [held["doc:2"].pk]}
    client.post(reverse(LIST), data, follow=True)
    assert buckets(a, w) == (10, 0, 6)
