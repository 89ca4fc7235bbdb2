"""Found by comparison, not by complaint: sold without stock, sent twice, paid and not sent."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from backoffice import clock
from orders.desk import holds
from orders.late import board, due
from orders.late.standing import SHORT_CODE
from orders.models import Order, OrderLine, ReviewLog, Shipment, ShipmentLine

OVERSOLD, TWICE, MISSED = "oversold", "twice", "missed"
KINDS: dict[str, Any] = {
    OVERSOLD: _("Sold, but not in stock"),
    TWICE: _("Sent twice, or more than ordered"),
    MISSED: _("Paid, not sent in time"),
}
DAYS = (7, 30, 90)
MOST = 500
State = Order.State


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One order that something is wrong with; `what` are the facts compared."""

    order: Order
    what: str


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """One kind: how many there are, and the first of them."""

    kind: str
    total: int
    rows: list[Row]


def report(orders: QuerySet[Order], *, days: int, most: int = MOST) -> list[Found]:
    """Return the three kinds among some orders (those somebody may see) of the last days: nine questions."""
    since = clock.now() - dt.timedelta(days=days)
    asked = {OVERSOLD: oversold(orders, since), TWICE: twice(orders, since), MISSED: missed(orders, since)}
    return [_found(kind, rows, most) for kind, rows in asked.items()]


def _found(kind: str, rows: QuerySet[Order], most: int) -> Found:
    orders = list(rows.select_related("shop").order_by("-placed_at", "-pk")[:most])
    words = {OVERSOLD: _lacks, TWICE: _sent, MISSED: _waits}[kind](orders)
    total = len(orders) if len(orders) < most else rows.order_by().count()
    return Found(kind, total, [Row(one, words.get(one.pk, "")) for one in orders])


def oversold(orders: QuerySet[Order], since: dt.datetime) -> QuerySet[Order]:
    """Orders of which the first review said that goods are missing, or that still wait for goods."""
    recent = orders.filter(placed_at__gte=since).exclude(state=State.HISTORY)
    return recent.filter(Q(hold_code=SHORT_CODE) | Exists(short_reviews().filter(order=OuterRef("pk"))))


def short_reviews() -> QuerySet[ReviewLog]:
    """The reviews that found goods missing; the log is text to both engines here."""
    return ReviewLog.objects.annotate(text=Cast("findings", TextField())).filter(text__contains=f'"{SHORT_CODE}"')


def twice(orders: QuerySet[Order], since: dt.datetime) -> QuerySet[Order]:
    """Orders of which more pieces have left than were ever ordered, or than are wanted now, in parcels that stand."""
    over = OrderLine.objects.filter(order=OuterRef("pk"), shipped_quantity__gt=F("quantity"))
    parcels = ShipmentLine.objects.filter(line=OuterRef("pk"), shipment__state=Shipment.State.SENT).order_by()
    sent = parcels.values("line").annotate(sent=Sum("quantity")).values("sent")
    lines = OrderLine.objects.filter(order=OuterRef("pk")).annotate(left=Subquery(sent))
    more = lines.filter(left__gt=F("ordered_quantity"))
    same = (
        Shipment.objects.filter(order=OuterRef("pk"), state=Shipment.State.SENT)
        .exclude(tracking_number="")
        .order_by()
        .values("tracking_number")
        .annotate(times=Count("pk"))
        .filter(times__gt=1)
    )
    recent = orders.filter(placed_at__gte=since, shipped_at__isnull=False)
    return recent.filter(Q(hold_code=holds.SHIPPED_MORE) | Exists(over) | Exists(more) | Exists(same))


def missed(orders: QuerySet[Order], since: dt.datetime) -> QuerySet[Order]:
    """Open orders whose time is over: paid, and something of them not sent."""
    return board.clocked(orders).filter(due_at__lt=clock.now(), placed_at__gte=since)


def _lacks(orders: Iterable[Order]) -> dict[int, str]:
    """What each lacked when it was short last."""
    rows = ReviewLog.objects.filter(order__in=[one.pk for one in orders]).order_by("pk")
    found: dict[int, str] = {}
    for order_id, findings in rows.values_list("order_id", "findings"):
        for one in findings:
            if one.get("code") == SHORT_CODE:
                found[order_id] = _shortage(one)
    return found


def _shortage(finding: dict[str, Any]) -> str:
    name = str(finding.get("sku") or finding.get("label") or "")
    return f"{name} {finding.get('available', '0')} / {finding.get('wanted', '')}".strip(" /")


def _sent(orders: Iterable[Order]) -> dict[int, str]:
    """What left and what was wanted, line by line where more left."""
    found: dict[int, list[str]] = {}
    rows = OrderLine.objects.filter(order__in=[one.pk for one in orders])
    sums = rows.annotate(sent=Sum("shipment_lines__quantity", filter=Q(shipment_lines__shipment__state="sent")))
    for line in sums:
        sent = line.sent or Decimal(0)
        gone = max(sent, line.shipped_quantity)
        if gone > line.quantity:
            text = f"{line.sku_code or line.title}: {pieces(gone)} / {pieces(line.quantity)}"
            found.setdefault(line.order_id, []).append(text)
    return {pk: "; ".join(parts) for pk, parts in found.items()}


def pieces(quantity: Decimal) -> str:
    """`3`, `0.5`."""
    return f"{quantity.normalize():f}" if quantity else "0"


def _waits(orders: Iterable[Order]) -> dict[int, str]:
    """How many hours each is late."""
    now = clock.now()
    late = {one.pk: due.shown(one.due_at) for one in orders}
    return {pk: f"{int((now - moment).total_seconds() // 3600)} h" for pk, moment in late.items() if moment}
