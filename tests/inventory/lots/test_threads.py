"""Two who take the last pieces of a lot, and two who receive one serial, at the same moment on PostgreSQL."""

from decimal import Decimal

import pytest

from inventory import goods, reservations
from inventory.lots import keeping, switching
from inventory.lots.errors import LotRefused, LotShort
from inventory.models import Balance, Lot, LotBalance, Tracking
from tests.inventory.factories import sku, stock, want, warehouse
from tests.inventory.lots.conftest import apart, come, expires, go, lots, of, tracked
from tests.inventory.threads import errors, together

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
D = Decimal


def shipment(item, place, number, pieces):
    reservations.reserve(wants=[want(f"orders.line:{number}", item, pieces, place)])
    items = [(f"orders.line:{number}", item.pk, place.pk, D(pieces))]
    return lambda: goods.consume(items=items, document=f"orders.shipment:{number}")


def test_two_shipments_of_the_last_pieces_of_a_lot_take_different_lots():
    milk, here = tracked("MILK", Tracking.EXPIRY), warehouse("W")
    come(milk, here, {"SOON": 3, "LATE": 3})
    expires(milk, SOON=5, LATE=50)
    results = together(shipment(milk, here, 1, 3), shipment(milk, here, 2, 3))
    assert errors(results) == []
    taken = [of(f"orders.shipment:{n}/orders.line:{n}/{milk.pk}@{here.pk}.out") for n in (1, 2)]
    assert sorted((number, int(pieces)) for one in taken for number, pieces in one.items()) == [
        ("LATE", -3), ("SOON", -3),
    ]  # fmt: skip
    assert lots(milk, here) == {}
    assert apart() == []


def test_two_who_name_the_same_last_pieces_one_is_refused():
    milk, here = tracked("MILK", Tracking.LOT), warehouse("W")
    come(milk, here, {"A": 3, "B": 9})
    results = together(lambda: go(milk, here, 3, lot="A"), lambda: go(milk, here, 3, lot="A"))
    assert [type(one) for one in errors(results)] == [LotShort]
    assert lots(milk, here) == {"B": D(9)}
    assert apart() == []


def test_one_serial_received_in_two_warehouses_at_once_is_in_one():
    phone, here, there = tracked("PHONE", Tracking.SERIAL), warehouse("W"), warehouse("X")
    come(phone, here, {"S0": 1})
    come(phone, there, {"S9": 1})
    results = together(lambda: come(phone, here, {"S1": 1}), lambda: come(phone, there, {"S1": 1}))
    assert [type(one) for one in errors(results)] == [LotRefused]
    assert LotBalance.objects.filter(lot__number="S1", on_hand__gt=0).count() == 1
    assert apart() == []


def test_a_block_and_a_reservation_at_once_never_reserve_what_is_blocked():
    milk, here = tracked("MILK", Tracking.LOT), warehouse("W")
    come(milk, here, {"A": 3})
    lot = Lot.objects.get()
    together(
        lambda: keeping.block(lot_id=lot.pk, reason="complaint"),
        lambda: reservations.reserve_one(want=want("l:1", milk, 3, here)),
    )
    assert Balance.objects.get().unsellable == D(3)
    assert reservations.reserve(wants=[want("l:2", milk, 1, here)]).shortages


def test_goods_that_come_while_tracking_is_turned_on_have_a_lot():
    item, here, there = sku("X"), warehouse("W"), warehouse("NEW")
    stock(item, here, 3)
    results = together(
        lambda: switching.turn(sku_id=item.pk, tracking=Tracking.LOT),
        lambda: stock(item, here, 2),
        lambda: stock(item, there, 2),
    )
    assert errors(results) == []
    assert apart() == []


def test_one_statement_reserves_nothing_of_an_expired_lot():
    milk, here = tracked("MILK", Tracking.EXPIRY), warehouse("W")
    come(milk, here, {"A": 3})
    expires(milk, A=-1)
    assert Balance.objects.get().unsellable == 0
    assert reservations.reserve_one(want=want("l:1", milk, 1, here)).shortages
