"""The loop that turns due rows into work within a tenth of a second.

What must be quick (calls that arrived, news of the stock, figures and parcels to send) runs in this process's threads;
what may take long (walks, listings, drift) is handed to the task workers, or done here while there are none. Nothing
depends on this process: each job is a row under a lease, so two dispatchers share the work, a killed one loses none.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from django.apps import apps
from django.db import Error, close_old_connections, connection
from django.db.models import Q

from backoffice import clock, health, longwork, outbox
from backoffice.waking import Listener
from channels import chores, due, restored, tasks, tracking, working
from channels.push import jobs
from channels.webhooks import process
from channels.webhooks.receive import WAKE as HOOKS

TICK = 0.2  # seconds without a wake-up until everything is looked at anyway
BEAT_EVERY, WORKER_BEAT_EVERY, REGULAR_EVERY, MARK_EVERY = 5.0, 20.0, 0.5, 10.0
THREADS = 8
CALM_AFTER_FAULT = 1.0
log = structlog.get_logger(__name__)


class Dispatcher:
    """Finds due work and runs each piece once at a time in this process; leases keep it apart from other processes."""

    def __init__(self, *, threads: int = THREADS, inline: bool = False) -> None:
        self.inline = inline
        self.pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="dispatch")
        self._lock = threading.Lock()
        self._running: set[Hashable] = set()
        self._again: set[Hashable] = set()
        self._last: dict[str, float] = {}
        self.ears: Listener | None = None

    def run(self) -> None:
        """Loop until asked to stop, then let running work come to its next safe point."""
        log.info("dispatcher_started", inline=self.inline)
        with Listener() as ears:
            self.ears = ears
            restored.check()
            due.soon_everywhere(due.HOOKS)  # the address at which platforms reach us may be another now
            while not working.stopping():
                self.once()
                self.quick(ears.wait(TICK))
        self.pool.shutdown(wait=True, cancel_futures=True)
        log.info("dispatcher_stopped")

    def once(self) -> None:
        """Look at everything once."""
        every = (self._hooks, self._consumers, self._push, self._tracking, self._regular, self._chores)
        self._look((self._life, *every))

    def quick(self, names: set[str]) -> None:
        """Look only at what was called, as long as calls keep coming; everything else still has its turn."""
        quiet_at = time.monotonic() + TICK
        while names and time.monotonic() < quiet_at and not working.stopping():
            self._look(tuple(dict.fromkeys(find for name in sorted(names) for find in self._of(name))))
            names = self.ears.wait(max(quiet_at - time.monotonic(), 0.0)) if self.ears else set()

    def _of(self, name: str) -> tuple[Callable[[], None], ...]:
        """What a wake-up means: `push` is the stock's news as well as a figure that is due."""
        known: dict[str, tuple[Callable[[], None], ...]] = {
            HOOKS: (self._hooks,),
            jobs.WAKE: (self._push, self._consumers),
            tracking.WAKE: (self._tracking, self._consumers),
        }
        return known.get(name, (self._consumers,))

    def _look(self, finders: Sequence[Callable[[], None]]) -> None:
        """Run finders. A database that is away is waited for, never fatal."""
        try:
            for find in finders:
                find()
        except Error as error:
            log.warning("dispatcher_database", error=type(error).__name__)
            connection.close()
            time.sleep(CALM_AFTER_FAULT)
            close_old_connections()

    def idle(self) -> bool:
        """Tell whether nothing is running here (benchmarks and tests wait for it)."""
        with self._lock:
            return not self._running

    # --- finding -----------------------------------------------------------------------------------------------------

    def _life(self) -> None:
        if self._every("beat", BEAT_EVERY):
            close_old_connections()
            health.beat("dispatcher", detail={"running": len(self._running)})
        if not self.inline and self._every("worker_beat", WORKER_BEAT_EVERY):
            health.enqueue_worker_beat()
        if self._every("mark", MARK_EVERY):
            restored.mark()

    def _hooks(self) -> None:
        for account_id in process.due_accounts():
            self._submit(("hooks", account_id), lambda account_id=account_id: tasks.hooks(account_id))  # type: ignore[misc]

    def _consumers(self) -> None:
        for consumer in outbox.consumers():
            if consumer.handler is not None and _has_work(consumer):
                self._submit(
                    ("consumer", consumer.delivery, consumer.name),
                    lambda consumer=consumer: _drain(consumer),  # type: ignore[misc]
                )

    def _push(self) -> None:
        for account_id in jobs.due_accounts():
            self._submit(("push", account_id), lambda account_id=account_id: tasks.push(account_id))  # type: ignore[misc]

    def _tracking(self) -> None:
        for account_id in tracking.due_accounts():
            self._submit(("tracking", account_id), lambda account_id=account_id: tracking.run(account_id))  # type: ignore[misc]

    def _regular(self) -> None:
        if not self._every("regular", REGULAR_EVERY):
            return
        here = self.inline or not longwork.workers_alive()
        for job in due.claim():
            if here:
                self._submit(("regular", job), lambda job=job: tasks.regular(job.kind, job.account_id))  # type: ignore[misc]
            else:
                _enqueue(job)

    def _chores(self) -> None:
        for chore in chores.due():
            self._submit(("chore", chore.name), lambda chore=chore: chores.run(chore))  # type: ignore[misc]

    def _every(self, name: str, seconds: float) -> bool:
        now = time.monotonic()
        if now - self._last.get(name, -seconds) < seconds:
            return False
        self._last[name] = now
        return True

    # --- doing -------------------------------------------------------------------------------------------------------

    def _submit(self, key: Hashable, work: Callable[[], Any]) -> None:
        """Run `work` unless it is running; then run it once more afterwards, for what came meanwhile."""
        with self._lock:
            if key in self._running:
                self._again.add(key)
                return
            self._running.add(key)
        self.pool.submit(self._do, key, work)

    def _do(self, key: Hashable, work: Callable[[], Any]) -> None:
        again = True
        while again and not working.stopping():
            self._once(key, work)
            with self._lock:
                again = key in self._again
                self._again.discard(key)
        with self._lock:
            self._running.discard(key)

    def _once(self, key: Hashable, work: Callable[[], Any]) -> None:
        close_old_connections()
        try:
            work()
        except Error as error:
            log.warning("work_database", work=str(key), error=type(error).__name__)
            connection.close()
            time.sleep(CALM_AFTER_FAULT)
        except Exception as error:  # the loop must outlive any piece of work; its rows keep what is left to do
            log.exception("work_failed", work=str(key), error=type(error).__name__)
            time.sleep(CALM_AFTER_FAULT)
        finally:
            # A thread that rests must not keep a connection longer than the setting CONN_MAX_AGE says.
            close_old_connections()


def _has_work(consumer: outbox.Consumer) -> bool:
    """Look before claiming: a claim is a write, and SQLite has one writer."""
    model: Any = apps.get_model(consumer.delivery)
    now = clock.now()
    ready = Q(state="due", not_before__lte=now) | Q(state="working", claimed_until__lte=now)
    return bool(model.objects.filter(ready, consumer=consumer.name).exists())


def _drain(consumer: outbox.Consumer) -> None:
    while not working.stopping() and outbox.work(consumer):
        pass


def _enqueue(job: due.Due) -> None:
    from django_q.tasks import async_task

    async_task("channels.tasks.regular", job.kind, job.account_id, task_name=f"{job.kind} {job.account_id}", save=False)
