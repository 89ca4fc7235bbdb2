"""Orders entered by hand come in through intake, once, exact to the last coin; they change while nothing has left."""

import dataclasses
from decimal import Decimal

import pytest

from finance.models import PostingRequest
from orders.contracts import from_json
from orders.desk import actions, baskets, own_orders, usual_prices
from orders.desk.baskets import Basket, BasketLine
from orders.errors import OrderError
from orders.fulfil import shipping
from orders.models import NumberRange, Order
from tests.orders.factories import Seller, line, order

pytestmark = pytest.mark.django_db
WHO = "user:1 li"
ADDRESS = {
    "name": "Ana",
    "line1": "12 Rue",
    "city": "Lyon",
    "postcode": "69001",
    "country": "FR",
    "phone": "0612345678",
}


@pytest.fixture
def seller():
    return Seller(MUG=20, CUP=20)


def goods(seller, code="MUG", quantity="1", price="10", **fields):
    sku = seller.skus[code]
    return BasketLine(
        sku_id=sku.pk, code=code, title=code, quantity=Decimal(quantity), unit_price=Decimal(price), **fields
    )


def basket(*lines, **fields) -> Basket:
    values = {"currency": "EUR", "buyer_name": "Ana", "email": "ana@example.com", "address": ADDRESS, **fields}
    return Basket(lines=lines, **values)


def enter(seller, found, key="k") -> Order:
    taken = own_orders.enter(shop_id=seller.shop.pk, basket=found, key=key, actor=WHO)
    return Order.objects.get(pk=taken.order_id)


def change(found, with_basket, seen=None):
    own_orders.change(
        order_id=found.pk, basket=with_basket, seen_version=seen or found.accepted_version_id, actor="user:2 wu"
    )
    return Order.objects.get(pk=found.pk)


def test_it_is_reviewed_and_reserved_like_any_other(seller):
    found = enter(seller, basket(goods(seller, quantity="2")))
    assert (found.state, found.kind, found.total, found.payment) == ("approved", "manual", 20, "paid")
    assert found.number == f"M-{seller.shop.code}-00001"
    assert seller.buckets("MUG") == (20, 0, 2)


def test_a_second_click_makes_no_second_order_and_takes_no_number(seller):
    first = enter(seller, basket(goods(seller)))
    assert enter(seller, basket(goods(seller), discount=Decimal(1))) == first
    assert enter(seller, basket(goods(seller, "CUP")), key="k2").number.endswith("00002")
    assert NumberRange.objects.get().next == 3


def test_numbers_follow_the_range_of_the_shop(seller):
    NumberRange.objects.create(shop=seller.shop, of="manual", prefix="T-", next=41, digits=3)
    assert enter(seller, basket(goods(seller))).number == "T-041"


def sums(seller, *lines, **fields):
    found = baskets.totals(basket(*lines, **fields), 2)
    return [found.goods, found.discount, found.shipping, found.tax, found.total]


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, ["40", "0", "0", "0", "40"]),
        ({"shipping": Decimal(5)}, ["40", "0", "5", "0", "45"]),
        ({"discount": Decimal(4)}, ["36", "4", "0", "0", "36"]),
        ({"tax_percent": Decimal(20)}, ["40", "0", "0", "6.67", "40"]),
        ({"tax_percent": Decimal(20), "taxes_included": False}, ["40", "0", "0", "8.00", "48.00"]),
        (
            {"tax_percent": Decimal(20), "taxes_included": False, "shipping": Decimal(5), "discount": Decimal("0.01")},
            ["39.99", "0.01", "5", "9.00", "53.99"],
        ),
    ],
)
def test_the_sums(seller, fields, wanted):
    lines = (goods(seller, quantity="3"), goods(seller, "CUP", price="10"))
    assert sums(seller, *lines, **fields) == [Decimal(one) for one in wanted]


def test_a_discount_on_a_line_and_prices_with_fractions(seller):
    lines = (goods(seller, quantity="3", price="3.333"), goods(seller, "CUP", discount=Decimal("2.50")))
    assert sums(seller, *lines) == [Decimal("17.50"), Decimal("2.50"), 0, 0, Decimal("17.50")]


def test_what_is_entered_is_what_the_books_get(seller):
    lines = (goods(seller, quantity="3", price="3.33"), goods(seller, "CUP", price="7.77"))
    fields = {"discount": Decimal(1), "shipping": Decimal(6), "tax_percent": Decimal(19), "taxes_included": False}
    found = enter(seller, basket(*lines, **fields))
    shipping.ship(order_id=found.pk, parcels=[shipping.Parcel()], actor=WHO, idempotency_key="s")
    request = PostingRequest.objects.get()
    facts = request.frozen["facts"]
    assert request.total == found.total == Decimal("27.08")
    tax = sum(Decimal(one["tax"]) for one in facts["lines"]) + Decimal(facts["shipping_tax"])
    assert (tax, found.tax_total, facts["rounding"]) == (found.tax_total, Decimal("4.32"), "0")


@pytest.mark.parametrize(
    ("payment", "state", "kept"),
    [("paid", "approved", "paid"), ("account", "approved", "authorized"), ("pending", "unpaid", "pending")],
)
def test_paid_on_account_or_waiting_for_the_money(seller, payment, state, kept):
    found = enter(seller, basket(goods(seller), payment=payment))
    assert (found.state, found.payment) == (state, kept)


def test_an_unpaid_order_is_paid_by_a_change(seller):
    found = enter(seller, basket(goods(seller), payment="pending"))
    assert change(found, basket(goods(seller), payment="paid")).state == "approved"


def test_a_held_order_is_changed_by_a_new_version_through_intake(seller):
    found = enter(seller, basket(goods(seller, quantity="2"), buyer_note="urgent"))
    assert found.state == "held"
    changed = change(found, basket(goods(seller, number="1"), goods(seller, "CUP", "3", number="2")))
    assert (changed.state, changed.total, changed.number) == ("approved", 40, found.number)
    assert changed.versions.count() == 2
    assert (seller.buckets("MUG"), seller.buckets("CUP")) == ((20, 0, 1), (20, 0, 3))
    assert own_orders.basket_of(changed).lines[1].quantity == 3


def test_after_an_approval_was_undone_the_change_counts_at_once(seller):
    found = enter(seller, basket(goods(seller, quantity="2")))
    actions.undo_approve(order_ids=[found.pk], actor=WHO)
    changed = change(Order.objects.get(pk=found.pk), basket(goods(seller, quantity="5", number="1")))
    assert (changed.state, changed.pending_version_id, changed.total) == ("approved", None, 50)
    assert seller.buckets("MUG") == (20, 0, 5)


def test_of_two_who_change_at_once_the_second_is_told_who_was_first(seller):
    found = enter(seller, basket(goods(seller), buyer_note="urgent"))
    change(found, basket(goods(seller, quantity="2", number="1"), buyer_note="urgent"))
    with pytest.raises(OrderError) as refused:
        change(found, basket(goods(seller, quantity="7", number="1")))
    assert (refused.value.code, Order.objects.get(pk=found.pk).total) == ("changed_meanwhile", 20)
    assert "wu" in str(refused.value)


def test_approved_shipped_and_foreign_orders_are_not_changed(seller):
    found = enter(seller, basket(goods(seller)))
    with pytest.raises(OrderError) as refused:
        change(found, basket(goods(seller, quantity="2")))
    assert refused.value.code == "edit_state"
    seller.take(order(1, line("MUG"), buyer_note="urgent"))
    with pytest.raises(OrderError) as refused:
        change(seller.order(1), basket(goods(seller)))
    assert refused.value.code == "not_own"


def test_a_basket_survives_the_way_there_and_back(seller):
    found = basket(goods(seller, price="1.2345", usual=Decimal(2)), ship_by=order(1).placed_at, discount=Decimal("0.5"))
    assert baskets.from_json(baskets.to_json(found)) == found
    entered = enter(seller, found)
    assert own_orders.basket_of(entered) == found
    assert from_json(entered.accepted_version.content).extra["yiku_kind"] == "manual"


def test_what_cannot_be_stored_is_refused_with_its_field_and_nothing_happens(seller):
    wrong = basket(dataclasses.replace(goods(seller), quantity=Decimal("0.0001")))
    with pytest.raises(OrderError) as refused:
        enter(seller, wrong)
    assert (refused.value.field, Order.objects.count()) == ("lines[0].quantity", 0)
    assert not NumberRange.objects.filter(next__gt=1).exists()


def test_a_sku_that_was_renamed_is_still_found(seller):
    found = basket(goods(seller))
    sku = seller.skus["MUG"]
    sku.code = "MUG-2"
    sku.save()
    assert enter(seller, found).state == "approved"


def test_the_usual_price_is_the_last_of_the_shop_else_the_list_price(seller):
    cup, mug = seller.skus["CUP"], seller.skus["MUG"]
    cup.list_price = Decimal("8.80")
    cup.save()
    seller.take(order(1, line("MUG", unit_price=Decimal("9"), total=Decimal("9"))))
    assert usual_prices.of([cup.pk, mug.pk], seller.shop.pk, "EUR") == {mug.pk: 9}
    assert usual_prices.of([cup.pk, mug.pk], seller.shop.pk, "CNY") == {cup.pk: Decimal("8.80")}
