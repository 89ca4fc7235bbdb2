"""A document tells the books; nothing that is missing can hold it up."""

import dataclasses
import datetime as dt
from decimal import Decimal as D

import pytest
from django.db import transaction

from finance import facts, posting
from finance.errors import ReferenceReused
from finance.models import PostingRequest, Voucher
from tests.finance.factories import DAY, NOON, line, rate, refund, refund_line, sale, shop

pytestmark = pytest.mark.django_db


def test_a_sale_is_frozen_with_its_rate_and_total():
    rate(value="7.1")
    facts_ = sale("orders.shipment:1", line("90", tax="9", discount="10", cost="30.5"), currency="usd ")
    request = posting.request_sale(sale=facts_)
    assert (request.state, request.rate, request.total, request.currency) == ("due", D("7.1"), D("89.00"), "USD")
    assert (request.occurred_on, request.order_number, request.kind) == (DAY, "#1001", "sale")
    assert facts.sale_from_json(request.frozen["facts"]) == facts_
    assert not Voucher.objects.exists()


def test_a_later_rate_changes_nothing_on_a_frozen_request():
    rate(value="7.1")
    request = posting.request_sale(sale=sale(currency="USD"))
    rate(value="9.9")
    request.refresh_from_db()
    assert request.rate == D("7.1")


def test_the_document_day_is_the_legal_entitys_not_greenwichs():
    late = dt.datetime(2026, 10, 31, 16, 30, tzinfo=dt.UTC)
    assert posting.request_sale(sale=sale(occurred_at=late)).occurred_on == dt.date(2026, 11, 1)


@pytest.mark.parametrize(
    ("values", "state", "code"),
    [
        ({"currency": "USD"}, "waiting_rate", "missing_rate"),
        ({"currency": "QQQ"}, "failed", "unknown_currency"),
        ({"currency": "人民币元人民币元人民币元"}, "failed", "unknown_currency"),
        ({"currency": ""}, "failed", "unknown_currency"),
        ({"shipping_net": D("1e15")}, "failed", "amount_range"),
        ({"shipping_net": D("NaN")}, "failed", "amount_range"),
        ({"shipping_net": D("Infinity")}, "failed", "amount_range"),
    ],
)
def test_whatever_is_missing_or_wrong_the_parcel_goes_and_the_request_says_why(values, state, code):
    request = posting.request_sale(sale=sale(**values))
    assert (request.state, request.error_code) == (state, code)


def test_a_page_of_parcels_takes_a_fixed_number_of_queries(django_assert_max_num_queries):
    page = [sale(f"orders.shipment:{n}") for n in range(100)]
    with django_assert_max_num_queries(9):
        posting.request_sales(sales=page)
    assert PostingRequest.objects.count() == 100


def test_rows_come_back_in_the_order_asked_and_repeats_are_the_first_row():
    first = posting.request_sale(sale=sale("orders.shipment:2"))
    rows = posting.request_sales(sales=[sale("orders.shipment:3"), sale("orders.shipment:2")])
    assert [row.reference for row in rows] == ["orders.shipment:3", "orders.shipment:2"]
    assert rows[1].pk == first.pk


def test_the_same_document_with_other_figures_is_refused():
    posting.request_sale(sale=sale())
    with pytest.raises(ReferenceReused, match="orders.shipment:1"), transaction.atomic():
        posting.request_sale(sale=sale("orders.shipment:1", line("101")))
    assert PostingRequest.objects.get().total == D(100)


def test_a_document_rolled_back_leaves_no_request():
    with transaction.atomic():
        posting.request_sale(sale=sale())
        transaction.set_rollback(True)
    assert not PostingRequest.objects.exists()


def test_money_as_float_is_a_mistake_of_the_caller():
    with pytest.raises(TypeError, match="never float"):
        posting.request_sale(sale=sale("r", line("1", cost=0.1)))


def test_a_refund_freezes_what_the_order_had_sold_until_then():
    posting.request_sale(sale=sale("orders.shipment:1"))
    posting.request_sale(sale=sale("orders.shipment:2", line("20")))
    posting.request_sale(sale=sale("orders.shipment:3", external_id="1002"))
    posting.request_sale(sale=sale("orders.shipment:4", shop_id=shop("S2").pk))
    one = posting.request_refund(refund=refund("orders.refund:1", "30"))
    two = posting.request_refund(refund=refund("orders.refund:2", "30"))
    assert (D(one.frozen["sold"]), D(two.frozen["sold"])) == (D(120), D(90))


def test_refunds_of_one_page_see_each_other():
    posting.request_sale(sale=sale())
    rows = posting.request_refunds(refunds=[refund("orders.refund:1", "60"), refund("orders.refund:2", "60")])
    assert [D(row.frozen["sold"]) for row in rows] == [D(100), D(40)]
    again = posting.request_refunds(refunds=[refund("orders.refund:1", "60"), refund("orders.refund:2", "60")])
    assert [row.pk for row in again] == [row.pk for row in rows]


def test_a_sale_clears_what_was_given_back_before_it_once():
    posting.request_refund(refund=refund("orders.refund:1", "25"))
    rows = posting.request_sales(sales=[sale(f"orders.shipment:{n}", line("20")) for n in range(3)])
    assert [D(row.frozen.get("cleared", 0)) for row in rows] == [20, 5, 0]
    again = posting.request_sale(sale=sale("orders.shipment:0", line("20")))
    assert D(again.frozen["cleared"]) == 20


def test_a_sale_taken_back_leaves_what_it_cleared_to_the_next():
    posting.request_refund(refund=refund("orders.refund:1", "5"))
    posting.request_sale(sale=sale("orders.shipment:1"))
    undone = posting.request_reversal(of="orders.shipment:1", reference="orders.shipment:1/void", occurred_at=NOON)
    assert D(undone.frozen["cleared"]) == -5
    assert D(posting.request_sale(sale=sale("orders.shipment:2")).frozen["cleared"]) == 5


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1e15"])
def test_an_amount_that_is_none_holds_up_no_document_even_with_money_given_before(amount):
    posting.request_refund(refund=refund("orders.refund:1", "5"))
    odd = posting.request_sale(sale=sale("orders.shipment:1", shipping_net=D(amount)))
    back = posting.request_refund(refund=refund("orders.refund:2", amount))
    assert (odd.error_code, back.error_code) == ("amount_range", "amount_range")


def test_money_back_for_goods_that_never_leave_is_no_parcels_refund():
    posting.request_refund(refund=refund("orders.refund:1", "10", never_sold=D(10)))
    assert "cleared" not in posting.request_sale(sale=sale("orders.shipment:1", line("10"))).frozen
    back = posting.request_refund(refund=refund("orders.refund:2", "10"))
    assert D(back.frozen["sold"]) == 10


def test_facts_survive_json():
    facts_ = refund(
        amount="12.34", tax=D("1.20"), lines=(refund_line(amount=D(12)),), goods_back_cost=D("3.5"), warehouse_id=4
    )
    assert facts.refund_from_json(facts.to_json(facts_)) == facts_
    nul = dataclasses.replace(facts_, number="a\0b")
    assert facts.to_json(nul)["number"] == "ab"


def test_equal_facts_have_equal_digests_however_the_numbers_are_written():
    one, other = facts.to_json(sale("r", line("100.00"))), facts.to_json(sale("r", line("1E+2")))
    assert facts.digest(one) == facts.digest(other)
    moved = sale("r", line("100"), occurred_at=NOON.astimezone(dt.timezone(dt.timedelta(hours=8))))
    assert facts.digest(facts.to_json(moved)) == facts.digest(one)
