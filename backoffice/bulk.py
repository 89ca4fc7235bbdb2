"""Set-based writes for the hot paths: one statement for a page of rows, the same call on both engines.

PostgreSQL gets one array parameter per column (`unnest`), written as array literals by hand because that is several
times faster than adapting each value; SQLite gets VALUES lists. Names of tables and columns come from the model only.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Any

from django.db import connection, models
from django.db.models import JSONField

Row = Sequence[Any]
SQLITE_PARAMETERS = 30_000  # below SQLite's default limit of 32,766 variables in a statement
POSTGRES_ROWS = 20_000  # rows in one statement: bounds the memory of one array literal
_COMPACT: dict[str, Any] = {"ensure_ascii": False, "separators": (",", ":")}
_ENCODER = json.JSONEncoder(**_COMPACT)  # json.dumps makes a new one for each call


def insert_rows(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Iterable[Row],
    *,
    returning: Sequence[str] = (),
    ignore_conflicts: bool = False,
    conflict_target: Sequence[str] = (),
    prepared: bool = False,
    shared: Mapping[str, Any] | None = None,
) -> list[tuple[Any, ...]]:
    """Insert rows given as tuples in the order of `columns` (field names or attnames such as `sku_id`).

    Returns the `returning` columns of the rows really inserted, as the database holds them; their order is not
    promised, so include the key you sent. With `ignore_conflicts` rows that collide (on `conflict_target`, else on
    any unique key) are left out. `prepared` rows hold database values already: integers for scaled numbers, text for
    JSON. Every column without a database default must be named: model defaults do not apply. `shared` holds the
    database values of further columns that are the same in all rows; they are sent once.
    """
    names, same = tuple(columns), dict(shared or {})
    ready = _prepared(model, names, rows, prepared)
    shape = (model, names, tuple(returning), ignore_conflicts, tuple(conflict_target), tuple(same))
    if connection.vendor == "postgresql":
        return _insert_postgresql(shape, ready, list(same.values()))
    more = next(_sqlite_rows([tuple(same.values())]))
    return _insert_sqlite(shape, ((*row, *more) for row in ready) if more else ready)


def update_rows(
    model: type[models.Model],
    key_columns: Sequence[str],
    columns: Sequence[str],
    rows: Iterable[Row],
    *,
    increments: Sequence[str] = (),
    guard_sql: str = "",
    returning: Sequence[str] = (),
    lock_in_order: bool = False,
    prepared: bool = False,
) -> list[tuple[Any, ...]]:
    """Update rows by key; each row is (keys…, columns…, increments…). Returns `returning` (default: the keys).

    `columns` are set, `increments` are added to what stands there. `guard_sql` is a condition written by a
    programmer, never by input, with the table as `t` and the row sent as `v`: `t.quantity + v.quantity >= 0`; a row
    that fails it is left alone and is not returned. `lock_in_order` locks the rows by primary key first, so that two
    writers cannot deadlock. A key must not appear twice in `rows`.
    """
    keys, sets, adds = tuple(key_columns), tuple(columns), tuple(increments)
    ready = _prepared(model, keys + sets + adds, rows, prepared)
    shape = (model, keys, sets, adds, guard_sql, tuple(returning) or keys, lock_in_order)
    chunk = POSTGRES_ROWS if connection.vendor == "postgresql" else SQLITE_PARAMETERS // len(keys + sets + adds)
    found: list[tuple[Any, ...]] = []
    for batch in _chunks(ready, chunk):
        found += _update_batch(shape, batch)
    return found


def commit_without_waiting() -> None:
    """Let the commit of this transaction not wait for the disk. Only for rows that mean nothing before a later commit
    that does wait: that one brings all earlier ones to the disk too, and a crash before it loses both.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off")


def json_text(value: Any, encoder: type[json.JSONEncoder] | None = None) -> str:
    """Return JSON that both engines take: PostgreSQL refuses U+0000 in jsonb, so it is dropped."""
    text = _ENCODER.encode(value) if encoder is None else json.dumps(value, cls=encoder, **_COMPACT)
    return text.replace("\\u0000", "") if "\\u0000" in text else text


def _update_batch(shape: tuple[Any, ...], batch: list[Row]) -> list[tuple[Any, ...]]:
    model, keys, sets, adds, *_rest = shape
    names = keys + sets + adds
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_update_sql(*shape, rows=0), _arrays(model, names, batch))
        else:
            cursor.execute(_update_sql(*shape, rows=len(batch)), [value for row in batch for value in row])
        return cursor.fetchall()


def _insert_postgresql(shape: tuple[Any, ...], rows: Iterable[Row], shared: list[Any]) -> list[tuple[Any, ...]]:
    model, names, returning, *_rest = shape
    found: list[tuple[Any, ...]] = []
    with connection.cursor() as cursor:
        for batch in _chunks(rows, POSTGRES_ROWS):
            cursor.execute(_insert_sql(*shape, rows=0), [*shared, *_arrays(model, names, batch)])
            if returning:
                found += cursor.fetchall()
    return found


def _insert_sqlite(shape: tuple[Any, ...], rows: Iterable[Row]) -> list[tuple[Any, ...]]:
    _model, names, returning, _ignore, _target, shared = shape
    found: list[tuple[Any, ...]] = []
    with connection.cursor() as cursor:
        if not returning:
            batch = list(rows)
            if batch:
                cursor.executemany(_insert_sql(*shape, rows=1), batch)
            return []
        for batch in _chunks(rows, SQLITE_PARAMETERS // len(names + shared)):
            cursor.execute(_insert_sql(*shape, rows=len(batch)), [value for row in batch for value in row])
            found += cursor.fetchall()
    return found


# --- SQL -------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def _insert_sql(
    model: type[models.Model],
    names: tuple[str, ...],
    returning: tuple[str, ...],
    ignore_conflicts: bool,
    conflict_target: tuple[str, ...],
    shared: tuple[str, ...],
    rows: int,
) -> str:
    if rows == 0:
        listed, source = shared + names, _unnest(model, names, shared)
    else:
        listed, source = names + shared, "VALUES " + _values(len(names + shared), rows)
    sql = f"INSERT INTO {_table(model)} ({_listed(model, listed)}) {source}"
    if ignore_conflicts:
        target = f" ({_listed(model, conflict_target)})" if conflict_target else ""
        sql += f" ON CONFLICT{target} DO NOTHING"
    return f"{sql} RETURNING {_listed(model, returning)}" if returning else sql


@lru_cache(maxsize=512)
def _update_sql(
    model: type[models.Model],
    keys: tuple[str, ...],
    sets: tuple[str, ...],
    adds: tuple[str, ...],
    guard_sql: str,
    returning: tuple[str, ...],
    lock_in_order: bool,
    rows: int,
) -> str:
    names = keys + sets + adds
    source = _unnest(model, names) if rows == 0 else "VALUES " + _values(len(names), rows)
    changes = [f"{_column(model, name)} = v.{_column(model, name)}" for name in sets]
    changes += [f"{_column(model, name)} = t.{_column(model, name)} + v.{_column(model, name)}" for name in adds]
    match = " AND ".join(f"t.{_column(model, name)} = v.{_column(model, name)}" for name in keys)
    sql = f"WITH v ({_listed(model, names)}) AS ({source})"
    table = "v"
    where = match + (f" AND ({guard_sql})" if guard_sql else "")
    if lock_in_order and rows == 0:
        pk = connection.ops.quote_name(str(model._meta.pk.column))
        # The CTE locks in one order before the UPDATE touches anything; without it two pages of the same rows deadlock.
        lock = f"SELECT t.{pk} FROM {_table(model)} t JOIN v ON {match} ORDER BY t.{pk} FOR UPDATE OF t"  # noqa: S608
        sql += f", locked AS MATERIALIZED ({lock})"
        table, where = "v, locked", f"t.{pk} = locked.{pk} AND {where}"
    back = ", ".join(f"t.{_column(model, name)}" if rows == 0 else _column(model, name) for name in returning)
    update = f"UPDATE {_table(model)} AS t SET {', '.join(changes)} FROM {table} WHERE {where}"  # noqa: S608
    return f"{sql} {update} RETURNING {back}"


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _listed(model: type[models.Model], names: tuple[str, ...]) -> str:
    return ", ".join(_column(model, name) for name in names)


def _column(model: type[models.Model], name: str) -> str:
    return connection.ops.quote_name(str(field_of(model, name).column))


@lru_cache(maxsize=4096)
def field_of(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    """Return the concrete field called `name` or stored as attname `name`; raises ValueError when there is none."""
    for field in model._meta.concrete_fields:
        if name in (field.name, field.attname):
            return field
    raise ValueError(f"{model._meta.label} has no column {name!r}.")


def _values(width: int, rows: int) -> str:
    one = "(" + ", ".join(["%s"] * width) + ")"
    return ", ".join([one] * rows)


def _unnest(model: type[models.Model], names: tuple[str, ...], shared: tuple[str, ...] = ()) -> str:
    once = "".join(f"%s::{carried}{cast}, " for carried, cast in (_kind(field_of(model, name)) for name in shared))
    kinds = [_kind(field_of(model, name)) for name in names]
    arrays = ", ".join(f"%s::{carried}[]" for carried, _cast in kinds)
    columns = ", ".join(f"u.c{i}{cast}" for i, (_carried, cast) in enumerate(kinds))
    aliases = ", ".join(f"c{i}" for i in range(len(names)))
    return f"SELECT {once}{columns} FROM unnest({arrays}) AS u({aliases})"  # noqa: S608 — types of the model


def _kind(field: models.Field[Any, Any]) -> tuple[str, str]:
    """Return the element type that carries the column, and the cast behind it.

    Text travels as `text`: a cast to `varchar(n)` would cut a value that is too long instead of refusing it.
    """
    whole = str(field.db_type(connection) or "").lower()
    name = whole.split("(")[0].strip()
    if name.startswith("varchar") or name.startswith("char") or name == "text":
        return "text", ""
    if name in {"jsonb", "inet", "bytea"}:
        return "text", f"::{name}"
    return name, ""


# --- values ----------------------------------------------------------------------------------------------------------


def _prepared(model: type[models.Model], names: tuple[str, ...], rows: Iterable[Row], prepared: bool) -> Iterable[Row]:
    fields = [field_of(model, name) for name in names]
    if prepared:
        return rows if connection.vendor == "postgresql" else _sqlite_rows(rows)
    convert = [_converter(field) for field in fields]
    return (tuple([turn(value) for turn, value in zip(convert, row, strict=True)]) for row in rows)


def _converter(field: models.Field[Any, Any]) -> Callable[[Any], Any]:
    if isinstance(field, JSONField):
        return lambda value: None if value is None else json_text(value, field.encoder)
    if connection.vendor == "postgresql" and isinstance(field, models.DateField | models.TimeField):
        return field.get_prep_value
    return lambda value: field.get_db_prep_save(value, connection)


def _sqlite_rows(rows: Iterable[Row]) -> Iterator[Row]:
    adapt = connection.ops.adapt_datetimefield_value
    for row in rows:
        yield tuple(
            [
                adapt(value) if isinstance(value, dt.datetime) else str(value) if isinstance(value, Decimal) else value
                for value in row
            ]
        )


def _arrays(model: type[models.Model], names: tuple[str, ...], batch: list[Row]) -> list[str]:
    columns = zip(*batch, strict=True)
    return [_array(column) for _name, column in zip(names, columns, strict=True)]


def _array(column: tuple[Any, ...]) -> str:
    """Return a column as an array literal, whole columns at a time where all values are of one kind.

    Most columns of a page hold one value throughout (a state, a moment, an empty text): that is written once.
    """
    first = column[0]
    if column.count(first) == len(column) and type(first) is not float:  # NaN is not itself
        return "{" + ",".join([_element(first)] * len(column)) + "}"
    kinds = set(map(type, column))
    if kinds == {int}:
        return "{" + ",".join(map(str, column)) + "}"
    if kinds == {dt.datetime}:
        return '{"' + '","'.join(map(dt.datetime.isoformat, column)) + '"}'
    if kinds == {str}:
        joined = "\x1f".join(column)
        if joined.count("\x1f") == len(column) - 1:  # nobody's text holds the separator
            escaped = joined.replace("\\", "\\\\").replace('"', '\\"')
            return '{"' + escaped.replace("\x1f", '","') + '"}'
    return "{" + ",".join(map(_element, column)) + "}"


def _element(value: Any) -> str:
    kind = type(value)
    if kind is int:
        return str(value)
    if value is None:
        return "NULL"
    if kind is str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return _rarer(value)


def _rarer(value: Any) -> str:
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return f'"{value.isoformat()}"'
    if isinstance(value, bytes | bytearray | memoryview):
        return f'"\\\\x{bytes(value).hex()}"'
    if isinstance(value, int | float | Decimal):
        return str(value)
    return _element(str(value))


def _chunks(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    source = iter(rows)
    while batch := list(islice(source, size)):
        yield batch
