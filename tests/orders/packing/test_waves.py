"""Waves: which orders go in, in which order, and how they drop out again."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from backoffice import clock
from backoffice.models import AuditEntry
from inventory.models import Reservation
from orders.desk import actions
from orders.fulfil import shipping, waves
from orders.fulfil.wave_figures import progress_of
from orders.models import Order, PickMode, Wave, WaveGoods, WaveOrder, WaveTemplate
from tests.inventory import factories as stock
from tests.orders.factories import at, later, line, order
from tests.orders.packing.floor import LI, WU, Floor, floor_with_orders, pick

pytestmark = pytest.mark.django_db


def template(floor, **fields):
    return WaveTemplate.objects.create(**{"name": "t", "warehouse": floor.place, **fields})


def numbers(preview):
    found = Order.objects.in_bulk(preview.order_ids)
    return [found[pk].number for pk in preview.order_ids]


def test_a_wave_holds_the_goods_reserved_in_its_warehouse():
    floor = floor_with_orders(2)
    wave = floor.wave(1, 2)
    assert (wave.state, wave.code) == ("open", f"W{wave.pk}")
    rows = WaveGoods.objects.values_list("wave_order__place", "sku__code", "wanted", "picked")
    assert sorted(rows) == [(1, "CUP", 1, 0), (1, "MUG", 2, 0), (2, "CUP", 1, 0), (2, "MUG", 2, 0)]
    assert AuditEntry.objects.filter(action="wave.make").count() == 1


def test_what_cannot_be_picked_stays_out_and_says_why():
    floor = Floor(MUG=3)
    other = stock.warehouse()
    floor.take(*(order(n, line("MUG", 1)) for n in (1, 2, 3)), order(4, line("MUG", 5)))
    actions.hold(order_ids=[floor.order(2).pk], actor=LI, reason="ask the buyer")
    ids = [floor.order(n).pk for n in (1, 2, 3, 4)]
    floor.wave(3)
    told = {one.order_id: one for one in waves.make(warehouse_id=floor.place.pk, order_ids=ids, actor=WU).outcomes}
    assert [told[pk].code for pk in ids] == ["in_wave", "wrong_state", "in_wave", "wrong_state"]
    assert [told[pk].ok for pk in ids] == [True, False, False, False]
    assert "made by li" in told[ids[2]].message
    elsewhere = waves.make(warehouse_id=other.pk, order_ids=[ids[0]], actor=WU)
    assert (elsewhere.wave, elsewhere.outcomes[0].code) == (None, "nothing_reserved_here")
    assert WaveOrder.objects.count() == 2


def test_late_orders_come_first_then_priority_then_what_is_due_first():
    floor = Floor(MUG=9)
    soon, late = clock.now() + dt.timedelta(hours=3), clock.now() - dt.timedelta(hours=3)
    floor.take(*(order(n, line("MUG")) for n in (1, 2, 3, 4)))
    Order.objects.filter(external_id="o2").update(ship_by=late)
    Order.objects.filter(external_id="o3").update(priority=5)
    Order.objects.filter(external_id="o4").update(ship_by=soon)
    wave = floor.wave(1, 2, 3, 4)
    places = wave.orders.order_by("place").values_list("order__external_id", flat=True)
    assert list(places) == ["o2", "o3", "o4", "o1"]
    floor.take(*(order(n, line("MUG")) for n in (5, 6)))
    Order.objects.filter(external_id="o6").update(priority=9)
    assert numbers(waves.preview(template=template(floor), orders=Order.objects.all())) == ["#1006", "#1005"]


def test_a_part_of_an_order_is_in_one_open_wave_at_most():
    floor = floor_with_orders(1)
    part = floor.wave(1).orders.get()
    other = Wave.objects.create(warehouse=floor.place, created_at=clock.now(), created_by=LI)
    with pytest.raises(IntegrityError), transaction.atomic():
        WaveOrder.objects.create(wave=other, order=part.order, warehouse=floor.place, place=1)
    waves.cancel(wave_id=part.wave_id, actor=LI)
    WaveOrder.objects.create(wave=other, order=part.order, warehouse=floor.place, place=1)


def test_each_warehouse_picks_its_own_part_of_an_order():
    floor = Floor(warehouses=2, MUG=2)
    floor.add("CUP", 4, floor.places[1])
    floor.take(order(1, line("MUG", 2, 1), line("CUP", 1, 2)))
    here = floor.wave(1)
    there = waves.make(warehouse_id=floor.places[1].pk, order_ids=[floor.order(1).pk], actor=LI).wave
    assert [row.code for row in waves.pick_rows(here)] == ["MUG"]
    assert [row.code for row in waves.pick_rows(there)] == ["CUP"]


@pytest.mark.parametrize(
    ("fields", "fits"),
    [
        ({}, ["#1001", "#1002", "#1003"]),
        ({"lines": "single"}, ["#1001", "#1003"]),
        ({"lines": "multi"}, ["#1002"]),
        ({"delivery": "express，顺丰"}, ["#1002", "#1003"]),
        ({"countries": ["DE"]}, ["#1003"]),
        ({"least_priority": 3}, ["#1001"]),
        ({"most": 2}, ["#1001", "#1002"]),
    ],
)
def test_a_template_finds_the_orders_that_fit(fields, fits):
    floor = Floor(MUG=9, CUP=9)
    floor.take(
        order(1, line("MUG")),
        order(2, line("MUG"), line("CUP", 1, 2), shipping_method="DHL Express"),
        order(3, line("CUP"), shipping_method="顺丰标快"),
    )
    Order.objects.filter(external_id="o1").update(priority=3)
    floor.order(3).contact.__class__.objects.filter(order__external_id="o3").update(country="DE")
    found = waves.preview(template=template(floor, **fields), orders=Order.objects.all())
    assert numbers(found) == fits
    assert found.fitting == (3 if "most" in fields else len(fits))


def test_the_cut_off_is_on_the_warehouses_clock():
    floor = Floor(MUG=9)
    floor.place.time_zone = "Asia/Shanghai"
    floor.place.save()
    floor.take(order(1, line("MUG"), placed_at=at(-240)), order(2, line("MUG"), placed_at=at(0)))  # 12:00, 16:00
    noon = template(floor, before=dt.time(14, 0))
    with clock.moved_to(lambda: at(30)):
        assert numbers(waves.preview(template=noon, orders=Order.objects.all())) == ["#1001"]
    with clock.moved_to(lambda: at(24 * 60)):
        assert len(waves.preview(template=noon, orders=Order.objects.all()).order_ids) == 2


def test_orders_in_a_wave_fit_no_template_any_more():
    floor = floor_with_orders(3)
    floor.wave(2)
    assert numbers(waves.preview(template=template(floor), orders=Order.objects.all())) == ["#1001", "#1003"]


def test_a_template_on_a_schedule_makes_its_wave_once_in_its_time():
    floor = floor_with_orders(2)
    template(floor, name="off")
    one = template(floor, name="on", auto=True, every_minutes=30, most=1, mode=PickMode.BATCH)
    (wave,) = waves.make_due(at(0))
    assert (wave.template, wave.mode, wave.created_by, wave.orders.count()) == (one, "batch", "task:waves", 1)
    assert waves.make_due(at(29)) == []
    assert len(waves.make_due(at(30))) == 1
    assert waves.make_due(at(60)) == []  # nothing is left
    assert Wave.objects.count() == 2


# --- dropping out ----------------------------------------------------------------------------------------------------


def test_a_cancelled_order_drops_out_and_what_was_picked_is_put_back():
    floor = floor_with_orders(2)
    wave = floor.picked(1, 2)
    actions.cancel(order_ids=[floor.order(1).pk], actor=LI, reason="the buyer changed his mind")
    assert waves.look([wave.pk]) == 1
    part = floor.part(1)
    assert (part.open, part.state, part.reason, part.put_back) == (False, "dropped", "cancelled", True)
    assert floor.part(2).open
    assert progress_of([wave.pk])[wave.pk].put_back == 1
    waves.put_back(wave_order_id=part.pk, actor=WU)
    part.refresh_from_db()
    assert (part.put_back, part.put_back_by) == (False, WU)
    with pytest.raises(Exception, match="Nothing of order #1001 is to be put back"):
        waves.put_back(wave_order_id=part.pk, actor=WU)


def test_a_held_order_drops_out_and_leaves_nothing_to_put_back_before_it_is_picked():
    floor = floor_with_orders(2)
    wave = floor.wave(1, 2)
    actions.hold(order_ids=[floor.order(2).pk], actor=LI, reason="address")
    assert waves.look_at_all() == 1
    assert (floor.part(2).reason, floor.part(2).put_back) == ("held", False)
    assert [row.total for row in waves.pick_rows(wave)] == [1, 2]
    assert waves.look_at_all() == 0


def test_an_order_changed_on_the_platform_drops_out_and_fits_the_next_wave():
    floor = Floor(MUG=9)
    first = order(1, line("MUG", 3))
    floor.take(first)
    wave = floor.wave(1)
    floor.take(later(first, lines=(line("MUG", 2),)))
    assert waves.look([wave.pk]) == 1
    assert floor.part(1).reason in ("edited", "held")
    wave.refresh_from_db()
    assert wave.state == "done"
    actions.accept_edit(order_ids=[floor.order(1).pk], actor=LI)
    actions.approve(order_ids=[floor.order(1).pk], actor=LI)
    assert floor.order(1).state == "approved"
    again = floor.wave(1)
    assert [row.total for row in waves.pick_rows(again)] == [2]


def test_an_order_shipped_from_its_own_page_drops_out():
    floor = floor_with_orders(1)
    wave = floor.picked(1)
    shipping.ship(order_id=floor.order(1).pk, parcels=[shipping.Parcel()], actor=LI, idempotency_key="desk")
    waves.look([wave.pk])
    assert floor.part(1).reason == "shipped"


def test_cancelling_a_wave_lets_its_orders_go_and_keeps_their_reservations():
    floor = floor_with_orders(2)
    wave = floor.picked(1, 2)
    waves.cancel(wave_id=wave.pk, actor=LI)
    wave.refresh_from_db()
    assert (wave.state, floor.part(1).reason, floor.part(1).put_back) == ("cancelled", "wave_cancelled", True)
    assert Reservation.objects.filter(bucket=3, quantity__gt=0).count() == 4
    with pytest.raises(Exception, match="is “Cancelled” already"):
        waves.cancel(wave_id=wave.pk, actor=LI)
    assert floor.wave(1).orders.count() == 1


def test_a_wave_of_two_hundred_orders_takes_as_many_queries_as_one_of_two(django_assert_max_num_queries):
    floor = Floor(MUG=9000, CUP=9000)
    floor.take(*(order(n, line("MUG", 2, 1), line("CUP", 1, 2)) for n in range(1, 203)))
    ids = list(Order.objects.order_by("pk").values_list("pk", flat=True))
    with django_assert_max_num_queries(22):
        wave = waves.make(warehouse_id=floor.place.pk, order_ids=ids[:200], actor=LI).wave
    with django_assert_max_num_queries(22):
        waves.make(warehouse_id=floor.place.pk, order_ids=ids[200:], actor=LI)
    with django_assert_max_num_queries(2):
        rows = waves.pick_rows(wave)
    assert [(row.code, row.total, len(row.shares)) for row in rows] == [("CUP", 200, 200), ("MUG", 400, 200)]
    with django_assert_max_num_queries(4):
        assert waves.look([wave.pk]) == 0
    waves.start(wave_id=wave.pk, actor=LI)
    with django_assert_max_num_queries(10):
        assert pick(wave, rows[0]).code == "picked"


def test_an_order_of_two_thousand_lines_goes_through_a_wave():
    floor = Floor(MUG=9000, CUP=9000)
    lines = [line("MUG" if n % 2 else "CUP", 1, n) for n in range(1, 2001)]
    floor.take(order(1, *lines))
    wave = floor.wave(1)
    assert [row.total for row in waves.pick_rows(wave)] == [Decimal(1000), Decimal(1000)]
    assert waves.look([wave.pk]) == 0
