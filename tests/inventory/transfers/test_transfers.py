"""A transfer from plan to shelf: what each step moves, refuses, and says to who comes second."""

from decimal import Decimal

import pytest

from inventory import adjusting
from inventory.access import visible
from inventory.errors import NegativeStock
from inventory.models import Access, StockDocument, StockEntry, Transfer, TransferReceipt, Warehouse
from inventory.transfers import picking, planning, receiving, transit
from inventory.transfers.errors import AlreadyDone, TransferRefused
from inventory.transfers.planning import Wish
from tests.inventory.factories import bundle, sku, stock, want, warehouse
from tests.inventory.invariants import broken
from tests.inventory.transfers.conftest import came, lies, line, state, under_way

pytestmark = pytest.mark.django_db
D = Decimal


def test_goods_go_over_in_steps_and_keep_their_value(a, here, there, planned, clerk):
    made = planned((a, 4), user=clerk)
    assert (made.number, made.state, StockEntry.objects.filter(reference=made.reference).count()) == (
        f"DB{made.pk:06d}",
        "draft",
        0,
    )
    planning.request(transfer_id=made.pk, user=clerk)
    assert lies(a, here) == (10, 0, D("10.01"))
    picking.pick(transfer_id=made.pk, user=clerk)
    assert (lies(a, here), under_way(a), lies(a, there)) == ((6, 0, D("6.006")), (4, D("4.004")), (0, 4, 0))
    picking.send(transfer_id=made.pk, user=clerk)
    came(made, 3, user=clerk)
    assert (state(made), lies(a, there), under_way(a)) == ("partly", (3, 1, D("3.003")), (1, D("1.001")))
    came(made, 1, user=clerk)
    assert (state(made), lies(a, there), under_way(a)) == ("received", (4, 0, D("4.004")), (0, 0))
    assert line(made).received == 4
    assert set(StockEntry.objects.filter(reference=made.reference).values_list("reason", flat=True)) == {"transfer"}
    assert broken() == []


def test_received_twice_the_second_is_told_who_did_it(a, there, sent, clerk, owner):
    made = sent((a, 4))
    came(made, 4, user=clerk)
    with pytest.raises(AlreadyDone, match="“Received” already: warehouse_clerk did it"):
        came(made, 4, user=owner)
    assert lies(a, there)[0] == 4


def test_the_same_click_sent_again_books_once(a, there, sent):
    made = sent((a, 4))
    first = came(made, 2, once="k")
    again = came(made, 2, once="k")
    assert (again.receipt, first.repeated, again.repeated) == (first.receipt, False, True)
    assert (lies(a, there)[0], TransferReceipt.objects.count()) == (2, 1)


def test_who_looked_before_another_booked_must_look_again(a, there, sent, clerk):
    made = sent((a, 4))
    seen = Transfer.objects.get(pk=made.pk).turn
    came(made, 2, user=clerk, seen=seen)
    with pytest.raises(TransferRefused, match="warehouse_clerk has received goods") as refusal:
        came(made, 2, seen=seen)
    assert (refusal.value.code, lies(a, there)[0]) == ("received_meanwhile", 2)


def test_damaged_goods_are_written_off_at_the_destination(a, there, sent):
    made = sent((a, 4))
    came(made, 3, damaged=1)
    assert lies(a, there) == (3, 0, D("3.003"))
    lost = StockEntry.objects.get(reason="damaged")
    assert (lost.warehouse, lost.quantity, lost.value) == (there, -1, D("-1.001"))
    assert (line(made).received, line(made).damaged, state(made)) == (3, 1, "received")
    assert broken() == []


def test_more_than_sent_within_the_limit_is_found(a, there, sent, clerk):
    made = sent((a, 4))
    receipt = came(made, 6, user=clerk).receipt
    assert (receipt.over_state, receipt.over_document.reason, receipt.over_document.state) == (
        "booked",
        "found",
        "posted",
    )
    assert (lies(a, there), line(made).over) == ((6, 0, D("6.006")), 2)


def test_more_than_sent_above_the_limit_waits_for_a_second_person(a, there, sent, clerk, owner, person):
    made = sent((a, 4))
    receipt = came(made, 7, user=owner).receipt
    assert (receipt.over_state, state(made), lies(a, there)[0]) == ("waiting", "received", 4)
    with pytest.raises(TransferRefused, match="somebody who may approves"):
        receiving.decide_surplus(receipt_id=receipt.pk, user=clerk, accept=True)
    with pytest.raises(TransferRefused, match="a second person"):
        receiving.decide_surplus(receipt_id=receipt.pk, user=owner, accept=True)
    assert (lies(a, there)[0], StockDocument.objects.count()) == (4, 0)
    receiving.decide_surplus(receipt_id=receipt.pk, user=person("ops_admin"), accept=True)
    assert (lies(a, there)[0], line(made).over) == (7, 3)
    with pytest.raises(AlreadyDone, match="ops_admin did it"):
        receiving.decide_surplus(receipt_id=receipt.pk, user=person("ops_admin"), accept=False)
    assert lies(a, there)[0] == 7


def test_a_surplus_that_is_refused_moves_nothing(a, there, sent, clerk, owner):
    receipt = came(sent((a, 4)), 9, user=clerk).receipt
    receiving.decide_surplus(receipt_id=receipt.pk, user=owner, accept=False)
    assert (TransferReceipt.objects.get().over_state, lies(a, there)[0]) == ("refused", 4)


def test_picking_is_undone_before_it_is_sent_and_not_after(a, here, there, planned):
    made = planned((a, 4))
    planning.request(transfer_id=made.pk, user=None)
    picking.pick(transfer_id=made.pk, user=None, quantities={line(made).pk: D(3)})
    picking.unpick(transfer_id=made.pk, user=None)
    assert (state(made), lies(a, here), under_way(a), lies(a, there)) == (
        "requested",
        (10, 0, D("10.01")),
        (0, 0),
        (0, 0, 0),
    )
    assert (line(made).picked, line(made).back) == (0, 0)
    picking.pick(transfer_id=made.pk, user=None)
    picking.send(transfer_id=made.pk, user=None)
    with pytest.raises(AlreadyDone, match="“In transit” already"):
        picking.unpick(transfer_id=made.pk, user=None)
    assert under_way(a)[0] == 4
    assert broken() == []


def test_a_cancelled_transfer_brings_its_goods_back(a, here, there, sent):
    made = sent((a, 4))
    picking.cancel(transfer_id=made.pk, user=None, note="wrong lorry")
    assert (state(made), lies(a, here), under_way(a), lies(a, there)) == (
        "cancelled",
        (10, 0, D("10.01")),
        (0, 0),
        (0, 0, 0),
    )
    with pytest.raises(AlreadyDone):
        picking.cancel(transfer_id=made.pk, user=None)


def test_what_came_in_part_is_closed_not_cancelled(a, here, there, sent):
    made = sent((a, 4))
    came(made, 1)
    with pytest.raises(TransferRefused, match="Partly received"):
        picking.cancel(transfer_id=made.pk, user=None)
    receiving.close(transfer_id=made.pk, rest="back", user=None)
    assert (state(made), line(made).back, lies(a, here), lies(a, there)) == (
        "received",
        3,
        (9, 0, D("9.009")),
        (1, 0, D("1.001")),
    )


def test_a_loss_above_the_limit_needs_somebody_who_did_not_handle_it(a, there, sent, clerk, owner, person):
    made = sent((a, 4), user=owner)
    came(made, 1, user=clerk)
    for who, sentence in ((clerk, "somebody who may"), (owner, "a second person")):
        with pytest.raises(TransferRefused, match=sentence):
            receiving.close(transfer_id=made.pk, rest="lost", user=who)
    assert (state(made), under_way(a)[0]) == ("partly", 3)
    receiving.close(transfer_id=made.pk, rest="lost", user=person("ops_admin"))
    lost = StockEntry.objects.get(reason="lost")
    assert (lost.quantity, lost.value, line(made).lost, under_way(a)) == (-3, D("-3.003"), 3, (0, 0))
    assert (lies(a, there), broken()) == ((1, 0, D("1.001")), [])


def test_reserved_goods_are_not_picked_and_every_short_line_is_named(a, b, here, planned):
    from inventory import reservations

    reservations.book_demand(wants=[want("l:1", a, 8, here)])
    reservations.reserve(wants=[want("l:1", a, 8, here)])
    made = planned((a, 4), (b, 6))
    planning.request(transfer_id=made.pk, user=None)
    with pytest.raises(NegativeStock, match="A @ HERE: 2 < 4, B @ HERE: 5 < 6"):
        picking.pick(transfer_id=made.pk, user=None)
    assert (state(made), under_way(a), lies(b, here)[0]) == ("requested", (0, 0), 5)


def test_goods_of_two_transfers_keep_their_own_value(here, there, planned):
    item = sku("X")
    worth = []
    for cost in ("1", "9"):
        stock(item, here, 3, cost)
        made = planned((item, 3))
        planning.request(transfer_id=made.pk, user=None)
        picking.pick(transfer_id=made.pk, user=None)
        worth.append(picking.send(transfer_id=made.pk, user=None))
    assert under_way(item) == (6, 30)
    came(worth[1], 2)
    assert (lies(item, there), under_way(item)) == ((2, 4, 18), (4, 12))
    came(worth[0], 3)
    came(worth[1], 1)
    assert (lies(item, there), under_way(item)) == ((6, 0, 30), (0, 0))


@pytest.mark.parametrize("closed", [{"active": False}, {"read_only": True}])
def test_a_closed_warehouse_neither_sends_nor_receives(a, here, there, sent, planned, closed):
    made, draft = sent((a, 4)), planned((a, 1))
    Warehouse.objects.filter(pk=there.pk).update(**closed)
    there.refresh_from_db()
    with pytest.raises(TransferRefused, match="THERE THERE is closed"):
        came(made, 4)
    with pytest.raises(TransferRefused, match="is closed"):
        planning.request(transfer_id=draft.pk, user=None)
    with pytest.raises(TransferRefused, match="is closed"):
        planned((a, 1))
    assert (state(made), under_way(a)[0]) == ("transit", 4)
    picking.cancel(transfer_id=made.pk, user=None)  # what cannot be received can go back
    assert lies(a, here)[0] == 10


def test_each_end_is_moved_by_its_own_people(a, here, there, sent, planned, people):
    mine = Access.objects.create(user=people["warehouse_clerk"])
    mine.warehouses.add(there)
    clerk = people["warehouse_clerk"]
    made = planned((a, 4))
    planning.request(transfer_id=made.pk, user=None)
    with pytest.raises(TransferRefused, match="somebody who works in HERE"):
        picking.pick(transfer_id=made.pk, user=clerk)
    assert state(made) == "requested"
    came(sent((a, 1)), 1, user=clerk)
    assert visible(clerk, Transfer.objects.all()).count() == 2
    mine.warehouses.set([warehouse("ELSE")])
    assert visible(clerk, Transfer.objects.all()).count() == 0


@pytest.mark.parametrize("quantity", ["0", "-1", "0.0001", "NaN", "1E9"])
def test_lines_that_cannot_be_are_refused_by_number(a, here, there, quantity):
    with pytest.raises(TransferRefused, match="Line 1") as refusal:
        planning.plan(
            origin=here, destination=there, lines=[Wish(sku_id=a.pk, quantity=D(quantity))], user=None
        )  # fmt: skip
    assert (refusal.value.code, refusal.value.field, Transfer.objects.count()) == (
        "bad_quantity",
        "lines[0].quantity",
        0,
    )


def test_bundles_twins_and_one_warehouse_are_refused(a, here, planned):
    with pytest.raises(TransferRefused, match="Line 2: “SET” has no stock of its own"):
        planned((a, 1), (bundle((a, 2), code="SET"), 1))
    with pytest.raises(TransferRefused, match="Line 2: “A” stands on line 1 already"):
        planned((a, 1), (a, 2))
    with pytest.raises(TransferRefused, match="choose two"):
        planning.plan(origin=here, destination=here, lines=[], user=None)
    assert Transfer.objects.count() == 0


def test_an_empty_draft_is_not_requested_and_a_requested_one_not_changed(a, planned):
    empty, made = planned(), planned((a, 1))
    with pytest.raises(TransferRefused, match="no lines yet"):
        planning.request(transfer_id=empty.pk, user=None)
    planning.change(transfer_id=made.pk, lines=[Wish(sku_id=a.pk, quantity=D(2))], user=None)
    planning.request(transfer_id=made.pk, user=None)
    with pytest.raises(AlreadyDone):
        planning.change(transfer_id=made.pk, lines=[], user=None)
    assert line(made).quantity == 2


def test_figures_of_a_receipt_that_cannot_be_are_refused_whole(a, b, there, sent):
    made = sent((a, 4), (b, 2))
    rows = [receiving.Came(line_id=line(made, a).pk, good=D(4)), receiving.Came(line_id=line(made, b).pk, good=D(-1))]
    with pytest.raises(TransferRefused, match="“B”"):
        receiving.receive(transfer_id=made.pk, came=rows, user=None)
    with pytest.raises(TransferRefused, match="3 damaged, but only 2"):
        came(made, 0, damaged=3, item=b)
    with pytest.raises(TransferRefused, match="at least one piece"):
        came(made, 0, item=b)
    assert (lies(a, there)[0], under_way(a)[0], TransferReceipt.objects.count()) == (0, 4, 0)


def test_more_is_not_picked_than_was_asked_for(a, here, planned):
    made = planned((a, 4))
    planning.request(transfer_id=made.pk, user=None)
    for quantity, sentence in ((D(5), "pick 0 to 4"), (D(0), "Nothing was picked")):
        with pytest.raises(TransferRefused, match=sentence):
            picking.pick(transfer_id=made.pk, user=None, quantities={line(made).pk: quantity})
    assert lies(a, here)[0] == 10


def test_the_account_of_goods_under_way_is_one_and_no_shelf(here):
    from django.db import IntegrityError, transaction

    place = transit.place()
    assert (transit.place(), place.code, place.active, place.read_only) == (place, "TRANSIT", False, True)
    for fields in ({"kind": "transit", "active": False, "read_only": True}, {"kind": "transit"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            warehouse("SECOND", **fields)
    with pytest.raises(TransferRefused, match="is closed"):
        planning.plan(origin=place, destination=here, lines=[], user=None)


def test_goods_under_way_are_not_adjusted_by_hand(a, sent):
    sent((a, 4))
    lost = adjusting.Line(sku_id=a.pk, change=D(-1))
    with pytest.raises(adjusting.Refused, match="is closed"):
        adjusting.adjust(warehouse_id=transit.place().pk, lines=[lost], reason="lost")
    assert (under_way(a), StockDocument.objects.count()) == ((4, D("4.004")), 0)


def test_a_warehouse_that_has_the_name_keeps_it():
    mine = warehouse("TRANSIT")
    assert transit.place().code == "IN-TRANSIT"
    assert Warehouse.objects.get(code="TRANSIT") == mine


def test_the_database_itself_refuses_pieces_that_vanish(a, sent):
    from django.db import IntegrityError, transaction

    row = line(sent((a, 4)))
    with pytest.raises(IntegrityError), transaction.atomic():
        type(row).objects.filter(pk=row.pk).update(transit=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        type(row).objects.filter(pk=row.pk).update(transit=0, received=4)  # its value would stay behind
    assert under_way(a)[0] == 4
