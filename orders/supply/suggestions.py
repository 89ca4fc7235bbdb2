"""From suggestions to draft purchase orders: one per supplier and warehouse, each suggestion once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from django.db import transaction

from backoffice import locks
from orders.models import PurchaseOrder, PurchaseSetting, ReplenishRow
from orders.supply import drafting, locking, replenishment
from orders.supply.errors import SupplyError

Verdict = ReplenishRow.Verdict


@transaction.atomic
def to_drafts(
    *, row_ids: Collection[int], actor: str, warehouses: frozenset[int] | None = None
) -> list[PurchaseOrder]:  # fmt: skip
    """Draft purchase orders of suggestions of the newest run; of two clicks the second finds them drafted.

    Raises SupplyError: no_run, nothing_chosen, scope_place, and what `drafting.draft` raises.
    """
    run = replenishment.latest()
    if run is None:
        raise SupplyError("no_run")
    open_rows = ReplenishRow.objects.filter(pk__in=row_ids, run=run, verdict=Verdict.ORDER)
    rows = [row for row in locks.locked_rows(open_rows) if row.purchase_id is None and row.supplier_id]
    if not rows:
        raise SupplyError("nothing_chosen")
    whole = _home(run.scope)
    heaps: dict[tuple[int, int], list[ReplenishRow]] = defaultdict(list)
    for row in rows:
        heaps[row.supplier_id or 0, row.warehouse_id or whole].append(row)
    made = []
    for (supplier, place), heap in sorted(heaps.items()):
        lines = [drafting.Wanted(sku_id=row.sku_id, quantity=row.quantity, price=row.price) for row in heap]
        order = drafting.draft(
            supplier_id=supplier, warehouse_id=place, lines=lines, actor=actor, once=f"replenish:{heap[0].pk}",
            source=PurchaseOrder.Source.REPLENISH, warehouses=warehouses,
        )  # fmt: skip
        ReplenishRow.objects.filter(pk__in=[row.pk for row in heap]).update(purchase=order)
        made.append(order)
    return made


def _home(scope: str) -> int:
    """Return where goods arrive when demand is counted for the company as a whole; 0 else."""
    if scope != PurchaseSetting.Scope.COMPANY:
        return 0
    home = locking.setting().warehouse_id
    if home is None:
        raise SupplyError("scope_place")
    return home
