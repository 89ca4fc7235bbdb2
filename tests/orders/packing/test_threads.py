"""Two people at once on a real PostgreSQL: one wins, the other is told, nothing is doubled."""

import threading
import time
from decimal import Decimal

import pytest
from django.db import transaction

from backoffice.errors import YikuError
from orders.contracts import OrderStatus
from orders.desk import actions, merging
from orders.fulfil import handover, packing, shipping, waves
from orders.fulfil.floor_errors import FloorError
from orders.fulfil.wave_picking import locked
from orders.models import Handover, Shipment, Wave, WaveGoods, WaveOrder
from tests.inventory.invariants import broken
from tests.inventory.threads import after, errors, slowly, together
from tests.orders.changes.looking import ANA
from tests.orders.factories import later, line, order
from tests.orders.packing.floor import LI, WU, Floor, floor_with_orders, key, pick

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def test_two_waves_over_the_same_orders_take_each_order_once():
    floor = floor_with_orders(12)
    ids = [floor.order(n).pk for n in range(1, 13)]

    def worker(order_ids, actor):
        return lambda: [waves.make(warehouse_id=floor.place.pk, order_ids=order_ids, actor=actor)]

    results = together(worker(ids[:9], LI), worker(ids[:3:-1], WU))
    assert errors(results) == []
    outcomes = [one for (made,) in results for one in made.outcomes]
    assert sum(one.ok for one in outcomes) == 12
    refused = [one for one in outcomes if not one.ok]
    assert {one.code for one in refused} == {"in_wave"}
    assert len(refused) == 9 + 8 - 12
    assert WaveOrder.objects.filter(open=True).count() == 12


def test_two_pickers_of_one_stop_take_it_once_and_two_packers_ship_once():
    floor = floor_with_orders(1)
    wave = floor.wave(1)
    waves.start(wave_id=wave.pk, actor=LI)
    row = waves.pick_rows(wave)[0]
    results = together(*(lambda: pick(wave, row) for _ in range(4)))
    assert sorted(one.code for one in results) == ["picked", "picked_before", "picked_before", "picked_before"]
    waves.picked_on_paper(wave_id=wave.pk, actor=LI)
    part = floor.part(1)
    opened = together(*(lambda who=who: floor.open(1, actor=who) for who in (LI, WU)))
    (lost,) = errors(opened)
    assert lost.code == "packed_by_other"
    mine = LI if isinstance(opened[1], FloorError) else WU
    for text in ("MUG", "MUG", "CUP"):
        assert floor.scan(1, text, actor=mine).ok
    results = together(*(lambda: packing.finish(wave_order_id=part.pk, actor=mine) for _ in range(3)))
    assert [one.code for one in errors(results)] == ["packed_already", "packed_already"]
    assert (Shipment.objects.count(), floor.buckets("MUG"), broken()) == (1, (98, 0, 0), [])


def test_finishing_and_cancelling_at_once_sends_a_parcel_or_puts_it_back():
    floor = floor_with_orders(6)
    floor.picked(*range(1, 7))
    for number in range(1, 7):
        floor.open(number)
        for text in ("MUG", "MUG", "CUP"):
            floor.scan(number, text)

    refusals = []

    def finish():
        done = []
        for number in range(1, 7):
            try:
                floor.finish(number)
                done.append(number)
            except YikuError as refusal:
                refusals.append(refusal.code)
        return done

    def cancel():
        ids = [floor.order(number).pk for number in range(6, 0, -1)]
        return [actions.cancel(order_ids=[pk], actor=LI, reason="late")[0].ok for pk in ids]

    results = together(finish, cancel)
    assert errors(results) == []
    assert set(refusals) <= {"dropped", "not_approved"}
    waves.look_at_all()
    assert len(results[0]) + sum(results[1]) == 6
    assert Shipment.objects.count() == len(results[0])
    assert WaveOrder.objects.filter(state="dropped", put_back=True).count() == sum(results[1])
    assert Wave.objects.get().state == "done"
    assert broken() == []


def test_two_short_picks_and_a_hand_over_at_once_count_once():
    floor = floor_with_orders(4)
    wave = floor.wave(1, 2, 3, 4)
    waves.start(wave_id=wave.pk, actor=LI)
    cups, mugs = waves.pick_rows(wave)
    same = key()

    def short(row):
        return lambda: waves.short_pick(
            wave_id=wave.pk, row=row.key, found=row.total - 1, actor=LI, key=f"{same}{row.code}"
        )

    results = together(short(mugs), short(mugs), lambda: pick(wave, cups))
    assert errors(results) == []
    assert [one.ok for one in results] == [True, True, True]
    assert floor.part(4).reason == "short"
    assert WaveOrder.objects.filter(open=True).count() == 3
    assert not WaveGoods.objects.filter(wave_order__open=True, picked=0).exists()
    assert broken() == []
    first = floor.part(1)
    floor.open(1)
    for text in ("MUG", "MUG", "CUP"):
        floor.scan(1, text)
    floor.finish(1, tracking="SF1")
    told = together(*(lambda k=k: handover.scan(text="SF1", actor=LI, key=f"o{k}") for k in range(3)))
    assert sorted(one.code for one in told) == ["handed_over", "parcel_gone", "parcel_gone"]
    assert (Handover.objects.count(), first.place) == (1, 1)


def test_goods_missing_on_the_table_and_a_packer_who_takes_over_do_not_block_each_other():
    floor, begun = floor_with_orders(2), threading.Event()
    wave = floor.picked(1, 2)
    floor.open(1)
    part, mugs = floor.part(1), floor.goods(1, "MUG")

    def take_over():
        with transaction.atomic():
            locked(wave.pk)
            begun.set()
            time.sleep(0.5)
            return packing.open_order(wave_order_id=part.pk, actor=LI, take_over=True)

    told = together(take_over, after(begun, lambda: packing.missing(wave_order_id=part.pk, goods_id=mugs.pk, actor=WU)))
    assert [one.code for one in errors(told)] == ["packed_by_other"]
    assert (floor.part(1).packer, floor.order(1).state) == (LI, "approved")


def test_a_common_parcel_that_two_scan_out_by_two_of_its_codes_leaves_once():
    floor = Floor(MUG=9, CUP=9)
    floor.take(order(1, line("MUG", 1), buyer=ANA), order(2, line("CUP", 2), buyer=ANA))
    merging.merge(order_ids=[floor.order(1).pk, floor.order(2).pk], actor=LI)
    floor.picked(1)
    first, second = floor.pack(1, "MUG", "CUP", "CUP")

    def out(one):
        return lambda: handover.scan(text=handover.code_of(one.pk), actor=LI, key=f"o{one.pk}")

    told = together(out(first), out(second))
    assert sorted(one.code for one in told) == ["handed_over", "parcel_gone"]
    assert Handover.objects.count() == 2


def test_a_parcel_that_is_being_taken_back_is_not_handed_over():
    floor, begun = floor_with_orders(1), threading.Event()
    floor.picked(1)
    (sent,) = floor.pack(1, "MUG", "MUG", "CUP", tracking="SF1")
    told = together(
        slowly(lambda: shipping.void(shipment_id=sent.pk, actor=LI), begun),
        after(begun, lambda: handover.scan(text="SF1", actor=WU, key="o")),
    )
    assert errors(told) == []
    assert (told[1].code, Handover.objects.count()) == ("parcel_void", 0)


def test_an_order_that_the_platform_cancels_while_its_goods_are_short_stays_cancelled():
    floor, begun = floor_with_orders(1), threading.Event()
    wave = floor.wave(1)
    waves.start(wave_id=wave.pk, actor=LI)
    row = waves.pick_rows(wave)[0]
    first = order(1, line("MUG", 2, 1), line("CUP", 1, 2))
    told = together(
        slowly(lambda: floor.take(later(first, status=OrderStatus.CANCELLED)), begun),
        after(begun, lambda: waves.short_pick(wave_id=wave.pk, row=row.key, found=Decimal(0), actor=LI, key="s")),
    )
    assert errors(told) == []
    assert (floor.order(1).state, floor.part(1).reason) == ("cancelled", "cancelled")
    assert (floor.buckets("MUG"), floor.buckets("CUP"), broken()) == ((100, 0, 0), (100, 0, 0), [])
