"""Signs of life: every process writes its row, health is the age of the newest one."""

from __future__ import annotations

import datetime as dt
import os
import socket
import threading
import time
from typing import Any

import structlog
from django.db import DatabaseError, close_old_connections, connection

from backoffice import clock
from backoffice.models import Heartbeat

# Seconds without a sign until a kind of process counts as dead. A worker beats from its queue, behind real work.
DEAD_AFTER = {"web": 60, "worker": 150, "dispatcher": 60}
BEAT_EVERY = 15.0
log = structlog.get_logger(__name__)


def process_name(kind: str) -> str:
    """Return `web@host:pid`."""
    return f"{kind}@{socket.gethostname()}:{os.getpid()}"[:120]


def beat(kind: str, *, name: str = "", detail: dict[str, Any] | None = None) -> None:
    """Write this process's sign of life. Raises DatabaseError when the database is away."""
    now = clock.now()
    Heartbeat.objects.update_or_create(
        name=name or process_name(kind),
        defaults={"kind": kind, "beat_at": now, "detail": detail or {}},
        create_defaults={"kind": kind, "beat_at": now, "started_at": now, "detail": detail or {}},
    )


def worker_beat() -> str:
    """The tiny job that the dispatcher enqueues: only a worker that really takes jobs writes this row."""
    beat("worker", name=f"worker@{socket.gethostname()}")
    return "ok"


def enqueue_worker_beat() -> None:
    """Put one beat into the queue; the dispatcher calls it every 20 s. An unworked beat is not queued twice."""
    from django_q.models import OrmQ
    from django_q.tasks import async_task

    if OrmQ.objects.count() < 50:  # a queue nobody works off needs no further letters
        async_task("backoffice.health.worker_beat", task_name="beat", save=False)


def ages() -> dict[str, float | None]:
    """Return the seconds since the newest sign per kind of process; None when there never was one."""
    newest: dict[str, dt.datetime] = {}
    for kind, at in Heartbeat.objects.filter(kind__in=DEAD_AFTER).values_list("kind", "beat_at"):
        newest[kind] = max(at, newest.get(kind, at))
    now = clock.now()
    return {kind: (now - newest[kind]).total_seconds() if kind in newest else None for kind in DEAD_AFTER}


def report() -> dict[str, Any]:
    """Return `{"ok": bool, "dead": [...]}`: no names of hosts, no versions, no figures of the business."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        found = ages()
    except DatabaseError as error:
        log.error("health_database_away", error=type(error).__name__)
        return {"ok": False, "dead": ["database"]}
    dead = [kind for kind, age in found.items() if kind != "web" and (age is None or age > DEAD_AFTER[kind])]
    return {"ok": not dead, "dead": dead}


def forget_the_dead(*, hours: int = 24) -> int:
    """Delete the rows of processes that have been silent for long; returns how many."""
    deleted, _by_model = Heartbeat.objects.filter(beat_at__lt=clock.now() - dt.timedelta(hours=hours)).delete()
    return deleted


class BeatingThread(threading.Thread):
    """Writes a web process's sign of life in the background until the process ends."""

    def __init__(self, kind: str) -> None:
        super().__init__(name=f"beat-{kind}", daemon=True)
        self.kind = kind

    def run(self) -> None:
        """Beat for ever; a database that is away is noted and tried again."""
        while True:
            try:
                close_old_connections()
                beat(self.kind)
            except DatabaseError as error:
                log.warning("beat_failed", kind=self.kind, error=type(error).__name__)
                connection.close()
            time.sleep(BEAT_EVERY)
