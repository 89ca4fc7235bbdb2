"""Built and taken apart by lots: what leaves, what comes, what is asked for, and that undo gives back the very lots."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from inventory import assembling, reservations
from inventory.admin import assembly_lots
from inventory.assembling import Words
from inventory.errors import NegativeStock
from inventory.lots import keeping
from inventory.lots.errors import LotRefused
from inventory.models import Assembly, Lot, LotMovement, RecipePart, StockEntry, Tracking
from tests.inventory.factories import shop, sku, stock, want
from tests.inventory.invariants import broken
from tests.inventory.lots.conftest import apart, come, expires, go, in_days, lots, tracked
from tests.inventory.transfers.conftest import lies

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def milk(here):
    """Ten of MILK: A (4) expires first, then B (6)."""
    made = tracked("MILK", Tracking.EXPIRY)
    come(made, here, {"A": 4, "B": 6})
    expires(made, A=10, B=20)
    return made


@pytest.fixture
def tea(here):
    """Nine of TEA, not tracked."""
    made = sku("TEA")
    stock(made, here, 9, "2")
    return made


def recipe(made, **parts):
    """What one of it is built from."""
    for item, quantity in parts.values():
        RecipePart.objects.create(built=made, part=item, quantity=D(quantity))
    return made


@pytest.fixture
def box(milk, tea):
    """Two MILK and one TEA, by lot and expiry date."""
    return recipe(tracked("BOX", Tracking.EXPIRY), milk=(milk, 2), tea=(tea, 1))


@pytest.fixture
def do(here):
    def make(item, kind="build", quantity=1, user=None, said=None, expires_on="", **fields):
        words = Words({one.pk: text for one, text in (said or {}).items()}, expires_on)
        return assembling.assemble(
            kind=kind, warehouse=here, sku=item, quantity=D(quantity), user=user, words=words, **fields
        )  # fmt: skip

    return make


def lot(item, number):
    return Lot.objects.get(sku=item, number=number)


def refused(code, work, field=None):
    """Refused by this code, at this field, and nothing has happened."""
    before = Assembly.objects.count(), StockEntry.objects.count(), LotMovement.objects.count(), Lot.objects.count()
    with pytest.raises((LotRefused, NegativeStock)) as refusal:
        work()
    after = Assembly.objects.count(), StockEntry.objects.count(), LotMovement.objects.count(), Lot.objects.count()
    assert (refusal.value.code, before) == (code, after)
    assert field is None or refusal.value.field == field
    assert apart() == []
    return str(refusal.value)


# --- built -----------------------------------------------------------------------------------------------------------


def test_parts_leave_first_expired_first_and_the_made_lot_has_a_number_and_the_earliest_date(milk, box, here, do):
    do(box, quantity=3)
    assert lots(milk, here) == {"B": 4}
    (number,) = lots(box, here)
    assert (number, lot(box, number).expires_on) == (f"{in_days(0):%Y%m%d}", in_days(10))
    do(box, quantity=1)
    assert lots(box, here) == {number: 3, f"{number}-2": 1}
    assert lot(box, f"{number}-2").expires_on == in_days(20)
    assert (broken(), apart()) == ([], [])


def test_the_clerk_says_which_lots_are_taken_and_what_the_made_lot_is_called(milk, box, here, do):
    do(box, quantity=2, said={milk: "A × 1\nB × 3", box: "M1"}, expires_on=str(in_days(5)))
    assert (lots(milk, here), lots(box, here)) == ({"A": 3, "B": 3}, {"M1": 2})
    assert lot(box, "M1").expires_on == in_days(5)


def test_a_lot_that_stands_with_a_later_date_is_not_mixed_by_itself(milk, box, here, do):
    do(box, said={milk: "B", box: "M1"})
    assert lot(box, "M1").expires_on == in_days(20)
    refused("expiry_differs", lambda: do(box, said={milk: "A", box: "M1"}), f"lots[{box.pk}].expires_on")
    do(box, said={milk: "A", box: "M1"}, expires_on=str(in_days(20)))
    assert lots(box, here) == {"M1": 2}


def test_blocked_and_expired_lots_never_leave_by_themselves(milk, box, here, do):
    keeping.block(lot_id=lot(milk, "A").pk, reason="mould")
    do(box, quantity=3)
    assert lots(milk, here) == {"A": 4}
    refused("lot_short", lambda: do(box))
    expires(milk, A=-1)
    keeping.unblock(lot_id=lot(milk, "A").pk, reason="it was flour")
    refused("lot_short", lambda: do(box))


def test_a_blocked_lot_is_not_built_in_even_when_it_is_named(milk, box, here, do):
    keeping.block(lot_id=lot(milk, "A").pk, reason="mould")
    sentence = refused("part_blocked", lambda: do(box, said={milk: "A"}), f"lots[{milk.pk}].lot")
    assert "mould" in sentence


def test_an_expired_lot_is_built_in_only_when_named_and_only_where_its_date_goes_along(milk, tea, box, here, do):
    expires(milk, A=-1)
    refused("good_too_long", lambda: do(box, said={milk: "A", box: "M"}, expires_on=str(in_days(5))))
    refused("lot_missing", lambda: do(box, said={milk: "A", box: "?"}))
    do(box, said={milk: "A", box: "M"})
    assert lot(box, "M").expires_on == in_days(-1)
    plain = recipe(sku("PLAIN"), milk=(milk, 1))
    refused("part_expired", lambda: do(plain, said={milk: "A"}), f"lots[{milk.pk}].lot")


def test_lots_that_do_not_add_up_or_are_not_there_are_refused_by_name(milk, tea, box, here, do):
    refused("split_sum", lambda: do(box, said={milk: "A × 1"}), f"lots[{milk.pk}].lot")
    assert "MILK @ HERE A: 4 < 6" in refused("lot_short", lambda: do(box, quantity=3, said={milk: "A"}))
    assert "X" in refused("lot_short", lambda: do(box, said={milk: "X"}))
    refused("not_tracked", lambda: do(box, said={tea: "A"}), f"lots[{tea.pk}].lot")
    assert "MILK @ HERE: 10 < 40, TEA @ HERE: 9 < 20" in refused("negative_stock", lambda: do(box, quantity=20))


def test_goods_that_orders_hold_are_left_to_them(milk, box, here, do):
    shop(here)
    reservations.reserve(wants=[want("orders.line:1", milk, 4, here)])
    keeping.block(lot_id=lot(milk, "B").pk, reason="mould")
    refused("lot_short", lambda: do(box))
    refused("lot_short", lambda: do(box, said={milk: "A"}))


def test_serials_are_one_for_each_piece_both_ways(here, do):
    chip, phone = tracked("CHIP", Tracking.SERIAL), tracked("PHONE", Tracking.SERIAL)
    recipe(phone, chip=(chip, 2))
    come(chip, here, {"C1": 1, "C2": 1, "C3": 1, "C4": 1, "C5": 1})
    refused("lot_missing", lambda: do(phone, quantity=2), f"lots[{phone.pk}].lot")
    refused("split_sum", lambda: do(phone, quantity=2, said={phone: "P1"}))
    refused("split_sum", lambda: do(phone, quantity=2, said={phone: "P1 P2", chip: "C1 C2 C3"}))
    refused("serial_pieces", lambda: do(phone, quantity="0.5", said={phone: "P1"}))
    do(phone, quantity=2, said={phone: "P1 P2", chip: "C4 C1 C3 C5"})
    assert (lots(phone, here), lots(chip, here)) == ({"P1": 1, "P2": 1}, {"C2": 1})
    do(phone, "apart", said={phone: "P2"})
    assert (lots(phone, here), lots(chip, here)) == ({"P1": 1}, {"C2": 1, "C3": 1, "C5": 1})
    refused("split_sum", lambda: do(phone, "apart", said={phone: "P1", chip: "C1"}))
    refused("serial_twice", lambda: do(phone, "apart", said={phone: "P1", chip: "C1 C2"}))
    assert (broken(), apart()) == ([], [])


# --- taken apart -----------------------------------------------------------------------------------------------------


def test_parts_go_back_into_the_lots_they_came_from(milk, tea, box, here, do):
    do(box, quantity=3, said={milk: "A × 2; B × 4", box: "M"})
    do(box, "apart", 1)
    assert lots(milk, here) == {"A": 4, "B": 2}
    do(box, "apart", 2)
    assert (lots(milk, here), lots(box, here), lies(tea, here)[0]) == ({"A": 4, "B": 6}, {}, 9)
    assert (broken(), apart()) == ([], [])


def test_each_built_lot_remembers_its_own_parts(milk, box, here, do):
    do(box, said={milk: "A", box: "MA"})
    do(box, said={milk: "B", box: "MB"})
    do(box, "apart", said={box: "MB"})
    assert (lots(milk, here), lots(box, here)) == ({"A": 2, "B": 6}, {"MA": 1})


def test_two_lots_built_at_once_hold_their_parts_in_the_order_written(milk, box, here, do):
    do(box, quantity=2, said={milk: "B × 2\nA × 2", box: "M1 × 1\nM2 × 1"})
    do(box, "apart", said={box: "M2"})
    assert lots(milk, here) == {"A": 4, "B": 4}


def test_the_clerk_says_which_lot_is_taken_apart_and_where_the_parts_go(milk, box, here, do):
    do(box, quantity=2, said={milk: "A", box: "M"})
    refused("expiry_missing", lambda: do(box, "apart", said={milk: "NEW"}), f"lots[{milk.pk}].expires_on")
    do(box, "apart", said={box: "M", milk: f"NEW @ {in_days(3)}"})
    assert lots(milk, here) == {"B": 6, "NEW": 2}
    assert lot(milk, "NEW").expires_on == in_days(3)
    do(box, "apart")
    assert lots(milk, here) == {"A": 2, "B": 6, "NEW": 2}


def test_what_the_books_do_not_know_is_asked_for(milk, box, here, do):
    come(box, here, {"BOUGHT": 3})
    expires(box, BOUGHT=9)
    refused("lot_missing", lambda: do(box, "apart"), f"lots[{milk.pk}].lot")
    do(box, "apart", said={milk: "?"})
    assert lots(milk, here) == {"A": 4, "B": 6, "": 2}
    refused("expiry_missing", lambda: do(box, said={milk: "?", box: "M"}), f"lots[{box.pk}].expires_on")
    do(box, said={milk: "?", box: "M"}, expires_on=str(in_days(4)))
    refused("lot_missing", lambda: do(box, "apart", said={box: "M"}), f"lots[{milk.pk}].lot")


def test_a_box_without_lots_goes_back_to_the_only_lot_it_can_be(milk, here, do):
    crate = recipe(sku("CRATE"), milk=(milk, 2))
    made = do(crate, said={milk: "A"})
    do(crate, "apart")
    assert (lots(milk, here), made.number) == ({"A": 4, "B": 6}, f"ZZ{made.pk:06d}")
    do(crate, said={milk: "A"})
    do(crate, said={milk: "B"})
    refused("lot_missing", lambda: do(crate, "apart"), f"lots[{milk.pk}].lot")
    do(crate, "apart", said={milk: "B"})
    assert lots(milk, here) == {"A": 2, "B": 6}


def test_a_blocked_box_is_taken_apart_when_it_is_named(milk, box, here, do):
    do(box, said={milk: "A", box: "M"})
    keeping.block(lot_id=lot(box, "M").pk, reason="dented")
    refused("lot_short", lambda: do(box, "apart"))
    do(box, "apart", said={box: "M"})
    assert lots(milk, here) == {"A": 4, "B": 6}


# --- undone ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["build", "apart"])
def test_undo_puts_each_lot_back_exactly(milk, tea, box, here, do, kind):
    do(box, quantity=2, said={milk: "B × 3; A × 1", box: "M1 × 1; M2 × 1"}, labour=D("1.23"))
    items = (milk, tea, box)
    before = [(lots(item, here), lies(item, here)) for item in items]
    made = do(box, kind, 1, said={box: "M2"})
    come(milk, here, {"A": 3})
    assembling.undo(assembly_id=made.pk, user=None)
    milk_now = {number: pieces + (3 if number == "A" else 0) for number, pieces in before[0][0].items()}
    assert lots(milk, here) == milk_now
    assert [lots(item, here) for item in items[1:]] == [one for one, _lies in before[1:]]
    assert [lies(item, here) for item in items[1:]] == [one for _lots, one in before[1:]]
    assert lies(milk, here)[2] == before[0][1][2] + 3
    assert (broken(), apart()) == ([], [])


def test_undo_is_refused_when_other_lots_lie_there_but_not_those(milk, box, here, do):
    made = do(box, said={milk: "A", box: "M1"})
    do(box, said={milk: "B", box: "M2"})
    do(box, "apart", said={box: "M1"})
    refused("lot_short", lambda: assembling.undo(assembly_id=made.pk, user=None))
    assert lots(box, here) == {"M2": 1}


def test_what_was_undone_is_no_longer_what_a_lot_holds(milk, box, here, do):
    made = do(box, said={milk: "A", box: "M"})
    assembling.undo(assembly_id=made.pk, user=None)
    do(box, said={milk: "B", box: "M"}, expires_on=str(in_days(10)))
    do(box, "apart")
    assert lots(milk, here) == {"A": 4, "B": 6}


# --- cost ------------------------------------------------------------------------------------------------------------


def asked(work):
    """The statements of it."""
    with CaptureQueriesContext(connection) as seen:
        work()
    return [one["sql"] for one in seen.captured_queries]


def test_without_lots_no_lot_is_asked_for(a, b, do):
    plain = recipe(sku("PLAIN"), a=(a, 1), b=(b, 1))
    statements = asked(lambda: do(plain)) + asked(lambda: do(plain, "apart"))
    assert not [one for one in statements if "inventory_lot" in one and "inventory_lotsetting" not in one]


def test_with_lots_a_constant_number_of_statements(here, do):
    few, many = (many_parts(here, count) for count in (2, 12))
    for item in (few, many):
        do(item, said={item: "M"}, quantity=1, expires_on=str(in_days(3)))
    for kind in ("build", "apart"):
        for said in (False, True):
            few_said, many_said = (words(item, kind, said) for item in (few, many))
            one = asked(lambda: do(few, kind, said=few_said))  # noqa: B023 — done at once
            other = asked(lambda: do(many, kind, said=many_said))  # noqa: B023
            assert len(one) == len(other), (kind, said)


def words(item, kind, said):
    """Everything named, or only what has to be."""
    parts = {row.part: "A" if kind == "build" else f"NEW @ {in_days(7)}" for row in item.recipe.all()}
    return {item: "M"} | (parts if said else {})


def many_parts(here, count):
    """A SKU by lots of so many tracked parts."""
    made = tracked(f"MANY{count}", Tracking.EXPIRY)
    for nth in range(count):
        part = tracked(f"P{count}-{nth}", Tracking.EXPIRY)
        come(part, here, {"A": 4, "B": 9})
        expires(part, A=3, B=20)
        RecipePart.objects.create(built=made, part=part, quantity=D(1))
    return made


# --- the page --------------------------------------------------------------------------------------------------------


@pytest.fixture
def page(here, person, people):
    """Send the form of an assembly, `fields` beside what it always has."""

    def send(item, role="owner", **fields):
        person(role)
        form = {"kind": "build", "warehouse": here.pk, "sku": item.code, "quantity": "3", "once": "k", **fields}
        return people.client(role).post(reverse("admin:inventory_assembly_new"), form)

    return send


def fields(answer):
    """What stands in the fields of lots."""
    return {(row.sku.code, row.out): row.text for row in (*answer.context["leaving"], *answer.context["coming"])}


def typed(answer, **other):
    """What a browser sends back of the page, but for what was typed."""
    sent = {"lots": "1", "expires_on": ""}
    for row in (*answer.context["leaving"], *answer.context["coming"]):
        text = row.text.replace("\n", "\r\n")
        sent |= {f"lot_{row.sku.pk}": other.get(row.sku.code, text), f"shown_{row.sku.pk}": text}
    return sent


def test_the_page_shows_the_lots_before_anything_is_posted(milk, box, here, page):
    shown = page(box)
    number = f"{in_days(0):%Y%m%d}"
    assert fields(shown) == {("MILK", True): "A × 4\nB × 2", ("BOX", False): number}
    assert f"Without a date: {in_days(10)}" in shown.content.decode()
    assert Assembly.objects.count() == 0
    done = page(box, **typed(shown))
    made = Assembly.objects.get()
    assert done.url.endswith(f"/{made.pk}/change/")
    assert (lots(milk, here), lots(box, here)) == ({"B": 4}, {number: 3})


def test_other_lots_are_typed_looked_at_once_more_and_posted(milk, box, here, page):
    shown = page(box)
    again = page(box, **typed(shown, MILK="B × 6", BOX="M1"))
    assert "Other lots leave now" in again.content.decode()
    assert f"Without a date: {in_days(20)}" in again.content.decode()
    assert fields(again) == {("MILK", True): "B × 6", ("BOX", False): "M1"}
    assert Assembly.objects.count() == 0
    page(box, **typed(again))
    assert (lots(milk, here), lots(box, here), lot(box, "M1").expires_on) == ({"A": 4}, {"M1": 3}, in_days(20))


def test_the_page_of_taking_apart_follows_the_lot_that_is_chosen(milk, box, here, do, page):
    do(box, said={milk: "A", box: "MA"})
    do(box, said={milk: "B", box: "MB"})
    shown = page(box, kind="apart", quantity="1")
    assert fields(shown) == {("BOX", True): "MA", ("MILK", False): "A"}
    again = page(box, kind="apart", quantity="1", **typed(shown, BOX="MB"))
    assert fields(again) == {("BOX", True): "MB", ("MILK", False): "B"}
    page(box, kind="apart", quantity="1", **typed(again))
    assert (lots(milk, here), lots(box, here)) == ({"A": 2, "B": 6}, {"MA": 1})


def test_the_page_asks_where_the_parts_go_and_names_the_row(milk, box, here, page):
    come(box, here, {"BOUGHT": 3})
    expires(box, BOUGHT=9)
    shown = page(box, kind="apart", quantity="1")
    assert fields(shown) == {("BOX", True): "BOUGHT", ("MILK", False): ""}
    assert "The books do not know" in shown.content.decode()
    again = page(box, kind="apart", quantity="1", **typed(shown))
    assert [(row.sku.code, row.error) for row in again.context["coming"]] == [
        ("MILK", "MILK is tracked: say which lot it is.")
    ]
    assert Assembly.objects.filter(kind="apart").count() == 0
    again = page(box, kind="apart", quantity="1", **typed(again, MILK="B × 1"))
    assert "The lots add up to 1, the line says 2." in again.context["coming"][0].error
    page(box, kind="apart", quantity="1", **typed(again, MILK=f"NEW @ {in_days(3)}"))
    assert lots(milk, here) == {"A": 4, "B": 6, "NEW": 2}


def test_a_lot_that_may_be_one_of_several_is_said_to_be(milk, box, here, do, page):
    do(box, quantity=2, said={milk: "A × 1; B × 3", box: "M"})
    shown = page(box, kind="apart", quantity="1")
    assert fields(shown)["MILK", False] == "A × 1\nB × 1"
    assert "It may be any of these, see what stands on it: A, B" in shown.content.decode()


def test_lots_that_went_meanwhile_are_named_on_the_page(milk, box, here, page):
    shown = page(box)
    go(milk, here, 3, lot="A")
    again = page(box, **typed(shown))
    assert "MILK @ HERE A: 1 &lt; 4" in again.content.decode()
    assert (Assembly.objects.count(), lots(box, here)) == (0, {})


def test_serials_are_asked_for_on_the_page_and_paired_after(here, do, page):
    chip, phone = tracked("CHIP", Tracking.SERIAL), tracked("PHONE", Tracking.SERIAL)
    recipe(phone, chip=(chip, 1))
    come(chip, here, {"C1": 1, "C2": 1})
    shown = page(phone, quantity="2")
    assert fields(shown) == {("CHIP", True): "C1\nC2", ("PHONE", False): ""}
    again = page(phone, quantity="2", **typed(shown))
    assert again.context["coming"][0].error == "PHONE is tracked: say which lot it is."
    done = page(phone, quantity="2", **typed(again, PHONE="P1\r\nP2"))
    made = Assembly.objects.get()
    assert done.status_code == 302
    found = assembly_lots.moved_by(made)
    assert [(one.number, [c.number for c in inside]) for one, inside in found["pairs"]] == [
        ("P1", ["C1"]),
        ("P2", ["C2"]),
    ]


def test_what_was_typed_is_data(milk, box, here, page):
    shown = page(box, note="<script>alert(1)</script>")
    again = page(box, **typed(shown, BOX="<script>alert(1)</script>", MILK="<b>%(x)s × 6"))
    assert "<script>alert(1)" not in again.content.decode()
    strange = {f"lot_{10**30}": "A", "lot_x": "B", f"lot_{milk.pk}": "\0A × 4;B × 2"}
    assert page(box, lots="1", **strange).status_code == 302


def test_a_number_that_looks_like_an_amount_is_told_and_not_misread(tea, here, page):
    odd = tracked("ODD", Tracking.LOT)
    come(odd, here, {"X=5": 3})
    kit = recipe(sku("KIT"), odd=(odd, 1))
    shown = page(kit)
    assert fields(shown) == {("ODD", True): ""}
    assert "Left empty, these leave: X=5 × 3" in shown.content.decode()
    page(kit, **typed(shown))
    assert (lots(odd, here), lies(kit, here)[0]) == ({}, 3)


def test_pieces_without_a_serial_leave_though_nobody_can_name_them(here, page):
    chip = tracked("CHIP", Tracking.SERIAL)
    stock(chip, here, 3)
    kit = recipe(sku("KIT"), chip=(chip, 1))
    shown = page(kit, quantity="2")
    assert fields(shown) == {("CHIP", True): ""}
    page(kit, quantity="2", **typed(shown))
    assert (lots(chip, here), apart()) == ({"": 1}, [])


def test_who_may_not_build_sees_no_lots(box, page):
    assert page(box, role="buyer").status_code == 403


def test_the_page_of_an_assembly_names_its_lots_in_a_constant_number_of_queries(here, do, person, people):
    person("owner")
    client = people.client("owner")
    counts = []
    for count in (2, 12):
        made = do(many_parts(here, count), expires_on=str(in_days(3)))
        address = reverse("admin:inventory_assembly_change", args=[made.pk])
        client.get(address)
        statements = asked(lambda address=address: client.get(address))
        counts.append(len(statements))
        assert "A</a> × 1" in client.get(address).content.decode()
    assert counts[0] == counts[1]
