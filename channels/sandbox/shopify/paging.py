"""Relay connections over ordered rows: a cursor is the place of its row, so rows added meanwhile shift nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from graphql import GraphQLError

from channels.sandbox.shopify import cursors

MOST = 250
Row = dict[str, Any]


def connect(
    rows: Iterable[Row],
    args: Mapping[str, Any],
    *,
    place: Callable[[Row], Any] | None = None,
    faults: Any = None,
) -> dict[str, Any]:
    """Return the page that `args` (first, after, last, before, reverse) ask for.

    `place` gives the sorting place of a row (JSON-able); without it rows stay as they come. `faults`: see `quirks`.
    """
    first, last = args.get("first"), args.get("last")
    if first is None and last is None:
        raise GraphQLError("you must provide one of first or last", extensions={"code": "BAD_REQUEST"})
    for count in (first, last):
        if count is not None and not 0 <= count <= MOST:
            raise GraphQLError(f"first/last must be between 0 and {MOST}", extensions={"code": "BAD_REQUEST"})
    placed = [(place(row) if place else index, row) for index, row in enumerate(rows)]
    if place:
        placed.sort(key=lambda pair: pair[0])
    if args.get("reverse"):
        placed.reverse()
    return _window(placed, args, faults)


def _window(placed: list[tuple[Any, Row]], args: Mapping[str, Any], faults: Any) -> dict[str, Any]:
    backward = bool(args.get("reverse"))
    after, before = _place(args.get("after")), _place(args.get("before"))
    inside = [
        pair
        for pair in placed
        if (after is None or (pair[0] < after if backward else pair[0] > after))
        and (before is None or (pair[0] > before if backward else pair[0] < before))
    ]
    first, last = args.get("first"), args.get("last")
    page = inside[:first] if first is not None else inside[len(inside) - min(int(last or 0), len(inside)) :]
    info = {
        "hasNextPage": first is not None and len(inside) > len(page),
        "hasPreviousPage": after is not None or (first is None and len(inside) > len(page)),
        "startCursor": cursors.write(page[0][0]) if page else None,
        "endCursor": cursors.write(page[-1][0]) if page else None,
    }
    answer = {
        "nodes": [row for _, row in page],
        "edges": [{"cursor": cursors.write(key), "node": row} for key, row in page],
        "pageInfo": info,
    }
    return faults.page(answer, args.get("after")) if faults else answer


def _place(cursor: Any) -> Any:
    try:
        return cursors.read(str(cursor)) if cursor else None
    except ValueError as error:
        raise GraphQLError(str(error), extensions={"code": "BAD_REQUEST"}) from None
