"""Demand: what is ordered and not reserved yet, from the moment an order is known."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence

from django.db import transaction

from backoffice import clock
from inventory.models import Bucket, Reason, Reservation
from inventory.reservation_book import Book
from inventory.wants import Job, Want, first_pairs, jobs_of, pairs, spread

DEMAND, RESERVED = Bucket.DEMAND.value, Bucket.RESERVED.value
Expiry = dt.datetime | None | Mapping[str, dt.datetime | None]


def book_demand(*, wants: Sequence[Want], expires_at: Expiry = None, actor: str = "") -> None:
    """Book each want as demand the first time its reference is seen; later calls for it change nothing.

    Placed where uncommitted stock is: whole wants on the first warehouse that has enough, others greedily; what no
    warehouse has stands on the first one. `expires_at` is one moment for all, or one per reference.
    """
    jobs = jobs_of(wants)
    with transaction.atomic():
        book = Book([job.reference for job in jobs], pairs(jobs), first_pairs(jobs))
        for job in jobs:
            if not book.knows(job.reference):
                place(book, job, job.units, expiry_of(expires_at, job.reference))
        book.save(actor=actor)


def change_demand(*, wants: Sequence[Want], expires_at: Expiry = None, actor: str = "") -> None:
    """Bring demand plus reservations of each reference to the want's absolute quantity (0 gives all back).

    More adds demand. Less is cut from demand first, then from what is reserved, the least preferred warehouse first.
    """
    jobs = jobs_of(wants)
    with transaction.atomic():
        book = Book.of([job.reference for job in jobs], pairs(jobs), first_pairs(jobs))
        for job in jobs:
            _bring_to(book, job, expiry_of(expires_at, job.reference))
        book.save(actor=actor)


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


def expiry_of(expires_at: Expiry, reference: str) -> dt.datetime | None:
    """Return when the demand of a reference expires."""
    return expires_at.get(reference) if isinstance(expires_at, Mapping) else expires_at


def place(book: Book, job: Job, units: int, expires_at: dt.datetime | None) -> None:
    """Book demand where it will probably be reserved; what no warehouse has stands on the first."""
    one = job.place_of(units, book.uncommitted) if job.whole else None
    if one is None:
        placed = dict(spread([(at, job.units_at(at, book.uncommitted)) for at in job.warehouses], units))
    else:
        placed = {one: units}
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
        place(book, job, missing, expires_at)
