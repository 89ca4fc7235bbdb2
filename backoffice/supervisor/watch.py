"""Is it alive? Judged by signs of life in the database and by answers, never by the process list.

A django-q cluster whose worker was killed while idle stands there for ever doing nothing: its process exists.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable

from django.db import Error, close_old_connections, connection

from backoffice import clock, health
from backoffice.models import Heartbeat

LOOK_EVERY = 5.0
ASK_FOR_A_BEAT_AFTER = 45.0  # seconds; with several machines any of them may take the beat, so ask until ours does
SILENT = {"worker": 150.0, "dispatcher": 90.0, "web": 60.0}


class Watch(threading.Thread):
    """Looks every few seconds and notes since when each kind of process here has been silent."""

    def __init__(self, host: str, port: int | None, kinds: set[str]) -> None:
        super().__init__(name="watch", daemon=True)
        self._address = (host, port)
        self._kinds = kinds
        self._seen: dict[str, float] = {}
        self._stop = threading.Event()
        self.healthy = False  # what /healthz last said

    def run(self) -> None:
        """Look until stopped. A database that is away says nothing about the processes: nobody is judged then."""
        while not self._stop.wait(LOOK_EVERY):
            self.look()

    def stop(self) -> None:
        """End with the next look."""
        self._stop.set()

    def look(self) -> None:
        """Look once."""
        if "web" in self._kinds and self._web_answers():
            self._note("web")
        try:
            close_old_connections()
            for kind in self._kinds - {"web"}:
                self._look_for(kind)
        except Error:
            connection.close()
            for kind in self._kinds - {"web"}:
                self._note(kind)

    def silence(self, kind: str, uptime: float) -> float:
        """Return for how many seconds `kind` has been silent, at most since its start `uptime` seconds ago."""
        return min(time.monotonic() - self._seen.get(kind, float("-inf")), uptime)

    def is_dead(self, kind: str, uptime: float) -> bool:
        """True when it has been silent too long to be alive."""
        return self.silence(kind, uptime) > SILENT[kind]

    def _note(self, kind: str) -> None:
        self._seen[kind] = time.monotonic()

    def _look_for(self, kind: str) -> None:
        rows = Heartbeat.objects.filter(kind=kind, name__startswith=f"{kind}@{socket.gethostname()}")
        newest = rows.order_by("-beat_at").values_list("beat_at", flat=True).first()
        age = (clock.now() - newest).total_seconds() if newest else float("inf")
        if age < SILENT[kind]:
            self._seen[kind] = time.monotonic() - max(age, 0.0)
        if kind == "worker" and age > ASK_FOR_A_BEAT_AFTER:
            health.enqueue_worker_beat()

    def _web_answers(self) -> bool:
        status = answer_of(self._address[0], self._address[1] or 0)
        self.healthy = status == 200
        return status is not None


def answer_of(host: str, port: int, path: str = "/healthz") -> int | None:
    """Return the status that the web process answers with within 10 s; None when it does not answer."""
    link = http.client.HTTPConnection(host, port, timeout=10)
    try:
        link.request("GET", path, headers={"Host": "127.0.0.1"})
        return link.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        link.close()


def until(condition: Callable[[], bool], seconds: float, pause: float = 0.2) -> bool:
    """Wait until the condition holds; False when it does not within `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(pause)
    return condition()
