"""Share movements of tracked goods out over lots: as somebody said, else as is known, else first expired first.

The ledger asks before it writes and hands the parts to `writing` afterwards; for goods that are not tracked nothing
is asked of the database. Who says no lot is never stopped for it: goods in go to the lots that the same document took
out before, else to the unknown lot; goods out come from the lots that the document brought, else in their turn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection

from inventory import codes, sets
from inventory.errors import Short
from inventory.lots import registry
from inventory.lots.errors import LotShort, refused
from inventory.lots.shelf import Line, Shelf, pieces
from inventory.models import Bucket, Reason, Tracking
from inventory.sets import Pair

if TYPE_CHECKING:
    from inventory.balances import Locked
    from inventory.ledger import Move

Step = tuple[Line, int] | tuple[Line, int, bool]  # a lot, its signed pieces, and whether a packer scanned it
ON_HAND = Bucket.ON_HAND.value
ONE = 1_000
STRICT = (Reason.SHIPMENT.value,)  # what goes to buyers is never blocked or expired


class Part(NamedTuple):
    """What one lot has of one movement; `quantity` is signed, in stored integers."""

    key: str
    lot_id: int
    number: str
    sku_id: int
    warehouse_id: int
    quantity: int
    reason: str
    reference: str
    scanned: bool = False  # a packer put this lot into the parcel


def share(moves: Sequence[Move], locked: Mapping[Pair, Locked]) -> list[Part]:
    """Return the lots' parts of the movements, in their order; nothing for goods that are not tracked.

    Raises LotShort naming every lot that has too little or may not leave, LotRefused for what cannot be: a serial
    twice, lots that add up to more than the line.
    """
    tracked = [move for move in moves if move.bucket == ON_HAND and move.quantity and locked[move.pair].tracking]
    if not tracked:
        return []
    return _Sharing(tracked, {pair: one.shelf for pair, one in locked.items() if one.shelf is not None}).parts()


class _Sharing:
    """One call's movements: what was read for them, and the parts so far."""

    def __init__(self, moves: Sequence[Move], shelves: dict[Pair, Shelf]) -> None:
        self.moves, self.shelves = moves, shelves
        self.mirrored = _mirrored(moves)
        self.own = _own([one for one in moves if one.reference and not said(one) and one.key not in self.mirrored])
        self.book = registry.Book.of(moves, {lot for lots in self.mirrored.values() for lot, _quantity in lots}
                                     | {lot for there in self.own.values() for _place, lot in there})  # fmt: skip
        self.chosen = _chosen([move for move in moves if move.quantity < 0 and move.reason in STRICT])
        self.shorts: list[tuple[Short, str]] = []
        self.found: list[Part] = []

    def parts(self) -> list[Part]:
        """Share all of them out."""
        for move in self.moves:
            for line, quantity, *scanned in self._in(move) if move.quantity > 0 else self._out(move):
                self._note(move, line, quantity, bool(scanned))
        if self.shorts:
            raise LotShort(self.shorts)
        return self.found

    def _note(self, move: Move, line: Line, quantity: int, scanned: bool) -> None:
        """Keep a part and move the shelf with it: the next movement meets what this one left."""
        shelf = self.shelves[move.pair]
        if quantity > 0:
            self._one_place(move, shelf, line, quantity)
            shelf.put(line, quantity)
        else:
            shelf.take(line.lot_id, -quantity)
        if move.reference:
            own = self.own.setdefault((move.reference, move.sku_id), {})
            place = (move.warehouse_id, line.lot_id)
            own[place] = own.get(place, 0) + quantity
        self.found.append(
            Part(move.key, line.lot_id, line.number, *move.pair, quantity, move.reason, move.reference, scanned)
        )

    def _one_place(self, move: Move, shelf: Shelf, line: Line, quantity: int) -> None:
        """A serial is one piece in one place."""
        if shelf.tracking != Tracking.SERIAL or not line.number:
            return
        there = sum(
            one.lines[line.lot_id].quantity
            for pair, one in self.shelves.items() if pair[0] == move.sku_id and line.lot_id in one.lines
        )  # fmt: skip
        if there + quantity > ONE:
            raise refused("serial_twice", lot=line.number, sku=self.book.code(move.sku_id))

    # --- goods in ---

    def _in(self, move: Move) -> Iterator[Step]:
        left = move.quantity
        for line, quantity in self._told(move):
            part = min(quantity, left)
            left -= part
            if part:
                yield line, part
        for line, quantity in () if said(move) or move.key in self.mirrored else self._gone_before(move):
            part = min(quantity, left)
            left -= part
            if part:
                yield line, part
        if left:
            yield self.book.unknown(move.sku_id), left

    def _told(self, move: Move) -> list[tuple[Line, int]]:
        """What somebody said, or the lots of the movement that this one takes back or carries on as a whole."""
        if move.key in self.mirrored:
            return [(self.book.line(lot), quantity) for lot, quantity in self.mirrored[move.key]]
        told = [(self.book.named(move.sku_id, number), quantity) for number, quantity in said(move)]
        total = sum(quantity for _line, quantity in told)
        if total > abs(move.quantity):
            raise refused("split_sum", said=f"{pieces(total).normalize():f}",
                          wanted=f"{pieces(abs(move.quantity)).normalize():f}")  # fmt: skip
        return told

    def _gone_before(self, move: Move) -> list[tuple[Line, int]]:
        """The lots that the same document took out, as far as they have not come back; the first expired first."""
        net: dict[int, int] = defaultdict(int)
        for (_place, lot), quantity in self.own.get((move.reference, move.sku_id), {}).items():
            net[lot] += quantity
        gone = [(self.book.line(lot), -quantity) for lot, quantity in net.items() if quantity < 0]
        return sorted(gone, key=lambda one: one[0].turn)

    # --- goods out ---

    def _out(self, move: Move) -> Iterator[Step]:
        shelf, left = self.shelves[move.pair], -move.quantity
        strict = move.reason in STRICT
        for line, quantity in self._told(move):
            there = shelf.lines.get(line.lot_id)
            has = 0 if there is None or (strict and not there.sellable) else there.quantity
            wanted = min(quantity, left)
            if has < wanted:
                self._short(move, line.number, wanted, has)
                return
            left -= wanted
            if wanted:
                yield line, -wanted
        for line, quantity in self._scanned(move, shelf):
            part = min(quantity, line.quantity, left)
            left -= part
            if part:
                yield line, -part, True
        for line in self._in_turn(move, shelf, strict):
            part = min(line.quantity, left)
            left -= part
            if part:
                yield line, -part
        if left:
            self._short(move, "", -move.quantity, -move.quantity - left)

    def _scanned(self, move: Move, shelf: Shelf) -> list[tuple[Line, int]]:
        """The lots that the packer put into the parcels of this order line, as far as they may still leave."""
        if said(move) or move.key in self.mirrored:
            return []
        rows = self.chosen.pop((move.reference, move.sku_id), [])
        there = [(shelf.lines.get(lot), quantity) for lot, quantity in rows]
        return [(line, quantity) for line, quantity in there if line is not None and line.sellable]

    def _in_turn(self, move: Move, shelf: Shelf, strict: bool) -> list[Line]:
        """What this document brought here first, then first expired first out; blocked and expired lots last, if ever.

        The lots of a document may be less on the shelf than it brought: others have taken of them since.
        """
        own = self.own.get((move.reference, move.sku_id), {}) if move.reference else {}
        mine = {lot for (place, lot), quantity in own.items() if place == move.warehouse_id and quantity > 0}
        rows = shelf.in_turn(mine) if mine else []
        rows += [one for one in shelf.in_turn() if one.lot_id not in mine]
        return [one for one in rows if one.sellable] if strict else rows

    def _short(self, move: Move, lot: str, wanted: int, has: int) -> None:
        short = Short(sku_id=move.sku_id, warehouse_id=move.warehouse_id, bucket=ON_HAND, wanted=pieces(wanted),
                      available=pieces(has))  # fmt: skip
        self.shorts.append((short, lot))


def said(move: Move) -> tuple[tuple[str, int], ...]:
    """The lots that somebody named for a movement, each with its stored pieces."""
    if move.lots:
        return tuple(move.lots)
    return ((move.lot, abs(move.quantity)),) if codes.normalise(move.lot) else ()


def _chosen(moves: Sequence[Move]) -> dict[tuple[str, int], list[tuple[int, int]]]:
    found: dict[tuple[str, int], list[tuple[int, int]]] = {}
    if moves:
        condition, parameters = sets.among("reference", sorted({move.reference for move in moves}))
        sql = f"SELECT reference, sku_id, lot_id, quantity FROM inventory_lotchoice WHERE {condition} ORDER BY id"  # noqa: S608 — no input
        for reference, sku_id, lot_id, quantity in _rows(sql, parameters):
            found.setdefault((reference, sku_id), []).append((lot_id, quantity))
    return found


def _mirrored(moves: Sequence[Move]) -> dict[str, list[tuple[int, int]]]:
    """The lots of movements that these take back or carry on whole, by the key of these.

    What takes back only a part leaves the choice to what its document still has out.
    """
    mine = [move for move in moves if move.source and not said(move)]
    there = _lots_of(sorted({move.source for move in mine}))
    found = {move.key: there.get(move.source, []) for move in mine}
    whole = {move.key: abs(move.quantity) for move in mine}
    return {key: lots for key, lots in found.items() if sum(quantity for _lot, quantity in lots) == whole[key]}


def _lots_of(keys: Sequence[str]) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    if keys:
        condition, parameters = sets.among("key", keys)
        sql = f"SELECT key, lot_id, quantity FROM inventory_lotmovement WHERE {condition} ORDER BY id"  # noqa: S608 — no input
        for key, lot_id, quantity in _rows(sql, parameters):
            found.setdefault(key, []).append((lot_id, abs(quantity)))
    return found


Own = dict[tuple[str, int], dict[tuple[int, int], int]]  # (reference, sku): {(warehouse, lot): what it brought}


def _own(moves: Iterable[Move]) -> Own:
    wanted = {(move.reference, move.sku_id) for move in moves}
    found: Own = {}
    if not wanted:
        return found
    references, parameters = sets.among("reference", sorted({one[0] for one in wanted}))
    skus, more = sets.among("sku_id", sorted({one[1] for one in wanted}))
    sql = (
        "SELECT reference, sku_id, warehouse_id, lot_id, sum(quantity) FROM inventory_lotmovement "  # noqa: S608 — no input
        f"WHERE {references} AND {skus} GROUP BY 1, 2, 3, 4 HAVING sum(quantity) <> 0"
    )
    for reference, sku_id, place, lot_id, quantity in _rows(sql, [*parameters, *more]):
        found.setdefault((reference, sku_id), {})[place, lot_id] = int(quantity)
    return found


def _rows(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(parameters))
        return cursor.fetchall()


LOT = 11  # where the lot stands in the row of an entry


def named(rows: Sequence[tuple[Any, ...]], parts: Sequence[Part]) -> Sequence[tuple[Any, ...]]:
    """Write the lot on each entry that had one only; what was split says so in its parts."""
    if not parts:
        return rows
    lots: dict[str, set[str]] = {}
    for one in parts:
        lots.setdefault(one.key, set()).add(one.number)
    return [
        row if len(lots.get(row[0], ())) != 1 else (*row[:LOT], next(iter(lots[row[0]])), *row[LOT + 1 :])
        for row in rows
    ]
