"""Reading what a stranger's server answered: JSON within bounds, waiting times, and text safe to store."""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from backoffice.calls.errors import CallError, HttpResponse

MAX_DEPTH = 64
MAX_WAIT = 86_400.0  # seconds; a platform that asks for more is asked again tomorrow
MAX_MAGNITUDE = 40  # digits before or after the point: 1e999999999 would fill the memory when made an int
UNSTORABLE_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
SECRETS = (
    (re.compile(r"(https?://)[^\s/@\"'<>]*@"), r"\1"),
    (re.compile(r"(https?://[^\s?#\"'<>]*)[?#][^\s\"'<>]*"), r"\1"),
    (re.compile(r"\b(Basic|Bearer|OAuth)\s+[^\s,;]+", re.I), r"\1 …"),
    (re.compile(r"\b(?:ck|cs|shp[a-z]{2}|gh[a-z])_[A-Za-z0-9]{6,}"), "…"),
    (
        re.compile(
            r"\b((?:access_|refresh_)?token|(?:consumer_|client_|api_)?(?:secret|key)|password|signature|oauth_\w+)"
            r"([\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;]+",
            re.I,
        ),
        r"\1\2…",
    ),
)


def parse_json(response: HttpResponse, *, max_depth: int = MAX_DEPTH) -> Any:
    """Return the JSON of an answer; numbers with a point are `Decimal`.

    Raises CallError "not_json" when a page of HTML came instead (a login or maintenance page), "bad_json" when
    the text is cut off, too deep or holds NaN; both are passing.
    """
    kind = response.headers.get("content-type", "").lower()
    if "html" in kind or "xml" in kind or response.body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        raise CallError("not_json", f"HTTP {response.status}: a web page came instead of data")
    try:
        return load_json(response.body, max_depth=max_depth)
    except ValueError as error:
        raise CallError("bad_json", f"HTTP {response.status}: {error}") from None


def load_json(body: bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """Return the value of JSON text: exact numbers, bounded depth, no NUL or lone surrogate in any text.

    Raises ValueError, whose message quotes nothing of the text.
    """
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_float=_exact, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"unreadable JSON at character {error.pos} of {len(body)}") from None
    except UnicodeDecodeError:
        raise ValueError("the JSON is not UTF-8") from None
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    if body.count(b"{") + body.count(b"[") > max_depth:
        _check_depth(value, max_depth)
    return _storable(value) if UNSTORABLE_ESCAPE.search(body) else value


def split_rows(response: HttpResponse) -> list[tuple[Any, bytes]]:
    """Return (value, text exactly as delivered) of each element of a JSON list.

    The text is what a payload keeps: writing a parsed number again could change it. Raises as `parse_json`, and
    CallError "bad_json" when the answer is no list.
    """
    value = parse_json(response)
    if not isinstance(value, list):
        raise CallError("bad_json", f"HTTP {response.status}: a list was expected")
    text = response.body.decode("utf-8-sig")
    rows, position = [], _next_value(text, 0)
    for item in value:
        _, end = _SCANNER.raw_decode(text, position)
        rows.append((item, text[position:end].encode()))
        position = _next_value(text, end)
    return rows


def _next_value(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n[,":
        position += 1
        if text[position - 1] in "[,":
            break
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


def retry_after(headers: Mapping[str, str], *, now: dt.datetime) -> float | None:
    """Return the seconds a platform asks us to wait, at most a day; header names are lower case.

    None when the header is absent, unreadable, zero or in the past: the caller then backs off by its own schedule,
    because "0" from an overloaded server would make a tight loop. Source: RFC 9110 section 10.2.3.
    """
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,18}(\.\d{1,9})?", text):
        seconds = float(text)
    else:
        try:
            moment = email.utils.parsedate_to_datetime(text)
        except (ValueError, IndexError, OverflowError):
            return None
        seconds = (moment.replace(tzinfo=moment.tzinfo or dt.UTC) - now).total_seconds()
    return min(seconds, MAX_WAIT) if seconds > 0 else None


def redact(text: str, *, limit: int = 300) -> str:
    """Return a message safe to store and show: no query string, user name, token or key, nothing endless."""
    for pattern, replacement in SECRETS:
        text = pattern.sub(replacement, text)
    text = UNSTORABLE.sub("�", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _exact(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("a number is out of range") from None
    if number and abs(number.adjusted()) > MAX_MAGNITUDE:
        raise ValueError("a number is out of range")
    return number


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


_SCANNER = json.JSONDecoder()


def _check_depth(value: Any, most: int) -> None:
    level = [value] if isinstance(value, dict | list) else []
    depth = 0
    while level:
        depth += 1
        if depth > most:
            raise ValueError(f"the JSON is nested more than {most} levels")
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return UNSTORABLE.sub("�", value)
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return value
