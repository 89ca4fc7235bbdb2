"""The changes of orders in one sequence that misses nothing.

"Everything updated since" is no cursor: transactions commit out of order, so a row with an older stamp can appear
after a reader has passed it. Here one publisher at a time (a lease) looks at what is committed and gives each changed
order the next number. A reader asks for numbers greater than the last it saw.
"""

from __future__ import annotations

import dataclasses
import datetime as dt

from django.db import transaction
from django.db.models import F, Max, Q, QuerySet

from backoffice import locks
from orders.models import Order, OrderFeed

LOOK_BACK = dt.timedelta(minutes=15)  # no transaction here runs this long
LEASE = "orders.feed"


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """(sequence, order id) in growing sequence; `last` is where to go on, `more` says that there is more now."""

    rows: list[tuple[int, int]]
    last: int
    more: bool


def publish(*, holder: str, limit: int = 500) -> int:
    """Give the next numbers to orders that changed since they were last numbered; returns how many."""
    held = locks.acquire(LEASE, holder, 30)
    if held is None:
        return 0
    try:
        return _publish(limit)
    finally:
        locks.release(held)


@transaction.atomic
def _publish(limit: int) -> int:
    changed = list(_changed()[:limit])
    if not changed:
        return 0
    last = OrderFeed.objects.aggregate(last=Max("sequence"))["last"] or 0
    rows = [OrderFeed(order_id=pk, sequence=last + n, seen=seen) for n, (pk, seen) in enumerate(changed, start=1)]
    OrderFeed.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["order"], update_fields=["sequence", "seen"]
    )
    return len(rows)


def _changed() -> QuerySet[Order, tuple[int, dt.datetime]]:
    newest = OrderFeed.objects.aggregate(newest=Max("seen"))["newest"]
    rows = Order.objects.filter(Q(feed=None) | ~Q(feed__seen=F("updated_at")))
    if newest is not None:
        rows = rows.filter(updated_at__gte=newest - LOOK_BACK)
    return rows.order_by("updated_at", "pk").values_list("pk", "updated_at")


def changes(*, after: int, limit: int, orders: QuerySet[Order]) -> Page:
    """Return the next changes among the orders given (those the reader may see)."""
    rows = OrderFeed.objects.filter(sequence__gt=after, order__in=orders).order_by("sequence")
    found = list(rows.values_list("sequence", "order_id")[: limit + 1])
    page = found[:limit]
    return Page(rows=page, last=page[-1][0] if page else after, more=len(found) > limit)
