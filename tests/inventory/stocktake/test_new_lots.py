"""A lot that a sheet names and nobody has seen is a name until the sheet is taken: no preview makes a lot or a line."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from inventory.models import Lot, StocktakeCount, StocktakeNewLot, StocktakeSheet, Tracking
from inventory.stocktakes import counting, opening, posting, sheets
from inventory.stocktakes.errors import StocktakeRefused
from tests.inventory.factories import warehouse
from tests.inventory.lots.conftest import apart, come, expires, in_days, lots, tracked
from tests.inventory.sheets import xlsx
from tests.inventory.threads import errors, together

pytestmark = pytest.mark.django_db
HEAD = ("SKU code", "lot or serial number", "expires on", "counted quantity", "bin")


@pytest.fixture
def milk(w):
    """Six of lot A."""
    made = tracked("MILK", Tracking.EXPIRY)
    come(made, w, {"A": 6})
    expires(made, A=10)
    return made


def look(stocktake, *rows, user=None, name="count.xlsx"):
    return sheets.preview(stocktake=stocktake, file=xlsx(rows, HEAD, name=name), user=user)


def take(sheet, **fields):
    return sheets.take(sheet_id=sheet.pk, user=None, **fields)


def there(stocktake):
    """The lots that have a line."""
    return set(stocktake.lines.values_list("lot__number", flat=True))


def test_a_preview_makes_neither_lot_nor_line_and_dropping_it_leaves_nothing(milk, w, begun, clerk):
    made = begun()
    read = look(made, ("MILK", "TYPO", in_days(9), 2, ""), ("MILK", "A", None, 5, ""), user=clerk)
    assert (read.row_count, read.difference_count, read.problems) == (2, 2, [])
    assert (there(made), Lot.objects.filter(number="TYPO").exists()) == ({"A"}, False)
    row = read.counts.get(row=2)
    assert (str(row.lot), row.lot.expires_on, row.sku.code, row.difference) == ("TYPO", in_days(9), "MILK", 2)
    sheets.drop(sheet_id=read.pk)
    made.refresh_from_db()
    assert (there(made), made.line_count) == ({"A"}, 1)
    assert not Lot.objects.filter(number="TYPO").exists()
    assert [rows.objects.count() for rows in (StocktakeCount, StocktakeNewLot, StocktakeSheet)] == [0, 0, 0]


def test_a_corrected_sheet_with_another_date_passes_while_the_first_is_a_preview(milk, w, begun):
    made = begun()
    wrong = look(made, ("MILK", "NEW", in_days(9), 2, ""))
    right = look(made, ("MILK", "new", in_days(90), 2, ""))
    assert (wrong.problems, right.problems) == ([], [])
    take(right)
    assert Lot.objects.get(number_key="new").expires_on == in_days(90)
    counting.close(stocktake_id=made.pk, user=None)
    posting.post(stocktake_id=made.pk, user=None)
    assert lots(milk, w) == {"A": 6, "new": 2}
    assert apart() == []


def test_two_sheets_that_name_one_lot_with_two_dates_are_a_fault_that_names_both(milk, begun):
    made = begun()
    first = look(made, ("MILK", "A", None, 6, ""), ("MILK", "NEW", in_days(9), 2, ""), name="one.xlsx")
    second = look(made, ("MILK", "NEW", in_days(90), 2, ""), name="two.xlsx")
    take(second)
    with pytest.raises(StocktakeRefused) as refusal:
        take(first)
    said = str(refusal.value)
    assert refusal.value.code == "lots_changed"
    assert "Row 3: Lot NEW of MILK expires on" in said
    assert f"Row 2 of “two.xlsx” said {in_days(90)}." in said
    first.refresh_from_db()
    assert (first.state, there(made), first.counts.get(row=3).line) == ("preview", {"A", "NEW"}, None)
    third = look(made, ("MILK", "NEW", in_days(9), 2, ""), name="three.xlsx")
    [fault] = third.problems
    assert (fault["row"], fault["place"]) == (2, "C (expires on)")
    assert "Row 2 of “two.xlsx”" in fault["what"]


def test_two_rows_of_one_sheet_with_two_dates_are_a_fault_that_names_both(milk, begun):
    made = begun()
    read = look(
        made,
        ("MILK", "NEW", in_days(9), 2, "X-1"),
        ("MILK", "NEW", in_days(8), 2, "X-2"),
        ("MILK", "NEW", None, 3, "X-3"),
        ("MILK", "NEW", None, 3, "X-1"),
    )
    assert [(one["row"], one["place"]) for one in read.problems] == [
        (3, "C (expires on)"),
        (5, "B (lot or serial number)"),
    ]
    assert "by row 2" in read.problems[0]["what"]
    assert list(read.counts.order_by("row").values_list("row", "difference")) == [(2, 5), (4, 5)]  # bins add up
    assert read.new_lots.count() == 1
    take(read, without_bad_rows=True)
    assert made.lines.get(lot__number="NEW").counted_quantity == 5


def test_a_lot_that_came_in_between_preview_and_taking_is_that_lot(milk, w, begun):
    made = begun()
    read = look(made, ("MILK", "NEW", in_days(9), 2, ""))
    come(milk, w, {"NEW": 3})
    expires(milk, NEW=9)
    take(read)
    line = made.lines.get(lot__number="NEW")
    assert (Lot.objects.filter(number="NEW").count(), line.counted_quantity, line.lot.expires_on) == (1, 2, in_days(9))
    assert line.difference == 2  # the goods came after the count


def test_a_serial_that_lies_elsewhere_by_now_stops_the_sheet(w, begun):
    phone = tracked("PHONE", Tracking.SERIAL)
    come(phone, w, {"S1": 1})
    made = begun()
    read = look(made, ("PHONE", "S9", None, 1, "X-1"), ("PHONE", "s9", None, 1, "X-2"))
    assert ["it is one piece" in one["what"] for one in read.problems] == [True]
    come(phone, warehouse("V"), {"S9": 1})
    with pytest.raises(StocktakeRefused, match=r"Row 2: By the books serial S9 of PHONE lies in"):
        take(read, without_bad_rows=True)


def test_a_second_sheet_of_the_same_new_lot_and_bin_waits_for_a_decision(milk, begun):
    made = begun()
    both = [look(made, ("MILK", "NEW", in_days(9), pieces, "X-1"), name=f"{pieces}.xlsx") for pieces in (2, 3)]
    for one in both:
        take(one)
    assert made.lines.get(lot__number="NEW").conflict


def test_many_new_lots_are_a_constant_number_of_queries(milk, begun):
    made = begun()
    asked = []
    for many in (3, 60):
        rows = [("MILK", f"N{many}-{number}", in_days(9), 1, "") for number in range(many)]
        with CaptureQueriesContext(connection) as ran:
            read = look(made, *rows)
            take(read)
        asked.append(len(ran))
        assert (read.problems, read.row_count) == ([], many)
    assert asked[1] <= asked[0] + 3, asked  # the second sheet finds counts that stand


def test_the_page_shows_the_lot_that_will_be_made_and_takes_it(milk, begun, people, person):
    person("warehouse_clerk")
    client, made = people.client("warehouse_clerk"), begun()
    read = look(made, ("MILK", "NEW", in_days(9), 2, ""), ("MILK", "A", None, 5, ""))
    page = client.get(reverse("admin:inventory_stocktake_sheet", args=[read.pk])).content.decode()
    assert "new lot: made when the sheet is taken" in page
    assert f"until {in_days(9)}" in page.replace("&nbsp;", " ")
    client.post(reverse("admin:inventory_stocktake_sheet_do", args=[read.pk]), {"do": "take"})
    page = client.get(reverse("admin:inventory_stocktake_sheet", args=[read.pk])).content.decode()
    assert "new lot" not in page
    assert there(made) == {"A", "NEW"}


def test_a_recount_takes_no_sheet_of_a_lot_that_is_not_counted_again(milk, begun):
    made = begun()
    take(look(made, ("MILK", "A", None, 5, ""), ("MILK", "NEW", in_days(9), 0, "")))
    counting.close(stocktake_id=made.pk, user=None)
    counting.recount(stocktake_id=made.pk, user=None)
    made.refresh_from_db()
    read = look(made, ("MILK", "NEW", in_days(9), 1, ""))
    assert ["not counted again" in one["what"] for one in read.problems] == [True]


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres  # SQLite has one writer: threads prove nothing there
@pytest.mark.parametrize("days", [(9, 9), (9, 90)])
def test_two_sheets_taken_at_once_make_one_lot(milk, begun, days):
    """Two halls, counted in two stocktakes, name one new lot in the same moment."""
    other = warehouse("V")
    come(milk, other, {"A": 1})
    second = opening.start(stocktake_id=opening.plan(warehouse=other, user=None).pk, user=None)
    read = [
        look(stocktake, ("MILK", "NEW", in_days(day), 2, ""), ("MILK", "ALSO", in_days(5), 1, ""))
        for stocktake, day in zip((begun(), second), days, strict=True)
    ]
    results = together(*[lambda pk=one.pk: sheets.take(sheet_id=pk, user=None) for one in read])
    assert Lot.objects.filter(number="NEW").count() == 1
    assert [type(one) for one in errors(results)] == ([] if days == (9, 9) else [StocktakeRefused])
    taken = StocktakeSheet.objects.filter(state="taken")
    assert taken.count() == (2 if days == (9, 9) else 1)
    assert all(one.counts.filter(line=None).count() == 0 for one in taken)
