"""Serve some first: the chosen get what there is, others give up no more than is needed, nothing else is overruled."""

import dataclasses

import pytest

from orders.desk import actions
from orders.late import serving
from orders.late.errors import LateError
from orders.models import Order
from tests.orders.factories import LYON, line, order
from tests.orders.late.build import LI, ids, play_of, short_seller

pytestmark = pytest.mark.django_db


def states(seller, *numbers) -> list[str]:
    return [f"{one.state} {one.hold_code}".strip() for one in map(seller.order, numbers)]


def serve(play, order_ids, **options):
    return {
        one.order_id: one.code for one in serving.serve_first(play_id=play.pk, order_ids=order_ids, actor=LI, **options)
    }


def test_new_goods_go_to_the_chosen_in_the_order_chosen_whoever_ordered_first():
    seller = short_seller(0, 10, 20, 30)
    play = play_of(seller)
    seller.add("MUG", 2)
    third, second, first = ids(seller, 3, 2, 1)
    assert serve(play, [third, second, first]) == {third: "approved", second: "approved", first: "short_stock"}
    assert states(seller, 1, 2, 3) == ["held short_stock", "approved", "approved"]
    assert set(play.orders.filter(first=True).values_list("order_id", flat=True)) == {third, second}


def test_the_cheapest_of_the_others_gives_its_goods_up_and_no_more_than_is_needed():
    seller = short_seller(3, 10, 20, 30, 99)
    play = play_of(seller)
    (dear,) = ids(seller, 4)
    assert states(seller, 1, 2, 3, 4) == ["approved", "approved", "approved", "held short_stock"]
    assert serve(play, [dear], take_from_others=True) == {dear: "approved", seller.order(1).pk: "gave_up"}
    assert states(seller, 1, 2, 3, 4) == ["held short_stock", "approved", "approved", "approved"]
    assert seller.buckets("MUG") == (3, 1, 3)


def test_without_leave_nobody_gives_anything_up():
    seller = short_seller(1, 10, 99)
    play = play_of(seller)
    (dear,) = ids(seller, 2)
    assert serve(play, [dear]) == {dear: "short_stock"}
    assert states(seller, 1, 2) == ["approved", "held short_stock"]
    assert not play.orders.filter(first=True).exists()


def test_when_the_chosen_stay_short_all_the_same_the_others_have_their_goods_back():
    seller = short_seller(1, 10)
    seller.take(order(2, line("MUG", 5)))
    play = play_of(seller)
    (large,) = ids(seller, 2)
    assert serve(play, [large], take_from_others=True) == {large: "short_stock"}
    assert states(seller, 1, 2) == ["approved", "held short_stock"]


def test_an_order_held_for_something_else_is_told_of_and_left_alone():
    seller = short_seller(0, 10)
    seller.take(order(2, line("MUG"), shipping=dataclasses.replace(LYON, postcode="1"), ship_by=None))
    play = play_of(seller)
    seller.add("MUG", 5)
    assert seller.order(2).hold_code == "address"
    told = serving.serve_first(play_id=play.pk, order_ids=ids(seller, 2, 1), actor=LI)
    assert [one.code for one in told] == ["serve_held", "approved"]
    assert "held for another reason: Address" in told[0].message
    assert states(seller, 1, 2) == ["approved", "held address"]
    assert serve(play, ids(seller, 1)) == {seller.order(1).pk: "serve_done"}


def test_orders_of_other_plays_nothing_chosen_and_closed_plays_are_refused():
    seller = short_seller(0, 10)
    play = play_of(seller)
    with pytest.raises(LateError, match="Choose at least one"):
        serving.serve_first(play_id=play.pk, order_ids=[], actor=LI)
    seller.add("CUP", 5)
    seller.take(order(9, line("CUP")))
    with pytest.raises(LateError, match="not in the play"):
        serving.serve_first(play_id=play.pk, order_ids=ids(seller, 9), actor=LI)
    actions.cancel(order_ids=ids(seller, 1), actor=LI, reason="x")
    assert serve(play, ids(seller, 1)) == {seller.order(1).pk: "serve_done"}
    assert Order.objects.filter(state="approved").count() == 1
