"""kill −9 before every statement of a transfer and an assembly: each step is done whole and once (F03)."""

import contextlib
from decimal import Decimal

import pytest
from django.db.models import Sum

from inventory import assembling
from inventory.assembling import AssemblyRefused
from inventory.models import Assembly, Balance, RecipePart, Transfer, TransferLine, TransferReceipt
from inventory.transfers import picking, planning, receiving, taking_back
from inventory.transfers.errors import AlreadyDone, TransferRefused
from tests.crash.test_files import STRIDES, sweep
from tests.inventory import factories as stock
from tests.inventory.invariants import broken
from tests.inventory.transfers.conftest import under_way

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


@pytest.fixture
def goods(transactional_db):
    """Two SKUs in the first of two warehouses, worth 3,999.90 and 100.00."""
    here, there = stock.warehouse(), stock.warehouse()
    items = [stock.sku("TEA"), stock.sku("CUP")]
    stock.stock(items[0], here, 3000, "1.3333")
    stock.stock(items[1], here, 1000, "0.1")
    return items, here, there


def worth():
    return Balance.objects.aggregate(all=Sum("value"))["all"]


def requested(goods):
    items, here, there = goods
    lines = [planning.Wish(sku_id=item.pk, quantity=D(3)) for item in items]
    made = planning.plan(origin=here, destination=there, lines=lines, user=None)
    return planning.request(transfer_id=made.pk, user=None)


@pytest.mark.parametrize("every", STRIDES)
def test_a_picking_killed_anywhere_is_done_whole_and_once(goods, every):
    def pick(made):
        with contextlib.suppress(AlreadyDone):  # killed after its last commit
            picking.pick(transfer_id=made.pk, user=None)
        assert list(made.lines.values_list("transit", flat=True)) == [3, 3]

    times = sweep(lambda _step: requested(goods), pick, every=every or 7)
    assert under_way(goods[0][0])[0] == 3 * (times + 1)
    assert (worth(), Transfer.objects.filter(state="picked").count()) == (D("4099.90"), times + 1)


@pytest.mark.parametrize("every", STRIDES)
def test_a_receipt_killed_anywhere_is_booked_whole_and_once(goods, every):
    def sent(step):
        made = requested(goods)
        picking.pick(transfer_id=made.pk, user=None)
        return picking.send(transfer_id=made.pk, user=None)

    def receive(made):
        came = [receiving.Came(line_id=pk, good=D(2)) for pk in made.lines.values_list("pk", flat=True)]
        receiving.receive(transfer_id=made.pk, came=came, user=None, once=f"k{made.pk}")
        assert [(one.received, one.transit) for one in made.lines.all()] == [(2, 1), (2, 1)]

    times = sweep(sent, receive, every=every or 7)
    assert (TransferReceipt.objects.count(), worth()) == (times + 1, D("4099.90"))
    assert TransferLine.objects.aggregate(all=Sum("received"))["all"] == 4 * (times + 1)


@pytest.mark.parametrize("every", STRIDES)
def test_a_receipt_taken_back_and_killed_anywhere_is_undone_whole_and_once(goods, every):
    items, _here, there = goods

    def received(step):
        made = requested(goods)
        picking.pick(transfer_id=made.pk, user=None)
        picking.send(transfer_id=made.pk, user=None)
        came = [receiving.Came(line_id=pk, good=D(3), damaged=D(1)) for pk in made.lines.values_list("pk", flat=True)]
        return receiving.receive(transfer_id=made.pk, came=came, user=None).receipt  # 2 good, 1 damaged, 1 on top

    def back(receipt):
        with contextlib.suppress(TransferRefused):  # killed after its last commit
            taking_back.take_back(receipt_id=receipt.pk, user=None, why="wrong")
        figures = receipt.transfer.lines.values_list("transit", "received", "damaged", "over")
        assert list(figures) == [(3, 0, 0, 0)] * 2

    times = sweep(received, back, every=every or 7)
    assert Transfer.objects.filter(state="transit").count() == times + 1
    assert under_way(items[0])[0] == 3 * (times + 1)
    assert not Balance.objects.filter(warehouse=there, on_hand__gt=0).exists()
    assert (worth(), broken()) == (D("4099.90"), [])


@pytest.mark.parametrize("every", STRIDES)
def test_an_assembly_killed_anywhere_is_built_whole_and_once(goods, every):
    items, here, _there = goods
    box = stock.sku("BOX")
    for item in items:
        RecipePart.objects.create(built=box, part=item, quantity=D(1))

    def build(step):
        assembling.assemble(
            kind="build", warehouse=here, sku=box, quantity=D(2), user=None, once=f"k{step}"
        )  # fmt: skip

    times = sweep(lambda step: step, build, every=every or 7)
    assert (Assembly.objects.count(), worth(), broken()) == (times + 1, D("4099.90"), [])

    def undo(made):
        with contextlib.suppress(AssemblyRefused):  # killed after its last commit
            assembling.undo(assembly_id=made.pk, user=None)

    sweep(lambda step: Assembly.objects.filter(state="posted").first() or _one(here, box, step), undo, every=every or 7)
    assert worth() == D("4099.90")


def _one(here, box, step):
    return assembling.assemble(
        kind="build", warehouse=here, sku=box, quantity=D(1), user=None, once=f"more{step}"
    )  # fmt: skip
