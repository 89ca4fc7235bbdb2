"""Working time: when so many hours or working days are over, in a shop's zone, with its hours, holidays and cut-off.

Pure arithmetic. Days and clock times are the shop's own; lengths are measured in real time, so that the night the
clocks are changed is an hour shorter or longer and nothing else.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
MIDNIGHT = dt.time(0)
LONGEST = 3_700  # days to look ahead: a shop that is closed for ten years promises nothing
FIRST, LAST = dt.datetime(1971, 1, 1, tzinfo=dt.UTC), dt.datetime(2199, 1, 1, tzinfo=dt.UTC)
HOURS, WORK_HOURS, WORK_DAYS = "hours", "work_hours", "work_days"


@dataclasses.dataclass(frozen=True, slots=True)
class Calendar:
    """When a shop works. `closes` at 00:00 is midnight; an empty country keeps no public holidays."""

    zone: str = "UTC"
    work_days: frozenset[int] = frozenset(range(5))  # 0 is Monday
    opens: dt.time = dt.time(9)
    closes: dt.time = dt.time(18)
    country: str = ""
    region: str = ""
    closed: frozenset[dt.date] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True)
class Handling:
    """How long a shop may take, and what is paid up to which time still counts as today's."""

    amount: int
    unit: str
    cut_off: dt.time
    calendar: Calendar


def deadline(start: dt.datetime, handling: Handling) -> dt.datetime | None:
    """Return the moment by which what came in at `start` has to leave; None when that is never."""
    if not FIRST <= start < LAST:
        return None
    start = start.astimezone(dt.UTC)  # arithmetic on a wall clock would not see the clocks change
    if handling.unit == HOURS:
        return start + handling.amount * HOUR
    if handling.unit == WORK_HOURS:
        return _after_hours(start, handling.amount * HOUR, handling.calendar)
    return _after_days(start, handling)


def is_working_day(day: dt.date, calendar: Calendar) -> bool:
    """True when the shop works on a day: not closed, no holiday, a weekday of work or one worked for a holiday."""
    if day in calendar.closed:
        return False
    if calendar.country:
        off, on = holidays_of(calendar.country, calendar.region, day.year)
        if day in off:
            return False
        if day in on:
            return True
    return day.weekday() in calendar.work_days


@lru_cache(maxsize=512)
def holidays_of(country: str, region: str, year: int) -> tuple[frozenset[dt.date], frozenset[dt.date]]:
    """Return the public holidays of a year, and the weekend days that are worked in exchange (调休)."""
    try:
        found = holidays.country_holidays(country, subdiv=region or None, years=year)
    except NotImplementedError:  # a country or region the library does not know has none
        return (frozenset(), frozenset()) if not region else holidays_of(country, "", year)
    worked = getattr(found, "weekend_workdays", ())
    return frozenset(found), frozenset(day for day in worked if day.year == year and day not in found)


def _after_hours(start: dt.datetime, left: dt.timedelta, calendar: Calendar) -> dt.datetime | None:
    """Walk through the working hours until `left` is used up."""
    for begins, ends in _spans(start, calendar):
        begins = max(begins, start)
        if ends <= begins:
            continue
        if left <= ends - begins:
            return begins + left
        left -= ends - begins
    return None


def _after_days(start: dt.datetime, handling: Handling) -> dt.datetime | None:
    """The day it counts from, then so many working days on: due when work ends there."""
    calendar = handling.calendar
    local = start.astimezone(zone_of(calendar.zone))
    today = is_working_day(local.date(), calendar) and local.time() < handling.cut_off
    days = _working_days(local.date() if today else local.date() + DAY, calendar)
    for count, day in enumerate(days):
        if count == handling.amount:
            ends = _span(day, calendar)[1]
            if ends > start:  # the cut-off may lie behind the end of work
                return ends
            return next((_span(later, calendar)[1] for later in days), None)
    return None


def _working_days(first: dt.date, calendar: Calendar) -> Iterator[dt.date]:
    for ahead in range(LONGEST):
        day = first + ahead * DAY
        if is_working_day(day, calendar):
            yield day


def _spans(start: dt.datetime, calendar: Calendar) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    for day in _working_days(start.astimezone(zone_of(calendar.zone)).date() - DAY, calendar):
        yield _span(day, calendar)


def _span(day: dt.date, calendar: Calendar) -> tuple[dt.datetime, dt.datetime]:
    """Return the working hours of a day in UTC."""
    zone = zone_of(calendar.zone)
    last = day + DAY if calendar.closes == MIDNIGHT else day
    begins = dt.datetime.combine(day, calendar.opens, zone).astimezone(dt.UTC)
    return begins, dt.datetime.combine(last, calendar.closes, zone).astimezone(dt.UTC)


@lru_cache(maxsize=128)
def zone_of(name: str) -> ZoneInfo:
    """Return a zone by its name; UTC for one that nobody knows."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError):
        return ZoneInfo("UTC")
