"""Facts become balanced lines, whatever the facts are."""

import datetime as dt
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finance.facts import RefundFacts, SaleFacts, SaleLine
from finance.posting.drafts import Terms, draft_refund, draft_sale

NOON = dt.datetime(2026, 11, 10, 4, tzinfo=dt.UTC)
CNY = Terms("CNY", 2, D(1), "CNY", 2)
USD = Terms("USD", 2, D("7.1234567891"), "CNY", 2)


def sale(*lines, **values):
    given = {"reference": "r", "shop_id": 1, "external_id": "1", "occurred_at": NOON, "currency": "CNY"}
    return SaleFacts(**{**given, **values, "lines": lines})


def line(net, **values):
    return SaleLine(sku="A", quantity=D(1), net=D(net), **{key: D(value) for key, value in values.items()})


def refund(amount, **values):
    given = {"reference": "r", "shop_id": 1, "external_id": "1", "occurred_at": NOON, "currency": "CNY"}
    return RefundFacts(**{**given, **values, "amount": D(amount)})


def figures(draft):
    return [(line.role, line.base_amount, line.warehouse_id) for line in draft.lines]


def test_a_sale_is_receivable_against_sales_discount_shipping_and_tax_and_costs_per_warehouse():
    lines = (
        SaleLine(sku="A", quantity=D(2), net=D(200), tax=D(26), discount=D(20), cost=D("80.5"), warehouse_id=1),
        SaleLine(sku="B", quantity=D(1), net=D(50), tax=D("6.5"), cost=D("20.25"), warehouse_id=2),
        SaleLine(sku="C", quantity=D(1), net=D(10), cost=D("4"), warehouse_id=1),
    )
    draft = draft_sale(sale(*lines, shipping_net=D(12), shipping_tax=D("1.56")), CNY)
    assert figures(draft) == [
        ("receivable", D("286.06"), None),
        ("sales", D("-260.00"), None),
        ("discount", D("20.00"), None),
        ("shipping_income", D("-12.00"), None),
        ("sales_tax", D("-34.06"), None),
        ("cogs", D("84.50"), 1),
        ("inventory", D("-84.50"), 1),
        ("cogs", D("20.25"), 2),
        ("inventory", D("-20.25"), 2),
    ]
    assert (draft.open_amount, draft.open_base, draft.total) == (D("286.06"), D("286.06"), D("410.81"))


def test_what_conversion_leaves_over_goes_to_the_rounding_account():
    draft = draft_sale(sale(line("0.10", tax="0.10"), shipping_net=D("0.10")), USD)
    assert [(x.role, x.amount, x.base_amount, x.currency, x.rate) for x in draft.lines] == [
        ("receivable", D("0.30"), D("2.14"), "USD", USD.rate),
        ("sales", D("-0.10"), D("-0.71"), "USD", USD.rate),
        ("shipping_income", D("-0.10"), D("-0.71"), "USD", USD.rate),
        ("sales_tax", D("-0.10"), D("-0.71"), "USD", USD.rate),
        ("rounding", D("-0.01"), D("-0.01"), "CNY", D(1)),
    ]


def test_half_a_coin_is_rounded_to_even_and_the_rest_is_booked():
    draft = draft_sale(sale(line("10.005")), CNY)
    assert figures(draft) == [("receivable", D("10.00"), None), ("sales", D("-10.00"), None)]
    draft = draft_sale(sale(line("10.005", tax="0.01")), CNY)
    assert figures(draft) == [
        ("receivable", D("10.02"), None),
        ("sales", D("-10.00"), None),
        ("sales_tax", D("-0.01"), None),
        ("rounding", D("-0.01"), None),
    ]


def test_cash_rounding_of_the_platform_is_booked_as_rounding():
    draft = draft_sale(sale(line("9.98"), rounding=D("0.02")), CNY)
    assert figures(draft)[-1] == ("rounding", D("-0.02"), None)
    assert draft.open_amount == D("10.00")


def test_yen_have_no_coins_and_dinars_have_thousandths():
    yen = draft_sale(sale(line("1500.4")), Terms("JPY", 0, D("0.0472"), "CNY", 2))
    assert (yen.open_amount, yen.open_base) == (D(1500), D("70.80"))
    dinar = draft_sale(sale(line("1.2345")), Terms("KWD", 3, D("23.4567"), "CNY", 2))
    assert (dinar.open_amount, dinar.open_base) == (D("1.234"), D("28.95"))
    books = draft_sale(sale(line("10.55")), Terms("CNY", 2, D("21.3"), "JPY", 0))
    assert figures(books) == [("receivable", D(225), None), ("sales", D(-225), None)]


def test_a_gift_books_only_its_cost():
    draft = draft_sale(sale(SaleLine(sku="A", quantity=D(1), net=D(0), cost=D(7), warehouse_id=3)), CNY)
    assert figures(draft) == [("cogs", D("7.00"), 3), ("inventory", D("-7.00"), 3)]


def test_nothing_gives_no_lines():
    assert draft_sale(sale(line("0")), CNY).lines == ()


def test_a_refund_turns_income_and_tax_back_and_goods_into_stock():
    draft = draft_refund(refund("113", tax=D(13), goods_back_cost=D("40.5"), warehouse_id=2), D(226), CNY)
    assert figures(draft) == [
        ("refunds", D("100.00"), None),
        ("sales_tax", D("13.00"), None),
        ("receivable", D("-113.00"), None),
        ("cogs", D("-40.50"), 2),
        ("inventory", D("40.50"), 2),
    ]
    assert (draft.open_amount, draft.advances) == (D("-113.00"), 0)


def test_money_given_back_beyond_what_was_sold_comes_out_of_the_advances():
    draft = draft_refund(refund("100", tax=D(10)), D(60), CNY)
    assert figures(draft) == [
        ("refunds", D("54.00"), None),
        ("sales_tax", D("6.00"), None),
        ("advances", D("40.00"), None),
        ("receivable", D("-100.00"), None),
    ]
    assert draft.advances == D("40.00")


@pytest.mark.parametrize("sold", ["0", "-5"])
def test_a_refund_before_any_sale_touches_no_income(sold):
    draft = draft_refund(refund("100", tax=D(10)), D(sold), CNY)
    assert figures(draft) == [("advances", D("100.00"), None), ("receivable", D("-100.00"), None)]


money = st.decimals(D("-999999"), D("999999"), places=4)
positive = st.decimals(D(0), D("999999"), places=4)
terms = st.builds(
    Terms,
    currency=st.just("USD"),
    places=st.sampled_from([0, 2, 3]),
    rate=st.decimals(D("0.0000000001"), D("9999"), places=10),
    base=st.just("CNY"),
    base_places=st.sampled_from([0, 2, 3]),
)
sale_lines = st.builds(
    SaleLine,
    sku=st.just("A"),
    quantity=st.just(D(1)),
    net=money,
    tax=money,
    discount=money,
    cost=st.decimals(D(-9999), D(9999), places=6),
    warehouse_id=st.sampled_from([None, 1, 2, 3]),
)


@given(st.lists(sale_lines, max_size=6), money, money, money, terms)
def test_any_sale_balances(lines, shipping_net, shipping_tax, rounding, terms):
    facts = sale(*lines, shipping_net=shipping_net, shipping_tax=shipping_tax, rounding=rounding)
    draft = draft_sale(facts, terms)
    assert draft.balanced
    assert all(x.base_amount and x.amount * x.base_amount > 0 for x in draft.lines)
    assert sum(x.base_amount for x in draft.lines if x.role == "receivable") == draft.open_base


@given(money, money, money, positive, terms)
def test_any_refund_balances(amount, tax, sold, cost, terms):
    draft = draft_refund(refund(amount, tax=tax, goods_back_cost=cost, warehouse_id=1), sold, terms)
    assert draft.balanced
    assert all(x.base_amount and x.amount * x.base_amount > 0 for x in draft.lines)


@given(positive, positive, terms)
def test_a_refund_within_the_sale_never_touches_the_advances(one, other, terms):
    amount, sold = sorted((one, other))
    draft = draft_refund(refund(amount), D(int(sold) + 1), terms)
    assert "advances" not in {x.role for x in draft.lines}
    assert draft.advances == 0
