"""The months of the books: which are open, and voucher numbers without gaps.

A number is handed out by an UPDATE of the month's row inside the transaction that writes the voucher: whoever comes
second waits for the first one's commit, a rollback gives the number back, and a month that was closed in between
matches no row. Months are always taken in order of time, so two workers cannot deadlock.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice import audit
from backoffice.clock import now
from finance.errors import MonthRefused
from finance.models import Period, PostingRequest

Slot = tuple[int, int, dt.date]  # period id, voucher number, date in the books


def book_day(moment: dt.datetime) -> dt.date:
    """Return the day a moment has in the books: the legal entity's (setting TIME_ZONE), whoever looks on."""
    return timezone.localtime(moment, timezone.get_default_timezone()).date()


def month_of(day: dt.date) -> dt.date:
    """Return the first day of the month."""
    return day.replace(day=1)


def next_month(month: dt.date) -> dt.date:
    """Return the first day of the month after."""
    return (month + dt.timedelta(days=32)).replace(day=1)


def closed_months(days: Iterable[dt.date]) -> set[dt.date]:
    """Return the closed months among those of some days, by their first day."""
    months = {month_of(day) for day in days}
    rows = Period.objects.filter(month__in=months, closed_at__isnull=False)
    return set(rows.values_list("month", flat=True))


def take_numbers(days: Iterable[dt.date]) -> list[Slot]:
    """Return period, number and date in the books for each document day, in their order.

    A day of a closed month moves to the first day of the next open month. Must run in the transaction that writes the
    vouchers.
    """
    days = list(days)
    slots: dict[int, Slot] = {}
    queue: dict[dt.date, list[int]] = defaultdict(list)
    for index, day in enumerate(days):
        queue[month_of(day)].append(index)
    while queue:
        month = min(queue)
        wanting = queue.pop(month)
        taken = _take(month, len(wanting))
        if taken is None:
            queue[next_month(month)] += wanting
            continue
        period_id, first = taken
        for offset, index in enumerate(sorted(wanting)):
            slots[index] = (period_id, first + offset, max(month, days[index]))
    return [slots[index] for index in range(len(days))]


def _take(month: dt.date, count: int) -> tuple[int, int] | None:
    """Count `count` vouchers into the month; returns its id and the first number, or None when it is closed."""
    open_month = Period.objects.filter(month=month, closed_at=None)
    if not open_month.update(last_number=F("last_number") + count):
        if Period.objects.filter(month=month, closed_at__isnull=False).exists():
            return None
        Period.objects.bulk_create([Period(month=month)], ignore_conflicts=True)
        return _take(month, count)
    period_id, last = open_month.values_list("pk", "last_number").get()
    return period_id, last - count + 1


@transaction.atomic
def close_month(*, month: dt.date) -> Period:
    """Close a past month for good; what still comes for it is posted on the first open day after.

    Raises MonthRefused while the month is not over, documents of it wait to be posted, or an earlier month is open.
    """
    first = month_of(month)
    Period.objects.bulk_create([Period(month=first)], ignore_conflicts=True)
    period = Period.objects.select_for_update().get(month=first)
    if period.closed_at:
        return period
    _refuse_early(first)
    period.closed_at = now()
    period.save(update_fields=["closed_at"])
    audit.record(action="books.close_month", target=period, after={"month": f"{first:%Y-%m}"})
    return period


def _refuse_early(first: dt.date) -> None:
    after = next_month(first)
    if book_day(now()) < after:
        raise MonthRefused(_("%(detail)s is not over yet."), f"{first:%Y-%m}")
    done = [PostingRequest.State.POSTED, PostingRequest.State.EMPTY]
    waiting = PostingRequest.objects.filter(occurred_on__lt=after).exclude(state__in=done).count()
    if waiting:
        raise MonthRefused(_("%(detail)s documents up to this month are not posted yet."), str(waiting))
    earlier = Period.objects.filter(month__lt=first, closed_at=None).order_by("month").first()
    if earlier:
        raise MonthRefused(_("Close %(detail)s first."), str(earlier))
