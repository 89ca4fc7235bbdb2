"""Demand and reservations: who may have which goods, decided for whole pages at once and never below zero.

A reference (an order line) first books demand, then turns it into a reservation, then consumes it. Everything is
decided under the locks of the balances it touches; each call is one transaction with a constant number of statements.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal

from django.db import transaction

from backoffice import clock
from backoffice.fields import QuantityField
from inventory import ledger, single_reservation
from inventory.balances import pieces
from inventory.errors import NotReserved, Short
from inventory.ledger import Move, Posted
from inventory.models import Bucket, Reason, Reservation
from inventory.reservation_book import Book, Key
from inventory.sets import Pair
from inventory.wants import Job, Want
from inventory.wants import jobs as jobs_of

_SCALE = QuantityField()
DEMAND, RESERVED = Bucket.DEMAND.value, Bucket.RESERVED.value
Expiry = dt.datetime | None | Mapping[str, dt.datetime | None]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """What one want lacks; for a bundle one row per part that is short. `available` could be had under its rules."""

    reference: str
    sku_id: int
    wanted: Decimal
    available: Decimal
    warehouses: tuple[int, ...]


Taken = tuple[int, int, Decimal]  # (sku id, warehouse id, pieces)
Item = tuple[str, int, int, Decimal]  # (reference, sku id, warehouse id, pieces)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReserveResult:
    """What each reference now holds reserved (also from earlier calls), and all that is missing."""

    reserved: dict[str, list[Taken]]
    shortages: list[Shortage]


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


# --- booking ---------------------------------------------------------------------------------------------------------


def book_demand(*, wants: Sequence[Want], expires_at: Expiry = None, actor: str = "") -> None:
    """Book each want as demand the first time its reference is seen; later calls for it change nothing.

    Placed where uncommitted stock is: whole wants on the first warehouse that has enough, others greedily; what no
    warehouse has stands on the first one. `expires_at` is one moment for all, or one per reference.
    """
    jobs = jobs_of(wants)
    with transaction.atomic():
        book = _open(jobs)
        for job in jobs:
            if not book.knows(job.reference):
                _place(book, job, job.units, _expiry(expires_at, job.reference))
        book.save(actor=actor)


def change_demand(*, wants: Sequence[Want], expires_at: Expiry = None, actor: str = "") -> None:
    """Bring demand plus reservations of each reference to the want's absolute quantity (0 gives all back).

    More adds demand. Less is cut from demand first, then from what is reserved, the least preferred warehouse first.
    """
    jobs = jobs_of(wants)
    with transaction.atomic():
        book = _open(jobs)
        for job in jobs:
            _bring_to(book, job, _expiry(expires_at, job.reference))
        book.save(actor=actor)


def _open(jobs: Sequence[Job], *, create: bool = True) -> Book:
    """Open the book on every balance the jobs may use; `create` the ones demand falls back on."""
    pairs = [pair for job in jobs for pair in job.pairs(job.warehouses)]
    needed = [pair for job in jobs for pair in job.pairs(job.warehouses[:1])] if create else []
    return Book([job.reference for job in jobs], pairs, needed)


def _expiry(expires_at: Expiry, reference: str) -> dt.datetime | None:
    return expires_at.get(reference) if isinstance(expires_at, Mapping) else expires_at


def _place(book: Book, job: Job, units: int, expires_at: dt.datetime | None) -> None:
    """Book demand where it will probably be reserved; what no warehouse has stands on the first."""
    there = [(warehouse, job.units_at(warehouse, book.uncommitted)) for warehouse in job.warehouses]
    one = next((warehouse for warehouse, has in there if has >= units), None) if job.whole else None
    placed = {one: units} if one is not None else dict(_spread(there, units))
    if not placed:
        return
    placed[job.warehouses[0]] = placed.get(job.warehouses[0], 0) + units - sum(placed.values())
    for warehouse, part in placed.items():
        for sku_id, per in job.parts:
            if part:
                key = (job.reference, sku_id, warehouse, DEMAND)
                book.change(key, job.amount(part, per), Reason.DEMAND, expires_at=expires_at)


def _bring_to(book: Book, job: Job, expires_at: dt.datetime | None) -> None:
    missing = 0
    for sku_id, per in job.parts:
        have = sum(book.total(job.reference, bucket, sku_id) for bucket in (DEMAND, RESERVED))
        surplus = have - job.amount(job.units, per)
        order = list(reversed(job.warehouses))
        for bucket in (DEMAND, RESERVED):
            if surplus > 0:
                surplus -= book.take(job.reference, bucket, sku_id, surplus, order, Reason.RELEASE)
        missing = max(missing, job.units_of(-surplus, per))
    if missing > 0:
        _place(book, job, missing, expires_at)


def set_expiry(*, references: Collection[str], expires_at: dt.datetime | None) -> int:
    """Let open demand expire at a moment, or (None) keep it: an order that was paid. Returns how many rows."""
    rows = Reservation.objects.filter(reference__in=list(references), bucket=DEMAND, quantity__gt=0)
    return rows.update(expires_at=expires_at, updated_at=clock.now())


def expire_demand(now: dt.datetime, *, limit: int = 1000) -> list[str]:
    """Give back demand whose time is over, oldest first, at most `limit` rows; returns the references."""
    due = Reservation.objects.filter(bucket=DEMAND, quantity__gt=0, expires_at__lte=now).order_by("expires_at", "id")
    references = list(dict.fromkeys(due.values_list("reference", flat=True)[:limit]))
    if not references:
        return []
    expired: dict[str, None] = {}
    with transaction.atomic():
        book = Book.of(references)
        for reference in references:
            for key, held in book.open(reference, DEMAND):
                if held.expires_at is not None and held.expires_at <= now:
                    book.change(key, -held.quantity, Reason.EXPIRED)
                    expired[reference] = None
        book.save(actor="task:expire_demand")
    return list(expired)


# --- reserving -------------------------------------------------------------------------------------------------------


def reserve(*, wants: Sequence[Want], partial: bool = False, actor: str = "") -> ReserveResult:
    """Turn demand into reservations, in the order given, and name every shortage at once.

    A group short of one thing reserves nothing, and its demand stays booked; with `partial` each want stands alone,
    and one that need not come whole takes what there is. What a reference has reserved already counts; a repeat
    changes nothing.
    """
    jobs = jobs_of(wants)
    shortages: list[Shortage] = []
    with transaction.atomic():
        book = _open(jobs, create=False)
        free = {pair: balance.free for pair, balance in book.balances.items()}
        for group in _grouped(jobs, partial):
            shortages += _reserve_group(book, free, group, partial)
        book.save(actor=actor)
    return ReserveResult(reserved={job.reference: _reserved(book, job.reference) for job in jobs}, shortages=shortages)


def reserve_one(*, want: Want, actor: str = "") -> ReserveResult:
    """Reserve a single line: one statement on PostgreSQL when nothing is booked for it yet and the first warehouse
    has enough, else the way of `reserve`. Calling it again with the same reference changes nothing.
    """
    if single_reservation.fits(parts=want.parts, warehouses=want.warehouses):
        quantity = _SCALE.scale(want.quantity)
        if quantity > 0 and single_reservation.take(want.reference, want.sku_id, want.warehouses[0], quantity, actor):
            taken = [(want.sku_id, want.warehouses[0], want.quantity)]
            return ReserveResult(reserved={want.reference: taken}, shortages=[])
    return reserve(wants=[want], actor=actor)


def _grouped(jobs: list[Job], partial: bool) -> Iterable[list[Job]]:
    groups: dict[tuple[str, str], list[Job]] = {}
    for job in jobs:
        alone = partial or not job.group
        groups.setdefault(("", job.reference) if alone else (job.group, ""), []).append(job)
    return groups.values()


def _reserve_group(book: Book, free: dict[Pair, int], group: list[Job], partial: bool) -> list[Shortage]:
    before: dict[Pair, int] = {}
    picks: list[tuple[Job, list[tuple[int, int]]]] = []
    shortages: list[Shortage] = []
    for job in group:
        rest = _rest(book, job)
        picked = _pick(job, rest, free, spread=partial)
        missing = rest - sum(units for _warehouse, units in picked)
        if missing:
            shortages += _shortages(job, rest, free)
        _withhold(job, picked, free, before)
        picks.append((job, picked))
    if shortages and not partial:
        free.update(before)
        return shortages
    for job, picked in picks:
        _turn(book, job, picked)
    return shortages


def _rest(book: Book, job: Job) -> int:
    """How many units are not reserved yet."""
    rest = 0
    for sku_id, per in job.parts:
        missing = job.amount(job.units, per) - book.total(job.reference, RESERVED, sku_id)
        rest = max(rest, job.units_of(missing, per))
    return rest


def _pick(job: Job, units: int, free: Mapping[Pair, int], *, spread: bool) -> list[tuple[int, int]]:
    """Choose warehouses and units: one that has all, else (if it may be spread) the first ones down to the last."""
    if units <= 0:
        return []
    there = [(warehouse, job.units_at(warehouse, free)) for warehouse in job.warehouses]
    if job.whole:
        return next(([(warehouse, units)] for warehouse, has in there if has >= units), [])
    picked = [(warehouse, part) for warehouse, part in _spread(there, units) if part]
    enough = sum(part for _warehouse, part in picked) == units
    return picked if enough or spread else []


def _spread(there: Iterable[tuple[int, int]], units: int) -> Iterable[tuple[int, int]]:
    for warehouse, has in there:
        part = min(has, units)
        units -= part
        yield warehouse, part


def _withhold(job: Job, picked: list[tuple[int, int]], free: dict[Pair, int], before: dict[Pair, int]) -> None:
    for warehouse, units in picked:
        for sku_id, per in job.parts:
            pair = (sku_id, warehouse)
            before.setdefault(pair, free[pair])
            free[pair] -= job.amount(units, per)


def _turn(book: Book, job: Job, picked: list[tuple[int, int]]) -> None:
    for warehouse, units in picked:
        for sku_id, per in job.parts:
            amount = job.amount(units, per)
            order = [warehouse, *reversed(job.warehouses)]
            book.take(job.reference, DEMAND, sku_id, amount, order, Reason.RESERVE)
            book.change((job.reference, sku_id, warehouse, RESERVED), amount, Reason.RESERVE)


def _shortages(job: Job, units: int, free: Mapping[Pair, int]) -> list[Shortage]:
    """Name each part that is short; when none is by itself, the bundle that cannot be put together in one place."""
    best = max if job.whole else sum
    found = []
    for sku_id, per in job.parts:
        wanted = job.amount(units, per)
        available = best([max(free.get((sku_id, place), 0), 0) for place in job.warehouses] or [0])
        if available < wanted:
            found.append(_shortage(job, sku_id, wanted, available))
    if not found:
        together = best([job.units_at(place, free) for place in job.warehouses] or [0])
        found.append(_shortage(job, job.sku_id, units, together))
    return found


def _shortage(job: Job, sku_id: int, wanted: int, available: int) -> Shortage:
    return Shortage(
        reference=job.reference,
        sku_id=sku_id,
        wanted=pieces(wanted),
        available=pieces(available),
        warehouses=job.warehouses,
    )


def _reserved(book: Book, reference: str) -> list[Taken]:
    return [(key[1], key[2], pieces(held.quantity)) for key, held in book.open(reference, RESERVED)]


# --- giving back, taking out -----------------------------------------------------------------------------------------


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
    """Let reserved goods leave: (reference, sku id, warehouse id, pieces), at moving average.

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
        posted = {entry.key: entry for entry in book.save(more=fresh, actor=actor)}
    return [_consumed(move.reference, known.get(move.key) or posted[move.key]) for move in goods]


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
    key = _goods_key(document, item, "out")
    reason = Reason.SHIPMENT.value
    return Move(key, sku_id, warehouse_id, 1, -quantity, reason, reference, occurred_at=occurred_at)


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
        )
        for item in items
    ]
    result = ledger.post(entries=drafts, actor=actor)
    return [*result.posted, *result.repeated]
