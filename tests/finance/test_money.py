"""Rounding in one place, and shares that add up."""

from decimal import Decimal as D
from decimal import localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.money import allocate, coin, convert, round_money


@pytest.mark.parametrize(
    ("amount", "places", "expected"),
    [
        ("0.005", 2, "0.00"),
        ("0.015", 2, "0.02"),
        ("0.025", 2, "0.02"),
        ("-0.015", 2, "-0.02"),
        ("2.5", 0, "2"),
        ("3.5", 0, "4"),
        ("0.0005", 3, "0.000"),
        ("0.0015", 3, "0.002"),
        ("1234567890123.455", 2, "1234567890123.46"),
    ],
)
def test_ties_are_rounded_to_even_at_the_currencys_places(amount, places, expected):
    assert str(round_money(D(amount), places)) == expected


def test_a_rounded_amount_is_never_minus_zero():
    assert str(round_money(D("-0.001"), 2)) == "0.00"


def test_a_coin_is_the_smallest_amount():
    assert [str(coin(places)) for places in (0, 2, 3)] == ["1", "0.01", "0.001"]


def test_an_amount_is_converted_exactly_and_rounded_once():
    assert convert(D("19.99"), D("7.1234567891"), 2) == D("142.40")
    with localcontext() as context:
        context.prec = 4
        assert convert(D("123456.78"), D("7.1234567891"), 2) == D("879439.04")


@pytest.mark.parametrize(
    ("amount", "weights", "places", "expected"),
    [
        ("10.00", "1 1 1", 2, "3.34 3.33 3.33"),
        ("-10.00", "1 1 1", 2, "-3.34 -3.33 -3.33"),
        ("0.01", "1 1", 2, "0.01 0.00"),
        ("100", "0 3 0", 2, "0.00 100.00 0.00"),
        ("100", "1 2", 0, "33 67"),
        ("1.000", "1 1 1", 3, "0.334 0.333 0.333"),
        ("9.99", "0 0 0", 2, "3.33 3.33 3.33"),
        ("0", "5 7", 2, "0.00 0.00"),
        ("0.005", "1 3", 2, "0.005 0.00"),
        ("5", "20 30 50", 2, "1.00 1.50 2.50"),
    ],
)
def test_shares_are_whole_coins_by_largest_remainder(amount, weights, places, expected):
    shares = allocate(D(amount), [D(weight) for weight in weights.split()], places)
    assert shares == [D(share) for share in expected.split()]


@pytest.mark.parametrize("weights", [[], [D(1), D(-1)]])
def test_no_weights_and_negative_weights_are_refused(weights):
    with pytest.raises(ValueError, match="at least one weight"):
        allocate(D(1), weights)


amounts = st.decimals(D("-99999999"), D("99999999"), places=4)
weights = st.lists(st.decimals(0, D("999999"), places=4), min_size=1, max_size=12)


@given(amounts, weights, st.integers(0, 4))
def test_shares_always_add_up_and_stay_within_a_coin_of_their_due(amount, weights, places):
    shares = allocate(amount, weights, places)
    total = sum(weights)
    assert sum(shares) == amount
    for share, weight in zip(shares, weights, strict=True):
        due = amount * weight / total if total else amount / len(weights)
        assert abs(share - due) < 2 * coin(places)
        assert weight or not total or share == 0


@given(amounts, weights)
def test_equal_input_gives_equal_shares_and_the_mirror_gives_the_mirror(amount, weights):
    assert allocate(amount, weights) == allocate(amount, weights)
    assert allocate(-amount, weights) == [-share for share in allocate(amount, weights)]
