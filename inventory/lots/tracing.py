"""Follow lots through assemblies: what a built lot holds, and where the goods of a lot are now.

All of it is read from the movements of lots under the reference of their assembly, in the order in which the lots were
written: the first pieces of each part are in the first built piece. An assembly that was undone counts for nothing.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal

from inventory.models import Assembly, Lot, LotMovement, Reason

OWNER = "inventory.assembly:"
RECENT = 200  # how many assemblies of a SKU without lots are looked at for what it was built from
Row = tuple[int, int]  # a lot and its pieces, in thousandths, without sign
Holds = dict[int, dict[int, dict[int, int]]]  # built lot → part's SKU → part's lot → thousandths


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """An assembly that stands, and the lots it moved by SKU, as they were written."""

    assembly: Assembly
    moved: Mapping[int, Sequence[Row]]

    @property
    def built(self) -> bool:
        """True for built, False for taken apart."""
        return self.assembly.kind == Assembly.Kind.BUILD


def events(references: Iterable[str]) -> list[Event]:
    """Return the assemblies behind these references that stand, the first made first: two queries."""
    ids = [int(one.removeprefix(OWNER)) for one in set(references) if one.startswith(OWNER)]
    found = Assembly.objects.filter(pk__in=ids, state=Assembly.State.POSTED) if ids else Assembly.objects.none()
    known = {one.reference: one for one in found.select_related("sku").order_by("pk")}
    moved: dict[str, dict[int, list[Row]]] = {reference: defaultdict(list) for reference in known}
    rows = LotMovement.objects.filter(reference__in=list(known), reason=Reason.ASSEMBLY).order_by("id")
    for reference, sku_id, lot_id, quantity in rows.values_list("reference", "sku_id", "lot_id", "quantity"):
        moved[reference][sku_id].append((lot_id, abs(int(quantity * 1000))))
    return [Event(one, moved[reference]) for reference, one in known.items()]


def paired(made: Sequence[Row], parts: Sequence[Row]) -> dict[int, list[Row]]:
    """Share the lots of a part over the built lots, in the order written: what is in which."""
    found: dict[int, list[Row]] = {}
    left, whole, total = list(parts), sum(row[1] for row in made), sum(row[1] for row in parts)
    done = given = 0
    for lot_id, quantity in made:
        done += quantity
        wanted = total * done // whole - given
        given += wanted
        found.setdefault(lot_id, []).extend(_cut(left, wanted))
    return found


def _cut(rows: list[Row], wanted: int) -> list[Row]:
    """Take so much off the front."""
    taken = []
    while wanted and rows:
        lot_id, quantity = rows[0]
        part = min(quantity, wanted)
        wanted -= part
        taken.append((lot_id, part))
        rows[:1] = [(lot_id, quantity - part)] if quantity > part else []
    return taken


def holds(lots: Collection[int], sku_id: int) -> Holds:
    """Return what pieces of these built lots are made of by the books: three queries, none without lots.

    What was taken apart since is taken off: first of the lots it went into, then in turn. Several lots of a part in one
    built lot stand in the order in which they were built in; which piece holds which nobody knows.
    """
    found: Holds = {}
    if not lots:
        return found
    rows = LotMovement.objects.filter(lot__in=list(lots), reason=Reason.ASSEMBLY).order_by().distinct()
    for event in events(rows.values_list("reference", flat=True)):
        if event.assembly.sku_id != sku_id:
            continue
        for part, moved in event.moved.items():
            if part != sku_id:
                for lot_id, shares in paired(event.moved.get(sku_id, ()), moved).items():
                    _book(found.setdefault(lot_id, {}).setdefault(part, {}), shares, event.built)
    return found


def _book(there: dict[int, int], shares: Sequence[Row], built: bool) -> None:
    rest = 0
    for lot_id, quantity in shares:
        if built:
            there[lot_id] = there.get(lot_id, 0) + quantity
        else:
            part = min(there.get(lot_id, 0), quantity)
            there[lot_id] = there.get(lot_id, 0) - part
            rest += quantity - part
    for lot_id in there:
        part = min(there[lot_id], rest)
        there[lot_id] -= part
        rest -= part


def ever(sku_id: int) -> dict[int, set[int]]:
    """Return the lots of each part that recent assemblies of a SKU without lots took."""
    recent = Assembly.objects.filter(sku=sku_id, kind=Assembly.Kind.BUILD, state=Assembly.State.POSTED)
    references = [f"{OWNER}{pk}" for pk in recent.order_by("-pk").values_list("pk", flat=True)[:RECENT]]
    found: dict[int, set[int]] = defaultdict(set)
    rows = LotMovement.objects.filter(reference__in=references, reason=Reason.ASSEMBLY).order_by().distinct()
    for part, lot_id in rows.values_list("sku_id", "lot_id"):
        found[part].add(lot_id)
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class Origin:
    """Pieces of a part's lot that are in a built lot."""

    lot: Lot
    quantity: Decimal


def origins(lot: Lot) -> list[Origin]:
    """Return what a lot was built from, as far as it was not taken apart again; nothing for the unknown lot."""
    there = holds([lot.pk], lot.sku_id).get(lot.pk, {}) if lot.number else {}
    rows = [(one, left) for shares in there.values() for one, left in shares.items() if left]
    known = Lot.objects.select_related("sku").in_bulk([one for one, _left in rows]) if rows else {}
    return [Origin(known[one], Decimal(left).scaleb(-3)) for one, left in rows]
