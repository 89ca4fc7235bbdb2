"""What the page of an order shows of lateness: when it has to leave, what its buyer got, the play it is in."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest

from backoffice import clock
from orders.admin import parts
from orders.admin.wording import short_age
from orders.desk import kept
from orders.late import due
from orders.models import LatePlay, Order

RUN = "orders.run_lateplay"


def register() -> None:
    """Bring the card and the button; called once by AppConfig.ready()."""
    parts.register_part("late", "side", "admin/orders/late/order_card.html", card, order=5)
    parts.register_part("late_play", "buttons", "admin/orders/late/order_button.html", button, order=80)


def card(request: HttpRequest, order: Order) -> dict[str, Any] | None:
    """The time it has to leave by; nothing for an order without one."""
    moment = due.shown(order.due_at)
    if moment is None or not request.user.has_perm("orders.view_lateorder"):
        return None
    late = order.state in due.CLOCKED and moment < clock.now()
    promised = due.shown(order.ship_by)
    runs = request.user.has_perm("orders.view_lateplay")
    given = kept.rows(order, "compensations", order.compensations.select_related("preset"))
    plays = kept.rows(order, "late_plays", order.late_plays.select_related("play"))
    return {
        "due_at": moment,
        "late": short_age(clock.now() - moment) if late else "",
        "promised": promised if promised != moment else None,
        "given": list(given.order_by("pk")),
        "plays": list(plays.order_by("pk")) if runs else [],
    }


def button(request: HttpRequest, order: Order) -> dict[str, Any] | None:
    """Begin a play, or go to the one it is in."""
    if order.state not in due.CLOCKED or not request.user.has_perm(RUN):
        return None
    row = kept.rows(order, "late_plays", order.late_plays.filter(play__state=LatePlay.State.OPEN)).first()
    return {"play": row.play_id if row else None, "key": f"{order.pk}:{uuid.uuid4().hex}"}
