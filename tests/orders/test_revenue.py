"""What a parcel sells: shares that add up, and nothing for what nobody wants any more."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from orders.fulfil.revenue import NOTHING, Charges, LineMoney, PricedLine, sale_lines, share, taken_apart

D = Decimal
coins = st.integers(0, 10**7).map(lambda n: D(n) / 100)


@given(net=coins, discount=coins, tax=coins, parcels=st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_parcels_of_a_line_sell_together_what_the_line_is_worth(net, discount, tax, parcels):
    money, quantity, before = LineMoney(net, discount, tax), D(sum(parcels)), D(0)
    sold = []
    for units in parcels:
        sold.append(share(money, quantity, before, D(units)))
        before += units
    for name in ("net", "discount", "tax"):
        assert sum(getattr(one, name) for one in sold) == getattr(money, name)


def test_units_beyond_what_is_wanted_sell_nothing():
    assert share(LineMoney(D(30), D(3), D(5)), D(1), D(2), D(1)) == NOTHING


def test_goods_that_sell_nothing_still_cost_what_they_cost():
    rows = sale_lines("MUG", D(3), NOTHING, [(1, D("4.5")), (2, D("9"))])
    assert [(row.warehouse_id, row.quantity, row.net, row.cost) for row in rows] == [
        (1, D(1), D(0), D("4.5")),
        (2, D(2), D(0), D("9")),
    ]


def test_a_discount_on_the_whole_order_is_spread_over_its_lines():
    charges = Charges(total=D(80), shipping=D(0), fees=D(0), tax=D(0), taxes_included=True)
    money = taken_apart(charges, [PricedLine(1, D(75), D(0), D(0)), PricedLine(2, D(25), D(0), D(0))])
    assert {pk: one.discount for pk, one in money.lines.items()} == {1: D(15), 2: D(5)}
    assert sum(one.paid for one in money.lines.values()) == 80
