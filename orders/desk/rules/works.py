"""What a rule sets going beyond its verdict: gifts, splitting, notices and the like, brought by the parts that do them.

The wish is a row written with the review (`RuleWork`); a chore does it right after, through the same function a person
uses. An order is given each wish of each rule once, however often it is reviewed: no rule can loop.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, Q

from backoffice import bulk, clock
from orders.desk.facts import Facts
from orders.desk.table import RowOutcome
from orders.models import Order, RuleWork

log = structlog.get_logger(__name__)
State = RuleWork.State
PAGE, TRIES = 200, 5
PAUSE = dt.timedelta(minutes=2)  # a worker that died in the middle: then it is tried again
READY = Q(order__state=Order.State.APPROVED)
ENDED = (Order.State.SHIPPED, Order.State.CANCELLED, Order.State.HISTORY)
_COLUMNS = ("order_id", "rule", "name", "kind", "params", "state", "message", "attempts", "made_at", "not_before")


@dataclasses.dataclass(frozen=True, slots=True)
class Input:
    """One thing the builder asks for. `choices` gives (value, label) for whoever builds; None: it is typed."""

    name: str
    label: Any
    choices: Callable[[Any], Sequence[tuple[str, str]]] | None = None
    figure: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """One kind of work: `read` checks what was saved (ValueError with a sentence), `do` does it to orders.

    `when` says in which state an order is ready for it; until then it waits. Without `do` it is no work to do later:
    the review itself follows it (where the goods come from).
    """

    code: str
    label: Any
    inputs: tuple[Input, ...]
    read: Callable[[Mapping[str, Any]], dict[str, Any]]
    words: Callable[[Mapping[str, Any]], str]
    do: Callable[[Sequence[int], Mapping[str, Any], str], Sequence[RowOutcome]] | None
    when: Q = READY


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Let rules do one more thing; call it in `ready()`."""
    _kinds[kind.code] = kind


def kinds() -> Mapping[str, Kind]:
    """Return what rules can set going, by code."""
    return _kinds


# --- writing down ----------------------------------------------------------------------------------------------------


def wish(page: Sequence[Facts], now: dt.datetime) -> None:
    """Write down what the rules want done to the orders of a page; no statement when they want nothing."""
    rows = [
        (facts.order_id, one.rule, one.name[:100], one.kind, bulk.json_text(dict(one.params)))
        + (State.DUE.value, "", 0, now, now)
        for facts in page
        if facts.outcome is not None
        for one in facts.outcome.works
        if (kind := _kinds.get(one.kind)) is not None and kind.do is not None
    ]
    if rows:
        bulk.insert_rows(RuleWork, _COLUMNS, rows, ignore_conflicts=True, prepared=True)


# --- doing -----------------------------------------------------------------------------------------------------------


def run_due(limit: int = PAGE) -> int:
    """Do what is due and possible now; returns how many wishes were decided. One process at a time (a chore)."""
    now = clock.now()
    due = RuleWork.objects.filter(state=State.DUE, not_before__lte=now)
    if not due.exists():
        return 0
    decided = due.filter(order__state__in=ENDED).update(state=State.MISSED, done_at=now)
    for kind in _kinds.values():
        waiting = due.filter(kind.when, kind=kind.code).order_by("rule", "pk")[:limit]
        for _same, rows in groupby(waiting, key=lambda one: (one.rule, bulk.json_text(one.params))):
            decided += _together(kind, list(rows), now)
    return decided


def _together(kind: Kind, rows: list[RuleWork], now: dt.datetime) -> int:
    """Do one wish to several orders; what fails is tried again, and given up after some tries."""
    pks = [one.pk for one in rows]
    RuleWork.objects.filter(pk__in=pks).update(attempts=F("attempts") + 1, not_before=now + PAUSE)
    try:
        return _done(kind, rows, now)
    except Exception as error:
        log.exception("rule_work_failed", kind=kind.code, error=type(error).__name__)
        given_up = RuleWork.objects.filter(pk__in=pks, attempts__gte=TRIES)
        return given_up.update(state=State.REFUSED, message=type(error).__name__, done_at=now)


@transaction.atomic
def _done(kind: Kind, rows: list[RuleWork], now: dt.datetime) -> int:
    first, do = rows[0], kind.do
    told = () if do is None else do([one.order_id for one in rows], first.params, f"rule:{first.name}"[:150])
    outcomes = {one.order_id: one for one in told}
    for row in rows:
        outcome = outcomes[row.order_id]
        row.state = State.DONE if outcome.ok else State.REFUSED
        row.message, row.done_at = outcome.message[:300], now
    RuleWork.objects.bulk_update(rows, ["state", "message", "done_at"])
    return len(rows)
