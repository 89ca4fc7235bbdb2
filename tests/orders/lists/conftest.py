"""A clerk and a buyer who see all shops."""

import pytest

from inventory.models import Access


@pytest.fixture
def desk(people):
    """Return a client for a role that sees every shop and warehouse: `desk("order_clerk")`."""

    def client(role="order_clerk"):
        Access.objects.get_or_create(user=people[role], defaults={"all_shops": True, "all_warehouses": True})
        return people.client(role)

    return client
