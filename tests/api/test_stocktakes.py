"""Stocktakes over the API: read, and counted elsewhere; nothing is posted by a key."""

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import pytest

from backoffice import clock
from backoffice.models import IdempotentReply
from inventory.models import Access, Balance, Barcode, StocktakeCount
from inventory.stocktakes import counting, opening
from tests.inventory import factories
from tests.inventory.lots.conftest import come

pytestmark = pytest.mark.django_db
D = Decimal
SCOPES = ("stocktakes:read", "stocktakes:count")


@pytest.fixture
def shelf():
    """Ten of TEA at 2.00 and five of CUP, being counted."""
    found = SimpleNamespace(place=factories.warehouse("W"), tea=factories.sku("TEA"), cup=factories.sku("CUP"))
    factories.stock(found.tea, found.place, 10, "2")
    factories.stock(found.cup, found.place, 5, "3")
    return found


@pytest.fixture
def begun(shelf):
    def make(**fields):
        made = opening.plan(warehouse=shelf.place, user=None, **fields)
        return opening.start(stocktake_id=made.pk, user=None)

    return make


@pytest.fixture
def client(api):
    return api(*SCOPES)


def hand_in(client, stocktake, *counts, key="k"):
    rows = [{"code": code, "quantity": quantity, **more} for code, quantity, *rest in counts for more in (rest or [{}])]
    return client.post(f"stocktakes/{stocktake.pk}/counts", {"counts": rows}, key=key)


def lines(client, stocktake, **asked):
    return client.get(f"stocktakes/{stocktake.pk}/lines", **asked).json()["results"]


def fields(answer):
    return [error["field"] for error in answer.json()["errors"]]


def test_counts_handed_in_are_figures_of_the_stocktake_and_nothing_is_posted(client, begun, shelf):
    made = begun()
    Barcode.objects.create(sku=shelf.cup, code="690123", pack=shelf.cup.packs.create(name="case", quantity=D(6)))
    answer = hand_in(client, made, ("tea", "8"), ("690123", "1"))
    assert answer.status_code == 201, answer.json()
    assert [one["outcome"] for one in answer.json()["counts"]] == ["counted", "counted"]
    assert answer.json()["stocktake"]["counted_count"] == 2
    told = {line["sku"]: (line["counted_quantity"], line["system_quantity"], line["difference"], line["value"])
            for line in lines(client, made)}  # fmt: skip
    assert told == {"TEA": ("8.000", "10.000", "-2.000", None), "CUP": ("6.000", "5.000", "1.000", None)}
    assert Balance.objects.get(sku=shelf.tea).on_hand == 10
    assert all(key.startswith(f"api:{client.key.pk}:") for key in StocktakeCount.objects.values_list("key", flat=True))


def test_the_same_figures_twice_are_one_even_when_the_answer_is_forgotten(client, begun, shelf):
    made = begun()
    first = hand_in(client, made, ("TEA", "8"))
    again = hand_in(client, made, ("TEA", "8"))
    assert (again.json(), again["Idempotent-Replay"]) == (first.json(), "true")
    IdempotentReply.objects.all().delete()
    assert [one["outcome"] for one in hand_in(client, made, ("TEA", "8")).json()["counts"]] == ["repeated"]
    assert StocktakeCount.objects.count() == 1


def test_a_key_corrects_its_own_figure_and_argues_with_anothers(api, client, begun, shelf):
    made = begun()
    hand_in(client, made, ("TEA", "8"), key="a")
    (told,) = hand_in(client, made, ("TEA", "9"), key="b").json()["counts"]
    assert (told["outcome"], lines(client, made, sku="TEA")[0]["counted_quantity"]) == ("corrected", "9.000")
    (told,) = hand_in(api(*SCOPES), made, ("TEA", "10"), key="c").json()["counts"]
    assert (told["outcome"], told["message"] != "") == ("conflict", True)
    assert [line["sku"] for line in lines(client, made, only="conflict")] == ["TEA"]
    counting.count(stocktake_id=made.pk, code="CUP", quantity=D(5), user=None, key="phone")
    (told,) = hand_in(client, made, ("CUP", "4"), key="d").json()["counts"]
    assert told["outcome"] == "conflict"  # what no key counted is not a key's to correct


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ([("TEA", "8"), ("NONE", "1")], ["counts[1].code"]),
        ([("NO", "8"), ("NONE", "1")], ["counts[0].code", "counts[1].code"]),
        ([("TEA", "-1")], ["counts[0].quantity"]),
        ([("TEA", "0.0001")], ["counts[0].quantity"]),
        ([("TEA", "8", {"lot": "A1"})], ["counts[0].lot"]),
        ([("TEA", "8", {"expires_on": "soon"})], ["counts[0].expires_on"]),
        ([("TEA", "8", {"counted_at": "2026-11-11T10:06:00Z"})], ["counts[0].counted_at"]),
        ([("TEA", "8", {"counted_at": "2026-11-08T10:00:00Z"})], ["counts[0].counted_at"]),
        ([("TEA", "8", {"shelf": "1"})], ["counts[0].shelf"]),
        ([("TEA", "8"), ("CUP", "5"), ("tea", "1")], ["counts[0].code"]),
        ([], ["counts"]),
    ],
)
def test_what_is_wrong_is_named_and_no_figure_is_taken(client, begun, shelf, rows, named):
    with clock.moved_to(lambda: dt.datetime(2026, 11, 11, 10, tzinfo=dt.UTC)):
        answer = hand_in(client, begun(), *rows)
    assert (answer.status_code, fields(answer)) == (400, named)
    assert not StocktakeCount.objects.exists()


def test_two_bins_of_the_same_goods_add_up(client, begun, shelf):
    made = begun()
    assert hand_in(client, made, ("TEA", "8", {"bin": "A1"}), ("TEA", "1", {"bin": "A2"})).status_code == 201
    assert lines(client, made, sku="TEA")[0]["counted_quantity"] == "9.000"


def test_lots_are_counted_one_by_one(client, begun, shelf):
    milk = factories.sku("MILK", tracking=1)
    come(milk, shelf.place, {"L1": 4, "L2": 2})
    made = begun()
    assert fields(hand_in(client, made, ("MILK", "3"), key="a")) == ["counts[0].lot"]
    answer = hand_in(client, made, ("MILK", "3", {"lot": "L1"}), ("MILK", "2", {"lot": "L2"}), key="b")
    assert answer.status_code == 201, answer.json()
    found = {line["lot"]: line["difference"] for line in lines(client, made, sku="MILK")}
    assert (found["L1"], found["L2"]) == ("-1.000", "0.000")
    assert [line["lot"] for line in lines(client, made, only="different")] == ["L1"]


def test_a_blind_count_tells_nothing_of_the_system(client, begun, shelf):
    made = begun(blind=True)
    hand_in(client, made, ("TEA", "8"))
    hidden = ("snapshot_quantity", "system_quantity", "difference", "value")
    assert {line[name] for line in lines(client, made) for name in hidden} == {None}
    answer = client.get(f"stocktakes/{made.pk}/lines", only="different")
    assert (answer.status_code, fields(answer)) == (400, ["only"])
    assert client.get(f"stocktakes/{made.pk}").json()["difference_count"] is None
    counting.close(stocktake_id=made.pk, user=None)
    assert [line["difference"] for line in lines(client, made, only="different")] == ["-2.000"]
    assert client.get(f"stocktakes/{made.pk}").json()["difference_count"] == 1


def test_value_is_told_to_keys_that_may_see_costs_only(api, client, begun, shelf):
    made = begun()
    hand_in(client, made, ("TEA", "8"))
    full = api("stocktakes:read", "costs:read")
    assert [line["value"] for line in lines(full, made, sku="TEA")] == ["-4.0000"]


def test_after_counting_nothing_is_taken_any_more(client, begun, shelf):
    made = begun()
    hand_in(client, made, ("TEA", "8"), key="a")
    counting.close(stocktake_id=made.pk, user=None)
    answer = hand_in(client, made, ("TEA", "9"), key="b")
    assert (answer.status_code, answer.json()["code"]) == (409, "already_done")


def test_where_people_are_named_to_count_a_key_is_none_of_them(client, begun, shelf, people):
    made = begun()
    made.people.add(people["warehouse_clerk"])
    answer = hand_in(client, made, ("TEA", "8"))
    assert (answer.status_code, answer.json()["code"]) == (409, "not_yours_to_count")


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("stocktakes:read", {"list", "read", "lines"}),
        ("stocktakes:count", {"count"}),
        ("stock:read", set()),
        ("stock:write", set()),
    ],
)
def test_each_address_needs_its_scope(api, begun, shelf, scope, allowed):
    made, key = begun(), api(scope)
    answers = {
        "list": key.get("stocktakes"), "read": key.get(f"stocktakes/{made.pk}"),
        "lines": key.get(f"stocktakes/{made.pk}/lines"), "count": hand_in(key, made, ("TEA", "1")),
    }  # fmt: skip
    assert {what for what, answer in answers.items() if answer.status_code != 403} == allowed


def test_a_key_sees_the_stocktakes_of_its_own_warehouses_only(api, begun, shelf):
    made, key = begun(), api(*SCOPES, everything=False)
    access = Access.objects.create(api_key=key.key)
    access.warehouses.add(factories.warehouse())
    assert key.get("stocktakes").json()["results"] == []
    assert key.get(f"stocktakes/{made.pk}").status_code == 404
    assert key.get(f"stocktakes/{made.pk}/lines").status_code == 404
    assert hand_in(key, made, ("TEA", "1"), key="a").status_code == 404
    access.warehouses.add(shelf.place)
    assert [row["id"] for row in key.get("stocktakes").json()["results"]] == [made.pk]
    assert hand_in(key, made, ("TEA", "1"), key="b").status_code == 201


def test_the_lists_are_filtered_and_paged(client, begun, shelf):
    with clock.moved_to(lambda: dt.datetime(2026, 11, 1, 10, tzinfo=dt.UTC)):
        made = begun()
        draft = opening.plan(warehouse=shelf.place, user=None)

    def found(**asked):
        return [row["id"] for row in client.get("stocktakes", **asked).json()["results"]]

    assert (found(), found(state="counting"), found(number=draft.number)) == (
        [draft.pk, made.pk], [made.pk], [draft.pk],
    )  # fmt: skip
    assert (found(warehouse="W", kind="full"), found(warehouse="X")) == ([draft.pk, made.pk], [])
    assert (found(changed_since="2026-11-01T00:00:00Z"), found(changed_since="2026-11-02T00:00:00Z")) == (
        [draft.pk, made.pk], [],
    )  # fmt: skip
    page = client.get(f"stocktakes/{made.pk}/lines", limit="1").json()
    rest = client.client.get(page["next"]).json()
    assert {row["sku"] for row in page["results"] + rest["results"]} == {"TEA", "CUP"}
    hand_in(client, made, ("TEA", "8"))
    assert [line["sku"] for line in lines(client, made, only="open")] == ["CUP"]
    for path, asked in (("stocktakes", "sate"), (f"stocktakes/{made.pk}/lines", "bin")):
        assert fields(client.get(path, **{asked: "1"})) == [asked]


def test_reading_costs_the_same_however_many_there_are(client, begun, shelf, django_assert_max_num_queries):
    for number in range(12):
        come(factories.sku(f"M{number}", tracking=1), shelf.place, {"L1": 4, "L2": 2})
    made = begun()
    for _turn in range(5):
        opening.plan(warehouse=shelf.place, user=None)
    with django_assert_max_num_queries(9):
        assert len(lines(client, made, limit="100")) >= 26
    with django_assert_max_num_queries(8):
        assert len(client.get("stocktakes").json()["results"]) == 6
