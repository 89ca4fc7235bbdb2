"""What the self-audit does about lots that are not what their movements say."""

from __future__ import annotations

from django.db import IntegrityError

from backoffice import bulk
from inventory.balances import Locked
from inventory.lots import registry, writing
from inventory.lots.sharing import Part
from inventory.models import Lot, LotBalance, Reason
from inventory.sets import Pair


def add(*, lot_id: int, pair: Pair, amount: int, serial: bool) -> None:
    """Add to the balance of one lot. Raises IntegrityError when it would be what it may not."""
    numbered = Lot.objects.filter(pk=lot_id).exclude(number="").exists()
    bulk.insert_rows(
        LotBalance, ("lot_id", "sku_id", "warehouse_id", "on_hand", "serial"),
        [(lot_id, *pair, 0, serial and numbered)], ignore_conflicts=True, conflict_target=("lot", "warehouse"),
        prepared=True,
    )  # fmt: skip
    done = bulk.update_rows(
        LotBalance, ["lot_id", "warehouse_id"], [], [(lot_id, pair[1], amount)], increments=["on_hand"],
        guard_sql=writing.GUARD, prepared=True,
    )  # fmt: skip
    if not done:
        raise IntegrityError("A lot would fall below zero.")


def level(*, pair: Pair, locked: dict[Pair, Locked], amount: int, key: str, actor: str) -> None:
    """Book what the lots of a balance lack to the unknown lot; what they have too much, it gives up first."""
    shelf = locked[pair].shelf
    if shelf is None:
        raise IntegrityError("The SKU is not tracked any more.")
    reason = Reason.CORRECTION.value
    parts: list[Part] = []
    left = max(-amount, 0)
    if amount > 0:
        line = registry.Book([(pair[0], "")], ()).unknown(pair[0])
        shelf.put(line, amount)
        parts.append(Part(key, line.lot_id, "", *pair, amount, reason, ""))
    for line in sorted(shelf.in_turn(), key=lambda one: one.number != "") if amount < 0 else ():
        part = min(line.quantity, left)
        left -= part
        if part > 0:
            shelf.take(line.lot_id, part)
            parts.append(Part(key, line.lot_id, line.number, *pair, -part, reason, ""))
    if left > 0:
        raise IntegrityError("The lots have less than that.")
    writing.write(parts, locked, actor)
