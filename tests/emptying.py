"""Emptying PostgreSQL after a test that committed: only the tables that hold something, and the first rows put back.

Django's flush truncates every table there is and runs the receivers of post_migrate again: a second and more after each
of hundreds of tests. Here the first rows lie in a schema of their own, and what differs from them is put right.
"""

from django.apps import apps
from django.db import connection
from django.test.testcases import TransactionTestCase

_firsts: frozenset[str] | None = None


def remember() -> None:
    """Keep the rows that stand in the database now: each test that commits begins with them."""
    global _firsts
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS firsts CASCADE")
        cursor.execute("CREATE SCHEMA firsts")
        _firsts = frozenset(_holding(cursor))
        for table in sorted(_firsts):
            cursor.execute(f'CREATE TABLE firsts."{table}" AS TABLE "{table}"')
    TransactionTestCase._fixture_teardown = _put_right


def _put_right(self: TransactionTestCase) -> None:
    """Stand in for Django's flush; append-only triggers and foreign keys do not look on meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table in sorted((_firsts or frozenset()) | set(_holding(cursor))):
            if table not in (_firsts or ()):
                cursor.execute(f'DELETE FROM "{table}"')
            elif _differs(cursor, table):
                cursor.execute(f'DELETE FROM "{table}"')
                cursor.execute(f'INSERT INTO "{table}" OVERRIDING SYSTEM VALUE TABLE firsts."{table}"')
        cursor.execute("COMMIT")


def _holding(cursor) -> list[str]:
    """Return the tables that hold a row, asked in one statement."""
    models = apps.get_models(include_auto_created=True)
    tables = sorted({model._meta.db_table for model in models if model._meta.managed and not model._meta.proxy})
    asked = [f"SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\")" for table in tables]
    cursor.execute(" UNION ALL ".join(asked))
    return [table for (table,) in cursor.fetchall()]


def _differs(cursor, table: str) -> bool:
    now, first = f'TABLE "{table}"', f'TABLE firsts."{table}"'
    cursor.execute(f"SELECT EXISTS (({now} EXCEPT ALL {first}) UNION ALL ({first} EXCEPT ALL {now}))")
    return bool(cursor.fetchone()[0])
