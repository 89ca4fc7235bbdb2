"""The audit trail and the ledgers only grow: the database itself refuses anything else."""

import pytest
from django.db import DatabaseError, connection, transaction

from backoffice import audit, triggers
from backoffice.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def entry():
    audit.record(action="stock.adjust", target="inventory.sku:1", after={"quantity": "3"})
    return AuditEntry.objects.get()


def test_every_trigger_stands():
    assert triggers.rules()
    assert triggers.missing(connection) == []


def test_an_update_is_refused_by_the_database(entry):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).update(actor="somebody else")
    entry.refresh_from_db()
    assert entry.actor == "system"


def test_a_delete_is_refused_by_the_database(entry):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.all().delete()
    assert AuditEntry.objects.count() == 1


@pytest.mark.sqlite
def test_insert_or_replace_does_not_slip_past(entry):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT OR REPLACE INTO backoffice_auditentry (id, at, actor, action, target, summary, before, after) "
            "VALUES (%s, '2026-01-01', 'x', 'x', 'x', '', '{}', '{}')",
            [entry.pk],
        )
    assert AuditEntry.objects.get().actor == "system"


@pytest.mark.postgres
def test_truncate_is_refused():
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE backoffice_auditentry")


def test_installing_again_changes_nothing(entry):
    triggers.install(connection)
    triggers.install(connection)
    assert triggers.missing(connection) == []


def test_a_dropped_trigger_is_noticed_and_comes_back_with_migrate(entry):
    name = triggers.trigger_names(triggers.rules()[0], connection)[0]
    table = triggers.rules()[0].table
    with connection.cursor() as cursor:
        cursor.execute(f'DROP TRIGGER "{name}"' + (f' ON "{table}"' if connection.vendor == "postgresql" else ""))
    assert triggers.missing(connection) == [name]
    triggers.install(connection)
    assert triggers.missing(connection) == []


@pytest.mark.django_db(transaction=True)
def test_the_reset_between_tests_empties_guarded_tables(django_db_blocker):
    audit.record(action="a", target="b")
    assert AuditEntry.objects.count() == 1
    from django.core.management import call_command

    call_command("flush", interactive=False, verbosity=0)
    assert AuditEntry.objects.count() == 0
    assert triggers.missing(connection) == []


def test_a_column_the_model_lacks_is_refused():
    with pytest.raises(ValueError, match="no column nonsense"):
        triggers.append_only(AuditEntry, ("nonsense",))
