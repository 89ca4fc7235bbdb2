"""The one way out: an HTTP client that a hostile or broken store can neither hang, fill nor turn on our own network.

Built on urllib3 (what requests stands on) because the checks belong where the socket is opened and read: each read
looks at the call's deadline and byte budget, and a socket is only ever opened to an address the guard has checked.
There are no cookies, no proxies from the environment and no .netrc. Connections are kept alive and shared by threads.
"""

from __future__ import annotations

import datetime as dt
import json as jsonlib
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar
from urllib.parse import quote, urlencode, urljoin, urlsplit

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.ssl_ import create_urllib3_context

from backoffice.calls.answers import load_json, parse_json, redact, retry_after, split_rows
from backoffice.calls.egress import Guard, Resolver, system_resolver
from backoffice.calls.errors import CallError, HttpResponse

__all__ = ["PooledClient", "load_json", "make_client", "parse_json", "redact", "retry_after", "split_rows"]

MEGABYTE = 1024 * 1024
MAX_BYTES = 20 * MEGABYTE
OVERHEAD_BYTES = MEGABYTE  # headers and chunk sizes, beside the body
MAX_REDIRECTS = 2
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
USER_AGENT = "Yiku"


class _Call(threading.local):
    """The call this thread is in: sockets are pooled, so the deadline belongs to the call and not to the socket."""

    deadline = 0.0
    read_timeout = 0.0
    bytes_left = 0
    sent = False
    safe = True

    def seconds_left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise self.timed_out()
        return left

    def timed_out(self) -> CallError:
        return CallError("timeout", "no answer in time", unknown=self.sent and not self.safe)

    def count(self, received: int) -> int:
        self.bytes_left -= received
        if self.bytes_left < 0:
            raise too_large()
        return received


_call = _Call()


class _CallSocket(socket.socket):
    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(min(_call.read_timeout, _call.seconds_left()))
        return _call.count(super().recv_into(*args, **kwargs))


class _CallTlsSocket(ssl.SSLSocket):
    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(min(_call.read_timeout, _call.seconds_left()))
        return _call.count(super().recv_into(*args, **kwargs))


class _GuardedConnection(HTTPConnection):
    guard: ClassVar[Guard]

    def _new_conn(self) -> socket.socket:
        return _open_checked(self.guard, self.host, self.port or 80, float(self.timeout or 0) or None)

    def send(self, data: Any) -> None:
        _send_noted(self, data, super().send)


class _GuardedTlsConnection(HTTPSConnection):
    guard: ClassVar[Guard]

    def _new_conn(self) -> socket.socket:
        return _open_checked(self.guard, self.host, self.port or 443, float(self.timeout or 0) or None)

    def send(self, data: Any) -> None:
        _send_noted(self, data, super().send)


def _send_noted(connection: HTTPConnection, data: Any, send: Callable[[Any], None]) -> None:
    # Only what fails after this point may have been applied over there.
    if connection.sock is None:
        connection.connect()
    _call.sent = True
    send(data)


def _open_checked(guard: Guard, host: str, port: int, connect_timeout: float | None) -> socket.socket:
    """Connect to the first checked address that answers. Raises CallError dns, egress, connect or timeout."""
    error: OSError | None = None
    for family, ip in guard.addresses(host, port, seconds=_call.seconds_left()):
        sock = _CallSocket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(min(connect_timeout or 5.0, _call.seconds_left()))
            sock.connect((ip, port))
        except OSError as failure:
            sock.close()
            error = failure
        else:
            return sock
    if isinstance(error, TimeoutError):
        raise CallError("timeout", f"{host} does not answer") from None
    raise CallError("connect", f"{host} refuses the connection") from None


def make_client(
    *,
    allow: Sequence[str] = (),
    connect_timeout: float = 5.0,
    read_timeout: float = 20.0,
    total_timeout: float = 30.0,
    max_bytes: int = MAX_BYTES,
    pool_size: int = 8,
    ca_file: str | None = None,
    resolver: Resolver = system_resolver,
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
) -> PooledClient:
    """Return a client to share between threads. `allow` is the setting EGRESS_ALLOW; times in seconds.

    `ca_file` adds an authority of the operator's own to the public ones; verification itself cannot be turned off.
    """
    return PooledClient(
        Guard(allow, resolver),
        timeouts=(connect_timeout, read_timeout, total_timeout),
        max_bytes=max_bytes,
        pool_size=pool_size,
        ca_file=ca_file,
        clock=clock,
    )


class PooledClient:
    """`HttpClient` of `backoffice.calls.errors` over kept-alive connections."""

    def __init__(
        self,
        guard: Guard,
        *,
        timeouts: tuple[float, float, float],
        max_bytes: int,
        pool_size: int,
        ca_file: str | None,
        clock: Callable[[], dt.datetime],
    ) -> None:
        self.guard, self.max_bytes, self.clock = guard, max_bytes, clock
        self.connect_timeout, self.read_timeout, self.total_timeout = timeouts
        self._pools = urllib3.PoolManager(
            num_pools=64, maxsize=pool_size, cert_reqs="CERT_REQUIRED", ssl_context=_tls_context(ca_file)
        )
        self._pools.pool_classes_by_scheme = _pool_classes(guard)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | None = None,
        timeout: float | None = None,
    ) -> HttpResponse:
        """Make one call and return the whole answer, whatever its status; `timeout` bounds it all, in seconds.

        Raises CallError: egress, egress_http, tls (permanent); dns, connect, timeout, dropped, too_large,
        bad_encoding, redirect. `unknown` is set when a write may have arrived.
        """
        method = method.upper()
        sent_headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip", "Accept": "application/json"}
        if json is not None:
            data = jsonlib.dumps(json, allow_nan=False).encode()
            sent_headers["Content-Type"] = "application/json"
        sent_headers.update(headers or {})
        if params:
            url += ("&" if "?" in url else "?") + urlencode(params, quote_via=quote)
        with self._budget(method, timeout):
            for _hop in range(MAX_REDIRECTS + 1):
                response = self._once(method, url, sent_headers, data)
                target = _redirect(method, url, response)
                if target is None:
                    return response
                url = target
        raise CallError("redirect", f"{urlsplit(url).hostname} redirects without end")

    @contextmanager
    def _budget(self, method: str, timeout: float | None) -> Iterator[None]:
        total = self.total_timeout if timeout is None else timeout
        _call.deadline, _call.read_timeout = time.monotonic() + total, min(self.read_timeout, total)
        _call.safe = method in SAFE_METHODS
        yield

    def _once(self, method: str, url: str, headers: Mapping[str, str], data: bytes | None) -> HttpResponse:
        target = self.guard.check_url(url)
        _call.bytes_left, _call.sent = self.max_bytes + OVERHEAD_BYTES, False
        sent_at = self.clock()
        with _translated(target.host):
            answer = self._pools.urlopen(
                method,
                url,
                body=data,
                headers=headers,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(
                    connect=min(self.connect_timeout, _call.seconds_left()), read=_call.seconds_left()
                ),
            )
            try:
                body = self._read(answer)
            except BaseException:
                answer.close()
                raise
        plain = {name.lower(): value for name, value in answer.headers.items()}
        return HttpResponse(answer.status, plain, body, redact(url), sent_at, self.clock())

    def _read(self, answer: urllib3.BaseHTTPResponse) -> bytes:
        length = answer.headers.get("Content-Length", "")
        if length.isdecimal() and int(length) > self.max_bytes:
            raise too_large()
        encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
        chunks = answer.stream(65_536, decode_content=False)
        if encoding in {"gzip", "x-gzip"}:
            chunks = _gunzip(chunks, self.max_bytes)
        elif encoding not in {"identity", ""}:
            raise CallError("bad_encoding", "an encoding came that was not asked for")
        parts, size = [], 0
        for chunk in chunks:
            size += len(chunk)
            if size > self.max_bytes:
                raise too_large()
            parts.append(chunk)
        return b"".join(parts)


def too_large() -> CallError:
    """Return the error for an answer beyond the limit."""
    return CallError("too_large", "the answer is larger than allowed", unknown=_call.sent and not _call.safe)


def _gunzip(chunks: Iterator[bytes], limit: int) -> Iterator[bytes]:
    """Unpack gzip in bounded pieces, so that a bomb is stopped at the limit and not after it went off."""
    machine, begun = zlib.decompressobj(wbits=31), False
    try:
        for chunk in chunks:
            while chunk:
                begun = True
                yield machine.decompress(chunk, min(limit + 1, MEGABYTE))
                chunk = machine.unconsumed_tail
                if machine.eof:
                    chunk = machine.unused_data.lstrip(b"\0")
                    machine, begun = zlib.decompressobj(wbits=31), False
        if begun:
            yield machine.flush()
    except zlib.error:
        raise _garbled("the answer says gzip but is not") from None
    if begun and not machine.eof:
        raise _garbled("the packed answer is cut off")


def _garbled(message: str) -> CallError:
    return CallError("bad_encoding", message, unknown=_call.sent and not _call.safe)


def _redirect(method: str, url: str, response: HttpResponse) -> str | None:
    """Return where to go on: only the same host over https, only for reads. Raises CallError "redirect"."""
    if response.status not in {301, 302, 303, 307, 308} or "location" not in response.headers:
        return None
    here, target = urlsplit(url), urljoin(url, response.headers["location"])
    there = urlsplit(target)
    if there.hostname == here.hostname and there.scheme == here.scheme == "https" and method in SAFE_METHODS:
        return target
    if (there.scheme, there.netloc) == (here.scheme, here.netloc):
        raise CallError("redirect", f"{here.hostname} redirects the call elsewhere on itself")
    wanted = f"{there.scheme}://{there.netloc.rpartition('@')[2]}"
    raise CallError("redirect", f"{here.hostname} sends callers to {redact(wanted)}", permanent=True)


@contextmanager
def _translated(host: str) -> Iterator[None]:
    """Turn the network library's errors into ours; nothing of the request is in the message."""
    try:
        yield
    except CallError:
        raise
    except (urllib3.exceptions.TimeoutError, TimeoutError):
        raise _call.timed_out() from None
    except (urllib3.exceptions.SSLError, ssl.SSLError) as error:
        certificate = "CERTIFICATE" in str(error).upper() or "match" in str(error)
        message = f"the certificate of {host} is not valid" if certificate else f"no safe connection to {host}"
        unknown = _call.sent and not _call.safe
        raise CallError("tls", message, permanent=certificate and not unknown, unknown=unknown) from None
    except urllib3.exceptions.LocationValueError:
        raise CallError("egress", "the address cannot be read", permanent=True) from None
    except (urllib3.exceptions.HTTPError, OSError):
        raise CallError("dropped", f"{host} broke the connection off", unknown=_call.sent and not _call.safe) from None


def _pool_classes(guard: Guard) -> dict[str, type[HTTPConnectionPool]]:
    plain = type("_Connection", (_GuardedConnection,), {"guard": guard})
    tls = type("_TlsConnection", (_GuardedTlsConnection,), {"guard": guard})
    return {
        "http": type("_Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("_TlsPool", (HTTPSConnectionPool,), {"ConnectionCls": tls}),
    }


def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    context.check_hostname = True
    context.load_default_certs()
    context.load_verify_locations(certifi.where())
    if ca_file:
        context.load_verify_locations(ca_file)
    context.sslsocket_class = _CallTlsSocket
    return context
