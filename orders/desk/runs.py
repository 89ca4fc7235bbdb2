"""Long works of the desk: begun by a page, done with the workers under a progress bar, or at once when they are short.

A work is a function of the run and the meter. It may be begun twice (a task is delivered again): each must be harmless
to repeat.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import transaction

from backoffice import clock, longwork, progress
from backoffice.models import User
from orders.models import DeskRun

TASK = "orders.tasks.desk_run"
KEEP = dt.timedelta(days=7)
SILENT = dt.timedelta(minutes=10)  # no step of any work takes so long
Work = Callable[[DeskRun, progress.Meter], None]
_works: dict[str, Work] = {}


def register(kind: str, work: Work) -> None:
    """Say what does the works of a kind; it fills `run.result`."""
    _works[kind] = work


def begin(*, kind: str, owner: User, params: dict[str, Any], total: int, long: bool) -> DeskRun:
    """Begin a work; a short one is done when this returns, a long one goes to the workers if there are any."""
    DeskRun.objects.filter(owner=owner, started_at__lt=clock.now() - KEEP).delete()
    meter = progress.start(f"orders.{kind}", owner, total)
    run = DeskRun.objects.create(
        owner=owner, kind=kind, params=params, started_at=clock.now(), progress=meter.row
    )  # fmt: skip
    if long and longwork.workers_alive():
        transaction.on_commit(partial(longwork.enqueue, TASK, run.pk))  # not before the worker can see it
    else:
        work(run.pk)
        run.refresh_from_db()
    return run


def work(pk: int) -> str:
    """Do a run in the name of who began it; one that is done is left alone."""
    run = DeskRun.objects.select_related("owner", "progress").filter(pk=pk).first()
    if run is None or run.ended_at is not None or run.progress is None:
        return "done already"
    return longwork.in_the_name_of(run.owner, run.progress.pk, lambda meter: _go_on(run, meter))


def _go_on(run: DeskRun, meter: progress.Meter) -> None:
    meter.row.state = progress.RUNNING  # one that was cut off, or failed, is gone on with
    _works[run.kind](run, meter)


def running(run: DeskRun) -> bool:
    """True while a worker has it, or will; one whose bar has stood still for long was left by a worker that died."""
    bar = run.progress
    if run.ended_at is not None or bar is None or bar.state != progress.RUNNING:
        return False
    return bar.updated_at > clock.now() - SILENT


def finish(run: DeskRun) -> None:
    """Keep the result of a run that is done."""
    run.ended_at = clock.now()
    run.save(update_fields=["result", "ended_at"])
