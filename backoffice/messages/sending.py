"""The way out: claim what is due, let the channel's adapter send it, note what became of it.

As in the house's outbox: a claim is one conditional UPDATE with a growing fence, attempts are counted before the work,
a killed sender's rows are taken over when their claim ends, and its own late answer is refused by the fence.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import structlog
from django.db import connection
from django.db.models import F

from backoffice import clock
from backoffice.messages.registry import SendError, SendResult, adapter_of
from backoffice.models import OutgoingMessage
from backoffice.outbox import MOST_ATTEMPTS, backoff

State = OutgoingMessage.State
PAGE, SECONDS = 5, 150.0  # five messages of at most half a minute each end before the claim does
MOST_PAGES = 40
log = structlog.get_logger(__name__)


def send_due() -> int:
    """Send what is due; returns how many messages were tried. Harmless in two processes at once."""
    tried = 0
    for _page in range(MOST_PAGES):
        rows = claim(PAGE)
        for row in rows:
            send(row)
        tried += len(rows)
        if len(rows) < PAGE:
            break
    return tried


def claim(limit: int, *, seconds: float = SECONDS) -> list[OutgoingMessage]:
    """Take up to `limit` due messages, oldest first. Two senders never get the same one."""
    now = clock.now()
    _park_lost(now)
    if not OutgoingMessage.objects.filter(state__in=(State.QUEUED, State.FAILED, State.SENDING)).exists():
        return []  # a claim is a write, and SQLite has one writer
    adapt: Any = connection.ops.adapt_datetimefield_value
    skip = " FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    table = connection.ops.quote_name(OutgoingMessage._meta.db_table)
    sql = (
        f"UPDATE {table} SET state = 'sending', fence = fence + 1, attempts = attempts + 1, claimed_until = %s "  # noqa: S608 — the model's own name
        f"WHERE id IN (SELECT id FROM {table} WHERE state IN ('queued', 'failed', 'sending') "
        "AND ((state <> 'sending' AND not_before <= %s) OR (state = 'sending' AND claimed_until <= %s)) "
        f"ORDER BY not_before, id LIMIT %s{skip}) RETURNING id"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [adapt(now + dt.timedelta(seconds=seconds)), adapt(now), adapt(now), limit])
        ids = [row[0] for row in cursor.fetchall()]
    return list(OutgoingMessage.objects.filter(pk__in=ids).order_by("id"))


def _park_lost(now: dt.datetime) -> None:
    """What was started eight times and never ended kills its sender: a person looks at it."""
    OutgoingMessage.objects.filter(state=State.SENDING, claimed_until__lte=now, attempts__gte=MOST_ATTEMPTS).update(
        state=State.PARKED, code="lost", claimed_until=None, fence=F("fence") + 1
    )


def send(row: OutgoingMessage) -> bool:
    """Send one claimed message and note it; False when it did not go, or the claim was no longer ours."""
    adapter = adapter_of(row.channel)
    try:
        result = SendResult(by_hand=True) if adapter is None else adapter(row)
    except SendError as error:
        _failed(row, error.code, permanent=not error.retryable)
        return False
    except Exception as error:  # the loop must outlive any adapter; the row keeps the name of the fault
        log.exception("message_failed", message=row.pk, channel=row.channel, error=type(error).__name__)
        _failed(row, type(error).__name__, permanent=False)
        return False
    news: dict[str, Any] = {"state": State.BY_HAND} if result.by_hand else {"state": State.SENT, "sent_at": clock.now()}
    return _note(row, code="", answer=result.answer[:200], claimed_until=None, **news)


def _failed(row: OutgoingMessage, code: str, *, permanent: bool) -> None:
    parked = permanent or row.attempts >= MOST_ATTEMPTS
    pause = dt.timedelta(seconds=backoff(row.attempts))
    state = State.PARKED if parked else State.FAILED
    _note(row, state=state, code=code[:60], claimed_until=None, not_before=clock.now() + pause)
    log.warning("message_not_sent", message=row.pk, channel=row.channel, code=code, parked=parked)


def _note(row: OutgoingMessage, **news: Any) -> bool:
    mine = OutgoingMessage.objects.filter(pk=row.pk, fence=row.fence, state=State.SENDING)
    return bool(mine.update(**news))
