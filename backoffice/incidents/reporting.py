"""Trouble begins, is seen again, goes away: the only code that opens incidents.

One incident is open per kind and key: a partial unique index says so, and who loses a race counts up instead.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F

from backoffice import audit, clock, notices, workhours
from backoffice.incidents import rules as assigning
from backoffice.incidents.kinds import sentence_of, title_of
from backoffice.models import Incident, IncidentEntry, IncidentLink, IncidentRule, WorkTime
from backoffice.models.incidents import OPEN_STATES, RANK

State, What = Incident.State, IncidentEntry.What
PAGE = 500
Key = tuple[str, str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One trouble, ready to be reported. `links` are references ("orders.order:42")."""

    kind: str
    key: str
    target: str = ""
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    department: str = ""
    shop_id: int | None = None
    warehouse_id: int | None = None
    severity: str = "normal"
    links: Sequence[str] = ()

    @property
    def identity(self) -> Key:
        """What one open incident is unique on."""
        return self.kind, self.key[:200]

    @property
    def facts(self) -> assigning.Facts:
        """What the assignment rules look at."""
        return assigning.Facts(self.kind, self.shop_id, self.warehouse_id, self.severity, self.data, self.department)


def report(
    *,
    kind: str,
    key: str,
    target: str = "",
    data: Mapping[str, Any] | None = None,
    department: str = "",
    shop_id: int | None = None,
    warehouse_id: int | None = None,
    severity: str = "normal",
    links: Sequence[str] = (),
) -> Incident:
    """Report one trouble and return its incident.

    Seen again, the open one counts up and moves `last_seen_at`; one closed less than the set number of days ago is
    opened again; else a new one is made and given to somebody by the assignment rules.
    """
    one = Report(
        kind=kind, key=key, target=target, data=data or {}, department=department, shop_id=shop_id,
        warehouse_id=warehouse_id, severity=severity, links=links,
    )  # fmt: skip
    return report_many([one])[0]


def report_many(reports: Sequence[Report]) -> list[Incident]:
    """Report a page of troubles in a constant number of statements; returns their incidents in the same order."""
    found: dict[Key, Incident] = {}
    for start in range(0, len(reports), PAGE):
        found |= _Page(reports[start : start + PAGE]).write(count=True)
    return [found[one.identity] for one in reports]


def settle(*, kind: str, key: str, actor: str = "", note: str = "") -> bool:
    """Close the open incident because its cause went away by itself; False when none was open."""
    return bool(settle_many(kind=kind, keys=[key], actor=actor, note=note))


@transaction.atomic
def settle_many(*, kind: str, keys: Collection[str], actor: str = "", note: str = "") -> int:
    """Close the open incidents of these keys as gone by themselves; returns how many."""
    closed = 0
    names = [key[:200] for key in dict.fromkeys(keys)]
    for start in range(0, len(names), PAGE):
        closed += _close(kind, names[start : start + PAGE], actor or audit.current_actor().name, note)
    return closed


def reconcile(*, kind: str, prefix: str, reports: Sequence[Report]) -> tuple[int, int]:
    """Say all that is wrong now under keys beginning with `prefix`: new ones open, those not named are settled.

    What stands is only seen again, not counted: a chore looks at it every few minutes. Returns (opened, settled).
    """
    named = {one.identity[1] for one in reports}
    standing = set(
        Incident.objects.filter(kind=kind, key__startswith=prefix, state__in=OPEN_STATES).values_list("key", flat=True)
    )
    for start in range(0, len(reports), PAGE):
        _Page(reports[start : start + PAGE]).write(count=False)
    return len(named - standing), settle_many(kind=kind, keys=sorted(standing - named))


def _close(kind: str, keys: Sequence[str], actor: str, note: str) -> int:
    now = clock.now()
    rows = list(
        Incident.objects.select_for_update(of=("self",))
        .filter(kind=kind, key__in=keys, state__in=OPEN_STATES)
        .order_by("pk")
    )
    Incident.objects.filter(pk__in=[row.pk for row in rows]).update(
        state=State.GONE, closed_at=now, closed_by=actor[:150], escalate_at=None
    )
    note_all(rows, What.GONE, actor, text=note, at=now)
    return len(rows)


def note_all(
    rows: Iterable[Incident], what: str, actor: str, *, text: str = "", data: Any = None, at: dt.datetime | None = None
) -> None:
    """Write one line into the history of each row."""
    moment = at or clock.now()
    IncidentEntry.objects.bulk_create(
        [
            IncidentEntry(incident=row, at=moment, actor=actor[:150], what=what, text=text[:1000], data=data or {})
            for row in rows
        ]
    )


class _Page:
    """A page of reports, written together: at most so many statements, however many rows."""

    def __init__(self, reports: Sequence[Report]) -> None:
        self.reports = {one.identity: one for one in reports}  # the last word counts
        self.times: dict[Key, int] = {}
        for one in reports:
            self.times[one.identity] = self.times.get(one.identity, 0) + 1
        self.now = clock.now()
        self.actor = audit.current_actor().name

    @transaction.atomic
    def write(self, *, count: bool) -> dict[Key, Incident]:
        """Count up, open again or open; tell whoever gets new work."""
        open_ones = self._open()
        self._again(open_ones, count=count)
        fresh = [key for key in self.reports if key not in open_ones]
        if fresh:
            self._begin(fresh)
            open_ones = self._open()
        return open_ones

    def _open(self) -> dict[Key, Incident]:
        rows = Incident.objects.filter(
            kind__in={kind for kind, _key in self.reports},
            key__in={key for _kind, key in self.reports},
            state__in=OPEN_STATES,
        )
        return {(row.kind, row.key): row for row in rows if (row.kind, row.key) in self.reports}

    def _again(self, standing: Mapping[Key, Incident], *, count: bool) -> None:
        """Seen again: count and time, what changed in the data, a severity that grew."""
        by_times: dict[int, list[int]] = {}
        changed: list[Incident] = []
        for key, row in standing.items():
            one = self.reports[key]
            by_times.setdefault(self.times[key] if count else 0, []).append(row.pk)
            row.count += self.times[key] if count else 0
            row.last_seen_at = self.now
            worse = RANK.get(one.severity, 1) > RANK[row.severity]
            if worse:
                note_all([row], What.WORSE, self.actor, data={"from": row.severity, "to": one.severity}, at=self.now)
                row.severity = one.severity
            if worse or row.data != one.data:
                row.data = dict(one.data)
                changed.append(row)
        for times, ids in by_times.items():
            Incident.objects.filter(pk__in=ids).update(count=F("count") + times, last_seen_at=self.now)
        if changed:
            Incident.objects.bulk_update(changed, ["data", "severity"])
        self._link(standing)

    def _begin(self, keys: Sequence[Key]) -> None:
        rules, hours = assigning.active_rules(), workhours.current()
        given = {key: assigning.assign(self.reports[key].facts, rules) for key in keys}
        back = self._reopened(keys, given, hours)
        new = [self._row(key, given[key], hours) for key in keys if key not in back]
        # A conflict means that somebody reported the same a moment ago: his row counts, ours is dropped.
        Incident.objects.bulk_create(new, ignore_conflicts=True)
        made = {key: row for key, row in self._open().items() if key in given and key not in back}
        begun = self._bare(made)
        note_all(begun, What.OPENED, self.actor, at=self.now)
        rows = {**made, **back}
        self._link(rows)
        told = {row.pk for row in begun} | {row.pk for row in back.values()}
        tell_assigned([row for row in rows.values() if row.pk in told])

    def _bare(self, made: Mapping[Key, Incident]) -> list[Incident]:
        """Those without a history: ours, not those of somebody who was quicker."""
        ids = [row.pk for row in made.values()]
        begun = set(IncidentEntry.objects.filter(incident__in=ids).values_list("incident_id", flat=True))
        return [row for row in made.values() if row.pk not in begun]

    def _reopened(
        self, keys: Sequence[Key], given: Mapping[Key, assigning.Assignment], hours: workhours.Hours
    ) -> dict[Key, Incident]:
        """Take back those which were closed a short time ago, with new clocks and their old owner."""
        since = self.now - dt.timedelta(days=WorkTime.current().reopen_days)
        closed = Incident.objects.filter(
            kind__in={kind for kind, _key in keys}, key__in={key for _kind, key in keys}, closed_at__gte=since
        ).exclude(state__in=OPEN_STATES)
        latest = {(row.kind, row.key): row for row in closed.order_by("closed_at", "pk")}
        back: dict[Key, Incident] = {}
        for key in keys:
            row = latest.get(key)
            if row is not None and self._take_back(row, self.reports[key], given[key], hours):
                back[key] = row
        note_all(back.values(), What.REOPENED, self.actor, at=self.now)
        return back

    def _take_back(self, row: Incident, one: Report, given: assigning.Assignment, hours: workhours.Hours) -> bool:
        take, end = given.clocks(hours, self.now)
        news = {
            "state": State.REOPENED, "data": dict(one.data), "last_seen_at": self.now, "acknowledge_due": take,
            "resolve_due": end, "due_at": take, "acknowledged_at": None, "acknowledged_by": "", "closed_at": None,
            "closed_by": "", "cause": None, "done": "", "level": 0, "escalate_at": take, "escalated_department": "",
            "escalated_person": None, "severity": given.severity,
        }  # fmt: skip
        news["department"] = row.department or given.department
        taken = Incident.objects.filter(pk=row.pk, state=row.state).update(count=F("count") + 1, **news)
        for name, value in news.items():
            setattr(row, name, value)
        row.count += 1
        return bool(taken)

    def _row(self, key: Key, given: assigning.Assignment, hours: workhours.Hours) -> Incident:
        one = self.reports[key]
        take, end = given.clocks(hours, self.now)
        return Incident(
            kind=one.kind, key=key[1], target=one.target[:120], data=dict(one.data), severity=given.severity,
            department=given.department, person_id=given.person_id, shop_id=one.shop_id,
            warehouse_id=one.warehouse_id, rule_id=given.rule_id, count=self.times[key], opened_at=self.now,
            last_seen_at=self.now, acknowledge_due=take, resolve_due=end, due_at=take, escalate_at=take,
        )  # fmt: skip

    def _link(self, rows: Mapping[Key, Incident]) -> None:
        links = [
            IncidentLink(incident=row, target=target[:120])
            for key, row in rows.items()
            for target in dict.fromkeys([self.reports[key].target, *self.reports[key].links])
            if target
        ]
        IncidentLink.objects.bulk_create(links, ignore_conflicts=True)


def tell_assigned(rows: Sequence[Incident]) -> None:
    """Tell whoever has new work; a page of many is told as one line a department."""
    groups: dict[tuple[str, int | None], list[Incident]] = {}
    for row in rows:
        groups.setdefault((row.department, row.person_id), []).append(row)
    for (department, _person), mine in groups.items():
        first = mine[0]
        notices.tell(
            first.person or department,
            subject=partial(_headline, first, len(mine) - 1),
            url=notices.incident_url(first.pk if len(mine) == 1 else None),
            key=f"incident:{first.pk}:{first.count}:{len(mine)}",
        )


def _headline(row: Incident, more: int) -> str:
    return notices.subject_of(title_of(row.kind), sentence_of(row.kind, row.data), more)


def rule_of(row: Incident) -> IncidentRule | None:
    """Return the rule that gave the incident away, with its steps."""
    return IncidentRule.objects.prefetch_related("steps").filter(pk=row.rule_id).first() if row.rule_id else None
