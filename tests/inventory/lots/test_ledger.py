"""The ledger keeps lots in step: as said, else as known, else first expired first; sums always hold."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from inventory import documents, goods, ledger, moving, reservations
from inventory.adjusting import Line, adjust
from inventory.lots import keeping, switching
from inventory.lots.errors import LotRefused, LotShort
from inventory.models import Balance, Lot, LotBalance, LotMovement, StockEntry, Tracking
from tests.inventory.factories import sku, stock, want, warehouse
from tests.inventory.lots.conftest import apart, come, expires, go, lots, of, tracked

pytestmark = pytest.mark.django_db
D = Decimal


def test_goods_that_are_not_tracked_have_no_lots_and_cost_no_query(here):
    plain = sku("PLAIN")
    stock(plain, here, 5)
    draft = ledger.EntryDraft(key="q", sku_id=plain.pk, warehouse_id=here.pk, quantity=D(-1), reason="lost")
    with CaptureQueriesContext(
        connection,
    ) as seen:
        ledger.post(entries=[draft])
    assert not [one for one in seen.captured_queries if "inventory_lot" in one["sql"]]
    assert not Lot.objects.exists()
    assert not LotBalance.objects.exists()


def test_goods_come_in_as_said(milk, here):
    key = come(milk, here, {"A": 6, "B": 4})
    assert lots(milk, here) == {"A": D(6), "B": D(4)}
    assert of(key) == {"A": D(6), "B": D(4)}
    assert StockEntry.objects.get(key=key).lot == ""
    assert apart() == []


def test_one_lot_stands_on_the_movement_itself(milk, here):
    assert StockEntry.objects.get(key=come(milk, here, {"a１ ": 6})).lot == "a１"
    assert lots(milk, here) == {"a１": D(6)}
    come(milk, here, {"A1": 1})
    assert lots(milk, here) == {"a１": D(7)}


def test_goods_in_of_which_nobody_says_the_lot_are_of_the_unknown_one(milk, here):
    stock(milk, here, 5)
    assert lots(milk, here) == {"": D(5)}
    assert apart() == []


def test_more_lots_than_pieces_are_refused(milk, here):
    with pytest.raises(LotRefused) as refusal:
        ledger.post(entries=[ledger.EntryDraft(
            key="x", sku_id=milk.pk, warehouse_id=here.pk, quantity=D(5), reason="receipt", lots=(("A", D(6)),)
        )])  # fmt: skip
    assert refusal.value.code == "split_sum"
    assert not StockEntry.objects.exists()


def test_goods_leave_first_expired_first_then_oldest(milk, here):
    come(milk, here, {"LATE": 5})
    come(milk, here, {"SOON": 5})
    come(milk, here, {"NEVER": 5})
    expires(milk, LATE=90, SOON=10)
    assert of(go(milk, here, 7)) == {"SOON": D(-5), "LATE": D(-2)}
    assert of(go(milk, here, 4)) == {"LATE": D(-3), "NEVER": D(-1)}
    assert apart() == []


def test_of_one_expiry_the_first_received_leaves_first(here):
    box = tracked("BOX", Tracking.LOT)
    come(box, here, {"Z": 2})
    come(box, here, {"A": 2})
    assert of(go(box, here, 3)) == {"Z": D(-2), "A": D(-1)}


def test_what_somebody_says_goes_before_the_turn(milk, here):
    come(milk, here, {"A": 5, "B": 5})
    expires(milk, A=10, B=20)
    assert of(go(milk, here, 3, lot="B")) == {"B": D(-3)}
    with pytest.raises(LotShort) as refusal:
        go(milk, here, 3, lot="B")
    assert "B" in str(refusal.value)
    assert refusal.value.shorts[0].available == D(2)
    with pytest.raises(LotRefused):
        go(milk, here, 1, lot="C")
    assert lots(milk, here) == {"A": D(5), "B": D(2)}


def test_a_blocked_or_expired_lot_is_never_shipped(milk, here):
    come(milk, here, {"BAD": 5, "OLD": 5, "GOOD": 2})
    expires(milk, OLD=-1, BAD=5, GOOD=50)
    keeping.block(lot_id=Lot.objects.get(number="BAD").pk, reason="complaint")
    assert of(go(milk, here, 2, "shipment")) == {"GOOD": D(-2)}
    for fields in ({}, {"lot": "BAD"}, {"lot": "OLD"}):
        with pytest.raises(LotShort):
            go(milk, here, 1, "shipment", **fields)
    assert of(go(milk, here, 6, "lost")) == {"OLD": D(-5), "BAD": D(-1)}
    assert apart() == []


def test_minimum_remaining_days_of_the_sku_hold(milk, here):
    come(milk, here, {"NEAR": 5, "FAR": 5})
    expires(milk, NEAR=29, FAR=30)
    milk.ship_days = 30
    milk.save()
    assert of(go(milk, here, 5, "shipment")) == {"FAR": D(-5)}
    with pytest.raises(LotShort):
        go(milk, here, 1, "shipment")


def test_a_move_between_warehouses_takes_its_lots_along(milk, here, there):
    come(milk, here, {"A": 5, "B": 5})
    expires(milk, A=10, B=20)
    moving.move(key="m", sku_id=milk.pk, quantity=D(7), origin_id=here.pk, destination_id=there.pk, reference="m:1")
    assert lots(milk, there) == {"A": D(5), "B": D(2)}
    assert lots(milk, here) == {"B": D(3)}
    assert apart() == []


def test_a_return_goes_back_to_the_lot_that_was_sent(milk, here):
    come(milk, here, {"A": 3, "B": 5})
    expires(milk, A=10, B=20)
    reservations.reserve(wants=[want("orders.line:1", milk, 4, here)])
    item = ("orders.line:1", milk.pk, here.pk, D(4))
    goods.consume(items=[item], document="orders.shipment:1")
    goods.put_back(items=[goods.PutBack(
        reference="orders.line:1", sku_id=milk.pk, warehouse_id=here.pk, quantity=D(4))], document="orders.return:1"
    )  # fmt: skip
    assert lots(milk, here) == {"A": D(3), "B": D(5)}


def test_a_repeat_of_a_shipment_moves_no_lot_again(milk, here):
    come(milk, here, {"A": 3})
    reservations.reserve(wants=[want("orders.line:1", milk, 2, here)])
    item = ("orders.line:1", milk.pk, here.pk, D(2))
    for _time in range(2):
        goods.consume(items=[item], document="orders.shipment:1")
    assert lots(milk, here) == {"A": D(1)}
    assert apart() == []


def test_undoing_a_document_gives_back_and_takes_the_very_lots(milk, here):
    come(milk, here, {"A": 5, "B": 5})
    expires(milk, A=10, B=20)
    lost = adjust(warehouse_id=here.pk, lines=[Line(sku_id=milk.pk, change=D(-7))], reason="lost")
    documents.undo(document_id=lost.pk)
    assert lots(milk, here) == {"A": D(5), "B": D(5)}
    found = adjust(warehouse_id=here.pk, lines=[Line(sku_id=milk.pk, change=D(3))], reason="found")
    assert lots(milk, here)[""] == D(3)
    documents.undo(document_id=found.pk)
    assert lots(milk, here) == {"A": D(5), "B": D(5)}


def test_what_is_in_blocked_or_expired_lots_cannot_be_reserved(milk, here):
    come(milk, here, {"BAD": 5, "GOOD": 2})
    lot = Lot.objects.get(number="BAD")
    keeping.block(lot_id=lot.pk, reason="complaint")
    assert Balance.objects.get(sku=milk).unsellable == D(5)
    short = reservations.reserve(wants=[want("l:1", milk, 3, here)]).shortages
    assert [(one.wanted, one.available) for one in short] == [(D(3), D(2))]
    keeping.unblock(lot_id=lot.pk, reason="tested, fine")
    assert reservations.reserve(wants=[want("l:1", milk, 3, here)]).shortages == []


def test_a_lot_that_expired_overnight_cannot_be_reserved_though_nobody_swept(milk, here):
    come(milk, here, {"OLD": 5})
    expires(milk, OLD=-1)
    assert reservations.reserve_one(want=want("l:1", milk, 1, here)).shortages
    assert apart() == []


def test_a_serial_is_one_piece_in_one_place(here, there):
    phone = tracked("PHONE", Tracking.SERIAL)
    come(phone, here, {"S1": 1, "S2": 1})
    with pytest.raises(LotRefused) as refusal:
        come(phone, here, {"S1": 1})
    assert refusal.value.code == "serial_twice"
    with pytest.raises(LotRefused) as refusal:
        come(phone, there, {"S1": 1})
    assert refusal.value.code == "serial_twice"
    moving.move(key="m", sku_id=phone.pk, quantity=D(1), origin_id=here.pk, destination_id=there.pk, reference="m:1")
    assert lots(phone, there) == {"S1": D(1)}
    assert apart() == []


def test_a_serial_that_left_may_come_back(here):
    phone = tracked("PHONE", Tracking.SERIAL)
    come(phone, here, {"S1": 1})
    go(phone, here, 1)
    come(phone, here, {"S1": 1})
    assert lots(phone, here) == {"S1": D(1)}


def test_the_database_refuses_a_lot_below_zero_and_a_serial_in_two_places(here, there):
    phone = tracked("PHONE", Tracking.SERIAL)
    come(phone, here, {"S1": 1})
    row = LotBalance.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        LotBalance.objects.filter(pk=row.pk).update(on_hand=-1)
    with pytest.raises(IntegrityError), transaction.atomic():
        LotBalance.objects.create(lot=row.lot, sku=phone, warehouse=there, on_hand=1, serial=True)


def test_a_page_of_many_tracked_goods_takes_a_constant_number_of_statements(here):
    def counted(many):
        items = [tracked(f"T{many}-{n}", Tracking.LOT) for n in range(many)]
        drafts = [ledger.EntryDraft(
            key=f"t{many}:{one.pk}", sku_id=one.pk, warehouse_id=here.pk, quantity=D(2), reason="receipt", lot="L"
        ) for one in items]  # fmt: skip
        with CaptureQueriesContext(connection) as seen:
            ledger.post(entries=drafts)
        return len(seen)

    assert counted(2) == counted(9)


def test_lots_of_a_movement_never_change(milk, here):
    come(milk, here, {"A": 1})
    with (
        pytest.raises(Exception, match="append-only|only grow|LotMovement|inventory_lotmovement"),
        transaction.atomic(),
    ):
        LotMovement.objects.update(quantity=2)


def test_turning_on_books_what_lies_there_and_off_takes_it_out(here, there):
    item = sku("X")
    stock(item, here, 10)
    stock(item, there, 3)
    present = [switching.Present(here.pk, "A", D(6)), switching.Present(here.pk, "B", D(1))]
    switching.turn(sku_id=item.pk, tracking=Tracking.LOT, present=present)
    assert lots(item, here) == {"A": D(6), "B": D(1), "": D(3)}
    assert lots(item, there) == {"": D(3)}
    assert apart() == []
    stock(item, warehouse("NEW"), 2)
    assert apart() == []
    switching.turn(sku_id=item.pk, tracking=Tracking.NONE)
    assert lots(item, here) == {}
    assert apart() == []


def test_more_than_lies_there_cannot_be_named(here):
    item = sku("X")
    stock(item, here, 2)
    with pytest.raises(LotRefused) as refusal, transaction.atomic():
        switching.turn(sku_id=item.pk, tracking=Tracking.LOT, present=[switching.Present(here.pk, "A", D(3))])
    assert refusal.value.code == "present_sum"
    item.refresh_from_db()
    assert item.tracking == Tracking.NONE
    assert not LotBalance.objects.exists()


def test_turning_off_is_refused_while_something_is_blocked(milk, here):
    come(milk, here, {"A": 3})
    keeping.block(lot_id=Lot.objects.get().pk, reason="complaint")
    with pytest.raises(LotRefused) as refusal:
        switching.turn(sku_id=milk.pk, tracking=Tracking.NONE)
    assert refusal.value.code == "held_goods"
    assert "3" in str(refusal.value)
