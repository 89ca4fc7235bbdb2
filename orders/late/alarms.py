"""Late and soon-late orders as incidents: one an order, worse as time passes, gone when it has left."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice import clock, incidents
from backoffice.models import Incident
from orders.late import board, standing
from orders.models import Order
from orders.models.order import order_reference

KIND, PREFIX = "late", "order:"
SOON, LATE, VERY = "soon", "late", "very_late"
SEVERITY = {SOON: "normal", LATE: "high", VERY: "critical"}
VERY_LATE = dt.timedelta(hours=24)
RANK = (SOON, LATE, VERY)
_COLUMNS = ("pk", "number", "due_at", "shop_id", "state", "hold_code", "hold_department", "hold_note")
CAUSES: dict[str, Any] = {
    "count_wrong": _("Stock count wrong"),
    "supplier_late": _("Supplier late"),
    "picked_late": _("Picked late"),
    "address": _("Address wrong"),
    "platform": _("The platform"),
    "oversold": _("Oversold"),
    "holiday": _("Holiday"),
}


def register() -> None:
    """Bring the kind and its causes; called once by AppConfig.ready()."""
    incidents.register_kind(
        KIND,
        title=_("Late order"),
        sentence=sentence,
        department="warehouse",
        acknowledge_minutes=60,
        resolve_hours=8,
        advice=_("See what keeps it. If the goods are short, begin a late play from the order's page."),
    )
    from backoffice.incidents.causes import register_causes

    register_causes(KIND, CAUSES)
    incidents.kinds.register_button(KIND, play_button)


def play_button(request: HttpRequest, incident: Incident) -> tuple[str, str] | None:
    """Lead from a late order's incident to the play that may help, for whoever may begin one."""
    if not request.user.has_perm("orders.run_lateplay"):
        return None
    return _now("Begin a late play…"), f"{reverse('admin:orders_lateplay_add')}?incident={incident.pk}"


def sentence(data: Mapping[str, Any]) -> str:
    """Say which order and how bad, in the reader's language."""
    texts = {
        SOON: _now("Order %(number)s has to leave soon."),
        LATE: _now("Order %(number)s should have left."),
        VERY: _now("Order %(number)s is late by more than a day."),
    }
    return texts[str(data["level"])] % {"number": data["number"]}


def sound() -> tuple[int, int]:
    """Report what is late or soon late, settle what has left; returns (opened, settled).

    What a person resolved stays resolved until it gets worse: the buyer was told, so nobody is called again.
    """
    now = clock.now()
    late = board.clocked(Order.objects.all()).filter(board.soon_condition(now) | board.spans(now)[board.LATE])
    rows = list(late.order_by("due_at", "pk").only(*_COLUMNS))
    resolved = _resolved()
    reports = [_report(one, now) for one in rows]
    due = [one for one in reports if RANK.index(one.data["level"]) > resolved.get(one.key, -1)]
    return incidents.reconcile(kind=KIND, prefix=PREFIX, reports=due)


def level(due_at: dt.datetime, now: dt.datetime) -> str:
    """Return how bad it is."""
    if due_at >= now:
        return SOON
    return VERY if now - due_at > VERY_LATE else LATE


def _report(order: Order, now: dt.datetime) -> incidents.Report:
    assert order.due_at is not None  # the board's rows have one
    how = level(order.due_at, now)
    target = order_reference(order.pk)
    return incidents.Report(
        kind=KIND,
        key=f"{PREFIX}{order.pk}",
        target=target,
        data={"number": order.number, "due_at": order.due_at.isoformat(), "level": how},
        department=standing.department_of(order),
        shop_id=order.shop_id,
        severity=SEVERITY[how],
    )


def _resolved() -> dict[str, int]:
    """Return how bad each order was whose incident a person has resolved."""
    rows = Incident.objects.filter(kind=KIND, state=Incident.State.RESOLVED, closed_at__gte=clock.now() - _memory())
    found: dict[str, int] = {}
    for key, data in rows.order_by("closed_at").values_list("key", "data"):
        found[key] = RANK.index(data["level"]) if data.get("level") in RANK else -1
    return found


def _memory() -> dt.timedelta:
    return dt.timedelta(days=60)
