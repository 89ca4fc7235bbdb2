"""Stock counts by file: the preview says everything, posting happens once, movements meanwhile are kept."""

import datetime as dt
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile

from backoffice import clock
from backoffice.models import AuditEntry, User
from backoffice.spreadsheets.reading import FileRefused
from inventory import counts, documents, ledger, reservations
from inventory.counts import CountOrder, CountRefused
from inventory.errors import NegativeStock
from inventory.models import Access, Balance, Sku, StockDocument, StockEntry
from tests.inventory.factories import buckets, bundle, number, sku, stock, want, warehouse
from tests.inventory.invariants import broken
from tests.inventory.sheets import csv, xlsx

pytestmark = pytest.mark.django_db
D = Decimal
START = dt.datetime(2026, 11, 1, 8, tzinfo=dt.UTC)


@pytest.fixture
def w():
    return warehouse("W")


@pytest.fixture
def a():
    return sku("A")


def look(file, place=None, **fields):
    """The preview of a file for one warehouse (or for those it names)."""
    order = CountOrder(warehouse_id=place.pk if place else None, **fields)
    return counts.preview(file=file, order=order, user=None)


def said(document):
    """The problems as (row, sentence)."""
    return [(one["row"], one["what"]) for one in document.problems]


def move(item, place, quantity, **fields):
    """Goods that move by hand."""
    fields = {"reason": "lost", **fields}
    draft = ledger.EntryDraft(key=f"m{number()}", sku_id=item.pk, warehouse_id=place.pk, quantity=D(quantity), **fields)
    ledger.post(entries=[draft])


def test_a_count_is_compared_shown_and_posted(a, w):
    b, c = sku("B"), sku("C")
    for item, quantity in ((a, 10), (b, 5)):
        stock(item, w, quantity, "2")
    document = look(xlsx([("a", 8), ("Ｂ", 5), ("C", 3)]), w, note="hall 2")
    lines = [
        (line.row, line.sku, line.system_quantity, line.counted_quantity, line.difference)
        for line in document.lines.all()
    ]
    assert lines == [(2, a, 10, 8, -2), (3, b, 5, 5, 0), (4, c, 0, 3, 3)]
    assert (document.state, document.line_count, document.difference_count) == ("draft", 3, 2)
    assert buckets(a, w)[0] == 10
    posted = counts.post(document_id=document.pk, user=None)
    assert [buckets(item, w)[0] for item in (a, b, c)] == [8, 5, 3]
    assert (posted.state, StockEntry.objects.filter(reference=document.reference).count()) == ("posted", 2)
    assert AuditEntry.objects.filter(action="stock.count").count() == 1
    assert broken() == []


def test_a_double_click_posts_once(a, w):
    document = look(xlsx([("A", 8)]), w)
    for _twice in range(2):
        counts.post(document_id=document.pk, user=None)
    assert buckets(a, w)[0] == 8


def test_the_same_file_is_not_posted_twice(a, w):
    content = xlsx([("A", 8)]).read()
    first = look(SimpleUploadedFile("c.xlsx", content), w)
    second = look(SimpleUploadedFile("c.xlsx", content), w)  # two previews of one file
    counts.post(document_id=first.pk, user=None)
    move(a, w, -3)
    with pytest.raises(CountRefused, match="posted already"):
        look(SimpleUploadedFile("renamed.xlsx", content), w)
    with pytest.raises(CountRefused, match="posted already"):
        counts.post(document_id=second.pk, user=None)
    assert buckets(a, w)[0] == 5


def test_a_count_confirmed_later_keeps_what_happened_since(a, w):
    hours = iter(range(100))
    with clock.moved_to(lambda: START + dt.timedelta(minutes=next(hours))):
        stock(a, w, 10)
        counted_at = clock.now()
        move(a, w, -2)  # sold before the file is uploaded
        document = look(xlsx([("A", 9)]), w, counted_at=counted_at)
        assert document.lines.get().system_quantity == 10
        move(a, w, -3)  # sold before somebody confirms
        counts.post(document_id=document.pk, user=None)
    assert buckets(a, w)[0] == 4  # 9 counted, 5 gone since
    assert StockEntry.objects.get(reference=document.reference).occurred_at == counted_at


def test_goods_booked_late_that_left_before_the_count_are_no_difference(a, w):
    minutes = iter(range(100))
    with clock.moved_to(lambda: START + dt.timedelta(minutes=next(minutes))):
        stock(a, w, 10)
        left_at, counted_at = clock.now(), clock.now()
        document = look(xlsx([("A", 8)]), w, counted_at=counted_at)
        assert document.lines.get().difference == -2
        move(a, w, -2, occurred_at=left_at)  # the parcel is booked only now
        with pytest.raises(documents.FiguresMoved):
            counts.post(document_id=document.pk, user=None)
        assert counts.look_again(document) == 1
        counts.post(document_id=document.pk, user=None)
    assert buckets(a, w)[0] == 8
    assert not StockEntry.objects.filter(reference=document.reference).exists()


def test_every_fault_is_named_by_row_and_nothing_is_posted(a, w):
    sku("00123")
    bundle((a, 1), code="SET")
    sku("FEE", kind=Sku.Kind.VIRTUAL)
    rows = [("A", 1), ("nobody", 1), (123, 1), ("SET", 1), ("FEE", 1), ("ａ", 2), ("A", "lots"), ("", 4), ("A", -1)]
    document = look(xlsx(rows), w)
    assert said(document) == [
        (3, "“nobody” is not a SKU"),
        (4, "“123” is not a SKU. Excel has probably taken the zeros off “00123”: format the column as text"),
        (5, "“SET” is a bundle: count its parts"),
        (6, "“FEE” has no stock"),
        (7, "“a” stands in row 2 already"),
        (8, "“lots” is not a number"),
        (9, "is empty"),
        (10, "“-1” is less than 0"),
    ]
    assert (document.line_count, document.problem_count) == (1, 8)
    with pytest.raises(CountRefused, match="8 rows have a problem"):
        counts.post(document_id=document.pk, user=None)
    assert buckets(a, w)[0] == 0


def test_a_person_may_leave_out_the_bad_rows(a, w):
    document = look(xlsx([("A", 4), ("nobody", 1)]), w)
    counts.post(document_id=document.pk, user=None, without_bad_rows=True)
    assert buckets(a, w)[0] == 4


def test_what_is_reserved_cannot_be_counted_away(a, w):
    stock(a, w, 5)
    reservations.reserve(wants=[want("l:1", a, 4, w)])
    document = look(xlsx([("A", 3)]), w)
    assert said(document) == [(2, "3 would be left, but 4 are reserved for orders. Release or ship them first.")]
    assert buckets(a, w) == (5, 0, 4)


def test_what_was_reserved_after_the_preview_stops_the_posting(a, w):
    b = sku("B")
    for item in (a, b):
        stock(item, w, 5)
    document = look(xlsx([("A", 3), ("B", 1)]), w)
    reservations.reserve(wants=[want("l:1", a, 4, w)])
    with pytest.raises(NegativeStock) as refused:
        counts.post(document_id=document.pk, user=None)
    assert [one.sku_id for one in refused.value.shorts] == [a.pk]
    assert (buckets(a, w), buckets(b, w)) == ((5, 0, 4), (5, 0, 0))
    assert StockDocument.objects.get().state == "draft"


def test_several_warehouses_in_one_file(a, w):
    warehouse("V")
    header = ("编码", "数量", "仓库")
    document = look(xlsx([("A", 1, "W"), ("A", 2, "v"), ("A", 3, "X"), ("A", 4, None)], header))
    assert [(line.warehouse.code, line.counted_quantity) for line in document.lines.all()] == [("W", 1), ("V", 2)]
    assert [row for row, _what in said(document)] == [4, 5]


def test_a_file_for_one_warehouse_may_not_name_another(a, w):
    warehouse("V")
    document = look(xlsx([("A", 1, "V")], ("SKU", "Qty", "Warehouse")), w)
    assert said(document) == [(2, "“V” is not the warehouse chosen above")]


def test_only_ones_own_warehouses_can_be_counted(a, w):
    clerk = User.objects.create_user("clerk")
    Access.objects.create(user=clerk).warehouses.add(warehouse("MINE"))
    with pytest.raises(CountRefused, match="no such warehouse"):
        counts.preview(file=xlsx([("A", 1)]), order=CountOrder(warehouse_id=w.pk), user=clerk)
    header = ("SKU", "Qty", "Warehouse")
    document = counts.preview(file=xlsx([("A", 1, "W")], header), order=CountOrder(), user=clerk)
    assert said(document) == [(2, "“W” is not one of your warehouses")]


def test_missing_columns_and_wrong_files_are_refused_whole(a, w):
    with pytest.raises(FileRefused, match="Columns are missing: counted quantity"):
        look(xlsx([("A", 1)], ("SKU code", "Colour")), w)
    failed = StockDocument.objects.get()
    assert (failed.state, failed.problems[0]["what"][:20]) == ("failed", "Columns are missing:")
    with pytest.raises(FileRefused):
        look(csv([], ("x",), name="x.pdf"), w)


def test_a_csv_in_gbk_counts_too(a, w):
    document = look(csv([("A", 7)], ("商品编码", "实盘数量"), encoding="gb18030"), w)
    assert [line.counted_quantity for line in document.lines.all()] == [7]


def test_a_count_from_the_future_is_refused(a, w):
    with pytest.raises(CountRefused, match="not come yet"):
        look(xlsx([("A", 1)]), w, counted_at=clock.now() + dt.timedelta(hours=1))


def test_opening_stock_brings_its_cost(a, w):
    header = ("SKU code", "counted quantity", "unit cost")
    document = look(xlsx([("A", 4, "2.5")], header), w, kind="opening")
    counts.post(document_id=document.pk, user=None)
    balance = Balance.objects.get()
    assert (balance.on_hand, balance.value) == (4, 10)
    assert StockEntry.objects.get().reason == "opening"


def test_undo_is_a_document_that_says_the_opposite(a, w):
    b = sku("B")
    stock(a, w, 10, "2")
    stock(b, w, 3, "7")
    document = look(xlsx([("A", 4), ("B", 5)]), w)
    counts.post(document_id=document.pk, user=None)
    reverse = documents.undo(document_id=document.pk, note="wrong hall")
    document.refresh_from_db()
    assert (document.state, reverse.state, reverse.reverses) == ("undone", "posted", document)
    rows = Balance.objects.order_by("sku__code").values_list("on_hand", "value")
    assert list(rows) == [(10, 20), (3, 21)]
    for again in (document, reverse):
        with pytest.raises(documents.NotOpen):
            documents.undo(document_id=again.pk)
    assert broken() == []


def test_what_has_left_since_cannot_be_undone(a, w):
    document = look(xlsx([("A", 4)]), w)
    counts.post(document_id=document.pk, user=None)
    move(a, w, -3)
    with pytest.raises(NegativeStock):
        documents.undo(document_id=document.pk)
    assert (buckets(a, w)[0], StockDocument.objects.count()) == (1, 1)


def test_after_an_undo_the_file_may_be_posted_again(a, w):
    file = xlsx([("A", 4)])
    document = look(file, w)
    counts.post(document_id=document.pk, user=None)
    documents.undo(document_id=document.pk)
    file.seek(0)
    counts.post(document_id=look(file, w).pk, user=None)
    assert buckets(a, w)[0] == 4


def test_a_difference_over_the_limit_needs_somebody_who_may(a):
    place = warehouse("W", adjust_limit=D(5))
    clerk, owner = User.objects.create_user("clerk"), User.objects.create_user("owner")
    owner.user_permissions.add(Permission.objects.get(codename="approve_stockdocument"))
    small, large = (look(xlsx([("A", quantity)]), place) for quantity in (5, 11))
    counts.post(document_id=small.pk, user=clerk)
    counts.look_again(large)
    with pytest.raises(documents.NeedsApproval):
        counts.post(document_id=large.pk, user=clerk)
    documents.propose(document_id=large.pk)
    counts.post(document_id=large.pk, user=owner)
    assert buckets(a, place)[0] == 11


def test_a_preview_can_be_dropped_and_a_posted_one_cannot(a, w):
    document = look(xlsx([("A", 4)]), w)
    documents.discard(document_id=document.pk)
    assert not StockDocument.objects.exists()
    document = look(xlsx([("A", 4)]), w)
    counts.post(document_id=document.pk, user=None)
    with pytest.raises(documents.NotOpen):
        documents.discard(document_id=document.pk)


def test_many_rows_are_a_constant_number_of_statements_a_page(w, django_assert_max_num_queries):
    items = Sku.objects.bulk_create(
        Sku(product=sku(f"P{i}").product, code=f"S{i}", code_key=f"s{i}", name="x") for i in range(300)
    )
    file = xlsx([(item.code, 5) for item in items])
    with django_assert_max_num_queries(15):
        document = look(file, w)
    with django_assert_max_num_queries(25):
        counts.post(document_id=document.pk, user=None)
    assert Balance.objects.filter(on_hand=5).count() == 300


def test_a_large_book_with_one_bad_row_names_it(w):
    product = sku("P").product
    Sku.objects.bulk_create(Sku(product=product, code=f"S{i}", code_key=f"s{i}", name="x") for i in range(5_000))
    rows = [(f"S{i}", 1) for i in range(5_000)]
    rows[4_321] = ("S4321", "1o")
    document = look(xlsx(rows), w)
    assert said(document) == [(4_323, "“1o” is not a number")]
    assert (document.line_count, document.problem_count) == (4_999, 1)
