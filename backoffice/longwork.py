"""Work that takes longer than a page may: handed to the task workers, done in the person's name, followed by a bar.

A task gets ids only and never raises. What is pending stands in a row of its own: a doubled task finds it done, a lost
one is started again (by the queue, or by the person who waits).
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.utils import translation

from backoffice import audit, health, progress
from backoffice.errors import YikuError
from backoffice.models import User

log = structlog.get_logger(__name__)


def workers_alive() -> bool:
    """True when somebody takes tasks."""
    age = health.ages().get("worker")
    return age is not None and age < health.DEAD_AFTER["worker"]


def enqueue(task: str, *arguments: object) -> None:
    """Hand a task (the dotted path of a function) to the workers; `arguments` are ids and flags."""
    from django_q.tasks import async_task

    async_task(task, *arguments, task_name=task.rpartition(".")[2], save=False)


def in_the_name_of(owner: User, progress_id: int, work: Callable[[progress.Meter], None]) -> str:
    """Do it as the person and in the person's language, under the progress bar; never raises: returns a short code."""
    meter = progress.resume(progress_id)
    language = owner.language or translation.get_language() or "en"
    try:
        with audit.acting_as(audit.user_actor(owner)), translation.override(language), progress.followed(meter):
            work(meter)
    except YikuError as refusal:
        return refusal.code
    except Exception as error:
        log.exception("long_work_failed", kind=meter.row.kind, progress=progress_id, error=type(error).__name__)
        return type(error).__name__
    return "ok"
