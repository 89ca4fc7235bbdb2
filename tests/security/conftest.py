"""A little of everything, so that every page has something to show."""

import pytest

from finance.currencies import seed_currencies
from inventory.models import Access
from tests.security.house import furnish


@pytest.fixture
def house(db):
    """One row at least of what a seller keeps: goods, a shop, an order with its parcel, books, faults."""
    seed_currencies()
    return furnish()


@pytest.fixture
def see(people):
    """A client of a role that sees all shops and warehouses."""

    def client(role):
        Access.objects.get_or_create(user=people[role], defaults={"all_shops": True, "all_warehouses": True})
        return people.client(role)

    return client
