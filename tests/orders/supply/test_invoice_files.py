"""Suppliers' invoices by file: matched, compared, looked at, booked to the cent, taken back."""

import datetime as dt

import pytest

from backoffice import clock
from backoffice.imports import applying
from backoffice.imports.errors import ImportRefused
from finance.models import Period
from inventory.models import Access, Barcode, StockEntry
from orders import intake
from orders.models import CostDocument, OrderLine, Supplier, SupplierInvoice
from orders.supply import invoicing, ordering
from tests.finance.factories import rate
from tests.inventory import factories as stock
from tests.inventory.costing.conftest import unsound, use
from tests.inventory.importing.conftest import counts, said
from tests.orders.factories import line as order_line
from tests.orders.factories import order
from tests.orders.supply.conftest import LI, D
from tests.orders.supply.invoice_kit import DAY, Person, asked, lines, told
from tests.orders.supply.test_costs import booked, restate, sold, value

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(people, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return Person(people)


@pytest.fixture
def look(person, buyer):
    return person.look


@pytest.fixture
def take(person, buyer):
    return person.take


# --- what it is worth ------------------------------------------------------------------------------------------------


def test_prices_go_into_stock_and_into_what_was_sold_to_the_cent(buyer, came, look):
    sold(buyer, 6)
    run = look(asked(came), asked(came, "CUP", 10, None, "20.50"))
    assert counts(run) == (2, 0, 0, 0)
    assert (value(buyer), SupplierInvoice.objects.count()) == (72, 0)  # nothing yet
    shown = told(run)
    assert (shown["price"], D(shown["stock"]), D(shown["gone"]), shown["months"]) == ("4.5", 9, 3, "=3.0000")
    assert D(shown["difference"]) == 12
    assert told(run, 3) == {"quantity": "10", "price": "2.05", "difference": "0.50", "stock": "0.5000"}
    applying.apply(run_id=run.pk, user=run.owner)
    assert (value(buyer), value(buyer, buyer.cup)) == (72 + 9, D("20.5"))
    assert booked() == [("cost_differences", 3), ("inventory", -3)]
    assert lines() == [("INV-1", "MUG", 24, D("4.5")), ("INV-1", "CUP", 10, D("2.05"))]
    assert CostDocument.objects.get().state == "posted"
    assert unsound() == []


def test_undone_every_value_is_as_it_was_and_the_number_is_free(buyer, came, take, person):
    sold(buyer, 6)
    run = take(asked(came), asked(came, "CUP", 10, 3))
    assert (value(buyer), value(buyer, buyer.cup)) == (81, 30)
    run = applying.undo(run_id=run.pk, user=person())
    assert (run.state, run.undone_count, run.kept_count) == ("undone", 2, 0)
    assert (value(buyer), value(buyer, buyer.cup)) == (72, 20)
    assert sum(amount for role, amount in booked() if role == "cost_differences") == 0
    assert (CostDocument.objects.get().state, lines(), invoicing.differences(came)) == ("undone", [], [])
    assert unsound() == []
    take(asked(came))  # the same paper comes again
    assert value(buyer) == 81


def test_a_lower_price_makes_goods_cheaper(buyer, came, take):
    sold(buyer, 6)
    take(asked(came, price=3.5))
    assert value(buyer) == 72 - 9
    assert unsound() == []


def test_the_second_invoice_of_a_line_is_for_the_pieces_the_first_was_not(buyer, take):
    """Two deliveries, an invoice for each: the second is not laid over the first delivery again."""
    use("fifo")
    made = buyer.ordered((buyer.mug, 24, "4"))
    buyer.receive(made, 12)
    buyer.receive(made, 12)
    take(asked(made, pieces=12, price=5, number="A"), asked(made, pieces=12, price=6, number="B"))
    shares = CostDocument.objects.order_by("pk").values_list("invoice__number", "lines__pieces", "lines__share")
    assert sorted(shares) == [("A", 12, 12), ("B", 12, 24)]
    keys = set(CostDocument.objects.values_list("lines__entry_key", flat=True))
    assert (len(keys), value(buyer)) == (2, 96 + 36)
    sold(buyer, 12)
    assert value(buyer) == 72  # the dearer ones are left
    assert unsound() == []


def test_sold_orders_and_closed_months_are_named(buyer, came, look, people):
    """By policy the months of the sale change; a closed one stays, and who does not see a shop reads no order of it."""
    restate()
    shop = stock.shop(buyer.place)
    intake.take_in(shop_id=shop.pk, orders=[order(1, order_line("UNKNOWN"))])
    line = OrderLine.objects.get()
    sold(buyer, 6, f"orders.line:{line.pk}")
    month = f"{StockEntry.objects.filter(quantity__lt=0).latest('pk').occurred_at:%Y-%m}"
    shown = told(look(asked(came)))
    assert (shown["orders"], shown["months"]) == ("#1001", f"{month}=3.0000")
    assert "closed" not in shown
    Access.objects.create(user=people["ops_admin"], all_warehouses=True)
    assert "orders" not in told(look(asked(came, note="x"), user=people["ops_admin"]))
    Period.objects.create(month=f"{month}-01", closed_at=clock.now())
    shut = told(look(asked(came, number="INV-2")))
    assert (shut["closed"], shut["months"]) == (month, "=3.0000")


def test_a_foreign_price_goes_by_the_rate_of_the_invoice(buyer, take, look):
    Supplier.objects.filter(pk=buyer.supplier.pk).update(currency="USD")
    rate("USD", "7", dt.date(2026, 11, 1))
    made = buyer.ordered((buyer.mug, 24, "4"))
    buyer.receive(made, 24)
    before = value(buyer)
    run = take(asked(made, currency="美元"))
    assert value(buyer) - before == D(told(run)["stock"]) == 84
    old = look(asked(made, number="OLD", day=dt.date(2020, 1, 1)))
    assert "no exchange rate of that day" in said(old)[2]


# --- one file, several invoices --------------------------------------------------------------------------------------


def test_an_invoice_over_two_orders_and_two_in_one_file(buyer, came, take, person):
    other = buyer.ordered((buyer.mug, 24, "4"))
    buyer.receive(other, 24)
    run = take(asked(came), asked(other, price=5), asked(came, "CUP", 10, 2, number="INV-2"),
               ("合计", None, None, None, 58, None, 248, None, None, None))  # fmt: skip
    assert (counts(run), run.totals_left_out) == ((3, 0, 0, 0), 1)
    parts = SupplierInvoice.objects.filter(number="INV-1").values_list("order", "part")
    assert list(parts) == [(came.pk, 1), (other.pk, 2)]
    assert value(buyer) == 192 + 12 + 24
    applying.undo(run_id=run.pk, user=person())
    assert (value(buyer), lines()) == (192, [])


def test_empty_cells_below_belong_to_the_invoice_and_the_order_above(buyer, came, take):
    take(asked(came, currency="人民币", note="a", tax="14.04"), (None, None, None, "CUP", 10, 2, 20, None, None, "b"))
    one = SupplierInvoice.objects.get()
    assert (one.note, one.issued_on) == ("a; b", DAY)
    assert list(one.rows.order_by("pk").values_list("line__sku__code", "tax")) == [("MUG", D("14.04")), ("CUP", None)]


def test_goods_by_the_suppliers_code_and_by_barcode(buyer, came, take):
    Barcode.objects.create(code="4006381333931", sku=buyer.cup)
    header = ("invoice no", "invoice date", "PO", "supplier SKU", "barcode", "qty", "line amount")
    take(("X", DAY, came.number.lower(), "m-001", None, 24, 96), ("X", DAY, came.number, None, 4006381333931, 10, 20),
         header=header)  # fmt: skip
    assert lines() == [("X", "MUG", 24, 4), ("X", "CUP", 10, 2)]
    assert not CostDocument.objects.exists()


def test_a_rounded_unit_price_gives_way_to_the_amount(buyer, came, take):
    take(asked(came, pieces=24, price=4.17, amount=100))
    assert lines() == [("INV-1", "MUG", 24, D("4.166667"))]
    assert value(buyer) == 100


# --- what is refused -------------------------------------------------------------------------------------------------


def test_each_fault_names_its_cell(buyer, came, look):
    stranger = Supplier.objects.create(code="NB", name="Ningbo", currency="CNY")
    plate = stock.sku("PLATE")
    other = buyer.ordered((buyer.mug, 3, "4"), supplier_id=stranger.pk)
    draft, gone = buyer.draft(), buyer.ordered()
    ordering.cancel(order_id=gone.pk, actor=LI, reason="x")
    run = look(
        asked("PO-99999", number="1"), asked(came, "NOPE", number="2"), asked(came, plate.code, number="3"),
        asked(came, pieces=-1, number="4"), asked(came, price=-1, number="5"), asked(came, pieces=0, number="6"),
        asked(came, currency="USD", number="7"), asked(draft, number="8"), asked(gone, number="9"),
        asked(came, price=None, number="10"), asked(came, price=4, amount=100, number="11"),
        asked(came, day="2099-01-01", number="12"), asked(came, day=None, number="13"), asked(came, number="14"),
        asked(other, number="14"), asked(came, number="15"), asked(came, number="15"),
    )  # fmt: skip
    found = said(run)
    assert counts(run) == (0, 0, 0, 17)
    expected = {
        2: "not a purchase order that you see", 3: "NOPE", 4: "PLATE is not ordered by PO-", 7: "More than zero",
        8: "is ordered in CNY", 9: "Draft", 10: "Cancelled", 11: "Give the unit price or the amount",
        12: "24 × 4 is 96, not 100", 13: "a day that has come", 14: "is empty", 15: "Row 16 of the same document",
        16: "is an order to Ningbo", 17: "Row 18 of the same document", 18: "stands in row 17 already",
    }  # fmt: skip
    assert {row: text for row, text in expected.items() if text not in found[row]} == {}
    cells = {row.row: row.problems[0][0] for row in run.rows.filter(outcome="bad")}
    assert (cells[2], cells[4], cells[5], cells[6], cells[8], cells[12]) == (
        "order", "sku", "quantity", "price", "currency", "amount",
    )  # fmt: skip


def test_a_closed_order_may_be_asked_for(buyer, take):
    made = buyer.ordered((buyer.mug, 24, "4"))
    buyer.receive(made, 12)
    ordering.close(order_id=made.pk, actor=LI, reason="no more")
    run = take(asked(made, pieces=24, price=5))
    assert told(run)["over"] == "12"  # said, not refused
    assert value(buyer) == 48 + 12  # what never came carries nothing


def test_the_same_number_again_is_said_and_not_doubled(buyer, came, take, look, person):
    take(asked(came), asked(came, "CUP", 10, 2))
    again = look(asked(came, note="another file"), asked(came, "CUP", 10, 2))
    assert counts(again) == (0, 0, 2, 0)
    assert told(again)["known"].startswith("2026-11-05 · ")
    with pytest.raises(ImportRefused, match="No row would change anything"):
        applying.apply(run_id=again.pk, user=person())
    other = look(asked(came, price=9, number=" inv-1"))
    assert "is written down already" in said(other)[2]
    assert (value(buyer), SupplierInvoice.objects.count()) == (108, 1)


def test_another_supplier_may_use_the_same_number(buyer, came, take):
    stranger = Supplier.objects.create(code="NB", name="Ningbo", currency="CNY")
    other = buyer.ordered((buyer.mug, 3, "4"), supplier_id=stranger.pk)
    take(asked(came))
    take(asked(other, pieces=3))
    assert SupplierInvoice.objects.filter(number="INV-1").count() == 2


def test_with_a_bad_row_all_or_only_the_good_invoices(buyer, came, look, person):
    rows = asked(came, number="A"), asked(came, "NOPE", number="A"), asked(came, "CUP", 10, 3, number="B")
    run = look(*rows)
    assert counts(run) == (1, 0, 0, 2)
    with pytest.raises(ImportRefused, match="rows have a problem"):
        applying.apply(run_id=run.pk, user=person())
    assert value(buyer, buyer.cup) == 20
    applying.apply(run_id=run.pk, user=person(), skip_bad=True)
    assert (lines(), value(buyer), value(buyer, buyer.cup)) == ([("B", "CUP", 10, 3)], 96, 30)


def test_goods_sold_since_the_preview_are_looked_at_again(buyer, came, look, person):
    run = look(asked(came))
    sold(buyer, 6)
    with pytest.raises(ImportRefused, match="would do something else by now"):
        applying.apply(run_id=run.pk, user=person())
    assert (value(buyer), SupplierInvoice.objects.count()) == (72, 0)
    applying.apply(run_id=run.pk, user=person())
    assert value(buyer) == 81


def test_booked_twice_it_is_booked_once(buyer, came, look, person):
    run = look(asked(came))
    for _press in range(2):
        applying.apply(run_id=run.pk, user=person())
    assert (value(buyer), StockEntry.objects.filter(reason="revaluation").count()) == (108, 1)
