"""The one place where balances are locked and written: always in the order of their primary keys.

Everything here counts in the stored integers (thousandths of a piece, ten-thousandths of money, millionths of cost):
this is the hot path, and integers are exact.

A transaction that calls the ledger or the reservations several times should lock all pairs it will touch first
(`lock`), because each call orders only its own locks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from decimal import Decimal

from django.db import connection

from backoffice import bulk, clock
from backoffice.fields import MAX_BIGINT
from inventory import sets
from inventory.errors import NegativeStock, Short, TooLarge
from inventory.lots.shelf import Shelf, shelves
from inventory.models import Balance, Bucket
from inventory.sets import Pair

QUANTITY = 1_000  # stored integers in one piece
# What no writer may break, checked by the UPDATE itself and once more by the table's constraints.
GUARD = (
    "t.on_hand + v.on_hand >= t.reserved + v.reserved AND t.demand + v.demand >= 0 AND t.reserved + v.reserved >= 0 "
    "AND t.incoming + v.incoming >= 0 AND t.value + v.value >= 0"
)
# Read with the locks: who changes the method keeps everybody from locking meanwhile (inventory.costing.method).
LAYERED = "EXISTS (SELECT 1 FROM inventory_costsetting c WHERE c.id = 1 AND c.method = 'fifo')"
COLUMNS: dict[int, str] = {1: "on_hand", 2: "demand", 3: "reserved", 4: "incoming"}  # by Bucket


@dataclasses.dataclass(slots=True)
class Locked:
    """A balance under our lock: the figures as they will be, and what we add to them."""

    id: int
    sku_id: int
    warehouse_id: int
    on_hand: int
    demand: int
    reserved: int
    incoming: int
    value: int
    last_cost: int | None
    layered: bool = False  # first in, first out: its value lies in layers
    tracking: int = 0  # Tracking of the SKU
    unsellable_kept: int = 0  # as the row says; the shelf knows what is true this very day
    shelf: Shelf | None = None  # the lots, where the SKU is tracked
    added: list[int] = dataclasses.field(default_factory=lambda: [0, 0, 0, 0, 0])
    touched: bool = False

    @property
    def unsellable(self) -> int:
        """Pieces of lots that are blocked or expired."""
        return 0 if self.shelf is None else self.shelf.unsellable

    @property
    def free(self) -> int:
        """What may still be reserved."""
        return self.on_hand - self.reserved - self.unsellable

    @property
    def uncommitted(self) -> int:
        """What is neither reserved nor demanded; negative when more is wanted than is there."""
        return self.on_hand - self.reserved - self.demand - self.unsellable

    def add(self, bucket: int, quantity: int, value: int = 0) -> None:
        """Move a bucket; whether the result may stand is the caller's question and `save`'s."""
        column = COLUMNS[bucket]
        stands = getattr(self, column) + quantity
        setattr(self, column, stands)
        self.value += value
        self.added[bucket - 1] += quantity
        self.added[4] += value
        self.touched = True
        if stands > MAX_BIGINT or self.value > MAX_BIGINT:
            raise TooLarge


def lock(pairs: Iterable[Pair], *, create: bool | Iterable[Pair] = False) -> dict[Pair, Locked]:
    """Lock the balances of (sku, warehouse) pairs until the transaction ends and return them.

    A pair without a balance is left out, or made empty when it is in `create` (True: all of them).
    Existing rows are locked first and in the order of their keys, new ones are made after, in the order of the pairs:
    two callers can wait for each other in one direction only.
    """
    wanted = sorted(set(pairs))
    found = _select(wanted)
    made = wanted if create is True else sorted(set(create)) if create else []
    missing = [pair for pair in made if pair not in found]
    if missing:
        _make(missing)
        found |= _select(missing)
    tracked = [(pair, one.tracking) for pair, one in found.items() if one.tracking]
    if tracked:
        for pair, shelf in shelves(tracked).items():
            found[pair].shelf = shelf
    return found


def waiting(alias: str) -> str:
    """The end of a SELECT that reads how SKUs are tracked, and waits for whoever is changing it."""
    return f" FOR KEY SHARE OF {alias}" if connection.vendor == "postgresql" else ""


def _make(pairs: list[Pair]) -> None:
    """Make empty balances that know how their SKU is tracked.

    The SKU is locked as its foreign key would lock it anyway, but before it is read: whoever turns tracking on at this
    moment is waited for, and finds the new balance afterwards.
    """
    source, parameters = sets.pairs_source(pairs)
    sql = (
        "INSERT INTO inventory_balance (sku_id, warehouse_id, on_hand, demand, reserved, incoming, value, tracking, "  # noqa: S608 — no input
        "updated_at) SELECT w.sku_id, w.warehouse_id, 0, 0, 0, 0, 0, s.tracking, %s "
        f"FROM {source} JOIN inventory_sku s ON s.id = w.sku_id WHERE true ORDER BY 1, 2{waiting('s')} "
        "ON CONFLICT (sku_id, warehouse_id) DO NOTHING"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [connection.ops.adapt_datetimefield_value(clock.now()), *parameters])


def _select(pairs: list[Pair]) -> dict[Pair, Locked]:
    if not pairs:
        return {}
    source, parameters = sets.pairs_source(pairs)
    sql = (
        "SELECT b.id, b.sku_id, b.warehouse_id, b.on_hand, b.demand, b.reserved, b.incoming, b.value, b.last_cost, "  # noqa: S608 — no input
        f"{LAYERED}, b.tracking, b.unsellable "
        f"FROM {source} JOIN inventory_balance b ON b.sku_id = w.sku_id AND b.warehouse_id = w.warehouse_id "
        f"ORDER BY b.id{' FOR NO KEY UPDATE OF b' if connection.vendor == 'postgresql' else ''}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return {(row[1], row[2]): Locked(*row) for row in cursor.fetchall()}


def save(balances: Iterable[Locked]) -> None:
    """Write what was added to the touched balances in one guarded UPDATE.

    Raises NegativeStock when a guard refuses, which can only happen if somebody wrote past the lock.
    """
    touched = [one for one in balances if one.touched]
    if not touched:
        return
    now = clock.now()
    rows = [(one.id, one.last_cost, now, *one.added) for one in touched]
    written = bulk.update_rows(
        Balance,
        ["id"],
        ["last_cost", "updated_at"],
        rows,
        increments=["on_hand", "demand", "reserved", "incoming", "value"],
        guard_sql=GUARD,
        prepared=True,
    )
    if len(written) != len(touched):
        kept = {row[0] for row in written}
        raise NegativeStock([_short(one) for one in touched if one.id not in kept])
    for one in touched:
        one.added, one.touched = [0, 0, 0, 0, 0], False


def _short(one: Locked) -> Short:
    return Short(
        sku_id=one.sku_id,
        warehouse_id=one.warehouse_id,
        bucket=Bucket.ON_HAND,
        wanted=pieces(-min(one.added[0], 0)),
        available=pieces(one.on_hand - one.added[0]),
    )


def pieces(stored: int) -> Decimal:
    """Return the Decimal for a stored quantity."""
    return Decimal(stored).scaleb(-3)
