"""A set of rules, run over orders: in the order of their places, most of them never evaluated.

A rule whose necessary condition (orders.desk.rules.index) an order does not meet is not evaluated for it. The first
rule that holds or lets pass decides between the two; marks add up, the highest priority and the earliest date win. A
rule that is being tried out (dry) is noted and does nothing.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from orders.desk.rules import conditions, deeds
from orders.desk.rules.comparing import Values, folded
from orders.desk.rules.conditions import Conditions, Problem, Unusable
from orders.desk.rules.deeds import APPROVE, HOLD, LABELS, PRIORITY, SHIP_BY, TAG, Deed
from orders.desk.rules.fields import GOODS, HISTORY
from orders.desk.rules.index import Index, necessary, scoped

CATEGORIES = "#categories"  # of all lines, for the scope
SCOPES = {"shops": "shop", "countries": "country", "categories": CATEGORIES}  # document → what the values call it


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it was published, ready to run."""

    id: int
    name: str
    place: int
    scope: Mapping[str, frozenset[str]]  # field of the order → values; an empty mapping is every order
    conditions: Conditions
    deeds: tuple[Deed, ...]
    stop: bool
    dry: bool
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    firsts: Mapping[str, Deed] = dataclasses.field(init=False, repr=False, compare=False)  # what it does, by kind

    def __post_init__(self) -> None:
        object.__setattr__(self, "firsts", {deed.do: deed for deed in reversed(self.deeds)})

    def in_force(self, moment: dt.datetime) -> bool:
        """Tell whether the rule is valid at a moment."""
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)

    def matches(self, values: Values) -> bool:
        """Tell whether it applies to an order."""
        return self.in_scope(values) and self.conditions.hold(values)

    def in_scope(self, values: Values) -> bool:
        """Tell whether shop, country and goods are those the rule is for."""
        return all(
            not wanted.isdisjoint(values[name]) if name == CATEGORIES else values[name] in wanted
            for name, wanted in self.scope.items()
        )

    def does(self, kind: str) -> Deed | None:
        """Return what it does of a kind."""
        return self.firsts.get(kind)


@dataclasses.dataclass(frozen=True, slots=True)
class Hold:
    """A rule that held an order, in the words of whoever wrote it."""

    rule: int
    name: str
    department: str
    reason: str
    hours: float = 0.0  # after the order was placed it lets go by itself; 0: a person has to


@dataclasses.dataclass(frozen=True, slots=True)
class Broken:
    """A published rule that cannot be run any more: it is left out, and people are told."""

    rule: int
    name: str
    problems: tuple[Problem, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """Something a rule wants done to an order after its review (orders.desk.rules.works)."""

    rule: int
    name: str
    kind: str
    params: Mapping[str, Any]


@dataclasses.dataclass(slots=True)
class Outcome:
    """What the rules say about one order."""

    holds: list[Hold] = dataclasses.field(default_factory=list)
    passed_by: int | None = None  # the rule that lets it pass over all built-in checks that may be passed
    waived: set[str] = dataclasses.field(default_factory=set)  # checks that other rules let it pass over
    marks: list[str] = dataclasses.field(default_factory=list)
    priority: int = 0
    hours: float | None = None
    works: list[Work] = dataclasses.field(default_factory=list)
    matched: list[int] = dataclasses.field(default_factory=list)
    over: list[str] = dataclasses.field(default_factory=list)  # built-in checks it was let pass over
    told: tuple[tuple[str, str], ...] = ()  # what has to be frozen: (order | line, key)
    tried_out: list[int] = dataclasses.field(default_factory=list)  # dry rules that would have matched


class Book:
    """Compiled rules with their index. Build it once per published version."""

    def __init__(self, rules: Iterable[Rule], broken: Iterable[Broken] = ()) -> None:
        self.rules = sorted(rules, key=lambda rule: (rule.place, rule.id))
        self.broken = tuple(broken)
        rows = [row for rule in self.rules for row in rule.conditions.rows()]
        by_goods = any(CATEGORIES in rule.scope for rule in self.rules)
        self.needs = frozenset(row.field.needs for row in rows if row.field.needs) | ({GOODS} if by_goods else set())
        self.asks = frozenset(row.field.code for row in rows)
        self.kept = tuple(sorted({(row.field.of, row.key) for row in rows if row.field.needs}))
        self.days = max((row.days for row in rows), default=0)
        asked = {row.field.code.partition("_")[0] for row in rows if row.field.needs == HISTORY}
        self.known_by = tuple(sorted(asked))  # whose earlier orders are asked for: buyer, address, phone
        self._index = Index()
        for number, rule in enumerate(self.rules):
            things = necessary(rule.conditions)
            things += [scoped(name, values, tags=name == CATEGORIES) for name, values in rule.scope.items()]
            self._index.add(number, things)
        self._index.close()

    def candidates(self, values: Values) -> list[Rule]:
        """Return the rules whose necessary condition an order meets, in their order."""
        return [self.rules[number] for number in self._index.find(values)]

    def run(self, values: Values, moment: dt.datetime) -> Outcome:
        """Try the rules on one order."""
        outcome = Outcome(told=self.kept)
        for rule in self.candidates(values):
            if not rule.in_force(moment) or not rule.matches(values):
                continue
            if rule.dry:
                outcome.tried_out.append(rule.id)
                continue
            outcome.matched.append(rule.id)
            _do(outcome, rule)
            if rule.stop:
                break
        return outcome


def _do(outcome: Outcome, rule: Rule) -> None:
    hold = rule.does(HOLD)
    if hold and outcome.passed_by is None:
        outcome.holds.append(Hold(rule.id, rule.name, hold.department, hold.reason, hold.hours))
    approve = rule.does(APPROVE)
    if approve and approve.over:
        outcome.waived.update(approve.over)
    elif approve and not outcome.holds and outcome.passed_by is None:
        outcome.passed_by = rule.id
    tag = rule.does(TAG)
    if tag:
        outcome.marks += [mark for mark in tag.marks if mark not in outcome.marks]
    priority = rule.does(PRIORITY)
    if priority:
        outcome.priority = max(outcome.priority, priority.priority)
    ship_by = rule.does(SHIP_BY)
    if ship_by:
        outcome.hours = ship_by.hours if outcome.hours is None else min(outcome.hours, ship_by.hours)
    outcome.works += [Work(rule.id, rule.name, deed.do, deed.params) for deed in rule.deeds if deed.do not in LABELS]


# --- reading ---------------------------------------------------------------------------------------------------------


def read(saved: Mapping[str, Any]) -> Rule:
    """Return a rule from its saved document (see `orders.models.Rule.document`); raises Unusable."""
    problems = []
    compiled: dict[str, Any] = {}
    for name, reader in (("conditions", conditions.read), ("deeds", deeds.read)):
        try:
            compiled[name] = reader(saved.get(name))
        except Unusable as error:
            problems += error.problems
    if problems:
        raise Unusable(problems)
    scope = {
        name: frozenset((folded if name == CATEGORIES else str)(one) for one in saved.get(key) or ())
        for key, name in SCOPES.items()
    }
    return Rule(
        id=int(saved["id"]),
        name=str(saved["name"]),
        place=int(saved.get("place", 0)),
        scope={name: wanted for name, wanted in scope.items() if wanted},
        conditions=compiled["conditions"],
        deeds=compiled["deeds"],
        stop=bool(saved.get("stop")),
        dry=bool(saved.get("dry")),
        since=_moment(saved.get("since")),
        until=_moment(saved.get("until")),
    )


def _moment(text: Any) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None


def book_of(documents: Iterable[Mapping[str, Any]]) -> Book:
    """Return the book of published documents. What cannot be run any more is left out and named in `broken`."""
    rules, broken = [], []
    for saved in documents:
        try:
            rules.append(read(saved))
        except Unusable as error:
            broken.append(Broken(int(saved["id"]), str(saved["name"]), tuple(error.problems)))
    return Book(rules, broken)
