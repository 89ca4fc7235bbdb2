"""Late plays: what belongs to one, who joins, causes, the end with the incident desk told."""

import pytest
from django.db import IntegrityError, transaction

from backoffice import incidents
from backoffice.models import AuditEntry, Incident
from orders.desk import actions
from orders.fulfil import shipping
from orders.late import closing, pausing, plays
from orders.late.errors import LateError
from orders.models import LatePlay, PlayOrder
from tests.inventory import factories as stock
from tests.orders.factories import NOW, Seller, at, line, order
from tests.orders.late.build import HOUR, LI, cause, ids, play_of, short_seller

pytestmark = pytest.mark.django_db


def members(play) -> list[str]:
    return [one.order.number for one in play.orders.select_related("order").order_by("id")]


def ship(seller, number):
    shipping.ship(
        order_id=seller.order(number).pk, parcels=[shipping.Parcel()], actor="x", idempotency_key=f"s{number}"
    )


def test_a_play_of_a_sku_has_the_orders_that_are_short_and_those_due_within_two_days():
    seller = Seller(MUG=3, CUP=9)
    seller.take(
        order(1, line("MUG"), ship_by=at(60)),
        order(2, line("MUG"), ship_by=at(72 * 60)),  # has its goods and three days
        order(3, line("CUP"), ship_by=at(10)),
        order(4, line("MUG", 5), ship_by=at(72 * 60)),  # short, whenever it is due
        order(5, line("MUG")),  # has its goods; nobody promised anything
    )
    play = play_of(seller)
    assert members(play) == ["#1001", "#1004"]
    assert (play.title, play.sku, play.started_by) == ("MUG MUG", seller.skus["MUG"], LI)
    assert play.orders.get(order=seller.order(1)).due_at == at(60)
    assert AuditEntry.objects.filter(action="late_play.begin", actor=LI).count() == 1


def test_a_bundle_counts_by_its_parts_and_by_its_own_lines():
    seller = Seller(MUG=0)
    bundle = stock.bundle((seller.skus["MUG"], 2), code="SET")
    seller.skus["SET"] = bundle
    seller.take(order(1, line("SET"), ship_by=at(60)))
    assert members(play_of(seller)) == ["#1001"]
    assert members(play_of(seller, "SET")) == ["#1001"]


def test_the_second_who_begins_a_play_for_the_same_sku_joins_the_first():
    seller = short_seller(0, 10)
    first = play_of(seller)
    seller.take(order(2, line("MUG")))
    second, new = plays.begin(actor="user:8 wu", once="other", sku_id=seller.skus["MUG"].pk)
    assert (second, new) == (first, False)
    assert members(first) == ["#1001", "#1002"]
    assert LatePlay.objects.count() == 1


def test_the_same_click_finds_the_same_play_even_after_it_was_closed():
    seller = short_seller(0, 10)
    play = play_of(seller)
    closing.close(play_id=play.pk, actor=LI, cause=cause(), note="bought elsewhere")
    assert plays.begin(actor=LI, once=play.once, sku_id=seller.skus["MUG"].pk) == (play, False)
    other, new = plays.begin(actor=LI, once="new", sku_id=seller.skus["MUG"].pk)
    assert new
    assert other != play


def test_the_database_keeps_two_open_plays_of_one_sku_apart():
    play = play_of(short_seller(0, 10))
    with pytest.raises(IntegrityError), transaction.atomic():
        LatePlay.objects.create(sku=play.sku, title="x", once="y", started_by="z")
    LatePlay.objects.create(sku=None, title="x", once="y", started_by="z")


def test_from_some_orders_the_sku_that_most_lack_becomes_the_plays():
    seller = short_seller(0, 10, 20)
    seller.add("CUP", 5)
    seller.take(order(3, line("CUP")))
    play, _new = plays.begin(actor=LI, once="a", order_ids=ids(seller, 1, 2, 3))
    assert (play.sku, members(play)) == (seller.skus["MUG"], ["#1001", "#1002", "#1003"])


def test_orders_that_lack_nothing_make_a_play_without_a_sku():
    seller = Seller(CUP=5)
    seller.take(*(order(n, line("CUP"), ship_by=at(n)) for n in range(1, 6)))
    play, _new = plays.begin(actor=LI, once="a", order_ids=ids(seller, 1, 2, 3, 4, 5))
    assert (play.sku, play.title) == (None, "#1001, #1002, #1003 and 2 more")
    with pytest.raises(LateError, match="not about one SKU"):
        pausing.pause(play_id=play.pk, actor=LI)
    with pytest.raises(LateError, match="not about one SKU"):
        plays.look_again(play_id=play.pk, actor=LI)


def test_what_has_left_is_no_play_and_orders_of_other_shops_stay_out():
    seller = short_seller(3, 10)
    other = Seller(CUP=0)
    other.take(order(1, line("MUG")))
    with pytest.raises(LateError, match="Choose at least one order"):
        plays.begin(actor=LI, once="a")
    ship(seller, 1)
    with pytest.raises(LateError, match="nothing to put right"):
        plays.begin(actor=LI, once="a", order_ids=ids(seller, 1))
    with pytest.raises(LateError, match="nothing to put right"):
        plays.begin(actor=LI, once="a", order_ids=ids(other, 1), shops=frozenset({seller.shop.pk}))
    assert not LatePlay.objects.exists()
    assert plays.affected(seller.skus["MUG"].pk, frozenset({seller.shop.pk})) == []
    assert plays.affected(seller.skus["MUG"].pk) == ids(other, 1)


def test_looking_again_takes_in_what_came_meanwhile():
    seller = short_seller(0, 10)
    play = play_of(seller)
    seller.take(order(2, line("MUG")))
    assert plays.look_again(play_id=play.pk, actor=LI) == 1
    assert plays.look_again(play_id=play.pk, actor=LI) == 0
    assert members(play) == ["#1001", "#1002"]


def test_a_cause_for_the_play_and_another_for_one_order_also_when_it_is_closed():
    seller = short_seller(0, 10, 20)
    play = play_of(seller)
    with pytest.raises(LateError, match="Choose the cause"):
        plays.set_cause(play_id=play.pk, cause=None, actor=LI)
    closing.close(play_id=play.pk, actor=LI, cause=cause(), note="late truck")
    plays.set_cause(play_id=play.pk, cause=cause("carrier"), actor=LI, order_ids=ids(seller, 2))
    assert list(play.orders.order_by("id").values_list("cause__code", flat=True)) == [None, "carrier"]
    with pytest.raises(LateError, match="not in the play"):
        plays.set_cause(play_id=play.pk, cause=cause(), actor=LI, order_ids=[0])


def test_it_is_closed_with_a_cause_and_a_note_and_the_desks_incidents_end_with_it():
    seller = short_seller(0, 10)
    play = play_of(seller)
    trouble = incidents.report(kind="late", key=f"order:{seller.order(1).pk}", data={"number": "x", "level": "late"})
    with pytest.raises(LateError, match="Choose the cause"):
        closing.close(play_id=play.pk, actor=LI, note="x")
    with pytest.raises(LateError, match="in a few words"):
        closing.close(play_id=play.pk, actor=LI, cause=cause(), note="  ")
    assert LatePlay.objects.get().state == "open"
    closing.close(play_id=play.pk, actor=LI, cause=cause(), note="bought elsewhere")
    closed = LatePlay.objects.get()
    assert (closed.state, closed.closed_by, closed.note, closed.cause) == ("closed", LI, "bought elsewhere", cause())
    trouble = Incident.objects.get(pk=trouble.pk)
    assert (trouble.state, trouble.cause, trouble.done) == ("resolved", cause(), "bought elsewhere")
    with pytest.raises(LateError, match="closed: li"):
        closing.close(play_id=play.pk, actor=LI, cause=cause(), note="again")


def test_it_closes_by_itself_when_every_order_has_left_or_is_cancelled():
    seller = short_seller(1, 10, 20)
    play = play_of(seller)
    assert closing.close_finished() == 0
    ship(seller, 1)
    assert closing.undone(play) == 1
    assert closing.close_finished() == 0
    actions.cancel(order_ids=ids(seller, 2), actor=LI, reason="no")
    assert closing.close_finished() == 1
    play.refresh_from_db()
    assert (play.state, play.closed_by, play.cause) == ("closed", "system", None)
    assert closing.close_finished() == 0


def test_an_order_stands_in_a_play_once():
    play = play_of(short_seller(0, 10))
    with pytest.raises(IntegrityError), transaction.atomic():
        PlayOrder.objects.create(play=play, order=play.orders.get().order, added_at=NOW + HOUR)
