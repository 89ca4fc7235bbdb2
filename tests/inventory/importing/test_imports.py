"""An import from the file to the undo, with the SKUs as the example: what holds for every list."""

from decimal import Decimal as D

import pytest

from backoffice.imports import applying, reading
from backoffice.imports.errors import ImportRefused
from backoffice.models import AuditEntry, ImportRow, ImportRun, Upload
from inventory.models import Barcode, Product, Sku
from tests.inventory.factories import sku, stock, warehouse
from tests.inventory.importing.conftest import counts, do, said, upload, xlsx

pytestmark = pytest.mark.django_db
SKUS = "inventory.skus"
HEADER = ("SKU code", "name", "list price")


def row_of(run, number):
    return run.rows.get(row=number)


def test_the_preview_says_old_and_new_and_changes_nothing(look):
    sku("A", list_price=D("5"))
    run = look(SKUS, HEADER, ("A", "A", 9.5), ("B", "Second", None), ("A ", "twice", None))
    assert counts(run) == (1, 1, 0, 1)
    assert row_of(run, 2).changes == {"list_price": ["5", "9.5"]}
    assert row_of(run, 3).changes["code"] == [None, "B"]
    assert said(run) == {4: "“A” stands in row 2 already"}
    assert list(Sku.objects.values_list("code", "list_price")) == [("A", D("5"))]


def test_all_or_nothing_refuses_a_file_with_a_bad_row(look):
    run = look(SKUS, HEADER, ("A", "good", None), ("B", "x", "cheap"))
    with pytest.raises(ImportRefused) as refusal:
        applying.apply(run_id=run.pk, user=run.owner)
    assert refusal.value.code == "rows_with_problems"
    assert not Sku.objects.exists()


def test_the_good_rows_come_in_when_the_person_says_so(take):
    run = take(SKUS, HEADER, ("A", "good", None), ("B", "x", "cheap"), skip_bad=True)
    assert (run.state, counts(run)) == ("applied", (1, 0, 0, 1))
    assert list(Sku.objects.values_list("code", flat=True)) == ["A"]


def test_a_row_that_fails_at_the_end_takes_everything_back_and_is_named(look):
    run = look(SKUS, ("SKU code", "name", "barcode"), ("A", "first", None), ("B", "second", "690"))
    Barcode.objects.create(sku=sku("C"), code="690")
    with pytest.raises(ImportRefused) as refusal:
        applying.apply(run_id=run.pk, user=run.owner)
    assert refusal.value.code == "preview_moved"  # the plan is another one by now: the person looks again
    assert list(Sku.objects.values_list("code", flat=True)) == ["C"]
    run.refresh_from_db()
    assert (run.state, counts(run), said(run)) == ("preview", (1, 0, 0, 1), {3: "Barcode “690” belongs to C."})


def test_a_collision_that_no_plan_foresaw_rolls_back_all_rows(look, monkeypatch):
    from inventory.importing.skus import SkuKind

    run = look(SKUS, HEADER, ("A", "first", None), ("B", "second", None))
    real = SkuKind.save

    def save(self, instance, plan):
        if plan.line.row == 3:
            sku("B")  # somebody makes it between the plan and the row
        return real(self, instance, plan)

    monkeypatch.setattr(SkuKind, "save", save)
    with pytest.raises(ImportRefused) as refusal:
        applying.apply(run_id=run.pk, user=run.owner)
    assert refusal.value.code == "row_failed"
    assert "Row 3 could not be imported" in str(refusal.value)
    assert not Sku.objects.exists()
    run.refresh_from_db()
    assert (run.state, run.bad_count) == ("preview", 1)


def test_what_moved_since_the_preview_is_shown_again(look):
    item = sku("A", list_price=D("5"))
    run = look(SKUS, HEADER, ("A", "A", 9.5))
    Sku.objects.filter(pk=item.pk).update(list_price=D("7"))
    with pytest.raises(ImportRefused) as refusal:
        applying.apply(run_id=run.pk, user=run.owner)
    assert refusal.value.code == "preview_moved"
    assert row_of(run, 2).changes == {"list_price": ["7", "9.5"]}
    assert Sku.objects.get().list_price == D("7")
    applying.apply(run_id=run.pk, user=run.owner)
    assert Sku.objects.get().list_price == D("9.5")


def test_the_same_file_twice_is_said_not_doubled(take, buyer):
    rows = (HEADER, ("A", "A", 5))
    file = xlsx(rows)
    run = take(SKUS, file=file)
    file.seek(0)
    with pytest.raises(ImportRefused) as refusal:
        reading.preview(kind=SKUS, user=buyer, file=file)
    assert refusal.value.code == "imported_already"
    assert "“count.xlsx”" in str(refusal.value)
    assert ImportRun.objects.count() == 1
    applying.undo(run_id=run.pk, user=buyer)
    file.seek(0)
    assert reading.preview(kind=SKUS, user=buyer, file=file).new_count == 1


def test_what_changed_between_the_plan_and_the_lock_is_not_overwritten(look, monkeypatch):
    from inventory.importing.skus import SkuKind

    item = sku("A", list_price=D("5"))
    run = look(SKUS, HEADER, ("A", "renamed", 9))
    real = SkuKind.lock

    def lock(self, plans):
        Sku.objects.filter(pk=item.pk).update(list_price=D("6"))
        return real(self, plans)

    monkeypatch.setattr(SkuKind, "lock", lock)
    with pytest.raises(ImportRefused) as refusal:
        applying.apply(run_id=run.pk, user=run.owner)
    assert refusal.value.code == "changed_meanwhile"
    assert Sku.objects.values_list("name", flat=True).get() == "A"


def test_an_import_writes_only_what_it_changes(look, monkeypatch):
    from inventory.importing.skus import SkuKind

    sku("A", list_price=D("5"))
    run = look(SKUS, ("SKU code", "name"), ("A", "renamed"))
    real = SkuKind.save

    def save(self, instance, plan):
        Sku.objects.update(origin="CN")  # somebody else's field, behind our back
        return real(self, instance, plan)

    monkeypatch.setattr(SkuKind, "save", save)
    applying.apply(run_id=run.pk, user=run.owner)
    assert Sku.objects.values_list("name", "origin").get() == ("renamed", "CN")


@pytest.fixture
def twins(look):
    """Two previews of one file, both made before either was confirmed; the first is imported."""
    file = xlsx((HEADER, ("A", "A", 5)))
    first = look(SKUS, file=file)
    file.seek(0)
    second = look(SKUS, file=file)
    applying.apply(run_id=first.pk, user=first.owner)
    return first, second


def test_a_confirmed_file_refuses_its_twin_in_a_sentence(twins):
    Sku.objects.all().delete()  # so that the second would have something to do
    second = twins[1]
    with pytest.raises(ImportRefused) as refusal:
        applying.apply(run_id=second.pk, user=second.owner)
    assert refusal.value.code == "imported_already"
    assert not Sku.objects.exists()


def test_the_database_itself_refuses_a_file_that_stands_imported(twins):
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        ImportRun.objects.filter(pk=twins[1].pk).update(state="applied")


def test_a_second_click_changes_nothing(take, buyer):
    run = take(SKUS, HEADER, ("A", "A", 5))
    entries = AuditEntry.objects.count()
    again = applying.apply(run_id=run.pk, user=buyer)
    assert (again.state, Sku.objects.count(), AuditEntry.objects.count()) == ("applied", 1, entries)


def test_every_row_leaves_its_trace(take):
    item = sku("A", list_price=D("5"))
    take(SKUS, HEADER, ("A", "A", 9.5))
    entry = AuditEntry.objects.get(action="import.row")
    assert (entry.target, entry.before, entry.after) == (
        f"inventory.sku:{item.pk}", {"list_price": "5"}, {"list_price": "9.5"},
    )  # fmt: skip
    assert AuditEntry.objects.filter(action="import.apply").count() == 1


# --- undo ------------------------------------------------------------------------------------------------------------


def test_undo_removes_what_was_made_and_restores_what_was_changed(take, buyer):
    sku("A", list_price=D("5"), name_en="kept")
    header = ("SKU code", "name", "list price", "product", "barcode")
    run = take(SKUS, header, ("A", "renamed", 9.5, None, "690"), ("B", "new", None, "Line", "691"))
    assert (Sku.objects.count(), Barcode.objects.count(), Product.objects.count()) == (2, 2, 2)
    run = applying.undo(run_id=run.pk, user=buyer)
    assert (run.state, run.undone_count, run.kept_count) == ("undone", 2, 0)
    left = Sku.objects.get()
    assert (left.code, left.name, left.list_price, left.name_en) == ("A", "A", D("5"), "kept")
    assert (Barcode.objects.count(), Product.objects.count()) == (0, 1)


def test_undo_leaves_a_row_that_was_changed_since_and_says_so(take, buyer):
    sku("A", list_price=D("5"))
    sku("B", list_price=D("5"))
    run = take(SKUS, HEADER, ("A", "A", 9), ("B", "B", 9))
    Sku.objects.filter(code="A").update(list_price=D("11"))
    run = applying.undo(run_id=run.pk, user=buyer)
    assert (run.state, run.undone_count, run.kept_count) == ("undone", 1, 1)
    assert dict(Sku.objects.values_list("code", "list_price")) == {"A": D("11"), "B": D("5")}
    assert row_of(run, 2).note == "Changed since: list price is “11”, the import had set “9”."


def test_undo_leaves_what_is_in_use(take, buyer):
    run = take(SKUS, HEADER, ("A", "A", 9), ("B", "B", 9))
    stock(Sku.objects.get(code="A"), warehouse("W"), 3)
    run = applying.undo(run_id=run.pk, user=buyer)
    assert (run.undone_count, run.kept_count) == (1, 1)
    assert list(Sku.objects.values_list("code", flat=True)) == ["A"]
    assert row_of(run, 2).note.startswith("It is in use by now")


def test_undo_leaves_what_hangs_on_it_since(take, buyer):
    run = take(SKUS, HEADER, ("A", "A", 9), ("B", "B", 9))
    Barcode.objects.create(sku=Sku.objects.get(code="A"), code="690")
    run = applying.undo(run_id=run.pk, user=buyer)
    assert (run.undone_count, run.kept_count, Barcode.objects.count()) == (1, 1, 1)
    assert row_of(run, 2).note == "It is in use by now: barcodes."


def test_undo_of_which_nothing_is_possible_changes_nothing(take, buyer):
    run = take(SKUS, HEADER, ("A", "A", 9))
    Sku.objects.update(name="touched")
    with pytest.raises(ImportRefused) as refusal:
        applying.undo(run_id=run.pk, user=buyer)
    assert refusal.value.code == "nothing_undone"
    assert ImportRun.objects.get().state == "applied"
    assert Sku.objects.get().name == "touched"


# --- the pages -------------------------------------------------------------------------------------------------------


def test_a_person_goes_the_whole_way_in_the_browser(people, buyer):
    client = people.client("buyer")
    run, answer = upload(client, SKUS, xlsx((HEADER, ("A", "A", 5), ("B", "B", "cheap"))))
    assert answer.status_code == 302
    shown = client.get(answer.url).content.decode()
    assert "Import 1 rows, leave 1 out" in shown
    assert "“cheap” is not a number" in shown
    assert "C · <b>list price</b>" in shown
    do(client, run, "all")
    assert not Sku.objects.exists()
    do(client, run, "good")
    assert Sku.objects.get().code == "A"
    assert "1 rows taken back, 0 stay as they are." in do(client, run, "undo").content.decode()
    assert not Sku.objects.exists()


def test_the_errors_are_in_the_language_of_the_reader(people, buyer):
    buyer.language = "zh-hans"
    buyer.save()
    client = people.client("buyer")
    run, answer = upload(client, SKUS, xlsx((("编码", "名称", "价格"), ("A", "A", "cheap"))))
    assert said(run) == {2: "“cheap”不是数字"}
    assert "标价" in client.get(answer.url).content.decode()


def test_a_column_nobody_reads_is_named(people, buyer):
    client = people.client("buyer")
    _run, answer = upload(client, SKUS, xlsx((("SKU code", "name", "Favourite colour"), ("A", "A", "blue"))))
    assert "Favourite colour" in client.get(answer.url).content.decode()


def test_another_persons_preview_is_not_there(people, buyer):
    run, _answer = upload(people.client("buyer"), SKUS, xlsx((HEADER, ("A", "A", 5))))
    other = people.client("ops_admin")
    assert do(other, run, "all").status_code == 404
    assert other.get(f"/admin/imports/file/{run.pk}/").status_code == 404
    assert other.get(f"/admin/imports/file/{run.pk}/problems/").status_code == 404
    assert not Sku.objects.exists()


def test_the_owner_of_the_house_sees_it_but_does_not_confirm_it(people, buyer, owner):
    run, _answer = upload(people.client("buyer"), SKUS, xlsx((HEADER, ("A", "A", 5))))
    assert people.client("owner").get(f"/admin/imports/file/{run.pk}/").status_code == 200
    do(people.client("owner"), run, "all")
    assert not Sku.objects.exists()


def test_the_kept_file_goes_with_the_reading(people, buyer):
    upload(people.client("buyer"), SKUS, xlsx((HEADER, ("A", "A", 5))))
    assert not Upload.objects.exists()
    assert ImportRow.objects.count() == 1


def test_a_dropped_preview_is_gone(people, buyer):
    client = people.client("buyer")
    run, _answer = upload(client, SKUS, xlsx((HEADER, ("A", "A", 5))))
    do(client, run, "drop")
    assert (ImportRun.objects.count(), ImportRow.objects.count(), Sku.objects.count()) == (0, 0, 0)


def test_old_previews_are_swept_and_imports_stay(take, look):
    import datetime as dt

    from backoffice.imports import tasks

    done, waiting = take(SKUS, HEADER, ("A", "A", 5)), look(SKUS, HEADER, ("B", "B", 5))
    ImportRun.objects.update(created_at=waiting.created_at - dt.timedelta(days=8))
    assert tasks.clean_up() == 1
    assert list(ImportRun.objects.values_list("pk", flat=True)) == [done.pk]


def test_a_large_file_is_read_and_imported_by_a_worker(people, buyer, monkeypatch):
    from backoffice import longwork
    from backoffice.imports import tasks

    handed = []
    monkeypatch.setattr(longwork, "workers_alive", lambda: True)
    monkeypatch.setattr(longwork, "enqueue", lambda task, *arguments: handed.append((task, arguments)))
    monkeypatch.setattr(tasks, "LARGE_FILE", 1)
    monkeypatch.setattr(tasks, "LARGE_RUN", 1)
    client = people.client("buyer")
    run, answer = upload(client, SKUS, xlsx((HEADER, ("A", "A", 5))))
    assert (run.state, "data-progress" in client.get(answer.url).content.decode()) == ("reading", True)
    assert tasks.read_run(*handed.pop()[1]) == "ok"
    do(client, run, "all")
    do(client, run, "all")  # impatient
    assert [task for task, _arguments in handed] == ["backoffice.imports.tasks.apply_run"]
    assert tasks.apply_run(*handed[0][1]) == "ok"
    assert tasks.apply_run(*handed[0][1]) == "done already"
    run.refresh_from_db()
    assert (run.state, run.progress.state, Sku.objects.count()) == ("applied", "done", 1)
