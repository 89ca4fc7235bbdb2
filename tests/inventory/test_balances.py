"""The guarded UPDATE of the balances: who wrote past the lock is found before anything wrong is written."""

import pytest
from django.db import transaction

from inventory import balances
from inventory.errors import NegativeStock
from inventory.models import Balance, Bucket
from tests.inventory.factories import sku, stock, warehouse

pytestmark = pytest.mark.django_db


def overtaken(item, place):
    """Lock, be written past, save."""
    with transaction.atomic():
        one = balances.lock([(item.pk, place.pk)])[item.pk, place.pk]
        Balance.objects.update(reserved=4)
        one.add(Bucket.RESERVED, 2_000)
        balances.save([one])


def test_a_writer_past_the_lock_makes_the_update_refuse_itself():
    item, place = sku(), warehouse()
    stock(item, place, 5)
    with pytest.raises(NegativeStock):
        overtaken(item, place)
    assert Balance.objects.get().reserved == 0
