"""The checks as this house has set them, and the rules it has published."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from orders.desk.checks import ALWAYS, CHECKS, TRUSTED_PASS, Check, Finding
from orders.desk.facts import Facts
from orders.desk.rules.book import Book, book_of
from orders.desk.rules.deeds import NEVER_PASSED
from orders.models import CheckSetting, RuleVersion

CODE_VERSION = "2"  # raise it when a check judges differently
EMPTY = Book(())


@dataclasses.dataclass(frozen=True, slots=True)
class Ruleset:
    """The checks that are on, in order of importance, and a name that says exactly which they were."""

    version: str
    checks: tuple[tuple[Check, str, Mapping[str, Any]], ...]  # (check, department, parameters)
    params: Mapping[str, Mapping[str, Any]]  # of every check that is on
    book: Book = EMPTY  # the published rules

    def judge(self, facts: Facts, moment: dt.datetime) -> list[Finding]:
        """Return everything the checks and the rules find but shortages, which only the stock can tell.

        What no rule can let pass comes first, then what a rule holds, then the other checks.
        """
        found: list[Finding] = []
        trusted = TRUSTED_PASS if facts.known.get("trusted") else frozenset()
        for check, department, params in self.checks:
            if check.code in trusted:
                continue
            for data in check.judge(facts, params):
                found.append(Finding(check.code, department, data))
        if facts.values is None:
            return found
        facts.outcome = self.book.run(facts.values, moment)
        return self._ruled(facts, found, moment)

    def _ruled(self, facts: Facts, found: list[Finding], moment: dt.datetime) -> list[Finding]:
        outcome = facts.outcome
        if outcome is None:
            return found
        blocking = [one for one in found if one.code in NEVER_PASSED]
        rest = [one for one in found if one.code not in NEVER_PASSED]
        passed = [one for one in rest if outcome.passed_by is not None or one.code in outcome.waived]
        outcome.over = sorted({one.code for one in passed})
        rest = [one for one in rest if one not in passed]
        holds = [
            Finding(f"rule:{one.rule}", one.department, {"name": one.name, "reason": one.reason, "hours": one.hours})
            for one in outcome.holds
            if not one.hours or moment < facts.placed_at + dt.timedelta(hours=one.hours)
        ]
        return [*blocking, *holds, *rest]

    def shortages(self, facts: Facts) -> list[Finding]:
        """Return the shortages as findings."""
        department = self.department("short_stock")
        return [Finding("short_stock", department, data) for data in facts.shortages]

    def no_route(self, facts: Facts) -> list[Finding]:
        """Return that no warehouse may send there as a finding."""
        department = self.department("no_route")
        return [Finding("no_route", department, data) for data in CHECKS["no_route"].judge(facts, {})]

    def department(self, code: str) -> str:
        """Return who owns what a check holds."""
        return next(owner for check, owner, _params in self.checks if check.code == code)


def load() -> Ruleset:
    """Read the settings and which rules are published (two queries) and return the rule set."""
    rows = CheckSetting.objects.values_list("code", "enabled", "department", "params")
    checks = _compiled(json.dumps(sorted(rows), sort_keys=True, ensure_ascii=False))
    published = RuleVersion.objects.order_by("-pk").values_list("pk", "digest").first()
    return checks if published is None else with_book(checks, _book(*published), f"-r{published[0]}")


@lru_cache(maxsize=16)
def _book(version_id: int, digest: str) -> Book:
    """A version never changes, so it is read once a process."""
    return book_of(RuleVersion.objects.get(pk=version_id).content)


def with_book(checks: Ruleset, book: Book, name: str = "") -> Ruleset:
    """Return the same checks with other rules."""
    return dataclasses.replace(checks, book=book, version=f"{checks.version}{name}")


def of(settings: Iterable[tuple[str, bool, str, Mapping[str, Any]]] = ()) -> Ruleset:
    """Return the rule set for settings given as (code, enabled, department, params); without any, the defaults."""
    return _compiled(json.dumps(sorted(map(list, settings)), sort_keys=True, ensure_ascii=False))


@lru_cache(maxsize=16)
def _compiled(text: str) -> Ruleset:
    set_here = {code: (enabled, department, params) for code, enabled, department, params in json.loads(text)}
    chosen = []
    for check in CHECKS.values():
        enabled, department, params = set_here.get(check.code, (check.enabled, check.department, {}))
        if enabled or check.code in ALWAYS:
            chosen.append((check, str(department), {**check.params, **params}))
    digest = hashlib.sha256(text.encode()).hexdigest()[:10]
    return Ruleset(
        version=f"{CODE_VERSION}-{digest}",
        checks=tuple(chosen),
        params={check.code: params for check, _department, params in chosen},
    )
