"""A missed clock tells the next level, once each."""

import pytest

from backoffice import incidents
from backoffice.incidents import desk as work
from backoffice.incidents.escalation import escalate_due
from backoffice.models import Incident, IncidentRule, IncidentStep, StaffNotice

pytestmark = pytest.mark.django_db


def told(user):
    return list(StaffNotice.objects.filter(user=user).order_by("pk").values_list("subject", flat=True))


def test_nobody_takes_it_so_operations_and_then_the_owner_are_told_once(desk, people):
    chief, owner, _clerk = people["ops_admin"], people["owner"], people["warehouse_clerk"]
    row = incidents.report(kind="leak", key="1", data={"room": "hall"})
    assert escalate_due() == 0
    desk.move(minutes=60)
    assert (escalate_due(), escalate_due()) == (1, 0)
    row.refresh_from_db()
    assert (row.level, row.escalated_department) == (1, "operations")
    assert (told(chief), told(owner)) == (["Overdue: Leak: Water in hall"], [])
    desk.move(minutes=60)
    assert escalate_due() == 1
    assert told(owner) == ["Overdue: Leak: Water in hall"]
    desk.move(days=3)
    assert escalate_due() == 0
    row.refresh_from_db()
    assert (row.level, row.escalate_at) == (2, None)
    assert list(row.entries.filter(what="escalated").values_list("data__level", flat=True)) == [1, 2]


def test_taken_in_hand_it_waits_for_the_clock_of_resolving(desk, people):
    row = incidents.report(kind="leak", key="1", data={"room": "hall"})
    work.acknowledge(incident=row, user=people["warehouse_clerk"], actor="x")
    desk.move(minutes=90)
    assert escalate_due() == 0
    desk.move(hours=8)
    assert escalate_due() == 1
    assert row.entries.get(what="escalated").data["clock"] == "resolve"


def test_a_rule_has_levels_of_its_own_and_a_closed_one_is_left_alone(desk, people):
    rule = IncidentRule.objects.create(name="x", kind="leak", acknowledge_minutes=30)
    IncidentStep.objects.create(rule=rule, level=1, person=people["bookkeeper"])
    incidents.report(kind="leak", key="1", data={"room": "hall"})
    incidents.report(kind="leak", key="2", data={"room": "roof"})
    incidents.settle(kind="leak", key="2")
    desk.move(minutes=31)
    assert escalate_due() == 1
    assert told(people["bookkeeper"]) == ["Overdue: Leak: Water in hall"]
    assert Incident.objects.get(key="2").level == 0


def test_who_cannot_log_in_is_passed_over(desk, people):
    gone = people["bookkeeper"]
    gone.is_active = False
    gone.save()
    owner, _clerk = people["owner"], people["warehouse_clerk"]
    rule = IncidentRule.objects.create(name="x", kind="leak")
    IncidentStep.objects.create(rule=rule, level=1, person=gone)
    incidents.report(kind="leak", key="1", data={"room": "hall"})
    desk.move(hours=2)
    escalate_due()
    assert (told(gone), told(owner)) == ([], ["Overdue: Leak: Water in hall"])
