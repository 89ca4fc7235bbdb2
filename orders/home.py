"""Orders on the home page: what was sold today, where the orders stand, what waits for a person."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db.models import Count, Min, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice import clock
from backoffice.charts import Chart, Series
from backoffice.home import Figure, HomeCard
from finance.admin.figures import money
from finance.currencies import base_code
from inventory.access import visible
from inventory.models import Shop
from orders.admin.wording import short_age
from orders.desk import sentences
from orders.models import Order

DAYS = 14
NOT_SOLD = (Order.State.CANCELLED, Order.State.HISTORY)
TONES = {Order.State.HELD: "warn", Order.State.UNPAID: "neutral"}


def _url(query: str = "") -> str:
    return reverse("admin:orders_order_changelist") + query


def _own(request: HttpRequest) -> QuerySet[Order]:
    return visible(request.user, Order.objects.all())


def _count(orders: int) -> str:
    return ngettext("%d order", "%d orders", orders) % orders


def sales(request: HttpRequest) -> HomeCard:
    """Today's sales by shop in base currency, and the last two weeks as a chart."""
    today = timezone.localtime(clock.now()).replace(hour=0, minute=0, second=0, microsecond=0)
    sold = _own(request).exclude(state__in=NOT_SOLD)
    rows = list(sold.filter(placed_at__gte=today).values("shop").annotate(count=Count("pk"), total=Sum("base_total")))
    names = dict(Shop.objects.values_list("pk", "name"))
    whole = sum((row["total"] or Decimal(0) for row in rows), Decimal(0))
    unpriced = sold.filter(placed_at__gte=today, base_total=None).count()
    figures = [
        Figure(
            names[row["shop"]],
            money(row["total"] or Decimal(0)),
            _url(f"?shop={row['shop']}"),
            note=_count(row["count"]),
            share=float((row["total"] or Decimal(0)) / whole) if whole else None,
        )
        for row in sorted(rows, key=lambda row: row["total"] or Decimal(0), reverse=True)
    ]
    count = sum(row["count"] for row in rows)
    return HomeCard(
        title=_("Sales today"),
        icon="storefront",
        headline=Figure(_count(count), f"{money(whole)} {base_code()}", _url()),
        figures=figures,
        chart=_fortnight(sold, today),
        url=_url(),
        empty=_("No orders yet today."),
        as_of=clock.now(),
        complete=not unpriced,
        note=_("%d orders have no exchange rate yet") % unpriced if unpriced else "",
    )


def _fortnight(sold: QuerySet[Order], today: dt.datetime) -> Chart | None:
    first = today - dt.timedelta(days=DAYS - 1)
    rows = sold.filter(placed_at__gte=first).annotate(day=TruncDate("placed_at")).values("day")
    by_day = {row["day"]: row["total"] or Decimal(0) for row in rows.annotate(total=Sum("base_total")).order_by()}
    if not by_day:
        return None
    days = [(first + dt.timedelta(days=place)).date() for place in range(DAYS)]
    values = [float(by_day.get(day, 0)) for day in days]
    return Chart(labels=[f"{day.month}/{day.day}" for day in days], series=[Series(_("Sales"), values)])


def states(request: HttpRequest) -> HomeCard:
    """How many open orders stand where."""
    open_states = (Order.State.HELD, Order.State.APPROVED, Order.State.PARTLY_SHIPPED, Order.State.UNPAID)
    rows = _own(request).filter(state__in=open_states).values_list("state").annotate(count=Count("pk")).order_by()
    counts: dict[str, int] = dict(rows)
    figures = [
        Figure(state.label, f"{counts[state]:,}", _url(f"?state__exact={state}"), TONES.get(state, "neutral"))
        for state in open_states
        if counts.get(state)
    ]
    late = _own(request).filter(state__in=open_states[:3], due_at__lt=clock.now()).count()
    if late:
        board = reverse("admin:orders_lateorder_changelist") + "?when=late"
        figures.insert(0, Figure(_("Late"), f"{late:,}", board, "bad"))
    return HomeCard(
        title=_("Open orders"),
        icon="shopping_bag",
        figures=figures,
        url=_url(),
        empty=_("Nothing is open. Orders arrive by themselves."),
        as_of=clock.now(),
    )


def held(request: HttpRequest) -> HomeCard:
    """Why orders are held, the most frequent reason first."""
    rows: Any = _own(request).filter(state=Order.State.HELD).values("hold_code", "hold_department")
    found = list(
        rows.annotate(count=Count("pk"), oldest=Min("held_since"), note=Min("hold_note")).order_by("-count")[:6]
    )
    figures = [
        Figure(
            sentences.hold_title(row["hold_code"], row["note"]),
            f"{row['count']:,}",
            _url(f"?state__exact=held&hold_department__exact={row['hold_department']}"),
            "warn",
            note=_("oldest: %s") % short_age(clock.now() - row["oldest"]) if row["oldest"] else "",
        )
        for row in found
    ]
    return HomeCard(
        title=_("Held orders"),
        icon="front_hand",
        figures=figures,
        url=_url("?state__exact=held"),
        empty=_("No order waits for a person."),
        as_of=clock.now(),
    )
