"""Every page of the ground opens for those who may, and the dangerous ones for nobody."""

import base64
import os
import pickle

import pytest
from django.contrib import admin
from django.db import connection
from django.urls import reverse
from django_q.models import OrmQ, Schedule, Task

from backoffice import audit, references
from backoffice.models import AuditEntry, User

pytestmark = pytest.mark.django_db
OURS = [model for model in admin.site._registry if model._meta.app_label in {"backoffice", "auth", "axes", "django_q"}]


def changelist(model):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_each_list_opens_for_the_superuser(people, model):
    assert people.client("superuser").get(changelist(model)).status_code == 200


@pytest.mark.parametrize("model", [Schedule, OrmQ], ids=lambda model: model.__name__)
def test_the_task_queue_is_closed_to_the_owner(people, model):
    assert people.client("owner").get(changelist(model)).status_code == 403


def test_not_even_the_superuser_makes_a_schedule(people):
    url = reverse("admin:django_q_schedule_add")
    reply = people.client("superuser").post(url, {"func": "os.system", "args": "'id'", "schedule_type": "O"})
    assert reply.status_code == 403
    assert not Schedule.objects.exists()


class Bomb:
    def __reduce__(self):
        return (exec, ("import os; os.environ['YIKU_BOMB'] = 'loaded'",))


def planted_bomb():
    times = {"started": "2026-01-01T00:00Z", "stopped": "2026-01-01T00:00Z"}
    Task.objects.create(id="a" * 32, name="t", func="f", success=False, **times)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_q_task SET result = %s", [base64.b64encode(pickle.dumps(Bomb())).decode()])


@pytest.fixture(autouse=True)
def no_bomb(monkeypatch):
    monkeypatch.setenv("YIKU_BOMB", "")


def test_the_planted_bomb_is_live():
    planted_bomb()
    Task.objects.get()
    assert os.environ["YIKU_BOMB"] == "loaded"


def test_listing_and_opening_a_task_loads_no_pickle(people):
    planted_bomb()
    client = people.client("superuser")
    assert client.get(reverse("admin:django_q_failure_changelist")).status_code == 200
    assert client.get(reverse("admin:django_q_failure_change", args=["a" * 32])).status_code == 200
    assert os.environ["YIKU_BOMB"] == ""


def test_an_owner_cannot_make_himself_or_touch_a_superuser(people):
    owner, boss = people["owner"], people["superuser"]
    client = people.client("owner")
    fields = {"username": "owner", "is_active": "on", "is_staff": "on", "is_superuser": "on", "groups": []}
    assert client.post(reverse("admin:backoffice_user_change", args=[owner.pk]), fields).status_code == 302
    assert not User.objects.get(pk=owner.pk).is_superuser
    assert client.post(reverse("admin:backoffice_user_change", args=[boss.pk]), fields).status_code == 403
    url = reverse("admin:auth_user_password_change", args=[boss.pk])
    assert client.post(url, {"password1": "qwe-123-rty", "password2": "qwe-123-rty"}).status_code == 403


def test_a_new_role_of_a_person_is_audited_with_before_and_after(people):
    from django.contrib.auth.models import Group

    clerk = people["order_clerk"]
    fields = {"username": "order_clerk", "is_active": "on", "is_staff": "on"}
    fields["groups"] = [Group.objects.get(name="buyer").pk]
    people.client("owner").post(reverse("admin:backoffice_user_change", args=[clerk.pk]), fields)
    entry = AuditEntry.objects.get(action="user.change")
    assert entry.actor == f"user:{people['owner'].pk} owner"
    assert (entry.before["roles"], entry.after["groups"]) == (["order_clerk"], ["buyer"])


def test_built_in_roles_cannot_be_edited(people):
    from django.contrib.auth.models import Group

    url = reverse("admin:auth_group_change", args=[Group.objects.get(name="buyer").pk])
    assert people.client("owner").post(url, {"name": "buyer", "permissions": []}).status_code == 403


def test_the_audit_trail_offers_no_way_to_change_it(people):
    audit.record(action="a", target="b:1")
    entry = AuditEntry.objects.get(action="a")
    client = people.client("superuser")
    url = reverse("admin:backoffice_auditentry_change", args=[entry.pk])
    assert client.get(url).status_code == 200
    assert client.post(url, {"actor": "x"}).status_code == 403
    assert client.post(reverse("admin:backoffice_auditentry_delete", args=[entry.pk])).status_code == 403


def test_background_work_is_named_in_words_and_what_nobody_named_keeps_its_name():
    assert references.work("pull:account:7") == "Fetch orders, shop account 7"
    assert references.work("order_file:3") == "order_file:3"
