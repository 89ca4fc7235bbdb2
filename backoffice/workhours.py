"""Working time: when a clock runs out if only working hours of working days count. Pure; the settings are given.

Holidays come from the package `holidays`, which also knows the weekends that are worked instead (调休).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays

from backoffice import clock

LONGEST = 3700  # days looked ahead: a house that never works gets a date, not an endless loop
DAY = dt.timedelta(days=1)


@dataclasses.dataclass(frozen=True, slots=True)
class Hours:
    """One house's working time. `starts` and `ends` are wall-clock times in `zone`."""

    days: frozenset[int] = frozenset({0, 1, 2, 3, 4})
    starts: dt.time = dt.time(9)
    ends: dt.time = dt.time(18)
    zone: str = "Asia/Shanghai"
    country: str = ""
    off: frozenset[str] = frozenset()  # ISO dates
    on: frozenset[str] = frozenset()

    def works_on(self, day: dt.date) -> bool:
        """Whether the house works on this day."""
        text = day.isoformat()
        if text in self.on:
            return True
        if text in self.off:
            return False
        off, on = _calendar(self.country, day.year)
        return day in on or (day.weekday() in self.days and day not in off)

    def after(self, start: dt.datetime, minutes: float, *, round_the_clock: bool = False) -> dt.datetime:
        """Return the moment when so many working minutes have passed since `start`, aware UTC."""
        left = dt.timedelta(minutes=minutes)
        if round_the_clock or self.starts >= self.ends:
            return start + left
        zone = _zone(self.zone)
        day = start.astimezone(zone).date()
        for _number in range(LONGEST):
            if self.works_on(day):
                opens, closes = (dt.datetime.combine(day, one, zone).astimezone(dt.UTC) for one in self.edges)
                begin = max(opens, start)
                if begin + left <= closes:
                    return begin.astimezone(dt.UTC) + left
                left -= max(closes - begin, dt.timedelta(0))
            day += DAY
        return start + left

    @property
    def edges(self) -> tuple[dt.time, dt.time]:
        """When a working day begins and ends."""
        return self.starts, self.ends


@lru_cache(maxsize=64)
def _calendar(country: str, year: int) -> tuple[frozenset[dt.date], frozenset[dt.date]]:
    """The holidays of a country, and the weekend days it works instead."""
    if not country:
        return frozenset(), frozenset()
    try:
        found: Any = holidays.country_holidays(country, years=year)
    except NotImplementedError:  # a country the library does not know has no holidays
        return frozenset(), frozenset()
    worked = {day for day in getattr(found, "weekend_workdays", ()) if day.year == year}
    return frozenset(found) - worked, frozenset(worked)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def quiet_until(
    moment: dt.datetime, start: dt.time | None, end: dt.time | None, zone: str = "Asia/Shanghai"
) -> dt.datetime | None:
    """Return when the quiet hours around `moment` end, None when it is not in them. They may pass midnight."""
    if start is None or end is None or start == end:
        return None
    local = moment.astimezone(_zone(zone))
    now = local.timetz().replace(tzinfo=None)
    inside = start <= now < end if start < end else (now >= start or now < end)
    if not inside:
        return None
    day = local.date() if now < end else local.date() + DAY
    return dt.datetime.combine(day, end, _zone(zone)).astimezone(dt.UTC)


def next_time(moment: dt.datetime, wanted: dt.time, zone: str) -> dt.datetime:
    """Return the next moment at which clocks in `zone` show `wanted`, aware UTC."""
    local = moment.astimezone(_zone(zone))
    day = local.date() if local.time() < wanted else local.date() + DAY
    return dt.datetime.combine(day, wanted, _zone(zone)).astimezone(dt.UTC)


def current() -> Hours:
    """Return the house's working time as it is set."""
    from backoffice.models import WorkTime

    row = WorkTime.current()
    return Hours(
        days=frozenset(row.days), starts=row.starts, ends=row.ends, zone=row.time_zone, country=row.holidays,
        off=frozenset(row.days_off), on=frozenset(row.days_on),
    )  # fmt: skip


def working_now() -> bool:
    """Whether somebody should be there."""
    hours = current()
    local = clock.now().astimezone(_zone(hours.zone))
    return hours.works_on(local.date()) and hours.starts <= local.time() < hours.ends
