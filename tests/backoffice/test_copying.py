"""Rows poured into a table are what was sent, on both engines: by COPY on PostgreSQL."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from backoffice import copying
from tests.backoffice.test_bulk import NASTY, Shelf
from tests.backoffice.throwaway import create_table

pytestmark = pytest.mark.django_db
AT = dt.datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def shelves(db):
    create_table(Shelf)


def kept():
    return list(Shelf.objects.order_by("pk").values_list("code", "quantity", "seen_at"))


def test_nasty_text_arrives_as_sent():
    nasty = [*NASTY, "\\N", "\\.", "a\rb", "a\r\nb", "\\t", "{}"]
    copying.pour_rows(Shelf, ["code", "quantity"], [(text, 1000) for text in nasty])
    assert [code for code, _quantity, _at in kept()] == nasty


@pytest.mark.parametrize("text", ["\\N", "plain", "back\\slash"])
def test_a_column_of_one_value_and_shared_columns(text):
    copying.pour_rows(Shelf, ["code"], [(text,)], shared={"quantity": -250, "seen_at": AT})
    assert kept() == [(text, Decimal("-0.25"), AT)]


def test_columns_of_mixed_kinds_and_of_nothing():
    copying.pour_rows(Shelf, ["code", "quantity", "seen_at"], [("a", 1, None), ("b", 2, AT), ("c", 3, None)])
    copying.pour_rows(Shelf, ["code", "quantity", "seen_at"], [("d", 4, None), ("e", 4, None)])
    copying.pour_rows(Shelf, ["code"], [])
    assert [at for _code, _quantity, at in kept()] == [None, AT, None, None, None]


def test_a_row_that_collides_is_refused_whole():
    with pytest.raises(IntegrityError), transaction.atomic():
        copying.pour_rows(Shelf, ["code", "quantity"], [("a", 1), ("b", 1), ("a", 2)])
    assert kept() == []


def test_what_copy_would_not_read_as_meant_is_refused():
    with pytest.raises(TypeError, match="bytes"):
        copying.text_of([(b"x",)])
    assert copying.text_of([(True, 1), (1, None)], ["x", None]) == "x\t\\N\tt\t1\nx\t\\N\t1\t\\N\n"
