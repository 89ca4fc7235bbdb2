"""A little of everything, so that every page has something to show."""

import io
import logging

import pytest

from finance.currencies import seed_currencies
from inventory.models import Access
from tests.security.desk import furnish_desk
from tests.security.house import BUYER, furnish


@pytest.fixture
def house(db):
    """One row at least of what a seller keeps: goods, a shop, an order with its parcel, books, faults."""
    seed_currencies()
    return furnish()


@pytest.fixture
def desk(house):
    """The house with a full order desk in it."""
    furnish_desk(house, BUYER)
    return house


@pytest.fixture
def see(people):
    """A client of a role that sees all shops and warehouses."""

    def client(role):
        Access.objects.get_or_create(user=people[role], defaults={"all_shops": True, "all_warehouses": True})
        return people.client(role)

    return client


@pytest.fixture
def lines():
    """Everything the product logs, as its own handler writes it."""
    handler = next(
        one for one in logging.getLogger().handlers if one.formatter and "Processor" in type(one.formatter).__name__
    )
    mine = logging.StreamHandler(io.StringIO())
    mine.setFormatter(handler.formatter)
    logging.getLogger().addHandler(mine)
    yield mine.stream
    logging.getLogger().removeHandler(mine)
