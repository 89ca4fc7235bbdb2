"""Likely causes of a difference, found in our own data: page by page of lines, a query for each kind of cause."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from inventory.models import Bucket, LotMovement, Pack, StockEntry, Stocktake, StocktakeLine
from inventory.readable import pieces

Cause = tuple[int, str]  # (line, sentence)
Finder = Callable[[Stocktake, Sequence[StocktakeLine]], Iterable[Cause]]
_finders: dict[str, Finder] = {}


@dataclasses.dataclass(frozen=True, slots=True)
class Moved:
    """What moved of a SKU between the snapshot and the count."""

    times: int
    quantity: Decimal
    last: str


def register_cause(name: str, finder: Finder) -> None:
    """Let an app above add causes: `finder(stocktake, lines)` yields (line id, sentence), in constant queries."""
    _finders[name] = finder


def of_lines(stocktake: Stocktake, lines: Sequence[StocktakeLine]) -> dict[int, list[str]]:
    """Return the sentences by line; lines without a difference have none."""
    lines = [line for line in lines if line.difference and line.counted_quantity is not None]
    found: dict[int, list[str]] = defaultdict(list)
    if lines:
        for finder in (moved_meanwhile, swapped, packs, *_finders.values()):
            for line_id, sentence in finder(stocktake, lines):
                found[line_id].append(sentence)
    return dict(found)


def moved_meanwhile(stocktake: Stocktake, lines: Sequence[StocktakeLine]) -> Iterable[Cause]:
    """Goods that moved between the snapshot and the end of counting: counted just before or just after."""
    yield from lots_moved_meanwhile(stocktake, [line for line in lines if line.lot_id])
    lines = [line for line in lines if not line.lot_id]
    if not lines:
        return
    entries = (
        StockEntry.objects.filter(
            sku__in=[line.sku_id for line in lines],
            warehouse_id=stocktake.warehouse_id,
            bucket=Bucket.ON_HAND,
            recorded_at__gt=stocktake.snapshot_at,
            recorded_at__lte=stocktake.submitted_at or max(line.counted_at for line in lines if line.counted_at),
        )
        .exclude(reference=stocktake.reference)
        .exclude(quantity=0)
    )
    moved: dict[int, list[StockEntry]] = defaultdict(list)
    for entry in entries.order_by("id")[:20_000]:
        moved[entry.sku_id].append(entry)
    for line in lines:
        if line.sku_id in moved:
            rows = moved[line.sku_id]
            yield line.pk, _moved(rows, rows[-1].occurred_at)


def _moved(rows: Sequence[StockEntry] | Sequence[LotMovement], when: dt.datetime) -> str:
    text = _("Moved while it was counted: %(times)d movements, %(sum)s pieces, the last at %(when)s (%(why)s).")
    total = sum((one.quantity for one in rows), Decimal(0))
    moment = date_format(localtime(when), "SHORT_DATETIME_FORMAT")
    return text % {"times": len(rows), "sum": pieces(total), "when": moment, "why": rows[-1].get_reason_display()}


def lots_moved_meanwhile(stocktake: Stocktake, lines: Sequence[StocktakeLine]) -> Iterable[Cause]:
    """The same of lots: what another lot of the SKU did explains nothing."""
    if not lines:
        return
    rows = LotMovement.objects.filter(
        lot__in=[line.lot_id for line in lines], warehouse_id=stocktake.warehouse_id,
        recorded_at__gt=stocktake.snapshot_at,
        recorded_at__lte=stocktake.submitted_at or max(line.counted_at for line in lines if line.counted_at),
    ).exclude(reference=stocktake.reference)  # fmt: skip
    moved: dict[int | None, list[LotMovement]] = defaultdict(list)
    for row in rows.order_by("id")[:20_000]:
        moved[row.lot_id].append(row)
    for line in lines:
        if line.lot_id in moved:
            yield line.pk, _moved(moved[line.lot_id], moved[line.lot_id][-1].recorded_at)


def swapped(stocktake: Stocktake, lines: Sequence[StocktakeLine]) -> Iterable[Cause]:
    """Another variant of the same product is off by the opposite: one was taken for the other."""
    products = {line.sku.product_id for line in lines}
    siblings = StocktakeLine.objects.filter(stocktake=stocktake, sku__product__in=products).exclude(difference=0)
    by: dict[tuple[int, Decimal], list[StocktakeLine]] = defaultdict(list)
    also = ["lot"] if any(line.lot_id for line in lines) else []
    for one in siblings.select_related("sku", *also):
        by[one.sku.product_id, one.difference].append(one)
    for line in lines:
        twins = by.get((line.sku.product_id, -line.difference), [])
        for twin in sorted(twins, key=lambda one: one.sku_id != line.sku_id)[:1]:  # first another lot of the same SKU
            yield line.pk, _swapped(line, twin)


def _swapped(line: StocktakeLine, twin: StocktakeLine) -> str:
    if twin.sku_id == line.sku_id:
        text = _("Lot %(lot)s of the same SKU is off by the opposite: probably one taken for the other.")
        return text % {"lot": twin.lot}
    text = _("%(sku)s, a variant of the same product, is off by the opposite: probably one taken for the other.")
    return text % {"sku": twin.sku.code}


def packs(stocktake: Stocktake, lines: Sequence[StocktakeLine]) -> Iterable[Cause]:
    """Cases counted as singles, or singles as cases: the figures differ by the pieces in a pack, times over."""
    by: dict[int, list[Pack]] = defaultdict(list)
    for pack in Pack.objects.filter(sku__in=[line.sku_id for line in lines], quantity__gt=1):
        by[pack.sku_id].append(pack)
    for line in lines:
        counted, system = line.counted_quantity or Decimal(0), line.system_quantity or Decimal(0)
        for pack in by.get(line.sku_id, []):
            told = {"pack": pack}
            if counted and counted * pack.quantity == system:
                yield (
                    line.pk,
                    _("Counted in packs, not in pieces? The system has exactly that many of “%(pack)s”.") % told,
                )
            elif system and system * pack.quantity == counted:
                yield line.pk, _("Booked in packs, not in pieces? “%(pack)s” makes exactly the count.") % told
            elif line.difference % pack.quantity == 0:
                times = pieces(abs(line.difference) / pack.quantity)
                yield line.pk, _("The difference is exactly %(times)s of “%(pack)s”.") % {**told, "times": times}
