"""Differences above and below the limits, posted once or not at all, with the sales of the meantime kept."""

import datetime as dt
import io
import threading
from decimal import Decimal

import pytest
from django.db import connection
from openpyxl import load_workbook

from backoffice import clock
from inventory import ledger, reservations
from inventory.errors import NegativeStock
from inventory.models import Balance, Barcode, Pack, ShelfPlace, Sku, StockEntry, Stocktake, StocktakeLimit
from inventory.stocktakes import causes, counting, opening, paper, posting, result, sheets, workbook
from inventory.stocktakes.errors import AlreadyDone, StocktakeRefused
from tests.crash.killing import killed_at
from tests.inventory.factories import buckets, number, sku, stock, want
from tests.inventory.invariants import broken
from tests.inventory.sheets import xlsx

pytestmark = pytest.mark.django_db
D = Decimal


def move(item, place, quantity, **fields):
    fields = {"reason": "shipment", **fields}
    draft = ledger.EntryDraft(key=f"m{number()}", sku_id=item.pk, warehouse_id=place.pk, quantity=D(quantity), **fields)
    ledger.post(entries=[draft])


def entries(stocktake):
    return list(StockEntry.objects.filter(reference__startswith=stocktake.reference).order_by("id"))


@pytest.fixture
def counted(begun, say):
    """A stocktake with these figures, counting closed."""

    def make(user=None, closer=None, **figures):
        made = begun()
        for code, quantity in figures.items():
            say(made, code, quantity, user)
        return counting.close(stocktake_id=made.pk, user=closer or user)

    return make


def test_posting_writes_every_difference_with_its_reason_reference_moment_and_value(a, b, w, counted, clerk):
    made = counted(clerk, A=7, B=6)
    done = posting.post(stocktake_id=made.pk, user=clerk)
    assert (done.state, done.posted_by, done.lines.filter(open=True).count()) == ("posted", clerk, 0)
    found = [(one.sku, one.quantity, one.value, one.reason, one.reference) for one in entries(made)]
    assert found == [(a, D(-3), D(-6), "count", made.reference), (b, D(1), D(3), "count", made.reference)]
    assert entries(made)[0].occurred_at == made.lines.get(sku=a).counted_at
    assert (buckets(a, w)[0], buckets(b, w)[0], list(broken())) == (7, 6, [])


def test_sales_while_counting_are_kept(a, w, begun, say, clerk):
    made = begun(clerk)
    move(a, w, -2)
    say(made, "A", 7, clerk)
    move(a, w, -3)
    counting.close(stocktake_id=made.pk, user=clerk)
    line = made.lines.get()
    assert (line.snapshot_quantity, line.system_quantity, line.difference) == (D(10), D(8), D(-1))
    move(a, w, -1)
    posting.post(stocktake_id=made.pk, user=clerk)
    assert buckets(a, w)[0] == 3


def test_each_line_is_compared_at_its_own_moment(a, b, w, begun, say, clerk):
    made = begun()
    early = clock.now()
    move(a, w, -4)
    move(b, w, -4)
    say(made, "A", 10, clerk, counted_at=early)
    say(made, "B", 1, clerk)
    done = counting.close(stocktake_id=made.pk, user=clerk)
    assert done.difference_count == 0


def test_a_parcel_booked_late_makes_the_person_look_again(a, w, counted, clerk):
    made = counted(clerk, A=8)
    move(a, w, -2, occurred_at=made.snapshot_at - dt.timedelta(hours=1))
    with pytest.raises(posting.FiguresMoved, match="1 lines"):
        posting.post(stocktake_id=made.pk, user=clerk)
    assert entries(made) == []
    assert posting.look_again(stocktake_id=made.pk) == 1
    posting.post(stocktake_id=made.pk, user=clerk)
    assert (entries(made), buckets(a, w)[0]) == ([], 8)


@pytest.mark.parametrize(
    ("limit", "state"),
    [
        ({"quantity": D(3)}, "counted"), ({"quantity": D(2)}, "review"), ({"value": D("5.99")}, "review"),
        ({"value": D(6)}, "counted"), ({"percent": D("0.3")}, "counted"), ({"percent": D("0.29")}, "review"),
        ({}, "counted"),
    ],
)  # fmt: skip
def test_a_difference_above_any_limit_goes_under_review(a, w, counted, clerk, limit, state):
    StocktakeLimit.objects.create(warehouse=w, **limit)
    assert counted(clerk, A=7).state == state


def test_above_the_limit_a_second_person_posts(a, w, counted, clerk, owner, person):
    StocktakeLimit.objects.create(warehouse=w, quantity=D(1))
    made = counted(clerk, closer=owner, A=7)
    with pytest.raises(StocktakeRefused, match="somebody who may"):
        posting.post(stocktake_id=made.pk, user=clerk)
    with pytest.raises(StocktakeRefused, match="a second person"):
        posting.post(stocktake_id=made.pk, user=owner)
    assert (entries(made), buckets(a, w)[0]) == ([], 10)
    assert posting.post(stocktake_id=made.pk, user=person("ops_admin")).state == "posted"


def test_the_second_clerk_is_told_who_posted(a, counted, clerk, owner):
    made = counted(clerk, A=7)
    posting.post(stocktake_id=made.pk, user=clerk)
    with pytest.raises(AlreadyDone, match="Posted.*warehouse_clerk"):
        posting.post(stocktake_id=made.pk, user=owner)
    assert len(entries(made)) == 1


def test_what_would_leave_less_than_is_reserved_is_refused_whole(a, b, w, counted, clerk):
    reservations.reserve(wants=[want("orders.line:1", a, 9, w)])
    made = counted(clerk, A=7, B=6)
    with pytest.raises(NegativeStock, match="A @ W"):
        posting.post(stocktake_id=made.pk, user=clerk)
    made.refresh_from_db()
    assert (entries(made), made.state, buckets(b, w)[0]) == ([], "counted", 5)


def test_a_warehouse_closed_meanwhile_is_refused(a, w, counted, clerk):
    made = counted(clerk, A=7)
    w.active = False
    w.save()
    with pytest.raises(StocktakeRefused, match="closed"):
        posting.post(stocktake_id=made.pk, user=clerk)
    assert entries(made) == []


def test_undoing_posts_the_opposite_and_the_value_comes_back(a, w, counted, clerk, owner):
    made = counted(clerk, A=7)
    with pytest.raises(StocktakeRefused, match="cannot be done"):
        posting.undo(stocktake_id=made.pk, user=owner)
    posting.post(stocktake_id=made.pk, user=clerk)
    posting.undo(stocktake_id=made.pk, user=owner, note="wrong hall")
    found = [(one.quantity, one.value, one.reason) for one in entries(made)]
    assert found == [(D(-3), D(-6), "count"), (D(3), D(6), "undo")]
    balance = Balance.objects.get(sku=a)
    assert (balance.on_hand, balance.value, list(broken())) == (D(10), D(20), [])
    with pytest.raises(AlreadyDone, match="owner"):
        posting.undo(stocktake_id=made.pk, user=owner)


def test_the_sums_say_how_right_the_stock_was(a, b, w, begun, say):
    c = sku("C")
    stock(c, w, 5, "1")
    made = begun()
    for code, quantity in (("A", 7), ("B", 6), ("C", 5)):
        say(made, code, quantity)
    counting.close(stocktake_id=made.pk, user=None)
    sums = result.of(made)
    assert (sums.counted, sums.right, sums.accuracy) == (3, 1, D("33.33"))
    assert (sums.loss, sums.gain, sums.book_value, sums.net) == (D(6), D(3), D(40), D(-3))
    assert (sums.shrinkage, sums.value_accuracy) == (D("7.50"), D("77.50"))
    assert [line.sku.code for line, _why in result.top(made)] == ["A", "B"]


def test_the_result_is_a_workbook_whose_values_only_some_see(a, counted):
    made = counted(A=7)
    for cost in (True, False):
        file = io.BytesIO()
        assert result.export(file, made, cost=cost) == 1
        book = load_workbook(file)
        rows = list(book["Differences"].values)
        assert rows[1][:7] == ("A", "A", None, 10, 10, 7, -3)
        assert ("value of the difference" in rows[0]) is cost
        said = dict(book["Result"].values)
        assert (said["lines right"], said.get("value lost")) == ("0 (0 %)", "6.00" if cost else None)


def test_the_result_on_paper_names_the_differences_and_shows_value_to_some_only(a, counted):
    made = counted(A=7)
    made.lines.update(bin="A-1")
    for cost in (True, False):
        drawn = paper.drawn(made, cost=cost)
        said = [text for _page, text in drawn.said]
        assert (said[0], "A-1" in said, "−3" in said) == (f"Result of stocktake {made}", True, True)
        assert ("6.00" in said, "value lost" in said, "-6.00" in said) == (cost, cost, cost)
    assert paper.pdf(made, cost=True).startswith(b"%PDF")


def test_likely_causes_are_found_in_our_own_data(a, w, begun, say, django_assert_max_num_queries):
    blue = Sku.objects.create(product=a.product, code="A-BLUE", name="blue")
    stock(blue, w, 4, "2")
    boxed = sku("BOXED")
    Pack.objects.create(sku=boxed, name="Case", quantity=D(12))
    stock(boxed, w, 24, "1")
    sold = sku("SOLD")
    stock(sold, w, 4, "1")
    made = begun()
    move(sold, w, -1)
    for code, quantity in (("A", 8), ("A-BLUE", 6), ("BOXED", 2), ("SOLD", 2)):
        say(made, code, quantity)
    counting.close(stocktake_id=made.pk, user=None)
    lines = list(made.lines.select_related("sku"))
    with django_assert_max_num_queries(6):
        found = causes.of_lines(made, lines)
    by = {line.sku.code: " ".join(found.get(line.pk, [])) for line in lines}
    assert by["A"].startswith("A-BLUE, a variant")
    assert by["A-BLUE"].startswith("A, a variant")
    assert "Counted in packs" in by["BOXED"]
    assert by["SOLD"].startswith("Moved while it was counted: 1 movements, -1 pieces")


@pytest.mark.parametrize("blind", [False, True])
def test_the_sheet_goes_out_in_walking_order_and_comes_back(a, b, w, begun, clerk, blind):
    ShelfPlace.objects.create(sku=b, warehouse=w, bin="A-2")
    ShelfPlace.objects.create(sku=a, warehouse=w, bin="A-10")
    Barcode.objects.create(sku=a, code="0690123456789")
    made = begun(blind=blind)
    file = io.BytesIO()
    assert workbook.write(file, made, system=True) == 2
    book = load_workbook(file)
    page = book.active
    rows = list(page.values)
    assert [row[:2] for row in rows[1:]] == [("A-2", "B"), ("A-10", "A")]
    assert (rows[2][3], page["D3"].data_type, page.freeze_panes) == ("0690123456789", "s", "C2")
    assert page.protection.sheet
    assert page["A2"].protection.locked
    assert not page["E2"].protection.locked
    assert (len(rows[0]), rows[0][-1]) == ((8, "stocktake") if blind else (9, "system"))
    filled = [(*row[:4], 3, *row[5:8]) for row in rows[1:]]
    read = sheets.preview(stocktake=made, file=xlsx(filled, rows[0][:8]), user=clerk)
    assert (read.row_count, read.problem_count, read.difference_count) == (2, 0, 2)


@pytest.mark.django_db(transaction=True)
def test_posting_killed_before_any_statement_posts_nothing_or_everything(a, b, w, counted):
    made = counted(A=7, B=6)

    def work():
        posting.post(stocktake_id=made.pk, user=None)

    step = 1
    while killed_at(step, work):
        state = Stocktake.objects.get(pk=made.pk).state
        assert (state, len(entries(made))) in (("counted", 0), ("posted", 2))
        if state == "posted":
            break
        step += 1
    assert (step > 8, len(entries(made)), buckets(a, w)[0], list(broken())) == (True, 2, 7, [])


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_clerks_who_post_at_once_one_wins_and_the_other_is_told(a, w, counted, clerk, owner):
    made = counted(clerk, A=7)
    told = _together(*(lambda who=who: posting.post(stocktake_id=made.pk, user=who) for who in (clerk, owner)))
    assert sorted(told) == ["AlreadyDone", "ok"]
    assert (len(entries(made)), buckets(a, w)[0]) == (1, 7)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_stocktakes_of_one_sku_started_at_once_one_wins(a, w):
    plans = [opening.plan(warehouse=w, user=None) for _ in range(2)]
    told = _together(*(lambda pk=one.pk: opening.start(stocktake_id=pk, user=None) for one in plans))
    assert sorted(told) == ["StocktakeRefused", "ok"]
    assert Stocktake.objects.filter(state="counting").count() == 1


def _together(*works):
    told, gate = [], threading.Barrier(len(works))

    def run(work):
        gate.wait()
        try:
            work()
            told.append("ok")
        except Exception as error:
            told.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    return told
