"""What a parcel sells: shares that add up, and nothing for what nobody wants any more."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from backoffice.money import round_money
from orders.fulfil.revenue import (
    NOTHING,
    Charges,
    LineMoney,
    PricedLine,
    WarehouseGoods,
    beside,
    sale_lines,
    share,
    taken_apart,
)

D = Decimal
coins = st.integers(0, 10**7).map(lambda n: D(n) / 100)


@given(net=coins, discount=coins, tax=coins, parcels=st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_parcels_of_a_line_sell_together_what_the_line_is_worth(net, discount, tax, parcels):
    money, quantity, sold, booked = LineMoney(net, discount, tax), D(sum(parcels)), D(0), NOTHING
    for units in parcels:
        sold += units
        part = share(money, quantity, sold, booked, 2)
        assert part.paid == round_money(part.paid, 2)
        booked += part
    assert booked == money


def test_units_beyond_what_is_wanted_sell_nothing():
    assert share(LineMoney(D(30), D(3), D(5)), D(1), D(3), LineMoney(D(30), D(3), D(5)), 2) == NOTHING


def test_shipping_is_sold_once_and_the_last_parcel_takes_the_part_of_a_coin_left_over():
    assert beside(D("4.905"), D(0), 2, last=False) == D("4.90")
    assert beside(D("4.905"), D("4.90"), 2, last=False) == 0
    assert beside(D("4.905"), D("4.90"), 2, last=True) == D("0.005")
    assert beside(D(0), D("4.90"), 2, last=True) == 0  # given back meanwhile: the refund says so


def test_goods_that_sell_nothing_still_cost_what_they_cost():
    goods = [WarehouseGoods(1, D(1), D("4.5")), WarehouseGoods(2, D(2), D("9"))]
    rows = sale_lines("MUG", D(3), NOTHING, goods)
    assert [(row.warehouse_id, row.quantity, row.net, row.cost) for row in rows] == [
        (1, D(1), D(0), D("4.5")),
        (2, D(2), D(0), D("9")),
    ]


def test_units_go_by_the_pieces_of_each_warehouse_and_money_by_their_cost():
    goods = [WarehouseGoods(1, D(2), D(8)), WarehouseGoods(2, D(2), D(24))]
    rows = sale_lines("MUG", D(4), LineMoney(D(40), D(0), D(0)), goods)
    assert [(row.quantity, row.net) for row in rows] == [(D(2), D(10)), (D(2), D(30))]


def test_goods_without_a_cost_share_the_money_by_pieces():
    goods = [WarehouseGoods(1, D(1), D(0)), WarehouseGoods(2, D(3), D(0))]
    rows = sale_lines("MUG", D(4), LineMoney(D(40), D(0), D(0)), goods)
    assert [(row.quantity, row.net) for row in rows] == [(D(1), D(10)), (D(3), D(30))]


def test_a_discount_on_the_whole_order_is_spread_over_its_lines():
    charges = Charges(total=D(80), shipping=D(0), fees=D(0), tax=D(0), taxes_included=True)
    money = taken_apart(charges, [PricedLine(1, D(75), D(0), D(0)), PricedLine(2, D(25), D(0), D(0))])
    assert {pk: one.discount for pk, one in money.lines.items()} == {1: D(15), 2: D(5)}
    assert sum(one.paid for one in money.lines.values()) == 80
