"""Set-based writes do on both engines exactly what row-by-row writes would."""

import datetime as dt
import threading
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, models, transaction

from backoffice import bulk
from backoffice.fields import QuantityField
from backoffice.models import ApiKey, AuditEntry, Lease, User
from tests.backoffice.throwaway import create_table

pytestmark = pytest.mark.django_db
AT = dt.datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=dt.UTC)
NASTY = ['quo"te', "back\\slash", "comma,brace{}", "NULL", "", " ", "新\n行", "'", "%s", "\t"]


class Shelf(models.Model):
    code = models.CharField(max_length=20, unique=True)
    quantity = QuantityField(default=0)
    seen_at = models.DateTimeField(null=True)
    note = models.JSONField(null=True)

    class Meta:
        app_label = "backoffice"
        managed = False
        db_table = "test_shelf"


@pytest.fixture
def shelves(db):
    create_table(Shelf)


def test_nasty_text_arrives_as_sent(shelves):
    bulk.insert_rows(Shelf, ["code", "quantity"], [(text, "1") for text in NASTY])
    assert sorted(Shelf.objects.values_list("code", flat=True)) == sorted(NASTY)


def test_numbers_times_json_and_null_arrive_as_sent(shelves):
    rows = [("a", Decimal("1.25"), AT, {"k": ["新", 1]}), ("b", "-3", None, None)]
    bulk.insert_rows(Shelf, ["code", "quantity", "seen_at", "note"], rows)
    a, b = Shelf.objects.order_by("code")
    assert (a.quantity, a.seen_at, a.note) == (Decimal("1.25"), AT, {"k": ["新", 1]})
    assert (b.quantity, b.seen_at, b.note) == (Decimal(-3), None, None)


def test_prepared_rows_are_taken_as_they_are(shelves):
    bulk.insert_rows(Shelf, ["code", "quantity", "seen_at"], [("a", 1250, AT)], prepared=True)
    shelf = Shelf.objects.get()
    assert (shelf.quantity, shelf.seen_at) == (Decimal("1.25"), AT)


def test_what_all_rows_share_is_sent_once_and_stands_in_each(shelves):
    shared = {"quantity": 1250, "seen_at": AT, "note": None}
    rows = [("a",), ("新",)]
    found = bulk.insert_rows(Shelf, ["code"], rows, prepared=True, shared=shared, returning=["code"])
    assert sorted(found) == rows
    assert set(Shelf.objects.values_list("quantity", "seen_at", "note")) == {(Decimal("1.25"), AT, None)}
    bulk.insert_rows(Shelf, ["code"], [("b",)], prepared=True, shared={"quantity": -1, "seen_at": None})
    assert Shelf.objects.get(code="b").quantity == Decimal("-0.001")


@pytest.mark.django_db(transaction=True)
def test_one_commit_does_not_wait_for_the_disk_and_the_next_one_does():
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET synchronous_commit = on")
        with transaction.atomic():
            bulk.commit_without_waiting()
            Lease.objects.create(name="kept")
            inside = _waits(cursor)
        assert (inside, _waits(cursor)) == (connection.vendor == "sqlite", True)
    assert Lease.objects.filter(name="kept").exists()


def _waits(cursor):
    if connection.vendor == "sqlite":
        return True
    cursor.execute("SHOW synchronous_commit")
    return cursor.fetchone()[0] == "on"


def test_returning_gives_the_keys_of_what_was_inserted(shelves):
    Shelf.objects.create(code="b", quantity=0)
    found = bulk.insert_rows(
        Shelf,
        ["code", "quantity"],
        [("a", 1), ("b", 1), ("c", 1)],
        returning=["code", "id"],
        ignore_conflicts=True,
        conflict_target=["code"],
    )
    assert sorted(code for code, _pk in found) == ["a", "c"]
    assert dict(found) == dict(Shelf.objects.exclude(code="b").values_list("code", "id"))
    assert Shelf.objects.get(code="b").quantity == 0


def test_a_collision_is_an_error_unless_it_is_expected(shelves):
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert_rows(Shelf, ["code", "quantity"], [("a", 1), ("a", 1)])
    assert not Shelf.objects.exists()


def test_text_that_is_too_long_is_never_cut(shelves):
    rows = [("x" * 21, 1)]
    if connection.vendor == "postgresql":
        with pytest.raises(Exception, match="too long"), transaction.atomic():
            bulk.insert_rows(Shelf, ["code", "quantity"], rows)
    else:
        bulk.insert_rows(Shelf, ["code", "quantity"], rows)
        assert len(Shelf.objects.get().code) == 21


def test_updates_set_add_and_guard_in_one_statement(shelves):
    bulk.insert_rows(Shelf, ["code", "quantity"], [("a", 5), ("b", 1), ("c", 9)])
    changed = bulk.update_rows(
        Shelf,
        ["code"],
        ["seen_at"],
        [("a", AT, -3), ("b", AT, -3), ("z", AT, 1)],
        increments=["quantity"],
        guard_sql="t.quantity + v.quantity >= 0",
        returning=["code", "quantity"],
    )
    assert changed == [("a", 2000)]
    assert dict(Shelf.objects.values_list("code", "quantity")) == {"a": 2, "b": 1, "c": 9}
    assert list(Shelf.objects.filter(seen_at=AT).values_list("code", flat=True)) == ["a"]


def test_a_null_can_be_set(shelves):
    bulk.insert_rows(Shelf, ["code", "quantity", "seen_at"], [("a", 1, AT)])
    assert bulk.update_rows(Shelf, ["code"], ["seen_at"], [("a", None)]) == [("a",)]
    assert Shelf.objects.get().seen_at is None


def test_a_hundred_thousand_rows_pass_in_pieces(shelves):
    rows = [(f"s{i}", i) for i in range(100_000)]
    bulk.insert_rows(Shelf, ["code", "quantity"], rows, prepared=True)
    found = bulk.insert_rows(Shelf, ["code", "quantity"], [(f"t{i}", i) for i in range(50_000)], returning=["code"])
    assert len(found) == 50_000
    changed = bulk.update_rows(Shelf, ["code"], [], [(code, 1000) for code, _q in rows], increments=["quantity"],
                               prepared=True)  # fmt: skip
    assert len(changed) == 100_000
    assert Shelf.objects.get(code="s99999").quantity == Decimal("100.999")


def test_no_rows_make_no_statement(shelves, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert bulk.insert_rows(Shelf, ["code", "quantity"], []) == []
        assert bulk.update_rows(Shelf, ["code"], ["quantity"], []) == []


def test_foreign_keys_booleans_and_addresses_arrive_as_sent():
    user = User.objects.create(username="u")
    bulk.insert_rows(
        ApiKey,
        ["name", "prefix", "digest", "scopes", "created_at", "created_by_id", "per_minute"],
        [("k", "p", "d", ["orders:read"], AT, user.pk, 60)],
    )
    key = ApiKey.objects.get()
    assert (key.created_by, key.scopes, key.per_minute) == (user, ["orders:read"], 60)
    bulk.insert_rows(
        AuditEntry,
        ["at", "actor", "action", "target", "summary", "before", "after", "address"],
        [(AT, "x", "a", "t", "", {}, {}, "2001:db8::1"), (AT, "y", "a", "t", "", {}, {}, None)],
    )
    assert list(AuditEntry.objects.order_by("actor").values_list("address", flat=True)) == ["2001:db8::1", None]


def test_a_column_the_model_lacks_is_refused():
    with pytest.raises(ValueError, match="no column 'nonsense; DROP'"):
        bulk.insert_rows(Lease, ["nonsense; DROP"], [("x",)])


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_writers_in_opposite_order_do_not_deadlock():
    Lease.objects.bulk_create([Lease(name=f"l{i:04}") for i in range(400)])
    names = list(Lease.objects.values_list("name", flat=True))
    failures = []

    def write(order):
        try:
            for _round in range(20):
                bulk.update_rows(Lease, ["name"], [], [(n, 1) for n in order], increments=["fence"], lock_in_order=True)
        except Exception as error:  # the test tells it
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=[order]) for order in (names, names[::-1])]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert failures == []
    assert set(Lease.objects.values_list("fence", flat=True)) == {40}
