"""Tables that only grow: triggers refuse UPDATE and DELETE in the database itself, on both engines.

SQLite drops a table's triggers when a migration rebuilds it, so they are installed again after every `migrate`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

from django.apps import AppConfig
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

Model = TypeVar("Model", bound=type[models.Model])


@dataclasses.dataclass(frozen=True)
class Rule:
    """One append-only model and the columns that may still change (a mark set later, such as “published”)."""

    model: type[models.Model]
    allow_update_columns: tuple[str, ...] = ()
    erasable: tuple[str, ...] = ()
    several: bool = False

    @property
    def erased(self) -> tuple[str, ...]:
        """The columns that change once, when a person is erased, and the mark that says so."""
        return (*self.erasable, ERASED) if self.erasable else ()

    @property
    def table(self) -> str:
        """The table's name."""
        return self.model._meta.db_table

    @property
    def frozen_columns(self) -> list[str]:
        """The columns that an UPDATE may not touch."""
        columns = [field.column for field in self.model._meta.concrete_fields]
        return [column for column in columns if column and column not in (*self.allow_update_columns, *self.erased)]


_rules: dict[str, Rule] = {}
ERASED = "erased_at"
ONCE = f"NOT (OLD.{ERASED} IS NULL AND NEW.{ERASED} IS NOT NULL)"
LATER = f"NOT (NEW.{ERASED} IS NOT NULL AND (OLD.{ERASED} IS NULL OR NEW.{ERASED} > OLD.{ERASED}))"


def append_only(
    model: Model,
    allow_update_columns: tuple[str, ...] = (),
    erasable: tuple[str, ...] = (),
    *,
    several: bool = False,
) -> Model:
    """Register a model as append-only; also usable as `append_only(Entry)` below the class. Returns the model.

    `erasable` columns hold personal data: they may be rewritten once, in the statement that sets `erased_at`.
    Rows about `several` people may be rewritten again by a statement that sets it later.
    Raises ValueError for a column which the model does not have.
    """
    rule = Rule(model, allow_update_columns, erasable, several)
    unknown = {*allow_update_columns, *rule.erased} - {field.column for field in model._meta.concrete_fields}
    if unknown:
        raise ValueError(f"{model._meta.label} has no column {', '.join(sorted(unknown))}.")
    _rules[rule.table] = rule
    return model


def rules() -> list[Rule]:
    """Every registered rule."""
    return list(_rules.values())


def rule_of(model: type[models.Model]) -> Rule | None:
    """Return the rule of a model; None for one whose rows may change."""
    return _rules.get(model._meta.db_table)


def install(connection: BaseDatabaseWrapper, tables: set[str] | None = None) -> None:
    """Write the triggers of all registered tables that exist (or of those named). Repeating it changes nothing."""
    present = set(connection.introspection.table_names())
    for rule in rules():
        if rule.table in present and (tables is None or rule.table in tables):
            with connection.cursor() as cursor:
                for statement in statements(rule, connection):
                    cursor.execute(statement)


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the names of triggers that should stand and do not."""
    if connection.vendor == "postgresql":
        sql = "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D' AND NOT tgisinternal"
    else:
        sql = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    with connection.cursor() as cursor:
        cursor.execute(sql)
        standing = {row[0] for row in cursor.fetchall()}
    return [name for rule in rules() for name in trigger_names(rule, connection) if name not in standing]


def trigger_names(rule: Rule, connection: BaseDatabaseWrapper) -> list[str]:
    """Return the names of the triggers one table gets."""
    kinds = ["update", "delete"] + (["truncate"] if connection.vendor == "postgresql" else [])
    kinds += ["rewrite"] if rule.erasable else []
    return [f"{rule.table}_no_{kind}" for kind in kinds]


def statements(rule: Rule, connection: BaseDatabaseWrapper) -> list[str]:
    """Return the SQL that guards one table."""
    return _postgresql(rule, connection) if connection.vendor == "postgresql" else _sqlite(rule, connection)


def _columns(rule: Rule, connection: BaseDatabaseWrapper) -> str:
    """`UPDATE OF a, b`, or nothing when no column may change (then a column added by hand is guarded too)."""
    if not rule.allow_update_columns and not rule.erasable:
        return ""
    return " OF " + ", ".join(connection.ops.quote_name(column) for column in rule.frozen_columns)


def _erased(rule: Rule, quote: Callable[[str], str]) -> str:
    return " OF " + ", ".join(quote(column) for column in rule.erased)


def _unless(rule: Rule) -> str:
    """When rewriting is refused: a row is erased once, or, about several people, once for each of them."""
    return LATER if rule.several else ONCE


def _sqlite(rule: Rule, connection: BaseDatabaseWrapper) -> list[str]:
    quote = connection.ops.quote_name
    table, (update, delete, *rewrite) = quote(rule.table), [quote(name) for name in trigger_names(rule, connection)]
    refuse = f"BEGIN SELECT RAISE(ABORT, '{rule.table} is append-only'); END"
    return [
        f"DROP TRIGGER IF EXISTS {update}",
        f"CREATE TRIGGER {update} BEFORE UPDATE{_columns(rule, connection)} ON {table} {refuse}",
        f"DROP TRIGGER IF EXISTS {delete}",
        f"CREATE TRIGGER {delete} BEFORE DELETE ON {table} {refuse}",
        *(f"DROP TRIGGER IF EXISTS {name}" for name in rewrite),
        *(
            f"CREATE TRIGGER {name} BEFORE UPDATE{_erased(rule, quote)} ON {table} WHEN {_unless(rule)} {refuse}"
            for name in rewrite
        ),
    ]


def _postgresql(rule: Rule, connection: BaseDatabaseWrapper) -> list[str]:
    quote = connection.ops.quote_name
    table = quote(rule.table)
    update, delete, truncate, *rewrite = (quote(name) for name in trigger_names(rule, connection))
    run = "EXECUTE FUNCTION yiku_append_only()"
    return [
        "CREATE OR REPLACE FUNCTION yiku_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END$$",
        f"CREATE OR REPLACE TRIGGER {update} BEFORE UPDATE{_columns(rule, connection)} ON {table} FOR EACH ROW {run}",
        f"CREATE OR REPLACE TRIGGER {delete} BEFORE DELETE ON {table} FOR EACH ROW {run}",
        f"CREATE OR REPLACE TRIGGER {truncate} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {run}",
        *(
            f"CREATE OR REPLACE TRIGGER {name} BEFORE UPDATE{_erased(rule, quote)} ON {table} "
            f"FOR EACH ROW WHEN ({_unless(rule)}) {run}"
            for name in rewrite
        ),
    ]


def install_after_migrate(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Receiver of post_migrate: guard the tables of the app that has just been migrated."""
    tables = {rule.table for rule in rules() if rule.model._meta.app_label == sender.label}
    if tables:
        install(connections[using], tables)
