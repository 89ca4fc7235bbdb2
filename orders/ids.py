"""Primary keys drawn before the rows are written, so that a page's rows can point at each other in any order."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from django.db import connection, models


def draw(counts: Mapping[type[models.Model], int]) -> dict[type[models.Model], list[int]]:
    """Return fresh ids for each model, in one statement; ids that are not used are lost, which harms nobody.

    Call it inside the transaction that inserts: SQLite has one writer at a time, and the numbers hold for it only.
    """
    wanted = {model: count for model, count in counts.items() if count}
    if connection.vendor == "postgresql":
        return {model: [] for model in counts} | _from_sequences(wanted)
    return {model: [] for model in counts} | {model: _after_last(model, count) for model, count in wanted.items()}


def _from_sequences(counts: Mapping[type[models.Model], int]) -> dict[type[models.Model], list[int]]:
    found: dict[type[models.Model], list[int]] = {model: [] for model in counts}
    if not counts:
        return found
    parts = [f"SELECT {place}, nextval(%s::regclass) FROM generate_series(1, %s)" for place in range(len(counts))]  # noqa: S608 — a number
    parameters = [value for model, count in counts.items() for value in (_sequence(model), count)]
    by_place = list(counts)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), parameters)
        for place, value in cursor.fetchall():
            found[by_place[place]].append(value)
    return found


@lru_cache(maxsize=64)
def _sequence(model: type[models.Model]) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [model._meta.db_table, model._meta.pk.column])
        return str(cursor.fetchone()[0])


def _after_last(model: type[models.Model], count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [model._meta.db_table])
        row = cursor.fetchone()
    first = (row[0] if row else 0) + 1
    return list(range(first, first + count))
