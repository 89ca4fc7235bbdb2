"""Backorders: what is missing for whom, when it can be promised, and giving out what came in the house's order."""

import datetime as dt
import io
from decimal import Decimal

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from inventory import arrivals
from inventory.arrivals import Expected
from inventory.models import Access
from orders.desk import actions, backorders, promise
from orders.models import CheckSetting, LinePromise, Order, PromiseChange
from tests.inventory import factories as stock
from tests.orders.factories import NOW, Seller, line, order

pytestmark = pytest.mark.django_db
LI = "user:1 li"
DAY = dt.date(2099, 12, 1)


def put(seller, code, quantity, place=None):
    stock.stock(seller.skus[code], place or seller.place, quantity, "4")


def expect(seller, code, quantity, day=DAY, place=None):
    row = Expected(
        sku_id=seller.skus[code].pk, warehouse_id=(place or seller.place).pk, quantity=Decimal(quantity),
        expected_on=day,
    )  # fmt: skip
    return arrivals.announce(rows=[row])[0]


def rule(first, **params):
    CheckSetting.objects.filter(code="short_stock").update(params={"first": first, **params})


def missing(queue) -> list[tuple[str, str, int]]:
    return [(one.order.number, one.label, int(one.missing)) for one in queue.needs]


@pytest.fixture
def seller():
    made = Seller(MUG=2, CUP=0)
    made.take(
        order(1, line("MUG", 3), placed_at=NOW, minutes=0),
        order(2, line("MUG", 4), line("CUP", 1, 2), placed_at=NOW + dt.timedelta(hours=1)),
    )
    return made


def test_each_short_line_names_the_pieces_it_lacks(seller):
    queue = backorders.read()
    assert missing(queue) == [("#1001", "MUG", 1), ("#1002", "MUG", 4), ("#1002", "CUP", 1)]
    assert queue.ready == []
    assert [(one.order.number, int(one.missing)) for one in backorders.short_orders(seller.skus["CUP"].pk)] == [
        ("#1002", 1)
    ]


def test_what_has_come_goes_to_who_ordered_first(seller):
    put(seller, "MUG", 2)
    queue = backorders.read()
    assert queue.ready == [seller.order(1).pk]
    assert missing(queue) == [("#1002", "MUG", 3), ("#1002", "CUP", 1)]
    (told,) = backorders.allocate(actor=LI)
    assert (told.order_id, told.ok, told.code) == (seller.order(1).pk, True, "approved")
    assert (seller.order(1).state, seller.buckets("MUG")) == ("approved", (4, 4, 3))
    assert backorders.allocate(actor=LI) == []


@pytest.mark.parametrize(("first", "served"), [("ordered", 1), ("value", 3), ("priority", 2)])
def test_the_house_says_who_is_served_first(first, served):
    seller = Seller(MUG=0)
    for n, price in ((1, 10), (2, 10), (3, 99)):
        goods = line("MUG", 1, unit_price=Decimal(price), total=Decimal(price))
        seller.take(order(n, goods, placed_at=NOW + dt.timedelta(hours=n)))
    Order.objects.filter(pk=seller.order(2).pk).update(priority=5)
    for n, value in ((1, 10), (2, 10), (3, 99)):
        Order.objects.filter(pk=seller.order(n).pk).update(base_total=Decimal(value))
    rule(first)
    put(seller, "MUG", 1)
    assert [one.ok for one in backorders.allocate(actor=LI)] == [True]
    assert seller.order(served).state == "approved"
    assert Order.objects.filter(state="approved").count() == 1


def test_only_one_sku_can_be_given_out(seller):
    put(seller, "MUG", 2)
    assert backorders.allocate(actor=LI, sku_ids=[seller.skus["CUP"].pk]) == []
    assert [one.ok for one in backorders.allocate(actor=LI, sku_ids=[seller.skus["MUG"].pk])] == [True]


def test_an_order_with_another_reason_is_not_let_go_by_goods(seller):
    seller.take(order(3, line("CUP"), buyer_note="gift wrap"))
    put(seller, "CUP", 5)
    assert backorders.allocate(actor=LI) == []
    assert (seller.order(3).state, seller.order(3).hold_code) == ("held", "keyword")


def test_the_rest_of_a_split_order_goes_on_when_it_comes(seller):
    put(seller, "MUG", 5)
    actions.split_by_stock(order_ids=[seller.order(2).pk], actor=LI)
    assert missing(backorders.read()) == [("#1002", "CUP", 1)]
    put(seller, "CUP", 1)
    told = backorders.allocate(actor=LI)
    assert {one.order_id for one in told if one.ok} == {seller.order(1).pk, seller.order(2).pk}
    assert (seller.order(2).state, seller.order(2).hold_code) == ("approved", "")
    assert seller.buckets("CUP") == (1, 0, 1)


def test_goods_that_come_are_given_out_by_themselves_unless_the_owner_says_no(seller):
    rule("ordered", automatic=False)
    put(seller, "MUG", 2)
    assert backorders.work() == 0
    rule("ordered", automatic=True)
    assert backorders.work() == 1
    assert seller.order(1).state == "approved"


def test_bundles_lack_their_parts(seller):
    seller.skus["KIT"] = stock.bundle((seller.skus["MUG"], 2), (seller.skus["CUP"], 1), code="KIT")
    seller.take(order(3, line("KIT", 2), placed_at=NOW + dt.timedelta(hours=3)))
    found = [(one.order.number, one.sku_id, int(one.missing)) for one in backorders.read().needs]
    assert ("#1003", seller.skus["MUG"].pk, 4) in found
    assert ("#1003", seller.skus["CUP"].pk, 2) in found


# --- promises --------------------------------------------------------------------------------------------------------


def promised(seller) -> list[dt.date | None]:
    return [seller.order(n).promised_on for n in (1, 2)]


def test_a_short_order_is_promised_for_the_day_its_last_piece_comes(seller):
    expect(seller, "MUG", 5)
    expect(seller, "CUP", 1, DAY + dt.timedelta(days=9))
    promise.refresh()
    assert promised(seller) == [DAY, DAY + dt.timedelta(days=9)]
    assert promise.refresh() == []


def test_no_piece_is_promised_twice(seller):
    expect(seller, "MUG", 4)
    expect(seller, "CUP", 1)
    promise.refresh()
    assert promised(seller) == [DAY, None]  # one goes to the first, three are too few for the second


def test_a_slipped_promise_is_kept_with_its_history(seller):
    coming = expect(seller, "MUG", 1)
    promise.refresh()
    arrivals.change(arrival_id=coming.pk, quantity=Decimal(1), expected_on=DAY + dt.timedelta(days=7), source="late")
    promise.refresh(actor=LI)
    arrivals.cancel(arrival_id=coming.pk)
    promise.refresh()
    rows = PromiseChange.objects.filter(order=seller.order(1)).order_by("pk").values_list("before", "after", "cause")
    later_day = DAY + dt.timedelta(days=7)
    assert list(rows) == [(None, DAY, "first"), (DAY, later_day, "slipped"), (later_day, None, "lost")]
    assert seller.order(1).promised_on is None


def lines(seller, number) -> list[tuple[str, int, dt.date]]:
    rows = LinePromise.objects.filter(line__order=seller.order(number)).order_by("line", "expected_on")
    return [(row.line.sku.code, int(row.quantity), row.expected_on) for row in rows]


def test_a_delivery_that_covers_one_line_is_promised_to_that_line(seller):
    expect(seller, "MUG", 1)
    expect(seller, "CUP", 1, DAY + dt.timedelta(days=2))
    promise.refresh()
    assert promised(seller) == [DAY, None]
    assert lines(seller, 1) == [("MUG", 1, DAY)]
    assert lines(seller, 2) == [("CUP", 1, DAY + dt.timedelta(days=2))]
    later_day = DAY + dt.timedelta(days=9)
    expect(seller, "MUG", 4, later_day)
    promise.refresh()
    assert promised(seller) == [DAY, later_day]
    assert lines(seller, 2) == [("MUG", 4, later_day), ("CUP", 1, DAY + dt.timedelta(days=2))]


def test_a_line_is_promised_anew_when_its_delivery_moves_or_is_given_up(seller):
    coming = expect(seller, "CUP", 1)
    promise.refresh()
    later_day = DAY + dt.timedelta(days=7)
    arrivals.change(arrival_id=coming.pk, quantity=Decimal(1), expected_on=later_day, source="late")
    promise.refresh()
    assert lines(seller, 2) == [("CUP", 1, later_day)]
    before = list(LinePromise.objects.values_list("pk", flat=True))
    promise.refresh()
    assert list(LinePromise.objects.values_list("pk", flat=True)) == before  # nothing moved, nothing is written
    arrivals.cancel(arrival_id=coming.pk)
    promise.refresh()
    assert lines(seller, 2) == []
    assert not PromiseChange.objects.exists()  # the order never had a day


def test_an_order_that_no_longer_waits_is_promised_nothing(seller):
    expect(seller, "MUG", 1)
    promise.refresh()
    actions.cancel(order_ids=[seller.order(1).pk], actor=LI, reason="x")
    promise.refresh()
    assert lines(seller, 1) == []


def test_an_overdue_delivery_promises_nothing(seller):
    expect(seller, "MUG", 9, dt.date(2020, 1, 1))
    promise.refresh()
    assert promised(seller) == [None, None]


def test_goods_of_a_warehouse_the_shop_does_not_sell_from_are_not_its(seller):
    expect(seller, "MUG", 9, place=stock.warehouse())
    promise.refresh()
    assert promised(seller) == [None, None]


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_shows_and_gives_out(seller, desk):
    client = desk()
    expect(seller, "MUG", 2)
    promise.refresh()
    page = client.get(reverse("admin:orders_order_backorders"))
    text = page.content.decode()
    assert [group["title"] for group in page.context["groups"]] == ["MUG", "CUP"]
    assert "nothing on its way" in text
    assert "1 Dec 2099" in text
    by_order = client.get(reverse("admin:orders_order_backorders") + "?by=order&sort=value")
    assert {group["title"] for group in by_order.context["groups"]} == {"#1001", "#1002"}
    put(seller, "MUG", 2)
    page = client.post(reverse("admin:orders_order_backorders_do"), {"do": "all"}, follow=True)
    assert "1 order can be shipped now." in page.content.decode()
    assert seller.order(1).state == "approved"
    page = client.post(reverse("admin:orders_order_backorders_do"), {"do": "all"}, follow=True)
    assert "Nothing has come that completes an order." in page.content.decode()


def test_the_page_and_the_order_say_which_line_comes_from_which_delivery(seller, desk):
    client = desk()
    row = expect(seller, "CUP", 1)
    arrivals.change(arrival_id=row.pk, quantity=Decimal(1), expected_on=DAY, source="PO-7")
    promise.refresh()
    page = client.get(reverse("admin:orders_order_backorders") + "?by=order").content.decode()
    assert "1 from the delivery of 1 Dec 2099 (PO-7)" in page
    assert "whole order: no date yet" in page
    own = client.get(reverse("admin:orders_order_change", args=[seller.order(2).pk])).content.decode()
    assert "promised 1 from the delivery of 1 Dec 2099 (PO-7)" in own
    other = seller.order(1).pk
    assert "PO-7" not in client.get(reverse("admin:orders_order_change", args=[other])).content.decode()


def test_where_a_delivery_comes_to_is_not_told_to_who_does_not_see_the_warehouse(people, seller):
    Access.objects.create(user=people["order_clerk"], all_shops=True, all_warehouses=False)
    client = people.client("order_clerk")
    row = expect(seller, "CUP", 1)
    arrivals.change(arrival_id=row.pk, quantity=Decimal(1), expected_on=DAY, source="PO-7")
    promise.refresh()
    own = client.get(reverse("admin:orders_order_change", args=[seller.order(2).pk])).content.decode()
    assert "promised 1 Dec 2099" in own
    assert "PO-7" not in own
    assert "PO-7" not in client.get(reverse("admin:orders_order_backorders")).content.decode()


def test_the_buyer_sees_but_gives_nothing_out(seller, desk):
    client = desk("buyer")
    put(seller, "MUG", 2)
    page = client.get(reverse("admin:orders_order_backorders"))
    assert page.context["ready"] == 1
    assert "Allocate what came" not in page.content.decode()
    assert client.post(reverse("admin:orders_order_backorders_do"), {"do": "all"}).status_code == 403
    assert seller.order(1).state == "held"


def test_orders_of_other_shops_are_neither_shown_nor_served(people, seller):
    Access.objects.create(user=people["order_clerk"], all_warehouses=True)
    client = people.client("order_clerk")
    put(seller, "MUG", 2)
    page = client.get(reverse("admin:orders_order_backorders"))
    assert (page.context["rows"], page.context["ready"]) == ([], 0)
    client.post(reverse("admin:orders_order_backorders_do"), {"do": "all"})
    assert seller.order(1).state == "held"


def test_the_workbook_holds_every_short_line(seller, desk):
    expect(seller, "MUG", 2)
    answer = desk("buyer").get(reverse("admin:orders_order_backorders_xlsx"))
    book = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
    rows = [[cell.value for cell in row] for row in book.active.iter_rows()]
    assert [(row[0], row[2], row[4], row[13]) for row in rows[1:]] == [
        ("MUG", "#1001", 1, "2099-12-01: 2"), ("MUG", "#1002", 4, "2099-12-01: 2"), ("CUP", "#1002", 1, None),
    ]  # fmt: skip


def test_a_long_queue_costs_what_a_short_one_costs():
    seller = Seller(MUG=0)

    def cost(job) -> int:
        with CaptureQueriesContext(connection) as seen:
            job()
        return len(seen)

    seller.take(*(order(n, line("MUG")) for n in range(5)))
    few = cost(backorders.read)
    seller.take(*(order(n, line("MUG")) for n in range(5, 90)))
    assert cost(backorders.read) == few <= 12
