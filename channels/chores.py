"""Housekeeping of the whole installation: due every so often, done by one process at a time, harmless to repeat."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q

from backoffice import clock, health, locks, outbox
from backoffice.chores import Chore, registered
from backoffice.models import Lease, TaskAttempt
from backoffice.progress import RUNNING
from backoffice.spreadsheets import uploads
from channels import payloads, reruns
from channels.models import OrderFile, PollRun
from channels.webhooks import refusals
from channels.working import worker_name
from finance import tasks as finance
from inventory.reservations import expire_demand
from orders import feed
from orders.desk import review

FEED_PAGE = 500
KEEP_RUNS = dt.timedelta(days=30)
KEEP_ATTEMPTS = dt.timedelta(days=14)
KEEP_UNCONFIRMED = dt.timedelta(hours=1)


def run(chore: Chore) -> None:
    """Do it, unless somebody did within the interval: a lease that runs out is its clock."""
    if locks.acquire(f"chore:{chore.name}", worker_name(), chore.every) is not None:
        chore.work()


def due() -> list[Chore]:
    """Return the chores whose interval is over; one query."""
    now = clock.now()
    resting = set(
        Lease.objects.filter(name__startswith="chore:")
        .filter(Q(until__gt=now) & Q(until__lte=now + dt.timedelta(days=1) + locks.CLOCK_SLACK))
        .values_list("name", flat=True)
    )
    return [chore for chore in (*CHORES, *registered()) if f"chore:{chore.name}" not in resting]


def _expire_demand() -> None:
    """Give back the goods of orders that were never paid."""
    expire_demand(clock.now())


def _let_go() -> None:
    """Review orders whose hold was for some hours only."""
    review.let_go(clock.now())


def _feed() -> None:
    """Number what changed, for the readers of /orders/changes."""
    published = FEED_PAGE
    while published == FEED_PAGE:
        published = feed.publish(holder=worker_name(), limit=FEED_PAGE)


def _tidy() -> None:
    now = clock.now()
    forgotten = OrderFile.objects.filter(taken_at__isnull=True, uploaded_at__lt=now - KEEP_UNCONFIRMED)
    forgotten.exclude(progress__state=RUNNING, progress__updated_at__gt=now - KEEP_UNCONFIRMED).delete()
    cut_off = PollRun.objects.filter(kind="file", ended_at__isnull=True, started_at__lt=now - KEEP_UNCONFIRMED)
    cut_off.update(ended_at=now, outcome="lost")
    PollRun.objects.filter(started_at__lt=now - KEEP_RUNS, parked=0, created=0, changed=0).delete()
    TaskAttempt.objects.filter(started_at__lt=now - KEEP_ATTEMPTS).delete()
    health.forget_the_dead()
    uploads.clean_up()
    refusals.flush()


def _purge_deliveries() -> None:
    from django.apps import apps

    for label in {consumer.delivery for consumer in outbox.consumers()}:
        outbox.purge(apps.get_model(label))


CHORES = (
    Chore("posting", 2.0, finance.post_due),
    Chore("feed", 2.0, _feed),
    Chore("rates", 600.0, finance.fetch_rates),
    Chore("demand", 30.0, _expire_demand),
    Chore("holds", 20.0, _let_go),
    Chore("reruns", 5.0, reruns.run_due),
    Chore("payloads", 600.0, payloads.expire),
    Chore("tidy", 900.0, _tidy),
    Chore("deliveries", 3600.0, _purge_deliveries),
)
