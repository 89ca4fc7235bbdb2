"""Missed clocks: the next level is told, once each, and the incident shows red."""

from __future__ import annotations

import datetime as dt
from functools import partial

from django.db import transaction

from backoffice import clock, notices, workhours
from backoffice.departments import Department
from backoffice.incidents.kinds import kind_of, sentence_of, title_of
from backoffice.incidents.reporting import note_all, rule_of
from backoffice.incidents.rules import Step, steps_of
from backoffice.models import Incident, IncidentEntry, IncidentRule, User
from backoffice.models.incidents import OPEN_STATES

ACTOR = "task:incidents"
PAGE = 200


def escalate_due(*, most: int = PAGE) -> int:
    """Escalate every open incident whose clock was missed; returns how many. Harmless to repeat."""
    now = clock.now()
    due = Incident.objects.filter(escalate_at__lte=now, state__in=OPEN_STATES).order_by("escalate_at")
    ids = list(due.values_list("pk", flat=True)[:most])
    hours = workhours.current() if ids else None
    return sum(_escalate(pk, hours, now) for pk in ids if hours)


@transaction.atomic
def _escalate(pk: int, hours: workhours.Hours, now: dt.datetime) -> int:
    row = (
        Incident.objects.select_for_update(of=("self",))
        .filter(pk=pk, escalate_at__lte=now, state__in=OPEN_STATES)
        .first()
    )
    if row is None:
        return 0  # taken in hand or closed meanwhile
    rule = rule_of(row)
    steps = steps_of(rule)
    if row.level >= len(steps):
        Incident.objects.filter(pk=pk).update(escalate_at=None)
        return 0
    step = steps[row.level]
    following = _next_clock(row, rule, len(steps), hours, now)
    Incident.objects.filter(pk=pk).update(
        level=row.level + 1, escalate_at=following, escalated_department=step.department,
        escalated_person_id=step.person_id,
    )  # fmt: skip
    missed = "resolve" if row.state == Incident.State.ACKNOWLEDGED else "acknowledge"
    data = {"level": row.level + 1, "department": step.department, "person": step.person_id, "clock": missed}
    note_all([row], IncidentEntry.What.ESCALATED, ACTOR, data=data, at=now)
    _tell(row, step)
    return 1


def _next_clock(
    row: Incident, rule: IncidentRule | None, steps: int, hours: workhours.Hours, now: dt.datetime
) -> dt.datetime | None:
    """When the level after this one is told; None after the last."""
    if row.level + 1 >= steps:
        return None
    minutes = kind_of(row.kind).acknowledge_minutes
    if rule is not None and rule.acknowledge_minutes is not None:
        minutes = rule.acknowledge_minutes
    around = rule.round_the_clock if rule else False
    return hours.after(now, max(minutes, 15), round_the_clock=around)


def _tell(row: Incident, step: Step) -> None:
    person = User.objects.filter(pk=step.person_id, is_active=True).first() if step.person_id else None
    who: User | str = person or step.department or Department.OWNER.value
    notices.tell(
        who,
        subject=partial(_headline, row),
        url=notices.incident_url(row.pk),
        key=f"incident:{row.pk}:{row.count}:level:{row.level + 1}:{row.opened_at.timestamp():.0f}",
    )


def _headline(row: Incident) -> str:
    from django.utils.translation import gettext as _

    line = notices.subject_of(title_of(row.kind), sentence_of(row.kind, row.data))
    return _("Overdue: %s") % line
