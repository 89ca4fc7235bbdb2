"""What rules and people want of the routing of single orders, beyond their shop's policy."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from backoffice import audit, clock
from orders.models import Order, RoutingPolicy

UNFINISHED = (Order.State.UNPAID, Order.State.HELD, Order.State.APPROVED, Order.State.PARTLY_SHIPPED)


@transaction.atomic
def prefer(
    order_ids: Collection[int], *, warehouse_id: int | None = None, policy_id: int | None = None, actor: str = ""
) -> int:
    """Let orders be planned by this policy, or from this warehouse if it has the goods; neither takes the wish away.

    The wish counts the next time they are planned (review, approval, re-routing); lists of places go before it.
    Orders that are done are left out; returns how many were changed.
    """
    if policy_id is not None and not RoutingPolicy.objects.filter(pk=policy_id).exists():
        raise ValueError(f"There is no routing policy {policy_id}.")
    due = Order.objects.select_for_update().filter(pk__in=list(order_ids), state__in=UNFINISHED).order_by("pk")
    wanted = (warehouse_id, policy_id)
    rows = [
        (pk, number, (site, policy))
        for pk, number, site, policy in due.values_list("pk", "number", "routing_warehouse_id", "routing_policy_id")
        if (site, policy) != wanted
    ]
    changed = Order.objects.filter(pk__in=[pk for pk, _number, _before in rows])
    changed.update(routing_warehouse=warehouse_id, routing_policy=policy_id, updated_at=clock.now())
    names = ("warehouse", "policy")
    entries = [
        audit.Entry(
            "order.prefer", f"orders.order:{pk}", dict(zip(names, before, strict=True)),
            dict(zip(names, wanted, strict=True)), number[:300], actor,
        )
        for pk, number, before in rows
    ]  # fmt: skip
    if entries:
        audit.record_many(entries)
    return len(rows)
