"""Orders that the platform does not know any more: a person decides, and nothing is packed meanwhile."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from backoffice import audit, clock, locks
from orders.desk import holds
from orders.models import Order
from orders.models.order import order_reference

State = Order.State


@transaction.atomic
def vanished(*, shop_id: int, external_ids: Collection[str]) -> int:
    """Hold the orders of a shop that still wait for the warehouse; returns how many.

    They are not cancelled by themselves: a platform may also hide what is old or what our key may not read.
    """
    asked = Order.objects.filter(
        shop_id=shop_id,
        external_id__in=external_ids,
        kind="",
        state__in=[State.HELD, State.APPROVED, State.PARTLY_SHIPPED],
    )
    found = [one for one in locks.locked_rows(asked) if one.hold_code != holds.GONE]
    now = clock.now()
    for order in found:
        order.state, order.updated_at = State.HELD, now
        holds.put(order, holds.GONE, now)
        order.revision += 1
        order.save(
            update_fields=[
                "state", "updated_at", "hold_code", "hold_note", "hold_department", "held_since", "revision",
            ]
        )  # fmt: skip
    entries = [audit.Entry("order.vanished", order_reference(order.pk), summary=order.number) for order in found]
    audit.record_many(entries)
    return len(found)
