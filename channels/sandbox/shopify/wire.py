"""The little of HTTP that the shop needs: a request read once, and answers as WSGI wants them."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

StartResponse = Callable[..., Any]


@dataclasses.dataclass(slots=True)
class Call:
    """One HTTP request, its body read."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  # lower case
    body: bytes

    @classmethod
    def read(cls, environ: dict[str, Any]) -> Call:
        """Read the request; the body can be read again by whoever comes after."""
        length = environ.get("CONTENT_LENGTH") or "0"
        body = environ["wsgi.input"].read(int(length)) if length.isdecimal() else b""
        environ["wsgi.input"] = io.BytesIO(body)
        headers = {name[5:].replace("_", "-").lower(): v for name, v in environ.items() if name.startswith("HTTP_")}
        headers["content-type"] = environ.get("CONTENT_TYPE", "")
        return cls(
            environ["REQUEST_METHOD"], environ["PATH_INFO"], _flat(environ.get("QUERY_STRING", "")), headers, body
        )

    def json(self) -> Any:
        """Return the body's JSON. Raises ValueError."""
        return json.loads(self.body or b"null")

    def form(self) -> dict[str, str]:
        """Return the body's fields, sent as a form or as JSON. Raises ValueError."""
        if "json" in self.headers["content-type"]:
            value = self.json()
            return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}
        return _flat(self.body.decode("utf-8", "replace"))


@dataclasses.dataclass(slots=True)
class Reply:
    """One HTTP answer."""

    status: int
    body: bytes
    kind: str = "application/json; charset=utf-8"
    headers: dict[str, str] = dataclasses.field(default_factory=dict)

    def send(self, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as WSGI wants it."""
        headers = {"Content-Type": self.kind, "Content-Length": str(len(self.body)), **self.headers}
        start_response(f"{self.status} {HTTPStatus(self.status).phrase}", list(headers.items()))
        return [self.body]


def as_json(value: Any, status: int = 200) -> Reply:
    """Return a JSON answer."""
    return Reply(status, json.dumps(value, ensure_ascii=False).encode())


def as_html(text: str, status: int = 200) -> Reply:
    """Return a page that may load and run nothing from elsewhere."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"
    return Reply(status, text.encode(), "text/html; charset=utf-8", {"Content-Security-Policy": policy})


def redirect(place: str) -> Reply:
    """Return the answer to a form: go and look there."""
    return Reply(303, b"", "text/plain", {"Location": place})


def _flat(text: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}
