"""SQL conditions over sets of values: one parameter for any number of them, on both engines."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from django.db import connection

Pair = tuple[int, int]  # (sku id, warehouse id)


def among(column: str, values: Collection[Any]) -> tuple[str, list[Any]]:
    """Return `column is one of values` (whole numbers or texts) and its parameters.

    `column` is written by a programmer, never by input.
    """
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%s)", [array(values)]  # untyped: it takes the type of the column
    return f"{column} IN (SELECT value FROM json_each(%s))", [json.dumps(list(values))]  # noqa: S608 — a programmer names the column


def pairs_source(pairs: Sequence[Pair]) -> tuple[str, list[Any]]:
    """Return a FROM item `w(sku_id, warehouse_id)` that holds the pairs, and its parameters."""
    if connection.vendor == "postgresql":
        columns = [array([pair[0] for pair in pairs]), array([pair[1] for pair in pairs])]
        return "unnest(%s::bigint[], %s::bigint[]) AS w(sku_id, warehouse_id)", columns
    extracted = "SELECT json_extract(value, '$[0]') AS sku_id, json_extract(value, '$[1]') AS warehouse_id"
    return f"({extracted} FROM json_each(%s)) AS w", [json.dumps(pairs)]


def array(values: Collection[Any]) -> str:
    """Return an array literal: several times faster than letting the driver adapt each value."""
    return "{" + ",".join([_quoted(value) if isinstance(value, str) else str(value) for value in values]) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
