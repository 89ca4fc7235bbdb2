"""Where the goods of a lot are now: in what was built from it, and in what that was taken apart into again.

Nobody is left out: where several lots were built at once every one of them counts, but for serials, of which the first
pieces are in the first built piece. What was built into goods without lots may be in any of them from then on.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from django.db.models import Sum
from django.utils.translation import gettext as _now

from inventory.lots.tracing import Event, events, paired
from inventory.models import AssemblyLine, Bucket, Lot, LotBalance, LotMovement, Reason, Sku, StockEntry, Tracking

DEEPEST = 12  # levels of things built from things that were built
LONG_AGO = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
Goods = tuple[int, int | None]  # a SKU and its lot; no lot where the SKU has none


@dataclasses.dataclass(frozen=True, slots=True)
class Reached:
    """A lot, or a SKU without lots, that holds goods of the lot in question from a moment on; `steps` says how."""

    sku: Sku
    lot: Lot | None
    since: dt.datetime
    steps: tuple[str, ...]
    assembly_id: int  # the last step
    inside: tuple[int, ...] = ()  # the SKUs around the goods in question, outermost last

    @property
    def goods(self) -> Goods:
        """What it is."""
        return self.sku.pk, self.lot.pk if self.lot else None

    @property
    def how(self) -> str:
        """The way there, as a sentence for the recall list."""
        way = " → ".join(self.steps)
        return way if self.lot else _now("%(way)s: no lots, it may be in it") % {"way": way}


def follow(lot: Lot) -> list[Reached]:
    """Return everything that holds goods of a lot by now: one query where nothing was built, six for each level."""
    start = Reached(lot.sku, lot, LONG_AGO, (), 0, (lot.sku_id,))
    seen: dict[tuple[Goods, tuple[int, ...]], Reached] = {(start.goods, start.inside): start}
    level = [start]
    for _depth in range(DEEPEST):
        fresh: dict[tuple[Goods, tuple[int, ...]], Reached] = {}
        for one in _next(level):
            key = (one.goods, one.inside)
            before = seen.get(key)
            if before is None or one.since < before.since:
                seen[key] = fresh[key] = one
        level = list(fresh.values())
        if not level:
            break
    first: dict[Goods, Reached] = {}
    for one in seen.values():
        if one is not start and one.goods != start.goods:
            before = first.get(one.goods)
            first[one.goods] = one if before is None or one.since < before.since else before
    return list(first.values())


def _next(level: Sequence[Reached]) -> Iterator[Reached]:
    """What the goods of this level went into."""
    by_goods: dict[Goods, list[Reached]] = {}
    for one in level:
        by_goods.setdefault(one.goods, []).append(one)
    used = list(_used(by_goods))
    there = {one.assembly.reference: one for one in events(reference for _goods, reference in used)} if used else {}
    parts: dict[int, list[AssemblyLine]] = {}
    for line in AssemblyLine.objects.filter(assembly__in=[one.assembly for one in there.values()]) if there else ():
        parts.setdefault(line.assembly_id, []).append(line)
    found = [
        (source, event, *target)
        for goods, reference in used if (event := there.get(reference))
        for source in by_goods[goods] if event.assembly.created_at >= source.since
        for target in _targets(source, event, parts.get(event.assembly.pk, ()))
    ]  # fmt: skip
    yield from _named(found)


def _used(by_goods: Collection[Goods]) -> Iterator[tuple[Goods, str]]:
    lots = [lot for _sku, lot in by_goods if lot is not None]
    loose = [sku for sku, lot in by_goods if lot is None]
    if lots:
        rows = LotMovement.objects.filter(lot__in=lots, reason=Reason.ASSEMBLY, quantity__lt=0).order_by("id")
        for sku, lot, reference in rows.values_list("sku_id", "lot_id", "reference"):
            yield (sku, lot), reference
    if loose:
        entries = StockEntry.objects.filter(
            sku__in=loose, reason=Reason.ASSEMBLY, bucket=Bucket.ON_HAND, quantity__lt=0
        ).order_by("id")
        for sku, reference in entries.values_list("sku_id", "reference"):
            yield (sku, None), reference


Target = tuple[int, int | None, tuple[int, ...]]


def _targets(source: Reached, event: Event, lines: Iterable[AssemblyLine]) -> Iterator[Target]:
    """Built: all that was made. Taken apart: of what is inside the SKU in question, of the thing itself every part."""
    made = event.assembly.sku_id
    if event.built:
        if source.sku.pk != made:
            yield from _lots(source, event, made, (*source.inside, made))
        return
    if source.sku.pk != made:
        return
    for line in lines:
        if len(source.inside) == 1:
            yield from _lots(source, event, line.part_id, (line.part_id,))
        elif line.part_id == source.inside[-2]:
            yield from _lots(source, event, line.part_id, source.inside[:-1])


def _lots(source: Reached, event: Event, sku_id: int, inside: tuple[int, ...]) -> Iterator[Target]:
    rows = list(event.moved.get(sku_id, ()))
    if not rows:
        yield sku_id, None, inside
    mine = source.lot.pk if source.lot else None
    exact = _exact(source, event, sku_id, rows) if mine is not None else None
    for lot_id in dict.fromkeys(lot for lot, _quantity in rows):
        if exact is None or lot_id in exact:
            yield sku_id, lot_id, inside


def _exact(source: Reached, event: Event, sku_id: int, rows: Sequence[tuple[int, int]]) -> set[int] | None:
    """Which serials a serial is in, by the order in which they were written; None where that says nothing."""
    one_each = all(quantity == 1000 for _lot, quantity in rows) and source.lot and source.lot.number
    mine = event.moved.get(source.sku.pk, ())
    if not one_each or source.sku.tracking != Tracking.SERIAL or any(quantity != 1000 for _lot, quantity in mine):
        return None
    made, parts = (rows, mine) if event.built else (mine, rows)
    pairs = paired(made, parts)
    lot_id = source.lot.pk if source.lot else 0
    if event.built:
        return {one for one, shares in pairs.items() if lot_id in [lot for lot, _quantity in shares]}
    return {lot for lot, _quantity in pairs.get(lot_id, ())}


def _named(found: Sequence[tuple[Reached, Event, int, int | None, tuple[int, ...]]]) -> Iterator[Reached]:
    lots: Mapping[int, Lot] = {}
    skus: Mapping[int, Sku] = {}
    if found:
        lots = Lot.objects.select_related("sku").in_bulk({row[3] for row in found if row[3] is not None})
        skus = Sku.objects.in_bulk({row[2] for row in found if row[3] is None})
    for source, event, sku_id, lot_id, inside in found:
        lot = lots[lot_id] if lot_id is not None else None
        sku = lot.sku if lot else skus[sku_id]
        name = f"{sku.code} {lot}" if lot else sku.code
        steps = (*source.steps, f"{event.assembly}: {name}")
        yield Reached(sku, lot, event.assembly.created_at, steps, event.assembly.pk, inside)


def pieces_in(rows: Iterable[Reached]) -> dict[int, Decimal]:
    """Return how much of the lots among these lies on shelves."""
    lots = [one.lot.pk for one in rows if one.lot]
    there = LotBalance.objects.filter(lot__in=lots).values_list("lot").annotate(sum=Sum("on_hand")).order_by()
    return dict(there) if lots else {}
