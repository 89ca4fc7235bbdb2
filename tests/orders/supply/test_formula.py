"""The mathematics of replenishment: known figures, and what holds for any figures."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.supply import formula
from orders.supply.formula import Demand, Lead, Terms

D = Decimal
demands = st.builds(Demand, st.floats(0, 1_000), st.floats(0, 1_000))
leads = st.builds(Lead, st.floats(0, 200), st.floats(0, 60))
hundredths = st.integers(0, 100_000).map(lambda n: n / 100)
plain_demands = st.builds(Demand, hundredths, hundredths)
plain_leads = st.builds(Lead, hundredths, hundredths)
amounts = st.integers(1, 100_000)
terms = st.builds(
    lambda price, minimum, pack, breaks: Terms(D(price) / 100, D(minimum), D(pack) / 4, tuple(sorted(breaks.items()))),
    st.integers(0, 10_000), st.integers(0, 500), st.integers(1, 200),
    st.dictionaries(st.integers(1, 5_000).map(D), st.integers(0, 10_000).map(lambda cents: D(cents) / 100), max_size=3),
)  # fmt: skip


def test_the_textbook_example():
    """20 a day ± 4, 9 days ± 2, 95 %: √(9 · 16 + 400 · 4) = 41.76, times 1.645 is 68.7."""
    found = formula.levels(Demand(20, 4), Lead(9, 2), formula.z_of(0.95), 14)
    assert (round(found.z, 3), found.safety, found.reorder_point, found.order_up_to) == (1.645, 69, 249, 529)


def test_mean_and_spread_of_days():
    """Ten days: five of 2, five of 4."""
    found = formula.demand(30, 100, 10)
    assert (found.mean, round(found.sd, 6)) == (3, round(math.sqrt(10 / 9), 6))
    assert formula.demand(5, 25, 1) == Demand(5, 0)
    assert formula.demand(0, 0, 0) == Demand(0, 0)
    assert formula.demand(-3, 9, 10).mean == 0


def test_lead_times_are_measured_from_three_on():
    assert formula.lead([8, 10], 14) == Lead(14, 0)
    assert formula.lead([8, 10, 12], 14) == Lead(10, 2, measured=True)


@pytest.mark.parametrize(
    ("missing", "of", "quantity", "why"),
    [
        (0, Terms(D(4)), 0, ""),
        (7, Terms(D(4)), 7, ""),
        ("6.5", Terms(D(4)), 7, "pack"),
        (7, Terms(D(4), minimum=D(24)), 24, "minimum"),
        (30, Terms(D(4), minimum=D(24), pack=D(12)), 36, "pack"),
        (110, Terms(D(4), breaks=((D(120), D("3.5")),)), 120, "break"),  # 440 for 110, 420 for 120
        (100, Terms(D(4), breaks=((D(120), D("3.5")),)), 100, ""),  # 400 for 100
    ],
)
def test_what_is_ordered_for_what_is_missing(missing, of, quantity, why):
    assert formula.quantity(D(missing), of) == (quantity, why)


@given(demands, leads, st.floats(0.5, 0.999), st.floats(0.5, 0.999), st.integers(1, 60))
def test_more_service_is_never_less_safety_stock(of, over, one, other, days):
    less, more = (formula.levels(of, over, formula.z_of(level), days) for level in sorted((one, other)))
    assert 0 <= less.safety <= more.safety
    assert less.safety <= less.reorder_point <= less.order_up_to


@given(demands, leads, st.floats(0.5, 0.999), st.integers(1, 60), st.floats(0, 30), st.floats(0, 500))
def test_more_spread_is_never_less_safety_stock(of, over, level, days, later, wilder):
    z = formula.z_of(level)
    calm = formula.levels(of, over, z, days).safety
    assert calm <= formula.levels(of, Lead(over.mean, over.sd + later), z, days).safety
    assert calm <= formula.levels(Demand(of.mean, of.sd + wilder), over, z, days).safety


@given(amounts, terms)
def test_an_order_is_whole_packs_at_least_the_minimum_and_what_is_missing(missing, of):
    found, _why = formula.quantity(D(missing), of)
    assert found % of.pack == 0
    assert found >= max(of.minimum, D(missing))


@given(amounts, terms)
def test_a_price_break_never_makes_the_order_dearer(missing, of):
    found, why = formula.quantity(D(missing), of)
    plain, _why = formula.quantity(D(missing), Terms(of.price, of.minimum, of.pack))
    if why == "break":
        assert found * of.price_at(found) <= plain * of.price_at(plain)
    else:
        assert found == plain


@given(demands, leads, st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_chance_to_run_out_is_a_share_and_falls_with_what_is_there(of, over, one, other):
    less, more = (formula.chance_to_run_out(D(here), of, over) for here in sorted((one, other)))
    assert 0 <= more <= less <= 1


@given(plain_demands, plain_leads, st.floats(0.5, 0.99))
def test_at_the_reorder_point_the_service_level_holds(of, over, level):
    found = formula.levels(of, over, formula.z_of(level), 1)
    assert formula.chance_to_run_out(found.reorder_point, of, over) <= 1 - level + 1e-6
