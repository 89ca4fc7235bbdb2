"""One small POST to a gateway or robot: only to checked public addresses, no redirects, a deadline, little read back.

The shops' connectors have their own client with pools and budgets; this is for a message now and then.
"""

from __future__ import annotations

import dataclasses
import http.client
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from backoffice.egress import EgressError, Guard

MOST_READ = 64 * 1024
SECONDS = 15.0


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What came back: at most 64 KB of it."""

    status: int
    text: str


class CallFailed(Exception):
    """No answer. `permanent` when the address itself is the fault."""

    def __init__(self, code: str, *, permanent: bool = False) -> None:
        super().__init__(code)
        self.code, self.permanent = code, permanent


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, allow: Sequence[str] = (), seconds: float = SECONDS
) -> Answer:
    """Send one body and return the answer. Raises CallFailed; a redirect is an answer, never followed."""
    ends = time.monotonic() + seconds
    guard = Guard(allow)
    try:
        target = guard.check_url(url)
        addresses = guard.addresses(target.host, target.port, seconds=seconds)
    except EgressError as error:
        raise CallFailed(error.code, permanent=error.permanent) from None
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = _connection(target.scheme, target.host, target.port, addresses[0][1], seconds)
    try:
        connection.request("POST", path, body, {"User-Agent": "Yiku", "Connection": "close", **headers})
        answer = connection.getresponse()
        return Answer(answer.status, _read(answer, connection, ends).decode("utf-8", "replace"))
    except ssl.SSLError:
        raise CallFailed("tls") from None
    except TimeoutError:
        raise CallFailed("timeout") from None
    except (OSError, http.client.HTTPException, ValueError):
        raise CallFailed("connect") from None
    finally:
        connection.close()


def _connection(scheme: str, host: str, port: int, address: str, seconds: float) -> http.client.HTTPConnection:
    """A connection that speaks to the name and goes to the address which was checked."""
    name = host.strip("[]")
    made = (
        http.client.HTTPSConnection(name, port, timeout=seconds, context=ssl.create_default_context())
        if scheme == "https"
        else http.client.HTTPConnection(name, port, timeout=seconds)
    )

    def connect(place: tuple[str, int], *more: object) -> socket.socket:
        return socket.create_connection((address, place[1]), seconds)

    made._create_connection = connect  # type: ignore[attr-defined]
    return made


def _read(answer: http.client.HTTPResponse, connection: http.client.HTTPConnection, ends: float) -> bytes:
    """Read little by little, so that a drip of bytes cannot outlast the deadline."""
    found = b""
    while len(found) < MOST_READ:
        left = ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if connection.sock is not None:
            connection.sock.settimeout(left)
        part = answer.read1(8192)
        if not part:
            break
        found += part
    return found[:MOST_READ]
