"""A page of new orders meets the stock: demand for all of it and reservations for what may have them, written once.

The same as `book_demand` and then `reserve`, with one look at the balances and one writing instead of two.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db import transaction

from inventory.demand import Expiry, expiry_of, place
from inventory.reservation_book import Book
from inventory.reserving import ReserveResult, Shortage, grouped, reserve_group, reserved
from inventory.wants import Want, first_pairs, jobs_of, pairs


def book_and_reserve(
    *, wants: Sequence[Want], waiting: Collection[str] = (), expires_at: Expiry = None, actor: str = ""
) -> ReserveResult:
    """Book each want as demand unless its reference is known, then reserve the groups that are not in `waiting`.

    In the order given; a group short of one thing reserves nothing, its demand stays booked, all shortages are named.
    """
    jobs = jobs_of(wants)
    shortages: list[Shortage] = []
    with transaction.atomic():
        book = Book([job.reference for job in jobs], pairs(jobs), first_pairs(jobs))
        for job in jobs:
            if not book.knows(job.reference):
                place(book, job, job.units, expiry_of(expires_at, job.reference))
        due = [job for job in jobs if job.group not in waiting]
        free = {pair: balance.free for pair, balance in book.balances.items()}
        for group in grouped(due, partial=False):
            shortages += reserve_group(book, free, group, partial=False)
        book.save(actor=actor)
    return ReserveResult(reserved={job.reference: reserved(book, job.reference) for job in due}, shortages=shortages)
