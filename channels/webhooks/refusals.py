"""Refused calls are counted in memory and written out now and then: a flood must not write to the database."""

from __future__ import annotations

import threading
import time
from collections import Counter

from django.db import DatabaseError
from django.db.models import F

from backoffice import clock
from channels.models import WebhookRefusal

EVERY = 10.0  # seconds between two writes of this process

_lock = threading.Lock()
_counts: Counter[tuple[str, int, str]] = Counter()
_written_at = 0.0


def count(platform: str, account_number: int, code: str) -> None:
    """Count one refused call; `account_number` 0 when the address named no account."""
    global _written_at
    with _lock:
        _counts[platform[:30], account_number, code[:60]] += 1
        due = time.monotonic() - _written_at >= EVERY
        if due:
            _written_at = time.monotonic()
    if due:
        flush()


def flush() -> None:
    """Write the counts out. When the database is away they stay in memory for the next time."""
    with _lock:
        mine = dict(_counts)
        _counts.clear()
    for (platform, account_number, code), number in mine.items():
        try:
            _add(platform, account_number, code, number)
        except DatabaseError:
            with _lock:
                _counts[platform, account_number, code] += number


def _add(platform: str, account_number: int, code: str, number: int) -> None:
    now = clock.now()
    row, _made = WebhookRefusal.objects.get_or_create(
        platform=platform, account_number=account_number, code=code, day=now.date(), defaults={"last_at": now}
    )
    WebhookRefusal.objects.filter(pk=row.pk).update(count=F("count") + number, last_at=now)
