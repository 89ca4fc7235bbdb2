"""The database itself refuses a voucher that does not balance, whoever writes it.

PostgreSQL checks at the commit (a deferred constraint trigger on the lines). SQLite has no deferred triggers: there the
check stands on the request that is marked as posted, and lines can no longer be added once it is.
"""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

TABLES = {"finance_voucher", "finance_voucherline", "finance_postingrequest"}
NAMES = {
    "postgresql": ["finance_voucherline_balances"],
    "sqlite": ["finance_voucher_balances", "finance_voucherline_sealed"],
}
POSTGRESQL = (
    """
    CREATE OR REPLACE FUNCTION yiku_voucher_balances() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE debits numeric; credits numeric; stated numeric;
    BEGIN
        SELECT coalesce(sum(debit), 0), coalesce(sum(credit), 0) INTO debits, credits
            FROM finance_voucherline WHERE voucher_id = NEW.voucher_id;
        SELECT total INTO stated FROM finance_voucher WHERE id = NEW.voucher_id;
        IF debits <> credits OR debits <> stated THEN
            RAISE EXCEPTION 'voucher % does not balance', NEW.voucher_id USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END$$
    """,
    "DROP TRIGGER IF EXISTS finance_voucherline_balances ON finance_voucherline",
    "CREATE CONSTRAINT TRIGGER finance_voucherline_balances AFTER INSERT ON finance_voucherline "
    "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION yiku_voucher_balances()",
)
SQLITE = (
    "DROP TRIGGER IF EXISTS finance_voucher_balances",
    """
    CREATE TRIGGER finance_voucher_balances BEFORE UPDATE OF voucher_id ON finance_postingrequest
    WHEN NEW.voucher_id IS NOT NULL AND EXISTS (
        SELECT 1 FROM finance_voucher v LEFT JOIN finance_voucherline l ON l.voucher_id = v.id
        WHERE v.id = NEW.voucher_id GROUP BY v.id, v.total
        HAVING coalesce(sum(l.debit), 0) <> coalesce(sum(l.credit), 0) OR coalesce(sum(l.debit), 0) <> v.total
    ) BEGIN SELECT RAISE(ABORT, 'voucher does not balance'); END
    """,
    "DROP TRIGGER IF EXISTS finance_voucherline_sealed",
    """
    CREATE TRIGGER finance_voucherline_sealed BEFORE INSERT ON finance_voucherline
    WHEN EXISTS (SELECT 1 FROM finance_postingrequest r WHERE r.voucher_id = NEW.voucher_id)
    BEGIN SELECT RAISE(ABORT, 'voucher is posted'); END
    """,
)


def install(connection: BaseDatabaseWrapper) -> None:
    """Write the triggers; repeating it changes nothing."""
    if set(connection.introspection.table_names()) >= TABLES:
        with connection.cursor() as cursor:
            for statement in POSTGRESQL if connection.vendor == "postgresql" else SQLITE:
                cursor.execute(statement)


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the names of the triggers that should stand and do not."""
    if connection.vendor == "postgresql":
        sql = "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D' AND NOT tgisinternal"
    else:
        sql = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    with connection.cursor() as cursor:
        cursor.execute(sql)
        standing = {row[0] for row in cursor.fetchall()}
    return [name for name in NAMES[connection.vendor] if name not in standing]


def install_after_migrate(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Receiver of post_migrate: a migration that rebuilds a table on SQLite drops its triggers silently."""
    install(connections[using])
