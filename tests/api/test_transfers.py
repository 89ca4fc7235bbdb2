"""Transfers over the API: the same rules as on the pages, the key as the one who did it."""

import datetime as dt
import re
from decimal import Decimal
from types import SimpleNamespace

import pytest

from backoffice import clock
from backoffice.models import AuditEntry, IdempotentReply
from inventory.models import Access, Balance, Barcode, StockEntry, Transfer, TransferReceipt
from inventory.transfers import picking
from inventory.transfers.errors import AlreadyDone
from tests.inventory import factories
from tests.inventory.invariants import broken
from tests.inventory.lots.conftest import come

pytestmark = pytest.mark.django_db
D = Decimal
SCOPES = ("transfers:read", "transfers:plan", "transfers:move")


@pytest.fixture
def two():
    """Ten pieces in HERE, none in THERE, where two more than sent are taken without asking."""
    found = SimpleNamespace(here=factories.warehouse("HERE"), there=factories.warehouse("THERE", adjust_limit=D(2)))
    found.sku = factories.sku("TEA")
    factories.stock(found.sku, found.here, 10, "1.5")
    return found


@pytest.fixture
def client(api):
    return api(*SCOPES)


def body(*lines, **change):
    rows = [{"sku": sku, "quantity": quantity} for sku, quantity in lines or (("tea", "4"),)]
    return {"origin": "HERE", "destination": "THERE", "note": "补货", "lines": rows, **change}


def planned(client, *lines, key="plan"):
    answer = client.post("transfers", body(*lines), key=key)
    assert answer.status_code == 201, answer.json()
    return answer.json()


def act(client, transfer, what, body=None, key=None):
    return client.post(f"transfers/{transfer['id']}/{what}", body or {}, key=key or f"{what}-{transfer['id']}")


def sent(client, *lines):
    made = planned(client, *lines)
    for step in ("request", "pick", "send"):
        answer = act(client, made, step)
        assert answer.status_code == 200, answer.json()
        made = answer.json()
    return made


def came(made, good, damaged="0", **change):
    line = {"line": made["lines"][0]["id"], "good": str(good), "damaged": str(damaged)}
    return {"turn": made["turn"], "lines": [line], **change}


def on_hand(sku, place):
    return Balance.objects.filter(sku=sku, warehouse=place).values_list("on_hand", flat=True).first() or 0


def fields(answer):
    return [error["field"] for error in answer.json()["errors"]]


def test_a_transfer_goes_all_the_way_in_the_name_of_the_key(client, two):
    made = sent(client)
    assert (made["state"], made["lines"][0]["in_transit"], on_hand(two.sku, two.here)) == ("transit", "4.000", 6)
    answer = act(client, made, "receive", came(made, 2, 1)).json()
    line = answer["lines"][0]
    assert (answer["state"], line["received"], line["damaged"], line["in_transit"]) == (
        "partly", "2.000", "1.000", "1.000",
    )  # fmt: skip
    answer = act(client, answer, "receive", came(answer, 1), key="rest").json()
    assert (answer["state"], on_hand(two.sku, two.there), len(answer["receipts"])) == ("received", 3, 2)
    actor = f"api:{client.key.pk} erp"
    actions = ["transfer.plan", "transfer.request", "transfer.pick", "transfer.send", *["transfer.receive"] * 2]
    found = AuditEntry.objects.filter(target=f"inventory.transfer:{made['id']}", actor=actor).order_by("pk")
    assert list(found.values_list("action", flat=True)) == actions
    assert set(StockEntry.objects.filter(reference=f"inventory.transfer:{made['id']}").values_list("actor")) == {
        (actor,)
    }
    assert Transfer.objects.get().picked_by is None
    assert broken() == []


def test_the_same_receipt_twice_is_one_and_another_key_is_told(client, two):
    made = sent(client)
    first = act(client, made, "receive", came(made, 4), key="k")
    again = act(client, made, "receive", came(made, 4), key="k")
    assert (again.json(), again["Idempotent-Replay"]) == (first.json(), "true")
    other = act(client, made, "receive", came(made, 4), key="other")
    assert (other.status_code, other.json()["code"]) == (409, "already_done")
    assert "erp" in other.json()["detail"]  # who was faster
    assert (on_hand(two.sku, two.there), TransferReceipt.objects.count()) == (4, 1)


def test_a_forgotten_answer_does_not_let_a_receipt_in_twice(client, two):
    made = sent(client)
    act(client, made, "receive", came(made, 2), key="k")
    IdempotentReply.objects.all().delete()
    assert act(client, made, "receive", came(made, 2), key="k").status_code == 200
    assert (on_hand(two.sku, two.there), TransferReceipt.objects.count()) == (2, 1)


def test_who_looked_before_somebody_received_is_told(client, two):
    made = sent(client)
    act(client, made, "receive", came(made, 3), key="a")
    answer = act(client, made, "receive", came(made, 3), key="b")
    assert (answer.status_code, answer.json()["code"]) == (409, "received_meanwhile")
    assert "erp" in answer.json()["detail"]
    assert on_hand(two.sku, two.there) == 3


@pytest.mark.parametrize(("good", "state", "here"), [(6, "booked", 6), (7, "waiting", 4)])
def test_more_than_was_sent_is_found_or_waits_for_a_second_person(client, two, good, state, here):
    made = sent(client)
    answer = act(client, made, "receive", came(made, good)).json()
    assert (answer["receipts"][0]["over_state"], on_hand(two.sku, two.there)) == (state, here)
    assert answer["receipts"][0]["lines"][0]["over"] == f"{good - 4}.000"


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"good": "4.0001"}, 400, "lines[0].good"),
        ({"good": "-1"}, 400, "lines[0].good"),
        ({"damaged": "5"}, 409, "lines[0]"),
        ({"damaged": "some"}, 400, "lines[0].damaged"),
        ({"line": 0}, 400, "lines[0].line"),
        ({"line": 999999}, 400, "lines[0].line"),
        ({"lost": "1"}, 400, "lines[0].lost"),
    ],
)
def test_what_is_wrong_with_a_receipt_is_named_and_nothing_comes(client, two, change, code, field):
    made = sent(client)
    said = came(made, 1)
    said["lines"][0] |= change
    answer = act(client, made, "receive", said)
    assert (answer.status_code, fields(answer)) == (code, [field])
    assert (on_hand(two.sku, two.there), TransferReceipt.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"origin": "NOWHERE"}, 400, "origin"),
        ({"destination": "NOWHERE"}, 400, "destination"),
        ({"destination": "HERE"}, 409, "destination"),
        ({"lines": []}, 400, "lines"),
        ({"lines": [{"sku": "TEA", "quantity": "1"}, {"sku": "NONE", "quantity": "1"}]}, 400, "lines[1].sku"),
        ({"lines": [{"sku": "TEA", "quantity": "1"}, {"sku": "tea", "quantity": "1"}]}, 409, "lines[1].sku"),
        ({"lines": [{"sku": "TEA", "quantity": "0"}]}, 400, "lines[0].quantity"),
        ({"lines": [{"sku": "TEA"}]}, 400, "lines[0].quantity"),
        ({"expected_on": "soon"}, 400, "expected_on"),
        ({"note": "a\0b"}, 400, "note"),
        ({"colour": "red"}, 400, "colour"),
    ],
)
def test_what_is_wrong_with_a_plan_is_named_and_nothing_made(client, two, change, code, field):
    answer = client.post("transfers", body(**change))
    assert (answer.status_code, fields(answer)) == (code, [field])
    assert not Transfer.objects.exists()


def test_a_barcode_of_a_case_counts_what_is_in_it(client, two):
    pack = two.sku.packs.create(name="case", quantity=D(3))
    Barcode.objects.create(sku=two.sku, code="690123", pack=pack)
    assert planned(client, ("690123", "2"))["lines"][0]["quantity"] == "6.000"


def test_picking_less_and_by_lot_names_the_line_of_the_request(client, two):
    milk = factories.sku("MILK", tracking=1)
    come(milk, two.here, {"A1": 5})
    made = planned(client, ("TEA", "4"), ("MILK", "3"))
    act(client, made, "request")
    tea, drink = (line["id"] for line in made["lines"])
    short = {"lines": [{"line": drink, "quantity": "2", "lot": "B9"}, {"line": tea, "quantity": "9"}]}
    answer = act(client, made, "pick", short, key="p1")
    assert (answer.status_code, fields(answer)) == (409, ["lines[1].quantity"])
    answer = act(client, made, "pick", {"lines": [{"line": drink, "quantity": "2", "lot": "A1 × 1"}]}, key="p2")
    assert (answer.status_code, fields(answer)) == (409, ["lines[0].lot"])
    answer = act(client, made, "pick", {"lines": [{"line": drink, "quantity": "2", "lot": "A1"}]}, key="p3").json()
    assert [line["picked"] for line in answer["lines"]] == ["0.000", "2.000"]
    act(client, made, "send")
    read = client.get(f"transfers/{made['id']}").json()
    said = {"turn": read["turn"], "lines": [{"line": drink, "good": "1"}]}
    read = act(client, made, "receive", said).json()
    lot = {"lot": "A1", "expires_on": None, "left": "2.000", "in_transit": "1.000", "arrived": "1.000"}
    assert [line["lots"] for line in read["lines"]] == [[], [lot]]


def test_nothing_is_picked_that_is_not_there(client, two):
    made = planned(client, ("TEA", "11"))
    act(client, made, "request")
    answer = act(client, made, "pick")
    assert (answer.status_code, answer.json()["code"]) == (409, "negative_stock")
    assert client.get(f"transfers/{made['id']}").json()["state"] == "requested"
    assert not IdempotentReply.objects.filter(idempotency_key=f"pick-{made['id']}").exists()


def test_cancelling_brings_the_goods_back_and_needs_the_right_to_move_them(api, client, two):
    made = sent(client)
    planner = api("transfers:plan")
    answer = act(planner, made, "cancel")
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    answer = act(client, made, "cancel", {"note": "wrong"}, key="c").json()
    assert (answer["state"], answer["lines"][0]["back"], on_hand(two.sku, two.here)) == ("cancelled", "4.000", 10)
    draft = planned(client, key="again")
    assert act(planner, draft, "cancel").json()["state"] == "cancelled"


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("transfers:read", {"list", "read"}),
        ("transfers:plan", {"plan", "request", "cancel"}),
        ("transfers:move", {"pick", "send", "receive"}),
        ("stock:read", set()),
        ("stock:write", set()),
    ],
)
def test_each_address_needs_its_scope(api, client, two, scope, allowed):
    made, other = planned(client), api(scope)
    answers = {
        "list": other.get("transfers"),
        "read": other.get(f"transfers/{made['id']}"),
        "plan": other.post("transfers", body(), key="p"),
        **{what: act(other, made, what) for what in ("request", "pick", "send", "receive", "cancel")},
    }
    assert {what for what, answer in answers.items() if answer.status_code != 403} == allowed


def test_a_key_sees_what_begins_or_ends_in_its_warehouses_and_acts_in_its_own(api, client, two):
    made = sent(client)
    stranger = api(*SCOPES, everything=False)
    access = Access.objects.create(api_key=stranger.key)
    access.warehouses.add(factories.warehouse())
    assert stranger.get("transfers").json()["results"] == []
    assert stranger.get(f"transfers/{made['id']}").status_code == 404
    assert act(stranger, made, "receive", came(made, 1)).status_code == 404
    assert fields(stranger.post("transfers", body(), key="p")) == ["origin"]
    access.warehouses.add(two.here)
    assert [row["id"] for row in stranger.get("transfers").json()["results"]] == [made["id"]]
    assert fields(stranger.post("transfers", body(), key="q")) == ["destination"]
    answer = act(stranger, made, "receive", came(made, 1), key="r")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_your_warehouse")
    access.warehouses.add(two.there)
    assert act(stranger, made, "receive", came(made, 1), key="s").status_code == 200


def test_value_is_told_to_keys_that_may_see_costs_only(api, client, two):
    made = sent(client)
    assert client.get(f"transfers/{made['id']}").json()["lines"][0]["value"] is None
    full = api("transfers:read", "costs:read").get(f"transfers/{made['id']}").json()
    assert full["lines"][0]["value"] == "6.0000"


def test_the_list_is_filtered_and_paged(client, two):
    with clock.moved_to(lambda: dt.datetime(2026, 11, 1, 10, tzinfo=dt.UTC)):
        made = [planned(client, key=str(turn)) for turn in range(3)]
    with clock.moved_to(lambda: dt.datetime(2026, 11, 2, 10, tzinfo=dt.UTC)):
        act(client, made[0], "request")

    def found(**asked):
        return [row["id"] for row in client.get("transfers", **asked).json()["results"]]

    ids = [one["id"] for one in reversed(made)]
    assert (found(), found(state="requested"), found(origin="THERE")) == (ids, [made[0]["id"]], [])
    assert found(origin="HERE", destination="THERE", number=made[1]["number"]) == [made[1]["id"]]
    assert found(changed_since="2026-11-02T00:00:00Z") == [made[0]["id"]]
    page = client.get("transfers", limit="2").json()
    rest = client.client.get(page["next"]).json()
    assert [row["id"] for row in page["results"] + rest["results"]] == ids
    for asked, field in (({"state": "gone"}, "state"), ({"changed_since": "x"}, "changed_since"), ({"q": "1"}, "q")):
        answer = client.get("transfers", **asked)
        assert (answer.status_code, fields(answer)) == (400, [field])


def test_reading_costs_the_same_however_long_it_is(client, two, django_assert_max_num_queries):
    goods = [factories.sku(f"G{number}", tracking=number % 2) for number in range(12)]
    for item in goods:
        (come(item, two.here, {"L1": 5}) if item.tracking else factories.stock(item, two.here, 5))
    made = sent(client, *((item.code, "2") for item in goods))
    lines = [{"line": line["id"], "good": "1"} for line in made["lines"]]
    act(client, made, "receive", {"turn": made["turn"], "lines": lines})
    for turn in range(4):
        planned(client, key=f"more-{turn}")
    with django_assert_max_num_queries(12):
        assert len(client.get(f"transfers/{made['id']}").json()["lines"]) == 12
    with django_assert_max_num_queries(8):
        assert len(client.get("transfers").json()["results"]) == 5


def test_the_page_names_the_key_at_every_step(client, two, people):
    made = sent(client)
    act(client, made, "receive", came(made, 4))
    page = people.client("superuser").get(f"/admin/inventory/transfer/{made['id']}/change/").content.decode()
    told = re.sub("<[^>]+>", "", page)
    assert len(re.findall(r"\d[\d:]+\s*(?:· )?erp", told)) == 6  # planned, requested, picked, sent, ended, the receipt


def test_a_refusal_names_the_key_that_was_faster(client, two):
    made = sent(client)
    with pytest.raises(AlreadyDone, match="erp"):
        picking.send(transfer_id=made["id"], user=None)
