"""Faults on demand for any sandbox platform: a plan of what goes wrong, where, how often, and when it is over.

`FaultPlan` is the Python side, `faulty(app, plan)` the middleware, `/_sandbox/faults` the same over HTTP:
GET lists the plan, POST adds one fault or a list of them, DELETE clears it.
"""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from backoffice.practice.server import DropConnection, WsgiApp

CONTROL = "/_sandbox/faults"
MEGABYTE = 1024 * 1024
LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Log in</title></head><body><form>Password</form></body></html>"

KINDS = (
    "status",  # answer `status` with `headers` and `body`; the call is not applied
    "html",  # 200 with a log-in page; not applied
    "wrong_type",  # the true answer, said to be text/html
    "truncate",  # the true answer cut in half
    "timeout_before",  # hang `seconds`, then drop; not applied
    "timeout_after",  # apply, hang `seconds`, then drop
    "drop_before",  # reset the connection; not applied
    "drop_after",  # apply, then reset
    "slow",  # the true answer after `seconds`
    "trickle",  # the true answer at one byte a `seconds`
    "redirect",  # redirect to the same address without end
    "gzip_lie",  # the true answer, said to be gzip
    "gzip_bomb",  # `size` bytes of blanks, well packed
    "huge",  # a body of `size` bytes
    "ignore",  # answer 200 with `body`, change nothing
)


@dataclasses.dataclass(slots=True, kw_only=True)
class Fault:
    """One fault: which calls it meets and what it does to them. `path` is a regular expression searched for."""

    kind: str
    path: str = ""
    method: str = ""
    skip: int = 0  # let the first matching calls through
    count: int | None = 1  # how many calls it meets; None: until cleared
    probability: float = 1.0
    status: int = 503
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    body: str = ""
    seconds: float = 60.0
    size: int = 50 * MEGABYTE
    hits: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}: one of {', '.join(KINDS)}")
        re.compile(self.path)

    def meets(self, method: str, path: str) -> bool:
        """Say whether the fault is for this call and not used up."""
        if self.count is not None and self.hits >= self.count:
            return False
        return self.method.upper() in {"", method} and re.search(self.path, path) is not None


class FaultPlan:
    """The faults in force, in order; thread-safe and repeatable for one seed."""

    def __init__(self, *faults: Fault, seed: int = 0, sleep: Callable[[float], None] = time.sleep) -> None:
        self.faults = list(faults)
        self.sleep = sleep
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def add(self, kind: str, path: str = "", **options: Any) -> Fault:
        """Add a fault and return it; its `hits` tell how often it struck. Raises ValueError or TypeError."""
        fault = Fault(kind=kind, path=path, **options)
        with self._lock:
            self.faults.append(fault)
        return fault

    def clear(self) -> None:
        """Lift all faults."""
        with self._lock:
            self.faults.clear()

    def pick(self, method: str, path: str) -> Fault | None:
        """Return the fault that strikes this call, counting it."""
        with self._lock:
            for fault in self.faults:
                if not fault.meets(method, path):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                elif self._random.random() < fault.probability:
                    fault.hits += 1
                    return fault
        return None


def faulty(app: WsgiApp, plan: FaultPlan) -> WsgiApp:
    """Return `app` with the plan in force and its control endpoint."""

    def middleware(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path, query = environ["PATH_INFO"], environ.get("QUERY_STRING", "")
        if path == CONTROL:
            return _control(plan, environ, start_response)
        if path.startswith("/_sandbox"):
            return app(environ, start_response)
        fault = plan.pick(environ["REQUEST_METHOD"], f"{path}?{query}" if query else path)
        if fault is None:
            return app(environ, start_response)
        return _strike(fault, plan, app, environ, start_response)

    return middleware


def _strike(
    fault: Fault, plan: FaultPlan, app: WsgiApp, environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    kind = fault.kind
    if kind in {"timeout_after", "drop_after"}:
        _whole(app, environ)
    if kind.startswith("timeout"):
        plan.sleep(fault.seconds)
    if kind.startswith(("timeout", "drop")):
        raise DropConnection
    if kind in ANSWERS:
        status, headers, body = ANSWERS[kind](fault, environ)
        start_response(_line(status), list(headers.items()))
        return body
    status_line, kept, whole = _whole(app, environ)
    if kind == "slow":
        plan.sleep(fault.seconds)
    if kind == "wrong_type":
        kept = [*(h for h in kept if h[0].lower() != "content-type"), ("Content-Type", "text/html; charset=UTF-8")]
    if kind == "gzip_lie":
        kept.append(("Content-Encoding", "gzip"))
    if kind == "truncate":
        whole = whole[: len(whole) // 2]
    kept = [h for h in kept if h[0].lower() != "content-length"]
    if kind == "trickle":
        start_response(status_line, [*kept, ("Content-Length", str(len(whole)))])
        return _trickle(whole, fault.seconds, plan.sleep)
    start_response(status_line, kept)
    return [whole]


def _whole(app: WsgiApp, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
    got: dict[str, Any] = {}

    def keep(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        got["status"], got["headers"] = status, list(headers)

    body = b"".join(app(environ, keep))
    return got["status"], got["headers"], body


def _trickle(body: bytes, seconds: float, sleep: Callable[[float], None]) -> Iterator[bytes]:
    for index in range(len(body)):
        sleep(seconds)
        yield body[index : index + 1]


Answer = tuple[int, dict[str, str], Iterable[bytes]]


def _status(fault: Fault, environ: dict[str, Any]) -> Answer:
    return fault.status, {"Content-Type": "text/plain", **fault.headers}, [fault.body.encode()]


def _ignore(fault: Fault, environ: dict[str, Any]) -> Answer:
    return 200, {"Content-Type": "application/json", **fault.headers}, [fault.body.encode()]


def _html(fault: Fault, environ: dict[str, Any]) -> Answer:
    return 200, {"Content-Type": "text/html; charset=UTF-8"}, [fault.body.encode() or LOGIN_PAGE]


def _redirect(fault: Fault, environ: dict[str, Any]) -> Answer:
    host = environ.get("HTTP_HOST", "")
    place = f"{environ['wsgi.url_scheme']}://{host}{environ['PATH_INFO']}"
    return 302, {"Location": f"{place}?{environ.get('QUERY_STRING', '')}"}, [b""]


def _huge(fault: Fault, environ: dict[str, Any]) -> Answer:
    block = b" " * MEGABYTE
    pieces = itertools.chain(itertools.repeat(block, fault.size // MEGABYTE), [block[: fault.size % MEGABYTE]])
    return 200, {"Content-Type": "application/json"}, pieces


def _bomb(fault: Fault, environ: dict[str, Any]) -> Answer:
    return 200, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, [gzip.compress(b" " * fault.size, 1)]


ANSWERS: dict[str, Callable[[Fault, dict[str, Any]], Answer]] = {
    "status": _status,
    "ignore": _ignore,
    "html": _html,
    "redirect": _redirect,
    "huge": _huge,
    "gzip_bomb": _bomb,
}


def _control(plan: FaultPlan, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    status, answer = HTTPStatus.OK, None
    if environ["REQUEST_METHOD"] == "POST":
        try:
            wanted = json.loads(environ["wsgi.input"].read() or b"[]")
            for options in wanted if isinstance(wanted, list) else [wanted]:
                plan.add(**options)
        except (ValueError, TypeError, re.error) as error:
            status, answer = HTTPStatus.BAD_REQUEST, {"error": str(error)}
    elif environ["REQUEST_METHOD"] == "DELETE":
        plan.clear()
    body = json.dumps(answer or [dataclasses.asdict(fault) for fault in plan.faults]).encode()
    start_response(_line(status), [("Content-Type", "application/json")])
    return [body]


def _line(status: int) -> str:
    return f"{int(status)} {HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else 'Status'}"
