"""Why a rule took an order or not: recomputed row by row, nothing of it is stored."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any

from orders.desk.rules.book import Rule
from orders.desk.rules.comparing import Values
from orders.desk.rules.conditions import LINES, Row


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """One row of a rule as it was asked of an order."""

    row: Row
    holds: bool
    found: str  # what the order says; of lines, what the first that decides says


@dataclasses.dataclass(frozen=True, slots=True)
class Why:
    """Why a rule matched an order or not: the first part of it that did not hold."""

    rule: Rule
    matched: bool
    out_of_scope: bool
    out_of_time: bool
    groups: list[tuple[str, bool, list[Asked]]]  # (of, holds, rows)


def why(rule: Rule, values: Values, moment: dt.datetime) -> Why:
    """Explain a rule on an order, row by row."""
    scoped = rule.in_scope(values)
    timely = rule.in_force(moment)
    groups = []
    for group in rule.conditions.groups:
        asked = [_asked(row, group.of, values) for row in group.rows]
        groups.append((group.of, group.holds(values), asked))
    matched = scoped and timely and rule.conditions.hold(values)
    return Why(rule, matched, not scoped, not timely, groups)


def _asked(row: Row, of: str, values: Values) -> Asked:
    if of == "order":
        return Asked(row, row.test(values), _shown(values[row.key]))
    lines: Sequence[Values] = values[LINES]
    decisive = next((line for line in lines if row.test(line) == (of != "every_line")), None)
    holds = {"any_line": decisive is not None, "no_line": decisive is None, "every_line": decisive is None}[of]
    shown = decisive or (lines[0] if lines else None)
    return Asked(row, holds, "" if shown is None else _shown(shown[row.key]))


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, frozenset | set | tuple | list):
        return ", ".join(sorted(map(str, value)))
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)
