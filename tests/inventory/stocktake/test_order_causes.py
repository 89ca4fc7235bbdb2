"""Causes only orders know: a wave that was picked, a parcel that is still here."""

import datetime as dt
from decimal import Decimal

import pytest

from backoffice import clock
from inventory.models import Stocktake
from inventory.stocktakes import causes, counting, opening
from orders.models import Shipment, WaveGoods
from orders.returns import limits
from tests.orders.packing.floor import floor_with_orders
from tests.orders.returns.conftest import Returns

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


def test_a_parcel_shipped_in_the_books_and_not_handed_over_is_named_when_too_many_lie_there():
    floor = floor_with_orders(1)
    floor.picked(1)
    floor.pack(1, "MUG", "MUG", "CUP")
    said = counted(floor, 1)
    assert "2 pieces are packed in parcels that have not been handed over (#1001): were they counted too?" in said
    assert "1 pieces are packed in parcels" in said


def test_nothing_is_said_of_parcels_that_were_handed_over_long_ago_or_when_too_few_lie_there():
    floor = floor_with_orders(1)
    floor.picked(1)
    floor.pack(1, "MUG", "MUG", "CUP")
    Shipment.objects.update(shipped_at=clock.now() - dt.timedelta(days=8))
    assert "handed over" not in counted(floor, 1)
    Stocktake.objects.get().lines.update(open=False)
    Shipment.objects.update(shipped_at=clock.now())
    assert "handed over" not in counted(floor, -1)


def test_goods_that_came_back_are_named_until_they_are_put_away():
    limits.seed()
    seller = Returns(MUG=10, CUP=10)
    seller.sent()
    rma = seller.rma()
    seller.receive(rma)
    assert "2 pieces came back from buyers and are not put away (#1001): were they counted too?" in counted(seller, 1)
    Stocktake.objects.get().lines.update(open=False)
    seller.decide(rma, ("restock", 2))
    assert "came back" not in counted(seller, 1)


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
