"""The pages of the order desk: what each role sees, and that a button does its work once."""

import pytest
from django.urls import reverse

from inventory.models import Access
from orders.models import Order

pytestmark = pytest.mark.django_db


def test_the_list_opens_for_everyone_who_works_with_orders(people):
    for role in ("owner", "order_clerk", "warehouse_clerk", "bookkeeper", "buyer", "auditor"):
        Access.objects.create(user=people[role], all_shops=True, all_warehouses=True)
        assert people.client(role).get(reverse("admin:orders_order_changelist")).status_code == 200
    assert Order.objects.count() == 0
