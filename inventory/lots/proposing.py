"""Which lots to take off the shelf for what is to be picked: first expired first, never a blocked or expired one."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from inventory.lots.shelf import Line, pieces, shelves
from inventory.models import UNKNOWN


@dataclasses.dataclass(frozen=True, slots=True)
class Proposed:
    """Pieces of a lot to take."""

    number: str
    quantity: Decimal
    expires_on: dt.date | None


def propose(wanted: Sequence[tuple[int, int, Decimal]], warehouse_id: int) -> list[tuple[Proposed, ...]]:
    """Return the lots for each (SKU, tracking, pieces), one after the other from one shelf: one query if any.

    Nothing is held by it: the ledger shares out again when the goods leave.
    """
    tracked = {sku_id: tracking for sku_id, tracking, _quantity in wanted if tracking}
    if not tracked:
        return [() for _one in wanted]
    there = shelves(((sku_id, warehouse_id), tracking) for sku_id, tracking in tracked.items())
    lines = {pair[0]: [one for one in shelf.in_turn() if one.sellable] for pair, shelf in there.items()}
    return [tuple(_taken(lines.get(sku_id, []), int(quantity * 1000))) for sku_id, _tracking, quantity in wanted]


def _taken(lines: list[Line], left: int) -> list[Proposed]:
    found = []
    for line in lines:
        part = min(line.quantity, left)
        if part <= 0:
            continue
        line.quantity -= part
        left -= part
        found.append(Proposed(line.number or str(UNKNOWN), pieces(part), line.expires_on))
    return found
