"""The pages: who may do what, what a blind counter does not see, a whole count through the browser's addresses."""

import json
from decimal import Decimal
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import load_workbook

from backoffice import longwork, progress
from inventory.models import Access, Stocktake, StocktakeLimit, StocktakeSheet
from inventory.stocktakes import causes, counting, tasks
from tests.inventory.factories import buckets, sku, stock, warehouse
from tests.inventory.sheets import xlsx

pytestmark = pytest.mark.django_db
D = Decimal


def address(name, *args):
    return reverse(f"admin:inventory_stocktake_{name}", args=args)


@pytest.fixture
def see(people, person):
    def client(role="warehouse_clerk"):
        person(role)
        return people.client(role)

    return client


def press(client, stocktake, do, **more):
    return client.post(address("do", stocktake.pk), {"do": do, **more}, follow=True)


def scans(client, stocktake, *rows):
    body = json.dumps({"scans": [{"key": f"k{number}", **row} for number, row in enumerate(rows)]})
    answer = client.post(address("counted", stocktake.pk), body, content_type="application/json")
    return answer.json()["answers"]


def test_a_clerk_plans_counts_by_sheet_and_posts(a, b, w, see):
    client = see()
    made = client.post(address("new"), {"warehouse": w.pk, "kind": "full", "note": "hall"}, follow=True)
    stocktake = Stocktake.objects.get()
    assert stocktake.number in made.content.decode()
    assert "2 lines to count" in press(client, stocktake, "start").content.decode()
    page = load_workbook(BytesIO(b"".join(client.get(address("sheet_out", stocktake.pk)).streaming_content))).active
    assert page.max_row == 3
    file = xlsx([("A", 7), ("B", 5), ("X", 1)])
    shown = client.post(address("upload", stocktake.pk), {"file": file}, follow=True).content.decode()
    assert "“X” is not a SKU" in shown
    assert "−3" in shown
    assert "ys-red" in shown
    sheet = StocktakeSheet.objects.get()
    client.post(address("sheet_do", sheet.pk), {"do": "take", "leave_out": "1"})
    press(client, stocktake, "close", rest="leave")
    shown = press(client, stocktake, "post").content.decode()
    assert "Posted: the stock is what was counted." in shown
    assert (buckets(a, w)[0], buckets(b, w)[0]) == (7, 5)
    again = client.post(address("do", stocktake.pk), {"do": "post"}, follow=True).content.decode()
    assert "already: warehouse_clerk did it" in again


def test_the_phone_sends_figures_and_a_refusal_is_an_answer(a, begun, see):
    client, stocktake = see(), begun()
    page = client.get(address("count", stocktake.pk)).content.decode()
    assert "ys-data" in page
    assert "snapshot" not in page
    answers = scans(
        client, stocktake, {"code": "a", "quantity": "4", "at": "2026-11-30T10:00:00Z"}, {"code": "?", "quantity": "1"},
        {"code": "A", "quantity": "-1"}, {"code": "A", "quantity": "x"}, {"code": 7, "quantity": None, "bin": ["\0"]},
    )  # fmt: skip
    assert [one["code"] for one in answers] == [
        "counted",
        "unknown_code",
        "negative_count",
        "bad_quantity",
        "bad_quantity",
    ]
    assert scans(client, stocktake, {"code": "a", "quantity": "4"})[0]["code"] == "repeated"
    assert stocktake.lines.get().counted_quantity == D(4)
    for body in ("[]", "{", '{"scans": [1]}'):
        assert client.post(address("counted", stocktake.pk), body, content_type="application/json").status_code == 400


def test_who_counts_blind_sees_no_system_figure_until_counting_is_over(w, begun, see, say):
    item = sku("A")
    stock(item, w, 7777, "2")
    stocktake, client = begun(blind=True), see()
    sheet = client.post(address("upload", stocktake.pk), {"file": xlsx([("A", 7000)])}, follow=True).content.decode()
    hidden = [sheet, client.get(address("change", stocktake.pk)).content.decode()]
    hidden.append(client.get(address("count", stocktake.pk)).content.decode())
    assert not any("7,777" in page or "7777" in page or "777</" in page for page in hidden)
    assert client.get(address("result", stocktake.pk)).status_code == 403
    assert "7,777" in see("owner").get(address("change", stocktake.pk)).content.decode()
    say(stocktake, "A", 7000)
    counting.close(stocktake_id=stocktake.pk, user=None)
    assert "7,777" in client.get(address("change", stocktake.pk)).content.decode()


def test_above_the_limit_the_clerk_is_told_and_the_owner_approves(a, w, begun, see):
    StocktakeLimit.objects.create(warehouse=w, quantity=D(1))
    clerk, stocktake = see(), begun()
    scans(clerk, stocktake, {"code": "A", "quantity": "5"})
    assert "wait for a second person" in press(clerk, stocktake, "close").content.decode()
    assert "above the warehouse" in press(clerk, stocktake, "post").content.decode()
    assert buckets(a, w)[0] == 10
    owner = see("owner")
    assert "Approve and post" in owner.get(address("change", stocktake.pk)).content.decode()
    press(owner, stocktake, "post")
    assert buckets(a, w)[0] == 5
    assert press(clerk, stocktake, "undo").status_code == 403
    press(owner, stocktake, "undo", note="wrong")
    assert buckets(a, w)[0] == 10


def test_value_is_shown_only_to_who_may_see_cost(a, w, begun, see, say):
    stocktake = begun()
    say(stocktake, "A", 7)
    counting.close(stocktake_id=stocktake.pk, user=None)
    assert "shrinkage" in see("auditor").get(address("change", stocktake.pk)).content.decode()
    assert "shrinkage" not in see().get(address("change", stocktake.pk)).content.decode()
    for role, sees in (("bookkeeper", True), ("warehouse_clerk", False)):
        body = b"".join(see(role).get(address("result", stocktake.pk)).streaming_content)
        assert ("unit cost" in [cell.value for cell in load_workbook(BytesIO(body))["Differences"][1]]) is sees
    assert see("auditor").post(address("do", stocktake.pk), {"do": "post"}).status_code == 403


def test_other_warehouses_are_not_there(a, begun, people):
    stocktake = begun()
    mine = Access.objects.create(user=people["warehouse_clerk"])
    mine.warehouses.add(warehouse("MINE"))
    client = people.client("warehouse_clerk")
    assert client.post(address("do", stocktake.pk), {"do": "close"}).status_code == 404
    assert client.get(address("count", stocktake.pk)).status_code == 404
    assert client.get(address("sheet_out", stocktake.pk)).status_code == 404
    assert stocktake.number not in client.get(address("changelist")).content.decode()


def test_names_are_data_on_every_page(w, begun, see, say):
    bad = "<script>alert(1)</script>%(x)s"
    item = sku("A")
    item.name = bad
    item.save()
    stock(item, w, 3)
    stocktake = begun(note=bad)
    say(stocktake, "A", 1)
    client = see()
    for name in ("change", "count"):
        assert "<script>alert(1)" not in client.get(address(name, stocktake.pk)).content.decode()


def test_a_large_sheet_and_a_large_posting_go_to_a_worker(a, w, begun, clerk, monkeypatch, see):
    queued = []
    monkeypatch.setattr(tasks, "LARGE_FILE", 10)
    monkeypatch.setattr(tasks, "LARGE_STOCKTAKE", 1)
    monkeypatch.setattr(longwork, "workers_alive", lambda: True)
    monkeypatch.setattr(longwork, "enqueue", lambda task, *ids: queued.append((task, ids)))
    client, stocktake = see(), begun()
    shown = client.post(address("upload", stocktake.pk), {"file": xlsx([("A", 7)])}, follow=True).content.decode()
    assert "You may close this page" in shown
    assert tasks.read_sheet(*queued[0][1]) == "ok"
    sheet = StocktakeSheet.objects.get()
    assert (sheet.state, sheet.row_count, sheet.progress.state) == ("preview", 1, progress.DONE)
    assert tasks.read_sheet(*queued[0][1]) == "done already"
    client.post(address("sheet_do", sheet.pk), {"do": "take"})
    press(client, stocktake, "close")
    press(client, stocktake, "post")
    assert (len(queued), buckets(a, w)[0]) == (2, 10)
    assert tasks.post_stocktake(*queued[1][1]) == "ok"
    assert (tasks.post_stocktake(*queued[1][1]), buckets(a, w)[0]) == ("done already", 7)


def test_a_file_that_is_no_sheet_is_refused_with_a_sentence(a, begun, see):
    stocktake = begun()
    file = SimpleUploadedFile("x.xlsx", b"no workbook at all")
    answer = see().post(address("upload", stocktake.pk), {"file": file})
    assert answer.status_code == 200 and "errorlist" in answer.content.decode() or answer.context["form"].errors
    assert not stocktake.counts.exists()


def test_the_list_and_the_page_ask_a_constant_number_of_queries(w, begun, see, say, django_assert_max_num_queries):
    for number in range(30):
        stock(sku(f"S{number}"), w, 5)
    stocktake = begun()
    for number in range(12):
        say(stocktake, f"S{number}", number)
    counting.close(stocktake_id=stocktake.pk, user=None)
    client = see("owner")
    client.get(address("change", stocktake.pk))
    with django_assert_max_num_queries(45):
        client.get(address("change", stocktake.pk))


def test_orders_bring_their_causes():
    assert {"orders.waves", "orders.parcels", "orders.returns"} <= set(causes._finders)
