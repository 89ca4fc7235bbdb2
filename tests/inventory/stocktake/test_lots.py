"""Tracked goods are counted lot by lot: on the sheet, by phone, posted and undone; other goods never look at a lot."""

import datetime as dt
import io
import json
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from backoffice import clock
from inventory import reservations
from inventory.lots import keeping, switching
from inventory.lots.errors import LotRefused
from inventory.models import Barcode, Lot, StockEntry, StocktakeLimit, Tracking
from inventory.stocktakes import causes, counting, opening, paper, posting, result, sheets, workbook
from inventory.stocktakes.errors import StocktakeRefused
from tests.crash.killing import killed_at
from tests.inventory.factories import buckets, sku, stock, want, warehouse
from tests.inventory.invariants import broken
from tests.inventory.lots.conftest import apart, come, expires, go, in_days, lots, of, tracked
from tests.inventory.sheets import xlsx

pytestmark = pytest.mark.django_db
D = Decimal
HEAD = ("SKU code", "lot or serial number", "expires on", "counted quantity", "bin")


@pytest.fixture
def milk(w):
    """Six of lot A and four of lot B."""
    made = tracked("MILK", Tracking.EXPIRY)
    come(made, w, {"A": 6, "B": 4})
    expires(made, A=10, B=20)
    return made


@pytest.fixture
def phone(w):
    """Two pieces with serials."""
    made = tracked("PHONE", Tracking.SERIAL)
    come(made, w, {"S1": 1, "S2": 1})
    return made


def lines(stocktake):
    rows = stocktake.lines.select_related("sku", "lot").order_by("id")
    return {(one.sku.code, one.lot and str(one.lot)): (one.snapshot_quantity, one.difference) for one in rows}


def closed(stocktake, user=None, **fields):
    return counting.close(stocktake_id=stocktake.pk, user=user, **fields)


def posted(stocktake, user=None):
    closed(stocktake, user)
    return posting.post(stocktake_id=stocktake.pk, user=user)


def test_a_line_for_each_lot_and_one_for_goods_without_lots(a, milk, phone, begun):
    tracked("EMPTY", Tracking.LOT)
    made = begun()
    assert {key: said[0] for key, said in lines(made).items()} == {
        ("A", None): 10, ("MILK", "A"): 6, ("MILK", "B"): 4, ("PHONE", "S1"): 1, ("PHONE", "S2"): 1,
    }  # fmt: skip
    assert opening.take_rest(stocktake_id=made.pk, user=None) == 1
    assert ("EMPTY", "Unknown lot") in lines(made)
    assert Lot.objects.filter(sku__code="MILK").count() == 2


def test_each_lots_difference_is_booked_to_that_lot_and_undone_from_it(milk, w, begun, say, clerk, owner):
    made = begun()
    say(made, "MILK", 3, clerk, lot="A")
    say(made, "MILK", 5, clerk, lot="b")
    say(made, "MILK", 2, clerk, lot="C", expires_on=str(in_days(30)))
    posted(made, clerk)
    assert lots(milk, w) == {"A": 3, "B": 5, "C": 2}
    keys = [f"{made.reference}/{line.pk}" for line in made.lines.order_by("lot__number")]
    assert [of(key) for key in keys] == [{"A": -3}, {"B": 1}, {"C": 2}]
    assert Lot.objects.get(number="C").expires_on == in_days(30)
    posting.undo(stocktake_id=made.pk, user=owner)
    assert (lots(milk, w), apart(), list(broken())) == ({"A": 6, "B": 4}, [], [])


def test_movements_of_a_lot_after_its_count_are_no_difference_and_those_of_another_do_not_matter(milk, w, begun, say):
    made = begun()
    go(milk, w, 1, lot="A")
    say(made, "MILK", 5, lot="A")
    go(milk, w, 2, lot="A")
    go(milk, w, 1, lot="B")
    say(made, "MILK", 3, lot="B")
    done = closed(made)
    assert done.difference_count == 0
    line = made.lines.get(lot__number="A")
    assert (line.snapshot_quantity, line.system_quantity, line.counted_quantity) == (6, 5, 5)
    posting.post(stocktake_id=made.pk, user=None)
    assert lots(milk, w) == {"A": 3, "B": 3}


def test_a_movement_booked_late_makes_the_person_look_again(milk, w, begun, say):
    made = begun()
    say(made, "MILK", 5, lot="A")
    closed(made)
    go(milk, w, 1, lot="A", occurred_at=made.snapshot_at - dt.timedelta(hours=1))
    with pytest.raises(posting.FiguresMoved, match="1 lines"):
        posting.post(stocktake_id=made.pk, user=None)
    assert posting.look_again(stocktake_id=made.pk) == 1
    posting.post(stocktake_id=made.pk, user=None)
    assert lots(milk, w) == {"A": 5, "B": 4}


def test_a_lot_taken_for_another_is_posted_though_everything_is_reserved(milk, w, begun, say):
    reservations.reserve(wants=[want("orders.line:1", milk, 10, w)])
    made = begun()
    say(made, "MILK", 1, lot="A")
    say(made, "MILK", 9, lot="B")
    posted(made)
    assert lots(milk, w) == {"A": 1, "B": 9}
    posting.undo(stocktake_id=made.pk, user=None)
    assert (lots(milk, w), buckets(milk, w)[0]) == ({"A": 6, "B": 4}, 10)


def test_the_unknown_lot_is_counted_by_its_sign(w, begun, say):
    made = tracked("TEA", Tracking.LOT)
    stock(made, w, 5, "1")
    count = begun()
    say(count, "TEA", 3, lot="?")
    say(count, "TEA", 2, lot="X")
    posted(count)
    assert lots(made, w) == {"": 3, "X": 2}


def test_two_sheets_of_the_same_lot_do_not_count_double(milk, w, begun, sheet):
    made = begun()
    sheet(made, xlsx([("MILK", "A", None, 5, "X-1")], HEAD))
    second = xlsx([("MILK", "A", None, 5, "X-1"), ("MILK", "B", None, 4, "X-2")], HEAD)
    again = sheets.preview(stocktake=made, file=second, user=None)
    row = again.counts.get(line__lot__number="A")
    assert (row.doubled, row.system_quantity, row.difference) == (True, 6, -1)
    sheets.take(sheet_id=again.pk, user=None)
    sheet(made, xlsx([("MILK", "A", None, 1, "X-2"), ("MILK", "B", None, 4, "X-2")], HEAD))
    posted(made)
    assert lots(milk, w) == {"A": 6, "B": 4}


def test_two_counts_of_a_lot_that_differ_wait_for_a_decision(milk, begun, say, clerk, owner):
    made = begun()
    say(made, "MILK", 6, clerk, lot="A")
    say(made, "MILK", 4, clerk, lot="B")
    told = say(made, "MILK", 5, owner, lot="A")
    assert (told.code, told.message.split(" in ")[0]) == ("conflict", "MILK A")
    with pytest.raises(StocktakeRefused, match="1 lines were counted twice"):
        closed(made)


def test_a_serial_counted_twice_is_refused_naming_both_rows(phone, w, begun, sheet, say, clerk, owner):
    made = begun()
    rows = [("PHONE", "S1", None, 1, "X-1"), ("PHONE", "s1", None, 1, "X-2"), ("PHONE", "S2", None, 2, "")]
    read = sheets.preview(stocktake=made, file=xlsx(rows, HEAD), user=clerk)
    assert [(one["row"], one["place"]) for one in read.problems] == [
        (3, "B (lot or serial number)"),
        (4, "D (counted quantity)"),
    ]
    assert "stands in row 2 already" in read.problems[0]["what"]
    sheets.take(sheet_id=read.pk, user=clerk, without_bad_rows=True)
    say(made, "PHONE", 1, owner, lot="S1", bin="X-9")
    say(made, "PHONE", 1, owner, lot="S2")
    assert closed(made).difference_count == 0


def test_faults_of_a_lot_are_named_by_row_and_column(a, milk, phone, w, begun, clerk):
    there = warehouse("V")
    come(phone, there, {"S9": 1})
    made = begun()
    rows = [
        ("MILK", None, None, 1, ""), ("MILK", "NEW", None, 1, ""), ("MILK", "A", in_days(99), 1, ""),
        ("A", "X", None, 1, ""), ("PHONE", "S9", None, 1, ""), ("MILK", "A", in_days(10), 6, ""),
        ("MILK", "A", None, 6, ""),
    ]  # fmt: skip
    read = sheets.preview(stocktake=made, file=xlsx(rows, HEAD), user=clerk)
    assert [(one["row"], one["place"], one["what"][:30]) for one in read.problems] == [
        (2, "B (lot or serial number)", "MILK is tracked: say which lot"),
        (3, "C (expires on)", "Lot NEW of MILK needs an expir"),
        (4, "C (expires on)", "Lot A of MILK expires on " + str(in_days(10))[:5]),
        (5, "B (lot or serial number)", "A is not tracked by lots: leav"),
        (6, "B (lot or serial number)", "By the books serial S9 of PHON"),
        (8, "B (lot or serial number)", "Lot A of “MILK” stands in row "),
    ]
    assert (read.row_count, Lot.objects.filter(number="NEW").exists()) == (1, False)


def test_the_sheet_names_the_lots_has_room_for_more_and_comes_back(a, milk, w, begun, clerk):
    Lot.objects.filter(number="B").update(expires_on=None)
    stock(milk, w, 2)
    made = begun()
    file = io.BytesIO()
    assert workbook.write(file, made, system=True) == 4
    page = load_workbook(file).active
    rows = [list(row) for row in page.values]
    assert rows[0][4:7] == ["lot or serial number", "expires on", "counted quantity"]
    assert [(row[1], row[4], row[10]) for row in rows[1:5]] == [
        ("A", None, 10), ("MILK", "A", 6), ("MILK", "B", 4), ("MILK", "?", 2),
    ]  # fmt: skip
    assert rows[2][5].date() == in_days(10)
    assert page["E2"].protection.locked
    assert not any(page[f"{column}6"].protection.locked for column in "BEFG")
    for row in rows[1:5]:
        row[6] = 3
    typed = [None, "MILK", None, None, "NEW", in_days(40), 7, None, None, None, None]
    back = xlsx([row[:10] for row in [*rows[1:5], typed]], rows[0][:10])
    read = sheets.preview(stocktake=made, file=back, user=clerk)
    assert (read.problems, read.row_count, read.difference_count) == ([], 5, 5)
    assert [one.difference for one in read.counts.order_by("row")] == [-7, -3, -1, 1, 7]
    sheets.take(sheet_id=read.pk, user=clerk)
    posted(made)
    assert lots(milk, w) == {"A": 3, "B": 3, "": 3, "NEW": 7}


def test_without_tracked_goods_the_sheet_is_as_ever_and_no_statement_names_a_lot(a, b, w, begun, sheet, clerk):
    made = begun()
    file = io.BytesIO()
    workbook.write(file, made, system=False)
    assert "lot or serial number" not in next(load_workbook(file).active.values)
    with CaptureQueriesContext(connection) as ran:
        sheet(made, xlsx([("A", 7), ("B", 5)]), clerk)
        posted(made, clerk)
    told = [one["sql"] for one in ran.captured_queries]
    assert [sql for sql in told if "lotbalance" in sql or '"inventory_lot"' in sql] == []


def test_a_gs1_code_says_the_lot(milk, w, begun, say):
    Barcode.objects.create(sku=milk, code="6901234567892")
    made = begun()
    say(made, "010690123456789210A", 5)
    say(made, f"0106901234567892{'17'}{in_days(50):%y%m%d}10N7", 2)
    posted(made)
    assert lots(milk, w) == {"A": 5, "B": 4, "N7": 2}
    assert Lot.objects.get(number="N7").expires_on == in_days(50)


def test_the_phone_knows_the_lots_and_a_refusal_is_an_answer(milk, w, begun, people, person):
    person("warehouse_clerk")
    client, made = people.client("warehouse_clerk"), begun(blind=True)
    page = client.get(reverse("admin:inventory_stocktake_count", args=[made.pk])).content.decode()
    data = json.loads(page.split('id="ys-data" type="application/json">')[1].split("</script>")[0])
    assert [(one["code"], one["lot"], one["tracking"]) for one in data["goods"]] == [("MILK", "A", 2), ("MILK", "B", 2)]
    rows = [{"key": "1", "code": "MILK", "quantity": "4"}, {"key": "2", "code": "MILK", "quantity": "4", "lot": "N"},
            {"key": "3", "code": "MILK", "quantity": "4", "lot": "B"}]  # fmt: skip
    answer = client.post(
        reverse("admin:inventory_stocktake_counted", args=[made.pk]), json.dumps({"scans": rows}),
        content_type="application/json",
    )  # fmt: skip
    assert [one["code"] for one in answer.json()["answers"]] == ["lot_missing", "expiry_missing", "counted"]


def test_what_nobody_counted_may_be_said_to_be_gone_lot_by_lot(milk, w, begun, say):
    made = begun()
    say(made, "MILK", 6, lot="A")
    closed(made, rest_is_zero=True)
    posting.post(stocktake_id=made.pk, user=None)
    assert lots(milk, w) == {"A": 6}


def test_a_recount_takes_the_lots_that_differ_and_those_found_only_then(milk, w, begun, say):
    made = begun()
    say(made, "MILK", 5, lot="A")
    say(made, "MILK", 4, lot="B")
    closed(made)
    assert counting.recount(stocktake_id=made.pk, user=None) == 1
    with pytest.raises(StocktakeRefused, match="not counted again"):
        say(made, "MILK", 1, lot="B")
    say(made, "MILK", 5, lot="A")
    say(made, "MILK", 1, lot="C", expires_on=str(in_days(5)))
    posted(made)
    assert lots(milk, w) == {"A": 5, "B": 4, "C": 1}


def test_many_lots_a_little_off_do_not_slip_under_the_skus_limit(milk, w, begun, say, clerk):
    StocktakeLimit.objects.create(warehouse=w, quantity=D(3))
    made = begun()
    say(made, "MILK", 4, clerk, lot="A")
    say(made, "MILK", 2, clerk, lot="B")
    assert closed(made, clerk).state == "review"
    with pytest.raises(StocktakeRefused, match="2 differences are above"):
        posting.post(stocktake_id=made.pk, user=clerk)
    StocktakeLimit.objects.update(quantity=D(4))
    assert posting.post(stocktake_id=made.pk, user=clerk).state == "posted"


def test_a_part_takes_unknown_lots_of_its_own_goods_only(milk, phone, begun, say):
    made = begun(kind="partial", product=milk.product)
    say(made, "MILK", 1, lot="Z", expires_on=str(in_days(9)))
    with pytest.raises(StocktakeRefused, match="PHONE is not part"):
        say(made, "PHONE", 1, lot="S1")


def test_goods_in_an_open_stocktake_are_not_tracked_in_another_way(a, milk, begun):
    made = begun()
    for item, how in ((a, Tracking.LOT), (milk, Tracking.NONE)):
        with pytest.raises(LotRefused, match=f"{item.code} is being counted in {made}"):
            switching.turn(sku_id=item.pk, tracking=how)
    second = opening.plan(warehouse=made.warehouse, user=None)
    with pytest.raises(StocktakeRefused, match="is being counted in"):
        opening.start(stocktake_id=second.pk, user=None)
    opening.cancel(stocktake_id=made.pk, user=None)
    assert switching.turn(sku_id=a.pk, tracking=Tracking.LOT).tracking == Tracking.LOT


def test_a_blocked_lot_is_counted_like_any_other(milk, w, begun, say):
    keeping.block(lot_id=Lot.objects.get(number="A").pk, reason="smell")
    made = begun()
    say(made, "MILK", 5, lot="A")
    posted(made)
    assert (lots(milk, w), apart()) == ({"A": 5, "B": 4}, [])


def test_result_workbook_paper_and_page_show_the_lot_and_another_lot_as_the_cause(milk, w, begun, say, people, person):
    made = begun()
    say(made, "MILK", 5, lot="A")
    say(made, "MILK", 5, lot="B")
    closed(made)
    file = io.BytesIO()
    assert result.export(file, made, cost=False) == 2
    rows = list(load_workbook(file)["Differences"].values)
    assert rows[0][2] == "lot or serial number"
    assert {row[2]: row[7] for row in rows[1:]} == {"A": -1, "B": 1}
    assert any(text.startswith("A · ") for _page, text in paper.drawn(made, cost=False).said)
    found = causes.of_lines(made, list(result.differing(made)))
    assert found[made.lines.get(lot__number="A").pk] == [
        "Lot B of the same SKU is off by the opposite: probably one taken for the other."
    ]
    person("warehouse_clerk")
    page = people.client("warehouse_clerk").get(reverse("admin:inventory_stocktake_change", args=[made.pk]))
    assert page.content.decode().count('<div class="ys-lot">A') == 2
    assert clock.now() >= made.snapshot_at


@pytest.mark.django_db(transaction=True)
def test_posting_lots_killed_before_any_statement_posts_nothing_or_everything(milk, w, begun, say):
    made = begun()
    say(made, "MILK", 5, lot="A")
    say(made, "MILK", 7, lot="B")
    closed(made)
    step = 1
    while killed_at(step, lambda: posting.post(stocktake_id=made.pk, user=None)):
        made.refresh_from_db()
        there = StockEntry.objects.filter(reference=made.reference).count()
        assert (made.state, there, lots(milk, w)) in (
            ("counted", 0, {"A": 6, "B": 4}), ("posted", 2, {"A": 5, "B": 7}),
        )  # fmt: skip
        if made.state == "posted":
            break
        step += 1
    assert (step > 8, lots(milk, w), apart(), list(broken())) == (True, {"A": 5, "B": 7}, [], [])


def test_an_sku_without_lots_there_is_confirmed_empty(w, begun, say):
    empty = tracked("EMPTY", Tracking.LOT)
    come(empty, w, {"A": 1})
    go(empty, w, 1)
    made = begun()
    assert lines(made) == {("EMPTY", "Unknown lot"): (0, 0)}
    say(made, "EMPTY", 0, lot="?")
    assert posted(made).difference_count == 0
    assert sku("OTHER").tracking == 0
