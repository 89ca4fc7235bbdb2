"""One call to Shopify's GraphQL endpoint: send, wait where Shopify says so, and name what went wrong.

Codes raised here: unauthorized, forbidden, not_found, shop_frozen, shop_locked, refused, throttled, too_costly,
server_error, not_json, bad_json, bad_answer, access_denied, graphql_error; and those of the HTTP client.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import email.utils
from collections.abc import Iterator, Mapping
from typing import Any

from backoffice.calls.answers import parse_json, redact, retry_after
from channels.connectors.base import ConnectorConfig, ConnectorError, HttpClient, HttpResponse
from channels.connectors.shopify.documents import API_VERSION, operation_name
from channels.connectors.shopify.throttle import MOST_POINTS, bucket_for

ATTEMPTS = 6  # sends of one call while the platform only asks to wait
LONGEST_SLEEP = 30.0  # seconds inside one call, all waits together; longer ones belong to the engine
UNTOLD_WAIT = 2.0  # seconds, doubled each time, when a 429 does not say how long
PASSING_CODES = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"})

Path = tuple[str | int, ...]

# status → (code, permanent, auth, seconds to wait). Source: shopify.dev "API response status and error codes".
STATUSES: dict[int, tuple[str, bool, bool, float | None]] = {
    401: ("unauthorized", True, True, None),
    402: ("shop_frozen", True, False, None),
    403: ("forbidden", True, True, None),
    404: ("not_found", True, False, None),
    423: ("shop_locked", False, False, 600.0),
    430: ("refused", False, False, 600.0),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """The data of one call. `withheld` names the fields that our scopes do not reach and that came as null."""

    data: dict[str, Any]
    withheld: tuple[Path, ...] = ()
    server_time: dt.datetime | None = None


class TooCostly(ConnectorError):
    """The query asks for more points than any single query may cost: ask for fewer rows."""

    def __init__(self, cost: float, most: float) -> None:
        super().__init__("too_costly", f"the query would cost {cost:.0f} points of {most:.0f}", permanent=True)
        self.cost, self.most = cost, most


class GraphQLClient:
    """Sends documents to one shop."""

    def __init__(self, config: ConnectorConfig, http: HttpClient) -> None:
        self.config, self.http = config, http
        self.bucket = bucket_for(config.base_url, config.account)
        version = config.options.get("api_version", API_VERSION)
        self.url = f"{config.base_url.rstrip('/')}/admin/api/{version}/graphql.json"

    def run(self, document: str, variables: Mapping[str, Any], *, write: bool = False) -> Answer:
        """Send a document and return its data, waiting through throttling where `config.sleep` allows.

        Raises ConnectorError; after a write, `unknown` tells that it may have been applied.
        """
        slept = 0.0
        for attempt in range(ATTEMPTS):
            try:
                self._pace(operation_name(document))
                return self._once(document, variables, write=write)
            except ConnectorError as error:
                if error.code != "throttled":
                    raise
                wait = error.retry_after or UNTOLD_WAIT * 2**attempt
                if self.config.sleep is None or slept + wait > LONGEST_SLEEP or attempt == ATTEMPTS - 1:
                    wait = max(wait, self.bucket.until_full(self.config.clock()))
                    raise ConnectorError("throttled", error.message, retry_after=wait) from None
            self.config.sleep(wait)
            slept += wait
        raise AssertionError("unreachable")

    def run_page(self, document: str, variables: Mapping[str, Any], *, most: int) -> Answer:
        """Send a document with `$first` as large as one query's points allow, at most `most`."""
        name = operation_name(document)
        while True:
            rows = self.bucket.rows(name, most)
            try:
                answer = self.run(document, {**variables, "first": rows})
            except TooCostly as error:
                if rows == 1:
                    raise
                self.bucket.learn(name, rows, max(error.cost, MOST_POINTS * 1.2))
                continue
            self.bucket.learn(name, rows, self.bucket.costs.get(name, 0.0))
            return answer

    def run_nodes(self, document: str, ids: list[str], variables: Mapping[str, Any], *, most: int) -> list[Any]:
        """Send a `nodes(ids:)` document in as many calls as its cost needs; one node (or None) an id, same order."""
        name, found, start = operation_name(document), list[Any](), 0
        while start < len(ids):
            part = ids[start : start + self.bucket.rows(name, most)]
            try:
                nodes = self.run(document, {**variables, "ids": part}).data.get("nodes")
            except TooCostly as error:
                if len(part) == 1:
                    raise
                self.bucket.learn(name, len(part), max(error.cost, MOST_POINTS * 1.2))
                continue
            if not isinstance(nodes, list) or len(nodes) != len(part):
                raise ConnectorError("bad_answer", f"{name}: {len(part)} nodes were asked for")
            self.bucket.learn(name, len(part), self.bucket.costs.get(name, 0.0))
            found += nodes
            start += len(part)
        return found

    def rest_of(
        self,
        document: str,
        variables: Mapping[str, Any],
        connection: dict[str, Any],
        path: tuple[str, str],
        *,
        most: int,
    ) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Follow a nested connection from a page of it to its end: yields (parent, connection) of each further page.

        `path` is the field of the parent in the answer and the connection in the parent. A parent that is gone by then
        ends the walk with ConnectorError "changed".
        """
        parent_field, field = path
        used: set[str] = set()
        while after := next_cursor(connection):
            if after in used:
                raise ConnectorError("cursor_loop", f"{parent_field}.{field}: the same cursor came twice")
            used.add(after)
            parent = self.run_page(document, {**variables, "after": after}, most=most).data.get(parent_field)
            if not isinstance(parent, dict):
                raise ConnectorError("changed", f"{parent_field} went while it was read")
            connection = connection_of(parent, field)
            yield parent, connection

    def whole(
        self,
        document: str,
        variables: Mapping[str, Any],
        parent: Mapping[str, Any],
        path: tuple[str, str],
        *,
        most: int,
    ) -> list[Any]:
        """Return all nodes of a nested connection whose first page `parent` holds."""
        connection = connection_of(parent, path[1])
        nodes = list(connection["nodes"])
        for _parent, further in self.rest_of(document, variables, connection, path, most=most):
            nodes += further["nodes"]
        return nodes

    def _pace(self, operation: str) -> None:
        wait = self.bucket.wait(operation, self.config.clock())
        if wait > 0:
            raise ConnectorError("throttled", "waiting for the shop's budget of points", retry_after=wait)

    def _once(self, document: str, variables: Mapping[str, Any], *, write: bool) -> Answer:
        name = operation_name(document)
        response = self.http.request(
            "POST",
            self.url,
            headers={"X-Shopify-Access-Token": self.config.credentials.get("access_token", "")},
            json={"query": document, "variables": dict(variables), "operationName": name},
        )
        self._check_status(response, write=write)
        try:
            value = parse_json(response)
            if not isinstance(value, dict):
                raise ConnectorError("bad_answer", "the answer is not an object")
        except ConnectorError as error:
            raise ConnectorError(error.code, error.message, unknown=write) from None
        extensions = value.get("extensions")
        self.bucket.note(name, extensions.get("cost") if isinstance(extensions, dict) else None, self.config.clock())
        withheld = self._check_errors(name, value, write=write)
        data = value.get("data")
        if not isinstance(data, dict):
            raise ConnectorError("bad_answer", f"{name}: the answer holds no data", unknown=write)
        return Answer(data, withheld, server_time(response))

    def _check_status(self, response: HttpResponse, *, write: bool) -> None:
        status = response.status
        if 200 <= status < 300:
            return
        now = self.config.clock()
        wait = retry_after(response.headers, now=now)
        if status == 429:
            if wait:
                self.bucket.block(wait, now)
            raise ConnectorError("throttled", "Shopify asks to wait", retry_after=wait)
        message = f"HTTP {status}{self._said(response)}"
        if status >= 500:
            raise ConnectorError("server_error", message, unknown=write, retry_after=wait)
        code, permanent, auth, pause = STATUSES.get(status, ("refused", True, False, None))
        raise ConnectorError(code, message, permanent=permanent, auth=auth, retry_after=wait or pause)

    def _said(self, response: HttpResponse) -> str:
        """Return Shopify's own sentence of a refusal, safe to store; empty when there is none."""
        try:
            value = parse_json(response)
        except ConnectorError:
            return ""
        errors = value.get("errors") if isinstance(value, dict) else None
        return f": {self.safe(errors)}" if isinstance(errors, str) else ""

    def _check_errors(self, name: str, value: dict[str, Any], *, write: bool) -> tuple[Path, ...]:
        """Raise for the errors of an answer; fields our scopes do not reach are returned when the rest came."""
        errors = value.get("errors")
        if not errors:
            return ()
        if not isinstance(errors, list):
            raise ConnectorError("graphql_error", f"{name}: {self.safe(errors)}", permanent=True)
        kinds = [_code(error) for error in errors]
        if "THROTTLED" in kinds:
            raise ConnectorError("throttled", "out of points", retry_after=self._until_affordable(name))
        if "MAX_COST_EXCEEDED" in kinds:
            extensions = errors[kinds.index("MAX_COST_EXCEEDED")]["extensions"]
            raise TooCostly(_number(extensions.get("cost"), 2 * MOST_POINTS), _number(extensions.get("maxCost"), 1000))
        message = f"{name}: {self.safe('; '.join(str(_message(error)) for error in errors[:3]))}"
        if set(kinds) & PASSING_CODES:
            raise ConnectorError("server_error", message, unknown=write)
        if set(kinds) != {"ACCESS_DENIED"}:
            raise ConnectorError("graphql_error", message, permanent=True)
        paths = tuple(tuple(error.get("path") or ()) for error in errors)
        if not isinstance(value.get("data"), dict) or not all(len(path) > 1 for path in paths):
            raise AccessDenied(message, paths)
        return paths

    def _until_affordable(self, name: str) -> float | None:
        # At least a moment: the bucket's own refill may already have caught up while the answer travelled.
        return max(self.bucket.wait(name, self.config.clock()), 0.5) if self.bucket.rate else None

    def safe(self, text: Any) -> str:
        """Return a text of the platform without any of our secrets, cut to a length a row can show."""
        plain = str(text)
        for value in self.config.credentials.values():
            if len(value) >= 6:
                plain = plain.replace(value, "…")
        return redact(plain)


class AccessDenied(ConnectorError):
    """A scope is missing for fields that cannot be null; `paths` says which."""

    def __init__(self, message: str, paths: tuple[Path, ...]) -> None:
        super().__init__("access_denied", message, permanent=True)
        self.paths = paths


def next_cursor(connection: Mapping[str, Any]) -> str | None:
    """Return the cursor of the page after this one; None at the end.

    Raises ConnectorError "bad_answer" when there is a next page but no way to it.
    """
    info = connection.get("pageInfo")
    if not isinstance(info, dict) or not isinstance(info.get("hasNextPage"), bool):
        raise ConnectorError("bad_answer", "a page without its page information")
    if not info["hasNextPage"]:
        return None
    cursor = info.get("endCursor")
    if not isinstance(cursor, str) or not cursor:
        raise ConnectorError("bad_answer", "a page says there is more but not where")
    return cursor


def connection_of(parent: Mapping[str, Any], field: str) -> dict[str, Any]:
    """Return a connection with its list of nodes. Raises ConnectorError "bad_answer" when it is none."""
    connection = parent.get(field)
    if not isinstance(connection, dict) or not isinstance(connection.get("nodes"), list):
        raise ConnectorError("bad_answer", f"{field} is not a list")
    return connection


def server_time(response: HttpResponse) -> dt.datetime | None:
    """Return the platform's clock from the Date header, aware UTC."""
    try:
        moment = email.utils.parsedate_to_datetime(response.headers.get("date", ""))
    except (ValueError, TypeError):
        return None
    return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _code(error: Any) -> str:
    extensions = error.get("extensions") if isinstance(error, dict) else None
    return str(extensions.get("code", "")) if isinstance(extensions, dict) else ""


def _message(error: Any) -> Any:
    return error.get("message", "") if isinstance(error, dict) else error


def _number(value: Any, default: float) -> float:
    return float(value) if isinstance(value, int) and 0 < value < 10**9 else default
