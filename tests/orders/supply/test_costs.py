"""Freight, duty and late invoices: shared exactly, followed to what is there and what is gone, booked once, undone."""

import datetime as dt
from decimal import Decimal

import pytest
from django.urls import reverse

from finance import posting
from finance.models import Period, PostingRequest, Voucher, VoucherLine
from finance.posting.months import book_day, month_of
from inventory import moving, reservations
from inventory.costing import method
from inventory.models import Access, Balance, CostSetting, Sku, StockEntry
from orders.models import CostDocument, CostEffect
from orders.supply import invoicing
from orders.supply.costs import booking, drafting, receipts
from orders.supply.costs.drafting import Charge
from orders.supply.errors import SupplyError
from tests.inventory import factories as stock
from tests.inventory.costing.conftest import unsound
from tests.orders.supply.conftest import LI

D = Decimal
pytestmark = pytest.mark.django_db


def charge(amount, **fields):
    return Charge(kind="freight", amount=D(amount), currency="CNY", dated=dt.date(2026, 11, 1), **fields)


def shared(order, amount, once="a", keys=None, **fields):
    found = [one.entry_key for one in receipts.of_orders([order.pk])]
    by_hand = fields.pop("by_hand", None)
    return drafting.draft(
        order_ids=[order.pk], entry_keys=keys or found, charge=charge(amount, **fields), actor=LI, once=once,
        by_hand=by_hand,
    )  # fmt: skip


def parts(document):
    return [(one.sku.code, one.share) for one in document.lines.select_related("sku").order_by("pk")]


def sold(buyer, pieces, reference="orders.line:1", sku=None):
    """Mugs leave for an order line."""
    sku = sku or buyer.mug
    reservations.reserve(wants=[stock.want(reference, sku, pieces, buyer.place)])
    reservations.consume(items=[(reference, sku.pk, buyer.place.pk, D(pieces))], document=f"p:{reference}")


def value(buyer, sku=None):
    return Balance.objects.get(sku=sku or buyer.mug, warehouse=buyer.place).value


def booked():
    posting.post_due()
    rows = VoucherLine.objects.filter(voucher__kind="cost").order_by("voucher", "position")
    return [(one.account.role, one.debit - one.credit) for one in rows.select_related("account")]


@pytest.mark.parametrize(
    ("basis", "expected"),
    [("value", [("MUG", D("8.28")), ("CUP", D("1.72"))]), ("quantity", [("MUG", D("7.06")), ("CUP", D("2.94"))]),
     ("weight", [("MUG", D("8.78")), ("CUP", D("1.22"))]), ("volume", [("MUG", D("5.45")), ("CUP", D("4.55"))])],
)  # fmt: skip
def test_an_amount_is_shared_to_the_last_coin(buyer, came, basis, expected):
    Sku.objects.filter(pk=buyer.mug.pk).update(weight_g=300, length_mm=10, width_mm=10, height_mm=5)
    Sku.objects.filter(pk=buyer.cup.pk).update(weight_g=100, length_mm=10, width_mm=10, height_mm=10)
    made = shared(came, 10, basis=basis)
    assert parts(made) == expected
    assert sum(share for _code, share in expected) == made.base_amount == 10


def test_a_coin_that_rounding_leaves_goes_where_most_was_cut_off(buyer, came):
    made = shared(came, "0.03", basis="quantity")
    assert parts(made) == [("MUG", D("0.02")), ("CUP", D("0.01"))]
    assert sum(share for _code, share in parts(shared(came, "-0.01", once="b"))) == D("-0.01")


def test_a_sku_without_weight_is_named_and_nothing_is_made(buyer, came):
    Sku.objects.filter(pk=buyer.mug.pk).update(weight_g=300)
    for basis, code in (("weight", "no_weight"), ("volume", "no_size")):
        with pytest.raises(SupplyError, match="CUP has no" if basis == "weight" else "MUG has no") as refusal:
            shared(came, 10, basis=basis)
        assert refusal.value.code == code
    assert not CostDocument.objects.exists()


def test_amounts_by_hand_must_add_up(buyer, came):
    keys = [one.entry_key for one in receipts.of_orders([came.pk])]
    with pytest.raises(SupplyError, match="add up to 9, not to 10"):
        shared(came, 10, basis="hand", by_hand={keys[0]: D(9)})
    assert parts(shared(came, 10, basis="hand", by_hand={keys[0]: D(9), keys[1]: D(1)})) == [("MUG", 9), ("CUP", 1)]


def test_the_same_click_makes_one_draft_and_books_nothing(buyer, came):
    assert shared(came, 10).pk == shared(came, 10).pk
    assert (CostDocument.objects.count(), value(buyer)) == (1, 96)


def test_goods_still_there_are_worth_more_and_what_is_gone_is_a_cost_difference(buyer, came):
    sold(buyer, 6)
    made = shared(came, 24, keys=[one.entry_key for one in receipts.of_orders([came.pk]) if one.sku == buyer.mug])
    shown = booking.preview(made)
    assert (shown.kept_amount, shown.gone_amount) == (18, 6)
    assert [(one.reference, one.pieces, one.amount) for one in shown.gone] == [("orders.line:1", 6, 6)]
    booking.book(document_id=made.pk, actor=LI, shown=shown.kept_amount)
    assert value(buyer) == 72 + 18
    assert booked() == [("cost_differences", 6), ("inventory", -6)]
    assert sorted(CostEffect.objects.values_list("kind", "amount")) == [("difference", 6), ("stock", 18)]
    assert unsound() == []


def test_booked_twice_it_is_booked_once(buyer, came):
    made = shared(came, 10)
    for _click in range(2):
        booking.book(document_id=made.pk, actor=LI)
    assert (value(buyer), StockEntry.objects.filter(reason="revaluation").count()) == (D("104.28"), 2)
    assert CostEffect.objects.count() == 2


def test_goods_that_moved_since_the_preview_are_looked_at_again(buyer, came):
    made = shared(came, 24)
    shown = booking.preview(made).kept_amount
    sold(buyer, 6)
    with pytest.raises(SupplyError, match="moved since this page was shown"):
        booking.book(document_id=made.pk, actor=LI, shown=shown)
    assert (value(buyer), CostDocument.objects.get().state) == (72, "draft")
    assert not PostingRequest.objects.filter(kind="cost").exists()


def test_undone_everything_is_as_it_was_and_a_second_undo_is_refused(buyer, came):
    sold(buyer, 6)
    made = shared(came, 34, basis="quantity")
    booking.book(document_id=made.pk, actor=LI)
    sold(buyer, 6, "orders.line:2")  # leaves with its part of the cost
    booking.undo(document_id=made.pk, actor=LI)
    assert (value(buyer), value(buyer, buyer.cup)) == (48, 20)
    assert sum(amount for _role, amount in booked() if _role == "cost_differences") == -6
    with pytest.raises(SupplyError, match="Undone"):
        booking.undo(document_id=made.pk, actor=LI)
    assert unsound() == []


def test_what_a_transfer_carried_on_is_found_there(buyer, came):
    there = stock.warehouse("SH")
    moving.move(
        key="m", sku_id=buyer.mug.pk, quantity=D(8), origin_id=buyer.place.pk, destination_id=there.pk, reference="t"
    )
    made = shared(came, 24, keys=[one.entry_key for one in receipts.of_orders([came.pk]) if one.sku == buyer.mug])
    shown = booking.preview(made)
    assert sorted((one.warehouse_id, one.amount) for one in shown.kept) == [(buyer.place.pk, 16), (there.pk, 8)]
    assert [(one.reference, one.amount) for one in shown.carried] == [("t", 8)]
    booking.book(document_id=made.pk, actor=LI)
    assert Balance.objects.get(warehouse=there).value == 40
    assert unsound() == []


def test_goods_a_buyer_sent_back_are_there_again(buyer, came):
    sold(buyer, 6)
    back = reservations.PutBack(
        reference="orders.line:1", sku_id=buyer.mug.pk, warehouse_id=buyer.place.pk, quantity=D(6), value=D(24),
        source=reservations.out_key("p:orders.line:1", ("orders.line:1", buyer.mug.pk, buyer.place.pk)),
    )  # fmt: skip
    reservations.put_back(items=[back], document="r")
    made = shared(came, 24, keys=[one.entry_key for one in receipts.of_orders([came.pk]) if one.sku == buyer.mug])
    assert booking.preview(made).gone == ()


# --- late invoices ---------------------------------------------------------------------------------------------------


def invoiced(buyer, order, price, pieces=24):
    return invoicing.note_invoice(
        order_id=order.pk, number="INV-1", issued_on=dt.date(2026, 11, 5), actor=LI,
        rows={buyer.line(order).pk: (D(pieces), D(price))},
    )  # fmt: skip


def test_an_invoice_that_asks_more_makes_goods_dearer_once(buyer, came):
    sold(buyer, 6)
    made = drafting.from_invoice(invoice_id=invoiced(buyer, came, "4.5").pk, actor=LI)
    assert (made.base_amount, parts(made)) == (12, [("MUG", 12)])
    assert drafting.from_invoice(invoice_id=made.invoice_id, actor=LI).pk == made.pk
    booking.book(document_id=made.pk, actor=LI)
    assert value(buyer) == 72 + 9
    assert booked() == [("cost_differences", 3), ("inventory", -3)]


def test_an_invoice_that_asks_less_makes_goods_cheaper(buyer, came):
    sold(buyer, 6)
    made = drafting.from_invoice(invoice_id=invoiced(buyer, came, "3.5").pk, actor=LI)
    booking.book(document_id=made.pk, actor=LI)
    assert value(buyer) == 72 - 9
    assert booked() == [("inventory", 3), ("cost_differences", -3)] or booked() == [
        ("cost_differences", -3), ("inventory", 3)
    ]  # fmt: skip


def test_an_invoice_at_the_agreed_price_moves_no_cost(buyer, came):
    note = invoiced(buyer, came, 4)
    with pytest.raises(SupplyError, match="agreed"):
        drafting.from_invoice(invoice_id=note.pk, actor=LI)
    assert not CostDocument.objects.exists()


# --- the policy ------------------------------------------------------------------------------------------------------


def restate():
    row = method.setting()
    method.choose(method=row.method, late=CostSetting.Late.RESTATE, user=None)


def test_by_policy_the_sold_cost_of_open_months_is_restated_and_closed_months_stay(buyer, came, monkeypatch):
    monkeypatch.setattr(booking, "shops_of", lambda gone: {one.reference: shop.pk for one in gone})
    shop = stock.shop(buyer.place)
    restate()
    from backoffice import clock

    now = clock.now()
    months = {}
    for number, days in enumerate((1, 70)):
        reference = f"orders.line:{number + 1}"
        reservations.reserve(wants=[stock.want(reference, buyer.mug, 6, buyer.place)])
        when = now - dt.timedelta(days=days)
        reservations.consume(
            items=[(reference, buyer.mug.pk, buyer.place.pk, D(6))], document=f"p{number}", occurred_at=when
        )
        months[number] = month_of(book_day(when))
    Period.objects.create(month=months[1], closed_at=now)
    made = shared(came, 24, keys=[one.entry_key for one in receipts.of_orders([came.pk]) if one.sku == buyer.mug])
    booking.book(document_id=made.pk, actor=LI)
    assert sorted(booked()) == [("cogs", 6), ("cost_differences", 6), ("inventory", -6), ("inventory", -6)]
    assert {(one.kind, one.month) for one in CostEffect.objects.exclude(kind="stock")} == {
        ("sold", months[0]), ("difference", months[1])
    }  # fmt: skip
    closed = Voucher.objects.filter(period__month=months[1])
    assert not closed.exists()
    assert Voucher.objects.get(shop=shop).period.month == months[0]


# --- pages -----------------------------------------------------------------------------------------------------------


def test_a_cost_is_shared_looked_at_and_booked_in_the_browser(buyer, came, people):
    Access.objects.create(user=people["owner"], all_shops=True, all_warehouses=True)
    client = people.client("owner")
    new = reverse("admin:orders_costdocument_new")
    assert "MUG" in client.get(new, {"orders": came.number}).content.decode()
    keys = [one.entry_key for one in receipts.of_orders([came.pk])]
    typed = {"orders": came.number, "receipt": keys, "kind": "freight", "amount": "10", "currency": "CNY",
             "basis": "weight", "dated": "2026-11-01", "once": "x"}  # fmt: skip
    assert "MUG has no weight" in client.post(new, typed).content.decode()
    answer = client.post(new, {**typed, "basis": "value"})
    made = CostDocument.objects.get()
    page = client.get(answer.url).content.decode()
    assert ("8.28" in page, "Still there" in page) == (True, True)
    do = reverse("admin:orders_costdocument_do", args=[made.pk])
    client.post(do, {"do": "book", "shown": "10"})
    assert value(buyer) == D("104.28")
    client.post(do, {"do": "undo"})
    assert value(buyer) == 96
    assert client.get(reverse("admin:orders_costdocument_xlsx", args=[made.pk])).status_code == 200


def test_the_invoice_button_leads_to_the_preview(buyer, came, people):
    Access.objects.create(user=people["owner"], all_shops=True, all_warehouses=True)
    note = invoiced(buyer, came, "4.5")
    client = people.client("owner")
    assert "into costs" in client.get(reverse("admin:orders_purchaseorder_change", args=[came.pk])).content.decode()
    do = reverse("admin:orders_purchaseorder_do", args=[came.pk])
    answer = client.post(do, {"do": "cost", "invoice": note.pk})
    assert answer.url == reverse("admin:orders_costdocument_change", args=[CostDocument.objects.get().pk])


def test_who_may_not_book_is_refused_and_other_warehouses_are_not_there(buyer, came, people):
    made = shared(came, 10)
    do = reverse("admin:orders_costdocument_do", args=[made.pk])
    Access.objects.create(user=people["buyer"], all_shops=True, all_warehouses=True)
    assert people.client("buyer").post(do, {"do": "book", "shown": "10"}).status_code == 403
    Access.objects.create(user=people["bookkeeper"], all_shops=True).warehouses.add(stock.warehouse())
    assert people.client("bookkeeper").post(do, {"do": "book", "shown": "10"}).status_code == 404
    assert value(buyer) == 96
