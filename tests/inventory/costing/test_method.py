"""The method is chosen once; later one deed changes it, and no value changes with it."""

from decimal import Decimal

import pytest
from django.urls import reverse

from backoffice.models import AuditEntry
from inventory.costing import method
from inventory.costing.errors import CostRefused
from inventory.models import AuditFinding, AuditRun, Balance, CostLayer, CostSetting, StockEntry
from inventory.self_audit import recompute, repairing, runs
from tests.inventory import factories
from tests.inventory.costing.conftest import unsound, use

D = Decimal
pytestmark = pytest.mark.django_db


@pytest.fixture
def goods(db):
    """Three pieces worth 10 in one warehouse, five worth 5 in another."""
    sku, here, there = factories.sku(), factories.warehouse(), factories.warehouse()
    factories.stock(sku, here, 3, "3.333333")
    factories.stock(sku, there, 5, "1")
    return sku


def test_it_is_chosen_freely_while_nothing_has_value(db):
    factories.stock(factories.sku(), factories.warehouse(), 3, "0")
    method.choose(method="fifo", late="difference", user=None)
    assert CostSetting.objects.get().method == "fifo"
    assert CostLayer.objects.get().quantity == 3
    assert unsound() == []


def test_with_goods_of_value_it_is_not_just_chosen(goods):
    with pytest.raises(CostRefused, match="worth 15.00"):
        method.choose(method="fifo", late="restate", user=None)
    assert not CostSetting.objects.filter(method="fifo").exists()
    method.choose(method="average", late="restate", user=None)  # the policy may change
    assert CostSetting.objects.get().late == "restate"


def test_the_deed_opens_a_layer_for_each_balance_and_changes_no_value(goods):
    entries = StockEntry.objects.count()
    method.change_now(method="fifo", turn=0, user=None)
    assert sorted(CostLayer.objects.values_list("quantity", "value")) == [(3, D("10")), (5, 5)]
    assert sum(Balance.objects.values_list("value", flat=True)) == 15
    assert StockEntry.objects.count() == entries
    assert AuditEntry.objects.get(action="costing.method").after["value"] == "15.0000"
    method.change_now(method="average", turn=1, user=None)
    assert not CostLayer.objects.filter(quantity__gt=0).exists()
    assert unsound() == []


def test_who_looked_at_an_old_page_or_clicks_twice_changes_nothing(goods):
    method.change_now(method="fifo", turn=0, user=None)
    with pytest.raises(CostRefused, match="meanwhile"):
        method.change_now(method="average", turn=0, user=None)
    with pytest.raises(CostRefused, match="already"):
        method.change_now(method="fifo", turn=1, user=None)
    assert CostSetting.objects.get().turn == 1


def test_only_the_owner_changes_it(goods, people):
    for name in ("bookkeeper", "ops_admin"):
        with pytest.raises(CostRefused, match="owner"):
            method.change_now(method="fifo", turn=0, user=people[name])
        with pytest.raises(CostRefused, match="owner"):
            method.choose(method="average", late="restate", user=people[name])
    method.change_now(method="fifo", turn=0, user=people["owner"])
    assert CostSetting.objects.get().changed_by == people["owner"].get_username()


def test_the_page_says_what_it_does_and_does_it(goods, people):
    client = people.client("owner")
    page = client.get(reverse("admin:inventory_costsetting_changelist"))
    assert "oldest pieces leave first" in page.content.decode()
    url = reverse("admin:inventory_costsetting_change", args=[1])
    answer = client.post(url, {"method": "fifo", "late": "difference"})
    assert "so the method is not just chosen any more" in answer.content.decode()
    now = reverse("admin:inventory_costsetting_now")
    assert "15.00" in client.get(now).content.decode()
    client.post(now, {"turn": "0", "method": "fifo"})
    assert CostSetting.objects.get().method == "fifo"
    assert client.post(url, {"method": "fifo", "late": "restate"}).status_code == 302
    assert CostSetting.objects.get().late == "restate"


def test_the_audit_finds_layers_that_disagree_and_its_repair_can_be_undone(goods):
    use("fifo")
    layer = CostLayer.objects.get(quantity=3)
    CostLayer.objects.filter(pk=layer.pk).update(quantity=D(2), value=D(4))
    found = recompute.differences().differences
    assert [(one.kind, one.counter, one.should_be, one.found) for one in found] == [
        ("layers", 1, 3000, 2000), ("layers", 5, 100_000, 40_000)
    ]  # fmt: skip
    runs.measure(AuditRun.objects.create())
    finding = AuditFinding.objects.get(kind="layers", counter=1)
    made = repairing.repair(finding_id=finding.pk, size=D(-1), actor="t")
    assert recompute.differences().differences == []
    assert not AuditFinding.objects.filter(kind="layers", state="open").exists()
    repairing.undo(repair_id=made.pk, actor="t")
    assert [one.found for one in recompute.differences().differences] == [2000, 40_000]


def test_at_moving_average_a_layer_is_a_difference(goods):
    use("fifo")
    CostSetting.objects.update(method="average")
    assert {one.kind for one in recompute.differences().differences} == {"layers"}
