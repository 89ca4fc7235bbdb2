"""Goods that come back are of the lots that were sent, wherever the decision puts them."""

from decimal import Decimal

import pytest

from inventory.lots import switching
from inventory.lots.switching import Present
from inventory.models import LotMovement, Tracking, Warehouse
from tests.inventory.lots.conftest import apart, lots
from tests.orders.factories import line

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def back(seller):
    """Three mugs, of lots A (one) and B (two), were sent and came back."""
    mug, place = seller.skus["MUG"], seller.place
    present = [Present(place.pk, "A", D(1)), Present(place.pk, "B", D(9))]
    switching.turn(sku_id=mug.pk, tracking=Tracking.LOT, present=present)
    seller.sent(1, line("MUG", 3))
    assert lots(mug, place) == {"B": D(7)}
    seller.found = seller.rma(1, "3")
    seller.receive(seller.found)
    return seller


def test_what_is_put_back_on_the_shelf_is_of_its_lots(back):
    back.decide(back.found, ("restock", 3))
    assert lots(back.skus["MUG"], back.place) == {"A": D(1), "B": D(9)}
    assert apart() == []


def test_what_is_scrapped_takes_the_very_lots_that_came_back(back):
    back.decide(back.found, ("damaged", 1))
    back.decide(back.found, ("scrap", 2))
    aside = Warehouse.objects.get(code__contains="-Q")
    assert lots(back.skus["MUG"], aside) == {"A": D(1)}
    scrapped = LotMovement.objects.filter(reason="damaged")
    assert {(one.lot.number, one.quantity) for one in scrapped} == {("B", D(-2))}
    assert apart() == []
