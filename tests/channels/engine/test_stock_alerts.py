"""A figure below zero on a platform is a stock alert of the goods it stands for, where the shop sells from."""

import pytest

from channels.models import PushJob
from inventory.alerts import keeping
from inventory.models import StockAlert, StockAlertRule
from tests.channels.engine.conftest import job, settle_down

pytestmark = pytest.mark.django_db


def stands():
    rows = StockAlert.objects.filter(closed_at__isnull=True, kind="negative")
    return [(row.sku.code, row.warehouse.code, row.quantity) for row in rows]


@pytest.fixture
def below(shop):
    """The platform sold three that it did not have."""
    settle_down(shop)
    PushJob.objects.filter(pk=job(shop).pk).update(shown=-3)
    return shop


def test_a_figure_below_zero_is_an_alert_and_goes_with_it(below):
    keeping.look()
    assert stands() == [(below.sku.code, below.place.code, -3)]
    keeping.look()
    assert len(stands()) == 1
    PushJob.objects.filter(pk=job(below).pk).update(shown=0)
    keeping.look()
    assert stands() == []


def test_a_rule_that_is_off_silences_it(below):
    StockAlertRule.objects.create(kind="negative", active=False)
    keeping.look()
    assert stands() == []
