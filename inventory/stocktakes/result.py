"""What a stocktake found: accuracy, shrinkage, value, the top differences; on a page and as a workbook."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from decimal import Decimal
from typing import IO, Any

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Abs
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice.spreadsheets.writing import Out
from inventory.models import Stocktake, StocktakeLine
from inventory.stocktakes import causes, figures
from inventory.stocktakes.workbook import write_result

TOP = 20
PAGE = 1_000
SUMS = """SELECT count(*), count(counted_quantity),
  coalesce(sum(CASE WHEN counted_quantity IS NOT NULL AND difference = 0 THEN 1 ELSE 0 END), 0),
  coalesce(sum(CASE WHEN difference < 0 THEN -difference ELSE 0 END), 0),
  coalesce(sum(CASE WHEN difference > 0 THEN difference ELSE 0 END), 0),
  coalesce(sum(CASE WHEN value < 0 THEN -value ELSE 0 END), 0),
  coalesce(sum(CASE WHEN value > 0 THEN value ELSE 0 END), 0),
  coalesce(sum(CAST(CASE WHEN counted_quantity IS NOT NULL THEN system_quantity ELSE 0 END AS numeric)
    * coalesce(unit_cost, 0) / 100000), 0)
FROM inventory_stocktakeline WHERE stocktake_id = %s"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The sums of a stocktake. Shares are of 100; None where nothing was there to divide by."""

    lines: int
    counted: int
    right: int
    missing: Decimal
    found: Decimal
    loss: Decimal
    gain: Decimal
    book_value: Decimal

    @property
    def wrong(self) -> int:
        """Lines that differ."""
        return self.counted - self.right

    @property
    def accuracy(self) -> Decimal | None:
        """Right lines of counted lines."""
        return _share(Decimal(self.right), Decimal(self.counted))

    @property
    def value_accuracy(self) -> Decimal | None:
        """One hundred less what was off of the value the system had there, both ways."""
        off = _share(self.loss + self.gain, self.book_value)
        return None if off is None else max(100 - off, Decimal(0))

    @property
    def shrinkage(self) -> Decimal | None:
        """What is missing, net of what was found, of the value the system had there."""
        return _share(self.loss - self.gain, self.book_value)

    @property
    def net(self) -> Decimal:
        """What the books change by."""
        return self.gain - self.loss


def _share(part: Decimal, whole: Decimal) -> Decimal | None:
    return (part * 100 / whole).quantize(Decimal("0.01")) if whole else None


def of(stocktake: Stocktake) -> Result:
    """Return the sums, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(SUMS, [stocktake.pk])
        row = [int(one) for one in cursor.fetchone()]
    missing, found = (Decimal(one).scaleb(-3) for one in row[3:5])
    loss, gain, book = (Decimal(one).scaleb(-4) for one in row[5:8])
    return Result(
        lines=row[0], counted=row[1], right=row[2], missing=missing, found=found, loss=loss, gain=gain, book_value=book
    )


def differing(stocktake: Stocktake) -> QuerySet[StocktakeLine]:
    """The lines that differ, the dearest first."""
    rows = figures.told(stocktake).filter(counted_quantity__isnull=False).exclude(difference=Decimal(0))
    return rows.order_by(Abs("value").desc(), Abs("difference").desc(), "id")


def top(stocktake: Stocktake, most: int = TOP) -> list[tuple[StocktakeLine, list[str]]]:
    """The largest differences with their likely causes."""
    lines = list(differing(stocktake)[:most])
    found = causes.of_lines(stocktake, lines)
    return [(line, found.get(line.pk, [])) for line in lines]


COLUMNS = (
    Out(_("SKU code"), width=20), Out(_("name"), width=32), Out(_("bin"), width=12),
    Out(_("at the snapshot"), "number", 14), Out(_("system at the count"), "number", 14),
    Out(_("counted"), "number", 12),
    Out(_("difference"), "number", 12), Out(_("counted at"), "datetime", 17), Out(_("likely causes"), width=70),
)  # fmt: skip
LOT = Out(_("lot or serial number"), width=20)
LOT_AT = 2  # where tracked goods were counted it stands behind the name
COST_COLUMNS = (Out(_("unit cost"), "money", 12), Out(_("value of the difference"), "money", 16))


def export(target: IO[bytes], stocktake: Stocktake, *, cost: bool) -> int:
    """Write the sums on one sheet and every difference on the next; value only for who may see it."""
    lots = figures.by_lot(stocktake)
    columns = (*COLUMNS[:LOT_AT], *((LOT,) if lots else ()), *COLUMNS[LOT_AT:], *(COST_COLUMNS if cost else ()))
    return write_result(target, summary(stocktake, cost), columns, _rows(stocktake, cost, lots))


def _rows(stocktake: Stocktake, cost: bool, lots: bool) -> Iterator[tuple[Any, ...]]:
    rows = differing(stocktake)
    ids = list(rows.values_list("pk", flat=True))
    for start in range(0, len(ids), PAGE):
        place = {pk: number for number, pk in enumerate(ids[start : start + PAGE])}
        lines = sorted(rows.filter(pk__in=list(place)), key=lambda line: place[line.pk])
        found = causes.of_lines(stocktake, lines)
        for line in lines:
            plain = (
                line.sku.code, line.sku.name, *((lot_of(line),) if lots else ()), line.bin, line.snapshot_quantity,
                line.system_quantity, line.counted_quantity, line.difference, line.counted_at,
                " ".join(found.get(line.pk, [])),
            )  # fmt: skip
            yield (*plain, line.unit_cost, line.value) if cost else plain


def lot_of(line: StocktakeLine) -> str:
    """The lot of a line as it is shown; empty for goods without lots."""
    return str(line.lot) if line.lot_id else ""


def summary(stocktake: Stocktake, cost: bool) -> list[tuple[str, str]]:
    """The sums as (what, figure), for the workbook."""
    sums = of(stocktake)
    rows = [
        (_now("stocktake"), f"{stocktake} · {stocktake.warehouse} · {stocktake.get_state_display()}"),
        (_now("lines counted"), f"{sums.counted} / {sums.lines}"),
        (_now("lines right"), f"{sums.right} ({percent(sums.accuracy)})"),
        (_now("pieces missing"), f"{sums.missing.normalize():f}"),
        (_now("pieces found"), f"{sums.found.normalize():f}"),
    ]
    if cost:
        rows += [
            (_now("accuracy by value"), percent(sums.value_accuracy)),
            (_now("shrinkage"), percent(sums.shrinkage)),
            (_now("value lost"), f"{sums.loss:.2f}"),
            (_now("value found"), f"{sums.gain:.2f}"),
            (_now("change of the stock's value"), f"{sums.net:.2f}"),
        ]
    return rows


def percent(share: Decimal | None) -> str:
    """A share as people read it."""
    return "–" if share is None else f"{share.normalize():f} %"
