"""Figures that platforms showed: each reading is a row, and the job knows the last one and whether it is explained."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

from backoffice import bulk, clock
from channels.models import PlatformObservation, PollState, PushJob


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What a listing showed at a location; None when it is not stocked there or gone."""

    listing_id: int
    location_id: int
    quantity: int | None


def current_walk(account_id: int) -> int:
    """Return the number of the newest walk over the account's orders that was started.

    Take it *after* a figure was read: only a walk with a higher number asks for orders after that moment.
    """
    return PollState.objects.filter(account_id=account_id).values_list("walk", flat=True).first() or 0


def log(seen: Sequence[Seen], *, source: str) -> None:
    """Keep the readings."""
    now = clock.now()
    rows = [(one.listing_id, one.location_id, one.quantity, now, source) for one in seen]
    columns = ("listing_id", "location_id", "quantity", "seen_at", "source")
    bulk.insert_rows(PlatformObservation, columns, rows, prepared=True)


def note(account_id: int, seen: Sequence[Seen], *, source: str, asked_at: dt.datetime) -> None:
    """Keep the readings and tell the jobs.

    A figure that is the last known one changes nothing about it. Another figure means that somebody moved it: it may
    serve as the base of a write only after a walk that started later has taken in every order behind it. A job that
    was written to since `asked_at` knows better than a reading that was on its way meanwhile.
    """
    if not seen:
        return
    log(seen, source=source)
    walk, now = current_walk(account_id), clock.now()
    by_key = {(one.listing_id, one.location_id): one.quantity for one in seen}
    jobs = PushJob.objects.filter(account_id=account_id, listing_id__in={one.listing_id for one in seen})
    moved, same = [], []
    fields = ("pk", "listing_id", "location_id", "shown", "sent_at")
    for pk, listing_id, location_id, shown, sent_at in jobs.values_list(*fields):
        if (listing_id, location_id) not in by_key or (sent_at and sent_at >= asked_at):
            continue
        figure = by_key[listing_id, location_id]
        if figure is None or figure != shown:
            moved.append((pk, figure, now, walk, False))
        else:
            same.append((pk, now))
    columns = ("shown", "shown_at", "shown_walk", "shown_covered")
    bulk.update_rows(PushJob, ("id",), columns, moved, lock_in_order=True)
    bulk.update_rows(PushJob, ("id",), ("shown_at",), same, lock_in_order=True)
