"""The stock ledger: the only writer of entries, balances and the news of their change.

Quantity and value move together under the balance's lock, per warehouse, at moving average or by layers, first in first
out (inventory.costing): goods in bring their cost, goods out take their share of the value, and the last unit takes the
remainder, so that an empty shelf is worth nothing.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection, transaction

from backoffice import audit, bulk, clock, outbox
from backoffice.fields import CostField, MoneyField, QuantityField
from inventory import balances, sets
from inventory.balances import COLUMNS, Locked, pieces
from inventory.costing.layers import Layers
from inventory.costing.sharing import divided
from inventory.errors import KeyReused, NegativeStock, NoValueThere, Short
from inventory.lots import sharing
from inventory.lots import writing as lot_writing
from inventory.models import Bucket, Reason, StockChange, StockChangeDelivery, StockEntry
from inventory.sets import Pair

_QUANTITY, _MONEY, _COST = QuantityField(), MoneyField(), CostField()
ON_HAND, RESERVED = Bucket.ON_HAND.value, Bucket.RESERVED.value
_COST_IN_MONEY = 10**5  # quantity (3 places) × cost (6 places) → money (4 places)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EntryDraft:
    """One movement to post. `quantity` is signed pieces; `unit_cost` and `value` are in the base currency.

    `key` says what happened, once and for ever ("inventory.document:7/3"): posting it again changes nothing.
    Goods in without cost or value come in at the average. Goods out leave at the average, unless `value` says
    otherwise (a reversal), and never with more value than the balance has. A correction of value alone has the reason
    of one and no pieces.

    `source` is the key of the entry this one takes back or carries on (a return, an undo, the other half of a
    transfer): in layers, pieces go back to where that one took them and are taken from what that one brought.
    """

    key: str
    sku_id: int
    warehouse_id: int
    quantity: Decimal
    reason: str
    bucket: int = Bucket.ON_HAND
    reference: str = ""
    unit_cost: Decimal | None = None
    value: Decimal | None = None
    occurred_at: dt.datetime | None = None
    lot: str = ""
    bin: str = ""
    condition: str = ""
    source: str = ""
    lots: tuple[tuple[str, Decimal], ...] = ()  # of several lots: each number with its pieces


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """An entry as it stands in the ledger; `value` is signed like `quantity`."""

    key: str
    sku_id: int
    warehouse_id: int
    bucket: int
    quantity: Decimal
    value: Decimal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PostResult:
    """What a call posted, and what it found posted already."""

    posted: tuple[Posted, ...]
    repeated: tuple[Posted, ...]


class Move(NamedTuple):
    """An entry in the making, in stored integers. `value` None lets the ledger work it out."""

    key: str
    sku_id: int
    warehouse_id: int
    bucket: int
    quantity: int
    reason: str
    reference: str
    unit_cost: int | None = None
    value: int | None = None
    occurred_at: dt.datetime | None = None
    lot: str = ""
    bin: str = ""
    condition: str = ""
    source: str = ""
    lots: tuple[tuple[str, int], ...] = ()

    @property
    def pair(self) -> Pair:
        """The balance it moves."""
        return self.sku_id, self.warehouse_id


def post(*, entries: Sequence[EntryDraft], actor: str = "") -> PostResult:
    """Post goods on hand and incoming, all or nothing, in the order given; a page is the unit.

    A key posted before with the same content is a repeat and changes nothing; with other content `KeyReused` is
    raised. `NegativeStock` names every balance that would fall below zero or below what is reserved. Demand and
    reservations are moved by `inventory.reservations` only, which keeps their rows in step.
    """
    moves = _without_twins([_move(draft) for draft in entries])
    with transaction.atomic():
        locked = balances.lock((move.pair for move in moves), create=True)
        already = known(moves)
        fresh = [move for move in moves if move.key not in already]
        done = write(fresh, locked, actor=actor)
    return PostResult(posted=tuple(map(posted, done)), repeated=tuple(already.values()))


def _move(draft: EntryDraft) -> Move:
    if draft.bucket not in (Bucket.ON_HAND, Bucket.INCOMING):
        raise ValueError("Demand and reservations are moved by inventory.reservations.")
    if not draft.key or len(draft.key) > 200:
        raise ValueError(f"An entry needs a key of 1 to 200 characters, not {draft.key!r}.")
    if not draft.quantity and not _value_only(draft):
        raise ValueError(f"Entry {draft.key} moves nothing.")
    if draft.value is not None and draft.value * draft.quantity < 0:
        raise ValueError(f"Entry {draft.key} moves quantity and value in opposite directions.")
    if draft.unit_cost is not None and draft.unit_cost < 0:
        raise ValueError(f"Entry {draft.key} has a cost below zero.")
    return Move(
        draft.key,
        draft.sku_id,
        draft.warehouse_id,
        int(draft.bucket),
        _QUANTITY.scale(draft.quantity),
        str(draft.reason),
        draft.reference,
        None if draft.unit_cost is None else _COST.scale(draft.unit_cost),
        None if draft.value is None else _MONEY.scale(draft.value),
        draft.occurred_at,
        draft.lot,
        draft.bin,
        draft.condition,
        draft.source[:200],
        tuple((number, _QUANTITY.scale(quantity)) for number, quantity in draft.lots),
    )


def _value_only(draft: EntryDraft) -> bool:
    return bool(draft.value) and draft.reason == Reason.REVALUATION and draft.bucket == Bucket.ON_HAND


def _without_twins(moves: list[Move]) -> list[Move]:
    """The same entry twice in one call is one entry."""
    by_key: dict[str, Move] = {}
    for move in moves:
        if by_key.setdefault(move.key, move) != move:
            raise KeyReused([move.key])
    return list(by_key.values())


def known(moves: Sequence[Move]) -> dict[str, Posted]:
    """Return the entries that stand already, read under the balances' locks so that a rival's commit is seen."""
    condition, parameters = sets.among("key", [move.key for move in moves])
    sql = f"SELECT key, sku_id, warehouse_id, bucket, quantity, value FROM inventory_stockentry WHERE {condition}"  # noqa: S608 — no input
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = {row[0]: row for row in cursor.fetchall()}
    other = [move.key for move in moves if move.key in rows and _unlike(move, rows[move.key])]
    if other:
        raise KeyReused(other)
    return {key: _posted(*row) for key, row in rows.items()}


def _unlike(move: Move, row: tuple[Any, ...]) -> bool:
    """What moves no pieces is the value it corrects."""
    return bool(row[1:5] != move[1:5] or (not move.quantity and row[5] != move.value))


def _posted(key: str, sku_id: int, warehouse_id: int, bucket: int, quantity: int, value: int) -> Posted:
    return Posted(
        key=key,
        sku_id=sku_id,
        warehouse_id=warehouse_id,
        bucket=bucket,
        quantity=pieces(quantity),
        value=Decimal(value).scaleb(-4),
    )


# --- the writing, for inventory's own modules ------------------------------------------------------------------------


def write(moves: Iterable[Move], locked: dict[Pair, Locked], *, actor: str = "") -> list[EntryRow]:
    """Apply new moves to locked balances and write entries, balances and news: four statements for any number.

    Values kept in layers cost one statement more to read them and at most two to write them, tracked goods are shared
    out over their lots with a few (see inventory.lots).

    Raises NegativeStock, naming every balance that has too little, before anything is written; NoValueThere for a
    correction of value where there are no goods, or more than they are worth.
    """
    moves = list(moves)
    layers = Layers.of(moves, locked)
    rows = apply(moves, locked, actor, layers)
    if rows:
        parts = sharing.share(moves, locked)
        balances.save(locked.values())
        if layers:
            layers.save()
        bulk.insert_rows(StockEntry, _ENTRY_COLUMNS, sharing.named(rows, parts), prepared=True)
        lot_writing.write(parts, locked, rows[0][-1])
        announce({(move.sku_id, move.warehouse_id): move.reason for move in moves if move.quantity})
    return rows


def apply(
    moves: Sequence[Move], locked: dict[Pair, Locked], actor: str = "", layers: Layers | None = None
) -> list[EntryRow]:
    """Work the moves into the balances in memory; returns the rows of the entries."""
    now, actor = clock.now(), actor or audit.current_actor().name
    shorts: list[Short] = []
    rows: list[EntryRow] = []
    for move in moves:
        balance = locked[move.sku_id, move.warehouse_id]
        bucket, quantity = move.bucket, move.quantity
        moment = move.occurred_at or now
        value, cost = _valued(move, balance, moment, layers) if bucket == ON_HAND else (0, move.unit_cost)
        balance.add(bucket, quantity, value)
        left = balance.on_hand - balance.reserved if bucket in (ON_HAND, RESERVED) else 0
        if left < 0 or (quantity < 0 and getattr(balance, COLUMNS[bucket]) < 0):
            shorts.append(_short(move, balance))
        rows.append((*move[:5], cost, value, move.reason, move.reference, moment, now, *move[10:14], actor))
    if shorts:
        raise NegativeStock(shorts)
    return rows


EntryRow = tuple[Any, ...]  # in the order of _ENTRY_COLUMNS
_ENTRY_COLUMNS = (
    "key",
    "sku_id",
    "warehouse_id",
    "bucket",
    "quantity",
    "unit_cost",
    "value",
    "reason",
    "reference",
    "occurred_at",
    "recorded_at",
    "lot",
    "bin",
    "condition",
    "source",
    "actor",
)


def posted(row: EntryRow) -> Posted:
    """Return what a written row says."""
    return _posted(row[0], row[1], row[2], row[3], row[4], row[6])


def _short(move: Move, balance: Locked) -> Short:
    """Say what is missing where the move has taken a balance below what it may be."""
    left = getattr(balance, COLUMNS[move.bucket])
    if move.bucket in (ON_HAND, RESERVED):
        left = min(left, balance.on_hand - balance.reserved)
    wanted = abs(move.quantity)
    return Short(
        sku_id=move.sku_id,
        warehouse_id=move.warehouse_id,
        bucket=move.bucket,
        wanted=pieces(wanted),
        available=pieces(max(wanted + left, 0)),
    )


def _valued(move: Move, balance: Locked, moment: dt.datetime, layers: Layers | None) -> tuple[int, int | None]:
    """Return the signed value of goods that move, and their unit cost; layers move along."""
    own = layers if balance.layered else None
    if not move.quantity:
        return _revalued(move, balance, own), None
    if move.quantity > 0:
        value = _value_in(move, balance)
        cost = divided(value * _COST_IN_MONEY, move.quantity)
        if value:
            balance.last_cost = cost
        if own:
            own.put(move, value, moment)
        return value, cost
    value = _value_out(move, balance, own)
    return -value, divided(value * _COST_IN_MONEY, -move.quantity)


def _revalued(move: Move, balance: Locked, layers: Layers | None) -> int:
    """No value on an empty shelf, and none below zero."""
    value = move.value or 0
    if balance.on_hand <= 0 or balance.value + value < 0:
        raise NoValueThere(balance.sku_id, balance.warehouse_id, value=Decimal(balance.value).scaleb(-4))
    if layers:
        layers.revalue(move, value)
    return value


def _value_in(move: Move, balance: Locked) -> int:
    if move.value is not None:
        return move.value
    if move.unit_cost is not None:
        return divided(move.quantity * move.unit_cost, _COST_IN_MONEY)
    if balance.on_hand > 0:
        return divided(balance.value * move.quantity, balance.on_hand)
    return divided(move.quantity * (balance.last_cost or 0), _COST_IN_MONEY)


def _value_out(move: Move, balance: Locked, layers: Layers | None) -> int:
    """The last unit takes what is left, so rounding never leaves value on an empty shelf."""
    out = -move.quantity
    taken = layers.take(move) if layers else None
    if out >= balance.on_hand:
        return balance.value
    if taken is not None:
        return min(taken, balance.value)
    if move.value is not None:
        return min(-move.value, balance.value)
    return divided(balance.value * out, balance.on_hand)


def announce(causes: dict[Pair, str]) -> None:
    """Write one piece of news per touched (sku, warehouse), with a delivery for each consumer."""
    if not causes:
        return
    now = clock.now()
    rows = [(sku, warehouse, cause, now) for (sku, warehouse), cause in causes.items()]
    columns = ("sku_id", "warehouse_id", "cause", "created_at")
    listening = bool(outbox.consumers(StockChangeDelivery._meta.label))
    made = bulk.insert_rows(StockChange, columns, rows, returning=("id",) if listening else (), prepared=True)
    outbox.deliver(StockChangeDelivery, [row[0] for row in made])
