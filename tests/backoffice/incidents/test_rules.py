"""Whose it is: the first rule that fits; the clocks in working time."""

import datetime as dt

import pytest

from backoffice import incidents
from backoffice.incidents import rules
from backoffice.incidents.rules import Facts
from backoffice.models import IncidentRule
from backoffice.workhours import Hours, quiet_until

SHANGHAI = dt.timedelta(hours=8)


def local(text):
    return (dt.datetime.fromisoformat(text) - SHANGHAI).replace(tzinfo=dt.UTC)


def test_the_first_rule_that_fits_assigns(desk, people):
    IncidentRule.objects.create(name="later", place=20, kind="leak", department="finance")
    first = IncidentRule.objects.create(
        name="first",
        place=10,
        kind="leak",
        words="basement\n地下室",
        department="operations",
        person=people["ops_admin"],
        set_severity="high",
        acknowledge_minutes=15,
        resolve_hours=2,
    )
    IncidentRule.objects.create(name="off", place=1, active=False, department="owner")
    row = incidents.report(kind="leak", key="1", data={"room": "Ｂasement 2"})  # full-width letters are letters
    assert (row.rule, row.department, row.person, row.severity) == (
        first,
        "operations",
        people["ops_admin"],
        "high",
    )
    assert (row.acknowledge_due - desk.now, row.resolve_due - desk.now) == (
        dt.timedelta(minutes=15),
        dt.timedelta(hours=2),
    )
    assert incidents.report(kind="leak", key="2", data={"room": "roof"}).department == "finance"


@pytest.mark.parametrize(
    ("condition", "missing"),
    [
        ({"kind": "late"}, "kind"),
        ({"shop_id": 9}, "shop"),
        ({"warehouse_id": 9}, "warehouse"),
        ({"severity": "critical"}, "severity"),
        ({"words": "fire"}, "words"),
        ({"words": "room"}, "words"),  # the name of a field is not what happened
        ({"severity": "low", "shop_id": 4, "words": "fire\nflood"}, ""),
    ],
)
def test_every_condition_of_a_rule_must_hold(condition, missing):
    facts = Facts("leak", shop_id=4, severity="high", data={"room": "Flood in the hall"})
    assert rules.misfit(IncidentRule(**condition), facts) == missing


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2026-11-30T10:00", 60, "2026-11-30T11:00"),
        ("2026-11-30T17:30", 60, "2026-12-01T09:30"),  # over the night
        ("2026-12-04T17:00", 120, "2026-12-07T10:00"),  # over a weekend
        ("2026-12-05T12:00", 30, "2026-12-07T09:30"),  # begins on a Saturday
        ("2026-09-30T17:00", 120, "2026-10-08T10:00"),  # over the National Day week of China
        ("2026-10-10T09:00", 60, "2026-10-10T10:00"),  # a Saturday that is worked for it
        ("2026-12-02T08:00", 60, "2026-12-02T10:00"),  # reported before work
    ],
)
def test_clocks_run_in_working_time(start, minutes, end):
    assert Hours(country="CN").after(local(start), minutes) == local(end)


def test_days_off_and_on_of_the_house_go_before_the_calendar():
    hours = Hours(off=frozenset({"2026-12-01"}), on=frozenset({"2026-12-05"}))
    assert hours.after(local("2026-11-30T17:30"), 60) == local("2026-12-02T09:30")
    assert hours.works_on(dt.date(2026, 12, 5))


def test_round_the_clock_and_a_house_that_never_works():
    assert Hours().after(local("2026-12-04T17:00"), 120, round_the_clock=True) == local("2026-12-04T19:00")
    assert Hours(days=frozenset()).after(local("2026-12-04T17:00"), 60) == local("2026-12-04T18:00")


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        ("2026-11-30T22:00", "2026-12-01T09:00"),
        ("2026-12-01T03:00", "2026-12-01T09:00"),
        ("2026-12-01T09:00", None),
        ("2026-12-01T12:00", None),
    ],
)
def test_quiet_hours_may_pass_midnight(moment, until):
    assert quiet_until(local(moment), dt.time(21), dt.time(9)) == (local(until) if until else None)
