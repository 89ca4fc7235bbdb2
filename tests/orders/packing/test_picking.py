"""Picking: bins in walking order, totes, each stop once, goods that are not there."""

from decimal import Decimal

import pytest

from inventory.models import StockDocument, StockDocumentLine
from orders.desk import actions
from orders.fulfil import shipping, waves
from orders.fulfil.pick_lists import codes_of, natural
from orders.models import PackScan, WaveOrder
from tests.inventory import factories as stock
from tests.inventory.invariants import broken
from tests.orders.factories import line, order
from tests.orders.packing.floor import LI, WU, Floor, codes, floor_with_orders, key, pick

pytestmark = pytest.mark.django_db


def started(floor, *numbers, **options):
    wave = floor.wave(*numbers, **options)
    waves.start(wave_id=wave.pk, actor=LI)
    return wave


def stops(wave):
    return [(row.bin, row.code, int(row.total)) for row in waves.pick_rows(wave)]


def test_bins_are_walked_in_their_order_then_by_name_and_figures_count_as_figures():
    floor = Floor(MUG=9, CUP=9, POT=9, TEA=9)
    floor.bin("MUG", "A-10")
    floor.bin("CUP", "A-9")
    floor.bin("POT", "Z-1", order=0)
    floor.take(order(1, *(line(code, 1, n) for n, code in enumerate(("MUG", "CUP", "POT", "TEA"), 1))))
    wave = floor.wave(1)
    assert stops(wave) == [("A-9", "CUP", 1), ("A-10", "MUG", 1), ("Z-1", "POT", 1), ("", "TEA", 1)]
    floor.skus["CUP"].shelf_places.update(sort_order=7)
    assert [code for _bin, code, _total in stops(wave)] == ["MUG", "POT", "CUP", "TEA"]
    assert natural("b2") < natural("B10")


def test_each_tote_is_told_how_many_it_gets():
    floor = Floor(MUG=9)
    floor.take(order(1, line("MUG", 2)), order(2, line("MUG", 3)))
    (row,) = waves.pick_rows(floor.wave(1, 2))
    told = [(share.tote, share.order_number, int(share.quantity)) for share in row.shares]
    assert (int(row.total), told) == (5, [(1, "#1001", 2), (2, "#1002", 3)])
    assert row.shares[1].code.endswith("-2")


def test_order_by_order_has_a_stop_for_each_order():
    floor = Floor(MUG=9)
    floor.take(order(1, line("MUG", 2)), order(2, line("MUG", 3)))
    wave = started(floor, 1, 2, mode="single")
    first, second = waves.pick_rows(wave)
    assert [int(row.total) for row in (first, second)] == [2, 3]
    assert pick(wave, second).code == "picked"
    assert [row.done for row in waves.pick_rows(wave)] == [False, True]


def test_bundles_are_picked_as_their_parts():
    floor = Floor(MUG=9, LID=9)
    floor.skus["SET"] = stock.bundle((floor.skus["MUG"], 2), (floor.skus["LID"], 1), code="SET")
    floor.take(order(1, line("SET", 2)))
    assert stops(floor.wave(1)) == [("", "LID", 2), ("", "MUG", 4)]


def test_a_stop_is_confirmed_once_and_the_last_one_finishes_the_wave():
    floor = floor_with_orders(2)
    wave = started(floor, 1, 2)
    cups, mugs = waves.pick_rows(wave)
    again = key()
    assert pick(wave, cups, key=again).code == "picked"
    answer = pick(wave, cups, key=again)  # a queue that was sent twice
    assert (answer.ok, answer.code, answer.again) == (True, "picked", True)
    assert pick(wave, cups).code == "picked_before"  # a second tap
    wave.refresh_from_db()
    assert wave.state == "picking"
    assert pick(wave, mugs).ok
    wave.refresh_from_db()
    assert (wave.state, wave.picked_at is not None) == ("picked", True)
    assert codes("pick") == [("picked", True), ("picked_before", True), ("picked", True)]
    assert pick(wave, mugs).code == "wave_closed"


def test_of_two_pickers_the_second_is_told_who_and_may_take_over():
    floor = floor_with_orders(1)
    wave = floor.wave(1)
    (cups, mugs) = waves.pick_rows(wave)
    assert pick(wave, cups).code == "not_started"
    waves.start(wave_id=wave.pk, actor=LI)
    waves.start(wave_id=wave.pk, actor=LI)
    with pytest.raises(Exception, match="li has been picking wave"):
        waves.start(wave_id=wave.pk, actor=WU)
    refused = pick(wave, cups, actor=WU)
    assert (refused.ok, refused.code) == (False, "picked_by_other")
    assert "li has been picking" in refused.message
    waves.start(wave_id=wave.pk, actor=WU, take_over=True)
    assert pick(wave, cups).code == "picked_by_other"  # what was queued on the old phone
    assert pick(wave, cups, actor=WU).ok
    assert [row.done for row in waves.pick_rows(wave)] == [True, False]
    assert mugs.code == "MUG"


def test_a_wrong_scan_at_the_shelf_is_kept_and_changes_nothing():
    floor = floor_with_orders(1)
    floor.add("TEA", 1)
    wave = started(floor, 1)
    assert (
        waves.wrong(wave_id=wave.pk, text="tea", actor=LI, key=key()).message == "Wrong item: TEA is not wanted here."
    )
    same = key()
    for _ in range(2):
        assert waves.wrong(wave_id=wave.pk, text="99\0<b>", actor=LI, key=same).code == "unknown_code"
    assert codes("pick") == [("wrong_item", False), ("unknown_code", False)]
    assert PackScan.objects.order_by("pk")[1].text == "99<b>"
    assert not any(row.picked for row in waves.pick_rows(wave))


def test_when_an_order_drops_out_while_its_goods_are_taken_the_surplus_goes_back():
    floor = floor_with_orders(2)
    wave = started(floor, 1, 2)
    _cups, mugs = waves.pick_rows(wave)
    actions.hold(order_ids=[floor.order(1).pk], actor=LI, reason="address")
    waves.look([wave.pk])
    answer = pick(wave, mugs)
    assert (answer.ok, answer.code) == (True, "fewer")
    assert "Only 2 are wanted now: put the other 2 back" in answer.message


def test_codes_of_goods_say_how_many_pieces_each_stands_for(django_assert_num_queries):
    floor = Floor(MUG=1)
    floor.barcode("MUG", "4006381333931")
    floor.barcode("MUG", "CASE-12", 12)
    mug = floor.skus["MUG"]
    with django_assert_num_queries(1):
        found = codes_of([(mug.pk, mug.code)])
    assert found == {mug.pk: {"mug": "1", "4006381333931": "1", "case-12": "12"}}


# --- not there -------------------------------------------------------------------------------------------------------


def short(wave, row, found, actor=LI, **options):
    options.setdefault("key", key())
    return waves.short_pick(wave_id=wave.pk, row=row.key, found=Decimal(found), actor=actor, **options)


def test_what_is_not_there_holds_the_last_orders_and_is_noted_for_counting():
    floor = floor_with_orders(3)
    floor.bin("MUG", "A-1")
    wave = started(floor, 1, 2, 3)
    mugs, cups = waves.pick_rows(wave)
    assert pick(wave, cups).ok
    answer = short(wave, mugs, 5)
    assert answer.message == "Noted: 1 of MUG were not there. Dropped out: #1003."
    gone = floor.part(3)
    assert (gone.reason, gone.put_back) == ("short", True)  # its cup was taken already
    held = floor.order(3)
    assert (held.state, held.hold_code, held.hold_note) == ("held", "not_found", f"MUG: {wave.code}, A-1")
    assert floor.buckets("MUG") == (100, 2, 4)  # nothing is lost yet; the shop does not sell what is demanded
    document = StockDocument.objects.get()
    assert (document.state, document.reason, "A-1" in document.note) == ("proposed", "lost", True)
    assert StockDocumentLine.objects.get().difference == -1
    assert WaveOrder.objects.filter(open=True).count() == 2
    wave.refresh_from_db()
    assert wave.state == "picked"


def test_another_warehouse_sends_what_is_not_there():
    floor = Floor(warehouses=2, MUG=2)
    floor.add("MUG", 5, floor.places[1])
    floor.take(order(1, line("MUG", 2)))
    wave = started(floor, 1)
    (row,) = waves.pick_rows(wave)
    assert short(wave, row, 0).ok
    assert (floor.order(1).state, floor.part(1).reason) == ("approved", "rerouted")
    assert (floor.buckets("MUG"), floor.buckets("MUG", floor.places[1])) == ((2, 0, 0), (5, 0, 2))
    wave.refresh_from_db()
    assert wave.state == "done"
    there = waves.make(warehouse_id=floor.places[1].pk, order_ids=[floor.order(1).pk], actor=LI)
    assert there.outcomes[0].ok


def test_a_short_pick_sent_twice_is_one():
    floor = floor_with_orders(2)
    wave = started(floor, 1, 2)
    mugs = waves.pick_rows(wave)[1]
    same = key()
    first = short(wave, mugs, 2, key=same)
    second = short(wave, mugs, 2, key=same)
    assert (first.message, second.again) == (second.message, True)
    assert StockDocument.objects.count() == 1
    assert WaveOrder.objects.filter(reason="short").count() == 1


@pytest.mark.parametrize(("found", "code"), [(4, "found_all"), (5, "bad_found"), (-1, "bad_found")])
def test_a_number_that_cannot_be_what_was_found_is_refused(found, code):
    floor = floor_with_orders(2)
    wave = started(floor, 1, 2)
    assert short(wave, waves.pick_rows(wave)[1], found).code == code
    assert (StockDocument.objects.count(), floor.buckets("MUG")) == (0, (100, 0, 4))


def test_only_who_picks_may_say_that_something_is_not_there():
    floor = floor_with_orders(1)
    wave = started(floor, 1)
    answer = short(wave, waves.pick_rows(wave)[1], 0, actor=WU)
    assert (answer.ok, answer.code, floor.order(1).state) == (False, "picked_by_other", "approved")


def test_a_wave_that_is_done_is_not_picked_on_paper():
    floor = floor_with_orders(1)
    wave = floor.wave(1)
    waves.cancel(wave_id=wave.pk, actor=LI)
    with pytest.raises(Exception, match="nothing is picked for it any more"):
        waves.picked_on_paper(wave_id=wave.pk, actor=LI)
    assert not WaveOrder.objects.filter(open=True).exists()


@pytest.mark.parametrize("fate", ["cancelled", "shipped"])
def test_a_short_pick_does_not_bring_back_an_order_that_is_over(fate):
    floor = floor_with_orders(1)
    wave = floor.wave(1)
    waves.start(wave_id=wave.pk, actor=LI)
    one = floor.order(1)
    if fate == "cancelled":
        actions.cancel(order_ids=[one.pk], actor=WU, reason="buyer")
    else:
        shipping.ship(order_id=one.pk, parcels=[shipping.Parcel()], actor=WU, idempotency_key="k")
    row = waves.pick_rows(wave)[0]
    told = waves.short_pick(wave_id=wave.pk, row=row.key, found=Decimal(0), actor=LI, key=key())
    assert told.ok
    assert (floor.order(1).state, floor.order(1).hold_code) == (fate, "")
    assert (floor.part(1).open, floor.part(1).reason) == (False, fate)
    assert broken() == []
