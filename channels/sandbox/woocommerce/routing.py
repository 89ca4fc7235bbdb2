"""From a call to its route in the published index, its checked parameters and its answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from channels.sandbox.woocommerce.rest import (
    METHODS,
    PREFIX,
    ROUTES,
    Answer,
    Handler,
    Handlers,
    Request,
    RestError,
    check,
)


class Router:
    """Finds the route of a call, checks its parameters and answers it."""

    def __init__(self, statuses: Mapping[str, str], *tables: Handlers) -> None:
        self.statuses = statuses
        self._handlers = {key: handler for table in tables for key, handler in table.items()}
        self._routes = [(re.compile(f"^{route}/?$"), route) for route in ROUTES]

    def answer(self, request: Request) -> Answer:
        """Answer a call below /wp-json. Raises RestError."""
        path = request.path.removeprefix(PREFIX)
        for pattern, route in self._routes:
            found = pattern.match(path)
            if found is None:
                continue
            methods = sorted(
                {method for endpoint in ROUTES[route] for method in endpoint["methods"]}, key=METHODS.index
            )
            endpoint = next((e for e in ROUTES[route] if request.method in e["methods"]), None)
            handler = self._handlers.get((route, _family(request.method)))
            if endpoint is None or handler is None:
                break
            return self._run(
                request, handler, endpoint["args"], found.groupdict(), methods, batch=route.endswith("/batch")
            )
        raise RestError("rest_no_route", "No route was found matching the URL and request method.", 404)

    def _run(
        self,
        request: Request,
        handler: Handler,
        args: Mapping[str, Any],
        parts: dict[str, str],
        methods: list[str],
        *,
        batch: bool,
    ) -> Answer:
        allow = {"Allow": ", ".join(methods)}
        try:
            if request.bad_json:
                error = {"status": 400, "json_error_code": 4, "json_error_message": "Syntax error"}
                raise RestError("rest_invalid_json", "Invalid JSON body passed.", 400, error)
            given = {**request.query, **request.body, **parts}
            # A batch is not checked by the rules of its rows: "abc" becomes a stock of 0.
            # What the index does not name reaches the handler all the same (the lines of a refund).
            request.params = given if batch else {**given, **check(given, self._with_statuses(args))}
            answer = handler(request, parts)
        except RestError as error:
            return Answer(error.body(), error.status, allow)
        answer.headers = {**allow, **answer.headers}
        return answer

    def _with_statuses(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """Let the statuses that plugins registered pass where the index lists WooCommerce's own."""
        rule = args.get("status") or {}
        known = rule.get("enum") or rule.get("items", {}).get("enum") or ()
        if "checkout-draft" not in known:
            return args
        known = [*known, *(status for status in self.statuses if status not in known)]
        changed = {**rule, "enum": known} if "enum" in rule else {**rule, "items": {**rule["items"], "enum": known}}
        return {**args, "status": changed}


def _family(method: str) -> str:
    return "EDIT" if method in {"PUT", "PATCH"} else method
