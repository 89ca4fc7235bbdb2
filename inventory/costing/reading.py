"""Entries as costing follows them, in stored integers."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection

from inventory.models import Bucket, StockEntry

_FIELDS = ("id", "key", "sku_id", "warehouse_id", "quantity", "reason", "reference", "occurred_at", "source")


@dataclasses.dataclass(frozen=True, slots=True)
class Receipt:
    """One entry of goods on hand."""

    id: int
    key: str
    sku_id: int
    warehouse_id: int
    quantity: int
    reason: str
    reference: str
    occurred_at: dt.datetime
    source: str


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """Where a part of a correction is: kept on a shelf, gone with an entry, carried to another shelf."""

    kind: str
    sku_id: int
    warehouse_id: int
    entry_key: str
    pieces: int
    amount: int
    reason: str = ""
    reference: str = ""
    occurred_at: dt.datetime = dt.datetime.min
    destination_id: int = 0


def receipts(keys: Collection[str]) -> dict[str, Receipt]:
    """Return entries of goods by their key, in one query."""
    rows = StockEntry.objects.filter(key__in=list(keys), bucket=Bucket.ON_HAND).values_list(*_FIELDS)
    return {row[1]: _of(row) for row in rows}


def since(receipt: Receipt) -> list[Receipt]:
    """Return all entries of the SKU's goods from this one on, in the order in which they were posted."""
    rows = StockEntry.objects.filter(sku_id=receipt.sku_id, bucket=Bucket.ON_HAND, id__gte=receipt.id)
    rows = rows.exclude(quantity=0).order_by("id")
    return [_of(row) for row in rows.values_list(*_FIELDS).iterator(chunk_size=5_000)]


def carrying_on(keys: Collection[str]) -> list[Receipt]:
    """Return the entries that take back or carry on these."""
    rows = StockEntry.objects.filter(source__in=list(keys), bucket=Bucket.ON_HAND).exclude(source="")
    return [_of(row) for row in rows.values_list(*_FIELDS)]


def _of(row: tuple[object, ...]) -> Receipt:
    values = [*row]
    values[4] = int(row[4] * 1000)  # type: ignore[operator]
    return Receipt(*values)  # type: ignore[arg-type]
