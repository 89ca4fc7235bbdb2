"""The lots of a balance under our lock: which there are, which may be sold, in which order they leave.

Stored integers throughout (see inventory.balances). Goods that are not tracked have no shelf and cost nothing here.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils import timezone

from backoffice import clock
from inventory import sets
from inventory.models import Lot
from inventory.sets import Pair

# What may not be sold, in SQL too (`availability` looks back with it): blocked, or not good for as long as it must be.
_LINES = (
    "SELECT k.sku_id, k.warehouse_id, k.lot_id, k.on_hand, l.number, l.expires_on, l.state, l.first_received_at, "
    "coalesce(s.ship_days, (SELECT ship_days FROM inventory_lotsetting WHERE id = 1), 0) "
    "FROM {source} JOIN inventory_lotbalance k ON k.sku_id = w.sku_id AND k.warehouse_id = w.warehouse_id "
    "JOIN inventory_lot l ON l.id = k.lot_id JOIN inventory_sku s ON s.id = k.sku_id "
    "WHERE k.on_hand > 0 ORDER BY k.lot_id"
)


def today() -> dt.date:
    """The day on the clock of the house: what expires, expires there."""
    return timezone.localtime(clock.now(), timezone.get_default_timezone()).date()


def sellable(state: str, expires_on: dt.date | None, ship_days: int, day: dt.date) -> bool:
    """True for a lot that may be sold: not blocked, and good for so many days more."""
    return state == Lot.State.OPEN and (expires_on is None or (expires_on - day).days >= ship_days)


@dataclasses.dataclass(slots=True)
class Line:
    """One lot on the shelf: as much as there will be."""

    lot_id: int
    number: str
    quantity: int
    expires_on: dt.date | None
    first_received_at: dt.datetime
    sellable: bool

    @property
    def turn(self) -> tuple[bool, dt.date, dt.datetime, int]:
        """First expired first out; of one day (or without expiry) the oldest received."""
        return (self.expires_on is None, self.expires_on or dt.date.max, self.first_received_at, self.lot_id)


class Shelf:
    """The lots of one tracked balance."""

    def __init__(self, tracking: int) -> None:
        self.tracking = tracking
        self.lines: dict[int, Line] = {}

    @property
    def unsellable(self) -> int:
        """Pieces of lots that are blocked or expired."""
        return sum(line.quantity for line in self.lines.values() if not line.sellable)

    def in_turn(self, only: Collection[int] | None = None) -> list[Line]:
        """Return what is there in the order it leaves: what may be sold first."""
        there = [one for one in self.lines.values() if one.quantity > 0 and (only is None or one.lot_id in only)]
        return sorted(there, key=lambda one: (not one.sellable, one.turn))

    def take(self, lot_id: int, quantity: int) -> None:
        """Take pieces of a lot off the shelf."""
        self.lines[lot_id].quantity -= quantity

    def put(self, line: Line, quantity: int) -> None:
        """Put pieces of a lot on the shelf."""
        self.lines.setdefault(line.lot_id, line).quantity += quantity


def shelves(pairs: Iterable[tuple[Pair, int]]) -> dict[Pair, Shelf]:
    """Read the lots of tracked balances, given with their tracking, under their locks: one query for any number."""
    found = {pair: Shelf(tracking) for pair, tracking in pairs}
    for pair, line in _read(sorted(found)):
        found[pair].lines[line.lot_id] = line
    return found


def _read(pairs: list[Pair]) -> Iterator[tuple[Pair, Line]]:
    if not pairs:
        return
    source, parameters = sets.pairs_source(pairs)
    day = today()
    with connection.cursor() as cursor:
        cursor.execute(_LINES.format(source=source), parameters)
        rows = cursor.fetchall()
    for sku_id, place, lot_id, quantity, number, expires, state, received, ship_days in rows:
        expires_on = as_date(expires)
        may_go = sellable(state, expires_on, ship_days, day)
        yield (sku_id, place), Line(lot_id, number, quantity, expires_on, as_moment(received), may_go)


def as_date(value: Any) -> dt.date | None:
    """A raw cursor on SQLite hands out text where PostgreSQL hands out a date."""
    return dt.date.fromisoformat(value[:10]) if isinstance(value, str) else value


def as_moment(value: Any) -> dt.datetime:
    """The same of moments, which SQLite keeps without their zone."""
    moment: dt.datetime = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment


def pieces(stored: int) -> Decimal:
    """Return the Decimal for a stored quantity."""
    return Decimal(stored).scaleb(-3)
