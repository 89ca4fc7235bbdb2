"""A query of the hot path, compiled once: building its SQL anew each time costs more than running it.

    LINKS = Compiled(lambda shop_ids, moment: ShopWarehouse.objects.filter(…).values_list("shop_id", "warehouse_id"))
    for shop_id, warehouse_id in LINKS.rows([1, 2], now): ...

The function is called with stand-ins once per shape (the number of values in each list) and database; where they
appear in the parameters, the real values are put. So it may use its arguments only as values of filters, and give
back a `values_list`. Lists of more than a few values are not worth keeping: then the query is built as usual.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable
from typing import Any, cast

from django.db import connection
from django.db.models import QuerySet
from django.db.models.sql.compiler import SQLCompiler

MOST_IN_A_LIST = 4
Shape = tuple[int | None, ...]


class Compiled:
    """A query that runs with other values. Each thread keeps its own: a compiler belongs to a connection."""

    def __init__(self, build: Callable[..., QuerySet[Any, Any]]) -> None:
        self.build = build
        self._kept = threading.local()

    def rows(self, *values: Any) -> Iterable[tuple[Any, ...]]:
        """Run it with these values (whole numbers, moments, texts, or lists of them); returns plain rows."""
        given = [sorted(value) if isinstance(value, set | frozenset) else value for value in values]
        shape: Shape = tuple(len(value) if isinstance(value, list | tuple) else None for value in given)
        if any(length is not None and not 1 <= length <= MOST_IN_A_LIST for length in shape):
            return list(self.build(*given))
        kept = self._kept.__dict__.setdefault(connection.vendor, {})
        if shape not in kept:
            kept[shape] = _Plan(self.build, given)
        plan: _Plan = kept[shape]
        return plan.run(given)


class _Plan:
    """The SQL for one shape, with the places of the values among its parameters."""

    def __init__(self, build: Callable[..., QuerySet[Any, Any]], like: list[Any]) -> None:
        stand_ins, flat, number = [], [], 0
        for value in like:
            pieces = list(value) if isinstance(value, list | tuple) else [value]
            made = []
            for piece in pieces:
                number += 1
                made.append(_stand_in(piece, number))
            flat += made
            stand_ins.append(made if isinstance(value, list | tuple) else made[0])
        query = build(*stand_ins).query
        self.compiler: SQLCompiler = query.get_compiler(connection=connection)
        self.sql, parameters = self.compiler.as_sql()
        places = {_bound(value): place for place, value in enumerate(flat)}
        self.parameters = list(parameters)
        self.slots = [(at, places[value]) for at, value in enumerate(parameters) if _known(value, places)]
        missing = set(range(len(flat))) - {place for _at, place in self.slots}
        if missing:
            raise ValueError(f"Arguments {sorted(missing)} do not appear as values of the query.")

    def run(self, values: list[Any]) -> Iterable[tuple[Any, ...]]:
        flat = [piece for value in values for piece in (value if isinstance(value, list | tuple) else [value])]
        parameters = list(self.parameters)
        for at, place in self.slots:
            parameters[at] = _bound(flat[place])
        with connection.cursor() as cursor:
            cursor.execute(self.sql, parameters)
            found = cursor.fetchall()
        rows: Any = self.compiler.results_iter([found], tuple_expected=True)
        return cast(Iterable[tuple[Any, ...]], rows)


def _stand_in(value: Any, number: int) -> Any:
    """A value of the same kind that nothing else in the query equals."""
    if isinstance(value, dt.datetime):
        return dt.datetime(1901, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=number)
    if isinstance(value, int) and not isinstance(value, bool):
        return -918_273_000 - number
    return f"\x1fstand-in {number}\x1f"


def _bound(value: Any) -> Any:
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, dt.datetime) else value


def _known(value: Any, places: dict[Any, int]) -> bool:
    try:
        return value in places
    except TypeError:  # a JSON parameter and the like is no value of ours
        return False
