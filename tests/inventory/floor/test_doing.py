"""Received, put into another bin, moved to another warehouse: once for each key, or refused with nothing changed."""

import datetime as dt
from decimal import Decimal

import pytest

from backoffice.errors import YikuError
from backoffice.models import AuditEntry
from inventory import arrivals
from inventory.arrivals import Expected
from inventory.models import Barcode, FloorAction, Pack, ShelfPlace, StockDocument, StockEntry
from tests.inventory.factories import buckets, bundle, sku, stock, warehouse
from tests.inventory.invariants import broken
from tests.inventory.threads import together

pytestmark = pytest.mark.django_db
D = Decimal


def expect(item, place, quantity=12):
    row = Expected(
        sku_id=item.pk, warehouse_id=place.pk, quantity=D(quantity), expected_on=dt.date(2027, 1, 4), source="PO 7"
    )
    return arrivals.announce(rows=[row])[0]


def test_a_delivery_is_received_in_parts_cases_count_their_pieces_and_the_bin_is_kept(a, w, phone, clerk):
    row = expect(a, w)
    case = Pack.objects.create(sku=a, name="case", quantity=D(6))
    Barcode.objects.create(sku=a, code="4006381333931", pack=case)
    assert phone("receive", "4006381333931", 1, arrival_id=row.pk, bin="A-1").message == "6 of A received."
    row.refresh_from_db()
    assert (row.state, row.left, buckets(a, w)[0]) == ("expected", 6, 16)
    told = phone("receive", "a", 8, arrival_id=row.pk)
    assert told.message == "8 of A received, 2 more than expected."
    row.refresh_from_db()
    assert (row.state, buckets(a, w), list(broken())) == ("received", (24, 0, 0), [])
    first = FloorAction.objects.order_by("pk").first()
    assert (first.quantity, first.to_bin, first.arrival, first.person) == (6, "A-1", row, clerk)
    assert ShelfPlace.objects.get().bin == "A-1"


def test_what_was_received_already_is_refused_and_nothing_comes_in(a, w, phone):
    row = expect(a, w)
    phone("receive", "A", 12, arrival_id=row.pk)
    with pytest.raises(YikuError) as refusal:
        phone("receive", "A", 12, arrival_id=row.pk)
    assert refusal.value.code == "not_open"
    assert (buckets(a, w)[0], FloorAction.objects.count()) == (22, 1)


def test_the_same_key_is_done_once_for_its_person_and_action(a, w, phone, person):
    assert phone("free", "A", 3, reason="found", key="one").code == "done"
    assert phone("free", "A", 3, reason="found", key="one").code == "repeated"
    assert (buckets(a, w)[0], FloorAction.objects.count()) == (13, 1)
    for fields in ({"kind": "bin", "bin": "B"}, {"kind": "free", "reason": "found", "user": person("owner")}):
        with pytest.raises(YikuError) as refusal:
            phone(code="A", quantity=3, key="one", **fields)
        assert refusal.value.code == "key_reused"
    assert buckets(a, w)[0] == 13


def test_goods_nobody_expected_come_in_with_a_reason_or_as_a_proposal_above_the_limit(a, w, phone):
    phone("free", "A", 2, reason="found", note="behind the rack")
    document = StockDocument.objects.get()
    assert (document.reason, document.note, document.state, buckets(a, w)[0]) == (
        "found",
        "behind the rack",
        "posted",
        12,
    )
    w.adjust_limit = D(5)
    w.save()
    assert "proposed" in phone("free", "A", 6, reason="receipt").message
    assert (buckets(a, w)[0], StockDocument.objects.filter(state="proposed").count()) == (12, 1)
    with pytest.raises(YikuError) as refusal:
        phone("free", "A", 1, reason="lost")
    assert (refusal.value.code, StockDocument.objects.count()) == ("no_reason", 2)


def test_a_sku_goes_to_another_bin_and_the_record_says_who_from_where_and_when(a, w, phone, plan, clerk):
    plan("A-1", "B-2")
    phone("bin", bin="a-1")
    assert phone("bin", bin="B-2").message == "A: from A-1 to B-2."
    place = ShelfPlace.objects.get()
    assert (place.bin, place.sort_order, place.updated_by) == ("B-2", 20, clerk.username)
    row = FloorAction.objects.first()
    assert (row.kind, row.from_bin, row.to_bin, row.person) == ("bin", "A-1", "B-2", clerk)
    assert AuditEntry.objects.filter(action="shelf_place.move").count() == 2
    assert StockEntry.objects.count() == 1  # no goods moved in the books


@pytest.mark.parametrize(("name", "code"), [("C-9", "unknown_bin"), ("", "bin_name"), ("x" * 41, "bin_name")])
def test_a_bin_the_warehouse_does_not_have_is_refused(a, w, phone, plan, name, code):
    plan("A-1")
    with pytest.raises(YikuError) as refusal:
        phone("bin", bin=name)
    assert (refusal.value.code, ShelfPlace.objects.count(), FloorAction.objects.count()) == (code, 0, 0)


def test_a_warehouse_without_bins_takes_any_name(a, w, phone):
    phone("bin", bin=" shelf  by the door ")
    assert ShelfPlace.objects.get().bin == "shelf by the door"


def test_a_wrong_bin_takes_the_receipt_back_with_it(a, w, phone, plan):
    plan("A-1")
    row = expect(a, w)
    with pytest.raises(YikuError):
        phone("receive", "A", 5, arrival_id=row.pk, bin="nowhere")
    row.refresh_from_db()
    assert (row.left, buckets(a, w)[0], FloorAction.objects.count()) == (12, 10, 0)


def test_goods_move_to_another_warehouse_with_their_value(a, w, other, phone):
    assert phone("move", "A", 4, destination_id=other.pk, bin="V-1").message == "4 of A moved to V."
    values = StockEntry.objects.order_by("pk").values_list("quantity", "value")[1:]
    assert list(values) == [(-4, -8), (4, 8)]
    assert (buckets(a, w)[0], buckets(a, other)[0], ShelfPlace.objects.get().warehouse) == (6, 4, other)
    assert list(broken()) == []


def test_what_a_phone_may_not_move(a, w, other, phone, people, clerk):
    closed, reserved = warehouse("X", active=False), sku("R")
    stock(reserved, w, 1)
    bundle((a, 1), code="SET")
    cases = [
        ({"destination_id": w.pk}, "same_warehouse"), ({"destination_id": closed.pk}, "closed_warehouse"),
        ({"destination_id": None}, "no_such_warehouse"), ({"quantity": 11}, "negative_stock"),
        ({"quantity": 0}, "bad_quantity"), ({"quantity": "NaN"}, "bad_quantity"), ({"quantity": None}, "bad_quantity"),
        ({"code": "?"}, "unknown_code"), ({"code": "SET"}, "bundle"), ({"kind": "fly"}, "unknown_action"),
    ]  # fmt: skip
    told = []
    for fields, _code in cases:
        with pytest.raises(YikuError) as refusal:
            phone(**{"kind": "move", "code": "A", "quantity": 1, "destination_id": other.pk, **fields})
        told.append(refusal.value.code)
    assert told == [code for _fields, code in cases]
    assert (buckets(a, w)[0], buckets(a, other)[0], FloorAction.objects.count()) == (10, 0, 0)


@pytest.mark.parametrize(
    ("role", "kind"), [("buyer", "free"), ("buyer", "bin"), ("order_clerk", "move"), ("order_clerk", "receive")]
)
def test_each_kind_needs_its_right(a, w, other, phone, person, role, kind):
    with pytest.raises(YikuError) as refusal:
        phone(kind, "A", 1, user=person(role), bin="B", reason="found", destination_id=other.pk)
    assert (refusal.value.code, buckets(a, w)[0], FloorAction.objects.count()) == ("not_allowed", 10, 0)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_same_key_sent_twice_in_one_moment_is_done_once(a, w, phone):
    jobs = [lambda: phone("free", "A", 3, reason="found", key="one").code for _time in range(4)]
    assert sorted(together(*jobs)) == ["done", "repeated", "repeated", "repeated"]
    assert (buckets(a, w)[0], FloorAction.objects.count(), StockDocument.objects.count()) == (13, 1, 1)
