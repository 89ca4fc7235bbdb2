"""The checks as this house has set them: defaults from the code, overridden by CheckSetting rows."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from orders.desk.checks import ALWAYS, CHECKS, Check, Finding
from orders.desk.facts import Facts
from orders.models import CheckSetting

CODE_VERSION = "1"  # raise it when a check judges differently


@dataclasses.dataclass(frozen=True, slots=True)
class Ruleset:
    """The checks that are on, in order of importance, and a name that says exactly which they were."""

    version: str
    checks: tuple[tuple[Check, str, Mapping[str, Any]], ...]  # (check, department, parameters)
    params: Mapping[str, Mapping[str, Any]]  # of every check that is on

    def judge(self, facts: Facts) -> list[Finding]:
        """Return everything the checks find but shortages, which only the stock can tell."""
        found: list[Finding] = []
        for check, department, params in self.checks:
            for data in check.judge(facts, params):
                found.append(Finding(check.code, department, data))
        return found

    def shortages(self, facts: Facts) -> list[Finding]:
        """Return the shortages as findings."""
        department = self.department("short_stock")
        return [Finding("short_stock", department, data) for data in facts.shortages]

    def department(self, code: str) -> str:
        """Return who owns what a check holds."""
        return next(owner for check, owner, _params in self.checks if check.code == code)


def load() -> Ruleset:
    """Read the settings (one query) and return the rule set."""
    rows = CheckSetting.objects.values_list("code", "enabled", "department", "params")
    return _compiled(json.dumps(sorted(rows), sort_keys=True, ensure_ascii=False))


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
