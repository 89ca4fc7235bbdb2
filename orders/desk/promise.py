"""When what is missing can be promised: pieces on their way are given to short orders once each, by the house's rule.

`plan_lines` is pure. Orders that can be completed come first, as in the reservation itself: their day is that of their
last line. What is left then is promised to single lines of the others, so that a buyer hears what comes when; it never
delays an order that could leave, and no piece is promised twice.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction

from backoffice import bulk, clock, locks
from inventory.arrivals import Incoming, incoming_of
from orders.models import LinePromise, Order, PromiseChange

__all__ = ["Plan", "Short", "first_of", "incoming_of", "lines_of", "plan", "plan_lines", "refresh"]

ORDERED, VALUE, PRIORITY = "ordered", "value", "priority"
RULES = (ORDERED, VALUE, PRIORITY)
Cause = PromiseChange.Cause


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    """What one line of an order lacks of one SKU: pieces missing per warehouse it may be completed in."""

    order_id: int
    line_id: int
    sku_id: int
    missing: Mapping[int, Decimal]  # warehouse id → pieces, in the order of preference
    placed_at: dt.datetime
    value: Decimal = Decimal(0)  # of the whole order, in the base currency
    priority: int = 0


def first_of(rule: str) -> Callable[[Any], tuple[Any, ...]]:
    """Return the key by which orders are served: first ordered, high value or priority first, then first ordered."""
    keys: dict[str, Callable[[Any], tuple[Any, ...]]] = {
        VALUE: lambda one: (-one.value, one.placed_at, one.order_id),
        PRIORITY: lambda one: (-one.priority, one.placed_at, one.order_id),
    }
    return keys.get(rule, lambda one: (one.placed_at, one.order_id))


@dataclasses.dataclass(frozen=True, slots=True)
class Taken:
    """Pieces of one expected delivery that are promised to a line."""

    arrival_id: int
    quantity: Decimal
    expected_on: dt.date


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """When orders can be promised as a whole (None: not yet), and which line gets what from which delivery."""

    days: dict[int, dt.date | None]
    lines: dict[int, tuple[Taken, ...]]  # line id → its deliveries; a line that is not completed is not there


def plan(short_lines: Iterable[Short], arrivals: Sequence[Incoming], rule: str) -> dict[int, dt.date | None]:
    """Return order id → the day on which the last missing piece is expected; None when it is not on its way."""
    return plan_lines(short_lines, arrivals, rule).days


def plan_lines(short_lines: Iterable[Short], arrivals: Sequence[Incoming], rule: str) -> Plan:
    """Give what comes to whole orders first, in the house's order, then what is left to single lines."""
    left = {one.arrival_id: one.quantity for one in arrivals}
    days = {one.arrival_id: one.expected_on for one in arrivals}
    coming: dict[tuple[int, int], list[Incoming]] = defaultdict(list)
    for one in sorted(arrivals, key=lambda row: (row.expected_on, row.arrival_id)):
        coming[one.sku_id, one.warehouse_id].append(one)
    orders: dict[int, dict[int, list[Short]]] = defaultdict(lambda: defaultdict(list))
    for line in sorted(short_lines, key=lambda row: (*first_of(rule)(row), row.line_id, row.sku_id)):
        orders[line.order_id][line.line_id].append(line)
    found = Plan({}, {})
    for order_id, lines in orders.items():
        before = dict(left)
        taken = _taken(lines, coming, left)
        found.days[order_id] = None
        if len(taken) == len(lines):
            _note(found, order_id, lines, taken, days)
        else:
            left.update(before)
    for order_id in [pk for pk, day in found.days.items() if day is None]:
        _note(found, order_id, orders[order_id], _taken(orders[order_id], coming, left), days)
    return found


def _taken(
    lines: Mapping[int, Sequence[Short]], coming: Mapping[tuple[int, int], Sequence[Incoming]],
    left: dict[int, Decimal],
) -> dict[int, dict[int, Decimal]]:  # fmt: skip
    """Complete what can be completed of an order: line id → delivery id → pieces."""
    found = {line_id: _complete(parts, coming, left) for line_id, parts in lines.items()}
    return {line_id: taken for line_id, taken in found.items() if taken is not None}


def _note(
    found: Plan, order_id: int, lines: Mapping[int, Any], taken: Mapping[int, Mapping[int, Decimal]],
    days: Mapping[int, dt.date],
) -> None:  # fmt: skip
    for line_id, pieces in taken.items():
        found.lines[line_id] = tuple(Taken(pk, quantity, days[pk]) for pk, quantity in sorted(pieces.items()))
    if len(taken) == len(lines):
        found.days[order_id] = max((days[pk] for pieces in taken.values() for pk in pieces), default=None)


def _complete(
    parts: Sequence[Short], coming: Mapping[tuple[int, int], Sequence[Incoming]], left: dict[int, Decimal]
) -> dict[int, Decimal] | None:
    """Complete one line (all short parts of it) in the warehouse where that happens first: delivery id → pieces."""
    best: tuple[dt.date, dict[int, Decimal]] | None = None
    for warehouse in parts[0].missing:
        if not all(warehouse in part.missing for part in parts):
            continue
        taken: dict[int, Decimal] = {}
        days = [_take(part, warehouse, coming, left, taken) for part in parts]
        known = [day for day in days if day is not None]
        if len(known) == len(days) and (best is None or max(known) < best[0]):
            best = (max(known), taken)
    if best is None:
        return None
    for arrival, quantity in best[1].items():
        left[arrival] -= quantity
    return best[1]


def _take(
    part: Short, warehouse: int, coming: Mapping[tuple[int, int], Sequence[Incoming]], left: Mapping[int, Decimal],
    taken: dict[int, Decimal],
) -> dt.date | None:  # fmt: skip
    rest, day = part.missing[warehouse], dt.date.min
    for one in coming.get((part.sku_id, warehouse), ()):
        if rest <= 0:
            break
        there = min(left[one.arrival_id] - taken.get(one.arrival_id, Decimal(0)), rest)
        if there > 0:
            taken[one.arrival_id] = taken.get(one.arrival_id, Decimal(0)) + there
            rest, day = rest - there, one.expected_on
    return day if rest <= 0 else None


# --- what is kept ----------------------------------------------------------------------------------------------------


def refresh(now: dt.datetime | None = None, *, actor: str = "promises") -> list[PromiseChange]:
    """Plan again for all short orders and keep what changed, with its history; returns the changes.

    A delivery that is overdue promises nothing until somebody gives it a new day.
    """
    from orders.desk import backorders

    moment = now or clock.now()
    queue = backorders.read()
    arrivals = incoming_of({line.sku_id for line in queue.short})
    found = plan_lines(queue.short, [one for one in arrivals if one.expected_on >= moment.date()], queue.rule)
    LinePromise.objects.exclude(
        line__order__hold_code=backorders.SHORT, line__order__state__in=backorders.OPEN
    ).delete()
    return keep(found, {line.line_id: line.order_id for line in queue.short}, moment, actor)


@transaction.atomic
def keep(found: Plan, order_of: Mapping[int, int], now: dt.datetime, actor: str) -> list[PromiseChange]:
    """Write the promises that differ from what orders and lines say, each order's with why it moved.

    `order_of`: line id → order id, of all short lines. Compared again under the orders' locks: a rival plans too.
    """
    days = found.days
    asked = Order.objects.filter(pk__in=list(days))
    moved = {pk for pk, day in asked.values_list("pk", "promised_on") if day != days[pk]}
    moved |= {order_of[line_id] for line_id in _differing(found, order_of)}
    changes = []
    orders = list(locks.locked_rows(Order.objects.filter(pk__in=moved)))
    for order in orders:
        before, after = order.promised_on, days[order.pk]
        if before == after:  # only its lines moved, or a rival has kept it meanwhile
            continue
        changes.append(
            PromiseChange(order=order, at=now, before=before, after=after, cause=_cause(before, after), actor=actor)
        )
    if changes:
        PromiseChange.objects.bulk_create(changes)
        rows = [(one.order_id, one.after, now) for one in changes]
        bulk.update_rows(Order, ["id"], ["promised_on", "updated_at"], rows)
    locked = {order.pk for order in orders}
    _keep_lines(found, {line: order for line, order in order_of.items() if order in locked})
    return changes


def _differing(found: Plan, line_ids: Iterable[int]) -> dict[int, list[LinePromise]]:
    """Return the lines of which other deliveries stand than are planned now, with what stands."""
    ids = list(line_ids)
    standing: dict[int, list[LinePromise]] = {line_id: [] for line_id in ids}
    for row in LinePromise.objects.filter(line__in=ids).order_by("arrival_id"):
        standing[row.line_id].append(row)
    return {
        line_id: rows
        for line_id, rows in standing.items()
        if [Taken(row.arrival_id, row.quantity, row.expected_on) for row in rows] != list(found.lines.get(line_id, ()))
    }


def _keep_lines(found: Plan, line_ids: Iterable[int]) -> None:
    differing = _differing(found, line_ids)
    if not differing:
        return
    LinePromise.objects.filter(line__in=list(differing)).delete()
    LinePromise.objects.bulk_create(
        LinePromise(line_id=line_id, arrival_id=one.arrival_id, quantity=one.quantity, expected_on=one.expected_on)
        for line_id in differing
        for one in found.lines.get(line_id, ())
    )


def lines_of(line_ids: Iterable[int]) -> dict[int, list[LinePromise]]:
    """Return line id → the deliveries its pieces are promised from, the first to come first."""
    rows = LinePromise.objects.filter(line__in=list(line_ids)).select_related("arrival")
    found: dict[int, list[LinePromise]] = defaultdict(list)
    for row in rows.order_by("expected_on", "arrival_id"):
        found[row.line_id].append(row)
    return dict(found)


def _cause(before: dt.date | None, after: dt.date | None) -> str:
    if before is None:
        return Cause.FIRST.value
    if after is None:
        return Cause.LOST.value
    return Cause.SLIPPED.value if after > before else Cause.EARLIER.value
