"""Lots at the packing table: the list says which to take, another may be scanned, a serial must be."""

from decimal import Decimal

import pytest

from inventory.lots import keeping, switching
from inventory.models import Lot, LotChoice, LotMovement, Tracking
from orders.fulfil import pick_lists
from tests.inventory.lots.conftest import apart, come, expires, lots
from tests.orders.factories import line, order
from tests.orders.packing.floor import WU, Floor, key

pytestmark = pytest.mark.django_db
D = Decimal


def tracked(floor, code, tracking, **there):
    sku = floor.add(code)
    switching.turn(sku_id=sku.pk, tracking=tracking)
    sku.refresh_from_db()
    come(sku, floor.place, there)
    return sku


@pytest.fixture
def floor():
    """One order of three MILK, of which two lots lie there."""
    made = Floor()
    milk = tracked(made, "MILK", Tracking.EXPIRY, A=2, B=9)
    expires(milk, A=10, B=20)
    made.take(order(1, line("MILK", 3)))
    return made


def sent(floor, code):
    rows = LotMovement.objects.filter(sku=floor.skus[code], reason="shipment").select_related("lot")
    return {row.lot.number: row.quantity for row in rows}


def test_the_pick_list_says_which_lots_to_take(floor):
    (row,) = pick_lists.pick_rows(floor.wave(1))
    assert [(one.number, one.quantity) for one in row.lots] == [("A", D(2)), ("B", D(1))]


def test_nobody_said_a_lot_then_the_first_to_expire_leaves(floor):
    floor.picked(1)
    floor.pack(1, "MILK", "MILK", "MILK")
    assert sent(floor, "MILK") == {"A": D(-2), "B": D(-1)}
    assert apart() == []


def test_another_lot_that_is_scanned_is_the_one_that_leaves(floor):
    floor.barcode("MILK", "9506000134352")
    floor.picked(1)
    floor.pack(1, "01095060001343521726121010B", "B", "MILK")
    assert sent(floor, "MILK") == {"A": D(-1), "B": D(-2)}
    assert lots(floor.skus["MILK"], floor.place) == {"A": D(1), "B": D(7)}
    assert {row.quantity for row in LotChoice.objects.all()} == {D(0)}


def test_a_blocked_lot_is_refused_with_its_reason_and_nothing_is_packed(floor):
    keeping.block(lot_id=Lot.objects.get(number="B").pk, reason="complaint")
    floor.picked(1)
    floor.open(1)
    answer = floor.scan(1, "B")
    assert not answer.ok
    assert "Lot B is blocked: complaint" in answer.message
    assert floor.goods(1, "MILK").packed == 0
    assert not LotChoice.objects.exists()


def test_more_of_a_lot_than_lies_there_is_refused(floor):
    floor.picked(1)
    floor.open(1)
    assert floor.scan(1, "A").ok
    assert floor.scan(1, "A").ok
    assert "0 of lot A" in floor.scan(1, "A").message


def test_what_is_taken_out_of_the_parcel_is_forgotten(floor):
    from orders.fulfil import packing

    floor.picked(1)
    floor.open(1)
    floor.scan(1, "B")
    packing.take_out(wave_order_id=floor.part(1).pk, goods_id=floor.goods(1, "MILK").pk, actor=WU, key=key())
    assert not LotChoice.objects.exists()


def test_which_serial_went_to_which_order_is_known():
    floor = Floor()
    tracked(floor, "PHONE", Tracking.SERIAL, S1=1, S2=1, S3=1)
    floor.take(order(1, line("PHONE", 1)), order(2, line("PHONE", 1)))
    floor.picked(1, 2)
    floor.open(1)
    assert "Scan the serial number of PHONE" in floor.scan(1, "PHONE").message
    assert floor.scan(1, "S3").ok
    floor.finish(1)
    floor.pack(2, "s1")
    rows = LotMovement.objects.filter(reason="shipment").select_related("lot")
    named = {row.reference: row.lot.number for row in rows}
    assert named == {f"orders.line:{floor.lines(1)[0].pk}": "S3", f"orders.line:{floor.lines(2)[0].pk}": "S1"}
    assert apart() == []
