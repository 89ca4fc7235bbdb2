"""Money given back before the goods left: off the sale when they leave, never off it when they do not."""

import datetime as dt
from decimal import Decimal

import pytest

from finance import posting, ratebook
from finance.chart import seed_chart
from finance.models import VoucherLine
from orders.contracts import OrderStatus, PaymentStatus
from orders.fulfil import shipping
from orders.fulfil.shipping import Parcel
from tests.orders.factories import Seller, at, later, line, order, refund

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture
def seller():
    ratebook.set_rate(currency="EUR", on=dt.date(2026, 1, 1), rate=D("8"))
    seed_chart()
    return Seller(MUG=5)


def send(seller, key="k1"):
    """Ship all of order 1."""
    return shipping.ship(order_id=seller.order(1).pk, parcels=[Parcel()], actor="wu", idempotency_key=key)


def balances() -> dict[str, Decimal]:
    """What the accounts come to, in EUR at 8.00, by role."""
    posting.post_due()
    found: dict[str, Decimal] = {}
    for row in VoucherLine.objects.select_related("account"):
        found[row.account.role] = found.get(row.account.role, D(0)) + (row.debit - row.credit) / 8
    return {role: value for role, value in found.items() if value and role not in ("cogs", "inventory")}


def test_money_given_back_for_the_trouble_comes_off_the_sale_as_a_refund(seller):
    first = order(1, line("MUG", 2))
    seller.take(first)
    seller.take(later(first, payment=PaymentStatus.PARTIALLY_REFUNDED, refunds=(refund(1, "5"),)))
    assert balances() == {"advances": 5, "receivable": -5}
    send(seller)
    assert balances() == {"sales": -20, "refunds": 5, "receivable": 15}


def test_a_parcel_taken_back_puts_it_back_in_the_advances(seller):
    first = order(1, line("MUG", 2))
    seller.take(first)
    seller.take(later(first, payment=PaymentStatus.PARTIALLY_REFUNDED, refunds=(refund(1, "5"),)))
    (parcel,) = send(seller)
    shipping.void(shipment_id=parcel.pk, actor="wu")
    assert balances() == {"advances": 5, "receivable": -5}
    send(seller, key="k2")
    assert balances() == {"sales": -20, "refunds": 5, "receivable": 15}


def test_goods_refunded_before_the_rest_left_were_never_sold(seller):
    first = order(1, line("MUG", 2))
    seller.take(first)
    cut = (line("MUG", 1, ordered_quantity=D(2)),)
    back = refund(1, "10", ("1", "1"))
    seller.take(later(first, lines=cut, payment=PaymentStatus.PARTIALLY_REFUNDED, refunds=(back,)))
    send(seller)
    assert balances() == {"sales": -10, "advances": 10}


def test_an_order_cancelled_and_refunded_in_full_sells_nothing(seller):
    first = order(1, line("MUG", 2))
    seller.take(first)
    ended = {"status": OrderStatus.CANCELLED, "cancelled_at": at(10), "payment": PaymentStatus.REFUNDED}
    seller.take(later(first, refunds=(refund(1, "20", ("1", "2")),), **ended))
    assert seller.order(1).state == "cancelled"
    assert balances() == {"advances": 20, "receivable": -20}


def test_goods_that_never_left_take_nothing_from_what_another_parcel_sold(seller):
    first = order(1, line("MUG", 3))
    seller.take(first)
    one = Parcel(lines={seller.lines(1)[0].pk: D(1)})
    shipping.ship(order_id=seller.order(1).pk, parcels=[one], actor="wu", idempotency_key="k1")
    cut = line("MUG", 2, ordered_quantity=D(3))
    back = refund(1, "10", ("1", "1"))
    seller.take(later(first, lines=(cut,), payment=PaymentStatus.PARTIALLY_REFUNDED, refunds=(back,)))
    assert balances() == {"sales": -10, "advances": 10}
    send(seller, key="k2")
    assert balances() == {"sales": -20, "advances": 10, "receivable": 10}
