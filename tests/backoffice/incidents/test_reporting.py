"""Trouble opens one incident, counts, closes by itself, and comes back."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from backoffice import incidents
from backoffice.incidents import desk as work
from backoffice.incidents.reporting import Report
from backoffice.models import Incident, IncidentCause, IncidentEntry, IncidentLink
from tests.backoffice.incidents.conftest import MONDAY

pytestmark = pytest.mark.django_db


def leak(room="hall", **more):
    return incidents.report(kind="leak", key=f"room:{room}", data={"room": room}, **more)


def words(row):
    return list(row.entries.values_list("what", flat=True))


def test_a_first_report_opens_an_incident_with_the_clocks_of_its_kind(desk):
    row = leak(target="inventory.room:4", links=["orders.order:9"], shop_id=3)
    row = Incident.objects.get(pk=row.pk)
    assert (row.state, row.department, row.count, row.shop_id) == ("open", "warehouse", 1, 3)
    assert row.acknowledge_due == row.due_at == MONDAY + dt.timedelta(hours=1)
    assert row.resolve_due == MONDAY + dt.timedelta(hours=8)  # six o'clock, the end of the working day
    assert sorted(row.links.values_list("target", flat=True)) == ["inventory.room:4", "orders.order:9"]
    assert words(row) == ["opened"]


def test_a_second_report_counts_up_and_never_doubles(desk):
    first = leak()
    desk.move(minutes=5)
    second = leak()
    assert second.pk == first.pk
    row = Incident.objects.get()
    assert (row.count, row.opened_at, row.last_seen_at) == (2, MONDAY, MONDAY + dt.timedelta(minutes=5))
    assert words(row) == ["opened"]


def test_the_database_itself_refuses_a_second_open_row(desk):
    row = leak()
    row.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)
    assert Incident.objects.count() == 1


def test_news_replace_the_data_and_a_worse_report_raises_the_severity(desk):
    leak()
    incidents.report(kind="leak", key="room:hall", data={"room": "hall", "litres": 9}, severity="critical")
    row = Incident.objects.get()
    assert (row.data["litres"], row.severity) == (9, "critical")
    leak()
    assert Incident.objects.get().severity == "critical"  # it never gets better by itself
    assert words(row) == ["opened", "worse"]


def test_settling_closes_it_as_gone_by_itself_once(desk):
    row = leak()
    assert incidents.settle(kind="leak", key="room:hall", actor="task:drift", note="dry again") is True
    assert incidents.settle(kind="leak", key="room:hall") is False
    row.refresh_from_db()
    assert (row.state, row.closed_at, row.closed_by, row.escalate_at) == ("gone", MONDAY, "task:drift", None)
    assert list(row.entries.values_list("what", "text")) == [("opened", ""), ("gone", "dry again")]


def test_it_is_opened_again_within_the_days_and_made_anew_after_them(desk, people):
    row = leak()
    cause = IncidentCause.objects.get(kind="", code="our_mistake")
    work.resolve(incident=row, cause=cause, done="mopped", actor="x")
    desk.move(days=6)
    again = leak()
    assert again.pk == row.pk
    row.refresh_from_db()
    assert (row.state, row.count, row.cause, row.done, row.closed_at) == ("reopened", 2, None, "", None)
    assert row.acknowledge_due > desk.now
    work.resolve(incident=row, cause=cause, done="mopped again", actor="x")
    desk.move(days=8)
    assert leak().pk != row.pk
    assert words(row) == ["opened", "resolved", "reopened", "resolved"]


def test_a_page_of_reports_costs_the_same_for_two_and_for_forty(desk, django_assert_max_num_queries):
    def page(count):
        return [Report(kind="leak", key=f"{count}:{number}", data={"room": str(number)}) for number in range(count)]

    for count in (2, 40):
        with django_assert_max_num_queries(24):
            assert len({row.pk for row in incidents.report_many(page(count))}) == count
        with django_assert_max_num_queries(8):
            incidents.report_many(page(count))
    assert set(Incident.objects.values_list("count", flat=True)) == {2}


def test_reconciling_opens_what_is_new_leaves_what_stands_and_settles_the_rest(desk):
    def report(room):
        return Report(kind="leak", key=f"room:{room}", data={"room": room})

    assert incidents.reconcile(kind="leak", prefix="room:", reports=[report("a"), report("b")]) == (2, 0)
    incidents.report(kind="leak", key="roof:1", data={"room": "roof"})
    desk.move(minutes=10)
    assert incidents.reconcile(kind="leak", prefix="room:", reports=[report("b"), report("c")]) == (1, 1)
    states = dict(Incident.objects.values_list("key", "state"))
    assert states == {"room:a": "gone", "room:b": "open", "room:c": "open", "roof:1": "open"}
    standing = Incident.objects.get(key="room:b")
    assert (standing.count, standing.last_seen_at) == (1, desk.now)


def test_an_odd_department_and_an_unknown_kind_do_not_break_the_page(desk):
    from backoffice.incidents import kinds

    with pytest.raises(ValueError, match="No department"):
        incidents.register_kind(
            "x", title="x", sentence=str, department="nowhere", acknowledge_minutes=1, resolve_hours=1
        )
    assert kinds.sentence_of("leak", {}) == "Leak"  # the sentence fails on its missing room
    assert kinds.title_of("of another year") == "of another year"


def test_the_history_only_grows(desk):
    row = leak()
    with pytest.raises(Exception, match="append-only"), transaction.atomic():
        IncidentEntry.objects.filter(incident=row).update(text="never happened")
    with pytest.raises(Exception, match="append-only"), transaction.atomic():
        IncidentEntry.objects.filter(incident=row).delete()
    assert IncidentLink.objects.count() == 0
