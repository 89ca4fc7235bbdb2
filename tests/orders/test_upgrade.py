"""What an upgrade does to the orders there are."""

import importlib

import pytest
from django.apps import apps

from orders.models import Order
from tests.orders.factories import Seller, line, order

pytestmark = pytest.mark.django_db
buyer_keys = importlib.import_module("orders.migrations.0004_buyer_keys")


def test_orders_from_before_are_found_by_their_buyer_phone_and_address(monkeypatch):
    monkeypatch.setattr(buyer_keys, "CHUNK", 2)
    seller = Seller(MUG=50)
    seller.take(*(order(number, line("MUG", number)) for number in range(1, 6)))
    kept = list(Order.objects.order_by("pk").values_list("buyer_key", "phone_key", "address_key"))
    Order.objects.update(buyer_key="", phone_key="", address_key="")
    for _again in range(2):
        buyer_keys.fill(apps, None)
    found = list(Order.objects.order_by("pk").values_list("buyer_key", "phone_key", "address_key"))
    assert found == kept
    assert all(all(keys) for keys in found)
