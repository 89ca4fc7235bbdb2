"""First in, first out: the oldest goods leave first, and what comes back goes back to where it came from."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice import clock
from inventory import balances, ledger, moving, reservations
from inventory.errors import NoValueThere
from inventory.ledger import EntryDraft
from inventory.models import Balance, CostLayer, LayerUse, StockEntry
from inventory.reservations import PutBack
from inventory.transfers import picking, planning, receiving
from tests.inventory import factories
from tests.inventory.costing.conftest import unsound

D = Decimal
pytestmark = pytest.mark.django_db


def move(key, sku, place, quantity, *, cost=None, value=None, days=0, reason="correction", source=""):
    at = clock.now() + dt.timedelta(days=days)
    draft = EntryDraft(
        key=key, sku_id=sku.pk, warehouse_id=place.pk, quantity=D(quantity), reason=reason, source=source,
        unit_cost=None if cost is None else D(cost), value=None if value is None else D(value), occurred_at=at,
    )  # fmt: skip
    return ledger.post(entries=[draft]).posted[0].value


def left(place):
    return [
        (one.entry_key, one.quantity, one.value) for one in CostLayer.objects.filter(warehouse=place, quantity__gt=0)
    ]


@pytest.fixture
def shelf(fifo):
    """Ten pieces at 1, ten at 3, of which the dearer ones are older."""
    sku, place = factories.sku(), factories.warehouse()
    move("in:1", sku, place, 10, cost=1)
    move("in:3", sku, place, 10, cost=3, days=-5)
    return sku, place


def test_the_oldest_pieces_leave_first_whenever_they_were_booked(shelf):
    sku, place = shelf
    assert move("out:1", sku, place, -12) == D(-32)
    assert left(place) == [("in:1", 8, 8)]
    assert Balance.objects.get().value == 8
    assert list(LayerUse.objects.values_list("entry_key", "layer__entry_key", "quantity", "value")) == [
        ("out:1", "in:3", 10, 30), ("out:1", "in:1", 2, 2)
    ]  # fmt: skip
    assert unsound() == []


def test_the_last_piece_of_a_layer_takes_what_is_left_of_it(fifo):
    sku, place = factories.sku(), factories.warehouse()
    move("in", sku, place, 3, value="10")
    assert [move(f"out:{n}", sku, place, -1) for n in range(3)] == [D("-3.3333"), D("-3.3334"), D("-3.3333")]
    assert (left(place), Balance.objects.get().value) == ([], 0)


def test_a_return_goes_back_to_the_layers_its_pieces_left_at_their_cost(shelf):
    sku, place = shelf
    move("out", sku, place, -12)
    move("back", sku, place, 12, value=32, source="out", reason="return")
    assert left(place) == [("in:3", 10, 30), ("in:1", 10, 10)]
    assert unsound() == []


def test_a_return_of_a_part_puts_back_the_last_taken_and_never_more_than_left(shelf):
    sku, place = shelf
    move("out", sku, place, -12)
    move("back:1", sku, place, 3, value=8, source="out", reason="return")
    assert [row[:2] for row in left(place)] == [("in:3", 1), ("in:1", 10)]
    move("back:2", sku, place, 9, value=24, source="out", reason="return")
    move("back:3", sku, place, 1, value=5, source="out", reason="return")  # more than ever left: a layer of its own
    assert [row[:2] for row in left(place)] == [("in:3", 10), ("in:1", 10), ("back:3", 1)]
    assert Balance.objects.get().value == 45
    assert unsound() == []


def test_an_undone_receipt_takes_its_own_layer_not_the_oldest(shelf):
    sku, place = shelf
    assert move("undo", sku, place, -10, value=-10, source="in:1", reason="undo") == D(-10)
    assert left(place) == [("in:3", 10, 30)]


def test_a_move_keeps_value_and_age(shelf):
    sku, place = shelf
    other = factories.warehouse()
    move("there", sku, other, 1, cost=9)
    assert moving.move(
        key="m", sku_id=sku.pk, quantity=D(12), origin_id=place.pk, destination_id=other.pk, reference="r"
    ) == D(32)
    assert [(one.origin, one.value) for one in CostLayer.objects.filter(warehouse=other)] == [
        ("in:3", 30), ("in:1", 2), ("there", 9)
    ]  # fmt: skip
    assert unsound() == []


def test_a_transfer_in_parts_is_worth_to_the_cent_what_left_and_keeps_the_layers_apart(shelf):
    sku, here = shelf
    there = factories.warehouse()
    other = factories.warehouse()
    factories.stock(sku, other, 5, "7")
    sent = []
    for origin, pieces in ((here, 12), (other, 5)):  # two transfers of the same SKU under way at once
        made = planning.plan(
            origin=origin, destination=there, lines=[planning.Wish(sku_id=sku.pk, quantity=D(pieces))], user=None
        )
        picking.pick(transfer_id=planning.request(transfer_id=made.pk, user=None).pk, user=None)
        sent.append(picking.send(transfer_id=made.pk, user=None))
    for transfer, good, damaged in ((sent[1], 5, 0), (sent[0], 11, 1)):
        came = [receiving.Came(line_id=transfer.lines.get().pk, good=D(good), damaged=D(damaged))]
        receiving.receive(transfer_id=transfer.pk, came=came, user=None)
    assert sent[1].lines.get().transit_value == 0
    assert Balance.objects.get(warehouse=there).value == 35 + 29  # one of the oldest, worth 3, was damaged
    assert unsound() == []


def test_a_parcel_taken_back_goes_back_to_its_layers(shelf):
    sku, place = shelf
    want = factories.want("l:1", sku, 12, place)
    reservations.reserve(wants=[want])
    gone = reservations.consume(items=[("l:1", sku.pk, place.pk, D(12))], document="p:1")
    key = reservations.out_key("p:1", ("l:1", sku.pk, place.pk))
    back = PutBack(
        reference="l:1", sku_id=sku.pk, warehouse_id=place.pk, quantity=D(12), value=gone[0].cost_value, source=key
    )
    reservations.put_back(items=[back], document="p:1/void")
    assert left(place) == [("in:3", 10, 30), ("in:1", 10, 10)]


def test_value_alone_goes_into_the_layers_of_its_receipt(shelf):
    sku, place = shelf
    assert move("v:1", sku, place, 0, value=5, reason="revaluation", source="in:1") == 5
    move("v:2", sku, place, 0, value=-4, reason="revaluation")
    assert sum(row[2] for row in left(place)) == 41
    entry = StockEntry.objects.get(key="v:1")
    assert (entry.quantity, entry.value, entry.unit_cost) == (0, 5, None)
    assert unsound() == []


def test_value_never_lies_on_an_empty_shelf_nor_falls_below_zero(either):
    sku, place = factories.sku(), factories.warehouse()
    with pytest.raises(NoValueThere):
        move("v:1", sku, place, 0, value=5, reason="revaluation")
    move("in", sku, place, 2, cost=2)
    with pytest.raises(NoValueThere, match="worth 4"):
        move("v:2", sku, place, 0, value=-5, reason="revaluation")
    assert StockEntry.objects.count() == 1
    assert unsound() == []


def test_nothing_but_a_correction_of_value_moves_no_pieces(either):
    sku, place = factories.sku(), factories.warehouse()
    for value, reason in ((5, "correction"), (0, "revaluation"), (None, "revaluation")):
        with pytest.raises(ValueError, match="moves nothing"):
            move("v", sku, place, 0, value=value, reason=reason)


def test_the_same_correction_again_changes_nothing_another_under_its_key_is_refused(either):
    sku, place = factories.sku(), factories.warehouse()
    move("in", sku, place, 2, cost=2)
    draft = EntryDraft(
        key="v", sku_id=sku.pk, warehouse_id=place.pk, quantity=D(0), value=D(1), reason="revaluation"
    )  # fmt: skip
    ledger.post(entries=[draft])
    assert ledger.post(entries=[draft]).repeated[0].value == 1
    with pytest.raises(ledger.KeyReused):
        ledger.post(entries=[EntryDraft(**{**{n: getattr(draft, n) for n in draft.__slots__}, "value": D(2)})])
    assert Balance.objects.get().value == 5


def _statements(moves):
    pairs = {one.pair for one in moves}
    locked = balances.lock(pairs)
    with CaptureQueriesContext(connection) as seen:
        ledger.write(moves, locked)
    return len(seen)


def test_layers_cost_a_page_three_statements_at_most_and_the_average_none(either):
    skus, place = [factories.sku() for _ in range(20)], factories.warehouse()
    for sku in skus:
        move(f"a:{sku.pk}", sku, place, 1, cost=1)
        move(f"b:{sku.pk}", sku, place, 5, cost=3)
    moves = [ledger.Move(f"o:{sku.pk}", sku.pk, place.pk, 1, -2000, "shipment", "") for sku in skus]
    counted = _statements(moves)
    bare = 3 + (1 if _listening() else 0)
    more = {"average": 0, "fifo": 2 if connection.vendor == "postgresql" else 3}[either]
    assert counted == bare + more


def _listening():
    from backoffice import outbox

    return bool(outbox.consumers("inventory.StockChangeDelivery"))


def test_a_return_is_undone_and_another_made_in_one_posting(shelf):
    sku, place = shelf
    move("out", sku, place, -12)
    move("back:1", sku, place, 12, value=32, source="out", reason="return")
    drafts = [
        EntryDraft(key="undo", sku_id=sku.pk, warehouse_id=place.pk, quantity=D(-2), reason="undo", source="back:1"),
        EntryDraft(
            key="back:2", sku_id=sku.pk, warehouse_id=place.pk, quantity=D(1), value=D(1), reason="return", source="out"
        ),
    ]  # fmt: skip
    ledger.post(entries=drafts)
    assert CostLayer.objects.get(entry_key="back:2").quantity == 1  # all that left is back: no layer takes it again
    assert unsound() == []
