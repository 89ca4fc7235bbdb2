"""What people do with incidents: take in hand, assign, note, resolve with a cause, report by hand — one or many.

Rows are locked in the order of their keys; each says what became of it. Of two people who take the same one, the second
is told who was first.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import transaction

from backoffice import actors, audit, clock, locks, notices
from backoffice.departments import Department
from backoffice.incidents.errors import IncidentError
from backoffice.incidents.kinds import CUSTOM, sentence_of, title_of
from backoffice.incidents.reporting import note_all, report, tell_assigned
from backoffice.models import Incident, IncidentCause, IncidentEntry, User
from backoffice.models.incidents import OPEN_STATES, WAITING_STATES

State, What = Incident.State, IncidentEntry.What


@dataclasses.dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of one incident. `message` is a sentence when it was refused."""

    incident_id: int
    ok: bool
    code: str = "done"
    message: str = ""


class _Bench:
    """The incidents of one action, locked; open it inside a transaction."""

    def __init__(self, ids: Sequence[int], actor: str) -> None:
        self.actor, self.now = actor or audit.current_actor().name, clock.now()
        rows = Incident.objects.filter(pk__in=list(dict.fromkeys(ids))).select_related("person")
        self.rows = locks.locked_rows(rows)
        self.outcomes: dict[int, RowOutcome] = {}

    def judge(self, problem: Callable[[Incident], IncidentError | None]) -> list[Incident]:
        """Return the rows nothing speaks against; the others are told why."""
        good = []
        for row in self.rows:
            error = problem(row)
            if error is None:
                good.append(row)
                self.outcomes[row.pk] = RowOutcome(row.pk, True)
            else:
                self.outcomes[row.pk] = RowOutcome(row.pk, False, error.code, str(error))
        return good

    def write(self, rows: Sequence[Incident], what: str, news: Mapping[str, Any], *, text: str = "") -> None:
        """Change the rows alike, in one statement, with their history and the audit trail."""
        if not rows:
            return
        before = {row.pk: {name: getattr(row, name) for name in news} for row in rows}
        Incident.objects.filter(pk__in=[row.pk for row in rows]).update(**news)
        for row in rows:
            for name, value in news.items():
                setattr(row, name, value)
        plain = {name: _plain(value) for name, value in news.items()}
        note_all(rows, what, self.actor, text=text, data=plain, at=self.now)
        audit.record_many(
            audit.Entry(
                action=f"incident.{what}", target=row, actor=self.actor, summary=text[:300],
                before={name: _plain(value) for name, value in before[row.pk].items()}, after=plain,
            )
            for row in rows
        )  # fmt: skip


def _plain(value: Any) -> Any:
    """A value as a log keeps it."""
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _closed(row: Incident) -> IncidentError | None:
    return None if row.is_open else IncidentError("incident_closed", number=str(row), who=_who(row.closed_by))


def _who(actor: str) -> str:
    """`user:7 wang` → wang."""
    return actors.named(actor)


# --- many ------------------------------------------------------------------------------------------------------------


@transaction.atomic
def acknowledge_many(*, ids: Sequence[int], user: User, actor: str = "") -> list[RowOutcome]:
    """Take incidents in hand; those with nobody's name get this person's. The clock is now that of resolving."""
    bench = _Bench(ids, actor)

    def problem(row: Incident) -> IncidentError | None:
        if row.state == State.ACKNOWLEDGED:
            return IncidentError("incident_taken", number=str(row), who=_who(row.acknowledged_by))
        return _closed(row)

    good = bench.judge(problem)
    for due in {row.resolve_due for row in good}:
        same = [row for row in good if row.resolve_due == due]
        news = {
            "state": State.ACKNOWLEDGED, "acknowledged_at": bench.now, "acknowledged_by": bench.actor[:150],
            "due_at": due, "escalate_at": due,
        }  # fmt: skip
        bench.write([row for row in same if row.person_id], What.ACKNOWLEDGED, news)
        bench.write([row for row in same if not row.person_id], What.ACKNOWLEDGED, {**news, "person": user})
    return list(bench.outcomes.values())


@transaction.atomic
def assign_many(
    *, ids: Sequence[int], department: str = "", person: User | None = None, actor: str = "", note: str = ""
) -> list[RowOutcome]:
    """Give incidents to a department, a person, or both; they are told."""
    if department not in Department.values and person is None:
        raise IncidentError("incident_nobody")
    if person is not None and not person.is_active:
        raise IncidentError("incident_person_gone")
    bench = _Bench(ids, actor)
    good = bench.judge(_closed)
    news: dict[str, Any] = {"person": person}
    if department:
        news["department"] = department
    bench.write(good, What.ASSIGNED, news, text=_text(note))
    others = [row for row in good if person is None or not bench.actor.startswith(f"user:{person.pk} ")]
    _tell_anew(others, bench)
    return list(bench.outcomes.values())


def _tell_anew(rows: Sequence[Incident], bench: _Bench) -> None:
    if len(rows) == 1:
        row = rows[0]
        notices.tell(
            row.person or row.department,
            subject=lambda: notices.subject_of(title_of(row.kind), sentence_of(row.kind, row.data)),
            url=notices.incident_url(row.pk),
            key=f"incident:{row.pk}:assigned:{bench.now.timestamp():.0f}",
        )
    elif rows:
        tell_assigned(rows)


@transaction.atomic
def resolve_many(*, ids: Sequence[int], cause: IncidentCause | None, done: str, actor: str = "") -> list[RowOutcome]:
    """Close incidents with a cause and what was done; a cause of another kind is refused row by row."""
    if cause is None:
        raise IncidentError("incident_cause_missing")
    told = _text(done)
    if not told:
        raise IncidentError("incident_done_missing")
    bench = _Bench(ids, actor)

    def problem(row: Incident) -> IncidentError | None:
        wrong = cause.kind and cause.kind != row.kind
        return _closed(row) or (IncidentError("incident_cause_other") if wrong else None)

    good = bench.judge(problem)
    news = {
        "state": State.RESOLVED, "closed_at": bench.now, "closed_by": bench.actor[:150], "cause": cause,
        "done": told[:1000], "escalate_at": None,
    }  # fmt: skip
    bench.write(good, What.RESOLVED, news, text=told)
    return list(bench.outcomes.values())


# --- one -------------------------------------------------------------------------------------------------------------


def acknowledge(*, incident: Incident, user: User, actor: str = "") -> None:
    """Take one in hand. Raises IncidentError."""
    _only(acknowledge_many(ids=[incident.pk], user=user, actor=actor))


def assign(
    *, incident: Incident, department: str = "", person: User | None = None, actor: str = "", note: str = ""
) -> None:
    """Give one away. Raises IncidentError."""
    _only(assign_many(ids=[incident.pk], department=department, person=person, actor=actor, note=note))


def resolve(*, incident: Incident, cause: IncidentCause | None, done: str, actor: str = "") -> None:
    """Close one. Raises IncidentError."""
    _only(resolve_many(ids=[incident.pk], cause=cause, done=done, actor=actor))


class Refused(IncidentError):
    """One row's refusal, with the sentence it got."""

    def __init__(self, outcome: RowOutcome) -> None:
        super().__init__(outcome.code)
        self.message, self.params = outcome.message, {}


def _only(outcomes: Sequence[RowOutcome]) -> None:
    for outcome in outcomes:
        if not outcome.ok:
            raise Refused(outcome)


@transaction.atomic
def note(*, incident: Incident, text: str, actor: str = "") -> None:
    """Write a line into the history, of a closed one too."""
    said = _text(text)
    if not said:
        raise IncidentError("incident_text_missing")
    note_all([incident], What.NOTE, actor or audit.current_actor().name, text=said)


@transaction.atomic
def reopen(*, incident: Incident, actor: str = "", text: str = "") -> None:
    """Take a closed one up again by hand, with the clocks it had: they are red if they are over."""
    bench = _Bench([incident.pk], actor)
    row = bench.rows[0]
    if row.is_open:
        raise IncidentError("incident_open", number=str(row))
    twin = Incident.objects.filter(kind=row.kind, key=row.key, state__in=OPEN_STATES).first()
    if twin is not None:
        raise IncidentError("incident_open", number=str(twin))
    news = {
        "state": State.REOPENED, "closed_at": None, "closed_by": "", "cause": None, "done": "",
        "acknowledged_at": None, "acknowledged_by": "", "due_at": row.acknowledge_due, "escalate_at": None,
    }  # fmt: skip
    bench.write([row], What.REOPENED, news, text=_text(text))


def report_by_hand(
    *,
    text: str,
    actor: str,
    department: str = "",
    severity: str = "normal",
    shop_id: int | None = None,
    warehouse_id: int | None = None,
    links: Sequence[str] = (),
    token: str = "",
) -> Incident:
    """Report what no source of ours sees. The same form sent twice (`token`) is one incident."""
    said = _text(text)
    if not said:
        raise IncidentError("incident_text_missing")
    with audit.acting_as(audit.Actor(actor)):
        return report(
            kind=CUSTOM, key=f"hand:{token or uuid.uuid4().hex}", data={"text": said}, department=department,
            severity=severity, shop_id=shop_id, warehouse_id=warehouse_id, links=links,
        )  # fmt: skip


def _text(text: str) -> str:
    if "\0" in text:
        raise IncidentError("incident_text_nul")
    return text.strip()[:1000]


__all__ = [
    "OPEN_STATES", "WAITING_STATES", "RowOutcome", "acknowledge", "acknowledge_many", "assign", "assign_many", "note",
    "reopen", "report_by_hand", "resolve", "resolve_many",
]  # fmt: skip
