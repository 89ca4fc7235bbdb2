"""Work the times of open orders out again: after a handling time changed, each night, and where none stands yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from functools import partial

from django.db import transaction
from django.db.models import F

from backoffice import bulk, clock, locks, longwork, progress
from backoffice.models import User
from orders.late import due
from orders.models import Order, ShipPolicy

PAGE = 500  # orders locked together: a clerk who wants one of them waits for milliseconds
MOST_MISSING = 2_000
KIND, TASK = "orders.late_clock", "orders.tasks.late_clock"
NIGHTLY = 0  # instead of a progress row
PATIENCE = dt.timedelta(minutes=10)  # with a task that says nothing


def begin(*, policy: ShipPolicy, user: User) -> ShipPolicy:
    """Let open orders follow a policy that was changed: with the workers, or now without any."""
    policy.progress = progress.start(KIND, user).row
    policy.save(update_fields=["progress"])
    if longwork.workers_alive():
        transaction.on_commit(partial(longwork.enqueue, TASK, policy.progress.pk))  # not before the worker can see it
    else:
        run(policy.progress.pk)
    return policy


def run(progress_id: int) -> str:
    """Do it under the bar, in the name of who changed the policy. Repeating it changes nothing."""
    if progress_id == NIGHTLY:
        return nightly()
    meter = progress.resume(progress_id)
    owner = meter.row.owner
    if meter.row.state == progress.DONE or owner is None:
        return "done already"
    return longwork.in_the_name_of(owner, progress_id, lambda bar: _all(bar))


def nightly() -> str:
    """Look at every open order: holidays may have come with a new release, or a policy's task was lost."""
    _all(None)
    return "ok"


def start_nightly() -> None:
    """Let the workers do it; without any it is done here."""
    if longwork.workers_alive():
        longwork.enqueue(TASK, NIGHTLY)
    else:
        nightly()


def overdue_policies() -> int:
    """Take up policies whose change never reached the orders (a worker died over it); returns how many there are."""
    running = {"progress__state": progress.RUNNING, "progress__updated_at__gt": clock.now() - PATIENCE}
    lost = ShipPolicy.objects.exclude(applied=F("revision")).exclude(**running).count()
    if lost:
        start_nightly()
    return lost


def _all(meter: progress.Meter | None) -> None:
    revisions = dict(ShipPolicy.objects.values_list("pk", "revision"))
    found = list(Order.objects.filter(state__in=due.CLOCKED).values_list("pk", flat=True))
    if meter is not None:
        meter.total(len(found))
    changed = 0
    for page in _pages(found):
        changed += _page(page)
        if meter is not None:
            meter.step(len(page))
    for pk, revision in revisions.items():
        ShipPolicy.objects.filter(pk=pk, revision=revision).update(applied=revision)
    if meter is not None:
        meter.finish({"changed": changed})


def _pages(order_ids: Iterable[int]) -> Iterator[list[int]]:
    every = sorted(order_ids)
    for start in range(0, len(every), PAGE):
        yield every[start : start + PAGE]


@transaction.atomic
def _page(order_ids: Iterable[int]) -> int:
    """Correct what is wrong among these orders; returns how many were."""
    columns = ("pk", "state", "shop_id", "placed_at", "paid_at", "ship_by", "due_at")
    wanted = Order.objects.filter(pk__in=list(order_ids), state__in=due.CLOCKED).only(*columns)
    rows = due.wrong(locks.locked_rows(wanted), due.handlings())
    if rows:
        bulk.update_rows(Order, ["id"], ["due_at"], rows, prepared=True)
    return len(rows)


def missing(limit: int = MOST_MISSING) -> int:
    """Give a time to open orders that came in another way than through intake; returns how many got one."""
    rules = due.handlings()
    without = Order.objects.filter(state__in=due.CLOCKED, due_at__isnull=True)
    promised = without.filter(ship_by__isnull=False, ship_by__lt=due.LAST)
    owed = without.filter(shop_id__in=list(rules)) if rules else without.none()
    found = {*promised.values_list("pk", flat=True)[:limit], *owed.values_list("pk", flat=True)[:limit]}
    return sum(_page(page) for page in _pages(found))


def soon(now: dt.datetime | None = None) -> dict[int | None, dt.datetime]:
    """Return up to when an order of a shop is soon late; None is for shops without hours of their own."""
    moment = now or clock.now()
    hours = {None: 4, **due.soon_hours()}
    return {shop: moment + dt.timedelta(hours=many) for shop, many in hours.items()}
