"""The receipts of purchase orders as the stock ledger knows them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection
from decimal import Decimal

from django.db.models import Q

from inventory.models import Bucket, Reason, Sku, StockEntry
from orders.models import PurchaseLine

ROW = "orders.purchasereceiptline:"


@dataclasses.dataclass(frozen=True, slots=True)
class Receipt:
    """One entry that brought goods of a line of a purchase order."""

    entry_key: str
    line_id: int
    order_number: str
    sku: Sku
    at: dt.datetime
    pieces: Decimal
    value: Decimal


def of_orders(order_ids: Collection[int]) -> list[Receipt]:
    """Return what came of some purchase orders, in two queries; the oldest first."""
    lines = list(PurchaseLine.objects.filter(order__in=order_ids).select_related("sku", "order", "arrival"))
    by_reference: dict[tuple[str, int], PurchaseLine] = {}
    for line in lines:
        if line.arrival is not None:
            by_reference[line.arrival.reference, line.sku_id] = line
        by_reference[line.order.reference, line.sku_id] = line
    references = {reference for reference, _sku in by_reference}
    rows = StockEntry.objects.filter(
        Q(reference__in=references), bucket=Bucket.ON_HAND, reason=Reason.RECEIPT, quantity__gt=0
    )
    found = []
    for one in rows.order_by("id"):
        line_of = by_reference.get((one.reference, one.sku_id))
        if line_of is not None:
            found.append(
                Receipt(
                    one.key, line_of.pk, line_of.order.number, line_of.sku, one.occurred_at, one.quantity, one.value
                )
            )
    return found
