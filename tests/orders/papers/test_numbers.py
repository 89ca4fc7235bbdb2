"""Check digits as the postal union and GS1 define them; ranges that run low are told of."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.carriers import numbers, ranges
from orders.carriers.base import CarrierError
from orders.models import LabelRange
from tests.orders.papers.factories import offline


@pytest.mark.parametrize("number", ["RR473124829FI", "RB473124829SE", "EE000000005CN"])
def test_numbers_of_the_postal_union(number):
    assert numbers.is_s10(number)
    wrong = number[:10] + str((int(number[10]) + 1) % 10) + number[11:]
    assert not numbers.is_s10(wrong)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 99_999_999))
def test_every_s10_number_we_write_is_one(figure):
    text = numbers.written(prefix="LX", figure=figure, digits=8, suffix="CN", check="s10")
    assert numbers.is_s10(text)
    assert int(text[2:10]) == figure


@pytest.mark.parametrize(("figure", "digit"), [("629104150021", 3), ("400638133393", 1), ("03600029145", 2)])
def test_the_gs1_digit(figure, digit):
    assert numbers.mod10_digit(figure) == digit


def test_a_figure_with_too_many_digits_is_refused():
    with pytest.raises(CarrierError):
        numbers.written(prefix="", figure=1000, digits=3, suffix="", check="none")
    with pytest.raises(CarrierError):
        numbers.written(prefix="LX", figure=1, digits=9, suffix="CN", check="s10")


@pytest.mark.django_db
def test_a_range_that_runs_low_is_listed():
    offline(first=1, last=12)
    assert ranges.low() == []
    LabelRange.objects.update(next=4)
    assert [one.left for one in ranges.low()] == [9]


@pytest.mark.django_db
def test_the_same_request_keeps_its_number():
    book = ranges.Ranges(offline().account_id)
    assert book.give(service="std", key="a") == book.give(service="std", key="a") == "ZT00000001"
    assert book.give(service="std", key="b") == "ZT00000002"
