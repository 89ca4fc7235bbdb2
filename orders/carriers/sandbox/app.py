"""The practice carrier as a WSGI app: signed calls, prices, shipments, labels, tracking, manifests, throttling."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from barcode import Code128
from fpdf import FPDF

from backoffice.practice.faults import FaultPlan, faulty
from backoffice.practice.server import running
from orders.carriers.sandbox.shelf import Row, Shelf, digest

KEY, SECRET = "practice-key", "practice-secret-0123456789"
SERVICES = {"standard": (800, 200, 5), "express": (1800, 500, 2)}  # fen for the first kg, each further, days
HEAVIEST = 30_000
SKEW = 300
Answer = tuple[int, Any]


class Refused(Exception):
    """An answer other than success."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


class CarrierSandbox:
    """The carrier. `calls` lists what was asked; `faults` says what goes wrong."""

    def __init__(
        self, *, keys: dict[str, str] | None = None, file: Path | None = None, stage_seconds: float | None = None,
        per_second: int = 0, clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:  # fmt: skip
        self.keys = keys or {KEY: SECRET}
        self.clock, self.stage_seconds, self.per_second = clock, stage_seconds, per_second
        self.shelf, self.faults = Shelf(clock, file), FaultPlan()
        self.calls: deque[tuple[str, str]] = deque(maxlen=500)
        self._recent: deque[float] = deque()
        self.app = faulty(self._wsgi, self.faults)

    @contextmanager
    def running(self, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
        """Serve inside the block and give the address."""
        with running(self.app, host, port) as url:
            yield url

    # --- what a test or the demo does to the carrier ---

    def advance(self, number: str) -> None:
        """Let a parcel travel on by one stage; the first is being handed over."""
        with self.shelf.lock:
            row = self.shelf.find(number)
            if row is None:
                raise KeyError(number)
            if row["handed_over"]:
                self.shelf.advance(row)
            else:
                self.shelf.hand_over(row)

    # --- the wire ---

    def _wsgi(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        body = environ["wsgi.input"].read()
        self.calls.append((method, path))
        try:
            status, answer = (
                self._control(method, path, body)
                if path.startswith("/_sandbox")
                else self._answer(method, path, body, environ)
            )
        except Refused as no:
            status, answer = no.status, {"error": {"code": no.code, "message": no.message}}
        headers = [("Content-Type", "application/json")]
        if status == 429:
            headers.append(("Retry-After", "1"))
        if isinstance(answer, bytes):
            headers = [("Content-Type", "application/pdf")]
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [answer if isinstance(answer, bytes) else json.dumps(answer, ensure_ascii=False).encode()]

    def _control(self, method: str, path: str, body: bytes) -> Answer:
        if path == "/_sandbox/advance" and method == "POST":
            for number in json.loads(body or b"[]"):
                self.advance(number)
        states = [(one["number"], one["state"], len(one["events"])) for one in self.shelf.by_id.values()]
        return 200, {"shipments": states}

    def _answer(self, method: str, path: str, body: bytes, environ: dict[str, Any]) -> Answer:
        self._open_door(method, path, body, environ)
        self._slow_down()
        asked = self._parsed(body)
        with self.shelf.lock:
            for wanted, pattern, work in self._routes():
                found = re.fullmatch(pattern, path)
                if found and wanted == method:
                    return work(asked, environ, *found.groups())
        raise Refused(404, "not_found", "no such address")

    def _routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        return [
            ("GET", "/v1/me", self._me),
            ("POST", "/v1/rates", self._rates),
            ("POST", "/v1/shipments", self._create),
            ("GET", r"/v1/shipments/(\w+)/label", self._label),
            ("POST", r"/v1/shipments/(\w+)/void", self._void),
            ("GET", "/v1/tracking", self._tracking),
            ("POST", "/v1/manifests", self._manifest),
        ]

    def _open_door(self, method: str, path: str, body: bytes, environ: dict[str, Any]) -> None:
        secret = self.keys.get(environ.get("HTTP_X_POST_KEY", ""))
        moment, sign = environ.get("HTTP_X_POST_TIME", ""), environ.get("HTTP_X_POST_SIGN", "")
        text = "\n".join((method, path, environ.get("QUERY_STRING", ""), moment, hashlib.sha256(body).hexdigest()))
        if secret is None or not moment.isdecimal():
            raise Refused(401, "auth", "unknown key")
        if abs(int(moment) - self.clock().timestamp()) > SKEW:
            raise Refused(401, "auth", "the moment is too far from ours")
        if not hmac.compare_digest(sign, hmac.new(secret.encode(), text.encode(), "sha256").hexdigest()):
            raise Refused(401, "auth", "the signature does not fit")

    def _slow_down(self) -> None:
        if not self.per_second:
            return
        now = time.monotonic()
        while self._recent and self._recent[0] < now - 1:
            self._recent.popleft()
        if len(self._recent) >= self.per_second:
            raise Refused(429, "throttled", "too many calls")
        self._recent.append(now)

    @staticmethod
    def _parsed(body: bytes) -> Row:
        try:
            found = json.loads(body or b"{}")
        except ValueError:
            raise Refused(400, "bad_request", "not JSON") from None
        if not isinstance(found, dict):
            raise Refused(400, "bad_request", "an object is wanted")
        return found

    # --- the business ---

    def _me(self, asked: Row, environ: dict[str, Any]) -> Answer:
        return 200, {"name": "演练快递 Practice Post", "currency": "CNY"}

    def _rates(self, asked: Row, environ: dict[str, Any]) -> Answer:
        return 200, {
            "rates": [
                {"service": name, "amount": _price(name, asked), "currency": "CNY", "days": days}
                for name, (_first, _more, days) in SERVICES.items()
            ]
        }

    def _create(self, asked: Row, environ: dict[str, Any]) -> Answer:
        key = environ.get("HTTP_IDEMPOTENCY_KEY", "")
        if not key:
            raise Refused(400, "bad_request", "an Idempotency-Key is wanted")
        known = self.shelf.by_key.get(key)
        if known is not None:
            if known["digest"] != digest(asked):
                raise Refused(409, "key_reused", "this key was used for another shipment")
            return 200, _shown(known)
        to = asked.get("to") or {}
        if not to.get("line1") or not to.get("name") or not to.get("country"):
            raise Refused(422, "bad_address", "name, street and country are wanted")
        if asked.get("service") not in SERVICES:
            raise Refused(422, "no_service", "no such service")
        return 201, _shown(self.shelf.create(key, asked, _price(asked["service"], asked), "CNY"))

    def _label(self, asked: Row, environ: dict[str, Any], pk: str) -> Answer:
        return 200, _drawn(self._shipment(pk))

    def _void(self, asked: Row, environ: dict[str, Any], pk: str) -> Answer:
        row = self._shipment(pk)
        if row["handed_over"]:
            raise Refused(409, "handed_over", "the parcel is with us already")
        row["state"] = "void"
        self.shelf.save()
        return 200, {"id": pk, "state": "void"}

    def _tracking(self, asked: Row, environ: dict[str, Any]) -> Answer:
        numbers = parse_qs(environ.get("QUERY_STRING", "")).get("number", [])
        if len(numbers) > 50:
            raise Refused(400, "bad_request", "at most 50 numbers")
        events = []
        for number in numbers:
            row = self.shelf.find(number)
            if row is not None:
                if self.stage_seconds is not None:
                    self.shelf.advance(row, self.stage_seconds)
                events += row["events"]
        return 200, {"events": events}

    def _manifest(self, asked: Row, environ: dict[str, Any]) -> Answer:
        key = environ.get("HTTP_IDEMPOTENCY_KEY", "")
        if key not in self.shelf.manifests:
            rows = [self.shelf.find(str(one)) for one in asked.get("numbers") or []]
            taken = [one for one in rows if one is not None and one["state"] == "open"]
            for row in taken:
                self.shelf.hand_over(row)
            made = {"id": f"m{len(self.shelf.manifests) + 1}", "numbers": [one["number"] for one in taken]}
            self.shelf.manifests[key] = made
            self.shelf.save()
        return 200, self.shelf.manifests[key]

    def _shipment(self, pk: str) -> Row:
        row = self.shelf.by_id.get(pk)
        if row is None:
            raise Refused(404, "not_found", "no such shipment")
        return row


def _price(service: str, asked: Row) -> str:
    weight = int((asked.get("parcel") or {}).get("weight_g") or 0)
    if not 0 < weight <= HEAVIEST:
        raise Refused(422, "too_heavy", "1 g to 30 kg")
    first, more, _days = SERVICES[service]
    fen = first + more * max(-(-(weight - 1000) // 1000), 0)
    if (asked.get("to") or {}).get("country") != (asked.get("from") or {}).get("country"):
        fen *= 6
    return f"{fen // 100}.{fen % 100:02d}"


def _shown(row: Row) -> Row:
    to = row["asked"].get("to") or {}
    return {
        "id": row["id"], "number": row["number"], "amount": row["amount"], "currency": row["currency"],
        "label": {
            "route": f"{str(to.get('country', '')):.2}-{str(to.get('postcode', ''))[:3] or '000'}",
            "station": str(to.get("city", ""))[:40], "qr": f"YP1|{row['number']}|{row['id']}",
        },
    }  # fmt: skip


def _drawn(row: Row) -> bytes:
    """A label of the carrier's own making: number and bars, in plain letters."""
    pdf = FPDF(unit="mm", format=(100, 150))
    pdf.add_page()
    pdf.set_font("helvetica", size=16)
    pdf.text(10, 20, "PRACTICE POST")
    modules = Code128(row["number"]).build()[0]
    for place, module in enumerate(modules):
        if module == "1":
            pdf.rect(10 + place * 80 / len(modules), 40, 80 / len(modules), 30, style="F")
    pdf.text(10, 80, row["number"])
    return bytes(pdf.output())
