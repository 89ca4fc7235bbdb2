"""The parcels of an order book together what the order comes to, whatever happens between them."""

from decimal import Decimal

import pytest

from backoffice.money import round_money
from finance import facts
from finance.models import PostingRequest
from orders.desk import actions
from orders.fulfil import shipping
from orders.fulfil.shipping import Parcel
from tests.inventory import factories as stock
from tests.orders.factories import Seller, later, line, order, parcel

pytestmark = pytest.mark.django_db

D = Decimal


def send(seller, *parcels, key="k1"):
    """Ship order 1 here."""
    return shipping.ship(order_id=seller.order(1).pk, parcels=parcels or [Parcel()], actor="wu", idempotency_key=key)


def some(seller, **units):
    """A parcel with units of lines by SKU."""
    lines = {one.sku_code: one.pk for one in seller.lines(1)}
    return Parcel(lines={lines[code]: D(number) for code, number in units.items()})


def sales() -> list[facts.SaleFacts]:
    """What was told to the books, oldest first."""
    return [facts.sale_from_json(row.frozen["facts"]) for row in PostingRequest.objects.order_by("pk")]


def booked() -> Decimal:
    """What the order's parcels come to in the books: each parcel in whole coins."""
    rows = PostingRequest.objects.values_list("kind", "total")
    return sum((-total if kind == "reversal" else total for kind, total in rows), D(0))


@pytest.mark.parametrize(("currency", "total", "places"), [("EUR", "10", 2), ("JPY", "100", 0)])
def test_three_parcels_of_a_price_that_does_not_divide(currency, total, places):
    seller = Seller(MUG=5)
    price = D(total) / 3
    goods = line("MUG", 3, unit_price=price.quantize(D("0.0001")), total=D(total))
    seller.take(order(1, goods, currency=currency))
    one = some(seller, MUG=1)
    send(seller, one, one, one)
    assert booked() == D(total)
    assert all(sale.total == round_money(sale.total, places) for sale in sales())


def test_parts_of_a_coin_of_a_line_sent_before_go_on_the_last_parcel():
    seller = Seller(MUG=5, CUP=5)
    half = {"unit_price": D("1.005"), "total": D("1.005")}
    seller.take(order(1, line("MUG", 1, 1, **half), line("CUP", 1, 2, **half)))
    send(seller, some(seller, MUG=1), some(seller, CUP=1))
    assert booked() == D("2.01")


def test_a_parcel_taken_back_and_sent_again_sells_the_shipping_again():
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG", 2), total=D("24.90"), shipping_total=D("4.90")))
    first, _second = send(seller, some(seller, MUG=1), Parcel())
    shipping.void(shipment_id=first.pk, actor="wu")
    send(seller, key="k2")
    assert seller.order(1).state == "shipped"
    assert booked() == D("24.90")


def test_a_discount_accepted_between_parcels_counts_from_the_next_one():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 3))
    seller.take(first)
    send(seller, some(seller, MUG=1))
    seller.take(later(first, lines=(line("MUG", 3, discount=D(6), total=D(24)),)))
    actions.accept_edit(order_ids=[seller.order(1).pk], actor="wu")
    send(seller, key="k2")
    assert booked() == D(24)


def test_a_discount_on_a_line_that_has_left_goes_on_the_last_parcel():
    seller = Seller(MUG=5, CUP=5)
    first = order(1, line("MUG", 1, 1), line("CUP", 1, 2))
    seller.take(first)
    send(seller, some(seller, MUG=1))
    seller.take(later(first, lines=(line("MUG", 1, 1, discount=D(2), total=D(8)), line("CUP", 1, 2))))
    actions.accept_edit(order_ids=[seller.order(1).pk], actor="wu")
    send(seller, key="k2")
    assert booked() == D(18)
    assert [(row.sku, row.quantity, row.discount) for row in sales()[1].lines] == [("CUP", 1, 0), ("MUG", 0, 2)]


def test_goods_sent_and_then_cut_are_not_taken_out_of_the_sales_again():
    seller = Seller(MUG=5, CUP=5)
    first = order(1, line("MUG", 1, 1), line("CUP", 1, 2))
    seller.take(first)
    send(seller, some(seller, MUG=1))
    cut = line("MUG", 0, 1, ordered_quantity=D(1))
    second = later(first, lines=(cut, line("CUP", 1, 2)))
    seller.take(second)
    seller.take(later(second, fulfilments=(parcel(1, ("1", "1")), parcel(2, ("2", "1")))))
    assert booked() == D(20)  # what is given back for the mug comes as a refund


def test_two_lines_of_one_sku_are_told_apart():
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG", 1, 1), line("MUG", 2, 2, unit_price=D(7), total=D(14))))
    one, two = seller.lines(1)
    send(seller, Parcel(lines={two.pk: D(1)}))
    send(seller, Parcel(lines={one.pk: D(1)}), key="k2")
    send(seller, key="k3")
    assert [sale.total for sale in sales()] == [D(7), D(10), D(7)]


def test_parcels_booked_before_lines_had_names_count_by_their_sku():
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG", 2)))
    send(seller, some(seller, MUG=1))
    request = PostingRequest.objects.get()
    del request.frozen["facts"]["lines"][0]["reference"]
    request.save()
    send(seller, key="k2")
    assert booked() == D(20)


def test_units_of_each_warehouse_are_what_left_there():
    seller = Seller(warehouses=2, MUG=2)
    stock.stock(seller.skus["MUG"], seller.places[1], 2, "12")
    seller.take(order(1, line("MUG", 4)))
    if seller.order(1).state == "held":
        actions.split_by_stock(order_ids=[seller.order(1).pk], actor="wu")
    send(seller)
    assert [row.quantity for row in sales()[0].lines] == [D(2), D(2)]
