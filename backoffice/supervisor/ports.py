"""Ports: the one asked for must be free, the sandbox shops take any that is, and keep it while they can."""

from __future__ import annotations

import socket
from collections.abc import Iterable


def is_free(host: str, port: int) -> bool:
    """True when a server can listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str, wish: int | None = None, taken: Iterable[int] = ()) -> int:
    """Return the wished port while it is free, else one the system gives that is not `taken`."""
    if wish and wish not in taken and is_free(host, wish):
        return wish
    while True:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((host, 0))
            port = int(probe.getsockname()[1])
        if port not in taken:
            return port
