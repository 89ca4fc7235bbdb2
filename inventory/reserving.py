"""Turn demand into reservations: whole pages at once, all shortages named, never below zero."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from django.db import transaction

from backoffice.fields import QuantityField
from inventory import single_reservation
from inventory.balances import pieces
from inventory.models import Bucket, Reason
from inventory.reservation_book import Book
from inventory.sets import Pair
from inventory.wants import Job, Want, jobs_of, pairs, spread

_SCALE = QuantityField()
DEMAND, RESERVED = Bucket.DEMAND.value, Bucket.RESERVED.value
Taken = tuple[int, int, Decimal]  # (sku id, warehouse id, pieces)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """What one want lacks; for a bundle one row per part that is short. `available` could be had under its rules."""

    reference: str
    sku_id: int
    wanted: Decimal
    available: Decimal
    warehouses: tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReserveResult:
    """What each reference now holds reserved (also from earlier calls), and all that is missing."""

    reserved: dict[str, list[Taken]]
    shortages: list[Shortage]


def reserve(*, wants: Sequence[Want], partial: bool = False, actor: str = "") -> ReserveResult:
    """Turn demand into reservations, in the order given, and name every shortage at once.

    A group short of one thing reserves nothing, and its demand stays booked; with `partial` each want stands alone,
    and one that need not come whole takes what there is. What a reference has reserved already counts; a repeat
    changes nothing.
    """
    jobs = jobs_of(wants)
    shortages: list[Shortage] = []
    with transaction.atomic():
        book = Book.of([job.reference for job in jobs], pairs(jobs))
        free = {pair: balance.free for pair, balance in book.balances.items()}
        for group in grouped(jobs, partial):
            shortages += reserve_group(book, free, group, partial)
        book.save(actor=actor)
    return ReserveResult(reserved={job.reference: reserved(book, job.reference) for job in jobs}, shortages=shortages)


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


def grouped(jobs: list[Job], partial: bool) -> Iterable[list[Job]]:
    """Return the jobs that are reserved together or not at all."""
    groups: dict[tuple[str, str], list[Job]] = {}
    for job in jobs:
        alone = partial or not job.group
        groups.setdefault(("", job.reference) if alone else (job.group, ""), []).append(job)
    return groups.values()


def reserve_group(book: Book, free: dict[Pair, int], group: list[Job], partial: bool) -> list[Shortage]:
    """Reserve a group out of `free` in the book; returns what is missing."""
    before: dict[Pair, int] = {}
    picks: list[tuple[Job, list[tuple[int, int]]]] = []
    shortages: list[Shortage] = []
    for job in group:
        rest = _rest(book, job)
        picked = _pick(job, rest, free, some=partial)
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


def _pick(job: Job, units: int, free: Mapping[Pair, int], *, some: bool) -> list[tuple[int, int]]:
    """Choose warehouses and units: one that has all, else (if it may be spread) the first ones down to the last.

    Too little is nothing, unless `some` will do.
    """
    if units <= 0:
        return []
    if job.whole:
        one = job.place_of(units, free)
        return [] if one is None else [(one, units)]
    there = [(warehouse, job.units_at(warehouse, free)) for warehouse in job.warehouses]
    picked = [(warehouse, part) for warehouse, part in spread(there, units) if part]
    enough = sum(part for _warehouse, part in picked) == units
    return picked if enough or some else []


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


def reserved(book: Book, reference: str) -> list[Taken]:
    """Return what a reference holds reserved."""
    return [(key[1], key[2], pieces(held.quantity)) for key, held in book.open(reference, RESERVED)]
