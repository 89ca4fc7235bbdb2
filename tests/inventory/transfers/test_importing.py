"""Transfers by file: rows of a number become one draft, or none of them does."""

import datetime as dt
from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from backoffice.imports import applying, reading
from backoffice.imports.errors import ImportRefused
from backoffice.imports.kinds import import_kind_of
from inventory.models import Access, Barcode, Pack, StockEntry, Transfer
from inventory.transfers import planning
from inventory.transfers.planning import Wish
from tests.inventory.factories import sku, warehouse
from tests.inventory.importing.conftest import counts, do, said, upload, xlsx

pytestmark = pytest.mark.django_db
KEY = "inventory.transfers"
HEADER = ("调拨单号", "调出仓库", "调入仓库", "商品编码", "数量", "备注")


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def look(clerk, here, there):
    def preview(*rows, user=None, header=HEADER, file=None):
        return reading.preview(kind=KEY, user=user or clerk, file=file or xlsx((header, *rows)))

    return preview


@pytest.fixture
def take(look):
    def done(*rows, skip_bad=False, **more):
        run = look(*rows, **more)
        return applying.apply(run_id=run.pk, user=run.owner, skip_bad=skip_bad)

    return done


def lines(transfer):
    return {line.sku.code: line.quantity for line in transfer.lines.select_related("sku")}


def test_rows_of_a_number_are_one_draft_and_nothing_moves(take, clerk):
    sku("A"), sku("B")
    before = StockEntry.objects.count()
    run = take(("D1", "HERE", "there", "A", 3, "for the fair"), ("D1", "HERE", "THERE", "b", 2.5, None),
               ("D2", "THERE", "HERE", "A", 1, None))  # fmt: skip
    first, second = Transfer.objects.order_by("pk")
    assert counts(run) == (3, 0, 0, 0)
    assert (lines(first), first.note, first.state, first.created_by) == (
        {"A": D(3), "B": D("2.5")}, "for the fair", "draft", clerk,
    )  # fmt: skip
    assert (second.origin.code, second.destination.code, lines(second)) == ("THERE", "HERE", {"A": D(1)})
    assert StockEntry.objects.count() == before


def test_what_each_row_notes_is_kept(take):
    sku("A"), sku("B"), sku("C")
    take(
        ("1", "HERE", "THERE", "A", 3, "red; round"),
        ("1", "HERE", "THERE", "B", 3, "red; round"),
        ("1", "HERE", "THERE", "C", 3, "glass"),
    )
    assert Transfer.objects.get().note == "red; round; glass"


def test_a_row_below_merged_cells_belongs_to_the_row_above(take):
    sku("A"), sku("B")
    take(("D1", "HERE", "THERE", "A", 3, None), (None, None, None, "B", 2, None), header=HEADER)
    assert lines(Transfer.objects.get()) == {"A": D(3), "B": D(2)}


def test_without_numbers_the_way_tells_transfers_apart(take):
    sku("A"), sku("B")
    take(
        ("HERE", "THERE", "A", 3),
        ("THERE", "HERE", "A", 1),
        ("HERE", "THERE", "B", 2),
        header=("from", "to", "SKU", "quantity"),
    )
    assert [lines(one) for one in Transfer.objects.order_by("pk")] == [{"A": D(3), "B": D(2)}, {"A": D(1)}]


def test_the_barcode_of_a_case_stands_for_its_pieces(take):
    item = sku("A")
    pack = Pack.objects.create(sku=item, name="Case", quantity=D(12))
    Barcode.objects.create(sku=item, code="690001", pack=pack)
    take(("1", "HERE", "THERE", "690001", 2), header=("单号", "调出仓", "调入仓", "条码", "数量"))
    assert lines(Transfer.objects.get()) == {"A": D(24)}


def test_a_bad_row_holds_back_its_document_and_no_other(look, take):
    sku("A"), sku("B")
    rows = (("D1", "HERE", "THERE", "A", 3, None), ("D1", None, None, "nobody", 1, None), ("D2", "HERE", "THERE",
                                                                                           "A", 4, None),
            ("D1", None, None, "B", 1, None))  # fmt: skip
    run = look(*rows)
    held = "Row 3 of the same document has a problem: a document comes in whole or not at all."
    assert said(run) == {2: held, 3: "“nobody” is not a SKU", 5: held}
    with pytest.raises(ImportRefused) as refusal:
        applying.apply(run_id=run.pk, user=run.owner)
    assert (refusal.value.code, Transfer.objects.count()) == ("rows_with_problems", 0)
    applying.apply(run_id=run.pk, user=run.owner, skip_bad=True)
    assert [lines(one) for one in Transfer.objects.all()] == [{"A": D(4)}]


def test_a_row_that_cannot_even_be_read_holds_back_its_document(look):
    sku("A"), sku("B")
    run = look(("D1", "HERE", "THERE", "A", 3, None), ("D1", "HERE", "THERE", "B", "three", None))
    assert sorted(said(run)) == [2, 3]
    assert said(run)[2].startswith("Row 3 of the same document")


def test_each_fault_is_told_by_row_and_column(look):
    sku("A"), sku("SET", kind="bundle")
    run = look(
        ("1", "HERE", "HERE", "A", 3, None), ("2", "moon", "THERE", "A", 1, None), ("3", "HERE", None, "A", 1, None),
        ("4", "HERE", "THERE", "A", 0, None), ("5", "HERE", "THERE", "A", 1, None), ("5", "HERE", "THERE", "A", 2,
                                                                                     None),
        ("6", "HERE", "THERE", "A", 1, None), ("6", "THERE", "HERE", "A", 1, None), ("7", "HERE", "THERE", "SET",
                                                                                     1, None),
    )  # fmt: skip
    faults = said(run)
    assert faults[2] == "is the warehouse the goods come from"
    assert faults[3] == "“moon” is not a warehouse of yours"
    assert faults[4] == "is empty"
    assert faults[5] == "More than zero, please."
    assert faults[7] == "“A” stands in row 6 already"
    assert faults[9].startswith("differs from the row above it of the same document: “HERE”")
    assert faults[10].endswith("has no stock of its own")


def test_a_warehouse_one_does_not_see_is_not_there(look, people, here):
    sku("A")
    Access.objects.create(user=people["buyer"]).warehouses.add(here)
    run = look(("1", "HERE", "THERE", "A", 3, None), user=people["buyer"])
    assert said(run) == {2: "“THERE” is not a warehouse of yours"}


def test_the_same_file_is_said_and_the_same_number_in_another_file_is_not_doubled(take, look):
    sku("A")
    run = take(("D1", "HERE", "THERE", "A", 3, None))
    with pytest.raises(ImportRefused) as refusal:
        reading.refuse_twin(KEY, run.fingerprint)
    assert refusal.value.code == "imported_already"
    same = look(("Ｄ1", "HERE", "THERE", "A", 3, None), ("D9", "HERE", "THERE", "A", 1, None), file=None)
    assert counts(same) == (1, 0, 1, 0)
    other = look(("d1", "HERE", "THERE", "A", 4, None))
    number = Transfer.objects.get().number
    assert said(other) == {2: f"“d1” came in by file already: it is {number} (Draft). Use another number."}


def test_an_export_with_a_figure_changed_changes_the_draft_and_undo_gives_it_back(take, planned, clerk, here, there):
    a, b = sku("A"), sku("B")
    made = planning.plan(origin=here, destination=there, lines=[Wish(sku_id=a.pk, quantity=D(3), why="because"),
                                                                Wish(sku_id=b.pk, quantity=D(2))],
                         user=clerk, note="old", expected_on=dt.date(2027, 1, 5))  # fmt: skip
    run = take((made.number, "HERE", "THERE", "A", 5, "new"), (made.number, "HERE", "THERE", "B", 2, "new"))
    assert counts(run) == (0, 1, 1, 0)
    assert run.rows.get(row=2).changes == {"quantity": ["3", "5"], "note": ["old", "new"]}
    made.refresh_from_db()
    assert (lines(made), made.note, made.expected_on) == ({"A": D(5), "B": D(2)}, "new", dt.date(2027, 1, 5))
    assert made.lines.get(sku=a).why == "because"
    applying.undo(run_id=run.pk, user=clerk)
    made.refresh_from_db()
    assert (lines(made), made.note, made.expected_on) == ({"A": D(3), "B": D(2)}, "old", dt.date(2027, 1, 5))


def test_what_is_no_draft_is_not_changed_by_file(look, planned, clerk):
    made = planned((sku("A"), 3), user=clerk)
    planning.request(transfer_id=made.pk, user=clerk)
    run = look((made.number, "HERE", "THERE", "A", 4, None))
    assert said(run) == {2: f"{made.number} is “Requested”: only a draft is changed by file."}
    assert counts(look((made.number, None, None, "A", 3, None))) == (0, 0, 1, 0)


def test_undo_takes_back_the_drafts_and_leaves_what_has_gone_on(take, clerk):
    sku("A"), sku("B")
    run = take(
        ("D1", "HERE", "THERE", "A", 3, None), ("D1", None, None, "B", 3, None), ("D2", "HERE", "THERE", "A", 1, None)
    )
    first, second = Transfer.objects.order_by("pk")
    planning.request(transfer_id=second.pk, user=clerk)
    run = applying.undo(run_id=run.pk, user=clerk)
    first.refresh_from_db(), second.refresh_from_db()
    assert (run.undone_count, run.kept_count, first.state, second.state) == (2, 1, "cancelled", "requested")
    assert run.rows.get(row=4).note == f"{second.number} is “Requested” by now: cancel it on its page."


def test_undo_leaves_a_draft_that_somebody_has_changed(take, clerk):
    item = sku("A")
    run = take(("D1", "HERE", "THERE", "A", 3, None))
    made = Transfer.objects.get()
    planning.change(transfer_id=made.pk, lines=[Wish(sku_id=item.pk, quantity=D(9))], user=clerk)
    with pytest.raises(ImportRefused):
        applying.undo(run_id=run.pk, user=clerk)
    assert (run.rows.get().note, Transfer.objects.get().state) == (
        f"{made.number} was changed since the import.",
        "draft",
    )


def test_after_undo_the_number_may_come_in_again(take, clerk):
    sku("A")
    run = take(("D1", "HERE", "THERE", "A", 3, None))
    applying.undo(run_id=run.pk, user=clerk)
    assert counts(take(("D1", "HERE", "THERE", "A", 3, None))) == (1, 0, 0, 0)
    assert sorted(Transfer.objects.values_list("state", flat=True)) == ["cancelled", "draft"]


def test_a_draft_changed_after_the_preview_is_shown_again(look, planned, clerk):
    item = sku("A")
    made = planned((item, 3), user=clerk)
    run = look((made.number, "HERE", "THERE", "A", 5, None))
    planning.change(transfer_id=made.pk, lines=[Wish(sku_id=item.pk, quantity=D(4))], user=clerk)
    with pytest.raises(ImportRefused) as refusal:
        applying.apply(run_id=run.pk, user=clerk)
    assert (refusal.value.code, lines(made)) == ("preview_moved", {"A": D(4)})


def test_two_previews_of_one_number_make_one_transfer(look, clerk):
    sku("A")
    first = look(("D1", "HERE", "THERE", "A", 3, None), ("D3", "HERE", "THERE", "A", 3, None))
    second = look(("D1", "HERE", "THERE", "A", 3, None), ("D2", "HERE", "THERE", "A", 3, None))
    applying.apply(run_id=first.pk, user=clerk)
    with pytest.raises(ImportRefused) as refusal:
        applying.apply(run_id=second.pk, user=clerk)
    assert (refusal.value.code, Transfer.objects.count()) == ("preview_moved", 2)


def test_the_number_of_queries_does_not_grow_with_the_rows(look, django_assert_max_num_queries):
    for number in range(60):
        sku(f"S{number}")
    rows = [(f"D{number // 6}", "HERE", "THERE", f"S{number}", 1, None) for number in range(60)]
    with django_assert_max_num_queries(30):
        assert counts(look(*rows)) == (60, 0, 0, 0)


def test_a_clerk_does_it_in_the_browser(people, clerk, here, there):
    sku("A")
    client = people.client("warehouse_clerk")
    page = client.get("/admin/inventory/transfer/").content.decode()
    assert "import-file" in page
    assert "export-file" in page
    run, _answer = upload(client, KEY, xlsx((HEADER, ("D1", "HERE", "THERE", "A", 3, None))))
    assert "1 new, 0 changed" in do(client, run, "all").content.decode()
    data = b"".join(client.get(f"/admin/imports/{KEY}/export/").streaming_content)
    again, _answer = upload(client, KEY, SimpleUploadedFile("out.xlsx", data))
    assert counts(again) == (0, 0, 1, 0)


@pytest.mark.parametrize(
    ("role", "sees", "brings"),
    [
        ("owner", True, True), ("ops_admin", True, True), ("warehouse_clerk", True, True), ("buyer", True, True),
        ("bookkeeper", True, False), ("auditor", True, False), ("order_clerk", True, False),
        ("customer_service", False, False),
    ],
)  # fmt: skip
def test_who_may_bring_transfers_in_and_take_them_out(people, role, sees, brings):
    kind, user = import_kind_of(KEY), people[role]
    assert (kind.may_see(user), kind.may_import(user)) == (sees, brings)


def test_an_export_holds_the_warehouses_one_sees(people, planned, here, there):
    far, farther = warehouse("FAR"), warehouse("FARTHER")
    item = sku("-12")
    planned((item, 3))
    planning.plan(origin=far, destination=farther, lines=[Wish(sku_id=item.pk, quantity=D(1))], user=None)
    Access.objects.create(user=people["buyer"]).warehouses.add(there)
    rows = list(import_kind_of(KEY)(people["buyer"]).out_rows())
    assert [(row[1], row[2], row[3]) for row in rows] == [("HERE", "THERE", "-12")]
