"""Queries that are compiled once give what they would give anew."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db.models import Q

from backoffice.compiled import MOST_IN_A_LIST, Compiled
from inventory.models import Sku, StockPolicy
from tests.inventory import factories as stock

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 20, 8, tzinfo=dt.UTC)


def policies(sku_ids, moment):
    open_ones = Q(valid_to__isnull=True) | Q(valid_to__gt=moment)
    rows = StockPolicy.objects.filter(open_ones, valid_from__lte=moment, sku_id__in=sku_ids).order_by("id")
    return rows.values_list("sku_id", "buffer", "paused", "valid_from")


@pytest.fixture
def skus():
    made = [stock.sku() for _number in range(MOST_IN_A_LIST + 2)]
    for hours, one in enumerate(made):
        since = NOW - dt.timedelta(hours=hours)
        StockPolicy.objects.create(sku=one, buffer=Decimal(hours) / 4, paused=bool(hours % 2), valid_from=since)
    return [one.pk for one in made]


def test_the_rows_are_those_of_the_query_whatever_the_values(skus):
    compiled = Compiled(policies)
    for moment in (NOW, NOW - dt.timedelta(hours=2), NOW + dt.timedelta(days=1)):
        for count in range(1, len(skus) + 1):
            for asked in (skus[:count], skus[-count:], set(skus[:count])):
                wanted = [tuple(row) for row in policies(list(asked), moment)]
                assert [tuple(row) for row in compiled.rows(asked, moment)] == wanted


def test_values_come_back_as_the_fields_have_them(skus):
    (row,) = Compiled(policies).rows([skus[1]], NOW)
    assert row == (skus[1], Decimal("0.25"), True, NOW - dt.timedelta(hours=1))
    assert type(row[2]) is bool
    assert row[3].tzinfo is not None


def test_it_is_built_once_for_a_shape(skus):
    built = []

    def build(sku_ids, moment):
        built.append(len(sku_ids))
        return policies(sku_ids, moment)

    compiled = Compiled(build)
    for _turn in range(3):
        compiled.rows(skus[:2], NOW)
        compiled.rows(skus[:1], NOW)
    assert built == [2, 1]


def test_an_empty_list_finds_nothing(skus):
    assert list(Compiled(policies).rows([], NOW)) == []


def test_texts_are_values_too(skus):
    code = Sku.objects.get(pk=skus[0]).code_key
    compiled = Compiled(lambda key: Sku.objects.filter(code_key=key).values_list("pk"))
    assert list(compiled.rows(code)) == [(skus[0],)]
    assert list(compiled.rows("nobody")) == []


def test_an_argument_that_is_no_value_of_the_query_is_refused(skus):
    def build(sku_id, most):
        return Sku.objects.filter(pk=sku_id).values_list("pk")

    with pytest.raises(ValueError, match="do not appear"):
        Compiled(build).rows(skus[0], 5)
