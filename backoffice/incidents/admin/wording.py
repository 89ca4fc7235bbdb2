"""Incidents in a clerk's words: how long, how late, who, what happened."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from backoffice import actors, clock
from backoffice.departments import Department
from backoffice.models import Incident, IncidentCause, IncidentEntry, User

What = IncidentEntry.What


def span(delta: dt.timedelta) -> str:
    """Return a span of time in one unit."""
    minutes = max(int(delta.total_seconds() // 60), 0)
    if minutes < 60:
        return _("%d min") % minutes
    return _("%d h") % (minutes // 60) if minutes < 48 * 60 else _("%d d") % (minutes // 1440)


def age(moment: dt.datetime) -> str:
    """Return how long ago."""
    return span(clock.now() - moment)


def left(due: dt.datetime) -> tuple[str, bool]:
    """Return what is left of a clock, and whether it is over."""
    rest = due - clock.now()
    return (span(rest), False) if rest > dt.timedelta() else (_("late by %s") % span(-rest), True)


def department(code: str) -> str:
    """Return a department's name."""
    return str(dict(Department.choices).get(code, code))


def owner(row: Incident) -> str:
    """Return whose an incident is."""
    person = row.person.get_full_name() or row.person.get_username() if row.person else ""
    return " · ".join(part for part in (department(row.department), person) if part)


def actor(name: str) -> str:
    """Return an actor as people say it: `user:7 wang` is wang, a task is the house itself."""
    return actors.named(name)


def entry(row: IncidentEntry, people: dict[int, str]) -> str:
    """Return what a line of the history says beside its word and its text."""
    data: dict[str, Any] = row.data or {}
    if row.what == What.WORSE:
        return _("severity from %(before)s to %(after)s") % {
            "before": _severity(data.get("from")), "after": _severity(data.get("to")),
        }  # fmt: skip
    if row.what == What.ASSIGNED:
        parts = (department(str(data.get("department") or "")), str(data.get("person") or ""))
        return _("to %s") % " · ".join(part for part in parts if part)
    if row.what == What.ESCALATED:
        clock_missed = _("not resolved in time") if data.get("clock") == "resolve" else _("not taken in hand in time")
        told = people.get(int(data["person"]), "") if data.get("person") else department(str(data.get("department")))
        return _("%(clock)s: told %(who)s") % {"clock": clock_missed, "who": told}
    if row.what == What.RESOLVED:
        return _("cause: %s") % data.get("cause", "")
    return ""


def _severity(code: Any) -> str:
    from backoffice.models.incidents import Severity

    return str(dict(Severity.choices).get(str(code), code))


def names(rows: list[IncidentEntry]) -> dict[int, str]:
    """Return the names of the people a history speaks of."""
    ids = {int(row.data["person"]) for row in rows if row.what == What.ESCALATED and row.data.get("person")}
    found = User.objects.filter(pk__in=ids) if ids else ()
    return {one.pk: one.get_full_name() or one.get_username() for one in found}


def moment(value: dt.datetime | None) -> str:
    """Return a time on the reader's clock."""
    return date_format(timezone.localtime(value), "SHORT_DATETIME_FORMAT") if value else "–"


def causes_of(row: Incident) -> list[IncidentCause]:
    """Return the causes one may choose for an incident."""
    from backoffice.incidents import causes

    return list(causes.for_kind(row.kind))
