"""Two people at one moment, on PostgreSQL."""

import threading

import pytest

from backoffice.imports import applying, reading
from backoffice.imports.errors import ImportRefused
from backoffice.models import AuditEntry, ImportRun
from inventory.models import Sku, StockDocument, StockEntry
from tests.inventory.factories import buckets, sku, warehouse
from tests.inventory.importing.conftest import xlsx
from tests.inventory.threads import errors, together

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
OPENING = "inventory.opening"
ROWS = (("SKU code", "quantity", "warehouse"), ("A", 10, "W"))


@pytest.fixture
def shelf():
    return sku("A"), warehouse("W")


def twice(look, owner):
    file = xlsx(ROWS)
    first = look(OPENING, file=file, user=owner)
    file.seek(0)
    return first, look(OPENING, file=file, user=owner)


def test_one_file_confirmed_by_two_at_one_moment_posts_once(look, owner, shelf):
    runs = twice(look, owner)
    outcome = together(*(lambda run=run: applying.apply(run_id=run.pk, user=owner) for run in runs))
    assert [type(one) for one in errors(outcome)] == [ImportRefused]
    assert buckets(*shelf) == (10, 0, 0)
    assert (StockDocument.objects.count(), StockEntry.objects.count()) == (1, 1)
    assert sorted(ImportRun.objects.values_list("state", flat=True)) == ["applied", "preview"]


def test_two_files_that_open_the_same_goods_at_one_moment_open_them_once(look, owner, shelf, monkeypatch):
    from inventory.importing.opening import OpeningKind

    runs = [look(OPENING, file=xlsx((*ROWS, ("nobody", number, "W"))), user=owner) for number in (1, 2)]
    gate, real = threading.Barrier(2), OpeningKind.lock

    def lock(self, plans):
        gate.wait(30)  # both have planned on empty shelves
        return real(self, plans)

    monkeypatch.setattr(OpeningKind, "lock", lock)
    outcome = together(*(lambda run=run: applying.apply(run_id=run.pk, user=owner, skip_bad=True) for run in runs))
    assert [one.code for one in errors(outcome)] == ["changed_meanwhile"]
    assert buckets(*shelf) == (10, 0, 0)


def test_two_clicks_at_one_moment_import_once(look, owner, shelf):
    run = look(OPENING, file=xlsx(ROWS), user=owner)
    outcome = together(*([lambda: applying.apply(run_id=run.pk, user=owner)] * 2))
    assert errors(outcome) == []
    assert (buckets(*shelf), AuditEntry.objects.filter(action="import.apply").count()) == ((10, 0, 0), 1)


def test_two_undos_at_one_moment_take_back_once(look, owner, shelf):
    run = look(OPENING, file=xlsx(ROWS), user=owner)
    applying.apply(run_id=run.pk, user=owner)
    outcome = together(*([lambda: applying.undo(run_id=run.pk, user=owner)] * 2))
    assert [type(one) for one in errors(outcome)] == [ImportRefused]
    assert (buckets(*shelf), StockEntry.objects.count()) == ((0, 0, 0), 2)


def test_two_files_that_make_one_sku_at_one_moment(look, owner):
    runs = [
        reading.preview(kind="inventory.skus", user=owner, file=xlsx((("SKU code", "name"), ("X", name))))
        for name in ("one", "two")
    ]
    outcome = together(*(lambda run=run: applying.apply(run_id=run.pk, user=owner) for run in runs))
    assert [type(one) for one in errors(outcome)] == [ImportRefused]
    assert Sku.objects.filter(code="X").count() == 1
