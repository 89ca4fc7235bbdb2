"""The orders that are late or soon will be: conditions the index answers, figures for the head of the page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db.models import BooleanField, CharField, Count, Exists, F, Func, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice import clock
from inventory.access import Sight
from inventory.models import Reservation
from orders.late import recount
from orders.models import OrderLine

LATE, TWO_HOURS, TODAY, TOMORROW, SOON, EVERY = "late", "2h", "today", "tomorrow", "soon", "all"
SPANS: dict[str, Any] = {
    LATE: _("Late"),
    TWO_HOURS: _("Due in 2 hours"),
    SOON: _("Soon late"),
    TODAY: _("Due today"),
    TOMORROW: _("Due tomorrow"),
    EVERY: _("Later too"),
}


class OpenState(Func):
    """The condition of the index, written out: with parameters SQLite could not tell that the index serves it."""

    template = "%(expressions)s IN ('held', 'approved', 'partly_shipped')"
    output_field = BooleanField()


def clocked(orders: QuerySet[Any]) -> QuerySet[Any]:
    """Return the open orders that have to leave by some time: the rows of the index `order_late`."""
    return orders.filter(OpenState(F("state")), due_at__isnull=False)


def spans(now: dt.datetime | None = None) -> dict[str, Q]:
    """Return the condition of each span; days are those of the reader's zone."""
    moment = now or clock.now()
    local = timezone.localtime(moment)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow, after = (_midnight(midnight, days) for days in (1, 2))
    return {
        LATE: Q(due_at__lt=moment),
        TWO_HOURS: Q(due_at__gte=moment, due_at__lt=moment + dt.timedelta(hours=2)),
        SOON: soon_condition(moment),
        TODAY: Q(due_at__gte=moment, due_at__lt=tomorrow),
        TOMORROW: Q(due_at__gte=tomorrow, due_at__lt=after),
        EVERY: Q(),
        "": Q(due_at__lt=after),
    }


def _midnight(first: dt.datetime, days: int) -> dt.datetime:
    """Midnight so many days on, on the wall clock."""
    return dt.datetime.combine(first.date() + dt.timedelta(days=days), dt.time(0), first.tzinfo)


def soon_condition(now: dt.datetime) -> Q:
    """Return the condition for orders that are not late yet, but soon will be by their shop's hours."""
    until = recount.soon(now)
    common = until.pop(None)
    own = Q(due_at__lt=common) & ~Q(shop_id__in=list(until)) if until else Q(due_at__lt=common)
    for shop_id, moment in until.items():
        own |= Q(shop_id=shop_id, due_at__lt=moment)
    return Q(due_at__gte=now, due_at__lt=max([common, *until.values()])) & own


def figures(orders: QuerySet[Any]) -> dict[str, int]:
    """Return how many orders fall into each span, in one question over the edge of the index."""
    conditions = spans()
    named = {LATE: LATE, TWO_HOURS: "two_hours", TODAY: TODAY, TOMORROW: TOMORROW}
    counts = {alias: Count("pk", filter=conditions[span]) for span, alias in named.items()}
    row = clocked(orders).filter(conditions[""]).order_by().aggregate(**counts)
    return {span: row[alias] for span, alias in named.items()}


def at_warehouses(orders: QuerySet[Any], warehouse_ids: Collection[int]) -> QuerySet[Any]:
    """Return the orders that hold goods in one of these warehouses, or wait for them there."""
    reference = Concat(Value("orders.line:"), Cast(OuterRef("pk"), CharField()))
    held = Reservation.objects.filter(reference=reference, quantity__gt=0, warehouse__in=list(warehouse_ids))
    return orders.filter(Exists(OrderLine.objects.filter(Exists(held), order=OuterRef("pk"))))


def seen_by(orders: QuerySet[Any], seen: Sight, *, decides: bool) -> QuerySet[Any]:
    """Whoever only packs sees the orders of the own warehouses; whoever decides about orders, all of the own shops."""
    return orders if decides or seen.warehouses is None else at_warehouses(orders, seen.warehouses)


def by_value(orders: QuerySet[Any]) -> QuerySet[Any]:
    """The dearest first; orders without an exchange rate come last."""
    return orders.order_by(F("base_total").desc(nulls_last=True), "due_at", "pk")
