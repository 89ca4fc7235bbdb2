"""What changes when goods turn out to have cost more or less: who has them now, and which sales took them.

A correction of a receipt follows its goods through sales, returns, transfers and losses. At moving average the extra
value is mixed into the shelf and every entry since takes its share, as if it had been there from the start; with layers
the goods themselves are followed. What is found adds up to the correction, to the last ten-thousandth.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal

from inventory.costing import averages, followed
from inventory.costing.errors import refused
from inventory.costing.method import Method, setting
from inventory.costing.reading import Part, Receipt, receipts
from inventory.sets import Pair


@dataclasses.dataclass(frozen=True, slots=True)
class Correction:
    """How much more (below zero: less) the goods of one entry cost, in the base currency."""

    entry_key: str
    amount: Decimal


@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """The part of goods that are still there; `brought` is the entry that brought them to this shelf."""

    sku_id: int
    warehouse_id: int
    brought: str
    pieces: Decimal
    amount: Decimal


@dataclasses.dataclass(frozen=True, slots=True)
class Gone:
    """The part of goods that one entry took away for good."""

    sku_id: int
    warehouse_id: int
    entry_key: str
    reason: str
    reference: str
    occurred_at: dt.datetime
    pieces: Decimal
    amount: Decimal


@dataclasses.dataclass(frozen=True, slots=True)
class Carried:
    """The part of goods that went on to another warehouse."""

    sku_id: int
    origin_id: int
    destination_id: int
    reference: str
    pieces: Decimal
    amount: Decimal


@dataclasses.dataclass(frozen=True, slots=True)
class Ripple:
    """Where the corrections go."""

    kept: tuple[Kept, ...]
    gone: tuple[Gone, ...]
    carried: tuple[Carried, ...]

    @property
    def pairs(self) -> set[Pair]:
        """The balances whose value changes."""
        return {(one.sku_id, one.warehouse_id) for one in self.kept if one.amount}

    @property
    def kept_amount(self) -> Decimal:
        """What goes into the value of stock."""
        return sum((one.amount for one in self.kept), Decimal(0))

    @property
    def gone_amount(self) -> Decimal:
        """What belongs to goods that are gone."""
        return sum((one.amount for one in self.gone), Decimal(0))


def trace(corrections: Sequence[Correction]) -> Ripple:
    """Return where corrections go, in a fixed number of queries for each SKU. Raises CostRefused unknown_receipt."""
    found = receipts([one.entry_key for one in corrections])
    layered = setting().method == Method.FIFO
    parts: list[Part] = []
    for one in corrections:
        receipt = found.get(one.entry_key)
        if receipt is None:
            raise refused("unknown_receipt")
        parts += _followed(receipt, int(one.amount.scaleb(4)), layered)
    return Ripple(tuple(_kept(parts)), tuple(_gone(parts)), tuple(_carried(parts)))


def _followed(receipt: Receipt, amount: int, layered: bool) -> list[Part]:
    """Goods received before layers were kept are followed at the average, as they were valued then."""
    parts = followed.follow(receipt, amount) if layered else []
    return parts or averages.follow(receipt, amount)


def _kept(parts: Iterable[Part]) -> Iterable[Kept]:
    for one in parts:
        if one.kind == "kept" and (one.amount or one.pieces):
            yield Kept(one.sku_id, one.warehouse_id, one.entry_key, _pieces(one), _money(one))


def _gone(parts: Iterable[Part]) -> Iterable[Gone]:
    for one in parts:
        if one.kind == "gone" and (one.amount or one.pieces):
            yield Gone(
                one.sku_id, one.warehouse_id, one.entry_key, one.reason, one.reference, one.occurred_at, _pieces(one),
                _money(one),
            )  # fmt: skip


def _carried(parts: Iterable[Part]) -> Iterable[Carried]:
    for one in parts:
        if one.kind == "carried":
            yield Carried(
                one.sku_id, one.warehouse_id, one.destination_id, one.reference, _pieces(one), _money(one)
            )  # fmt: skip


def _pieces(one: Part) -> Decimal:
    return Decimal(one.pieces).scaleb(-3)


def _money(one: Part) -> Decimal:
    return Decimal(one.amount).scaleb(-4)
