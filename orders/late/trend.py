"""The share of late orders by week: counted each hour into a few rows, so that the home page asks for eight of them."""

from __future__ import annotations

import dataclasses
import datetime as dt

from django.db.models import Count, Sum
from django.utils import timezone

from backoffice import clock
from orders.late import review
from orders.models import LateWeek

WEEKS, AGAIN = 8, 3  # shown; and counted anew each time, because orders leave late for a while
WEEK = dt.timedelta(days=7)


@dataclasses.dataclass(frozen=True, slots=True)
class Week:
    """All shops of a reader in one week."""

    monday: dt.date
    orders: int
    late: int

    @property
    def share(self) -> float:
        """In percent."""
        return round(100 * self.late / self.orders, 1) if self.orders else 0.0


def count(weeks: int = AGAIN) -> int:
    """Count the last weeks anew, shop by shop; the first time all that are shown. Returns the rows written."""
    if not LateWeek.objects.exists():
        weeks = WEEKS
    monday = _monday()
    return sum(_count_week(monday - number * WEEK) for number in range(weeks))


def _count_week(monday: dt.date) -> int:
    zone = timezone.get_default_timezone()
    since, until = (dt.datetime.combine(day, dt.time(0), zone) for day in (monday, monday + WEEK))
    rows = review.counted(None, since, until).order_by().values("shop")
    told = rows.annotate(many=Count("pk"), late=Count("pk", filter=review.late_condition(clock.now())))
    made = [LateWeek(shop_id=one["shop"], monday=monday, orders=one["many"], late=one["late"]) for one in told]
    LateWeek.objects.bulk_create(
        made, update_conflicts=True, unique_fields=["shop", "monday"], update_fields=["orders", "late"]
    )
    return len(made)


def _monday() -> dt.date:
    today = timezone.localtime(clock.now(), timezone.get_default_timezone()).date()
    return today - dt.timedelta(days=today.weekday())


def weeks(shops: frozenset[int] | None) -> list[Week]:
    """Return the last weeks for some shops (None: all), the oldest first; weeks without orders are left out."""
    rows = LateWeek.objects.filter(monday__gt=_monday() - WEEKS * WEEK)
    if shops is not None:
        rows = rows.filter(shop__in=shops)
    told = rows.order_by("monday").values("monday").annotate(many=Sum("orders"), tardy=Sum("late"))
    return [Week(one["monday"], one["many"], one["tardy"]) for one in told]
