"""A warehouse with stock, and people who count."""

from decimal import Decimal

import pytest

from inventory.models import Access
from inventory.stocktakes import counting, opening, sheets
from tests.inventory.factories import sku, stock, warehouse

D = Decimal


@pytest.fixture
def w():
    return warehouse("W")


@pytest.fixture
def a(w):
    """Ten of A at 2.00."""
    made = sku("A")
    stock(made, w, 10, "2")
    return made


@pytest.fixture
def b(w):
    """Five of B at 3.00."""
    made = sku("B")
    stock(made, w, 5, "3")
    return made


@pytest.fixture
def person(people):
    """Somebody of a role who sees every warehouse."""

    def named(role="warehouse_clerk"):
        Access.objects.get_or_create(user=people[role], defaults={"all_shops": True, "all_warehouses": True})
        return people[role]

    return named


@pytest.fixture
def clerk(person):
    return person("warehouse_clerk")


@pytest.fixture
def owner(person):
    return person("owner")


@pytest.fixture
def begun(w):
    """Plan and start."""

    def make(user=None, **fields):
        made = opening.plan(warehouse=w, user=user, **fields)
        return opening.start(stocktake_id=made.pk, user=user)

    return make


@pytest.fixture
def say():
    """A figure typed on a phone."""
    keys = iter(range(1, 999))

    def count(stocktake, code, quantity, user=None, **fields):
        key = fields.pop("key", None) or f"k{next(keys)}"
        return counting.count(stocktake_id=stocktake.pk, code=code, quantity=D(quantity), user=user, key=key, **fields)

    return count


@pytest.fixture
def sheet():
    """Read a file and take it."""

    def take(stocktake, file, user=None, **fields):
        read = sheets.preview(stocktake=stocktake, file=file, user=user)
        return sheets.take(sheet_id=read.pk, user=user, **fields)

    return take
