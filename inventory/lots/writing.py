"""Write the lots' parts of movements: balances by lot, their movements, and what of the balance may not be sold.

Called by the ledger under the locks of the balances. What leaves is written before what comes, so that a serial that
moves is never in two places, which the database refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from django.db import IntegrityError

from backoffice import bulk, clock
from inventory.lots.errors import LotRefused, refused
from inventory.lots.sharing import Part
from inventory.models import Balance, LotBalance, LotChoice, LotMovement, Tracking
from inventory.sets import Pair

if TYPE_CHECKING:
    from inventory.balances import Locked

GUARD = "t.on_hand + v.on_hand >= 0"
_MOVED = ("key", "lot_id", "sku_id", "warehouse_id", "quantity", "reason", "reference", "recorded_at", "actor")
_MADE = ("lot_id", "sku_id", "warehouse_id", "on_hand", "serial")
Place = tuple[int, int, int]  # (lot id, sku id, warehouse id)


def write(parts: Sequence[Part], locked: Mapping[Pair, Locked], actor: str) -> None:
    """Write what `sharing` has found. Raises LotRefused when a serial came in elsewhere at the same moment."""
    if not parts:
        return
    try:
        _balances(parts, locked)
    except IntegrityError:
        raise _twice(parts) from None
    now = clock.now()
    rows = [
        (one.key, one.lot_id, one.sku_id, one.warehouse_id, one.quantity, one.reason, one.reference, now, actor)
        for one in _summed(parts)
    ]
    bulk.insert_rows(LotMovement, _MOVED, rows, prepared=True)
    _left_with_parcels([one for one in parts if one.scanned])
    keep_unsellable({(one.sku_id, one.warehouse_id): locked[one.sku_id, one.warehouse_id] for one in parts}.values())


def _summed(parts: Sequence[Part]) -> Iterable[Part]:
    """A lot named twice in one movement has one part."""
    found: dict[tuple[str, int], Part] = {}
    for one in parts:
        before = found.get((one.key, one.lot_id))
        quantity = one.quantity + (before.quantity if before else 0)
        found[one.key, one.lot_id] = one._replace(quantity=quantity)
    return found.values()


def _balances(parts: Sequence[Part], locked: Mapping[Pair, Locked]) -> None:
    moved: dict[Place, int] = {}
    serial: dict[Place, bool] = {}
    for one in parts:
        place = (one.lot_id, one.sku_id, one.warehouse_id)
        moved[place] = moved.get(place, 0) + one.quantity
        tracking = locked[one.sku_id, one.warehouse_id].tracking
        serial[place] = tracking == Tracking.SERIAL and bool(one.number)
    rows = sorted(moved.items())
    made = [(*place, 0, serial[place]) for place, quantity in rows if quantity > 0]
    if made:
        bulk.insert_rows(
            LotBalance, _MADE, made, ignore_conflicts=True, conflict_target=("lot", "warehouse"), prepared=True
        )
    _add([(place[0], place[2], quantity) for place, quantity in rows if quantity < 0])
    _add([(place[0], place[2], quantity) for place, quantity in rows if quantity > 0])


def _add(rows: list[tuple[int, int, int]]) -> None:
    """Add to balances by lot in one guarded UPDATE."""
    if not rows:
        return
    written = bulk.update_rows(
        LotBalance, ["lot_id", "warehouse_id"], [], rows, increments=["on_hand"], guard_sql=GUARD, prepared=True
    )
    if len(written) != len(rows):
        raise IntegrityError("A lot would fall below zero: somebody wrote past the lock.")


def _left_with_parcels(parts: Sequence[Part]) -> None:
    """What was scanned into parcels that have left is in none any more."""
    if parts:
        rows = [(one.reference, one.sku_id, one.lot_id, one.quantity) for one in parts]
        bulk.update_rows(
            LotChoice, ["reference", "sku_id", "lot_id"], [], rows, increments=["quantity"],
            guard_sql="t.quantity + v.quantity >= 0", prepared=True,
        )  # fmt: skip


def _twice(parts: Sequence[Part]) -> LotRefused:
    coming = [one for one in parts if one.quantity > 0] or list(parts)
    return refused("serial_twice", lot=", ".join(sorted({one.number for one in coming}))[:200], sku=coming[0].sku_id)


def keep_unsellable(balances: Iterable[Locked]) -> list[Pair]:
    """Bring what may not be sold in line with the shelves; returns the balances where it changed."""
    changed = [one for one in balances if one.shelf is not None and one.shelf.unsellable != one.unsellable_kept]
    if changed:
        rows = [(one.id, one.unsellable) for one in changed]
        bulk.update_rows(Balance, ["id"], ["unsellable"], rows, prepared=True)
    for one in changed:
        one.unsellable_kept = one.unsellable
    return [(one.sku_id, one.warehouse_id) for one in changed]
