"""Nudges for the workers: what is due stands in our rows, so a doubled, lost or killed task harms nothing.

Each returns a short word and never raises: the queue would keep the text of an exception.
"""

from __future__ import annotations

import datetime as dt
import os
import socket
from collections.abc import Callable
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.db import DatabaseError

from backoffice import clock, locks
from backoffice.errors import YikuError
from backoffice.models import TaskAttempt
from finance import posting, ratebook
from finance.models import ExchangeRate

POSTING, RATES = "books:posting", "books:rates"
FRANKFURT = ZoneInfo("Europe/Berlin")
PUBLISHED = dt.time(16, 30)  # the ECB says “around 16:00 CET”
PAUSE = dt.timedelta(hours=1)  # between two tries of the rates
log = structlog.get_logger(__name__)


def post_due(limit: int = 1000) -> str:
    """Post what is due. Call it every few seconds and on the wake-up `posting`; several at once are safe."""
    if not posting.has_work():
        return "idle"
    return _traced(POSTING, lambda: _post(limit))


def fetch_rates() -> str:
    """Fetch the ECB's rates when a new day's must be out and none of the last hour's tries got them.

    Call it every few minutes. The setting ECB_RATES turns it off.
    """
    if not getattr(settings, "ECB_RATES", True) or not rates_due():
        return "idle"
    with locks.lease(RATES, _worker(), 180) as held:
        return _traced(RATES, _fetch) if held and rates_due() else "idle"


def rates_due() -> bool:
    """Say whether rates were published that we neither have nor asked for within the last hour."""
    newest = ExchangeRate.objects.filter(source=ExchangeRate.Source.ECB).order_by("-on").values_list("on", flat=True)
    if (newest.first() or dt.date.min) >= last_published(clock.now()):
        return False
    tried = TaskAttempt.objects.filter(name=RATES, started_at__gt=clock.now() - PAUSE)
    return not tried.exists()


def last_published(moment: dt.datetime) -> dt.date:
    """Return the newest day whose rates must be out: working days, from the afternoon on in Frankfurt."""
    local = moment.astimezone(FRANKFURT)
    day = local.date() if local.time() >= PUBLISHED else local.date() - dt.timedelta(days=1)
    return day - dt.timedelta(days=max(0, day.weekday() - 4))


def _post(limit: int) -> str:
    result = posting.post_due(limit)
    return f"posted {result.posted}, failed {result.failed}"


def _fetch() -> str:
    steps = ratebook.fetch_and_import()
    return f"added {sum(step.adds for step in steps)}"


def _traced(name: str, work: Callable[[], str]) -> str:
    """Leave a row before the work, so that a killed worker can be seen; end it with a code when the work fails."""
    try:
        attempt = TaskAttempt.objects.create(
            name=name, started_at=clock.now(), worker=f"{socket.gethostname()}:{os.getpid()}"
        )
        outcome, code, answer = _tried(name, work)
        TaskAttempt.objects.filter(pk=attempt.pk).update(ended_at=clock.now(), outcome=outcome, code=code)
    except DatabaseError as error:
        log.warning("task_not_traced", task=name, error=type(error).__name__)
        return "database"
    return answer


def _tried(name: str, work: Callable[[], str]) -> tuple[str, str, str]:
    try:
        return "ok", "", work()
    except YikuError as error:
        log.warning("task_refused", task=name, code=error.code)
        return "failed", error.code[:60], error.code
    except Exception as error:  # the queue would store the exception's text
        log.exception("task_failed", task=name, error=type(error).__name__)
        return "failed", type(error).__name__[:60], type(error).__name__


def _worker() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"
