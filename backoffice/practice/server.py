"""A small threaded HTTP/1.1 server for WSGI apps: keep-alive, no delays, and able to break a connection on purpose.

Made for the sandbox platforms and their tests, not for the open internet. A thread serves one connection.
"""

from __future__ import annotations

import io
import socket
import socketserver
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

MAX_BODY = 64 * 1024 * 1024
IDLE_SECONDS = 120


class DropConnection(Exception):
    """Raised by an app, or by the iteration of its answer, to cut the connection at this point with a reset."""


class SandboxServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """The listening socket; `url` is where it answers. `stop` also closes the kept-alive connections."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, app: WsgiApp, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.app, self.tls = app, tls
        self.open_connections: set[socket.socket] = set()
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        host, port = self.server_address[0], self.server_address[1]
        return f"{'https' if self.tls else 'http'}://{str(host)}:{port}"

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = self.socket.accept()
        connection.settimeout(IDLE_SECONDS)
        if self.tls:
            # The handshake happens at the first read, in the connection's own thread.
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self.open_connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self.open_connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about clients that hang up; anything else is a fault of the app and shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Stop listening and hang up on everybody."""
        self.shutdown()
        self.server_close()
        for connection in list(self.open_connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def serve(
    app: WsgiApp, host: str = "127.0.0.1", port: int = 0, *, ready: Callable[[str], object] | None = None
) -> None:
    """Serve until interrupted; `ready` is told the address once it answers. Raises OSError when the port is taken."""
    server = SandboxServer(app, host, port)
    try:
        if ready is not None:
            ready(server.url)
        server.serve_forever(poll_interval=0.1)
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


@contextmanager
def running(
    app: WsgiApp, host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Serve in a background thread inside the block and give the base URL; port 0 takes a free one."""
    server = SandboxServer(app, host, port, tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.url
    finally:
        server.stop()
        thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "YikuSandbox"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: SandboxServer

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def answer(self) -> None:
        body = self._body()
        if body is None:
            return
        state: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            state["status"], state["headers"] = status, headers

        try:
            result = self.server.app(self._environ(body), start_response)
            try:
                self._write(state, result)
            finally:
                close = getattr(result, "close", None)
                if close:
                    close()
        except DropConnection:
            self._reset()

    def _body(self) -> bytes | None:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunked_body()
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            self.close_connection = True
            self.send_error(413 if length.isdecimal() else 400)
            return None
        return self.rfile.read(int(length))

    def _chunked_body(self) -> bytes | None:
        parts: list[bytes] = []
        while size := int(self.rfile.readline(64).split(b";")[0].strip() or b"0", 16):
            if size + sum(map(len, parts)) > MAX_BODY:
                self.close_connection = True
                self.send_error(413)
                return None
            parts.append(self.rfile.read(size))
            self.rfile.readline(8)
        while self.rfile.readline(8192).strip():
            pass
        return b"".join(parts)

    def _environ(self, body: bytes) -> dict[str, Any]:
        parts = urlsplit(self.path if self.path.startswith("/") else "/" + self.path.split("/", 3)[-1])
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(parts.path).decode("latin-1"),
            "QUERY_STRING": parts.query,
            "RAW_PATH": parts.path,
            "SERVER_NAME": str(self.server.server_address[0]),
            "SERVER_PORT": str(self.server.server_address[1]),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": str(self.client_address[0]),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https" if self.server.tls else "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            key = "HTTP_" + name.upper().replace("-", "_")
            if key not in {"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"}:
                environ[key] = f"{environ[key]},{value}" if key in environ else value
        return environ

    def _write(self, state: dict[str, Any], result: Iterable[bytes]) -> None:
        chunks = iter(result)
        first = next(chunks, b"")
        code, _, reason = state["status"].partition(" ")
        self.send_response_only(int(code), reason)
        names = {name.lower() for name, _ in state["headers"]}
        for name, value in state["headers"]:
            self.send_header(name, value)
        if "date" not in names:
            self.send_header("Date", self.date_time_string())
        if "content-length" in names:
            self._send(first, chunks)
        elif isinstance(result, list | tuple):
            whole = first + b"".join(chunks)
            self.send_header("Content-Length", str(len(whole)))
            self._send(whole, iter(()))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
            self._send(first, chunks)

    def _send(self, first: bytes, rest: Iterator[bytes]) -> None:
        self.end_headers()
        if self.command == "HEAD":
            first, rest = b"", iter(())
        self.wfile.write(first)
        for chunk in rest:
            self.wfile.flush()
            self.wfile.write(chunk)
        self.wfile.flush()

    def _reset(self) -> None:
        # Linger 0 makes the close a reset, as from a machine that died.
        with suppress(OSError):
            self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        with suppress(OSError):
            self.connection.close()

    def handle(self) -> None:
        with suppress(OSError, ValueError):
            super().handle()

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """The sandbox keeps its own list of calls."""
