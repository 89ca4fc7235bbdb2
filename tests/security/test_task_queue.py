"""S80: the task queue runs what it is told, so no browser may tell it anything, and nothing is unpacked."""

import pickle

import pytest
from django.core.signing import Signer
from django.db import connection
from django.urls import reverse
from django_q.models import OrmQ, Schedule, Task

from backoffice import clock
from backoffice.roles import ROLES

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # who may is decided above the engine
MODELS = ("success", "failure", "schedule", "ormq")
SCHEDULE = {
    "name": "x",
    "func": "os.system",
    "args": "'touch /tmp/x'",
    "schedule_type": "O",
    "repeats": "1",
    "_save": "1",
}


class Bomb:
    """Unpacked, it sets `went_off`."""

    def __reduce__(self):
        return (exec, (f"import {__name__} as m; m.WENT_OFF.append(1)",))


WENT_OFF: list[int] = []


@pytest.fixture
def rows():
    """A task, a waiting task and a schedule whose arguments are bombs, written as an intruder would: straight in."""
    now = clock.now()
    text = Signer(salt="x").sign("x") + pickle.dumps(Bomb(), 0).decode("latin-1")
    Task.objects.create(id="a" * 32, name="n", func="f", started=now, stopped=now, success=True)
    Task.objects.create(id="b" * 32, name="m", func="f", started=now, stopped=now, success=False)
    OrmQ.objects.create(key="yiku", payload=text, lock=now)
    Schedule.objects.create(name="s", func="os.system", next_run=now)
    packed = __import__("base64").b64encode(pickle.dumps(Bomb())).decode()
    with connection.cursor() as cursor:
        for column in ("args", "kwargs", "result"):
            cursor.execute(f"UPDATE django_q_task SET {column} = %s", [packed])
    WENT_OFF.clear()


def test_the_bomb_is_live(rows):
    assert Task.objects.get(id="a" * 32).result is None or WENT_OFF
    assert WENT_OFF


def test_no_page_of_the_queue_unpacks_anything(people, rows):
    client = people.client("superuser")
    WENT_OFF.clear()
    for model in MODELS:
        changelist = client.get(reverse(f"admin:django_q_{model}_changelist"))
        assert changelist.status_code == 200
        pk = changelist.context["cl"].result_list[0].pk
        for page in ("change", "history", "delete"):
            client.get(reverse(f"admin:django_q_{model}_{page}", args=[pk]))
        client.get(reverse(f"admin:django_q_{model}_changelist"), {"q": "x", "func": "f", "success__exact": "1"})
    client.get("/admin/")
    assert WENT_OFF == []


@pytest.mark.parametrize("role", [*ROLES, "superuser"])
def test_nobody_writes_a_task_or_a_schedule(people, rows, role):
    client = people.client(role)
    before = (Task.objects.count(), OrmQ.objects.count(), list(Schedule.objects.values_list("func", "name")))
    for model in MODELS:
        pk = {"success": "a" * 32, "failure": "b" * 32}.get(model, 1)
        changelist = reverse(f"admin:django_q_{model}_changelist")
        assert client.post(reverse(f"admin:django_q_{model}_add"), SCHEDULE).status_code == 403
        assert client.post(reverse(f"admin:django_q_{model}_change", args=[pk]), SCHEDULE).status_code in (302, 403)
        assert client.post(reverse(f"admin:django_q_{model}_delete", args=[pk]), {"post": "yes"}).status_code in (
            302,
            403,
        )
        for action in ("delete_selected", "retry_failed", "resubmit_task"):
            client.post(changelist, {"action": action, "_selected_action": [pk], "post": "yes", "index": 0})
    assert (Task.objects.count(), OrmQ.objects.count(), list(Schedule.objects.values_list("func", "name"))) == before


@pytest.mark.parametrize("role", list(ROLES))
def test_no_role_sees_the_queue(people, rows, role):
    client = people.client(role)
    assert [client.get(reverse(f"admin:django_q_{model}_changelist")).status_code for model in MODELS] == [403] * 4


def test_the_cluster_runs_no_schedule(settings):
    assert settings.Q_CLUSTER["scheduler"] is False
