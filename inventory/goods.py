"""Give reserved goods back, let them leave, take them in again."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Sequence
from decimal import Decimal

from django.db import transaction

from backoffice.fields import QuantityField
from inventory import ledger
from inventory.balances import pieces
from inventory.errors import NotReserved, Short
from inventory.ledger import Move, Posted
from inventory.models import Bucket, Reason
from inventory.reservation_book import Book, Key

_SCALE = QuantityField()
DEMAND, RESERVED = Bucket.DEMAND.value, Bucket.RESERVED.value
Item = tuple[str, int, int, Decimal]  # (reference, sku id, warehouse id, pieces)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a reference held in a bucket before it was released."""

    reference: str
    sku_id: int
    warehouse_id: int
    bucket: int
    quantity: Decimal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Consumed:
    """Goods that left for a reference, with their cost in the base currency (positive)."""

    reference: str
    sku_id: int
    warehouse_id: int
    quantity: Decimal
    cost_value: Decimal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """Goods that come back for a reference; `value` is their whole cost in the base currency, None the average."""

    reference: str
    sku_id: int
    warehouse_id: int
    quantity: Decimal
    value: Decimal | None = None
    source: str = ""  # the entry by which they left (`out_key`), if it is known


def release(*, references: Collection[str], reason: str = Reason.RELEASE, actor: str = "") -> list[Held]:
    """Give back all demand and reservations of the references; returns what they held."""
    given: list[Held] = []
    with transaction.atomic():
        book = Book.of(list(dict.fromkeys(references)))
        for reference in book.by_reference:
            for bucket in (DEMAND, RESERVED):
                for key, held in book.open(reference, bucket):
                    given.append(_held(key, held.quantity))
                    book.change(key, -held.quantity, reason)
        book.save(actor=actor)
    return given


def unreserve(*, references: Collection[str], actor: str = "") -> list[Held]:
    """Turn reservations back into demand where they stand: an approval that was undone."""
    turned: list[Held] = []
    with transaction.atomic():
        book = Book.of(list(dict.fromkeys(references)))
        for reference in book.by_reference:
            for key, held in book.open(reference, RESERVED):
                quantity = held.quantity
                turned.append(_held(key, quantity))
                book.change(key, -quantity, Reason.RELEASE)
                book.change((*key[:3], DEMAND), quantity, Reason.DEMAND)
        book.save(actor=actor)
    return turned


def _held(key: Key, quantity: int) -> Held:
    reference, sku_id, warehouse_id, bucket = key
    return Held(reference=reference, sku_id=sku_id, warehouse_id=warehouse_id, bucket=bucket, quantity=pieces(quantity))


def consume(
    *,
    items: Sequence[Item],
    document: str,
    occurred_at: dt.datetime | None = None,
    actor: str = "",
) -> list[Consumed]:
    """Let reserved goods leave: (reference, sku id, warehouse id, pieces), at what they cost.

    `document` ("orders.shipment:12") and the item make the business key: the same shipment consumes once, and a
    repeat returns the same cost. Raises NotReserved, naming every item that holds too little.
    """
    wanted = _summed(items)
    with transaction.atomic():
        book = Book(list(dict.fromkeys(item[0] for item in wanted)), {item[1:3] for item in wanted})
        goods = [_goods_out(document, item, quantity, occurred_at) for item, quantity in wanted.items()]
        known = ledger.known(goods)
        fresh = [move for move in goods if move.key not in known]
        _must_hold(book, fresh)
        for move in fresh:
            book.change((move.reference, *move.pair, RESERVED), move.quantity, Reason.SHIPMENT)
        written = {row[0]: row for row in book.save(more=fresh, actor=actor)}
    entries = {key: ledger.posted(row) for key, row in written.items()} | known
    return [_consumed(move.reference, entries[move.key]) for move in goods]


def _summed(items: Sequence[Item]) -> dict[tuple[str, int, int], int]:
    wanted: dict[tuple[str, int, int], int] = {}
    for reference, sku_id, warehouse_id, quantity in items:
        key = (reference, sku_id, warehouse_id)
        wanted[key] = wanted.get(key, 0) + _SCALE.scale(quantity)
    if any(quantity <= 0 for quantity in wanted.values()):
        raise ValueError("Only a positive quantity can leave.")
    return wanted


def _goods_out(document: str, item: tuple[str, int, int], quantity: int, occurred_at: dt.datetime | None) -> Move:
    reference, sku_id, warehouse_id = item
    key = out_key(document, item)
    reason = Reason.SHIPMENT.value
    return Move(key, sku_id, warehouse_id, 1, -quantity, reason, reference, occurred_at=occurred_at)


def out_key(document: str, item: tuple[str, int, int]) -> str:
    """Return the key of the entry by which `consume` let (reference, sku id, warehouse id) leave."""
    return _goods_key(document, item, "out")


def _goods_key(document: str, item: tuple[str, int, int], way: str) -> str:
    reference, sku_id, warehouse_id = item
    return f"{document}/{reference}/{sku_id}@{warehouse_id}.{way}"


def _must_hold(book: Book, goods: Sequence[Move]) -> None:
    shorts = []
    for move in goods:
        held = book.held.get((move.reference, *move.pair, RESERVED))
        has = held.quantity if held else 0
        if has < -move.quantity:
            shorts.append((move.reference, _short(move, has)))
    if shorts:
        raise NotReserved(shorts)


def _short(move: Move, has: int) -> Short:
    return Short(
        sku_id=move.sku_id,
        warehouse_id=move.warehouse_id,
        bucket=RESERVED,
        wanted=pieces(-move.quantity),
        available=pieces(has),
    )


def _consumed(reference: str, entry: Posted) -> Consumed:
    return Consumed(
        reference=reference,
        sku_id=entry.sku_id,
        warehouse_id=entry.warehouse_id,
        quantity=-entry.quantity,
        cost_value=-entry.value,
    )


def put_back(
    *, items: Sequence[PutBack], document: str, occurred_at: dt.datetime | None = None, actor: str = ""
) -> list[Posted]:
    """Take returned goods into stock at the cost given; the document and the item make the business key."""
    drafts = [
        ledger.EntryDraft(
            key=_goods_key(document, (item.reference, item.sku_id, item.warehouse_id), "back"),
            sku_id=item.sku_id,
            warehouse_id=item.warehouse_id,
            quantity=item.quantity,
            reason=Reason.RETURN,
            reference=item.reference,
            value=item.value,
            occurred_at=occurred_at,
            source=item.source,
        )
        for item in items
    ]
    result = ledger.post(entries=drafts, actor=actor)
    return [*result.posted, *result.repeated]
