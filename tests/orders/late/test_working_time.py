"""Working time: cut-off, weekends, holidays, the nights the clocks change; checked minute by minute against a walk."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.late.working_time import Calendar, Handling, deadline, is_working_day

SHANGHAI, BERLIN = "Asia/Shanghai", "Europe/Berlin"
WEEK = Calendar(zone=SHANGHAI)


def local(text: str, zone: str = SHANGHAI) -> dt.datetime:
    """A wall-clock time of a zone."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def days(amount: int, calendar: Calendar = WEEK, cut_off=dt.time(16)) -> Handling:
    return Handling(amount, "work_days", cut_off, calendar)


@pytest.mark.parametrize(
    ("paid", "amount", "due"),
    [
        ("2026-11-16T15:59:59.999999", 1, "2026-11-17T18:00"),  # Monday, before the cut-off
        ("2026-11-16T16:00", 1, "2026-11-18T18:00"),  # at it: counts from Tuesday
        ("2026-11-16T10:00", 0, "2026-11-16T18:00"),
        ("2026-11-16T17:00", 0, "2026-11-17T18:00"),
        ("2026-11-20T15:00", 1, "2026-11-23T18:00"),  # Friday → Monday
        ("2026-11-21T10:00", 1, "2026-11-24T18:00"),  # Saturday counts from Monday
        ("2026-11-16T00:00", 2, "2026-11-18T18:00"),
    ],
)
def test_working_days_count_from_the_cut_off(paid, amount, due):
    assert deadline(local(paid), days(amount)) == local(due)


def test_a_cut_off_behind_the_end_of_work_never_gives_a_time_that_is_over():
    found = deadline(local("2026-11-16T20:00"), days(0, cut_off=dt.time(23)))
    assert found == local("2026-11-17T18:00")


def test_public_holidays_own_closed_days_and_worked_weekends():
    china = Calendar(zone=SHANGHAI, country="CN")
    assert not is_working_day(dt.date(2026, 2, 17), china)  # Spring Festival
    assert is_working_day(dt.date(2026, 2, 14), china)  # a Saturday worked for it
    assert deadline(local("2026-02-13T10:00"), days(2, china)) == local("2026-02-24T18:00")
    closed = Calendar(zone=SHANGHAI, closed=frozenset({dt.date(2026, 11, 17)}))
    assert deadline(local("2026-11-16T10:00"), days(1, closed)) == local("2026-11-18T18:00")


def test_holidays_of_a_region_and_of_a_country_nobody_knows():
    epiphany = dt.date(2026, 1, 6)
    assert not is_working_day(epiphany, Calendar(country="DE", region="BY"))
    assert is_working_day(epiphany, Calendar(country="DE"))
    assert is_working_day(epiphany, Calendar(country="DE", region="XX"))
    assert is_working_day(epiphany, Calendar(country="QQ"))


def test_hours_round_the_clock_pass_over_the_change_of_clocks_in_real_time():
    handling = Handling(48, "hours", dt.time(16), Calendar(zone=BERLIN))
    start = local("2026-03-28T12:00", BERLIN)  # the night of the 29th has an hour less
    assert deadline(start, handling) == local("2026-03-30T13:00", BERLIN)


def test_working_hours_over_night_and_on_the_night_the_clocks_change():
    handling = Handling(4, "work_hours", dt.time(16), WEEK)
    assert deadline(local("2026-11-16T16:30"), handling) == local("2026-11-17T11:30")
    assert deadline(local("2026-11-16T07:00"), handling) == local("2026-11-16T13:00")
    assert deadline(local("2026-11-16T09:00"), Handling(9, "work_hours", dt.time(16), WEEK)) == local(
        "2026-11-16T18:00"
    )
    nights = Calendar(zone=BERLIN, work_days=frozenset(range(7)), opens=dt.time(0), closes=dt.time(0))
    spring = Handling(24, "work_hours", dt.time(16), nights)
    assert deadline(local("2026-03-29T00:00", BERLIN), spring) == local("2026-03-30T01:00", BERLIN)
    autumn = deadline(local("2026-10-25T00:00", BERLIN), spring)
    assert autumn == local("2026-10-25T23:00", BERLIN)


def test_what_never_ends_and_what_lies_beyond_time_is_no_deadline():
    never = Calendar(work_days=frozenset())
    assert deadline(local("2026-11-16T10:00"), days(1, never)) is None
    assert deadline(local("2026-11-16T10:00"), Handling(1, "work_hours", dt.time(16), never)) is None
    assert deadline(dt.datetime(9999, 12, 31, 23, 59, tzinfo=dt.UTC), days(1)) is None
    assert deadline(dt.datetime(1, 1, 1, tzinfo=dt.UTC), Handling(1, "hours", dt.time(16), WEEK)) is None


ZONES = st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"])
MOMENTS = st.datetimes(dt.datetime(2025, 1, 1), dt.datetime(2027, 12, 31), timezones=st.just(dt.UTC))
HOURS_OF_DAY = st.integers(0, 23).map(dt.time)
CALENDARS = st.builds(
    Calendar,
    zone=ZONES,
    work_days=st.frozensets(st.integers(0, 6), min_size=1),
    opens=st.integers(0, 11).map(dt.time),
    closes=st.integers(12, 24).map(lambda hour: dt.time(hour % 24)),
    country=st.sampled_from(["", "CN", "DE", "US"]),
    closed=st.frozensets(st.dates(dt.date(2025, 1, 1), dt.date(2027, 12, 31)), max_size=5),
)
HANDLINGS = st.builds(
    Handling,
    amount=st.integers(0, 30),
    unit=st.sampled_from(["hours", "work_hours", "work_days"]),
    cut_off=HOURS_OF_DAY,
    calendar=CALENDARS,
)


def works(moment: dt.datetime, calendar: Calendar) -> bool:
    """Whether the shop works in the minute that begins then: looked up on the wall clock."""
    wall = moment.astimezone(ZoneInfo(calendar.zone))
    until = calendar.closes if calendar.closes != dt.time(0) else dt.time.max
    return is_working_day(wall.date(), calendar) and calendar.opens <= wall.time() < until


@settings(max_examples=60, deadline=None)
@given(MOMENTS, HANDLINGS)
def test_a_deadline_is_never_before_its_start_and_later_orders_are_never_due_sooner(start, handling):
    due = deadline(start, handling)
    assert due is not None
    assert due >= start
    later = deadline(start + dt.timedelta(hours=7), handling)
    assert later is not None
    assert later >= due
    more = deadline(start, Handling(handling.amount + 1, handling.unit, handling.cut_off, handling.calendar))
    assert more is not None
    assert more > due


@settings(max_examples=40, deadline=None)
@given(MOMENTS, CALENDARS, st.integers(1, 12))
def test_working_hours_are_as_many_as_a_walk_minute_by_minute_counts(start, calendar, hours):
    start = start.replace(second=0, microsecond=0)
    due = deadline(start, Handling(hours, "work_hours", dt.time(16), calendar))
    assert due is not None
    worked, now, minute = 0, start, dt.timedelta(minutes=1)
    while now < due:
        if works(now, calendar):
            worked += 1
            now += minute
        else:  # nothing happens before the next quarter of an hour: zones change on those
            now += minute * (15 - now.minute % 15)
    assert worked == hours * 60


@settings(max_examples=40, deadline=None)
@given(MOMENTS, CALENDARS, st.integers(0, 10), HOURS_OF_DAY)
def test_working_days_end_when_work_ends_on_a_working_day(start, calendar, amount, cut_off):
    due = deadline(start, Handling(amount, "work_days", cut_off, calendar))
    assert due is not None
    wall = due.astimezone(ZoneInfo(calendar.zone))
    day = wall.date() - dt.timedelta(days=calendar.closes == dt.time(0))
    assert is_working_day(day, calendar)
    first = start.astimezone(ZoneInfo(calendar.zone)).date()
    between = [first + dt.timedelta(days=n) for n in range((day - first).days + 1)]
    working = sum(is_working_day(one, calendar) for one in between)
    assert working in (amount, amount + 1, amount + 2)
