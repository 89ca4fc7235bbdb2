"""News goes up as rows: the producer writes an event and a delivery per consumer in its own transaction.

A consumer claims deliveries (one conditional UPDATE with a growing fence), works, and completes or fails its own rows.
A killed consumer's claim runs out and another takes it over; the zombie's completion is refused by the fence. Attempts
are counted at the claim, before the work, so that a row which kills its worker is parked too.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import structlog
from django.db import connection, models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice import bulk, clock
from backoffice.errors import YikuError
from backoffice.waking import wake

__all__ = ["Claim", "Consumer", "Delivery", "Event", "wake"]

MOST_ATTEMPTS = 8
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 3600.0  # seconds
log = structlog.get_logger(__name__)


class State(models.TextChoices):
    """Where a delivery is."""

    DUE = "due", pgettext_lazy("state", "due")
    WORKING = "working", _("working")
    DONE = "done", _("done")
    PARKED = "parked", _("needs a person")


OPEN = (State.DUE.value, State.WORKING.value)


class Event(models.Model):
    """A fact, written once and never changed. Subclasses add what happened."""

    created_at = models.DateTimeField(_("created"), db_index=True)

    class Meta:
        abstract = True


class Delivery(models.Model):
    """One consumer's copy of an event. Subclasses add `event = ForeignKey(TheirEvent, CASCADE)`."""

    consumer = models.CharField(_("consumer"), max_length=40)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.DUE)
    not_before = models.DateTimeField(_("not before"))
    claimed_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    fence = models.BigIntegerField(_("fence"), default=0)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    code = models.CharField(_("error code"), max_length=60, blank=True)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)

    class Meta:
        abstract = True
        indexes = [
            # The claim reads only what is open: done rows, soon nearly all, cost nothing.
            models.Index(
                fields=["consumer", "id"],
                name="%(class)s_open",
                condition=models.Q(state__in=["due", "working"]),
            )
        ]
        constraints = [models.UniqueConstraint(fields=["event", "consumer"], name="%(class)s_once")]


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that is ours until the lease ends; `attempts` counts this one."""

    id: int
    event_id: int
    fence: int
    attempts: int


Handler = Callable[[Sequence[Claim]], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Consumer:
    """Somebody who wants every event of a kind. `handler` gets a page of claims and completes or fails each."""

    delivery: str  # "inventory.StockChangeDelivery"
    name: str  # "push"
    handler: Handler | None = None
    seconds: float = 60.0  # the length of a claim


_consumers: dict[tuple[str, str], Consumer] = {}


def register_consumer(delivery: str, name: str, handler: Handler | None = None, *, seconds: float = 60.0) -> None:
    """Let `name` receive every event from now on. Call it in AppConfig.ready(); twice is once."""
    _consumers[delivery.lower(), name] = Consumer(delivery, name, handler, seconds)


def consumers(delivery: str | None = None) -> list[Consumer]:
    """Return the registered consumers, of one delivery model or of all."""
    return [one for (label, _name), one in _consumers.items() if delivery is None or label == delivery.lower()]


def deliver(model: type[Delivery], event_ids: Iterable[int]) -> int:
    """Write a due delivery per event and registered consumer, and wake them after the commit; returns how many."""
    names = [one.name for one in consumers(model._meta.label)]
    now = clock.now()
    rows = [(event, name, State.DUE.value, now, 0, 0, "") for event in event_ids for name in names]
    if rows:
        columns = ("event_id", "consumer", "state", "not_before", "fence", "attempts", "code")
        bulk.insert_rows(model, columns, rows, prepared=True)
        for name in names:
            wake(name)
    return len(rows)


def claim(model: type[Delivery], consumer: str, limit: int, *, seconds: float = 60.0) -> list[Claim]:
    """Take up to `limit` due deliveries, oldest first, for `seconds`. Two workers never get the same one.

    A delivery that was started MOST_ATTEMPTS times and never ended is parked here instead of being tried again.
    """
    now = clock.now()
    _park_lost(model, consumer, now)
    skip = " FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    table = connection.ops.quote_name(model._meta.db_table)
    sql = (
        f"UPDATE {table} SET state = 'working', fence = fence + 1, attempts = attempts + 1, claimed_until = %s "  # noqa: S608 — the model's own name
        f"WHERE id IN (SELECT id FROM {table} WHERE consumer = %s AND state IN ('due', 'working') "
        "AND ((state = 'due' AND not_before <= %s) OR (state = 'working' AND claimed_until <= %s)) "
        f"ORDER BY id LIMIT %s{skip}) RETURNING id, event_id, fence, attempts"
    )
    until = _moment(now + dt.timedelta(seconds=seconds))
    with connection.cursor() as cursor:
        cursor.execute(sql, [until, consumer, _moment(now), _moment(now), limit])
        return sorted((Claim(*row) for row in cursor.fetchall()), key=lambda one: one.id)


def _moment(value: dt.datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(value)


def _park_lost(model: type[Delivery], consumer: str, now: dt.datetime) -> None:
    lost = model._default_manager.filter(
        consumer=consumer, state=State.WORKING, claimed_until__lte=now, attempts__gte=MOST_ATTEMPTS
    )
    for one in lost[:100]:
        # Through fail(), so that a worker which comes back to life meanwhile is refused by the same fence.
        fail(model, Claim(one.pk, 0, one.fence, one.attempts), "lost", permanent=True)


def complete(model: type[Delivery], claims: Iterable[Claim]) -> int:
    """Mark the deliveries done; those whose fence is old are left to their new holder. Returns how many were ours."""
    rows = [(one.id, one.fence, State.WORKING.value) for one in claims]
    table = connection.ops.quote_name(model._meta.db_table)
    done, now = 0, _moment(clock.now())
    with connection.cursor() as cursor:
        for start in range(0, len(rows), 500):
            batch = rows[start : start + 500]
            marks = ", ".join(["(%s, %s, %s)"] * len(batch))
            sql = f"UPDATE {table} SET state = 'done', done_at = %s, code = '' WHERE (id, fence, state) IN (VALUES {marks})"  # noqa: E501, S608 — the model's own name
            cursor.execute(sql, [now, *(value for row in batch for value in row)])
            done += cursor.rowcount
    return done


def fail(
    model: type[Delivery], held: Claim, code: str, *, retry_after: float | None = None, permanent: bool = False
) -> bool:
    """Put the delivery off (with growing, jittered pauses) or park it; False when the claim was no longer ours.

    `code` is a short word for programs and the error queue: never the text of an exception, which may hold secrets.
    `retry_after` in seconds overrules the pause upwards.
    """
    parked = permanent or held.attempts >= MOST_ATTEMPTS
    pause = max(backoff(held.attempts), retry_after or 0.0)
    changed = model._default_manager.filter(pk=held.id, fence=held.fence, state=State.WORKING).update(
        state=State.PARKED if parked else State.DUE,
        not_before=clock.now() + dt.timedelta(seconds=pause),
        claimed_until=None,
        code=code[:60],
    )
    return bool(changed)


def release(model: type[Delivery], claims: Iterable[Claim]) -> None:
    """Hand claims back untried (the worker is stopping): due at once, the attempt not counted."""
    for one in claims:
        model._default_manager.filter(pk=one.id, fence=one.fence, state=State.WORKING).update(
            state=State.DUE, claimed_until=None, attempts=models.F("attempts") - 1
        )


def unpark(model: type[Delivery], ids: Iterable[int]) -> int:
    """Fix and re-run: let parked deliveries be tried again from the start; returns how many."""
    parked = model._default_manager.filter(pk__in=list(ids), state=State.PARKED)
    return parked.update(state=State.DUE, attempts=0, not_before=clock.now(), code="")


def purge(model: type[Delivery], *, days: int = 7, limit: int = 10_000) -> int:
    """Delete deliveries done more than `days` ago (the events stay); returns how many."""
    old = model._default_manager.filter(state=State.DONE, done_at__lt=clock.now() - dt.timedelta(days=days))
    deleted, _by_model = model._default_manager.filter(pk__in=list(old.values_list("pk", flat=True)[:limit])).delete()
    return deleted


def backoff(attempts: int) -> float:
    """Return the pause in seconds after the n-th attempt: 5, 10, 20 … up to an hour, ± 20 % so that a herd spreads."""
    pause = min(FIRST_PAUSE * 2 ** max(attempts - 1, 0), LONGEST_PAUSE)
    return pause * random.uniform(0.8, 1.2)  # noqa: S311 — spread, not secrecy


def work(consumer: Consumer, *, limit: int = 200) -> int:
    """Claim one page for the consumer and let its handler do it; returns how many were claimed.

    What the handler raises fails every claim of the page that it left open: a domain error with its own code, a
    passing one to be tried again, any other with the name of its class.
    """
    from django.apps import apps

    if consumer.handler is None:
        raise ValueError(f"Consumer {consumer.name!r} has no handler.")
    model = apps.get_model(consumer.delivery)
    claims = claim(model, consumer.name, limit, seconds=consumer.seconds)
    if not claims:
        return 0
    try:
        consumer.handler(claims)
    except YikuError as error:
        _fail_all(model, claims, error.code, permanent=not error.retryable)
    except Exception as error:  # the loop must outlive any handler; the row keeps the code
        log.exception("consumer_failed", consumer=consumer.name, error=type(error).__name__)
        _fail_all(model, claims, type(error).__name__, permanent=False)
    return len(claims)


def _fail_all(model: type[Delivery], claims: Sequence[Claim], code: str, *, permanent: bool) -> None:
    for one in claims:
        fail(model, one, code, permanent=permanent)
