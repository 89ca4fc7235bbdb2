"""Whose an incident is, and its clocks: the first assignment rule that fits, else what its kind says. Pure."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from backoffice.departments import Department
from backoffice.incidents.kinds import kind_of
from backoffice.models import IncidentRule
from backoffice.models.incidents import RANK
from backoffice.search import search_form
from backoffice.workhours import Hours


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One level of an escalation: a department or a person."""

    department: str = ""
    person_id: int | None = None


DEFAULT_STEPS = (Step(Department.OPERATIONS.value), Step(Department.OWNER.value))


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """What rules look at."""

    kind: str
    shop_id: int | None = None
    warehouse_id: int | None = None
    severity: str = "normal"
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    department: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Assignment:
    """Whose it is, how bad, by when; `rule_id` None when no rule fitted."""

    department: str
    person_id: int | None
    severity: str
    acknowledge_minutes: int
    resolve_hours: int
    round_the_clock: bool = False
    rule_id: int | None = None

    def clocks(self, hours: Hours, start: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
        """Return by when somebody has to take it in hand, and to resolve it."""
        take = hours.after(start, self.acknowledge_minutes, round_the_clock=self.round_the_clock)
        end = hours.after(start, self.resolve_hours * 60, round_the_clock=self.round_the_clock)
        return take, max(take, end)


def active_rules() -> list[IncidentRule]:
    """Return the rules in use, in their order."""
    return list(IncidentRule.objects.filter(active=True).order_by("place", "id"))


def assign(facts: Facts, rules: Sequence[IncidentRule]) -> Assignment:
    """Return whose the incident is."""
    kind = kind_of(facts.kind)
    rule = next((one for one in rules if not misfit(one, facts)), None)
    department = facts.department or kind.department
    if rule is None:
        return Assignment(department, None, facts.severity, kind.acknowledge_minutes, kind.resolve_hours)
    return Assignment(
        department=rule.department or department,
        person_id=rule.person_id,
        severity=rule.set_severity or facts.severity,
        acknowledge_minutes=kind.acknowledge_minutes if rule.acknowledge_minutes is None else rule.acknowledge_minutes,
        resolve_hours=kind.resolve_hours if rule.resolve_hours is None else rule.resolve_hours,
        round_the_clock=rule.round_the_clock,
        rule_id=rule.pk,
    )


def misfit(rule: IncidentRule, facts: Facts) -> str:
    """Return the first condition of a rule that does not hold ("shop"), empty when it fits."""
    if rule.kind and rule.kind != facts.kind:
        return "kind"
    if rule.shop_id and rule.shop_id != facts.shop_id:
        return "shop"
    if rule.warehouse_id and rule.warehouse_id != facts.warehouse_id:
        return "warehouse"
    if rule.severity and RANK.get(facts.severity, 1) < RANK[rule.severity]:
        return "severity"
    wanted = [word for line in rule.words.splitlines() if (word := search_form(line))]
    if wanted and not any(word in _text(facts.data) for word in wanted):
        return "words"
    return ""


def _text(data: Mapping[str, Any]) -> str:
    return search_form(json.dumps(list(_values(data)), ensure_ascii=False, default=str))


def _values(value: Any) -> Any:
    """The texts and figures in the data, not their names."""
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _values(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _values(one)
    else:
        yield value


def steps_of(rule: IncidentRule | None) -> Sequence[Step]:
    """Return the levels of escalation: the rule's own, else operations and then the owner."""
    own = tuple(Step(one.department, one.person_id) for one in rule.steps.all()) if rule else ()
    return own or DEFAULT_STEPS
