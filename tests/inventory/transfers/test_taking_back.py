"""A wrong receipt is taken back: goods, value, lots and layers are as before it, or a sentence says why not."""

from decimal import Decimal

import pytest

from backoffice.models import AuditEntry
from inventory import documents, reservations
from inventory.models import Access, CostLayer, LotBalance, StockDocument, StockEntry, Transfer, Warehouse
from inventory.transfers import picking, receiving
from inventory.transfers.errors import AlreadyDone, TransferRefused
from inventory.transfers.taking_back import take_back
from tests.inventory.costing.conftest import unsound, use
from tests.inventory.factories import sku, stock, want
from tests.inventory.invariants import broken
from tests.inventory.lots.conftest import come, go, tracked
from tests.inventory.transfers.conftest import came, lies, line, state, under_way

pytestmark = pytest.mark.django_db
D = Decimal


def back(done, user=None, why="counted the wrong pallet"):
    return take_back(receipt_id=done.receipt.pk, user=user, why=why)


def test_all_is_as_before_and_the_transfer_goes_on(a, here, there, sent, clerk):
    made = sent((a, 4))
    before = (lies(a, there), under_way(a), lies(a, here))
    done = came(made, 3, damaged=1, user=clerk)
    assert state(made) == "received"
    receipt = back(done, clerk)
    assert (lies(a, there), under_way(a), lies(a, here)) == before
    row = line(made)
    assert (row.transit, row.transit_value, row.received, row.damaged) == (4, D("4.004"), 0, 0)
    made.refresh_from_db()
    assert (made.state, made.ended_at, made.ended_by) == ("transit", None, None)
    assert (receipt.undone_by, receipt.undone_why) == (clerk, "counted the wrong pallet")
    told = AuditEntry.objects.get(action="transfer.take_back")
    assert (told.summary, told.target) == ("counted the wrong pallet", f"inventory.transfer:{made.pk}")
    came(made, 4)
    assert (state(made), lies(a, there), under_way(a), broken()) == ("received", (4, 0, D("4.004")), (0, 0), [])


def test_one_of_several_receipts_is_taken_back_and_the_others_stand(a, there, sent):
    made = sent((a, 7))
    first, second = came(made, 2), came(made, 5)
    back(first)
    assert (state(made), lies(a, there), under_way(a)) == ("partly", (5, 2, D("5.005")), (2, D("2.002")))
    third = came(made, 2)
    back(second)
    back(third)
    assert (state(made), lies(a, there), under_way(a)) == ("transit", (0, 7, 0), (7, D("7.007")))
    picking.cancel(transfer_id=made.pk, user=None)
    assert (under_way(a), broken()) == ((0, 0), [])


def test_a_second_press_is_told_who_was_first(a, there, sent, clerk):
    done = came(sent((a, 4)), 4)
    back(done, clerk)
    with pytest.raises(TransferRefused, match="taken back already: warehouse_clerk did it") as refusal:
        back(done)
    assert (refusal.value.code, lies(a, there)[0], under_way(a)[0]) == ("already_done", 0, 4)


def test_what_waits_is_withdrawn_and_nobody_can_book_it_then(a, there, sent, clerk, owner):
    made = sent((a, 4))
    done = came(made, 7, user=clerk)
    assert back(done, clerk).over_state == "withdrawn"
    with pytest.raises(AlreadyDone, match="Withdrawn"):
        receiving.decide_surplus(receipt_id=done.receipt.pk, user=owner, accept=True)
    assert (lies(a, there)[0], StockDocument.objects.count(), state(made)) == (0, 0, "transit")


def test_what_a_second_person_approved_is_not_undone_by_the_first_alone(a, there, sent, clerk, owner):
    made = sent((a, 4))
    done = came(made, 7, user=clerk)
    receiving.decide_surplus(receipt_id=done.receipt.pk, user=owner, accept=True)
    with pytest.raises(TransferRefused, match=f"approved by {owner}") as refusal:
        back(done, clerk)
    assert (refusal.value.code, lies(a, there)[0]) == ("over_limit", 7)
    back(done, owner)
    assert (lies(a, there)[0], under_way(a)[0], state(made), broken()) == (0, 4, "transit", [])


@pytest.mark.parametrize("by_hand", [False, True])
def test_what_was_found_on_top_is_reversed_once(a, there, sent, clerk, by_hand):
    made = sent((a, 4))
    done = came(made, 6, user=clerk)
    if by_hand:
        documents.undo(document_id=done.receipt.over_document_id)
    receipt = back(done, clerk)
    assert (receipt.over_state, receipt.over_document.state) == ("undone", "undone")
    assert (lies(a, there), under_way(a), line(made).over) == ((0, 4, 0), (4, D("4.004")), 0)
    assert (StockDocument.objects.filter(reason="undo").count(), broken()) == (1, [])


def test_a_receipt_of_nothing_but_more_is_taken_back(a, b, there, sent):
    made = sent((a, 4), (b, 1))
    came(made, 4, item=a)
    done = came(made, 1, item=a)
    back(done)
    assert (lies(a, there), line(made, a).over, state(made)) == ((4, 0, D("4.004")), 0, "partly")
    assert broken() == []


def test_goods_that_left_again_or_are_reserved_stay(a, there, sent):
    made = sent((a, 4))
    done = came(made, 4)
    reservations.book_demand(wants=[want("l:1", a, 1, there)])
    reservations.reserve(wants=[want("l:1", a, 1, there)])
    with pytest.raises(TransferRefused, match=r"left or are reserved: .*3 < 4"):
        back(done)
    assert (lies(a, there)[0], state(made), line(made).received) == (4, "received", 4)
    other = came(sent((a, 2)), 2)
    go(a, there, 3)
    with pytest.raises(TransferRefused, match="2 < 4"):
        back(done)
    back(other)
    assert (lies(a, there)[0], broken()) == (1, [])


@pytest.mark.parametrize("rest", ["lost", "back"])
def test_a_closed_transfer_keeps_its_receipts(a, there, sent, rest):
    made = sent((a, 4))
    done = came(made, 3)
    receiving.close(transfer_id=made.pk, rest=rest, user=None)
    with pytest.raises(TransferRefused, match="was closed since") as refusal:
        back(done)
    assert (refusal.value.code, lies(a, there)[0], state(made)) == ("closed_since", 3, "received")


def test_only_who_may_receive_there_and_says_why(a, there, sent, clerk, owner):
    done = came(sent((a, 4)), 4)
    with pytest.raises(TransferRefused, match="Say why") as refusal:
        back(done, why="  ")
    assert refusal.value.field == "note"
    Access.objects.filter(user=clerk).update(all_warehouses=False)
    with pytest.raises(TransferRefused, match="somebody who works in THERE"):
        back(done, clerk)
    Warehouse.objects.filter(pk=there.pk).update(read_only=True)
    with pytest.raises(TransferRefused, match="closed"):
        back(done, owner)
    assert lies(a, there)[0] == 4


def test_who_looked_before_it_was_taken_back_must_look_again(a, sent, clerk):
    made = sent((a, 4))
    done = came(made, 2)
    seen = Transfer.objects.get(pk=made.pk).turn
    back(done, clerk)
    with pytest.raises(TransferRefused, match="warehouse_clerk has taken back a receipt"):
        came(made, 2, seen=seen)


def layers(item, place=None):
    found = CostLayer.objects.filter(sku=item, quantity__gt=0)
    found = found.filter(warehouse=place) if place else found.filter(warehouse__kind="transit")
    return list(found.order_by("pk").values_list("entry_key", "quantity", "value", "received_at"))


def test_layers_are_those_from_before(here, there, sent):
    use("fifo")
    item = sku("F")
    for cost in ("1", "2.5", "4"):
        stock(item, here, 2, cost)
    stock(item, there, 3, "9")
    made = sent((item, 5))
    before = (layers(item), layers(item, there), under_way(item), lies(item, there))
    first = came(made, 2, damaged=1)
    second = came(made, 2)
    back(first)
    back(second)
    assert (layers(item), layers(item, there), under_way(item), lies(item, there)) == before
    came(made, 5)
    assert (lies(item, there)[2], unsound(), broken()) == (D(38), [], [])


def test_by_layers_the_very_goods_must_be_there(here, there, sent):
    use("fifo")
    item = sku("F")
    stock(item, here, 9, "2")
    done = came(sent((item, 4)), 4)
    came(sent((item, 4)), 4)
    go(item, there, 1)
    with pytest.raises(TransferRefused, match="of the 4 that came with this receipt only 3"):
        back(done)
    use("average")
    back(done)
    assert (lies(item, there)[0], broken()) == (3, [])


def held(item, place=None):
    rows = LotBalance.objects.filter(sku=item, on_hand__gt=0)
    rows = rows.filter(warehouse=place) if place else rows.filter(warehouse__kind="transit")
    return dict(rows.values_list("lot__number", "on_hand"))


@pytest.mark.parametrize(("tracking", "goods"), [(1, {"L1": 2, "L2": 3}), (3, {"S1": 1, "S2": 1, "S3": 1})])
def test_lots_and_serials_are_those_from_before(here, there, sent, tracking, goods):
    item = tracked("T", tracking)
    come(item, here, goods)
    made = sent((item, sum(goods.values())))
    done = came(made, sum(goods.values()) - 1, damaged=1)
    back(done)
    assert (held(item), held(item, there), broken()) == (goods, {}, [])
    came(made, sum(goods.values()))
    assert (held(item, there), broken()) == (goods, [])


def test_lots_of_what_stayed_under_way_arrive_whole(here, there, sent):
    item = tracked("T", 1)
    come(item, here, {"L1": 3, "L2": 3})
    made = sent((item, 6))
    done = came(made, 3)
    first = held(item, there)
    back(done)
    other = came(made, 3)
    assert held(item, there) == first
    came(made, 3)
    assert held(item, there) == {"L1": 3, "L2": 3}
    back(other)
    assert (held(item), broken()) == (first, [])


def test_another_lot_does_not_stand_in_for_one_that_left(here, there, sent):
    item = tracked("T", 1)
    come(item, here, {"L1": 3})
    come(item, there, {"L9": 5})
    done = came(sent((item, 3)), 3)
    go(item, there, 1, lots=(("L1", D(1)),))
    with pytest.raises(TransferRefused, match="lots of this receipt have left: .*L1: 2 < 3"):
        back(done)
    assert held(item, there) == {"L1": 2, "L9": 5}


def test_value_that_came_goes_back_to_the_cent(a, there, sent):
    total = sum(StockEntry.objects.values_list("value", flat=True))
    stock(a, there, 3, "0.3333")
    done = came(sent((a, 7)), 7)
    go(a, there, 3)
    back(done)
    left = sum(StockEntry.objects.filter(reason="lost").values_list("value", flat=True))
    assert lies(a, there)[0] == 0
    assert lies(a, there)[2] == 0
    assert line(Transfer.objects.get()).transit_value == under_way(a)[1]
    assert sum(StockEntry.objects.values_list("value", flat=True)) == total + D("0.9999") + left
