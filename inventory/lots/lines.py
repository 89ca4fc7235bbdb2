"""The lots of one line of a document: read from what somebody typed, made where they are new, ready for the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from inventory import codes
from inventory.lots import keeping, registry
from inventory.lots.errors import refused
from inventory.lots.saying import Said, pairs, said
from inventory.models import LotBalance, Sku, Tracking

if TYPE_CHECKING:
    from inventory.adjusting import Line

ZERO = Decimal(0)


def incoming(
    sku: Sku, quantity: Decimal, text: str, expires_on: str = "", *, demanded: bool
) -> tuple[tuple[str, Decimal], ...]:
    """Return the lots of goods that come in, with their expiry dates kept. Raises LotRefused naming the field."""
    found = said(sku, quantity, text, expires_on, demanded=demanded)
    if found:
        keeping.announce(sku_id=sku.pk, code=sku.code, said=found)
    return pairs(found)


def one_lot(sku: Sku, quantity: Decimal, text: str, expires_on: str = "") -> tuple[tuple[str, Decimal], ...]:
    """Return the lot of goods kept apart when only one was named; else nobody knows which they are."""
    rows = [row for row in text.splitlines() if row.strip()]
    if len(rows) != 1 or sku.tracking in (Tracking.NONE, Tracking.SERIAL) or any(mark in rows[0] for mark in "×*=＝＊"):
        return ()
    return incoming(sku, quantity, text, expires_on, demanded=False)


def said_of(sku: Sku, warehouse_id: int, line: Line) -> tuple[Decimal, Sequence[Said]]:
    """Return the change of an adjustment's line and its lots: goods in as they come in, goods out as they lie there.

    `counted` with one lot says how many are there of this lot. Raises LotRefused.
    """
    change = line.change
    if change is None:
        number = registry.checked(line.lot)
        change = (line.counted or ZERO) - _there(sku, warehouse_id, number)
        if change <= 0:
            return change, [Said(number, -change)] if change else []
    if change < 0:
        return change, said(sku, -change, line.lot, dated=False)
    found = said(sku, change, line.lot, line.expires_on)
    keeping.announce(sku_id=sku.pk, code=sku.code, said=found)
    return change, found


def _there(sku: Sku, warehouse_id: int, number: str) -> Decimal:
    if not sku.tracking:
        raise refused("not_tracked", sku=sku.code, field="lot")
    rows = LotBalance.objects.filter(sku=sku, warehouse=warehouse_id, lot__number_key=codes.normalise(number))
    return rows.values_list("on_hand", flat=True).first() or ZERO
