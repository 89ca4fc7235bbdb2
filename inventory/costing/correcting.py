"""Book what goods cost more or less than was thought: into the value of what is still there; the caller books the rest.

One transaction with the caller's document. Undone by booking the opposite, which follows the goods anew: what was sold
since has taken its part along.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction

from inventory import balances, ledger
from inventory.balances import Locked
from inventory.costing.errors import refused
from inventory.costing.reading import receipts
from inventory.costing.ripple import Correction, Gone, Kept, Ripple, trace
from inventory.ledger import EntryDraft
from inventory.models import Reason, TransferLine, Warehouse
from inventory.sets import Pair

ZERO = Decimal(0)


@transaction.atomic
def book(*, corrections: Sequence[Correction], reference: str, actor: str = "") -> Ripple:
    """Put the part of goods still there into their value, one entry a shelf, and return the whole ripple.

    More than goods are worth is not taken from them: it counts as gone. `reference` is used once; the caller's document
    sees to that under its lock.
    Raises CostRefused: unknown_receipt, goods_moved.
    """
    pairs = trace(corrections).pairs
    locked = balances.lock(pairs)
    ripple = trace(corrections)  # again, now that nothing moves
    if not ripple.pairs <= pairs:
        raise refused("goods_moved")
    ripple = _within_worth(ripple, locked)
    drafts = [
        EntryDraft(
            key=f"{reference}/{place}", sku_id=one.sku_id, warehouse_id=one.warehouse_id, quantity=ZERO,
            value=one.amount, reason=Reason.REVALUATION, reference=reference, source=one.brought,
        )
        for place, one in enumerate(ripple.kept, 1) if one.amount
    ]  # fmt: skip
    if drafts:
        ledger.post(entries=drafts, actor=actor)
    _under_way(ripple.kept)
    return ripple


def _within_worth(ripple: Ripple, locked: dict[Pair, Locked]) -> Ripple:
    room = {pair: Decimal(one.value).scaleb(-4) for pair, one in locked.items()}
    kept, more = [], []
    for one in ripple.kept:
        pair = (one.sku_id, one.warehouse_id)
        fits = max(one.amount, -room.get(pair, ZERO))
        if pair in room:
            room[pair] += fits
        kept.append(dataclasses.replace(one, amount=fits))
        if fits != one.amount:
            more.append(_beyond(one, one.amount - fits))
    return dataclasses.replace(ripple, kept=tuple(kept), gone=(*ripple.gone, *more)) if more else ripple


def _beyond(one: Kept, amount: Decimal) -> Gone:
    entry = receipts([one.brought])[one.brought]
    return Gone(
        one.sku_id, one.warehouse_id, entry.key, entry.reason, entry.reference, entry.occurred_at, ZERO, amount
    )  # fmt: skip


def _under_way(kept: Sequence[Kept]) -> None:
    """A line of a transfer knows its share of what is under way."""
    transit = set(Warehouse.objects.filter(kind=Warehouse.Kind.TRANSIT).values_list("pk", flat=True))
    for one in kept:
        line = one.brought.rpartition("/")[2].partition(".")[0]
        if one.warehouse_id in transit and one.amount and line.isdecimal():
            row = TransferLine.objects.filter(pk=int(line), transit__gt=0).first()
            if row is not None:
                row.transit_value = max(row.transit_value + one.amount, ZERO)
                row.save(update_fields=["transit_value"])
