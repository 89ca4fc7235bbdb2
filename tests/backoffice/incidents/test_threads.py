"""Real threads on a real PostgreSQL: one incident, one owner, one sender."""

import pytest

from backoffice import incidents, messages
from backoffice.incidents import desk as work
from backoffice.messages import registry, sending
from backoffice.models import Incident, IncidentEntry, OutgoingMessage, StaffNotice, User
from tests.inventory.threads import errors, together

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def report():
    return incidents.report(kind="leak", key="hall", data={"text": "Water in the hall"}, department="warehouse")


def test_the_same_trouble_reported_at_once_is_one_incident_that_counts_both():
    for _round in range(10):
        results = together(report, report)
        assert errors(results) == []
        assert len({row.pk for row in results}) == 1
    row = Incident.objects.get()
    assert row.entries.filter(what="opened").count() == 1
    assert row.count >= 19  # two that open at the same moment count as one


def test_a_closed_one_reported_twice_at_once_is_opened_again_once():
    row = report()
    incidents.settle(kind="leak", key="hall")
    assert errors(together(report, report)) == []
    assert list(Incident.objects.values_list("pk", "state")) == [(row.pk, "reopened")]
    assert IncidentEntry.objects.filter(what="reopened").count() == 1


def test_of_two_people_who_take_it_one_wins_and_the_other_is_told():
    one, two = (User.objects.create_user(name, is_staff=True) for name in ("li", "wu"))
    row = report()
    results = together(
        lambda: work.acknowledge_many(ids=[row.pk], user=one, actor="user:1 li"),
        lambda: work.acknowledge_many(ids=[row.pk], user=two, actor="user:2 wu"),
    )
    assert errors(results) == []
    assert sorted(outcome[0].code for outcome in results) == ["done", "incident_taken"]
    assert IncidentEntry.objects.filter(what="acknowledged").count() == 1


def test_two_senders_never_send_the_same_message(monkeypatch):
    sent = []
    monkeypatch.setitem(registry._adapters, "pigeon", lambda row: sent.append(row.pk) or registry.SendResult())
    for number in range(30):
        messages.queue(channel="pigeon", to="mary", subject="", body="late", reference="", actor="x", key=f"k{number}")
    assert errors(together(sending.send_due, sending.send_due)) == []
    sending.send_due()
    assert sorted(sent) == sorted(OutgoingMessage.objects.values_list("pk", flat=True))
    assert set(OutgoingMessage.objects.values_list("state", "attempts")) == {("sent", 1)}
    assert StaffNotice.objects.count() == 0
