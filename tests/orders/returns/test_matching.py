"""Refunds of a platform beside returns that are open: which goods go on the shelf at once."""

import pytest

from orders.fulfil import shipping
from orders.models import Return
from tests.orders.factories import Seller, line, order, refund
from tests.orders.factories import later as newer

pytestmark = pytest.mark.django_db


def test_other_goods_of_a_line_that_the_platform_restocks_go_on_the_shelf_while_some_are_still_expected():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 3))
    seller.take(first)
    shipping.ship(order_id=seller.order(1).pk, parcels=[shipping.Parcel()], actor="u", idempotency_key="1")
    one = newer(first, refunds=(refund(1, "10", ("1", "1")),))
    seller.take(one)
    assert Return.objects.get().lines.get().quantity == 1
    seller.take(newer(one, refunds=(*one.refunds, refund(2, "10", ("1", "1"), restock=True))))
    assert seller.buckets("MUG")[0] == 3
