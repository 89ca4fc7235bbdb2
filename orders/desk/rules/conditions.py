"""From the saved rows of a rule to a test that runs fast and can say which row failed.

A rule's conditions are groups of rows: the rows of a group hold all or any, and so do the groups. A group asks the
order as a whole, or its lines one by one: any line, every line, no line. Saved as JSON, checked here before they are
saved and once more when they are read: a field that is gone is a fault with a name, never a rule that holds all.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from orders.desk.rules.comparing import Test, Values, pattern_of, test_of
from orders.desk.rules.fields import FIELDS, HOUR, LINE, LISTS, NUMBER, OPERATORS, ORDER, PAIRS, WITHOUT_VALUE, Field

MOST_GROUPS, MOST_ROWS, MOST_VALUES, LONGEST = 10, 30, 500, 200
LONGEST_PATTERN = 300
LINES = "#lines"  # where the values of the lines stand among those of the order
OFS = ("order", "any_line", "every_line", "no_line")


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a rule, and where: group and row count from 1, 0 is the rule itself."""

    text: str
    group: int = 0
    row: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One condition, ready to run."""

    field: Field
    key: str  # under which the facts hold its value; counts that look back carry their days
    op: str
    value: Any
    test: Test
    days: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """Rows that are asked together, of the order or line by line."""

    of: str
    every: bool  # all rows must hold, else any
    rows: tuple[Row, ...]

    def holds(self, values: Values) -> bool:
        """Tell whether the group holds for an order."""
        if self.of == "order":
            return self._rows(values)
        lines: Sequence[Values] = values[LINES]
        if self.of == "any_line":
            return any(self._rows(line) for line in lines)
        if self.of == "no_line":
            return not any(self._rows(line) for line in lines)
        return bool(lines) and all(self._rows(line) for line in lines)

    def _rows(self, values: Values) -> bool:
        if self.every:
            return all(row.test(values) for row in self.rows)
        return any(row.test(values) for row in self.rows)


@dataclasses.dataclass(frozen=True, slots=True)
class Conditions:
    """All groups of a rule. Without any it holds for every order in the rule's scope."""

    every: bool
    groups: tuple[Group, ...]

    def hold(self, values: Values) -> bool:
        """Tell whether the conditions hold for an order."""
        if not self.groups:
            return True
        if self.every:
            return all(group.holds(values) for group in self.groups)
        return any(group.holds(values) for group in self.groups)

    def rows(self) -> list[Row]:
        """Every row."""
        return [row for group in self.groups for row in group.rows]


class Unusable(Exception):
    """Conditions that cannot be run; carries every problem found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(one.text for one in problems))
        self.problems = list(problems)


def read(saved: Any) -> Conditions:
    """Return the conditions of a saved document; raises Unusable naming every row that is wrong."""
    problems: list[Problem] = []
    groups: list[Group] = []
    if not isinstance(saved, dict) or not isinstance(saved.get("groups", []), list):
        raise Unusable([Problem(_("The conditions cannot be read."))])
    raw_groups = saved.get("groups", [])
    if len(raw_groups) > MOST_GROUPS:
        problems.append(Problem(_("At most %(most)d groups.") % {"most": MOST_GROUPS}))
    for place, raw in enumerate(raw_groups[:MOST_GROUPS], 1):
        group = _group(raw, place, problems)
        if group is not None:
            groups.append(group)
    if problems:
        raise Unusable(problems)
    return Conditions(saved.get("join", "all") != "any", tuple(groups))


def _group(raw: Any, place: int, problems: list[Problem]) -> Group | None:
    if not isinstance(raw, dict) or raw.get("of") not in OFS or not isinstance(raw.get("rows"), list):
        problems.append(Problem(_("This group cannot be read."), place))
        return None
    if not raw["rows"]:
        problems.append(Problem(_("This group has no condition: add one or take the group away."), place))
    if len(raw["rows"]) > MOST_ROWS:
        problems.append(Problem(_("At most %(most)d conditions in a group.") % {"most": MOST_ROWS}, place))
    rows = []
    for number, one in enumerate(raw["rows"][:MOST_ROWS], 1):
        try:
            rows.append(_row(one, raw["of"]))
        except ValueError as error:
            problems.append(Problem(str(error), place, number))
    return Group(raw["of"], raw.get("join", "all") != "any", tuple(rows))


def _row(raw: Any, of: str) -> Row:
    """Raises ValueError with the sentence for the clerk."""
    if not isinstance(raw, dict):
        raise ValueError(_("This condition cannot be read."))
    field = FIELDS.get(str(raw.get("field", "")))
    if field is None:
        raise ValueError(_("There is no field “%(field)s” any more.") % {"field": str(raw.get("field", ""))[:60]})
    if (field.of == LINE) != (of != ORDER):
        raise ValueError(
            _("“%(field)s” belongs to a line: choose a group that asks the lines.") % {"field": field.label}
            if field.of == LINE
            else _("“%(field)s” belongs to the order: choose a group that asks the order.") % {"field": field.label}
        )
    op = str(raw.get("op", ""))
    if op not in OPERATORS[field.kind]:
        raise ValueError(_("“%(field)s” cannot be compared like that.") % {"field": field.label})
    value = _value(field, op, raw.get("value"))
    days = _days(raw.get("days")) if field.days else 0
    key = f"{field.code}:{days}" if field.days else field.code
    return Row(field, key, op, value, test_of(field.kind, key, op, value), days)


def _days(raw: Any) -> int:
    try:
        days = int(str(raw))
    except ValueError:
        days = 0
    if not 1 <= days <= 366:
        raise ValueError(_("Say how many days to look back: 1 to 366."))
    return days


def _value(field: Field, op: str, raw: Any) -> Any:
    if op in WITHOUT_VALUE:
        return None
    if op in LISTS:
        return _list(raw)
    if field.kind == HOUR or op in PAIRS:
        low, high = _pair(raw)
        if field.kind == HOUR and not (0 <= low <= 24 and 0 <= high <= 24):
            raise ValueError(_("Hours go from 0 to 24."))
        if field.kind != HOUR and low > high:
            raise ValueError(_("The first figure is larger than the second."))
        return [low, high]
    if field.kind == NUMBER:
        return _number(raw)
    text = str(raw if raw is not None else "").strip()
    if not text:
        raise ValueError(_("A value is missing."))
    if len(text) > (LONGEST_PATTERN if op == "matches" else LONGEST):
        raise ValueError(_("This value is too long."))
    if op == "matches":
        pattern_of(text)
    return text


def _list(raw: Any) -> list[str]:
    pieces = raw if isinstance(raw, list) else str(raw or "").replace("，", ",").replace("、", ",").split(",")
    found = list(dict.fromkeys(str(one).strip() for one in pieces if str(one).strip()))
    if not found:
        raise ValueError(_("A value is missing."))
    if len(found) > MOST_VALUES or any(len(one) > LONGEST for one in found):
        raise ValueError(_("At most %(most)d values of %(long)d characters.") % {"most": MOST_VALUES, "long": LONGEST})
    return found


def _number(raw: Any) -> float:
    try:
        number = float(Decimal(str(raw).strip().replace(",", "")))
    except (InvalidOperation, ValueError):
        number = math.nan
    if not math.isfinite(number) or abs(number) > 1e12:
        raise ValueError(_("“%(value)s” is no number.") % {"value": str(raw if raw is not None else "")[:40]})
    return number


def _pair(raw: Any) -> tuple[float, float]:
    pieces = raw if isinstance(raw, list) else str(raw or "").replace("–", "-").split("-")
    if len(pieces) != 2:
        raise ValueError(_("Two figures are needed, from and to."))
    return _number(pieces[0]), _number(pieces[1])
