"""Taking in hand, assigning, resolving: one or many, each row told, one of two people wins."""

import datetime as dt

import pytest

from backoffice import actors, incidents
from backoffice.incidents import desk as work
from backoffice.incidents.errors import IncidentError
from backoffice.models import AuditEntry, Incident, IncidentCause, IncidentEntry, StaffNotice

pytestmark = pytest.mark.django_db


@pytest.fixture
def leaks(desk):
    return [incidents.report(kind="leak", key=str(number), data={"room": str(number)}) for number in range(3)]


def cause(kind="", code="our_mistake"):
    return IncidentCause.objects.get(kind=kind, code=code)


def test_taking_in_hand_moves_the_clock_to_resolving_and_gives_it_a_name(leaks, desk, people):
    clerk = people["warehouse_clerk"]
    desk.move(minutes=20)
    work.acknowledge(incident=leaks[0], user=clerk, actor="user:7 wang")
    row = Incident.objects.get(pk=leaks[0].pk)
    assert (row.state, row.person, row.acknowledged_at, row.acknowledged_by) == (
        "acknowledged",
        clerk,
        desk.now,
        "user:7 wang",
    )
    assert row.due_at == row.escalate_at == row.resolve_due
    assert AuditEntry.objects.get(action="incident.acknowledged").before["state"] == "open"


def test_of_two_people_the_second_is_told_who_was_first(leaks, people):
    work.acknowledge(incident=leaks[0], user=people["warehouse_clerk"], actor="user:7 wang")
    with pytest.raises(IncidentError) as refusal:
        work.acknowledge(incident=leaks[0], user=people["order_clerk"], actor="user:8 li")
    assert refusal.value.code == "incident_taken"
    assert str(refusal.value) == f"#{leaks[0].pk} was taken in hand by wang a moment ago."
    assert Incident.objects.get(pk=leaks[0].pk).person == people["warehouse_clerk"]


def test_many_are_taken_with_an_outcome_each_in_a_constant_number_of_statements(
    leaks, people, django_assert_max_num_queries
):
    incidents.settle(kind="leak", key="1", actor="task:drift")
    ids = [row.pk for row in leaks]
    clerk = people["warehouse_clerk"]
    with django_assert_max_num_queries(8):
        outcomes = work.acknowledge_many(ids=ids, user=clerk, actor="user:7 wang")
    assert [(one.incident_id, one.ok, one.code) for one in outcomes] == [
        (ids[0], True, "done"),
        (ids[1], False, "incident_closed"),
        (ids[2], True, "done"),
    ]
    assert actors.named("task:drift") in outcomes[1].message
    assert "task:drift" not in outcomes[1].message


def test_assigning_tells_the_person_once_and_not_oneself(leaks, people):
    clerk = people["order_clerk"]
    clerk.email = "clerk@shop.example"
    clerk.save()
    work.assign(incident=leaks[0], department="desk", person=clerk, actor="user:99 boss", note="yours I think")
    row = Incident.objects.get(pk=leaks[0].pk)
    assert (row.department, row.person) == ("desk", clerk)
    told = StaffNotice.objects.get(user=clerk)
    assert told.subject == "Leak: Water in 0"
    assert told.url.endswith(f"/incident/{row.pk}/change/")
    entry = row.entries.get(what="assigned")
    assert (entry.text, entry.data["department"]) == ("yours I think", "desk")
    work.assign(incident=leaks[1], person=clerk, actor=f"user:{clerk.pk} order_clerk")
    assert StaffNotice.objects.filter(user=clerk).count() == 1


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"department": "moon"}, "incident_nobody"),
        ({}, "incident_nobody"),
        ({"person": "gone"}, "incident_person_gone"),
    ],
)
def test_nothing_is_given_to_nobody(leaks, people, wish, code):
    if wish.get("person"):
        gone = people["buyer"]
        gone.is_active = False
        gone.save()
        wish = {"person": gone}
    with pytest.raises(IncidentError) as refusal:
        work.assign(incident=leaks[0], actor="x", **wish)
    assert refusal.value.code == code
    assert not IncidentEntry.objects.filter(what="assigned").exists()


def test_resolving_asks_for_a_cause_of_its_kind_and_what_was_done(leaks):
    for wish, code in (
        ({"cause": None, "done": "mopped"}, "incident_cause_missing"),
        ({"cause": cause(), "done": "  "}, "incident_done_missing"),
        ({"cause": cause("late", "carrier"), "done": "mopped"}, "incident_cause_other"),
        ({"cause": cause(), "done": "a\0b"}, "incident_text_nul"),
    ):
        with pytest.raises(IncidentError) as refusal:
            work.resolve(incident=leaks[0], actor="x", **wish)
        assert refusal.value.code == code
    assert Incident.objects.get(pk=leaks[0].pk).state == "open"
    work.resolve(incident=leaks[0], cause=cause(), done="mopped", actor="user:7 wang")
    row = Incident.objects.get(pk=leaks[0].pk)
    assert (row.state, row.cause, row.done, row.closed_by, row.escalate_at) == (
        "resolved",
        cause(),
        "mopped",
        "user:7 wang",
        None,
    )


def test_a_closed_one_is_taken_up_again_by_hand_unless_its_twin_is_open(leaks, desk):
    first = leaks[0]
    work.resolve(incident=first, cause=cause(), done="mopped", actor="x")
    desk.move(days=8)
    twin = incidents.report(kind="leak", key="0", data={"room": "0"})
    with pytest.raises(IncidentError, match=f"#{twin.pk} is still open"):
        work.reopen(incident=first, actor="x")
    incidents.settle(kind="leak", key="0")
    work.reopen(incident=first, actor="x", text="it drips again")
    assert Incident.objects.get(pk=first.pk).state == "reopened"


def test_a_form_sent_twice_is_one_incident_and_notes_go_on_after_the_end(desk):
    twice = [
        work.report_by_hand(text="Forklift broken", actor="user:7 wang", department="warehouse", token="form-1")
        for _ in range(2)
    ]
    assert twice[0].pk == twice[1].pk
    incidents.settle(kind="custom", key="hand:form-1")
    work.note(incident=twice[0], text="It was the battery.", actor="user:7 wang")
    assert list(twice[0].entries.values_list("what", flat=True)) == ["opened", "gone", "note"]
    with pytest.raises(IncidentError, match="Write what happened"):
        work.note(incident=twice[0], text=" ", actor="x")
    assert Incident.objects.get().opened_at == desk.now - dt.timedelta(0)
