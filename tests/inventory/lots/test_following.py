"""A recall follows a lot into what was built from it: built again, without lots, by serials, taken apart."""

from decimal import Decimal
from io import BytesIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from backoffice.models import Incident
from inventory import assembling, balances
from inventory.assembling import Words
from inventory.lots import following, recall, tracing
from inventory.models import Access, Lot, RecipePart, Tracking
from tests.inventory.factories import sku
from tests.inventory.lots.conftest import come, go, tracked
from tests.orders.factories import Seller, line

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def flour(here):
    """FLOUR by lots: A and B."""
    made = tracked("FLOUR", Tracking.LOT)
    come(made, here, {"A": 20, "B": 20})
    return made


def of(part, code, tracking=Tracking.LOT, quantity=1):
    """A SKU that is built from another."""
    made = tracked(code, tracking) if tracking else sku(code)
    RecipePart.objects.create(built=made, part=part, quantity=D(quantity))
    return made


@pytest.fixture
def do(here):
    def make(item, kind="build", quantity=1, said=None):
        words = Words({one.pk: text for one, text in (said or {}).items()})
        return assembling.assemble(
            kind=kind, warehouse=here, sku=item, quantity=D(quantity), user=None, words=words
        )  # fmt: skip

    return make


def lot(item, number):
    return Lot.objects.select_related("sku").get(sku=item, number=number)


def reached(item, number):
    """What holds goods of the lot: {(SKU, lot): how}."""
    return {(one.sku.code, str(one.lot) if one.lot else None): one.how for one in following.follow(lot(item, number))}


def left(item, number):
    """The order lines that got the lot, or what was built from it."""
    found = lot(item, number)
    return {row.reference for page in recall._pages(found, None) for row in page}


def test_a_lot_is_followed_through_every_level_and_told_how(flour, here, do):
    cake = of(flour, "CAKE")
    tray = of(cake, "TRAY")
    first = do(cake, quantity=4, said={flour: "A × 3; B × 1", cake: "C1"})
    do(cake, said={flour: "B", cake: "C2"})
    second = do(tray, quantity=2, said={cake: "C1", tray: "T1"})
    do(tray, said={cake: "C2", tray: "T2"})
    assert reached(flour, "A") == {
        ("CAKE", "C1"): f"{first}: CAKE C1",
        ("TRAY", "T1"): f"{first}: CAKE C1 → {second}: TRAY T1",
    }
    assert set(reached(flour, "B")) == {("CAKE", "C1"), ("CAKE", "C2"), ("TRAY", "T1"), ("TRAY", "T2")}
    assert reached(tray, "T1") == {}
    assert [(one.lot.number, one.quantity) for one in tracing.origins(lot(cake, "C1"))] == [("A", 3), ("B", 1)]


def test_who_got_what_was_built_is_in_the_recall_from_then_on(flour, here, do):
    cake = of(flour, "CAKE")
    come(cake, here, {"C1": 1, "C2": 1})
    go(cake, here, 1, "shipment", reference="orders.line:early", lot="C1")
    do(cake, quantity=2, said={flour: "A", cake: "C1"})
    go(cake, here, 1, "shipment", reference="orders.line:cake", lot="C1")
    go(cake, here, 1, "shipment", reference="orders.line:early too", lot="C2")
    do(cake, quantity=2, said={flour: "A", cake: "C2"})
    go(flour, here, 1, "shipment", reference="orders.line:itself", lot="A")
    go(flour, here, 1, "shipment", reference="orders.line:other", lot="B")
    assert left(flour, "A") == {"orders.line:cake", "orders.line:itself"}
    assert left(flour, "B") == {"orders.line:other"}


def test_what_was_undone_reaches_nobody(flour, do):
    cake = of(flour, "CAKE")
    made = do(cake, said={flour: "A", cake: "C1"})
    assembling.undo(assembly_id=made.pk, user=None)
    assert reached(flour, "A") == {}
    assert tracing.origins(lot(cake, "C1")) == []


def test_goods_without_lots_may_have_it_and_say_so(flour, here, do):
    loose = of(flour, "LOOSE", None)
    crate = of(loose, "CRATE")
    made = do(loose, quantity=3, said={flour: "A"})
    do(crate, said={crate: "K1"})
    go(loose, here, 1, "shipment", reference="orders.line:loose")
    assert reached(flour, "A")["LOOSE", None] == f"{made}: LOOSE: no lots, it may be in it"
    assert ("CRATE", "K1") in reached(flour, "A")
    assert left(flour, "A") == {"orders.line:loose"}
    assert left(flour, "B") == set()


def test_a_serial_is_in_the_piece_that_was_built_with_it(here, do):
    chip = tracked("CHIP", Tracking.SERIAL)
    come(chip, here, {f"C{nth}": 1 for nth in range(1, 7)})
    phone = of(chip, "PHONE", Tracking.SERIAL, 2)
    do(phone, quantity=3, said={chip: "C5 C1 C6 C2 C3 C4", phone: "P1 P2 P3"})
    assert set(reached(chip, "C6")) == {("PHONE", "P2")}
    assert set(reached(chip, "C5")) == {("PHONE", "P1")}
    assert [one.lot.number for one in tracing.origins(lot(phone, "P3"))] == ["C3", "C4"]


def test_taken_apart_into_another_lot_it_is_followed_there_and_into_no_other_part(flour, here, do):
    sugar = tracked("SUGAR", Tracking.LOT)
    come(sugar, here, {"S": 9})
    cake = of(flour, "CAKE")
    RecipePart.objects.create(built=cake, part=sugar, quantity=D(1))
    do(cake, quantity=2, said={flour: "A", sugar: "S", cake: "C1"})
    do(cake, "apart", said={cake: "C1", flour: "SWEPT"})
    assert set(reached(flour, "A")) == {("CAKE", "C1"), ("FLOUR", "SWEPT")}
    assert set(reached(cake, "C1")) == {("FLOUR", "SWEPT"), ("SUGAR", "S")}
    go(flour, here, 1, "shipment", reference="orders.line:swept", lot="SWEPT")
    assert left(flour, "A") == {"orders.line:swept"}


def test_what_is_built_from_itself_by_detours_ends(flour, here, do):
    """Taken apart, built again and back: every lot once."""
    cake = of(flour, "CAKE")
    for _time in range(4):
        do(cake, said={flour: "A", cake: "C1"})
        do(cake, "apart", said={cake: "C1", flour: "A"})
    assert set(reached(flour, "A")) == {("CAKE", "C1")}


def test_any_number_of_built_lots_takes_the_same_statements(flour, here, do):
    cake = of(flour, "CAKE")
    do(cake, said={flour: "A", cake: "A1"})
    for nth in range(12):
        do(cake, said={flour: "B", cake: f"B{nth}"})

    def asked(number):
        found = lot(flour, number)
        with CaptureQueriesContext(connection) as seen:
            rows = following.follow(found)
        return len(rows), len(seen)

    assert (asked("A")[0], asked("B")[0]) == (1, 12)
    assert asked("A")[1] == asked("B")[1]
    with CaptureQueriesContext(connection) as seen:
        following.follow(lot(cake, "A1"))
    assert len(seen) == 2  # the lot itself, and whether anything was made of it


# --- the page, the list and the incident -----------------------------------------------------------------------------


@pytest.fixture
def sold(people):
    """An order that got a CAKE of lot C1, built from FLOUR of lot A; the desk and the owner see it."""
    from inventory.lots import switching
    from orders.desk import review
    from orders.fulfil import shipping
    from tests.orders.factories import order

    seller = Seller()
    cake, flour = seller.add("CAKE"), seller.add("FLOUR")
    for item in (cake, flour):
        switching.turn(sku_id=item.pk, tracking=Tracking.LOT)
    RecipePart.objects.create(built=cake, part=flour, quantity=D(2))
    come(flour, seller.place, {"A": 10})
    words = Words({cake.pk: "C1"})
    made = assembling.assemble(
        kind="build", warehouse=seller.place, sku=cake, quantity=D(4), user=None, words=words
    )  # fmt: skip
    seller.take(order(1, line("CAKE", 1)))
    one = seller.order(1)
    if one.state != "approved":
        review.approve(order_id=one.pk, actor="user:1 li")
    shipping.ship(order_id=one.pk, parcels=[shipping.Parcel(tracking="SF1")], actor="user:1 li", idempotency_key="s1")
    for role in ("order_clerk", "owner"):
        Access.objects.update_or_create(user=people[role], defaults={"all_shops": True, "all_warehouses": True})
    return made, lot(flour, "A"), lot(cake, "C1")


def test_the_page_and_the_list_of_a_part_name_who_got_the_built_goods_and_how(sold, people):
    made, flour, cake = sold
    client = people.client("order_clerk")
    page = client.get(reverse("admin:inventory_lot_change", args=[flour.pk])).content.decode()
    assert "#1001" in page
    assert f"{made}: CAKE C1" in page
    assert "What was built from it" in page
    page = client.get(reverse("admin:inventory_lot_change", args=[cake.pk])).content.decode()
    assert "Built from" in page
    answer = client.get(reverse("admin:inventory_lot_xlsx", args=[flour.pk]))
    head, row = list(load_workbook(BytesIO(b"".join(answer.streaming_content))).active.values)
    assert dict(zip(head, row, strict=True))["how it got there"] == f"{made}: CAKE C1"


def test_a_recall_counts_and_blocks_what_was_built(sold, people):
    _made, flour, cake = sold
    form = {"do": "recall", "reason": "moth", "block": "1", "block_built": "1"}
    people.client("owner").post(reverse("admin:inventory_lot_do", args=[flour.pk]), form)
    assert Incident.objects.get(kind="lot_recall").data["orders"] == 1
    states = dict(Lot.objects.values_list("number", "blocked_reason"))
    assert (states["A"], states["C1"]) == ("moth", "moth (FLOUR A)")


def test_a_recall_without_the_box_leaves_what_was_built(sold, people):
    _made, flour, cake = sold
    form = {"do": "recall", "reason": "moth", "block": "1"}
    people.client("owner").post(reverse("admin:inventory_lot_do", args=[flour.pk]), form)
    assert (Lot.objects.get(pk=flour.pk).state, Lot.objects.get(pk=cake.pk).state) == ("blocked", "open")


def test_a_recall_locks_all_it_blocks_in_one_order(flour, do, monkeypatch):
    """The balances of every SKU it will block are locked by one statement, before the first lot is."""
    cake = of(flour, "CAKE")
    do(cake, said={flour: "A", cake: "C1"})
    asked, really = [], balances.lock
    monkeypatch.setattr(balances, "lock", lambda pairs, **more: asked.append(set(pairs)) or really(pairs, **more))
    recall.begin(lot=lot(flour, "A"), reason="moth", block=True, built=True)
    assert {sku_id for sku_id, _place in asked[0]} == {flour.pk, cake.pk}
