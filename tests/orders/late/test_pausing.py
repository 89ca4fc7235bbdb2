"""A sale is paused on all shops and goes on as it was; with goods it goes on by itself."""

import pytest

from inventory import availability, dated
from inventory.models import StockChange, StockPolicy
from orders.late import closing, pausing
from orders.late.errors import LateError
from orders.models import LatePlay
from tests.inventory import factories as stock
from tests.orders.late.build import LI, cause, play_of, short_seller

pytestmark = pytest.mark.django_db


def shown(seller) -> int:
    """What the seller's shop shows of the mug."""
    found = availability.figures(shop_ids=[seller.shop.pk], sku_ids=[seller.skus["MUG"].pk])
    return int(found[seller.shop.pk, seller.skus["MUG"].pk, None].quantity)


def test_every_shop_shows_nothing_is_told_and_sells_again():
    seller = short_seller(9, 10)
    play = play_of(seller)
    assert shown(seller) == 8
    StockChange.objects.all().delete()
    pausing.pause(play_id=play.pk, actor=LI)
    play.refresh_from_db()
    assert (shown(seller), play.paused, play.paused_by) == (0, True, LI)
    assert StockChange.objects.filter(sku=seller.skus["MUG"], cause="policy").exists()
    with pytest.raises(LateError, match="paused already: li"):
        pausing.pause(play_id=play.pk, actor="user:8 wu")
    pausing.resume(play_id=play.pk, actor=LI)
    assert shown(seller) == 8
    assert not StockPolicy.objects.filter(valid_to=None).exists()
    with pytest.raises(LateError, match="not paused"):
        pausing.resume(play_id=play.pk, actor=LI)


def test_a_policy_that_stood_comes_back_with_its_terms_and_reason():
    seller = short_seller(9, 10)
    dated.set_policy(shop_id=None, sku_id=seller.skus["MUG"].pk, buffer=3, reason="fragile")
    play = play_of(seller)
    pausing.pause(play_id=play.pk, actor=LI)
    assert shown(seller) == 0
    pausing.resume(play_id=play.pk, actor=LI)
    standing = StockPolicy.objects.get(valid_to=None)
    assert (shown(seller), standing.buffer, standing.paused, standing.reason) == (5, 3, False, "fragile")


def test_what_somebody_paused_before_stays_paused_and_what_somebody_resumed_stays_resumed():
    seller = short_seller(9, 10)
    mug = seller.skus["MUG"].pk
    dated.set_policy(shop_id=None, sku_id=mug, paused=True, reason="recall")
    play = play_of(seller)
    pausing.pause(play_id=play.pk, actor=LI)
    pausing.resume(play_id=play.pk, actor=LI)
    assert shown(seller) == 0
    dated.set_policy(shop_id=None, sku_id=mug, paused=False)
    pausing.pause(play_id=play.pk, actor=LI)
    dated.set_policy(shop_id=None, sku_id=mug, paused=False)
    pausing.resume(play_id=play.pk, actor=LI)
    assert shown(seller) == 8


def test_whoever_sees_one_shop_pauses_that_one_only():
    seller = short_seller(9, 10)
    other = stock.shop(seller.place)
    pausing.pause(play_id=play_of(seller).pk, actor=LI, shops=frozenset({seller.shop.pk}))
    assert shown(seller) == 0
    found = availability.figures(shop_ids=[other.pk], sku_ids=[seller.skus["MUG"].pk])
    assert found[other.pk, seller.skus["MUG"].pk, None].quantity == 8


def test_whoever_sees_one_shop_lets_that_one_go_on_only():
    seller = short_seller(9, 10)
    other, play = stock.shop(seller.place), play_of(seller)
    both = frozenset({seller.shop.pk, other.pk})
    pausing.pause(play_id=play.pk, actor=LI, shops=both)
    left = pausing.resume(play_id=play.pk, actor="user:8 wu", shops=frozenset({seller.shop.pk}))
    assert (shown(seller), left.paused, [one["shop"] for one in left.pauses]) == (8, True, [other.pk])
    assert list(StockPolicy.objects.filter(valid_to=None).values_list("shop", "paused")) == [(other.pk, True)]
    with pytest.raises(LateError, match="shops that you do not see"):
        pausing.resume(play_id=play.pk, actor="user:8 wu", shops=frozenset({seller.shop.pk}))
    assert StockPolicy.objects.get(valid_to=None).paused
    assert not pausing.resume(play_id=play.pk, actor=LI).paused
    assert not StockPolicy.objects.filter(valid_to=None).exists()


def test_a_pause_of_all_shops_is_not_undone_and_not_closed_by_who_sees_one():
    seller = short_seller(9, 10)
    play, mine = play_of(seller), frozenset({seller.shop.pk})
    pausing.pause(play_id=play.pk, actor=LI)
    with pytest.raises(LateError, match="shops that you do not see"):
        pausing.resume(play_id=play.pk, actor="user:8 wu", shops=mine)
    with pytest.raises(LateError, match="shops that you do not see"):
        closing.close(play_id=play.pk, actor="user:8 wu", cause=cause(), note="done", shops=mine)
    play.refresh_from_db()
    assert (shown(seller), play.paused, play.state) == (0, True, LatePlay.State.OPEN)


def test_a_play_with_orders_of_other_shops_is_closed_by_who_sees_them():
    seller = short_seller(9, 10)
    play, other = play_of(seller), stock.shop(seller.place)
    with pytest.raises(LateError, match="whoever sees all of them closes it"):
        closing.close(play_id=play.pk, actor=LI, cause=cause(), note="done", shops=frozenset({other.pk}))
    assert LatePlay.objects.get(pk=play.pk).state == LatePlay.State.OPEN
    closing.close(play_id=play.pk, actor=LI, cause=cause(), note="done", shops=frozenset({seller.shop.pk}))
    assert LatePlay.objects.get(pk=play.pk).state == LatePlay.State.CLOSED


def test_it_goes_on_by_itself_once_there_is_more_than_was_ordered():
    seller = short_seller(0, 10)
    play = play_of(seller)
    pausing.pause(play_id=play.pk, actor=LI, resume_on_arrival=True)
    seller.add("MUG", 1)  # the order that waits wants it
    assert pausing.resume_arrived() == 0
    seller.add("MUG", 2)
    assert pausing.resume_arrived() == 1
    assert (shown(seller), LatePlay.objects.get().paused) == (2, False)
    assert pausing.resume_arrived() == 0


def test_a_bundle_goes_on_when_its_scarcest_part_is_there():
    seller = short_seller(0, 10)
    cup = seller.add("CUP", 9)
    seller.skus["SET"] = stock.bundle((seller.skus["MUG"], 2), (cup, 1), code="SET")
    play = play_of(seller, "SET")
    pausing.pause(play_id=play.pk, actor=LI, resume_on_arrival=True)
    seller.add("MUG", 2)  # one of them is ordered
    assert pausing.resume_arrived() == 0
    seller.add("MUG", 1)
    assert pausing.resume_arrived() == 1


@pytest.mark.parametrize("left", [0, 4])
def test_a_closed_play_leaves_no_sale_paused_for_ever(left):
    seller = short_seller(left, 10)
    play = play_of(seller)
    pausing.pause(play_id=play.pk, actor=LI)
    closing.close(play_id=play.pk, actor=LI, cause=cause(), note="done")
    play.refresh_from_db()
    assert (play.paused, play.resume_on_arrival) == (not left, not left)
    seller.add("MUG", 5)
    assert pausing.resume_arrived() == (not left)
    assert not LatePlay.objects.get().paused
