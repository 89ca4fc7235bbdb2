"""Two warehouses, goods in one of them, and somebody with a phone."""

import itertools
from decimal import Decimal

import pytest

from inventory.floor import doing
from inventory.floor.doing import Wish
from inventory.models import Access, Bin
from tests.inventory.factories import sku, stock, warehouse


@pytest.fixture
def w():
    return warehouse("W")


@pytest.fixture
def other():
    return warehouse("V")


@pytest.fixture
def a(w):
    """Ten of A at 2.00."""
    made = sku("A")
    stock(made, w, 10, "2")
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
    return person()


@pytest.fixture
def phone(w, clerk):
    """One thing done on the clerk's phone."""
    keys = itertools.count(1)

    def do(kind, code="A", quantity=None, user=None, place=None, **fields):
        many = None if quantity is None else Decimal(quantity)
        key = fields.pop("key", None) or f"k{next(keys)}"
        wish = Wish(key=key, kind=kind, code=code, quantity=many, warehouse_id=(place or w).pk, **fields)
        return doing.carry_out(wish=wish, user=user or clerk)

    return do


@pytest.fixture
def plan(w):
    """Bins of the warehouse, filled in this order."""

    def bins(*names):
        for place, name in enumerate(names, 1):
            Bin.objects.create(warehouse=w, name=name, pick_order=10 * place, put_order=place)

    return bins
