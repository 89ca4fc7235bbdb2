"""Tell a sleeping process that there is work: for speed only, the work itself is always a row.

PostgreSQL carries the news with NOTIFY between machines. SQLite lives on one machine: there a datagram to the local
sockets of the listeners does it. A lost wake-up costs one polling interval, nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import select
import socket
import tempfile
import time
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog
from django.conf import settings
from django.db import Error, connection, transaction

CHANNEL = "yiku_wake"
LONGEST_ADDRESS = 103  # bytes of a local socket's path: sun_path of macOS, less its end; Linux has four more
LONGEST_NAME = 40  # of them for "/", a process's number, an object's and ".sock"
log = structlog.get_logger(__name__)


def wake(name: str) -> None:
    """Wake the listeners once this transaction has committed; a name waiting already is not queued twice."""
    hooks: list[Any] = [hook[1] for hook in connection.run_on_commit]
    pending = {hook.args[0] for hook in hooks if getattr(hook, "func", None) is send}
    if name not in pending:
        transaction.on_commit(partial(send, name), robust=True)


def send(name: str) -> None:
    """Wake the listeners now. Never raises: nobody's work may fail because nobody listens."""
    try:
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, name])
        else:
            _send_locally(name)
    except (OSError, Error) as error:
        log.info("wake_failed", name=name, error=type(error).__name__)


def _socket_dir() -> Path:
    """Where the sockets lie: with the data, or under a short name of its own where the system could not name them."""
    folder = Path(settings.VAR_DIR).absolute() / "wake"
    if len(os.fsencode(folder)) + LONGEST_NAME <= LONGEST_ADDRESS:
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"yiku-wake-{os.getuid()}-{digest}"


def _send_locally(name: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
        for path in _socket_dir().glob("*.sock"):
            try:
                sender.sendto(name.encode(), str(path))
            except BlockingIOError:
                continue  # its buffer is full: it is awake already
            except (ConnectionRefusedError, FileNotFoundError):
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()  # left behind by a process that was killed


def _driver_error() -> type[Exception]:
    """The listening connection is the driver's own, so are its errors."""
    error: type[Exception] = connection.Database.Error  # type: ignore[attr-defined]
    return error


class Listener:
    """Waits for wake-ups: `with Listener() as ears: names = ears.wait(1.0)`."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._path: Path | None = None
        self._connection: Any = None

    def __enter__(self) -> Listener:
        try:
            self._open()
        except (OSError, Error, _driver_error()) as error:
            log.warning("wake_listener_deaf", error=str(error))  # it works by its interval; `wait` tries again
            self._close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def wait(self, seconds: float) -> set[str]:
        """Return the names that were called, at the latest after `seconds` (then an empty set)."""
        try:
            if connection.vendor == "postgresql":
                return self._wait_postgresql(seconds)
            return self._wait_locally(seconds)
        except (OSError, ValueError, Error, _driver_error()) as error:
            log.warning("wake_listener_lost", error=type(error).__name__)
            self._close()
            time.sleep(min(seconds, 1.0))
            with contextlib.suppress(OSError, Error, _driver_error()):
                self._open()
            return set()

    def _open(self) -> None:
        if connection.vendor == "postgresql":
            self._connection = connection.get_new_connection(connection.get_connection_params())
            self._connection.autocommit = True
            self._connection.execute(f"LISTEN {CHANNEL}")
            return
        folder = _socket_dir()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            raise OSError(f"{folder} is somebody else's")
        self._path = folder / f"{os.getpid()}-{id(self):x}.sock"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(self._path))

    def _close(self) -> None:
        if self._socket:
            self._socket.close()
        if self._path:
            self._path.unlink(missing_ok=True)
        if self._connection:
            self._connection.close()
        self._socket = self._path = self._connection = None

    def _wait_postgresql(self, seconds: float) -> set[str]:
        if self._connection is None:
            raise OSError("not listening")
        names = {note.payload for note in self._connection.notifies(timeout=seconds, stop_after=1)}
        return names | {note.payload for note in self._connection.notifies(timeout=0)}

    def _wait_locally(self, seconds: float) -> set[str]:
        if self._socket is None:
            raise OSError("not listening")
        select.select([self._socket], [], [], seconds)
        names: set[str] = set()
        with contextlib.suppress(BlockingIOError):
            while True:
                names.add(self._socket.recv(256).decode(errors="replace"))
        return names
