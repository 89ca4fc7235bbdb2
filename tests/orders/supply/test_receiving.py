"""Deliveries: in parts, inspected, over the order within the tolerance only, once however often they are sent."""

import pytest

from inventory.errors import NegativeStock
from inventory.models import Balance, StockEntry
from orders.models import PurchaseReceipt, ReturnPlace, Supplier, SupplierReturn
from orders.supply import invoicing, ordering, returning
from orders.supply.errors import SupplyError
from tests.inventory.invariants import broken
from tests.orders.factories import Seller, line, order
from tests.orders.supply.conftest import LI, WANG, WU, D

pytestmark = pytest.mark.django_db


def shelf(buyer, place=None) -> tuple[int, int, int]:
    row = Balance.objects.get(sku=buyer.mug, warehouse=place or buyer.place)
    return int(row.on_hand), int(row.incoming), int(row.value)


def refusal(work) -> str:
    with pytest.raises(SupplyError) as error:
        work()
    return error.value.code


def test_goods_come_in_parts_at_the_price_they_were_ordered_for(buyer):
    made = buyer.ordered((buyer.mug, 24))
    buyer.receive(made, 10, slip="D-1")
    made.refresh_from_db()
    assert (made.state, shelf(buyer)) == ("partly", (10, 14, 40))
    buyer.receive(made, 14, slip="D-2")
    made.refresh_from_db()
    assert (made.state, shelf(buyer), buyer.line(made).left) == ("received", (24, 0, 96), 0)
    assert broken() == []


def test_the_same_click_and_the_same_delivery_note_count_once(buyer):
    made = buyer.ordered((buyer.mug, 24))
    first = buyer.receive(made, 10, slip="D 1", key="a")
    assert buyer.receive(made, 10, slip="D 1", key="a").pk == first.pk
    with pytest.raises(SupplyError, match="The delivery note D 1 was received already: wu"):
        buyer.receive(made, 10, slip="d1", key="b")
    assert (PurchaseReceipt.objects.count(), shelf(buyer)) == (1, (10, 14, 40))


def test_who_counts_what_a_colleague_has_just_received_is_told(buyer):
    made = buyer.ordered((buyer.mug, 24))
    seen = {buyer.line(made).pk: D(0)}
    buyer.receive(made, 10, seen=seen)
    assert refusal(lambda: buyer.receive(made, 10, seen=seen)) == "moved"
    assert shelf(buyer) == (10, 14, 40)


def test_a_little_more_than_ordered_is_taken_and_no_piece_beyond(buyer):
    made = buyer.ordered((buyer.mug, 60), (buyer.cup, 5))
    with pytest.raises(SupplyError, match="at most 63 can still be taken"):
        buyer.receive(made, 64)
    assert StockEntry.objects.filter(bucket=1).count() == 0
    buyer.receive(made, 60)
    buyer.receive(made, 3)
    assert (shelf(buyer), refusal(lambda: buyer.receive(made, 1))) == ((63, 0, 252), "over")
    assert broken() == []


def test_damaged_pieces_lie_apart_and_refused_ones_are_still_owed(buyer):
    made = buyer.ordered((buyer.mug, 24))
    buyer.receive(made, 15, 4, 5)
    made.refresh_from_db()
    row, apart = buyer.line(made), ReturnPlace.objects.get(warehouse=buyer.place).quarantine
    assert (made.state, row.accepted, row.damaged, row.refused, row.left) == ("partly", 15, 4, 5, 5)
    assert (shelf(buyer), shelf(buyer, apart)) == ((15, 5, 60), (4, 0, 16))
    buyer.receive(made, 5)
    made.refresh_from_db()
    assert (made.state, shelf(buyer)) == ("received", (20, 0, 80))
    assert broken() == []


def test_all_damaged_is_received_and_nothing_is_awaited(buyer):
    made = buyer.ordered((buyer.mug, 24))
    buyer.receive(made, 0, 24)
    made.refresh_from_db()
    assert (made.state, shelf(buyer)) == ("received", (0, 0, 0))


def test_all_refused_leaves_the_order_open(buyer):
    made = buyer.ordered((buyer.mug, 24))
    buyer.receive(made, 0, 0, 24)
    made.refresh_from_db()
    assert (made.state, shelf(buyer)) == ("ordered", (0, 24, 0))


@pytest.mark.parametrize(
    ("figures", "code"),
    [((-1,), "quantity"), (("1.0001",), "quantity"), ((0,), "nothing_counted"), (("NaN",), "quantity")],
)
def test_what_cannot_be_counted_is_refused(buyer, figures, code):
    made = buyer.ordered((buyer.mug, 24))
    assert refusal(lambda: buyer.receive(made, *figures)) == code
    assert (PurchaseReceipt.objects.count(), shelf(buyer)) == (0, (0, 24, 0))


def test_a_warehouse_of_others_is_not_received_at(buyer):
    made = buyer.ordered((buyer.mug, 24))
    assert refusal(lambda: buyer.receive(made, 1, warehouses=frozenset())) == "place"


def test_what_does_not_come_any_more_is_given_up(buyer):
    made = buyer.ordered((buyer.mug, 24))
    assert refusal(lambda: ordering.close(order_id=made.pk, actor=LI, reason="x")) == "state"
    buyer.receive(made, 10)
    assert refusal(lambda: ordering.close(order_id=made.pk, actor=LI)) == "say_why"
    ordering.close(order_id=made.pk, actor=LI, reason="out of production")
    made.refresh_from_db()
    assert (made.state, shelf(buyer)) == ("closed", (10, 0, 40))
    assert refusal(lambda: buyer.receive(made, 1)) == "state"


def test_goods_go_back_at_what_they_cost_and_once(buyer):
    made = buyer.ordered((buyer.mug, 24))
    buyer.receive(made, 20, 4)
    row = buyer.line(made)
    goods = [returning.Back(line_id=row.pk, quantity=D(5)), returning.Back(line_id=row.pk, quantity=D(4), damaged=True)]
    sent = [
        returning.send_back(order_id=made.pk, goods=goods, reason="glaze cracked", actor=LI, key="r") for _ in range(2)
    ]
    assert (sent[0].pk, sent[0].number) == (sent[1].pk, "PO-00001-R1")
    apart = ReturnPlace.objects.get(warehouse=buyer.place).quarantine
    assert (shelf(buyer), shelf(buyer, apart)) == ((15, 0, 60), (0, 0, 0))
    assert [(one.quantity, one.cost_value, one.damaged) for one in sent[0].rows.order_by("pk")] == [
        (5, 20, False), (4, 16, True),
    ]  # fmt: skip
    assert broken() == []


@pytest.mark.parametrize(
    ("pieces", "damaged", "reason", "code"),
    [
        (21, False, "x", "not_here"),
        (5, True, "x", "not_here"),
        (1, False, "", "say_why"),
        (0, False, "x", "nothing_counted"),
    ],
)
def test_never_more_goes_back_than_came(buyer, pieces, damaged, reason, code):
    made = buyer.ordered((buyer.mug, 24))
    buyer.receive(made, 20, 4)
    goods = [returning.Back(line_id=buyer.line(made).pk, quantity=D(pieces), damaged=damaged)]
    assert refusal(lambda: returning.send_back(order_id=made.pk, goods=goods, reason=reason, actor=LI, key="r")) == code
    assert (SupplierReturn.objects.count(), shelf(buyer)) == (0, (20, 0, 80))


def test_reserved_goods_do_not_go_back(buyer):
    seller = Seller()
    seller.add("VASE")
    made = buyer.ordered((seller.skus["VASE"], 5, "3"), warehouse_id=seller.place.pk)
    buyer.receive(made, 5, line=made.lines.get())
    seller.take(order(1, line("VASE", 4)))
    goods = [returning.Back(line_id=made.lines.get().pk, quantity=D(2))]
    with pytest.raises(NegativeStock):
        returning.send_back(order_id=made.pk, goods=goods, reason="x", actor=LI, key="r")
    assert (SupplierReturn.objects.count(), seller.buckets("VASE")) == (0, (5, 0, 4))


def test_the_invoice_is_compared_with_price_and_pieces(buyer):
    from backoffice import clock

    made = buyer.ordered((buyer.mug, 24), (buyer.cup, 10))
    buyer.receive(made, 24)
    mug, cup = buyer.line(made), buyer.line(made, buyer.cup)
    buyer.receive(made, 8, line=cup)
    today = clock.now().date()
    rows = {mug.pk: (D(24), D("4.25")), cup.pk: (D(10), D(2))}
    invoicing.note_invoice(order_id=made.pk, number="F-1", issued_on=today, rows=rows, actor=WANG)
    found = {
        one.sku: (one.agreed, one.asked, one.kept, one.invoiced, one.amount) for one in invoicing.differences(made)
    }
    assert found == {"MUG": (4, D("4.25"), 24, 24, 6), "CUP": (2, 2, 8, 10, 4)}
    with pytest.raises(SupplyError, match="Invoice F-1 of this supplier is written down already"):
        invoicing.note_invoice(order_id=made.pk, number="F-1", issued_on=today, rows=rows, actor=WANG)
    assert made.invoices.count() == 1


def test_lead_times_are_measured_from_three_deliveries_on(buyer, at):
    for number, days in enumerate((8, 10, 12)):
        at(20 * number)
        made = buyer.ordered((buyer.mug, 24), once=f"o{number}")
        at(20 * number + days)
        buyer.receive(made, 24, actor=WU)
        found = Supplier.objects.get()
        assert found.measured_count == number + 1
        assert (found.measured_mean is None) == (number < 2)
    assert (round(found.measured_mean, 6), round(found.measured_sd, 6)) == (10, 2)
