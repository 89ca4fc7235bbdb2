"""Drafts of supplies: one a click; a transfer moves goods with their value once, or not at all."""

from decimal import Decimal

import pytest

from inventory.access import EVERYTHING, Sight
from inventory.errors import NegativeStock
from inventory.models import Balance, StockEntry
from orders.late import supply
from orders.late.errors import LateError
from orders.models import SupplyDraft
from tests.inventory import factories as stock
from tests.orders.factories import Seller, line, order
from tests.orders.late.build import LI

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller():
    return Seller(warehouses=2, MUG=7)


def wish(seller, **fields) -> supply.Wish:
    first, second = seller.places
    values = {"kind": "transfer", "sku_id": seller.skus["MUG"].pk, "quantity": "3", "origin_id": first.pk,
              "destination_id": second.pk}  # fmt: skip
    return supply.Wish(**{**values, **fields})


def drafted(seller, once="a", **fields) -> SupplyDraft:
    return supply.draft(wish=wish(seller, **fields), actor=LI, once=once, seen=EVERYTHING)


def test_a_transfer_moves_pieces_and_value_once_and_the_second_click_is_told(seller):
    stock.stock(seller.skus["MUG"], seller.places[1], 1, "10")
    made = drafted(seller)
    assert (str(made), made.state, made.created_by) == ("Transfer 3 × MUG", "draft", LI)
    assert StockEntry.objects.filter(reference=made.reference).count() == 0
    supply.confirm(draft_id=made.pk, actor=LI, seen=EVERYTHING)
    first, second = (Balance.objects.get(sku=seller.skus["MUG"], warehouse=one) for one in seller.places)
    assert (first.on_hand, first.value, second.on_hand, second.value) == (4, 16, 4, 22)
    with pytest.raises(LateError, match="“Done” already: li"):
        supply.confirm(draft_id=made.pk, actor="user:8 wu", seen=EVERYTHING)
    with pytest.raises(LateError, match="“Done” already"):
        supply.cancel(draft_id=made.pk, actor=LI, seen=EVERYTHING)
    assert StockEntry.objects.filter(reference=made.reference).count() == 2


def test_reserved_goods_stay_where_they_are_and_nothing_moves(seller):
    seller.take(order(1, line("MUG", 5)))
    made = drafted(seller)
    with pytest.raises(NegativeStock, match="2 < 3"):
        supply.confirm(draft_id=made.pk, actor=LI, seen=EVERYTHING)
    made.refresh_from_db()
    assert (made.state, seller.buckets("MUG"), seller.buckets("MUG", seller.places[1])) == (
        "draft",
        (7, 0, 5),
        (0, 0, 0),
    )


def test_a_move_that_was_posted_is_a_repeat(seller):
    from inventory import moving

    first, second = seller.places
    for _ in range(2):
        value = moving.move(
            key="k", sku_id=seller.skus["MUG"].pk, quantity=Decimal(2), origin_id=first.pk, destination_id=second.pk,
            reference="r",
        )  # fmt: skip
        assert value == 8
    assert (seller.buckets("MUG"), seller.buckets("MUG", second)) == ((5, 0, 0), (2, 0, 0))


def test_the_same_click_makes_one_draft(seller):
    assert drafted(seller) == drafted(seller)
    assert SupplyDraft.objects.count() == 1
    assert drafted(seller, once="b") != drafted(seller)


def test_a_purchase_is_a_task_and_can_be_dropped(seller):
    made = drafted(seller, kind="purchase", supplier="Mug\0 Makers", quantity="12.5")
    assert (made.origin, made.supplier, made.quantity) == (None, "Mug Makers", Decimal("12.5"))
    supply.cancel(draft_id=made.pk, actor=LI, seen=EVERYTHING)
    made.refresh_from_db()
    assert (made.state, made.ended_by) == ("cancelled", LI)
    other = drafted(seller, once="b", kind="purchase")
    supply.confirm(draft_id=other.pk, actor=LI, seen=EVERYTHING)
    assert seller.buckets("MUG", seller.places[1]) == (0, 0, 0)


@pytest.mark.parametrize("text", ["0", "-1", "NaN", "Infinity", "1e99", "1E-400", "0.0001", "many", ""])
def test_what_cannot_be_counted_is_refused(seller, text):
    with pytest.raises(LateError, match="no number of pieces"):
        drafted(seller, quantity=text)
    assert not SupplyDraft.objects.exists()


def test_places_that_are_the_same_unseen_or_kept_by_others_are_refused(seller):
    first, second = seller.places
    theirs = stock.warehouse(read_only=True)
    for fields in ({"destination_id": first.pk}, {"origin_id": None}, {"destination_id": theirs.pk}):
        with pytest.raises(LateError, match="two different warehouses"):
            drafted(seller, **fields)
    half = Sight(None, frozenset({first.pk}))
    with pytest.raises(LateError, match="two different warehouses"):
        supply.draft(wish=wish(seller), actor=LI, once="x", seen=half)
    made = drafted(seller)
    with pytest.raises(LateError, match="two different warehouses"):
        supply.confirm(draft_id=made.pk, actor=LI, seen=half)
    assert SupplyDraft.objects.get().state == "draft"


def test_a_bundle_is_not_moved_itself(seller):
    bundle = stock.bundle((seller.skus["MUG"], 2), code="SET")
    with pytest.raises(LateError, match="SET has no stock of its own"):
        drafted(seller, sku_id=bundle.pk)
    with pytest.raises(LateError, match="transfer or a purchase"):
        drafted(seller, kind="theft")


def test_the_ledger_still_adds_up(seller):
    supply.confirm(draft_id=drafted(seller).pk, actor=LI, seen=EVERYTHING)
    moved = StockEntry.objects.filter(bucket=1, sku=seller.skus["MUG"])
    assert sum(one.quantity for one in moved) == 7
    assert sum(one.value for one in moved) == 28
