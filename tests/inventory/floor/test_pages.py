"""The pages of the floor: what they show to whom, what a phone sends, bins in and out."""

import json
from io import BytesIO

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from inventory.floor import bins
from inventory.models import Access, Barcode, Bin, FloorAction, Pack, ShelfPlace
from tests.inventory.factories import buckets, sku, stock, warehouse
from tests.inventory.floor.test_doing import expect

pytestmark = pytest.mark.django_db


def address(name):
    return reverse(f"admin:inventory_{name}")


@pytest.fixture
def see(people, person):
    def client(role="warehouse_clerk"):
        person(role)
        return people.client(role)

    return client


def found(client, code):
    return client.get(address("flooraction_find"), {"code": code}).json()


def test_a_code_says_how_much_lies_where_and_what_comes(a, w, other, see, plan):
    plan("A-1", "A-2")
    a.product.image = "https://example.com/a.jpg"
    a.product.save()
    ShelfPlace.objects.create(sku=a, warehouse=w, bin="A-1")
    expect(a, w)
    Barcode.objects.create(sku=a, code="400638", pack=Pack.objects.create(sku=a, name="case", quantity=6))
    told = found(see(), "400638")
    assert (told["code"], told["picture"], told["pack"]) == ("A", "https://example.com/a.jpg", "case × 6")
    here = next(one for one in told["places"] if one["warehouse"] == w.pk)
    assert (here["on_hand"], here["reserved"], here["free"], here["bin"]) == ("10", "0", "10", "A-1")
    assert [(one["left"], one["source"]) for one in told["incoming"]] == [("12", "PO 7")]
    assert found(see(), "nothing")["ok"] is False


def test_cost_is_shown_to_who_may_see_it_only(a, see):
    assert "cost" not in found(see(), "A")["places"][0]
    assert found(see("owner"), "A")["places"][0]["cost"] == "2.00"


def test_other_peoples_warehouses_are_not_there(a, w, other, people, person):
    row = Access.objects.get(user=person())
    row.all_warehouses = False
    row.save()
    row.warehouses.set([other])
    client = people.client("warehouse_clerk")
    assert [one["warehouse"] for one in found(client, "A")["places"]] == [other.pk]
    assert b'value="%d"' % w.pk not in client.get(address("flooraction_receive")).content
    body = {"key": "k", "do": "free", "code": "A", "quantity": 1, "reason": "found", "warehouse": w.pk}
    assert sent(client, body)[0]["code"] == "no_such_warehouse"
    assert buckets(a, w)[0] == 10


def sent(client, *scans):
    answer = client.post(address("flooraction_do"), json.dumps({"scans": scans}), content_type="application/json")
    return answer.json()["answers"]


def test_a_phone_sends_many_at_once_and_a_refusal_is_an_answer(a, w, see):
    row = expect(a, w)
    base = {"code": "A", "warehouse": w.pk}
    answers = sent(
        see(), {**base, "key": "1", "do": "receive", "arrival": row.pk, "quantity": "5", "at": "2026-11-30T10:00:00Z"},
        {**base, "key": "2", "do": "receive", "arrival": 99, "quantity": "5"}, {"key": "3"},
        {**base, "key": "4", "do": "bin", "bin": "A\0-1"}, {**base, "key": "1", "do": "receive", "arrival": row.pk},
    )  # fmt: skip
    assert [(one["key"], one["ok"], one["code"]) for one in answers] == [
        ("1", True, "done"), ("2", False, "no_such_delivery"), ("3", False, "unknown_action"), ("4", True, "done"),
        ("1", True, "repeated"),
    ]  # fmt: skip
    assert (buckets(a, w)[0], ShelfPlace.objects.get().bin, FloorAction.objects.count()) == (15, "A-1", 2)
    client = see()
    for body in ("[]", "{", '{"scans": [1]}', json.dumps({"scans": [{}] * 51})):
        assert client.post(address("flooraction_do"), body, content_type="application/json").status_code == 400


def test_goods_are_proposed_where_they_lie_beside_their_variants_then_in_empty_bins(a, w, plan):
    plan("A-1", "A-2", "A-3", "A-4", "A-5")
    twin = sku("A2")
    twin.product = a.product
    twin.save()
    gone = sku("GONE")
    ShelfPlace.objects.create(sku=a, warehouse=w, bin="A-3")
    ShelfPlace.objects.create(sku=twin, warehouse=w, bin="a-1")
    ShelfPlace.objects.create(sku=gone, warehouse=w, bin="A-2")
    stock(twin, w, 1)
    proposed = [(one.bin, one.why) for one in bins.proposals(a, [w])[w.pk]]
    assert proposed == [("A-3", "lies there already"), ("a-1", "A2 lies there"), ("A-2", "empty"), ("A-4", "empty"),
                        ("A-5", "empty")]  # fmt: skip


def test_bins_come_from_excel_and_go_back(w, a, see):
    client = see()
    client.post(address("bin_paste"), {"text": "W\tA-1\t10\t2\nw\tA-2\t20"})
    client.post(address("bin_paste"), {"text": "W,a-1,5,1"})
    rows = list(Bin.objects.values_list("name", "pick_order", "put_order"))
    assert sorted(rows) == [("A-1", 5, 1), ("A-2", 20, 0)]
    shown = client.post(address("bin_paste"), {"text": "W,B-1\nX,B-2\nW,,\nW,B-3,x"}).content.decode()
    assert ("Row 2: there is no warehouse" in shown, "Row 3:" in shown, "Row 4:" in shown) == (True, True, True)
    assert Bin.objects.count() == 2
    ShelfPlace.objects.create(sku=a, warehouse=w, bin="A-2")
    page = load_workbook(BytesIO(b"".join(client.get(address("bin_xlsx")).streaming_content))).active
    assert [tuple(row) for row in page.iter_rows(values_only=True)][1:] == [
        ("W", "A-1", 5, 1, None),
        ("W", "A-2", 20, 0, "A"),
    ]


def test_the_list_names_who_did_what(a, w, see, phone):
    phone("bin", bin="A-1")
    shown = see().get(address("flooraction_changelist")).content.decode()
    assert ("Moved to another bin" in shown, "– → A-1" in shown) == (True, True)


def test_names_are_data_on_every_page(w, see):
    bad = sku("<b>x")
    bad.name = "</script><script>alert(1)</script>"
    bad.save()
    expect(bad, w)
    place = warehouse("Z")
    place.name = "<i>z"
    place.save()
    client = see()
    for name in ("home", "receive", "move", "look"):
        shown = client.get(address(f"flooraction_{name}")).content.decode()
        assert "<script>alert" not in shown
        assert "<i>z" not in shown


def test_pages_ask_a_constant_number_of_queries(a, w, see, django_assert_max_num_queries):
    for number in range(4):
        stock(sku(f"B{number}"), warehouse(f"W{number}"), 1)
        expect(a, w)
    client = see()
    client.get(address("flooraction_receive"))
    with django_assert_max_num_queries(32):
        client.get(address("flooraction_receive"))
    with django_assert_max_num_queries(24):
        found(client, "A")
