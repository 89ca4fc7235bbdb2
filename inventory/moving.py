"""Move goods of one SKU from a warehouse to another in one step: out and in at the same value, once a key.

For goods that are on the other shelf as soon as it is booked; what is on its way for a while is a transfer.
"""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction

from inventory import balances, ledger
from inventory.ledger import EntryDraft
from inventory.models import Reason


@transaction.atomic
def move(
    *, key: str, sku_id: int, quantity: Decimal, origin_id: int, destination_id: int, reference: str, actor: str = "",
    lots: tuple[tuple[str, Decimal], ...] = (),
) -> Decimal:  # fmt: skip
    """Post both halves and return the value that moved; the same key again changes nothing.

    Raises NegativeStock when the origin has less that is not reserved.
    """
    balances.lock([(sku_id, origin_id), (sku_id, destination_id)], create=True)
    gone = EntryDraft(
        key=f"{key}/out", sku_id=sku_id, warehouse_id=origin_id, quantity=-quantity,
        reason=Reason.TRANSFER, reference=reference, lots=lots,
    )  # fmt: skip
    done = ledger.post(entries=[gone], actor=actor)
    value = -(*done.posted, *done.repeated)[0].value
    come = EntryDraft(
        key=f"{key}/in", sku_id=sku_id, warehouse_id=destination_id, quantity=quantity,
        reason=Reason.TRANSFER, reference=reference, value=value, source=gone.key,
    )  # fmt: skip
    ledger.post(entries=[come], actor=actor)
    return value
