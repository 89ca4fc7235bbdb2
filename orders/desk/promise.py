"""When what is missing can be promised: pieces on their way are given to short orders once each, by the house's rule.

`plan` is pure. An order gets a day only when all it lacks is on its way; one that cannot be completed takes nothing,
as in the reservation itself, so that no piece is promised twice and none is kept for an order that cannot leave.
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
from orders.models import Order, PromiseChange

__all__ = ["Short", "first_of", "incoming_of", "plan", "refresh"]

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


def plan(short_lines: Iterable[Short], arrivals: Sequence[Incoming], rule: str) -> dict[int, dt.date | None]:
    """Return order id → the day on which the last missing piece is expected; None when it is not on its way."""
    left = {one.arrival_id: one.quantity for one in arrivals}
    coming: dict[tuple[int, int], list[Incoming]] = defaultdict(list)
    for one in sorted(arrivals, key=lambda row: (row.expected_on, row.arrival_id)):
        coming[one.sku_id, one.warehouse_id].append(one)
    orders: dict[int, list[Short]] = defaultdict(list)
    for line in sorted(short_lines, key=lambda row: (*first_of(rule)(row), row.line_id, row.sku_id)):
        orders[line.order_id].append(line)
    return {order_id: _promise(lines, coming, left) for order_id, lines in orders.items()}


def _promise(
    lines: Sequence[Short], coming: Mapping[tuple[int, int], Sequence[Incoming]], left: dict[int, Decimal]
) -> dt.date | None:
    """Take what an order lacks; gives all back when something is not on its way."""
    before, last = dict(left), dt.date.min
    for line_id in dict.fromkeys(line.line_id for line in lines):
        parts = [line for line in lines if line.line_id == line_id]
        day = _complete(parts, coming, left)
        if day is None:
            left.update(before)
            return None
        last = max(last, day)
    return last


def _complete(
    parts: Sequence[Short], coming: Mapping[tuple[int, int], Sequence[Incoming]], left: dict[int, Decimal]
) -> dt.date | None:
    """Complete one line (all short parts of it) in the warehouse where that happens first."""
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
    return best[0]


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
    days = plan(queue.short, [one for one in arrivals if one.expected_on >= moment.date()], queue.rule)
    return keep(days, moment, actor)


@transaction.atomic
def keep(days: Mapping[int, dt.date | None], now: dt.datetime, actor: str) -> list[PromiseChange]:
    """Write the promises that differ from what the orders say, each with why it moved."""
    asked = Order.objects.filter(pk__in=[pk for pk, _day in days.items()])
    moved = [pk for pk, day in asked.values_list("pk", "promised_on") if day != days[pk]]
    changes = []
    for order in locks.locked_rows(Order.objects.filter(pk__in=moved)):
        before, after = order.promised_on, days[order.pk]
        if before == after:  # a rival has kept it meanwhile
            continue
        changes.append(
            PromiseChange(order=order, at=now, before=before, after=after, cause=_cause(before, after), actor=actor)
        )
    if changes:
        PromiseChange.objects.bulk_create(changes)
        rows = [(one.order_id, one.after, now) for one in changes]
        bulk.update_rows(Order, ["id"], ["promised_on", "updated_at"], rows)
    return changes


def _cause(before: dt.date | None, after: dt.date | None) -> str:
    if before is None:
        return Cause.FIRST.value
    if after is None:
        return Cause.LOST.value
    return Cause.SLIPPED.value if after > before else Cause.EARLIER.value
