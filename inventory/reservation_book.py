"""The open reservations of some references, under the locks of their balances: read together, changed, written once.

Stored integers throughout (see inventory.balances). `inventory.reservations` decides; this keeps the rows, the
balances and the ledger in step.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable

from django.db import connection

from backoffice import bulk, clock
from inventory import balances, ledger, sets
from inventory.balances import Locked
from inventory.ledger import Move
from inventory.models import Bucket, Reservation
from inventory.sets import Pair

Key = tuple[str, int, int, int]  # (reference, sku id, warehouse id, bucket)
_LETTER = {Bucket.DEMAND.value: "d", Bucket.RESERVED.value: "r"}


@dataclasses.dataclass(slots=True)
class Held:
    """A reservation row as it will be; `id` 0 is one that has to be made."""

    id: int
    quantity: int
    turn: int
    expires_at: dt.datetime | None = None
    changed: bool = False


class Book:
    """Open it inside a transaction, change it, `save` it."""

    def __init__(self, references: Collection[str], pairs: Iterable[Pair], create: Iterable[Pair] = ()) -> None:
        self.balances: dict[Pair, Locked] = balances.lock(pairs, create=create)
        self.uncommitted: dict[Pair, int] = {}  # kept up to date while the book changes
        self.moves: list[Move] = []
        self.held: dict[Key, Held] = {}
        self.by_reference: dict[str, list[Key]] = {reference: [] for reference in references}
        self._read(references)
        self.uncommitted = {pair: balance.uncommitted for pair, balance in self.balances.items()}

    @classmethod
    def of(cls, references: Collection[str], pairs: Iterable[Pair] = (), create: Iterable[Pair] = ()) -> Book:
        """Open the book on everything the references hold as well, wherever it lies.

        Looked up before locking, so that all locks are taken in one order (locking what turns up later deadlocked).
        """
        rows = _rows(references)
        book = cls(references, {*pairs, *((row[2], row[3]) for row in rows if row[5])}, create)
        book._lock_strays()
        return book

    def _read(self, references: Collection[str]) -> None:
        for row in _rows(references):
            key = (row[1], row[2], row[3], row[4])
            self.held[key] = Held(row[0], row[5], row[6], row[7])
            self.by_reference[row[1]].append(key)

    def _lock_strays(self) -> None:
        """A rival moved the goods elsewhere between look-up and lock: lock that too, then read what it guards."""
        while stray := {key[1:3] for key, one in self.held.items() if one.quantity and key[1:3] not in self.balances}:
            self.balances |= balances.lock(stray)
            references = list(self.by_reference)
            self.held, self.by_reference = {}, {reference: [] for reference in references}
            self._read(references)
            self.uncommitted = {pair: balance.uncommitted for pair, balance in self.balances.items()}

    def open(self, reference: str, bucket: int) -> list[tuple[Key, Held]]:
        """Return what a reference holds in a bucket, oldest first."""
        keys = self.by_reference.get(reference, [])
        return [(key, self.held[key]) for key in keys if key[3] == bucket and self.held[key].quantity]

    def total(self, reference: str, bucket: int, sku_id: int) -> int:
        """Return how much of a SKU a reference holds in a bucket, over all warehouses."""
        return sum(one.quantity for key, one in self.open(reference, bucket) if key[1] == sku_id)

    def knows(self, reference: str) -> bool:
        """True when the reference ever held anything."""
        return bool(self.by_reference.get(reference))

    def change(self, key: Key, quantity: int, reason: str, *, expires_at: dt.datetime | None = None) -> None:
        """Add to (or take from) what a reference holds. Taking more than it holds is a bug of the caller."""
        one = self.held.get(key)
        if one is None:
            one = self.held[key] = Held(0, 0, 0, expires_at)
            self.by_reference.setdefault(key[0], []).append(key)
        if one.quantity + quantity < 0:
            raise ValueError(f"{key[0]} does not hold that much.")
        one.quantity += quantity
        one.turn += 1
        one.expires_at = one.expires_at if quantity < 0 else expires_at
        one.changed = True
        reference, sku_id, warehouse_id, bucket = key
        self.uncommitted[sku_id, warehouse_id] -= quantity
        name = f"{reference}/{sku_id}@{warehouse_id}.{_LETTER[bucket]}{one.turn}"
        self.moves.append(Move(name, sku_id, warehouse_id, bucket, quantity, reason, reference))

    def take(self, reference: str, bucket: int, sku_id: int, quantity: int, order: list[int], reason: str) -> int:
        """Take up to `quantity` of a SKU back from a reference, warehouse by warehouse in `order`, then elsewhere."""
        place = {warehouse_id: i for i, warehouse_id in enumerate(order)}
        mine = [(key, one) for key, one in self.open(reference, bucket) if key[1] == sku_id]
        mine.sort(key=lambda pair: place.get(pair[0][2], len(place)))
        left = quantity
        for key, one in mine:
            part = min(one.quantity, left)
            if part:
                self.change(key, -part, reason)
                left -= part
        return quantity - left

    def save(self, *, more: Iterable[Move] = (), actor: str = "") -> list[ledger.EntryRow]:
        """Write reservations, balances, entries and news; `more` are the goods that move with them."""
        now = clock.now()
        self._update(now)
        self._insert(now)
        moves = [*more, *self.moves]
        self.moves = []
        return ledger.write(_on_hand_last(moves), self.balances, actor=actor)

    def _update(self, now: dt.datetime) -> None:
        rows = [(one.id, one.quantity, one.turn, one.expires_at, now) for one in self._changed(new=False)]
        if rows:
            columns = ["quantity", "turn", "expires_at", "updated_at"]
            bulk.update_rows(Reservation, ["id"], columns, rows, prepared=True)

    def _insert(self, now: dt.datetime) -> None:
        made = [(key, one) for key, one in self.held.items() if one.changed and not one.id]
        rows = [(*key, one.quantity, one.turn, one.expires_at, now) for key, one in made]
        if rows:
            columns = ("reference", "sku_id", "warehouse_id", "bucket", "quantity", "turn", "expires_at", "updated_at")
            bulk.insert_rows(Reservation, columns, rows, prepared=True)

    def _changed(self, *, new: bool) -> list[Held]:
        return [one for one in self.held.values() if one.changed and (one.id == 0) is new]


def _on_hand_last(moves: list[Move]) -> list[Move]:
    """Reservations come down before the goods go out, or on hand would fall below reserved for a moment."""
    return sorted(moves, key=lambda move: move.bucket == Bucket.ON_HAND and move.quantity < 0)


def _rows(references: Collection[str]) -> list[tuple[int, str, int, int, int, int, int, dt.datetime | None]]:
    condition, parameters = sets.among("reference", references)
    sql = (
        "SELECT id, reference, sku_id, warehouse_id, bucket, quantity, turn, expires_at "  # noqa: S608 — no input
        f"FROM inventory_reservation WHERE {condition} ORDER BY id"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    if connection.vendor == "sqlite":  # a raw cursor there knows nothing of time zones
        rows = [(*row[:7], row[7] and row[7].replace(tzinfo=dt.UTC)) for row in rows]
    return rows
