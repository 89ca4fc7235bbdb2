"""Re-routing many orders: a page of them a transaction, what is done stands written before the next page begins."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from backoffice import audit, progress
from backoffice.models import User
from inventory.access import sight, visible
from orders.desk import runs
from orders.desk.table import RowOutcome
from orders.errors import OrderError
from orders.fulfil.routing import moving
from orders.models import DeskRun, Order

PAGE, NOW = 50, 50  # orders locked together; up to so many are moved while one waits
KIND = DeskRun.Kind.REROUTE


def begin(*, owner: User, order_ids: Sequence[int], to: Sequence[int] | None) -> DeskRun:
    """Move orders to warehouses (None: as their policies say), in the owner's name and within what they see."""
    ids = list(dict.fromkeys(order_ids))
    params = {"orders": ids, "to": None if to is None else list(to)}
    return runs.begin(kind=KIND, owner=owner, params=params, total=len(ids), long=len(ids) > NOW)


def work(run: DeskRun, meter: progress.Meter) -> None:
    """Go on where the run stands; a second worker with the same run waits, and takes the page after."""
    meter.row.done = len(run.result.get("outcomes", ()))
    while moved := _page(run):
        meter.step(moved)
    runs.finish(run)


@transaction.atomic
def _page(run: DeskRun) -> int:
    row = DeskRun.objects.select_for_update().get(pk=run.pk)
    outcomes = row.result.get("outcomes", [])
    ids = row.params["orders"][len(outcomes) :][:PAGE]
    if ids:
        mine = list(visible(run.owner, Order.objects.filter(pk__in=ids)).values_list("pk", flat=True))
        told = moving.reroute(
            order_ids=mine, actor=audit.current_actor().name, to=row.params["to"], within=sight(run.owner).warehouses
        )
        by_id = {one.order_id: one for one in told}
        outcomes += [_told(pk, by_id.get(pk)) for pk in ids]
        row.result = {"outcomes": outcomes}
        row.save(update_fields=["result"])
    run.result = row.result
    return len(ids)


def _told(order_id: int, outcome: RowOutcome | None) -> dict[str, object]:
    if outcome is None:  # gone, or no longer among the orders the person sees
        return {"order_id": order_id, "ok": False, "message": str(OrderError("not_found", number=order_id))}
    return {"order_id": order_id, "ok": outcome.ok, "message": "" if outcome.ok else outcome.message}
