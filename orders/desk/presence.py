"""Who has the page of an order open: told by the page every few seconds, forgotten when it falls silent."""

from __future__ import annotations

import dataclasses
import datetime as dt

from django.contrib.auth.models import AnonymousUser

from backoffice import clock
from backoffice.models import User
from orders.models import OrderPresence

EVERY = 20  # seconds between two signs of life of a page
SILENT = dt.timedelta(seconds=50)  # two signs missed: the page is closed, or its computer asleep
Person = User | AnonymousUser  # of a request behind the log-in
FORGOTTEN = dt.timedelta(hours=1)


@dataclasses.dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody else who looks at the same order."""

    name: str
    since: dt.datetime


def here(*, order_id: int, user: Person) -> None:
    """Note that a person has the page open; after a silence it counts anew."""
    now = clock.now()
    mine = OrderPresence.objects.filter(order_id=order_id, user=user.pk)
    if mine.filter(seen_at__gt=now - SILENT).update(seen_at=now) or mine.update(seen_at=now, since=now):
        return
    row = OrderPresence(order_id=order_id, user_id=user.pk or 0, since=now, seen_at=now)
    OrderPresence.objects.bulk_create([row], ignore_conflicts=True)


def gone(*, order_id: int, user: Person) -> None:
    """Note that a person closed the page."""
    OrderPresence.objects.filter(order_id=order_id, user=user.pk).delete()


def others(*, order_id: int, user: Person) -> list[Colleague]:
    """Return the colleagues who have the page open, the first one first."""
    rows = OrderPresence.objects.filter(order_id=order_id, seen_at__gt=clock.now() - SILENT).exclude(user=user.pk)
    found = rows.order_by("since", "pk").values_list("user__first_name", "user__last_name", "user__username", "since")
    return [Colleague(" ".join(filter(None, [first, last])) or name, since) for first, last, name, since in found]


def forget(now: dt.datetime | None = None) -> int:
    """Remove rows of pages closed long ago; returns how many."""
    return OrderPresence.objects.filter(seen_at__lt=(now or clock.now()) - FORGOTTEN).delete()[0]
