"""What the tests of costing share: both methods, and what must hold of the layers."""

from decimal import Decimal

import pytest

from inventory.costing import method
from inventory.models import Balance, CostLayer, CostSetting, LayerUse, StockEntry
from tests.inventory.invariants import broken

D = Decimal


def use(name):
    """Value goods by this method from now on."""
    row = method.setting()
    if row.method != name:
        method.change_now(method=name, turn=row.turn, user=None)


@pytest.fixture
def fifo(db):
    """First in, first out."""
    use("fifo")


@pytest.fixture(params=["average", "fifo"])
def either(request, db):
    """Each of the methods."""
    use(request.param)
    return request.param


def unsound():
    """Every broken promise of stock, value and layers, as sentences."""
    found = broken()
    layered = CostSetting.objects.filter(method="fifo").exists()
    sums = {}
    for one in CostLayer.objects.all():
        quantity, value = sums.get((one.sku_id, one.warehouse_id), (D(0), D(0)))
        sums[one.sku_id, one.warehouse_id] = (quantity + one.quantity, value + one.value)
        uses = list(LayerUse.objects.filter(layer=one))
        left = one.opened_quantity - sum(u.quantity for u in uses), one.opened_value - sum(u.value for u in uses)
        if left != (one.quantity, one.value):
            found.append(f"{one} is {one.quantity}/{one.value}, its uses say {left}")
    for row in Balance.objects.all():
        have = sums.pop((row.sku_id, row.warehouse_id), (D(0), D(0)))
        if have != ((row.on_hand, row.value) if layered else (D(0), D(0))):
            found.append(f"{row} worth {row.value}: its layers say {have}")
    return found + [f"layers of {pair} without a balance" for pair in sums]


def values(*keys):
    """The values of entries, by key."""
    return [StockEntry.objects.get(key=key).value for key in keys]
