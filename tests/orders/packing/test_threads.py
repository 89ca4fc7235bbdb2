"""Two people at once on a real PostgreSQL: one wins, the other is told, nothing is doubled."""

import pytest

from backoffice.errors import YikuError
from orders.desk import actions
from orders.fulfil import handover, packing, waves
from orders.fulfil.floor_errors import FloorError
from orders.models import Handover, Shipment, Wave, WaveGoods, WaveOrder
from tests.inventory.invariants import broken
from tests.inventory.threads import errors, together
from tests.orders.packing.floor import LI, WU, floor_with_orders, key, pick

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
