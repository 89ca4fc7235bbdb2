"""S86: the trail cannot be rewritten by the application's own role, and the superuser is in it like everybody."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from backoffice import triggers
from backoffice.models import AuditEntry, User

pytestmark = pytest.mark.django_db


def _standing(table) -> list:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT * FROM "{table}"')
        return sorted(map(repr, cursor.fetchall()))


def test_every_guarded_table_that_holds_rows_refuses_to_lose_or_change_one(house):
    """Raw SQL by the application's role, both engines."""
    refused = set()
    for rule in triggers.rules():
        before = _standing(rule.table)
        if not before:
            continue
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f'DELETE FROM "{rule.table}"')
        assert _standing(rule.table) == before
        refused.add(rule.table)
    assert {"backoffice_auditentry", "inventory_stockentry", "finance_voucherline"} <= refused


@pytest.mark.parametrize("column", ["actor", "action", "target", "summary", "at", "before", "after", "address"])
def test_no_column_of_the_trail_can_be_rewritten(house, column):
    before = _standing("backoffice_auditentry")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f'UPDATE backoffice_auditentry SET "{column}" = NULL')
    assert _standing("backoffice_auditentry") == before


@pytest.mark.sqlite
def test_the_superuser_cannot_touch_the_trail_from_the_admin(people, house):
    client, row = people.client("superuser"), AuditEntry.objects.first()
    before = _standing("backoffice_auditentry")
    for page in ("change", "delete"):
        url = reverse(f"admin:backoffice_auditentry_{page}", args=[row.pk])
        assert client.post(url, {"post": "yes", "actor": "nobody"}).status_code == 403
    data = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    client.post(reverse("admin:backoffice_auditentry_changelist"), data)
    assert _standing("backoffice_auditentry") == before


@pytest.mark.sqlite
def test_what_the_superuser_edits_is_logged_with_his_name(people, house):
    boss = people["superuser"]
    other = User.objects.create_user("wang", password="correct horse", is_staff=True)
    client = people.client("superuser")
    data = {
        "username": "wang",
        "is_active": "on",
        "is_staff": "on",
        "is_superuser": "on",
        "language": "en",
        "time_zone": "",
    }
    assert client.post(reverse("admin:backoffice_user_change", args=[other.pk]), data).status_code == 302
    entry = AuditEntry.objects.get(action="user.change")
    assert entry.actor == f"user:{boss.pk} superuser"
    assert entry.after["is_superuser"] == "True"
    assert LogEntry.objects.filter(user=boss, object_id=str(other.pk)).count() == 1


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "model",
    ["inventory_warehouse", "inventory_shop", "orders_checksetting", "inventory_stockpolicy", "inventory_access"],
)
def test_settings_that_anybody_edits_are_logged(people, house, model):
    from inventory.models import Access
    from tests.matrix.addresses import model_of

    Access.objects.create(user=people["owner"], all_shops=True, all_warehouses=True)
    client = people.client("superuser")
    row = model_of(model)._default_manager.order_by("pk").first()
    page = reverse(f"admin:{model}_change", args=[row.pk])
    form = client.get(page).context["adminform"].form
    data = {name: form.initial.get(name) for name in form.fields}
    data |= {key: value.pk if hasattr(value, "pk") else value for key, value in data.items()}
    before = LogEntry.objects.count() + AuditEntry.objects.count()
    answer = client.post(page, {key: value for key, value in data.items() if value not in (None, False, [])})
    assert answer.status_code in (200, 302)
    if answer.status_code == 302:
        assert LogEntry.objects.count() + AuditEntry.objects.count() > before
