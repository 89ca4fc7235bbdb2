"""First in, first out: which layers goods come from, which they go back to, and what that is worth.

Works on stored integers under the balances' locks, for a page of moves at once: one statement reads the layers that
may be touched, one or two write what became of them (none for moving average). A layer's last piece takes what is left
of its value, so the layers of a balance are together worth exactly what the balance is worth.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.db import connection

from inventory import sets
from inventory.costing.sharing import divided, shared_out
from inventory.costing.writing import write
from inventory.sets import Pair

if TYPE_CHECKING:
    from inventory.balances import Locked
    from inventory.ledger import Move

ON_HAND = 1
_OPEN, _TAKEN, _BACK = 1, 2, 3  # what a row says: a layer, what a source took of it, what was put back for a source
_COLUMNS = (
    "l.id, l.entry_key, l.position, l.sku_id, l.warehouse_id, l.origin, l.received_at, l.opened_quantity, "
    "l.opened_value, l.quantity, l.value"
)


@dataclasses.dataclass(slots=True, eq=False)
class Layer:
    """A layer as it will be; `id` 0 is one that has to be made."""

    id: int
    entry_key: str
    position: int
    sku_id: int
    warehouse_id: int
    origin: str
    received_at: dt.datetime
    opened_quantity: int
    opened_value: int
    quantity: int
    value: int

    @property
    def pair(self) -> Pair:
        """The balance it is part of."""
        return self.sku_id, self.warehouse_id


@dataclasses.dataclass(slots=True)
class Use:
    """What an entry takes out of a layer; below zero: puts back."""

    entry_key: str
    layer: Layer
    quantity: int
    value: int
    source: str = ""


class Layers:
    """The layers of the balances that some moves touch; `of` returns None where nothing is kept in layers."""

    def __init__(self, moves: Sequence[Move], pairs: set[Pair]) -> None:
        self.pairs = pairs
        self.open: dict[Pair, list[Layer]] = defaultdict(list)
        self.known: dict[int, Layer] = {}
        self.used: dict[str, list[Use]] = defaultdict(list)  # by the entry that used
        self.back: dict[str, dict[Layer, int]] = defaultdict(lambda: defaultdict(int))  # put back, by its source
        self.made: list[Layer] = []
        self.uses: list[Use] = []
        self._read(pairs, [move.source for move in moves if move.source and move.bucket == ON_HAND])

    @classmethod
    def of(cls, moves: Sequence[Move], locked: dict[Pair, Locked]) -> Layers | None:
        """Read what these moves may touch; no statement for moving average."""
        pairs = {move.pair for move in moves if move.bucket == ON_HAND and locked[move.pair].layered}
        return cls(moves, pairs) if pairs else None

    def _read(self, pairs: set[Pair], sources: list[str]) -> None:
        source, parameters = sets.pairs_source(sorted(pairs))
        sql = (
            f"SELECT {_COLUMNS}, {_OPEN}, 0, '', 0, 0, '' FROM {source} JOIN inventory_costlayer l "  # noqa: S608 — no input
            "ON l.sku_id = w.sku_id AND l.warehouse_id = w.warehouse_id WHERE l.quantity > 0"
        )
        if sources:
            among, keys = sets.among("u.entry_key", sources)
            again, _keys = sets.among("u.source", sources)
            used = "u.id, u.entry_key, u.quantity, u.value, u.source FROM inventory_layeruse u"
            used += " JOIN inventory_costlayer l ON l.id = u.layer_id WHERE"
            sql += f" UNION ALL SELECT {_COLUMNS}, {_TAKEN}, {used} {among}"
            sql += f" UNION ALL SELECT {_COLUMNS}, {_BACK}, {used} u.source <> '' AND {again}"
            parameters = [*parameters, *keys, *keys]
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            rows = cursor.fetchall()
        for row in sorted(rows, key=lambda row: row[11:13]):  # uses in the order in which they were made
            self._take_in(row)
        for layers in self.open.values():
            layers.sort(key=_age)

    def _take_in(self, row: tuple[Any, ...]) -> None:
        layer = self.known.get(row[0])
        if layer is None:
            layer = self.known[row[0]] = _layer(row)
        kind, _use_id, entry_key, quantity, value, source = row[11:]
        if kind == _OPEN:
            self.open[layer.pair].append(layer)
        elif kind == _TAKEN:
            self.used[entry_key].append(Use(entry_key, layer, int(quantity), int(value), source))
        else:
            self.back[source][layer] -= int(quantity)

    # --- goods out ---------------------------------------------------------------------------------------------------

    def take(self, move: Move) -> int:
        """Take pieces out, of the entry's own source first, else the oldest first; returns what they are worth."""
        left, worth = -move.quantity, 0
        for layer in self._in_order(move):
            part = min(left, layer.quantity)
            if not part:
                continue
            value = layer.value if part == layer.quantity else divided(layer.value * part, layer.quantity)
            self._use(move.key, layer, part, value)
            left -= part
            worth += value
        return worth

    def _in_order(self, move: Move) -> Iterable[Layer]:
        layers = self.open[move.pair]
        if not move.source:
            return layers
        own = {one.layer for one in self.used.get(move.source, ()) if one.quantity < 0}
        return sorted(layers, key=lambda layer: not (layer.entry_key == move.source or layer in own))

    def _use(self, key: str, layer: Layer, quantity: int, value: int, source: str = "") -> None:
        layer.quantity -= quantity
        layer.value -= value
        one = Use(key, layer, quantity, value, source)
        self.uses.append(one)
        self.used[key].append(one)

    # --- goods in ----------------------------------------------------------------------------------------------------

    def put(self, move: Move, value: int, moment: dt.datetime) -> None:
        """Put pieces back where their source took them, the last taken first; what is new opens a layer."""
        parts = self._where_from(move)
        rest = move.quantity - sum(pieces for _use, pieces in parts)
        weights = [divided(use.value * pieces, use.quantity) for use, pieces in parts]
        if rest:
            weights.append(divided(max(value, 0) * rest, move.quantity))
        if not any(weights):
            weights = [pieces for _use, pieces in parts] + ([rest] if rest else [])
        shares = shared_out(value, weights)
        for (use, pieces), share in zip(parts, shares, strict=False):
            self._put_back(move, use, pieces, share)
        if rest:
            self._open(move, move.key, moment, rest, shares[-1])

    def _where_from(self, move: Move) -> list[tuple[Use, int]]:
        left, parts = move.quantity, []
        back = self.back.get(move.source, {}) if move.source else {}
        for use in reversed(self.used.get(move.source, ()) if move.source else ()):
            part = min(left, use.quantity - back.get(use.layer, 0)) if use.layer.sku_id == move.sku_id else 0
            if part > 0:
                parts.append((use, part))
                left -= part
        return parts

    def _put_back(self, move: Move, use: Use, pieces: int, value: int) -> None:
        layer = use.layer
        if layer.pair != move.pair:  # another shelf: a layer of its own there, as old as it was
            self._open(move, layer.origin, layer.received_at, pieces, value)
            return
        if not layer.quantity and layer not in self.open[layer.pair]:
            self.open[layer.pair].append(layer)
            self.open[layer.pair].sort(key=_age)
        self.back[move.source][layer] += pieces
        self._use(move.key, layer, -pieces, -value, move.source)

    def _open(self, move: Move, origin: str, moment: dt.datetime, quantity: int, value: int) -> None:
        position = sum(1 for one in self.made if one.entry_key == move.key)
        layer = Layer(
            0, move.key, position, move.sku_id, move.warehouse_id, origin, moment, quantity, value, quantity, value
        )
        self.made.append(layer)
        self.open[layer.pair].append(layer)
        self.open[layer.pair].sort(key=_age)

    # --- value alone -------------------------------------------------------------------------------------------------

    def revalue(self, move: Move, value: int) -> None:
        """Spread a change of value over the layers of the goods that `source` brought in, else over all."""
        layers = [one for one in self.open[move.pair] if one.quantity]
        own = [one for one in layers if move.source in (one.origin, one.entry_key)] if move.source else []
        chosen = own if own and value + sum(one.value for one in own) >= 0 else layers
        weights = [one.value if value < 0 else one.quantity for one in chosen]
        for layer, share in zip(chosen, shared_out(value, weights), strict=True):
            if share:
                self._use(move.key, layer, 0, -share)

    def save(self) -> None:
        """Write new layers, what was taken from which, and what is left."""
        write(self.made, self.uses)
        self.made, self.uses = [], []


def _layer(row: tuple[Any, ...]) -> Layer:
    pk, entry_key, position, sku_id, warehouse_id, origin, received_at = row[:7]
    quantity_in, value_in, quantity, value = (int(one) for one in row[7:11])
    return Layer(
        pk, entry_key, position, sku_id, warehouse_id, origin, _moment(received_at), quantity_in, value_in, quantity,
        value,
    )  # fmt: skip


def _age(layer: Layer) -> tuple[Any, ...]:
    return layer.received_at, layer.id or float("inf"), layer.position


def _moment(value: dt.datetime) -> dt.datetime:
    """A raw cursor on SQLite knows nothing of time zones."""
    return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value
