"""What stock was worth at any moment, added up from the movements: one statement a page, totals included.

By the time it was *recorded* a past figure never changes any more; by the time it *happened* what was booked late
stands where it belongs.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any

from django.db import connection

from inventory import sets

RECORDED, HAPPENED = "recorded", "happened"
# Now is what the balances say; they are the sum of the same movements.
_NOW = "SELECT e.sku_id, sum(e.on_hand) AS quantity, sum(e.value) AS value FROM inventory_balance e WHERE 1 = 1"
_THEN = (
    "SELECT e.sku_id, sum(e.quantity) AS quantity, sum(e.value) AS value FROM inventory_stockentry e "
    "WHERE e.bucket = 1 AND e.{at} <= %s"
)
_PAGE = """
SELECT s.id, s.code, s.name, s.name_en, p.category, t.quantity, t.value, count(*) OVER (), sum(t.quantity) OVER (),
  sum(t.value) OVER ()
FROM ({sums} GROUP BY e.sku_id HAVING {some}) t
JOIN inventory_sku s ON s.id = t.sku_id JOIN inventory_product p ON p.id = s.product_id
WHERE {category} ORDER BY s.code_key LIMIT %s OFFSET %s
"""
_COLUMN = {RECORDED: "recorded_at", HAPPENED: "occurred_at"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked: a moment (None: now), which time counts, which warehouses (None: all) and category."""

    at: dt.datetime | None = None
    by: str = RECORDED
    warehouses: Collection[int] | None = None
    category: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One SKU: pieces and what they were worth."""

    sku_id: int
    code: str
    name: str
    name_en: str
    category: str
    quantity: Decimal
    value: Decimal

    @property
    def unit_cost(self) -> Decimal | None:
        """What a piece cost on average."""
        return round(self.value / self.quantity, 4) if self.quantity else None


@dataclasses.dataclass(frozen=True, slots=True)
class Worth:
    """A page of it, and the totals of all pages."""

    rows: tuple[Row, ...] = ()
    count: int = 0
    quantity: Decimal = Decimal(0)
    value: Decimal = Decimal(0)


def page(asked: Asked, *, limit: int, offset: int = 0) -> Worth:
    """Return SKUs by their code with the totals, in one statement. A page behind the last one is empty."""
    found = list(_rows(asked, limit, offset))
    if not found:
        return Worth()
    count, quantity, value = found[0][7:]
    rows = tuple(map(_row, found))
    return Worth(rows, count, _pieces(quantity), _money(value))


def every(asked: Asked) -> Iterator[Row]:
    """Yield all SKUs, for a file."""
    for one in _rows(asked, 2**31, 0):
        yield _row(one)


def _rows(asked: Asked, limit: int, offset: int) -> Iterator[tuple[Any, ...]]:
    sums, parameters = _NOW, []
    some = "sum(e.on_hand) <> 0 OR sum(e.value) <> 0"
    if asked.at is not None:
        sums, parameters = _THEN.format(at=_COLUMN[asked.by]), [connection.ops.adapt_datetimefield_value(asked.at)]
        some = "sum(e.quantity) <> 0 OR sum(e.value) <> 0"
    if asked.warehouses is not None:
        among, places = sets.among("e.warehouse_id", sorted(asked.warehouses))
        sums, parameters = f"{sums} AND {among}", [*parameters, *places]
    category = "p.category = %s" if asked.category else "1 = 1"
    parameters += [asked.category] if asked.category else []
    with connection.cursor() as cursor:
        cursor.execute(_PAGE.format(sums=sums, some=some, category=category), [*parameters, limit, offset])
        yield from cursor.fetchall()


def _row(one: tuple[Any, ...]) -> Row:
    sku_id, code, name, name_en, category = one[:5]
    return Row(sku_id, code, name, name_en, category, _pieces(one[5]), _money(one[6]))


def _pieces(stored: Any) -> Decimal:
    return Decimal(int(stored)).scaleb(-3)


def _money(stored: Any) -> Decimal:
    return Decimal(int(stored)).scaleb(-4)
