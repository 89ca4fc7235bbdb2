"""The index of marks and tags: triggers of the database copy both lists of an order into rows of their own.

Marks and tags are written in many places, by page and in bulk; a trigger forgets none of them, on both engines. SQLite
drops a table's triggers when a migration rebuilds it, so they are written again after every `migrate`.
"""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

TABLE, LABELS = "orders_order", "orders_orderlabel"

_SQLITE_ROWS = """
  INSERT OR IGNORE INTO orders_orderlabel (order_id, kind, text)
    SELECT NEW.id, 'mark', substr(value, 1, 100) FROM json_each(NEW.marks) WHERE value <> ''
    UNION ALL SELECT NEW.id, 'tag', substr(value, 1, 100) FROM json_each(NEW.tags) WHERE value <> '';
"""
SQLITE = (
    "DROP TRIGGER IF EXISTS orders_order_labels_new",
    f"""CREATE TRIGGER orders_order_labels_new AFTER INSERT ON orders_order
WHEN NEW.marks <> '[]' OR NEW.tags <> '[]' BEGIN {_SQLITE_ROWS} END""",
    "DROP TRIGGER IF EXISTS orders_order_labels_changed",
    f"""CREATE TRIGGER orders_order_labels_changed AFTER UPDATE OF marks, tags ON orders_order
WHEN OLD.marks <> NEW.marks OR OLD.tags <> NEW.tags BEGIN
  DELETE FROM orders_orderlabel WHERE order_id = NEW.id; {_SQLITE_ROWS} END""",  # noqa: S608 — no input
)
POSTGRESQL = (
    """CREATE OR REPLACE FUNCTION yiku_order_labels() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    DELETE FROM orders_orderlabel WHERE order_id = NEW.id;
  END IF;
  INSERT INTO orders_orderlabel (order_id, kind, text)
    SELECT NEW.id, 'mark', left(value, 100) FROM jsonb_array_elements_text(NEW.marks) WHERE value <> ''
    UNION SELECT NEW.id, 'tag', left(value, 100) FROM jsonb_array_elements_text(NEW.tags) WHERE value <> ''
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$""",
    """CREATE OR REPLACE TRIGGER orders_order_labels_new AFTER INSERT ON orders_order FOR EACH ROW
WHEN (NEW.marks <> '[]'::jsonb OR NEW.tags <> '[]'::jsonb) EXECUTE FUNCTION yiku_order_labels()""",
    """CREATE OR REPLACE TRIGGER orders_order_labels_changed AFTER UPDATE OF marks, tags ON orders_order FOR EACH ROW
WHEN (OLD.marks <> NEW.marks OR OLD.tags <> NEW.tags) EXECUTE FUNCTION yiku_order_labels()""",
)


def install(connection: BaseDatabaseWrapper) -> None:
    """Write the triggers where both tables stand. Repeating it changes nothing."""
    if not {TABLE, LABELS} <= set(connection.introspection.table_names()):
        return
    with connection.cursor() as cursor:
        for statement in POSTGRESQL if connection.vendor == "postgresql" else SQLITE:
            cursor.execute(statement)


def install_after_migrate(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Receiver of post_migrate of the orders app."""
    install(connections[using])
