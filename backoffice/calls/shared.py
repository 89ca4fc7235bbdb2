"""The one HTTP client of a process, within the addresses the operator allows."""

from __future__ import annotations

import os
import threading

from django.conf import settings

from backoffice.calls.errors import HttpClient

_client_lock = threading.Lock()
_clients: dict[tuple[int, tuple[str, ...]], HttpClient] = {}


def shared_client() -> HttpClient:
    """Return this process's HTTP client: kept-alive connections, shared by its threads, not by forked children.

    A client keeps to the addresses it was made for, so another `EGRESS_ALLOW` makes another client.
    """
    key = (os.getpid(), tuple(settings.EGRESS_ALLOW))
    with _client_lock:
        if key not in _clients:
            from backoffice.calls.http import make_client

            _clients.clear()
            _clients[key] = make_client(allow=settings.EGRESS_ALLOW, pool_size=16)
        return _clients[key]
