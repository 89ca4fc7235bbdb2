"""Many rows: what is asked of the database for each of them, and that the person sees how far it is."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice import progress
from backoffice.imports import applying, tasks
from backoffice.models import ImportRun
from inventory.importing.products import ProductKind
from inventory.models import Barcode, Product, Sku, StockEntry
from tests.inventory.factories import stock, warehouse
from tests.inventory.importing.conftest import counts

pytestmark = pytest.mark.django_db
HEAD = ("SKU code", "name", "barcode")


def skus(count, mark):
    return [(f"{mark}-{nth}", f"Linen {mark} {nth}", f"20{mark}{nth:010d}") for nth in range(count)]


def asked(work):
    with CaptureQueriesContext(connection) as seen:
        work()
    return len(seen)


def test_taking_back_does_not_ask_every_table_for_every_row(take):
    few, many = take("inventory.skus", HEAD, *skus(10, 1)), take("inventory.skus", HEAD, *skus(40, 2))
    both = [asked(lambda run=run: applying.undo(run_id=run.pk, user=run.owner)) for run in (few, many)]
    assert (both[1] - both[0]) / 30 < 20  # it was sixty and more
    assert (Sku.objects.count(), Barcode.objects.count(), Product.objects.count()) == (0, 0, 0)


def test_what_only_a_nameless_row_points_to_stays(take):
    """A movement knows its SKU, the SKU has no name for its movements: the database's own answer counts."""
    run = take("inventory.skus", HEAD, *skus(3, 1))
    stock(Sku.objects.get(code="1-1"), warehouse("W"), 4)
    done = applying.undo(run_id=run.pk, user=run.owner)
    assert (done.undone_count, done.kept_count) == (2, 1)
    assert [one.code for one in Sku.objects.all()] == ["1-1"]
    assert StockEntry.objects.count() == 1
    assert "in use" in run.rows.get(undone=False).note


def test_lines_of_one_document_have_no_savepoint_each(take, here_and_there):
    goods = [Sku.objects.create(product=Product.objects.create(name=f"P{nth}"), code=f"S{nth}") for nth in range(30)]
    head = ("number", "from", "to", "SKU code", "quantity")
    from backoffice.imports import reading
    from tests.backoffice.sheets.kit import xlsx

    def looked_at(count, number):
        rows = [(number, "W1", "W2", one.code, 2) for one in goods[:count]]
        return reading.preview(kind="inventory.transfers", user=here_and_there, file=xlsx([head, *rows]))

    runs = [looked_at(count, f"T{count}") for count in (5, 30)]
    both = [asked(lambda run=run: applying.apply(run_id=run.pk, user=run.owner)) for run in runs]
    assert both[1] - both[0] < 10
    both = [asked(lambda run=run: applying.undo(run_id=run.pk, user=run.owner)) for run in runs]
    assert both[1] - both[0] < 10


@pytest.fixture
def here_and_there(owner):
    warehouse("W1")
    warehouse("W2")
    return owner


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_bar_moves_while_all_rows_are_one_transaction(look, monkeypatch):
    monkeypatch.setattr(progress, "WRITE_EVERY", 0)
    run = look("inventory.products", ("name",), *[(f"Linen {nth}",) for nth in range(6)])
    run.progress = progress.start("import.apply", run.owner, 6).row
    run.save()
    other, seen, really = connection.copy(), [], ProductKind.apply

    def looking(kind, plan):
        with other.cursor() as cursor:
            cursor.execute("SELECT done FROM backoffice_progress WHERE id = %s", [run.progress_id])
            seen.append(cursor.fetchone()[0])
            cursor.execute("SELECT count(*) FROM inventory_product")
            assert cursor.fetchone()[0] == 0  # nothing of it is there yet
        return really(kind, plan)

    monkeypatch.setattr(ProductKind, "apply", looking)
    try:
        assert tasks.apply_run(run.pk, run.owner_id, False) == "ok"
    finally:
        other.close()
    assert seen == [0, 1, 2, 3, 4, 5]
    bar = ImportRun.objects.get(pk=run.pk).progress
    assert (bar.done, bar.state, Product.objects.count(), counts(run)) == (6, "done", 6, (6, 0, 0, 0))
