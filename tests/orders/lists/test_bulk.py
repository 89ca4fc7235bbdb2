"""Marks, priority, notes and the workbook of many orders: each order's outcome is told, buyers stay masked."""

import io

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backoffice.models import AuditEntry
from inventory.models import Access
from orders.admin import exporting
from orders.desk import actions, marking
from orders.models import Order, OrderExport, StaffNote
from tests.inventory import factories as stock
from tests.orders.factories import Seller, line, order

pytestmark = pytest.mark.django_db
LIST = "admin:orders_order_changelist"
LI = "user:1 li"


@pytest.fixture
def seller():
    made = Seller(MUG=5)
    made.take(order(1, line("MUG")), order(2, line("MUG"), buyer_note="gift wrap"))
    return made


def ids(seller) -> list[int]:
    return list(Order.objects.filter(shop=seller.shop).order_by("pk").values_list("pk", flat=True))


def choose(client, seller, action, **fields):
    data = {"action": action, "_selected_action": ids(seller), **fields}
    return client.post(reverse(LIST), data, follow=True)


def sheet(answer) -> list[list]:
    book = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
    return [[cell.value for cell in row] for row in book.active.iter_rows()]


def test_marks_are_put_on_and_taken_off_with_an_outcome_each(seller):
    both = ids(seller)
    assert [one.code for one in marking.mark(order_ids=both, marks=["VIP"], actor=LI)] == ["marked", "marked"]
    told = marking.mark(order_ids=[both[0], 99_999], marks=["VIP"], actor=LI)
    assert [(one.ok, one.code) for one in told] == [(True, "unchanged"), (False, "not_found")]
    before = Order.objects.get(pk=both[0]).revision
    assert [one.code for one in marking.unmark(order_ids=both, marks=["VIP", "x"], actor=LI)] == ["marked"] * 2
    after = Order.objects.get(pk=both[0])
    assert (after.marks, after.revision) == ([], before + 1)
    assert AuditEntry.objects.filter(action="order.unmark").count() == 2


def test_more_marks_than_an_order_holds_are_refused_and_change_nothing(seller):
    pk = ids(seller)[0]
    Order.objects.filter(pk=pk).update(marks=[str(n) for n in range(30)])
    (told,) = marking.mark(order_ids=[pk], marks=["one more"], actor=LI)
    assert (told.ok, told.code) == (False, "too_many_marks")
    assert len(Order.objects.get(pk=pk).marks) == 30


@pytest.mark.parametrize("text", ["", " , ，", "x" * 41, ",".join("abcdefghijk")])
def test_marks_nobody_can_read_are_refused(text):
    with pytest.raises(marking.Unusable):
        marking.read_marks(text)


def test_marks_are_read_with_chinese_commas():
    assert marking.read_marks("加急，礼品、VIP, VIP") == ["加急", "礼品", "VIP"]


@pytest.mark.parametrize("priority", [-1, 10])
def test_a_priority_out_of_range_is_refused(seller, priority):
    with pytest.raises(marking.Unusable):
        marking.set_priority(order_ids=ids(seller), priority=priority, actor=LI)
    assert not Order.objects.exclude(priority=0).exists()


def test_a_note_keeps_its_author_and_changes_nothing_of_the_order(seller, desk):
    before = list(Order.objects.order_by("pk").values("revision", "updated_at"))
    marking.add_note(order_ids=ids(seller), text="call <b>first</b>\0", actor=LI)
    assert list(StaffNote.objects.order_by("pk").values_list("text", "author")) == [("call <b>first</b>", LI)] * 2
    assert list(Order.objects.order_by("pk").values("revision", "updated_at")) == before
    page = desk().get(reverse("admin:orders_order_change", args=[ids(seller)[0]])).content.decode()
    assert "call &lt;b&gt;first&lt;/b&gt;" in page


@pytest.mark.parametrize("text", ["", " \0 ", "x" * 2001])
def test_a_note_of_nothing_or_too_much_is_refused(seller, text):
    with pytest.raises(marking.Unusable):
        marking.add_note(order_ids=ids(seller), text=text, actor=LI)
    assert not StaffNote.objects.exists()


def test_the_list_asks_and_then_tells(seller, desk):
    client = desk()
    page = choose(client, seller, "mark")
    assert "Mark orders" in page.content.decode()
    assert "#1001, " in page.content.decode() or "#1002, " in page.content.decode()
    page = choose(client, seller, "mark", confirmed="1", marks="")
    assert "This field is required." in page.content.decode()
    page = choose(client, seller, "mark", confirmed="1", marks="VIP")
    assert "2 orders done." in page.content.decode()
    assert {tuple(one.marks) for one in Order.objects.all()} == {("VIP",)}
    choose(client, seller, "priority", confirmed="1", priority="7")
    choose(client, seller, "note", confirmed="1", text="hello")
    assert set(Order.objects.values_list("priority", flat=True)) == {7}
    assert StaffNote.objects.count() == 2


def test_a_buyer_may_write_notes_but_not_mark(seller, desk):
    client = desk("buyer")
    choose(client, seller, "mark", confirmed="1", marks="VIP")
    choose(client, seller, "note", confirmed="1", text="ordered 40")
    assert set(map(str, Order.objects.values_list("marks", flat=True))) == {"[]"}
    assert StaffNote.objects.count() == 2


def test_orders_of_other_shops_cannot_be_chosen(people, seller):
    Access.objects.create(user=people["order_clerk"])
    choose(people.client("order_clerk"), seller, "mark", confirmed="1", marks="VIP")
    assert set(map(str, Order.objects.values_list("marks", flat=True))) == {"[]"}


def test_five_hundred_orders_share_what_is_there_and_the_rest_is_named():
    seller = Seller(MUG=0)
    for start in range(0, 500, 100):
        seller.take(*(order(start + n, line("MUG")) for n in range(100)))
    stock.stock(seller.skus["MUG"], seller.place, 300, "4")
    told = actions.approve(order_ids=ids(seller), actor=LI)
    assert (sum(one.ok for one in told), {one.code for one in told if not one.ok}) == (300, {"short_stock"})
    assert seller.buckets("MUG") == (300, 200, 300)
    assert all("MUG" in one.message for one in told if not one.ok)


def test_marking_a_hundred_costs_what_ten_cost():
    seller = Seller(MUG=500)
    seller.take(*(order(n, line("MUG")) for n in range(110)))
    every = ids(seller)

    def cost(some):
        with CaptureQueriesContext(connection) as seen:
            marking.mark(order_ids=some, marks=["VIP"], actor=LI)
        return len(seen)

    assert cost(every[:10]) == cost(every[10:]) <= 8


# --- the workbook ----------------------------------------------------------------------------------------------------


def test_the_workbook_masks_buyers_and_shows_bundles_with_their_parts(seller, desk):
    part, kit = seller.add("CUP", 10), stock.bundle((seller.skus["MUG"], 1), (seller.add("LID", 9), 2), code="KIT")
    assert part
    seller.skus["KIT"] = kit
    seller.take(order(3, line("KIT", 2), line("CUP", 1, 2)))
    client = desk("bookkeeper")
    page = client.post(reverse(LIST), {"action": "export", "_selected_action": [seller.order(3).pk]}, follow=True)
    row = OrderExport.objects.get()
    assert (row.rows, row.clear) == (1, False)
    assert "Buyers are masked." in page.content.decode()
    rows = sheet(client.get(reverse("admin:orders_order_export_file", args=[row.token])))
    head = rows[0]
    names = [(one[head.index("bundle")], one[head.index("SKU")], one[head.index("wanted")]) for one in rows[1:]]
    assert names == [(None, "KIT", 2), ("KIT", "MUG", 2), ("KIT", "LID", 4), (None, "CUP", 1)]
    assert [one[head.index("total")] for one in rows[1:]] == [30, None, None, None]
    assert rows[1][head.index("buyer")] == "A•• M•••••"
    assert "République" not in str(rows)


def test_only_who_may_uncover_gets_names_and_that_is_recorded(seller, desk):
    client = desk("customer_service")
    choose(client, seller, "export", confirmed="1", clear="1")
    row = OrderExport.objects.get()
    rows = sheet(client.get(reverse("admin:orders_order_export_file", args=[row.token])))
    assert "Ana Müller" in str(rows)
    entry = AuditEntry.objects.get(action="order.export")
    assert (entry.after["buyers_uncovered"], entry.after["orders"]) == (True, 2)
    assert "customer_service" in entry.actor


def test_the_wish_of_who_may_not_uncover_is_not_heard(seller, desk):
    client = desk("bookkeeper")
    choose(client, seller, "export", confirmed="1", clear="1")
    assert OrderExport.objects.get().clear is False


def test_who_may_not_know_the_buyer_gets_no_columns_of_him(seller, desk):
    client = desk("buyer")
    choose(client, seller, "export")
    row = OrderExport.objects.get()
    head = sheet(client.get(reverse("admin:orders_order_export_file", args=[row.token])))[0]
    assert not {"buyer", "phone", "e-mail", "delivery address"} & set(head)
    assert "SKU" in head


def test_all_that_the_filters_find_goes_into_the_file(seller, desk):
    client = desk()
    client.post(reverse("admin:orders_order_export"), {"query": "state__exact=held&view=late&key_after=x"})
    row = OrderExport.objects.get()
    assert (row.query, row.rows) == ("state__exact=held", 1)


def test_anothers_file_is_as_good_as_none(seller, desk):
    choose(desk("bookkeeper"), seller, "export")
    row = OrderExport.objects.get()
    for name in ("orders_order_exported", "orders_order_export_file"):
        assert desk("buyer").get(reverse(f"admin:{name}", args=[row.token])).status_code == 404
    assert desk("warehouse_clerk").get(reverse("admin:orders_order_exported", args=[row.token])).status_code == 403


def test_a_file_is_gone_after_a_day(seller, desk, later):
    choose(desk("bookkeeper"), seller, "export")
    path = exporting.path_of(OrderExport.objects.get())
    assert path.is_file()
    assert exporting.clean_up() == 0
    later(days=1, minutes=1)
    assert exporting.clean_up() == 1
    assert not path.exists()
    assert not OrderExport.objects.exists()


def test_a_doubled_task_finds_it_done(seller, desk):
    choose(desk("bookkeeper"), seller, "export")
    assert exporting.run(OrderExport.objects.get().pk) == "done already"
    assert AuditEntry.objects.filter(action="order.export").count() == 1
