"""WordPress's REST manners: requests, answers, errors, and the checking of parameters against the route index."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

ROUTES: dict[str, list[dict[str, Any]]] = json.loads((Path(__file__).parent / "routes.json").read_text())
DATE = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)?)?$")
MOST_IN_BATCH = 100
PREFIX = "/wp-json"
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class RestError(Exception):
    """An error as WordPress answers it."""

    def __init__(self, code: str, message: str, status: int, data: Any = None) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message, status
        self.data = {"status": status} if data is None else data

    def body(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"code": self.code, "message": self.message, "data": self.data}


@dataclasses.dataclass(slots=True)
class Request:
    """One call: `query` in PHP's reading (lists by `a[]` or `a[0]`), `body` the JSON object or form."""

    method: str
    path: str
    query: dict[str, Any]
    raw_query: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    raw_body: bytes
    base: str  # http://host:port as the caller wrote it
    bad_json: bool = False
    params: dict[str, Any] = dataclasses.field(default_factory=dict)  # checked, with the route's own parts

    @classmethod
    def read(cls, environ: Mapping[str, Any]) -> Request:
        """Read a WSGI request."""
        raw = environ["wsgi.input"].read()
        headers = {key[5:].replace("_", "-").lower(): str(environ[key]) for key in environ if key.startswith("HTTP_")}
        headers["content-type"] = environ.get("CONTENT_TYPE", "")
        body, bad = _read_body(raw, headers["content-type"])
        return cls(
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"],
            query=php_query(environ.get("QUERY_STRING", "")),
            raw_query=environ.get("QUERY_STRING", ""),
            headers=headers,
            body=body,
            raw_body=raw,
            base=f"{environ['wsgi.url_scheme']}://{headers.get('host') or environ['SERVER_NAME']}",
            bad_json=bad,
        )


@dataclasses.dataclass(slots=True)
class Answer:
    """What goes back: a JSON value or a page."""

    value: Any
    status: int = 200
    headers: dict[str, str] = dataclasses.field(default_factory=dict)


Handler = Callable[[Request, dict[str, str]], Answer]
Handlers = dict[tuple[str, str], Handler]  # (route, GET | POST | EDIT | DELETE) → handler


def php_query(text: str) -> dict[str, Any]:
    """Read a query string as PHP does."""
    found: dict[str, Any] = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        name, bracket, _ = key.partition("[")
        if bracket:
            existing = found.get(name)
            found[name] = [*existing, value] if isinstance(existing, list) else [value]
        else:
            found[name] = value
    return found


def check(given: Mapping[str, Any], args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters in their types with the defaults filled in. Raises RestError."""
    missing = [name for name, rule in args.items() if rule.get("required") and name not in given]
    if missing:
        raise RestError(
            "rest_missing_callback_param",
            f"Missing parameter(s): {', '.join(missing)}",
            400,
            {"status": 400, "params": missing},
        )
    checked: dict[str, Any] = {}
    messages: dict[str, str] = {}
    details: dict[str, Any] = {}
    for name, rule in args.items():
        if name in given:
            try:
                checked[name] = coerce(given[name], rule, name)
            except Unfit as unfit:
                messages[name] = unfit.message
                details[name] = {"code": unfit.code, "message": unfit.message, "data": unfit.data}
        elif "default" in rule:
            default = rule["default"]
            listed = rule.get("type") == "array" and not isinstance(default, list)
            checked[name] = [default] if listed else default
    if messages:
        raise RestError(
            "rest_invalid_param",
            f"Invalid parameter(s): {', '.join(messages)}",
            400,
            {"status": 400, "params": messages, "details": details},
        )
    return checked


class Unfit(Exception):
    """A value that its rule does not allow."""

    def __init__(self, code: str, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


def coerce(value: Any, rule: Mapping[str, Any], name: str) -> Any:
    """Return the value in the rule's type, as rest_validate_value_from_schema and its sanitiser would."""
    kinds = rule.get("type", "")
    allowed = [kinds] if isinstance(kinds, str) else list(kinds)
    if value is None and ("null" in allowed or not kinds):
        return None
    for kind in allowed:
        fitted = _fit(value, kind, rule, name)
        if fitted is not _NO:
            return _within(fitted, rule, name)
    if not kinds or allowed == ["null"]:
        return value
    raise Unfit("rest_invalid_type", f"{name} is not of type {','.join(allowed)}.", {"param": name})


_NO = object()


def _fit(value: Any, kind: str, rule: Mapping[str, Any], name: str) -> Any:
    if kind == "integer":
        return _whole(value)
    if kind == "number":
        return _number(value)
    if kind == "boolean":
        return _truth(value)
    if kind == "string":
        return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else _NO
    if kind == "array":
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list):
            return _NO
        inner = rule.get("items") or {}
        items = [item for item in items if item != ""] if isinstance(value, str) else items
        return [coerce(item, inner, f"{name}[{place}]") for place, item in enumerate(items)]
    if kind == "object":
        return value if isinstance(value, dict) or value == [] else _NO
    return _NO if kind == "null" else value


def _whole(value: Any) -> Any:
    number = _number(value)
    return int(number) if number is not _NO and number == math.floor(number) else _NO


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return _NO
    try:
        number = float(value)
    except ValueError:
        return _NO
    if not math.isfinite(number):
        return _NO
    return int(number) if isinstance(value, int) or number.is_integer() else number


def _truth(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    return True if text in {"1", "true"} else False if text in {"0", "false", ""} else _NO


def _within(value: Any, rule: Mapping[str, Any], name: str) -> Any:
    if "enum" in rule and value not in rule["enum"]:
        raise Unfit("rest_not_in_enum", f"{name} is not one of {_listed(rule['enum'])}.")
    low, high = rule.get("minimum"), rule.get("maximum")
    if isinstance(value, int | float) and not isinstance(value, bool):
        outside = (low is not None and value < low) or (high is not None and value > high)
        if outside and low is not None and high is not None:
            message = f"{name} must be between {low} (inclusive) and {high} (inclusive)"
            raise Unfit("rest_out_of_bounds", message)
        if outside:
            word, bound = ("greater", low) if low is not None and value < low else ("less", high)
            raise Unfit("rest_out_of_bounds", f"{name} must be {word} than or equal to {bound}")
    if rule.get("format") == "date-time" and value and not _is_date(value):
        raise Unfit("rest_invalid_date", "Invalid date.")
    return value


def _is_date(value: str) -> bool:
    if not DATE.match(value):
        return False
    try:
        datetime.fromisoformat(value.upper())
    except ValueError:
        return False
    return True


def _listed(words: Sequence[Any]) -> str:
    texts = [str(word) for word in words]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])}, and {texts[-1]}"


def paged(request: Request, rows: Sequence[Any], route_query: Mapping[str, Any]) -> tuple[list[Any], dict[str, str]]:
    """Return the rows of the asked page and the paging headers; a page past the last counts nothing at all."""
    page, size = int(request.params.get("page") or 1), int(request.params.get("per_page") or 10)
    start = int(request.params["offset"]) if request.params.get("offset") is not None else (page - 1) * size
    found = list(rows[start : start + size])
    total = len(rows) if found or page == 1 else 0
    pages = -(-total // size)
    headers = {"X-WP-Total": str(total), "X-WP-TotalPages": str(pages)}
    links = []
    if page > 1:
        links.append(_link(request, min(page - 1, pages), "prev", route_query))
    if page < pages:
        links.append(_link(request, page + 1, "next", route_query))
    if links:
        headers["Link"] = ", ".join(links)
    return found, headers


def _link(request: Request, page: int, rel: str, extra: Mapping[str, Any]) -> str:
    query = {key: value for key, value in request.query.items() if not key.startswith("oauth_")}
    pairs = [(key, value) for key, value in {**query, **extra, "page": page}.items() if not isinstance(value, list)]
    return f'<{request.base}{request.path}?{urlencode(pairs)}>; rel="{rel}"'


def only_fields(value: Any, fields: str) -> Any:
    """Keep the named top-level fields, as `_fields` does; "a.b" keeps `a` whole."""
    wanted = {name.strip().partition(".")[0] for name in fields.split(",") if name.strip()}
    if not wanted:
        return value
    if isinstance(value, list):
        return [only_fields(item, fields) for item in value]
    return {key: item for key, item in value.items() if key in wanted} if isinstance(value, dict) else value


def _read_body(raw: bytes, kind: str) -> tuple[dict[str, Any], bool]:
    if not raw:
        return {}, False
    if "json" not in kind:
        return php_query(raw.decode("utf-8", "replace")), False
    try:
        value = json.loads(raw)
    except ValueError:
        return {}, True
    return (value if isinstance(value, dict) else {}), False
