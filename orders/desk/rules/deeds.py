"""What a rule may do to an order, checked before it is saved."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.desk.checks import ALWAYS, CHECKS
from orders.desk.rules import works
from orders.desk.rules.conditions import Problem, Unusable
from orders.models.order import Department

APPROVE, HOLD, TAG, PRIORITY, SHIP_BY = "approve", "hold", "tag", "priority", "ship_by"
LABELS: dict[str, Any] = {
    HOLD: gettext_lazy("Hold it"),
    APPROVE: gettext_lazy("Let it pass"),
    TAG: gettext_lazy("Mark it"),
    PRIORITY: gettext_lazy("Set its priority"),
    SHIP_BY: gettext_lazy("Set when it must leave"),
}
MOST_DEEDS, MOST_MARKS = 12, 10
NEVER_PASSED = ALWAYS | {"refunded", "closed", "destination"}  # no rule lets these pass
PASSABLE = frozenset(CHECKS) - NEVER_PASSED


def labels() -> dict[str, Any]:
    """Return everything a rule can do, by code."""
    return {**LABELS, **{code: kind.label for code, kind in works.kinds().items()}}


@dataclasses.dataclass(frozen=True, slots=True)
class Deed:
    """One thing to do. Only the value of its own kind is filled."""

    do: str
    department: str = ""
    reason: str = ""
    marks: tuple[str, ...] = ()
    priority: int = 0
    hours: float = 0.0
    over: tuple[str, ...] = ()  # codes of the checks it lets pass over; none: all
    params: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # of what parts bring (works)


def read(saved: Any) -> tuple[Deed, ...]:
    """Return what a saved rule does; raises Unusable naming the row."""
    if not isinstance(saved, list) or not saved:
        raise Unusable([Problem(_("Say what the rule does."))])
    problems: list[Problem] = []
    deeds: list[Deed] = []
    for number, raw in enumerate(saved[:MOST_DEEDS], 1):
        try:
            deeds.append(_deed(raw))
        except ValueError as error:
            problems.append(Problem(str(error), row=number))
    kinds = [deed.do for deed in deeds]
    if len(saved) > MOST_DEEDS or len(kinds) != len(set(kinds)):
        problems.append(Problem(_("Each thing can be done once.")))
    if APPROVE in kinds and HOLD in kinds:
        problems.append(Problem(_("A rule cannot hold an order and let it pass.")))
    if problems:
        raise Unusable(problems)
    return tuple(deeds)


def _deed(raw: Any) -> Deed:
    do = str(raw.get("do")) if isinstance(raw, Mapping) else ""
    if do in works.kinds():
        return Deed(do, params=works.kinds()[do].read(raw))
    if do not in LABELS:
        raise ValueError(_("This action is not known."))
    if do == HOLD:
        return _hold(raw)
    if do == APPROVE:
        over = tuple(dict.fromkeys(str(one).strip() for one in _pieces(raw.get("over")) if str(one).strip()))
        if not set(over) <= PASSABLE:
            raise ValueError(_("No rule can let an order pass over that check."))
        return Deed(do, over=over)
    if do == TAG:
        marks = tuple(dict.fromkeys(str(one).strip() for one in _pieces(raw.get("marks")) if str(one).strip()))
        if not marks or len(marks) > MOST_MARKS or any(len(one) > 40 for one in marks):
            raise ValueError(_("Give one to %(most)d marks of at most 40 characters.") % {"most": MOST_MARKS})
        return Deed(do, marks=marks)
    if do == PRIORITY:
        return Deed(do, priority=int(_figure(raw.get("priority"), 1, 9, _("Priority goes from 1 to 9."))))
    if do == SHIP_BY:
        wrong = _("Say within how many hours it must leave: 1 to 720.")
        return Deed(do, hours=_figure(raw.get("hours"), 1, 720, wrong))
    return Deed(do)


def _hold(raw: Mapping[str, Any]) -> Deed:
    department, reason = str(raw.get("department", "")), str(raw.get("reason", "")).strip()
    if department not in Department.values:
        raise ValueError(_("Choose the department that looks at it."))
    if not reason or len(reason) > 200:
        raise ValueError(_("Say in one sentence why it is held."))
    hours = raw.get("hours")
    wrong = _("Say how many hours after the order it is held at most: 1 to 720; leave it empty for no end.")
    return Deed(HOLD, department=department, reason=reason, hours=_figure(hours, 1, 720, wrong) if hours else 0.0)


def _pieces(raw: Any) -> list[Any]:
    return raw if isinstance(raw, list) else str(raw or "").replace("，", ",").replace("、", ",").split(",")


def _figure(raw: Any, least: float, most: float, wrong: str) -> float:
    try:
        figure = float(str(raw))
    except ValueError:
        raise ValueError(wrong) from None
    if not least <= figure <= most:
        raise ValueError(wrong)
    return figure
