"""What the page tests share: a shop with two orders of one buyer, and people who look at them."""

import pytest

from tests.orders.changes.looking import ANA, client_of
from tests.orders.factories import Seller, line, order


@pytest.fixture
def seller() -> Seller:
    made = Seller(MUG=50, CUP=50)
    made.take(order(1, line("MUG", 2), buyer=ANA), order(2, line("CUP", 3), buyer=ANA))
    return made


@pytest.fixture
def clerk(people):
    return client_of(people, "order_clerk")
