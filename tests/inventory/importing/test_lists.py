"""The stock's own lists by file: products, barcodes and packs, bundles, opening stock."""

from decimal import Decimal as D

import pytest

from backoffice.imports import applying
from backoffice.imports.errors import ImportRefused, UndoRefused
from inventory import ledger
from inventory.catalogue import parts_at
from inventory.documents import NeedsApproval
from inventory.models import Balance, Barcode, Bucket, Pack, Product, Reason, Sku, StockDocument, StockEntry
from tests.inventory.factories import buckets, bundle, sku, stock, warehouse
from tests.inventory.importing.conftest import counts, said

pytestmark = pytest.mark.django_db
PRODUCTS, BARCODES = "inventory.products", "inventory.barcodes"
BUNDLES, OPENING = "inventory.bundles", "inventory.opening"


def test_products_are_found_by_name_and_their_status_in_words(take, buyer):
    Product.objects.create(name="Shirt", brand="Old")
    run = take(PRODUCTS, ("商品名称", "品牌", "状态"), ("Shirt", "New", "下架"), ("Cap", None, None))
    assert counts(run) == (1, 1, 0, 0)
    assert Product.objects.get(name="Shirt").status == "archived"
    applying.undo(run_id=run.pk, user=buyer)
    assert list(Product.objects.values_list("name", "brand", "status")) == [("Shirt", "Old", "active")]


def test_a_name_of_two_products_is_refused(look):
    Product.objects.create(name="Shirt")
    Product.objects.create(name="Shirt")
    run = look(PRODUCTS, ("name", "brand", "status"), ("Shirt", "New", None), ("Cap", None, "flying"))
    assert said(run) == {
        2: "several products are called so; change them on their pages",
        3: "“flying” is not one of: Draft, On sale, Archived",
    }


def test_barcodes_and_packs_come_in_together_and_go_together(take, buyer):
    item = sku("A")
    header = ("SKU code", "barcode", "pack", "pieces in it")
    run = take(BARCODES, header, ("A", "690", None, None), ("A", "691", "Case", 12), ("A", None, "Pallet", 480))
    assert counts(run) == (3, 0, 0, 0)
    assert dict(item.packs.values_list("name", "quantity")) == {"Case": D(12), "Pallet": D(480)}
    assert {row.code: row.pack.name if row.pack else None for row in item.barcodes.all()} == {
        "690": None, "691": "Case",
    }  # fmt: skip
    applying.undo(run_id=run.pk, user=buyer)
    assert (Pack.objects.count(), Barcode.objects.count(), Sku.objects.count()) == (0, 0, 1)


def test_pieces_of_a_pack_are_changed_and_restored(take, buyer):
    pack = Pack.objects.create(sku=sku("A"), name="Case", quantity=D(12))
    run = take(BARCODES, ("SKU code", "barcode", "pack", "pieces in it"), ("A", None, "case", 24))
    pack.refresh_from_db()
    assert (pack.quantity, run.rows.get(row=2).changes) == (D(24), {"pieces": ["12", "24"]})
    applying.undo(run_id=run.pk, user=buyer)
    pack.refresh_from_db()
    assert pack.quantity == D(12)


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (("A", "1.23E+12", None, None), "digits are lost"),
        (("A", "690", None, None), "Barcode “690” belongs to B."),
        (("A", None, None, None), "Give a barcode, or a pack."),
        (("A", "777", "Case", 0), "More than zero, please."),
        (("A", "777", "Case", None), "there is no such pack yet"),
        (("123", "777", None, None), "Excel has probably taken the zeros off “00123”"),
        (("nobody", "777", None, None), "“nobody” is not a SKU"),
    ],
)
def test_a_wrong_barcode_row_says_why(look, row, what):
    sku("A")
    sku("00123")
    Barcode.objects.create(sku=sku("B"), code="690")
    run = look(BARCODES, ("SKU code", "barcode", "pack", "pieces in it"), row)
    assert what in said(run)[2]
    assert Barcode.objects.count() == 1


def parts(of):
    return {Sku.objects.get(pk=part).code: int(pieces) for part, pieces in parts_at([of.pk]).get(of.pk, ())}


def test_a_bundle_takes_parts_changes_them_and_gets_them_back(take, buyer):
    a, b, c = sku("A"), sku("B"), sku("C")
    made = bundle((a, 2), (b, 1), code="SET")
    run = take(BUNDLES, ("套装编码", "子件编码", "数量"), ("SET", "A", 3), ("SET", "B", 0), ("SET", "C", 5))
    assert (counts(run), parts(made)) == ((1, 2, 0, 0), {"A": 3, "C": 5})
    assert made.parts.count() == 4  # what was true before stays on record
    applying.undo(run_id=run.pk, user=buyer)
    assert parts(made) == {"A": 2, "B": 1}
    assert c.part_of.filter(valid_to=None).count() == 0


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (("A", "B", 1), "“A” is not a bundle"),
        (("SET", "SET", 1), "A bundle cannot be part of itself."),
        (("SET", "SET2", 1), "A bundle cannot hold another bundle"),
        (("SET", "B", 0), "is 0, and the bundle has no such part"),
        (("SET", "B", -1), "is less than 0"),
    ],
)
def test_a_wrong_bundle_row_says_why(look, row, what):
    a = sku("A")
    sku("B")
    made = bundle((a, 2), code="SET")
    bundle((a, 1), code="SET2")
    assert what in said(look(BUNDLES, ("bundle", "part", "pieces"), row))[2]
    assert parts(made) == {"A": 2}


# --- opening stock ---------------------------------------------------------------------------------------------------

HEADER = ("SKU code", "quantity", "warehouse", "unit cost")


def test_opening_stock_posts_one_document_of_movements(take, owner):
    a, b, w = sku("A"), sku("B"), warehouse("W")
    run = take(OPENING, HEADER, ("A", 10, "W", 2.5), ("B", "3", "w", None), user=owner)
    assert counts(run) == (2, 0, 0, 0)
    assert (buckets(a, w), buckets(b, w)) == ((10, 0, 0), (3, 0, 0))
    document = StockDocument.objects.get()
    assert (document.kind, document.state, run.memory) == ("opening", "posted", {"document": document.pk})
    assert Balance.objects.get(sku=a).value == D(25)
    entries = StockEntry.objects.filter(bucket=Bucket.ON_HAND)
    assert {(row.sku.code, row.quantity, row.reason) for row in entries} == {
        ("A", D(10), Reason.OPENING), ("B", D(3), Reason.OPENING),
    }  # fmt: skip


def test_undone_opening_stock_is_a_reversing_posting_and_can_come_again(take, look, owner):
    a, w = sku("A"), warehouse("W")
    run = take(OPENING, HEADER, ("A", 10, "W", 2.5), user=owner)
    applying.undo(run_id=run.pk, user=owner)
    assert (buckets(a, w), Balance.objects.get().value) == ((0, 0, 0), D(0))
    assert StockEntry.objects.filter(bucket=Bucket.ON_HAND).count() == 2
    assert counts(look(OPENING, HEADER, ("A", 12, "W", 2.5), user=owner)) == (1, 0, 0, 0)


def test_opening_stock_that_was_sold_since_is_not_taken_back(take, owner):
    a, b, w = sku("A"), sku("B"), warehouse("W")
    run = take(OPENING, HEADER, ("A", 10, "W", None), ("B", 5, "W", None), user=owner)
    draft = ledger.EntryDraft(key="sold", sku_id=a.pk, warehouse_id=w.pk, quantity=D(-1), reason="correction")
    ledger.post(entries=[draft])
    with pytest.raises(UndoRefused):
        applying.undo(run_id=run.pk, user=owner)
    assert (buckets(a, w), buckets(b, w)) == ((9, 0, 0), (5, 0, 0))
    assert run.rows.get(row=2).note == "Goods of it have left or are reserved since."
    assert run.rows.get(row=3).note == "Other rows of this import cannot be taken back."
    run.refresh_from_db()
    assert run.state == "applied"


def test_only_who_may_undo_documents_takes_opening_stock_back(take, people):
    from inventory.models import Access

    clerk = people["warehouse_clerk"]
    Access.objects.create(user=clerk, all_shops=True, all_warehouses=True)
    a, w = sku("A"), warehouse("W")
    run = take(OPENING, HEADER, ("A", 10, "W", None), user=clerk)
    with pytest.raises(UndoRefused):
        applying.undo(run_id=run.pk, user=clerk)
    assert buckets(a, w) == (10, 0, 0)


def test_a_difference_over_the_clerks_limit_is_refused_with_nothing_posted(look, people):
    from inventory.models import Access

    clerk = people["warehouse_clerk"]
    Access.objects.create(user=clerk, all_shops=True, all_warehouses=True)
    sku("A")
    warehouse("W", adjust_limit=D(5))
    run = look(OPENING, HEADER, ("A", 10, "W", None), user=clerk)
    with pytest.raises(NeedsApproval):
        applying.apply(run_id=run.pk, user=clerk)
    assert (StockDocument.objects.count(), StockEntry.objects.count()) == (0, 0)


def test_opening_stock_is_for_goods_that_never_moved_in_own_warehouses(look, people):
    from inventory.models import Access

    clerk = people["warehouse_clerk"]
    a, mine, other = sku("A"), warehouse("W"), warehouse("X")
    sku("B")
    bundle((a, 1), code="SET")
    stock(sku("C"), mine, 4)
    ledger.post(entries=[ledger.EntryDraft(key="found", sku_id=a.pk, warehouse_id=mine.pk, quantity=D(1),
                                           reason="correction")])  # fmt: skip
    Access.objects.create(user=clerk, all_shops=True).warehouses.add(mine)
    rows = [("A", 10, "W", None), ("B", 1, other.code, None), ("SET", 1, "W", None), ("B", 2, None, None),
            ("B", -1, "W", None), ("C", 4, "W", None), ("C", 5, "W", None)]  # fmt: skip
    run = look(OPENING, HEADER, *rows, user=clerk)
    assert said(run) == {
        2: "1 pieces stand there already: take a count instead",
        3: "“X” is not a warehouse of yours",
        4: "“SET” has no stock of its own",
        5: "is empty",
        6: "“-1” is less than 0",
        8: "“C @ W” stands in row 7 already; 4 pieces stand there already: take a count instead",
    }
    assert run.rows.get(row=7).outcome == "same"
    with pytest.raises(ImportRefused):
        applying.apply(run_id=run.pk, user=clerk, skip_bad=True)


def test_the_warehouse_may_be_said_beside_the_file(take, owner):
    a, w = sku("A"), warehouse("W")
    take(OPENING, ("SKU code", "quantity"), ("A", 10), user=owner, options={"warehouse": "W"})
    assert buckets(a, w) == (10, 0, 0)
