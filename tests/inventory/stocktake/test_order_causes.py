"""Causes only orders know: a wave that was picked, a parcel that is still here."""

from decimal import Decimal

import pytest

from inventory.stocktakes import causes, counting, opening
from orders.models import WaveGoods
from tests.orders.packing.floor import floor_with_orders

pytestmark = pytest.mark.django_db


def counted(floor, quantity):
    """Every SKU of the floor's warehouse counted so far off from the system."""
    made = opening.start(stocktake_id=opening.plan(warehouse=floor.place, user=None).pk, user=None)
    for line in made.lines.select_related("sku"):
        counting.count(
            stocktake_id=made.pk, code=line.sku.code, quantity=max(line.snapshot_quantity + quantity, Decimal(0)),
            user=None, key=str(line.pk),
        )  # fmt: skip
    made = counting.close(stocktake_id=made.pk, user=None)
    found = causes.of_lines(made, list(made.lines.select_related("sku")))
    return " ".join(text for many in found.values() for text in many)


def test_goods_picked_for_a_wave_are_named_when_too_few_lie_there():
    floor = floor_with_orders(1)
    wave = floor.picked(1)
    picked = sum(WaveGoods.objects.values_list("picked", flat=True))
    assert picked > 0
    assert f"pieces are picked for W{wave.pk} and not shipped yet" in counted(floor, -1)


def test_nothing_is_said_of_waves_when_too_many_lie_there():
    floor = floor_with_orders(1)
    floor.picked(1)
    assert "picked for" not in counted(floor, 1)


def test_returns_and_parcels_are_looked_up_in_constant_queries(django_assert_max_num_queries):
    floor = floor_with_orders(2)
    floor.picked(1, 2)
    made = opening.start(stocktake_id=opening.plan(warehouse=floor.place, user=None).pk, user=None)
    for line in made.lines.select_related("sku"):
        counting.count(
            stocktake_id=made.pk, code=line.sku.code, quantity=line.snapshot_quantity + 1, user=None, key=str(line.pk)
        )
    made = counting.close(stocktake_id=made.pk, user=None)
    lines = list(made.lines.select_related("sku"))
    with django_assert_max_num_queries(6):
        causes.of_lines(made, lines)
