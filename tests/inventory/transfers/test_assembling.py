"""Pre-built SKUs: built at the worth of their parts, taken apart, undone; once a click."""

from decimal import Decimal

import pytest

from inventory import assembling
from inventory.assembling import AssemblyRefused
from inventory.errors import NegativeStock
from inventory.models import Assembly, RecipePart, StockEntry, Warehouse
from tests.inventory.factories import bundle, sku, stock
from tests.inventory.invariants import broken
from tests.inventory.transfers.conftest import lies

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def box(a, b):
    """A gift box of two A and one B."""
    made = sku("BOX")
    RecipePart.objects.create(built=made, part=a, quantity=D(2))
    RecipePart.objects.create(built=made, part=b, quantity=D(1))
    return made


@pytest.fixture
def do(here, box):
    def make(kind="build", quantity=3, user=None, **fields):
        return assembling.assemble(
            kind=kind, warehouse=here, sku=box, quantity=D(quantity), user=user, **fields
        )  # fmt: skip

    return make


def test_built_pieces_are_worth_their_parts_and_the_labour(a, b, box, here, do):
    made = do(labour=D("1.50"))
    assert (lies(a, here), lies(b, here)) == ((4, 0, D("4.004")), (2, 0, 6))
    assert lies(box, here) == (3, 0, D("6.006") + 9 + D("1.50"))
    assert [(line.part, line.quantity, line.value) for line in made.lines.order_by("pk")] == [
        (a, 6, D("6.006")),
        (b, 3, 9),
    ]
    assert set(StockEntry.objects.filter(reference=made.reference).values_list("reason", flat=True)) == {"assembly"}
    assert broken() == []


def test_the_same_click_builds_once(box, here, do):
    assert do(once="k") == do(once="k")
    assert (lies(box, here)[0], Assembly.objects.count()) == (3, 1)


def test_taken_apart_the_value_is_shared_by_what_the_parts_cost(a, b, box, here, do):
    stock(box, here, 2, "5")
    do("apart", 1)
    # A is worth 2 × 1.001, B 3: of 5.0000, A gets 5 × 2.002 / 5.002, rounded down, B the rest.
    assert lies(a, here) == (12, 0, D("10.01") + D("2.0011"))
    assert lies(b, here) == (6, 0, 15 + D("2.9989"))
    assert lies(box, here) == (1, 0, 5)


def test_undo_puts_everything_back_and_twice_is_told(a, b, box, here, do, owner):
    made = do(labour=D(2))
    assembling.undo(assembly_id=made.pk, user=owner, note="wrong box")
    assert (lies(a, here), lies(b, here), lies(box, here)) == ((10, 0, D("10.01")), (5, 0, 15), (0, 0, 0))
    with pytest.raises(AssemblyRefused, match="undone already: owner did it"):
        assembling.undo(assembly_id=made.pk, user=None)
    stock(box, here, 1, "7")
    apart = do("apart", 1)
    assembling.undo(assembly_id=apart.pk, user=owner)
    assert (lies(box, here), lies(a, here)[0], broken()) == ((1, 0, 7), 10, [])


def test_goods_that_were_sold_are_not_taken_apart(a, box, here, do):
    made = do()
    do("apart", 2)
    with pytest.raises(NegativeStock, match="BOX @ HERE: 1 < 3"):
        assembling.undo(assembly_id=made.pk, user=None)
    assert (Assembly.objects.get(pk=made.pk).state, lies(a, here)[0]) == ("posted", 8)


def test_parts_that_are_not_there_are_named_and_nothing_is_built(a, b, box, here, do):
    with pytest.raises(NegativeStock, match="A @ HERE: 10 < 12, B @ HERE: 5 < 6"):
        do(quantity=6)
    assert (lies(a, here)[0], lies(b, here)[0], Assembly.objects.count()) == (10, 5, 0)


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"quantity": 0}, "bad_quantity"), ({"quantity": "NaN"}, "bad_quantity"), ({"labour": D(-1)}, "bad_labour"),
     ({"labour": D("0.00001")}, "bad_labour")],
)  # fmt: skip
def test_figures_that_cannot_be_are_refused(box, here, do, fields, code):
    with pytest.raises(AssemblyRefused) as refusal:
        do(**fields)
    assert (refusal.value.code, Assembly.objects.count(), lies(box, here)[0]) == (code, 0, 0)


def test_without_a_recipe_in_a_closed_warehouse_or_as_a_bundle_nothing_is_built(a, box, here, do):
    for item in (a, bundle((a, 2))):
        with pytest.raises(AssemblyRefused, match="has no recipe"):
            assembling.assemble(kind="build", warehouse=here, sku=item, quantity=D(1), user=None)
    RecipePart.objects.filter(part=a).update(quantity=D("0.5"))
    with pytest.raises(AssemblyRefused, match="finer than a thousandth"):
        do(quantity="0.001")
    Warehouse.objects.update(active=False)
    here.refresh_from_db()
    with pytest.raises(AssemblyRefused, match="is closed"):
        do()
    assert Assembly.objects.count() == 0
