"""From the plan to the end of counting: what is counted, by whom, and what two counts of one shelf mean."""

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from backoffice import clock
from inventory import ledger
from inventory.models import Barcode, ExpectedArrival, Pack, ShelfPlace, StocktakeCount, StocktakeLine, StocktakeSheet
from inventory.stocktakes import counting, opening, sheet_goods, sheets
from inventory.stocktakes.errors import AlreadyDone, StocktakeRefused
from tests.inventory.factories import bundle, number, sku, stock, warehouse
from tests.inventory.sheets import csv, xlsx

pytestmark = pytest.mark.django_db
D = Decimal


def lines(stocktake):
    return dict(stocktake.lines.order_by("walk", "sku__code").values_list("sku__code", "snapshot_quantity"))


def line(stocktake, code="A"):
    return stocktake.lines.get(sku__code=code)


def sold(item, place, quantity, days=1):
    when = clock.now() - dt.timedelta(days=days)
    draft = ledger.EntryDraft(
        key=f"s{number()}",
        sku_id=item.pk,
        warehouse_id=place.pk,
        quantity=D(-quantity),
        reason="shipment",
        occurred_at=when,
    )
    ledger.post(entries=[draft])


def test_a_full_count_takes_every_sku_of_the_warehouse_with_its_quantity(a, b, w, begun):
    stock(sku("ELSEWHERE"), warehouse("V"), 3)
    sku("NEVER-HERE")
    made = begun()
    assert (made.number, made.state, made.line_count) == (f"PD{made.pk:06d}", "counting", 2)
    assert lines(made) == {"A": D(10), "B": D(5)}


def test_bins_are_walked_in_their_order(a, b, w, begun):
    c = sku("C")
    for item, name in ((a, "A-10"), (b, "A-9"), (c, "B-1")):
        ShelfPlace.objects.create(sku=item, warehouse=w, bin=name)
    ShelfPlace.objects.filter(sku=c).update(sort_order=0)
    assert list(lines(begun())) == ["B", "A", "C"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"category": "shoes"}, {"A"}),
        ({"bin_prefix": "B-"}, {"B"}),
        ({"bin_prefix": "%"}, None),
        ({"supplier": "yiwu"}, {"B"}),
        ({"category": "Shoes", "bin_prefix": "B"}, None),
    ],
)
def test_a_part_is_what_fits_all_that_was_said(a, b, w, begun, fields, expected):
    a.product.category = "Shoes"
    a.product.save()
    ShelfPlace.objects.create(sku=b, warehouse=w, bin="b-1")
    today = clock.now().date()
    ExpectedArrival.objects.create(sku=b, warehouse=w, quantity=D(1), expected_on=today, source="Yiwu Toys")
    if expected is None:
        with pytest.raises(StocktakeRefused, match="Nothing is to be counted"):
            begun(kind="partial", **fields)
    else:
        assert set(lines(begun(kind="partial", **fields))) == expected


def test_a_product_is_a_part(a, b, begun):
    assert set(lines(begun(kind="partial", product=b.product))) == {"B"}


@pytest.mark.parametrize(
    ("letter", "expected"), [("A", {"BIG"}), ("B", {"MID"}), ("C", {"OLD", "SMALL"}), ("Z", {"GONE"})]
)
def test_cycle_classes_go_by_what_was_sold_in_ninety_days(w, begun, letter, expected):
    for code, cost, pieces, days in (("BIG", 85, 1, 5), ("MID", 11, 1, 5), ("SMALL", 4, 1, 5), ("OLD", 900, 1, 100)):
        item = sku(code)
        stock(item, w, 2, str(cost))
        sold(item, w, pieces, days)
    gone = sku("GONE")
    stock(gone, w, 1, "0")
    sold(gone, w, 1)
    found = set(lines(begun(kind="cycle", cycle=letter)))
    assert found - ({"GONE"} if letter == "C" else set()) == expected


def test_a_part_nobody_named_and_a_closed_warehouse_are_refused(w, clerk):
    with pytest.raises(StocktakeRefused, match="Say which part"):
        opening.plan(warehouse=w, user=clerk, kind="partial")
    with pytest.raises(StocktakeRefused, match="Say which class"):
        opening.plan(warehouse=w, user=clerk, kind="cycle")
    w.active = False
    w.save()
    with pytest.raises(StocktakeRefused, match="closed"):
        opening.plan(warehouse=w, user=clerk)


def test_a_sku_is_in_one_open_stocktake_until_that_is_cancelled(a, b, w, begun):
    first = begun(kind="partial", product=a.product)
    second = opening.plan(warehouse=w, user=None)
    with pytest.raises(StocktakeRefused, match=f"A is being counted in {first}"):
        opening.start(stocktake_id=second.pk, user=None)
    assert second.lines.count() == 0
    row = {"stocktake": second, "sku": a, "warehouse": w}
    with pytest.raises(IntegrityError), transaction.atomic():
        StocktakeLine.objects.create(**row)
    opening.cancel(stocktake_id=first.pk, user=None)
    assert opening.start(stocktake_id=second.pk, user=None).line_count == 2
    with pytest.raises(AlreadyDone, match="Cancelled"):
        opening.cancel(stocktake_id=first.pk, user=None)


def test_a_phone_counts_pieces_and_cases_and_the_same_key_once(a, begun, say, clerk):
    case = Pack.objects.create(sku=a, name="Case", quantity=D(4))
    Barcode.objects.create(sku=a, code="690000000001")
    Barcode.objects.create(sku=a, code="690000000004", pack=case)
    made = begun()
    assert say(made, "690000000001", 3, clerk, key="one", bin="X-1").code == "counted"
    assert say(made, "690000000001", 3, clerk, key="one", bin="X-1").code == "repeated"
    say(made, "690000000004", 2, clerk, bin="X-2")
    assert line(made).counted_quantity == D(11)
    told = say(made, "a", 1, clerk, bin="X-1")
    assert (told.code, told.message) == ("corrected", "A: 1 instead of 3.")
    assert (line(made).counted_quantity, line(made).difference, line(made).value) == (D(9), D(-1), D(-2))
    made.refresh_from_db()
    assert made.counted_count == 1


@pytest.mark.parametrize(
    ("code", "quantity", "sentence"),
    [
        ("A", -1, "less than nothing"),
        ("A", "NaN", "not a quantity"),
        ("A", "0.0001", "not a quantity"),
        ("NOBODY", 1, "not a SKU"),
        ("SET", 1, "count its parts"),
    ],
)
def test_what_a_phone_may_not_say(a, begun, say, code, quantity, sentence):
    bundle((a, 2), code="SET")
    made = begun()
    with pytest.raises(StocktakeRefused, match=sentence):
        say(made, code, quantity)
    assert not StocktakeCount.objects.exists()


def test_goods_nobody_expected_join_a_full_count_but_not_a_part(a, b, begun, say):
    sku("NEW")
    part = begun(kind="partial", product=a.product)
    with pytest.raises(StocktakeRefused, match="B is not part of"):
        say(part, "B", 1)
    opening.cancel(stocktake_id=part.pk, user=None)
    full = begun()
    say(full, "NEW", 2)
    full.refresh_from_db()
    assert (line(full, "NEW").difference, full.line_count) == (D(2), 3)


def test_a_full_count_takes_in_every_other_sku_at_once_but_what_is_counted_elsewhere(a, b, w, begun, say):
    new, busy = sku("NEW"), sku("BUSY")
    sku("OLD", active=False)
    bundle((new, 1), code="SET")
    full = begun()
    say(full, "BUSY", 1)
    opening.cancel(stocktake_id=full.pk, user=None)
    ShelfPlace.objects.create(sku=busy, warehouse=w, bin="Z-1")
    part = begun(kind="partial", bin_prefix="Z")
    with pytest.raises(StocktakeRefused, match="Only the first round of a full count"):
        opening.take_rest(stocktake_id=part.pk, user=None)
    ShelfPlace.objects.all().delete()
    full = begun()
    assert (opening.take_rest(stocktake_id=full.pk, user=None), opening.take_rest(stocktake_id=full.pk, user=None)) == (
        1,
        0,
    )
    full.refresh_from_db()
    assert (full.line_count, set(full.lines.values_list("sku__code", flat=True))) == (3, {"A", "B", "NEW"})
    assert line(full, "NEW").snapshot_quantity == 0


def test_a_sheet_is_compared_where_its_reading_could_not_know(a, b, w, begun, sheet, say, clerk):
    """Two bins of a SKU, a bin counted by phone before, goods that moved while the sheet was read."""
    made = begun()
    say(made, "B", 1, clerk, bin="B-1")
    stock(sku("C"), w, 4)
    early = clock.now() - dt.timedelta(minutes=1)
    read = sheets.begin(stocktake=made, file_name="x.xlsx", digest="", user=clerk, counted_at=early)
    rows = [("A", 6, "A-1"), ("A", 3, "A-2"), ("B", 3, "B-1"), ("B", 2, "B-2"), ("C", 1, "")]
    sheets.read(read, xlsx(rows, ["SKU code", "counted quantity", "bin"]))
    found = list(read.counts.order_by("row").values_list("system_quantity", "difference", "doubled"))
    # A, B and C came to the shelf within the last minute: at the sheet's moment nothing lay there.
    assert found == [(0, 9, False), (0, 9, False), (0, 5, True), (0, 5, False), (0, 1, False)]
    assert (read.difference_count, read.doubled_count) == (5, 1)


def test_only_the_people_named_count(a, begun, say, person, clerk):
    made = begun(people=[person("order_clerk")])
    with pytest.raises(StocktakeRefused, match="Other people"):
        say(made, "A", 1, clerk)
    say(made, "A", 1, person("owner"))


def test_two_sheets_add_up_across_bins_and_wait_in_the_same_bin(a, begun, sheet, clerk):
    head = ("SKU code", "counted quantity", "bin")
    made = begun()
    sheet(made, xlsx([("A", 4, "X-1")], head), clerk)
    again = sheets.preview(stocktake=made, file=xlsx([("A", 5, "X-2")], head), user=clerk)
    row = again.counts.get()
    assert (row.system_quantity, row.quantity, row.difference, row.doubled) == (D(10), D(5), D(-1), False)
    sheets.take(sheet_id=again.pk, user=clerk)
    assert (line(made).counted_quantity, line(made).conflict) == (D(9), False)
    third = sheets.preview(stocktake=made, file=xlsx([("A", 7, "X-2")], head), user=clerk)
    assert (third.doubled_count, third.counts.get().difference) == (1, D(1))
    sheets.take(sheet_id=third.pk, user=clerk)
    assert line(made).conflict
    with pytest.raises(StocktakeRefused, match="1 lines were counted twice"):
        counting.close(stocktake_id=made.pk, user=clerk)
    counting.decide(count_id=third.counts.get().pk, user=clerk)
    assert (line(made).counted_quantity, line(made).conflict) == (D(11), False)
    with pytest.raises(StocktakeRefused, match="no longer stands"):
        counting.decide(count_id=row.pk, user=clerk)


@pytest.mark.parametrize(("doubled", "held"), [("new", D(7)), ("old", D(4))])
def test_who_takes_a_sheet_may_say_at_once_which_figure_holds(a, begun, sheet, doubled, held):
    made = begun()
    sheet(made, xlsx([("A", 4)]))
    sheet(made, xlsx([("A", 7)], name="second.xlsx"), doubled=doubled)
    assert (line(made).counted_quantity, line(made).conflict) == (held, False)


def test_two_people_who_agree_are_not_doubled(a, begun, say, clerk, owner):
    made = begun()
    say(made, "A", 6, clerk)
    assert say(made, "A", 6, owner).code == "counted"
    assert line(made).counted_quantity == D(6)
    assert say(made, "A", 8, owner).code == "conflict"


def test_the_same_file_twice_is_said(a, begun, sheet, clerk):
    made, file = begun(), [("A", 4)]
    first, second = csv(file), csv(file)
    waiting = sheets.preview(stocktake=made, file=csv(file), user=clerk)
    sheet(made, first, clerk)
    with pytest.raises(StocktakeRefused, match=r"taken already: “count.csv” by"):
        sheets.preview(stocktake=made, file=second, user=clerk)
    with pytest.raises(StocktakeRefused, match="taken already"):
        sheets.take(sheet_id=waiting.pk, user=clerk)
    assert line(made).counted_quantity == D(4)


def test_faults_of_a_sheet_are_named_and_stop_it_unless_left_out(a, b, begun, clerk):
    head = ("SKU code", "counted quantity", "warehouse", "stocktake")
    made = begun(kind="partial", product=a.product)
    rows = [
        ("A", 3, "W", made.number), ("A", 4, "", ""), ("X", 1, "", ""), ("B", 1, "", ""), ("A", -2, "", ""),
        ("A", 1, "V", ""), ("A", 1, "", "PD999999"), ("A", None, "", ""),
    ]  # fmt: skip
    read = sheets.preview(stocktake=made, file=xlsx(rows, head), user=clerk)
    assert [one["row"] for one in read.problems] == [3, 4, 5, 6, 7, 8]
    assert "in the same bin" in read.problems[0]["what"]
    assert "not part of" in read.problems[2]["what"]
    assert (read.row_count, read.uncounted, read.problem_count) == (1, 1, 6)
    with pytest.raises(StocktakeRefused, match="6 rows have a problem"):
        sheets.take(sheet_id=read.pk, user=clerk)
    assert line(made).counted_quantity is None
    sheets.take(sheet_id=read.pk, user=clerk, without_bad_rows=True)
    assert line(made).counted_quantity == D(3)
    with pytest.raises(StocktakeRefused, match="taken already"):
        sheets.drop(sheet_id=read.pk)


def test_what_nobody_counted_is_left_or_taken_for_empty(a, b, begun, say, clerk):
    made = begun()
    with pytest.raises(StocktakeRefused, match="Nothing was counted yet"):
        counting.close(stocktake_id=made.pk, user=clerk)
    say(made, "A", 10, clerk)
    done = counting.close(stocktake_id=made.pk, user=clerk, rest_is_zero=True)
    assert (done.state, done.counted_count, done.difference_count) == ("counted", 2, 1)
    assert line(made, "B").difference == D(-5)
    with pytest.raises(AlreadyDone, match="warehouse_clerk"):
        counting.close(stocktake_id=made.pk, user=clerk)


def test_a_recount_takes_differing_lines_only_and_forgets_nothing(a, b, begun, say, clerk, sheet):
    made = begun()
    say(made, "A", 8, clerk)
    say(made, "B", 5, clerk)
    counting.close(stocktake_id=made.pk, user=clerk)
    assert counting.recount(stocktake_id=made.pk, user=clerk) == 1
    with pytest.raises(StocktakeRefused, match="not counted again"):
        say(made, "B", 4, clerk)
    with pytest.raises(StocktakeRefused, match="1 lines are still to be counted again"):
        counting.close(stocktake_id=made.pk, user=clerk)
    made.refresh_from_db()
    sheet(made, xlsx([("A", 10)]), clerk)
    done = counting.close(stocktake_id=made.pk, user=clerk)
    assert (done.round, done.difference_count, line(made).counts.count()) == (2, 0, 2)
    with pytest.raises(StocktakeRefused, match="No line differs"):
        counting.recount(stocktake_id=made.pk, user=clerk)


def test_a_sheet_dropped_while_it_is_read_leaves_nothing(a, b, begun, clerk):
    read = sheets.begin(stocktake=begun(), file_name="x.csv", digest="", user=clerk)
    behind_each_batch = SimpleNamespace(step=lambda rows: sheets.drop(sheet_id=read.pk))
    rows = [("A", 9), *((f"N{i}", "") for i in range(2_100)), ("B", 4)]
    with pytest.raises(StocktakeRefused, match="dropped while it was read"):
        sheets.read(read, csv(rows), meter=behind_each_batch)
    assert not StocktakeCount.objects.exists()
    assert not StocktakeSheet.objects.exists()


def test_lines_of_a_large_file_are_looked_up_at_once(a, b, begun, clerk, monkeypatch):
    """The same preview as batch by batch, with goods nobody expected, a code nobody knows and a SKU in two bins."""
    sku("NEW")
    head = ("SKU code", "counted quantity", "bin")
    rows = [("a", 9, ""), *((f"N{i}", "", "") for i in range(2_100)), ("B", 4, "B-1"), ("B", 1, "B-2"), ("NEW", 2, ""),
            ("ＡＢ", 1, ""), ("A", 1, "")]  # fmt: skip
    found = []
    for least in (10**9, 0):
        monkeypatch.setattr(sheet_goods, "LARGE_FILE", least)
        made = begun()
        with CaptureQueriesContext(connection) as ran:
            read = sheets.preview(stocktake=made, file=csv(rows, head), user=clerk)
        asked = [one["sql"] for one in ran if "s.code_key, s.kind" in one["sql"]]
        counts = read.counts.order_by("row").values_list(
            "row", "line__sku__code", "bin", "quantity", "system_quantity", "difference", "round", "person", "active"
        )
        faults = [(one["row"], one["what"]) for one in read.problems]
        found.append((list(counts), faults, read.row_count, read.uncounted, read.difference_count))
        opening.cancel(stocktake_id=made.pk, user=None)
        assert len(asked) == 2, asked  # two batches; or all at once, and those that were not among them
    assert found[0] == found[1]
    assert (found[0][2], found[0][3], [row for row, _what in found[0][1]]) == (4, 2_100, [2106, 2107])


def test_a_batch_of_known_lines_asks_for_the_sheet_and_writes(a, b, begun, monkeypatch):
    monkeypatch.setattr(sheet_goods, "LARGE_FILE", 0)
    rows = sheets.Rows(sheets.begin(stocktake=begun(), file_name="", digest="", user=None))
    rows.look_ahead(1)
    at_once = 1 if connection.vendor == "postgresql" else 0  # the commit that does not wait
    with CaptureQueriesContext(connection) as ran:
        sheets._write(rows, [[2, "A", 1000, *[None] * 7], [3, "B", 2000, *[None] * 7]])
    asked = [one["sql"] for one in ran if "SAVEPOINT" not in one["sql"]]
    assert len(asked) == 2 + at_once, asked
    assert rows.sheet.counts.count() == 2
