"""The pages: an audit by a click, a difference repaired and undone, Excel, the setting; who may do what."""

import datetime as dt
from io import BytesIO

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from backoffice import health, longwork
from inventory.models import Access, AuditFinding, AuditRun, AuditSetting, Balance, StockAlert, StockAlertRule
from inventory.self_audit import runs
from tests.inventory.factories import stock, warehouse

pytestmark = pytest.mark.django_db


def address(name, *args):
    return reverse(f"admin:inventory_{name}", args=args)


@pytest.fixture
def wrong(a, audited, tamper):
    """Four pieces too many."""
    tamper("UPDATE inventory_balance SET on_hand = 14000 WHERE sku_id = %s", a.pk)
    audited()
    return AuditFinding.objects.get()


def test_a_clerk_audits_with_a_click(a, see):
    client = see()
    assert "nobody has to wait" in client.get(address("auditrun_start")).content.decode()
    assert not AuditRun.objects.exists(), "looking begins nothing"
    page = client.post(address("auditrun_start"), follow=True).content.decode()
    assert "every counter is what its documents say" in page
    assert AuditRun.objects.get().balances == 1


def test_the_page_of_a_run_shows_how_far_it_is(see, monkeypatch):
    monkeypatch.setattr(health, "ages", lambda: {"worker": 0})
    handed = []
    monkeypatch.setattr(longwork, "enqueue", lambda task, *ids: handed.append((task, *ids)))
    page = see().post(address("auditrun_start"), follow=True).content.decode()
    assert "data-progress" in page
    run = AuditRun.objects.get()
    assert handed == [("inventory.self_audit.runs.work_on", run.pk)]
    assert runs.work_on(run.pk) == "ok"
    assert runs.work_on(run.pk) == "done already"


def test_the_owner_sees_repairs_and_undoes(wrong, see):
    client = see("owner")
    page = client.get(address("auditfinding_change", wrong.pk)).content.decode()
    assert 'name="size" value="4' in page
    where = address("auditfinding_do", wrong.pk)
    done = client.post(where, {"do": "repair", "size": "4", "reason": "broken import"}, follow=True).content.decode()
    assert "It can be undone" in done
    assert Balance.objects.get().on_hand == 10
    client.post(where, {"do": "undo", "repair": wrong.repairs.get().pk})
    assert Balance.objects.get().on_hand == 14


@pytest.mark.parametrize("size", ["3", "abc", "NaN", ""])
def test_a_size_that_was_not_shown_repairs_nothing(wrong, see, size):
    see("owner").post(address("auditfinding_do", wrong.pk), {"do": "repair", "size": size, "reason": "x"})
    assert Balance.objects.get().on_hand == 14


def test_a_clerk_reads_and_does_not_repair(wrong, see):
    client = see("warehouse_clerk")
    assert 'value="repair"' not in client.get(address("auditfinding_change", wrong.pk)).content.decode()
    assert client.post(address("auditfinding_do", wrong.pk), {"do": "repair", "size": "4"}).status_code == 403
    assert Balance.objects.get().on_hand == 14


def test_a_difference_of_another_warehouse_is_not_there(wrong, people):
    access = Access.objects.create(user=people["owner"], all_shops=True)
    access.warehouses.set([warehouse("X")])
    client = people.client("owner")
    assert client.get(address("auditfinding_change", wrong.pk)).status_code in (302, 404)
    assert client.post(address("auditfinding_do", wrong.pk), {"do": "repair", "size": "4"}).status_code == 404
    assert Balance.objects.get().on_hand == 14


def test_excel_names_documents_and_hides_cost(wrong, see):
    def sheet(role):
        answer = see(role).get(address("auditfinding_export_xlsx"), follow=True)
        return load_workbook(BytesIO(b"".join(answer.streaming_content))).active

    assert [cell.value for cell in sheet("warehouse_clerk")[2]][:2] == ["A", "A"]
    assert (sheet("warehouse_clerk").max_column, sheet("owner").max_column) == (11, 12)


def test_the_time_of_the_audit_is_set_on_its_page(see):
    client = see("owner")
    assert client.get(address("auditsetting_changelist")).status_code == 200
    data = {"audit_at": "04:15:00", "enabled": "on", "ghost_days": "14"}
    client.post(address("auditsetting_change", 1), data)
    row = AuditSetting.objects.get()
    assert (row.audit_at, row.ghost_days) == (dt.time(4, 15), 14)


def test_a_buyer_sets_a_limit_and_sees_what_passes_it(a, w, see):
    from inventory.alerts import keeping

    client = see("buyer")
    data = {"kind": "low", "sku": a.pk, "category": "", "warehouse": "", "threshold": "20", "days": "",
            "department": "buying", "person": "", "active": "on"}  # fmt: skip
    client.post(address("stockalertrule_add"), data)
    assert StockAlertRule.objects.get().threshold == 20
    refused = client.post(address("stockalertrule_add"), data).content.decode()
    assert "There is a rule for these goods already" in refused
    keeping.look()
    assert "Low stock" in client.get(address("stockalert_changelist")).content.decode()
    home = client.get(reverse("admin:index")).content.decode()
    assert "Stock to look at" in home


def test_a_rule_for_all_warehouses_is_set_by_who_sees_all(a, w, people):
    access = Access.objects.create(user=people["buyer"], all_shops=True)
    access.warehouses.set([w])
    client = people.client("buyer")
    data = {"kind": "low", "sku": a.pk, "category": "", "warehouse": "", "threshold": "20", "days": "",
            "department": "buying", "person": "", "active": "on"}  # fmt: skip
    client.post(address("stockalertrule_add"), data)
    assert not StockAlertRule.objects.exists()
    client.post(address("stockalertrule_add"), {**data, "warehouse": w.pk})
    assert StockAlertRule.objects.get().warehouse == w


def test_alerts_of_another_warehouse_are_not_shown(a, w, people):
    other = warehouse("X")
    stock(a, other, 1)
    for place in (w, other):
        StockAlert.objects.create(kind="low", sku=a, warehouse=place, quantity=1, department="buying")
    access = Access.objects.create(user=people["buyer"], all_shops=True)
    access.warehouses.set([other])
    shown = people.client("buyer").get(address("stockalert_changelist")).context["cl"].result_list
    assert [row.warehouse for row in shown] == [other]
