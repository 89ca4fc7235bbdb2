"""Order and return under one lock, always in the same order: the order first, as intake and shipping take it."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.formats import date_format

from backoffice import actors, audit, clock
from orders.models import Order, Return
from orders.returns.errors import ReturnError


def locked(return_id: int) -> Return:
    """Return a return under its order's lock, with the order as it stands now. Raises ReturnError not_found."""
    order_id = Return.objects.filter(pk=return_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise ReturnError("not_found")
    order = locked_order(order_id)
    found = Return.objects.select_for_update().get(pk=return_id)
    found.order = order
    return found


def locked_order(order_id: int) -> Order:
    """Return an order under its lock. Raises ReturnError not_found."""
    order = Order.objects.select_for_update().filter(pk=order_id).first()
    if order is None:
        raise ReturnError("not_found")
    return order


def must_be(found: Return, *states: str) -> None:
    """Raise ReturnError state unless the return is in one of the states, naming who changed it and when."""
    if found.state not in states:
        raise ReturnError(
            "state", number=found.number, state=found.get_state_display(), **last(found.updated_by, found.updated_at)
        )


def last(who: str, when: Any) -> dict[str, str]:
    """Return who and when as a refusal tells it."""
    name = actors.named(who) or "–"
    return {"who": name, "when": date_format(timezone.localtime(when), "SHORT_DATETIME_FORMAT") if when else "–"}


def moved(found: Return, actor: str, action: str, *fields: str, summary: str = "", **after: Any) -> None:
    """Save a change of the return and write it into the audit trail, under the order and the return."""
    found.updated_at, found.updated_by = clock.now(), actor[:150]
    found.save(update_fields=[*fields, "updated_at", "updated_by"])
    note(found, actor, action, summary=summary, **after)


def note(found: Return, actor: str, action: str, *, summary: str = "", **after: Any) -> None:
    """Write one audit entry about a return."""
    text = f"{found.number} {summary}".strip()
    audit.record(action=action, target=found, actor=actor, summary=text[:300], after={"state": found.state, **after})
