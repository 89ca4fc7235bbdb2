"""A purchase order under its lock: who comes second finds what the first has done, and is told by whom."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.formats import date_format

from backoffice import actors, audit, clock, locks
from orders.models import PurchaseOrder, PurchaseSetting
from orders.supply.errors import SupplyError


def locked(order_id: int) -> PurchaseOrder:
    """Return an order under its lock. Raises SupplyError not_found."""
    rows = locks.locked_rows(PurchaseOrder.objects.select_related("supplier", "warehouse").filter(pk=order_id))
    if not rows:
        raise SupplyError("not_found")
    return rows[0]


def must_be(order: PurchaseOrder, *states: str) -> None:
    """Raise SupplyError state unless the order is in one of the states."""
    if order.state not in states:
        who = last(order.updated_by, order.updated_at)
        raise SupplyError("state", number=order.number, state=order.get_state_display(), **who)


def must_be_seen(order: PurchaseOrder, revision: int | None) -> None:
    """Raise SupplyError moved when the order is another than the person looked at."""
    if revision is not None and revision != order.revision:
        raise SupplyError("moved", number=order.number, **last(order.updated_by, order.updated_at))


def last(who: str, when: Any) -> dict[str, str]:
    """Return who and when as a refusal tells it."""
    moment = date_format(timezone.localtime(when), "SHORT_DATETIME_FORMAT") if when else "–"
    return {"who": actors.named(who) or "–", "when": moment}


def moved(order: PurchaseOrder, actor: str, action: str, *fields: str, summary: str = "", **after: Any) -> None:
    """Save a change of the order and write it into the audit trail."""
    order.updated_at, order.updated_by = clock.now(), actor[:150]
    order.save(update_fields=[*fields, "updated_at", "updated_by"])
    text = f"{order.number} {summary}".strip()[:300]
    audit.record(action=action, target=order, actor=actor, summary=text, after={"state": order.state, **after})


def setting(*, lock: bool = False) -> PurchaseSetting:
    """Return how this house buys; with `lock` nobody else draws a number until the transaction ends."""
    if not PurchaseSetting.objects.filter(pk=1).exists():
        PurchaseSetting.objects.bulk_create([PurchaseSetting(pk=1)], ignore_conflicts=True)
    return locks.locked_rows(PurchaseSetting.objects.filter(pk=1))[0] if lock else PurchaseSetting.objects.get(pk=1)


def plain(value: Any) -> str:
    """Return a figure without needless zeros."""
    return f"{value.normalize():f}" if value else "0"


def clean(text: str, most: int) -> str:
    """Return typed text without the NUL that PostgreSQL refuses."""
    return text.replace("\0", "").strip()[:most]
