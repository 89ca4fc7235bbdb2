"""Two people at once on PostgreSQL: one does it, the other is told; nothing is moved twice."""

from decimal import Decimal

import pytest

from inventory import assembling, documents, reservations
from inventory.errors import NegativeStock
from inventory.lots import recall
from inventory.lots.errors import LotShort
from inventory.models import Assembly, Lot, RecipePart, Tracking, TransferReceipt, Warehouse
from inventory.transfers import picking, planning, proposing, receiving, taking_back
from inventory.transfers.errors import AlreadyDone, TransferRefused
from tests.inventory.factories import shop, sku, stock, want, warehouse
from tests.inventory.invariants import broken
from tests.inventory.lots.conftest import apart as lot_sums
from tests.inventory.lots.conftest import come as come_in
from tests.inventory.lots.conftest import go, lots, tracked
from tests.inventory.threads import errors, together
from tests.inventory.transfers.conftest import came, lies, line, under_way

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
D = Decimal


def test_two_who_pick_at_once_pick_once(a, here, there, planned):
    made = planned((a, 4))
    planning.request(transfer_id=made.pk, user=None)
    results = together(*[lambda: picking.pick(transfer_id=made.pk, user=None)] * 4)
    assert [type(one) for one in errors(results)] == [AlreadyDone] * 3
    assert (lies(a, here)[0], under_way(a), lies(a, there)[1]) == (6, (4, D("4.004")), 4)
    assert Warehouse.objects.filter(kind="transit").count() == 1
    assert broken() == []


def test_two_who_receive_at_once_receive_once_and_the_second_is_told(a, there, sent, clerk, owner):
    made = sent((a, 4))
    results = together(*[lambda who=who: came(made, 4, user=who) for who in (clerk, owner)])
    (refusal,) = errors(results)
    assert isinstance(refusal, AlreadyDone)
    assert "did it at" in str(refusal)
    assert (lies(a, there)[0], under_way(a), TransferReceipt.objects.count()) == (4, (0, 0), 1)
    assert broken() == []


def test_the_same_click_arriving_twice_at_once_is_one_receipt(a, there, sent):
    made = sent((a, 4))
    results = together(*[lambda: came(made, 2, once="k")] * 4)
    assert not errors(results)
    assert sorted(one.repeated for one in results) == [False, True, True, True]
    assert lies(a, there)[0] == 2


def test_receiving_and_calling_off_at_once_move_the_goods_one_way(here, there, sent):
    for _round in range(5):
        item = sku()
        stock(item, here, 2, "1.3333")
        made = sent((item, 2))
        together(
            lambda made=made: came(made, 2),
            lambda made=made: picking.cancel(transfer_id=made.pk, user=None),
        )
        row = line(made)
        assert (row.received, row.back) in [(2, 0), (0, 2)]
        place = there if row.received else here
        assert (lies(item, place), under_way(item)) == ((2, 0, D("2.6666")), (0, 0))
    assert broken() == []


def test_two_who_take_a_receipt_back_at_once_do_it_once(a, here, there, sent):
    done = came(sent((a, 4)), 6)
    jobs = [lambda: taking_back.take_back(receipt_id=done.receipt.pk, user=None, why="wrong")] * 4
    results = together(*jobs)
    assert [one.code for one in errors(results)] == ["already_done"] * 3
    assert (lies(a, there), under_way(a), lies(a, here)[0]) == ((0, 4, 0), (4, D("4.004")), 6)
    assert broken() == []


def test_taking_back_and_selling_the_same_goods_at_once_give_them_to_one(here, there, sent):
    for _round in range(6):
        item = sku()
        stock(item, here, 4, "1.3333")
        done = came(sent((item, 4)), 4)
        results = together(
            lambda done=done: taking_back.take_back(receipt_id=done.receipt.pk, user=None, why="wrong"),
            lambda item=item: go(item, there, 1, reason="shipment"),
        )
        (refusal,) = errors(results)
        assert isinstance(refusal, TransferRefused | NegativeStock)
        left = (3, 0) if isinstance(refusal, TransferRefused) else (0, 4)
        assert (lies(item, there)[0], under_way(item)[0]) == left
    assert broken() == []


def test_taking_back_and_undoing_what_came_on_top_at_once_reverse_it_once(here, there, sent):
    for _round in range(5):
        item = sku()
        stock(item, here, 4, "1.3333")
        done = came(sent((item, 4)), 6)
        results = together(
            lambda done=done: taking_back.take_back(receipt_id=done.receipt.pk, user=None, why="wrong"),
            lambda done=done: documents.undo(document_id=done.receipt.over_document_id),
        )
        assert {type(one) for one in errors(results)} <= {documents.NotOpen}
        assert (lies(item, there)[0], under_way(item)[0]) == (0, 4)
    assert broken() == []


def test_taking_back_and_approving_what_came_on_top_at_once_end_without_it(here, there, sent, clerk, owner):
    for _round in range(4):
        item = sku()
        stock(item, here, 4, "1.3333")
        done = came(sent((item, 4)), 9, user=clerk)
        results = together(
            lambda done=done: taking_back.take_back(receipt_id=done.receipt.pk, user=owner, why="wrong"),
            lambda done=done: receiving.decide_surplus(receipt_id=done.receipt.pk, user=owner, accept=True),
        )
        assert {type(one) for one in errors(results)} <= {AlreadyDone}
        assert (lies(item, there)[0], under_way(item)[0]) == (0, 4)
    assert broken() == []


def test_transfers_in_both_directions_never_wait_for_each_other(here, there):
    items = [sku() for _ in range(4)]
    for item in items:
        for place in (here, there):
            stock(item, place, 50)

    def go(origin, destination, goods):
        for _round in range(4):
            wishes = [planning.Wish(sku_id=item.pk, quantity=D(1)) for item in goods]
            made = planning.plan(origin=origin, destination=destination, lines=wishes, user=None)
            planning.request(transfer_id=made.pk, user=None)
            picking.pick(transfer_id=made.pk, user=None)
            picking.send(transfer_id=made.pk, user=None)
            rows = [receiving.Came(line_id=row.pk, good=D(1)) for row in made.lines.all()]
            receiving.receive(transfer_id=made.pk, came=rows, user=None)

    results = together(
        lambda: go(here, there, items), lambda: go(there, here, items[::-1]), lambda: go(here, there, items[::-1])
    )
    assert not errors(results)
    assert (lies(items[0], here)[0], lies(items[0], there)[0]) == (46, 54)
    assert broken() == []


def test_two_who_click_the_proposal_at_once_make_one_draft(owner):
    item, first, second = sku(), warehouse(), warehouse()
    stock(item, second, 10)
    shop(first, second)
    reservations.book_demand(wants=[want("l:1", item, 6, first)])
    (one,) = proposing.propose(proposing.read(owner))
    results = together(*[lambda: proposing.make_drafts(chosen=[one.choice], user=owner)] * 3)
    assert not errors(results)
    assert sorted(len(made) for made in results) == [0, 0, 1]


def test_the_same_click_builds_once_and_an_undo_is_done_once(a, b, here):
    box = sku("BOX")
    RecipePart.objects.create(built=box, part=a, quantity=D(2))

    def build():
        return assembling.assemble(kind="build", warehouse=here, sku=box, quantity=D(2), user=None, once="k")

    results = together(*[build] * 4)
    assert not errors(results)
    assert (len({one.pk for one in results}), lies(box, here)[0], Assembly.objects.count()) == (1, 2, 1)
    results = together(*[lambda: assembling.undo(assembly_id=results[0].pk, user=None)] * 3)
    assert [type(one) for one in errors(results)] == [assembling.AssemblyRefused] * 2
    assert (lies(a, here)[0], lies(box, here)[0], broken()) == (10, 0, [])


@pytest.fixture
def built_of(here):
    """KIT by serials, of one CHIP (serials) and two MILK (lots A and B)."""
    chip, milk, kit = tracked("CHIP", Tracking.SERIAL), tracked("MILK", Tracking.LOT), tracked("KIT", Tracking.SERIAL)
    for part, quantity in ((chip, 1), (milk, 2)):
        RecipePart.objects.create(built=kit, part=part, quantity=D(quantity))
    come_in(kit, here, {"OLD": 1})  # there is a balance already: making one would let nobody in at once
    come_in(chip, here, {"C1": 1, "C2": 1, "C3": 1})
    come_in(milk, here, {"A": 4, "B": 2})
    return chip, milk, kit


def build(kit, here, said):
    words = assembling.Words({item.pk: text for item, text in said.items()})
    return lambda: assembling.assemble(
        kind="build", warehouse=here, sku=kit, quantity=D(1), user=None, words=words
    )  # fmt: skip


def test_two_who_build_from_the_same_serial_at_once_build_one(here, built_of):
    chip, _milk, kit = built_of
    results = together(*[build(kit, here, {chip: "C1", kit: f"K{nth}"}) for nth in range(4)])
    assert [type(one) for one in errors(results)] == [LotShort] * 3
    assert (lies(kit, here)[0], lots(chip, here), lot_sums(), broken()) == (2, {"C2": 1, "C3": 1}, [], [])


def test_many_who_build_at_once_in_turn_share_the_lots(here, built_of):
    chip, milk, kit = built_of
    results = together(*[build(kit, here, {kit: f"K{nth}"}) for nth in range(5)])
    assert [type(one) for one in errors(results)] == [NegativeStock] * 2
    assert (lies(kit, here)[0], lots(chip, here), lots(milk, here)) == (4, {}, {})
    assert (lot_sums(), broken()) == ([], [])


def test_building_and_taking_apart_at_once_never_wait_for_each_other(here, built_of):
    chip, milk, kit = built_of
    build(kit, here, {chip: "C1", milk: "A", kit: "K1"})()

    def apart():
        words = assembling.Words({kit.pk: "K1"})
        return assembling.assemble(
            kind="apart", warehouse=here, sku=kit, quantity=D(1), user=None, words=words
        )  # fmt: skip

    results = together(*[build(kit, here, {chip: "C2", kit: "K2"}), apart, build(kit, here, {chip: "C3", kit: "K3"})])
    assert not errors(results)
    assert (lies(kit, here)[0], sum(lots(milk, here).values()), lot_sums(), broken()) == (3, 2, [], [])


def test_a_recall_that_blocks_what_was_built_and_building_at_once_end_in_order(here, built_of):
    chip, milk, kit = built_of
    build(kit, here, {milk: "A", kit: "K1"})()
    lot = Lot.objects.select_related("sku").get(sku=milk, number="A")

    def recalled():
        return recall.begin(lot=lot, reason="moth", block=True, built=True)

    results = together(recalled, *[build(kit, here, {kit: f"L{nth}"}) for nth in range(3)])
    assert {type(one) for one in errors(results)} <= {LotShort, NegativeStock}
    assert not isinstance(results[0], Exception)
    assert set(Lot.objects.filter(state="blocked").values_list("number", flat=True)) >= {"A", "K1"}
    assert (lot_sums(), broken()) == ([], [])
