"""Orders that go in one parcel are picked, packed and shipped together; a wave holds its orders fast meanwhile."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backoffice import clock
from orders.admin import status
from orders.desk import actions, mergeable, merging, splitting
from orders.fulfil import handover, packing, shipping, waves
from orders.fulfil.floor_errors import FloorError
from orders.fulfil.routing import moving
from orders.models import Handover, OrderPart, PackParcel, PrintRun, Shipment, WaveOrder
from tests.orders.changes.looking import ANA, client_of
from tests.orders.factories import line, order
from tests.orders.packing.floor import LI, WU, Floor, key

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor(db) -> Floor:
    """Orders 1 and 2 of Ana go in one parcel, order 3 is somebody else's."""
    made = Floor(MUG=9, CUP=9)
    made.take(order(1, line("MUG", 1), buyer=ANA), order(2, line("CUP", 2), buyer=ANA), order(3, line("MUG", 1)))
    told = merging.merge(order_ids=[made.order(1).pk, made.order(2).pk], actor=LI)
    assert [one.code for one in told] == ["merged", "merged"]
    return made


def make(floor, *numbers):
    return waves.make(warehouse_id=floor.place.pk, order_ids=[floor.order(n).pk for n in numbers], actor=LI)


def wave_numbers() -> list[tuple[str, int]]:
    parts = WaveOrder.objects.filter(open=True).select_related("order", "lead").order_by("place")
    return [(one.order.number, one.tote) for one in parts]


def test_one_member_brings_the_others_into_the_wave_and_into_its_tote(floor):
    make(floor, 1, 3)
    totes: dict[str, int] = dict(wave_numbers())
    assert sorted(totes) == ["#1001", "#1002", "#1003"]
    assert totes["#1001"] == totes["#1002"] != totes["#1003"]


def test_a_member_that_cannot_go_keeps_the_others_out_and_is_named(floor):
    actions.hold(order_ids=[floor.order(2).pk], actor=LI, reason="ask")
    made = make(floor, 1)
    assert made.wave is None
    assert "goes in one parcel with #1002" in made.outcomes[0].message
    assert WaveOrder.objects.count() == 0


def test_all_goods_go_into_one_parcel_and_all_orders_ship_or_none(floor):
    floor.picked(1)
    part = floor.open(2)  # whichever is opened, the first one's table opens
    assert (part.order.number, part.lead_id) == ("#1001", None)
    assert floor.scan(1, "MUG").ok
    with pytest.raises(FloorError, match="Not complete yet: CUP 2"):
        floor.finish(1)
    assert Shipment.objects.count() == 0
    with pytest.raises(FloorError, match="everything goes into this one"):
        packing.close_parcel(wave_order_id=part.pk, actor=WU)
    for _ in range(2):
        assert floor.scan(1, "CUP").ok
    shipped = floor.finish(1, carrier="SF", tracking="SF1")
    assert [(one.order.number, one.tracking_number) for one in shipped] == [("#1001", "SF1"), ("#1002", "SF1")]
    assert [floor.order(n).state for n in (1, 2)] == ["shipped", "shipped"]
    assert set(WaveOrder.objects.values_list("state", "packer")) == {("packed", WU)}
    assert PackParcel.objects.get().shipment.order.number == "#1001"
    with pytest.raises(FloorError, match="was packed by wu"):
        floor.finish(1)
    assert handover.scan(text="SF1", actor=LI, key=key()).ok
    assert Handover.objects.count() == 2


def test_a_common_parcel_without_a_number_leaves_by_its_code_with_all_its_orders_once(floor):
    floor.picked(1)
    first, second = floor.pack(1, "MUG", "CUP", "CUP")
    told = handover.scan(text=handover.code_of(first.pk), actor=LI, key=key())
    assert (told.ok, told.message) == (True, "Handed over: parcel #1001-1, –.")
    assert set(Handover.objects.values_list("shipment", flat=True)) == {first.pk, second.pk}
    assert handover.scan(text=handover.code_of(second.pk), actor=LI, key=key()).code == "parcel_gone"
    assert Handover.objects.count() == 2


def test_a_parcel_that_was_taken_back_does_not_leave_with_the_others_by_its_code(floor):
    floor.picked(1)
    first, second = floor.pack(1, "MUG", "CUP", "CUP")
    shipping.void(shipment_id=first.pk, actor=LI)
    assert handover.scan(text=handover.code_of(first.pk), actor=LI, key=key()).code == "parcel_void"
    assert Handover.objects.count() == 0
    assert handover.scan(text=handover.code_of(second.pk), actor=LI, key=key()).ok
    assert Handover.objects.get().shipment == second


def test_when_one_member_drops_out_the_others_go_back_with_it(floor):
    floor.picked(1)
    actions.cancel(order_ids=[floor.order(2).pk], actor=LI, reason="buyer")
    waves.look_at_all()
    told = dict(WaveOrder.objects.values_list("order__number", "reason"))
    assert told == {"#1001": "together", "#1002": "cancelled"}
    assert set(WaveOrder.objects.values_list("put_back", flat=True)) == {True}


def test_orders_in_a_wave_are_neither_merged_nor_taken_apart_nor_moved(floor):
    wave = make(floor, 1, 3).wave
    (told,) = merging.unmerge(order_ids=[floor.order(1).pk], actor=LI)
    assert (told.ok, f"wave {wave.code}" in told.message) == (False, True)
    assert merging.group_of(floor.order(1)).state == "open"
    assert mergeable.unfit(mergeable.read([floor.order(3)])[0])[0] == "merge_busy"
    (moved,) = moving.reroute(order_ids=[floor.order(3).pk], actor=LI)
    assert (moved.code, f"wave {wave.code}" in moved.message) == ("in_work", True)
    waves.cancel(wave_id=wave.pk, actor=LI)
    assert merging.unmerge(order_ids=[floor.order(1).pk], actor=LI)[0].ok


def test_a_planned_parcel_that_may_not_leave_yet_stays_out_and_says_when():
    floor = Floor(MUG=9, CUP=9)
    floor.take(order(1, line("MUG", 1, 1), line("CUP", 1, 2)))
    one = floor.order(1)
    splitting.split(order_ids=[one.pk], by={one.lines.first().pk: Decimal(1)}, actor=LI)
    later = clock.now() + dt.timedelta(days=2)
    OrderPart.objects.filter(pk=OrderPart.objects.earliest("pk").pk).update(ship_after=later)
    told = make(floor, 1).outcomes[0]
    assert (told.code, "may not leave before" in told.message) == ("wave_too_early", True)
    assert not waves.waiting(type(one).objects.all(), floor.place.pk).exists()
    OrderPart.objects.update(ship_after=None)
    assert make(floor, 1).wave is not None
    OrderPart.objects.update(ship_after=later)
    waves.look_at_all()
    assert WaveOrder.objects.get().reason == "not_yet"


def test_one_status_says_where_an_order_is(floor):
    def codes():
        orders = [floor.order(n) for n in (1, 2, 3)]
        with CaptureQueriesContext(connection) as asked:
            found = status.of(orders)
        assert len(asked) <= 11
        return [found[one.pk].code for one in orders]

    assert codes() == ["together", "together", "approved"]
    wave = floor.wave(1, 3)
    assert codes() == ["in_wave"] * 3
    assert status.one(floor.order(3)).label == f"In wave {wave.code}"
    waves.start(wave_id=wave.pk, actor=LI)
    assert codes() == ["picking"] * 3
    waves.picked_on_paper(wave_id=wave.pk, actor=LI)
    assert codes() == ["picked"] * 3
    floor.pack(3, "MUG", carrier="SF", tracking="SF3")
    assert codes() == ["picked", "picked", "packed"]
    handover.scan(text="SF3", actor=LI, key=key())
    assert codes()[2] == "shipped"


def test_the_wave_page_prints_its_list_and_its_papers(people, floor):
    client = client_of(people, "owner")
    wave = floor.wave(1, 3)
    file = client.get(reverse("admin:orders_wave_list_pdf", args=[wave.pk]))
    assert file.content.startswith(b"%PDF")
    answer = client.post(reverse("admin:orders_wave_do", args=[wave.pk]), {"do": "papers"})

    run = PrintRun.objects.get()
    places = list(wave.orders.order_by("place").values_list("order_id", flat=True))
    assert (run.order_ids, run.kinds, answer.status_code) == (places, ["slip", "label"], 302)
    page = client.get(reverse("admin:orders_wave_packing", args=[floor.part(2).pk]))
    assert page.url == reverse("admin:orders_wave_packing", args=[floor.part(1).pk])
