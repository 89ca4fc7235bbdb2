"""Every counter worked out anew from its documents, in a handful of statements over the whole ledger.

Stored integers throughout. Movements are read once: grouped by balance and bucket, with a checksum of who moved what,
so that the reservations of a million movements are compared without grouping by each order line; only where a checksum
differs is every line looked at. The checksum has another seed each time: what it missed once, it finds the next night.
"""

from __future__ import annotations

import dataclasses
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db import connection

from inventory import sets
from inventory.models import AuditFinding
from inventory.self_audit import sources
from inventory.sets import Pair

Kind = AuditFinding.Kind
ON_HAND, DEMAND, RESERVED, INCOMING, VALUE = 1, 2, 3, 4, 5
Step = Callable[[int], None]

_MARK = "(CASE WHEN quantity BETWEEN -1000000000000 AND 1000000000000 THEN quantity * (hashtextextended(reference, %s) & 1048575) ELSE 0 END)"  # noqa: E501
_LEDGER_PG = (
    "SELECT sku_id, warehouse_id, bucket, reason = 'shipment', sum(quantity), sum(value), "  # noqa: S608 — no input
    f"sum(CASE WHEN bucket IN (2, 3) THEN {_MARK} END) FROM inventory_stockentry GROUP BY 1, 2, 3, 4"
)
_LEDGER = (
    "SELECT sku_id, warehouse_id, bucket, reason = 'shipment', sum(quantity), sum(value), 0 "
    "FROM inventory_stockentry GROUP BY 1, 2, 3, 4"
)
_BALANCES = "SELECT sku_id, warehouse_id, on_hand, demand, reserved, incoming, value, last_cost FROM inventory_balance"
_HELD_PG = (
    f"SELECT sku_id, warehouse_id, bucket, sum(quantity), sum({_MARK}), count(*) FROM inventory_reservation "  # noqa: S608 — no input
    "WHERE quantity <> 0 GROUP BY 1, 2, 3"
)
_HELD = "SELECT reference, sku_id, warehouse_id, bucket, quantity FROM inventory_reservation WHERE quantity <> 0"
_MOVED = (
    "SELECT reference, e.sku_id, e.warehouse_id, bucket, sum(quantity) FROM inventory_stockentry e {of} "
    "WHERE bucket IN (2, 3) GROUP BY 1, 2, 3, 4 HAVING sum(quantity) <> 0"
)
_INCOMING = (
    "SELECT sku_id, warehouse_id, reference, sum(quantity) FROM inventory_stockentry WHERE bucket = 4 "
    "GROUP BY 1, 2, 3 HAVING sum(quantity) <> 0"
)
_SHIPPED = (
    "SELECT key, reference, -quantity FROM inventory_stockentry "
    "WHERE sku_id = %s AND warehouse_id = %s AND bucket = 1 AND reason = 'shipment'"
)
_LAST = (
    "SELECT reference FROM inventory_stockentry WHERE sku_id = %s AND warehouse_id = %s AND bucket = %s "
    "AND reference <> '' ORDER BY id DESC LIMIT 20"
)
_LAYERS = (
    "SELECT sku_id, warehouse_id, sum(quantity), sum(value) FROM inventory_costlayer WHERE quantity > 0 GROUP BY 1, 2"
)
_LAYERED = "SELECT 1 FROM inventory_costsetting WHERE id = 1 AND method = 'fifo'"
REPAIR = "#audit"  # what the key of a repairing entry has behind the key it stands for
NAMED, MOST_NAMED = 5, 500  # documents a difference names; differences for which they are looked up


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """One counter that is not what its documents say; in stored integers, money in ten-thousandths."""

    kind: str
    counter: int
    sku_id: int
    warehouse_id: int
    should_be: int
    found: int
    reference: str = ""
    documents: tuple[str, ...] = ()
    money: int = 0

    @property
    def key(self) -> str:
        """What makes it the same difference in the next audit."""
        place = "" if self.kind == Kind.WANTED else f"@{self.warehouse_id}"
        return f"{self.kind}:{self.counter}:{self.sku_id}{place}:{self.reference}"[:200]

    @property
    def size(self) -> int:
        """What we have less what it should be."""
        return self.found - self.should_be


@dataclasses.dataclass(slots=True)
class Audited:
    """What an audit found, and how much it compared."""

    differences: list[Difference]
    balances: int = 0
    reservations: int = 0


class Ledger:
    """The sums of all movements, by balance."""

    def __init__(self, seed: int) -> None:
        self.sums: dict[Pair, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])  # as COUNTERS
        self.shipped: dict[Pair, int] = {}
        self.marks: dict[tuple[int, int, int], int] = {}
        postgres = connection.vendor == "postgresql"
        rows = _rows(_LEDGER_PG, [seed]) if postgres else _rows(_LEDGER)
        for sku_id, warehouse_id, bucket, shipment, quantity, value, mark in rows:
            pair = (sku_id, warehouse_id)
            own = self.sums[pair]
            own[bucket - 1] += int(quantity)
            own[4] += int(value)
            if bucket == ON_HAND and shipment:
                self.shipped[pair] = -int(quantity)
            if mark:
                place = (*pair, bucket)
                self.marks[place] = self.marks.get(place, 0) + int(mark)


def differences(step: Step = lambda done: None) -> Audited:
    """Work everything out, inside `snapshot.one_moment`; `step` hears how many of the five parts are done."""
    seed = random.SystemRandom().randrange(2**31)
    ledger = Ledger(seed)
    step(1)
    balances = {row[:2]: row[2:] for row in _rows(_BALANCES)}
    found = list(_of_balances(ledger, balances))
    step(2)
    found += _of_reservations(ledger, seed)
    step(3)
    held, count = _held()
    found += _of_documents(held)
    step(4)
    found += _of_incoming()
    found += _of_parcels(ledger)
    found += _of_layers(balances)
    found += lots()
    step(5)
    return Audited(_told(found, balances), len(balances), count)


def _rows(sql: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(parameters))
        return cursor.fetchall()


# --- balances and reservations against movements ---------------------------------------------------------------------


def _of_balances(ledger: Ledger, balances: dict[Pair, tuple[Any, ...]]) -> Iterator[Difference]:
    nothing = (0, 0, 0, 0, 0)
    for pair in balances.keys() | ledger.sums.keys():
        have, should = balances.get(pair, nothing)[:5], ledger.sums.get(pair, nothing)
        if tuple(have) != tuple(should):
            for counter in (ON_HAND, DEMAND, RESERVED, INCOMING, VALUE):
                if have[counter - 1] != should[counter - 1]:
                    yield Difference(Kind.BALANCE, counter, *pair, int(should[counter - 1]), int(have[counter - 1]))


def _of_reservations(ledger: Ledger, seed: int) -> Iterator[Difference]:
    if connection.vendor == "postgresql":
        suspects = _suspects(ledger, seed)
        return _line_by_line(suspects) if suspects else iter(())
    return _line_by_line(None)


def _suspects(ledger: Ledger, seed: int) -> list[Pair]:
    """Balances whose reservations have another sum or checksum than their movements."""
    held = {row[:3]: (int(row[3]), int(row[4])) for row in _rows(_HELD_PG, [seed])}
    moved = {}
    for pair, sums in ledger.sums.items():
        for bucket in (DEMAND, RESERVED):
            mark = ledger.marks.get((*pair, bucket), 0)
            if sums[bucket - 1] or mark:
                moved[*pair, bucket] = (sums[bucket - 1], mark)
    return sorted({(sku, place) for sku, place, bucket in held.keys() | moved.keys()
                   if held.get((sku, place, bucket), (0, 0)) != moved.get((sku, place, bucket), (0, 0))})  # fmt: skip


def _line_by_line(pairs: list[Pair] | None) -> Iterator[Difference]:
    """Every reference of these balances (None: of all): what it holds against what its movements say."""
    source, asked = "", None
    parameters: list[Any] = []
    if pairs is not None:
        item, parameters = sets.pairs_source(pairs)
        source, asked = f"JOIN {item} ON w.sku_id = e.sku_id AND w.warehouse_id = e.warehouse_id", set(pairs)
    moved = {row[:4]: int(row[4]) for row in _rows(_MOVED.format(of=source), parameters)}
    held = {row[:4]: row[4] for row in _rows(_HELD) if asked is None or row[1:3] in asked}
    for key in held.keys() | moved.keys():
        have, should = held.get(key, 0), moved.get(key, 0)
        if have != should:
            reference, sku_id, warehouse_id, bucket = key
            yield Difference(Kind.HELD, bucket, sku_id, warehouse_id, should, have, reference, (reference,))


# --- movements against the documents of the floors -------------------------------------------------------------------

Held = dict[tuple[str, int], list[tuple[int, int]]]  # (reference, sku id): [(warehouse id, quantity)]


def _held() -> tuple[Held, int]:
    found: Held = defaultdict(list)
    rows = _rows(_HELD)
    for reference, sku_id, warehouse_id, _bucket, quantity in rows:
        found[reference, sku_id].append((warehouse_id, quantity))
    return found, len(rows)


def _of_documents(held: Held) -> Iterator[Difference]:
    """What order lines hold against what they want; references that nobody answers for are left alone."""
    for holder in sources.holders():
        wanted = {(one.reference, one.sku_id): one for one in holder.wanted(None)}
        mine = {key for key in held if key[0].startswith(holder.prefix)}
        for key in mine | wanted.keys():
            one = unlike(wanted.get(key), key, held.get(key, []))
            if one is not None:
                yield one


def unlike(one: sources.Wanted | None, key: tuple[str, int], held: list[tuple[int, int]]) -> Difference | None:
    """Return the difference between what a line wants (None: nothing any more) and what it holds of a SKU."""
    have = sum(quantity for _place, quantity in held)
    least, most = (one.least, one.most) if one else (0, 0)
    place = held[0][0] if held else one.warehouse_id if one else None
    if least <= have <= most or place is None:
        return None
    should = most if have > most else least
    return Difference(Kind.WANTED, DEMAND, key[1], place, should, have, key[0], (key[0],))


def _of_incoming() -> Iterator[Difference]:
    """The incoming bucket, document by document."""
    expected: dict[tuple[int, int, str], int] = defaultdict(int)
    for sku_id, warehouse_id, reference, quantity in sources.incoming():
        expected[sku_id, warehouse_id, reference] += quantity
    moved = {row[:3]: int(row[3]) for row in _rows(_INCOMING)}
    for key in expected.keys() | moved.keys():
        have, should = moved.get(key, 0), expected.get(key, 0)
        if have != should:
            documents = (key[2],) if key[2] else ()
            yield Difference(Kind.EXPECTED, INCOMING, key[0], key[1], should, have, key[2], documents)


def _of_parcels(ledger: Ledger) -> Iterator[Difference]:
    """All that left by parcels against the goods out; where it differs, parcel by parcel."""
    if not sources.senders():
        return
    sent: dict[Pair, int] = defaultdict(int)
    for sender in sources.senders():
        for pair, quantity in sender.totals().items():
            sent[pair] += quantity
    for pair in sent.keys() | ledger.shipped.keys():
        if sent.get(pair, 0) != ledger.shipped.get(pair, 0):
            yield from parcel_by_parcel(pair)


_LOTS = (
    "SELECT coalesce(b.sku_id, m.sku_id), coalesce(b.warehouse_id, m.warehouse_id), coalesce(b.lot_id, m.lot_id), "
    "coalesce(m.moved, 0), coalesce(b.on_hand, 0) FROM (SELECT sku_id, warehouse_id, lot_id, sum(quantity) AS moved "
    "FROM inventory_lotmovement GROUP BY 1, 2, 3) m FULL OUTER JOIN inventory_lotbalance b ON b.lot_id = m.lot_id "
    "AND b.warehouse_id = m.warehouse_id WHERE coalesce(m.moved, 0) <> coalesce(b.on_hand, 0)"
)
_SHELVES = (
    "SELECT b.sku_id, b.warehouse_id, coalesce(e.moved, 0), coalesce(m.moved, 0) FROM inventory_balance b "
    "LEFT JOIN (SELECT sku_id, warehouse_id, sum(quantity) AS moved FROM inventory_lotmovement GROUP BY 1, 2) m "
    "ON m.sku_id = b.sku_id AND m.warehouse_id = b.warehouse_id "
    "LEFT JOIN (SELECT e.sku_id, e.warehouse_id, sum(e.quantity) AS moved FROM inventory_stockentry e "
    "JOIN inventory_balance t ON t.sku_id = e.sku_id AND t.warehouse_id = e.warehouse_id AND t.tracking > 0 "
    "WHERE e.bucket = 1 GROUP BY 1, 2) e ON e.sku_id = b.sku_id AND e.warehouse_id = b.warehouse_id "
    "WHERE b.tracking > 0 AND coalesce(e.moved, 0) <> coalesce(m.moved, 0)"
)
LOT = "inventory.lot:"


def lots() -> Iterator[Difference]:
    """Each lot against its own movements, and the lots of a tracked balance against the movements of its goods."""
    for sku_id, place, lot_id, should, have in _rows(_LOTS):
        name = f"{LOT}{lot_id}"
        yield Difference(Kind.LOTS, ON_HAND, sku_id, place, int(should), int(have), name, (name,))
    if not _rows("SELECT 1 FROM inventory_balance WHERE tracking > 0 LIMIT 1"):
        return  # nothing is tracked: a million movements need not be looked at again
    for sku_id, place, should, have in _rows(_SHELVES):
        yield Difference(Kind.LOTS, ON_HAND, sku_id, place, int(should), int(have))


def parcel_by_parcel(pair: Pair) -> Iterator[Difference]:
    """A parcel without its goods out, or goods out without a parcel; `found` is what the ledger says has left."""
    wanted = {one.key: one for sender in sources.senders() for one in sender.documents(pair)}
    gone: dict[str, int] = defaultdict(int)
    names: dict[str, str] = {}
    for key, reference, quantity in _rows(_SHIPPED, pair):
        own = key.partition(REPAIR)[0]
        gone[own] += quantity
        names[own] = reference
    for key in wanted.keys() | gone.keys():
        one = wanted.get(key)
        have, should = gone.get(key, 0), one.quantity if one else 0
        if have != should:
            documents = (one.document, one.reference) if one else (key.partition("/")[0], names[key])
            yield Difference(Kind.SHIPPED, ON_HAND, *pair, should, have, key[:120], documents)


# --- balances against cost layers ------------------------------------------------------------------------------------


def _of_layers(balances: dict[Pair, tuple[Any, ...]]) -> Iterator[Difference]:
    """Together the layers hold what the balance holds and is worth; at moving average there are none."""
    layers = {row[:2]: (int(row[2]), int(row[3])) for row in _rows(_LAYERS)}
    layered = bool(_rows(_LAYERED))
    for pair in layers.keys() | (balances.keys() if layered else set()):
        row = balances.get(pair) if layered else None
        should = (row[0], row[4]) if row else (0, 0)
        sku_id, warehouse_id = pair
        for counter, want, have in zip((ON_HAND, VALUE), should, layers.get(pair, (0, 0)), strict=True):
            if want != have:
                yield Difference(Kind.LAYERS, counter, sku_id, warehouse_id, want, have)


# --- names and money -------------------------------------------------------------------------------------------------


def _told(found: list[Difference], balances: dict[Pair, tuple[Any, ...]]) -> list[Difference]:
    """Give each difference its money, and a balance's the documents that moved it last."""
    found.sort(key=lambda one: (one.sku_id, one.warehouse_id, one.kind, one.counter, one.reference))
    told = []
    for number, one in enumerate(found):
        documents = one.documents
        if one.kind in (Kind.BALANCE, Kind.LAYERS) and number < MOST_NAMED:
            documents = last_documents(one.sku_id, one.warehouse_id, one.counter)
        money = money_of(one.counter, one.size, balances.get((one.sku_id, one.warehouse_id)))
        told.append(dataclasses.replace(one, documents=documents, money=money))
    return told


def last_documents(sku_id: int, warehouse_id: int, counter: int) -> tuple[str, ...]:
    """Return what moved a counter last, the newest first."""
    rows = _rows(_LAST, [sku_id, warehouse_id, ON_HAND if counter == VALUE else counter])
    return tuple(dict.fromkeys(row[0] for row in rows))[:NAMED]


def money_of(counter: int, size: int, balance: tuple[Any, ...] | None) -> int:
    """Return what so many pieces are worth at the balance's average, or its last cost."""
    if counter == VALUE:
        return size
    if balance is None:
        return 0
    on_hand, value, last_cost = balance[0], balance[4], balance[5]
    return round(size * value / on_hand) if on_hand > 0 else round(size * (last_cost or 0) / 100_000)
