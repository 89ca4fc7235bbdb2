"""Documents of the floors above, as the audit asks for them: the floor that owns a kind registers how to read it.

Everything is read inside the audit's snapshot, so a source reads the database and keeps nothing. Quantities are the
stored integers (thousandths of a piece).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping

Pair = tuple[int, int]  # (sku id, warehouse id)


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What an open document wants of a SKU: it has to hold between `least` and `most`, demand and reserved together.

    `warehouse_id` is where it would be booked first (None: nowhere).
    """

    reference: str
    sku_id: int
    least: int
    most: int
    warehouse_id: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Sent:
    """What a document took out of a warehouse, under the business key its ledger entry has to have."""

    key: str
    document: str
    reference: str
    quantity: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who books demand and reservations under references that begin with `prefix`.

    `wanted` tells what the open documents want (of these references only, when some are given); `ended` says which of
    some references belong to documents that need nothing any more, and why (shipped, cancelled, gone).
    """

    prefix: str
    wanted: Callable[[Collection[str] | None], Iterable[Wanted]]
    ended: Callable[[Collection[str]], Mapping[str, str]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sends goods: the sum of all that left by SKU and warehouse, and the documents of one of them."""

    totals: Callable[[], Mapping[Pair, int]]
    documents: Callable[[Pair], Iterable[Sent]]


Incoming = Callable[[], Iterable[tuple[int, int, str, int]]]  # (sku id, warehouse id, reference, quantity on its way)
_holders: dict[str, Holder] = {}
_senders: dict[str, Sender] = {}
_incoming: dict[str, Incoming] = {}


def register_holder(holder: Holder) -> None:
    """Add one, in AppConfig.ready(); a second one of the same prefix replaces the first."""
    _holders[holder.prefix] = holder


def register_sender(name: str, sender: Sender) -> None:
    """Add one, in AppConfig.ready()."""
    _senders[name] = sender


def register_incoming(name: str, incoming: Incoming) -> None:
    """Add a kind of documents that expect goods: together they make up the incoming bucket."""
    _incoming[name] = incoming


def holders() -> tuple[Holder, ...]:
    """Return all holders."""
    return tuple(_holders.values())


def senders() -> tuple[Sender, ...]:
    """Return all senders."""
    return tuple(_senders.values())


def incoming() -> Iterable[tuple[int, int, str, int]]:
    """Return everything that is on its way, document by document."""
    for one in _incoming.values():
        yield from one()


def holder_of(reference: str) -> Holder | None:
    """Return who books under a reference."""
    return next((one for one in _holders.values() if reference.startswith(one.prefix)), None)


def ended(references: Collection[str]) -> dict[str, str]:
    """Return which of the references belong to ended documents, and why."""
    found: dict[str, str] = {}
    for one in _holders.values():
        mine = [reference for reference in references if reference.startswith(one.prefix)]
        if mine:
            found |= one.ended(mine)
    return found
