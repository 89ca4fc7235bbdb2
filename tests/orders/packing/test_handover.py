"""Parcels leave the building once; what stays is listed."""

import pytest

from orders.errors import OrderError
from orders.fulfil import handover, shipping
from orders.models import Handover, PackingSetting, PackScan
from tests.orders.packing.floor import LI, WU, codes, floor_with_orders, key

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor(db):
    """Three orders, the first two packed as SF1 and SF2."""
    made = floor_with_orders(3)
    made.picked(1, 2, 3)
    for number in (1, 2):
        made.pack(number, "MUG", "MUG", "CUP", carrier="SF", tracking=f"SF{number}")
    return made


def out(text, actor=LI, **options):
    options.setdefault("key", key())
    return handover.scan(text=text, actor=actor, **options)


def test_a_parcel_is_handed_over_by_its_tracking_number(floor):
    answer = out(" sf1\n")
    assert (answer.ok, answer.message) == (True, "Handed over: parcel #1001-1, SF.")
    row = Handover.objects.get()
    assert (row.shipment.tracking_number, row.actor) == ("SF1", LI)


def test_or_by_its_own_code(floor):
    shipment = floor.order(2).shipments.get()
    assert out(handover.code_of(shipment.pk)).ok
    assert Handover.objects.get().shipment == shipment


def test_twice_unknown_and_taken_back_are_refused_and_kept(floor):
    assert out("SF1").ok
    assert "has been handed over by li" in out("SF1", actor=WU).message
    assert out("SF9").code == "parcel_unknown"
    assert out("P99999999999999999999").code == "parcel_unknown"
    assert out("  ").code == "text_missing"
    shipping.void(shipment_id=floor.order(2).shipments.get().pk, actor=LI, reason="wrong label")
    assert "was taken back: it must not leave" in out("SF2").message
    assert Handover.objects.count() == 1
    assert [right for _code, right in codes("out")] == [True, False, False, False, False, False]


def test_a_parcel_that_left_comes_back_only_when_somebody_says_that_it_lies_here(floor):
    assert out("SF1").ok
    sent = floor.order(1).shipments.get()
    with pytest.raises(OrderError) as caught:
        shipping.void(shipment_id=sent.pk, actor=LI)
    sent.refresh_from_db()
    assert (caught.value.code, sent.state, floor.order(1).state) == ("handed_over", "sent", "shipped")
    shipping.void(shipment_id=sent.pk, actor=LI, lies_here=True)
    sent.refresh_from_db()
    assert (sent.state, floor.order(1).state) == ("void", "approved")


def test_a_scan_that_was_sent_twice_is_one(floor):
    same = key()
    assert [out("SF1", key=same).code, out("SF1", key=same).code] == ["handed_over", "handed_over"]
    assert (Handover.objects.count(), PackScan.objects.filter(stage="out").count()) == (1, 1)


def test_one_label_on_two_orders_leaves_with_both(floor):
    floor.order(2).shipments.update(tracking_number="SF1")
    assert out("SF1").ok
    assert Handover.objects.count() == 2
    assert out("SF1").code == "parcel_gone"


def test_parcels_of_other_warehouses_are_not_known(floor):
    assert out("SF1", warehouses=frozenset()).code == "parcel_unknown"
    assert out("SF1", warehouses=frozenset({floor.place.pk})).ok


def test_packed_and_not_gone_is_listed_after_the_warehouses_hours(floor, later):
    assert handover.waiting().count() == 0
    assert [one.tracking_number for one in handover.waiting(0)] == ["SF1", "SF2"]
    later(hours=5)
    assert handover.waiting().count() == 0
    PackingSetting.objects.create(warehouse=floor.place, handover_hours=4)
    assert [one.tracking_number for one in handover.waiting()] == ["SF1", "SF2"]
    out("SF1")
    assert [one.tracking_number for one in handover.waiting()] == ["SF2"]
    assert handover.packed_in(handover.waiting(), frozenset()).count() == 0
    later(hours=25)
    PackingSetting.objects.all().delete()
    assert handover.waiting(31).count() == 0
    assert handover.waiting().count() == 1


def test_a_parcel_leaves_only_once_in_the_database(floor):
    from django.db import IntegrityError, transaction

    out("SF1")
    again = Handover.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Handover.objects.create(shipment=again.shipment, at=again.at, actor=WU)
