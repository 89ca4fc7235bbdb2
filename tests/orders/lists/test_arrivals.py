"""Expected deliveries: the ledger's incoming bucket moves with them, goods are on the shelf once they came."""

import datetime as dt
from decimal import Decimal

import pytest
from django.urls import reverse

from inventory import arrivals
from inventory.arrivals import ArrivalRefused, Expected
from inventory.models import Balance, ExpectedArrival, StockEntry
from tests.inventory import factories as stock

pytestmark = pytest.mark.django_db
DAY = dt.date(2099, 12, 1)


@pytest.fixture
def place():
    return stock.warehouse("SH1")


@pytest.fixture
def mug():
    return stock.sku("MUG")


def expect(sku, place, quantity=10, **fields) -> ExpectedArrival:
    row = Expected(sku_id=sku.pk, warehouse_id=place.pk, quantity=Decimal(quantity), expected_on=DAY, **fields)
    return arrivals.announce(rows=[row], actor="user:1 li")[0]


def balance(sku, place) -> tuple[int, int, int]:
    row = Balance.objects.get(sku=sku, warehouse=place)
    return int(row.on_hand), int(row.incoming), int(row.value)


def test_what_is_expected_stands_as_incoming_and_is_not_for_sale(mug, place):
    expect(mug, place, source="PO-7")
    assert balance(mug, place) == (0, 10, 0)
    (one,) = arrivals.incoming_of([mug.pk])
    assert (one.quantity, one.expected_on, one.source) == (10, DAY, "PO-7")


def test_it_comes_in_parts_at_its_cost_and_the_rest_stays_expected(mug, place):
    row = expect(mug, place, unit_cost=Decimal("2.5"))
    arrivals.receive(arrival_id=row.pk, quantity=Decimal(4))
    assert balance(mug, place) == (4, 6, 10)
    row = arrivals.receive(arrival_id=row.pk)
    assert (row.state, row.received_quantity, balance(mug, place)) == ("received", 10, (10, 0, 25))
    assert arrivals.incoming_of([mug.pk]) == []


def test_a_second_click_is_told_and_posts_nothing(mug, place):
    row = expect(mug, place)
    arrivals.receive(arrival_id=row.pk)
    before = StockEntry.objects.count()
    with pytest.raises(ArrivalRefused) as refusal:
        arrivals.receive(arrival_id=row.pk)
    assert refusal.value.code == "not_open"
    assert (StockEntry.objects.count(), balance(mug, place)) == (before, (10, 0, 0))


def test_more_may_come_than_was_expected_and_less_for_good(mug, place):
    row = expect(mug, place)
    assert arrivals.receive(arrival_id=row.pk, quantity=Decimal(12)).state == "received"
    assert balance(mug, place) == (12, 0, 0)
    row = expect(mug, place)
    assert arrivals.receive(arrival_id=row.pk, quantity=Decimal(3), finished=True).state == "received"
    assert balance(mug, place) == (15, 0, 0)


def test_it_is_put_off_corrected_and_given_up(mug, place):
    row = expect(mug, place)
    arrivals.change(arrival_id=row.pk, quantity=Decimal(7), expected_on=DAY + dt.timedelta(days=3), source="late")
    assert balance(mug, place) == (0, 7, 0)
    arrivals.receive(arrival_id=row.pk, quantity=Decimal(2))
    with pytest.raises(ArrivalRefused):
        arrivals.change(arrival_id=row.pk, quantity=Decimal(1), expected_on=DAY, source="")
    assert arrivals.cancel(arrival_id=row.pk).state == "received"
    assert balance(mug, place) == (2, 0, 0)
    assert arrivals.cancel(arrival_id=expect(mug, place).pk).state == "cancelled"
    assert balance(mug, place) == (2, 0, 0)


def test_what_cannot_be_expected_is_refused_as_a_whole(mug, place):
    kit = stock.bundle((mug, 2))
    rows = [Expected(sku_id=sku.pk, warehouse_id=place.pk, quantity=Decimal(1), expected_on=DAY) for sku in (mug, kit)]
    with pytest.raises(ArrivalRefused) as refusal:
        arrivals.announce(rows=rows)
    assert refusal.value.code == "no_stock_of_its_own"
    with pytest.raises(ArrivalRefused):
        expect(mug, place, quantity=0)
    with pytest.raises(ArrivalRefused):
        expect(mug, stock.warehouse(read_only=True))
    assert not ExpectedArrival.objects.exists()
    assert not StockEntry.objects.exists()


# --- pages -----------------------------------------------------------------------------------------------------------


def test_a_buyer_announces_by_form_and_from_excel(mug, place, desk):
    client = desk("buyer")
    form = {"sku": mug.pk, "warehouse": place.pk, "quantity": "10", "expected_on": "2099-12-01", "source": "PO-7"}
    assert client.post(reverse("admin:inventory_expectedarrival_add"), form).status_code == 302
    paste = reverse("admin:inventory_expectedarrival_paste")
    text = "MUG\tSH1\t5\t2099-12-05\tPO-8\nmug,sh1,2,2099/12/06"
    page = client.post(paste, {"text": text}, follow=True)
    assert "2 deliveries are expected." in page.content.decode()
    rows = ExpectedArrival.objects.order_by("pk").values_list("quantity", "expected_on", "source")
    assert list(rows) == [
        (10, DAY, "PO-7"), (5, dt.date(2099, 12, 5), "PO-8"), (2, dt.date(2099, 12, 6), ""),
    ]  # fmt: skip
    assert balance(mug, place) == (0, 17, 0)


def test_a_fault_in_one_row_takes_none_and_is_named(mug, place, desk):
    rows = ["MUG,SH1,5,2099-12-05", "HAT,SH1,5,2099-12-05", "MUG,XX,5,2099-12-05", "MUG,SH1,0,2099-12-05"]
    text = "\n".join([*rows, "MUG,SH1,1,soon"])
    page = desk("buyer").post(reverse("admin:inventory_expectedarrival_paste"), {"text": text}).content.decode()
    for row, what in ((2, "there is no SKU"), (3, "there is no warehouse"), (4, "the pieces"), (5, "the day must")):
        assert f"Row {row}: {what}" in page
    assert not ExpectedArrival.objects.exists()


@pytest.mark.parametrize("quantity", ["0", "-1", "x", "0.0001"])
def test_a_quantity_that_is_none_is_told_on_the_form(mug, place, desk, quantity):
    form = {"sku": mug.pk, "warehouse": place.pk, "quantity": quantity, "expected_on": "2099-12-01"}
    assert desk("buyer").post(reverse("admin:inventory_expectedarrival_add"), form).status_code == 200
    assert not ExpectedArrival.objects.exists()


def test_the_warehouse_receives_and_announces_nothing(mug, place, desk):
    row, client = expect(mug, place), desk("warehouse_clerk")
    assert client.get(reverse("admin:inventory_expectedarrival_add")).status_code == 403
    came = reverse("admin:inventory_expectedarrival_came", args=[row.pk])
    client.post(came, {"quantity": "3"})
    assert balance(mug, place) == (3, 7, 0)
    client.post(
        reverse("admin:inventory_expectedarrival_changelist"), {"action": "receive", "_selected_action": [row.pk]}
    )
    assert balance(mug, place) == (10, 0, 0)
    page = client.post(came, {"quantity": "1"})
    assert "This delivery is “Received” already" in page.content.decode()
    assert balance(mug, place) == (10, 0, 0)


def test_deliveries_to_other_warehouses_are_not_there(people, mug, place):
    from inventory.models import Access

    row = expect(mug, place)
    Access.objects.create(user=people["warehouse_clerk"], all_shops=True)
    client = people.client("warehouse_clerk")
    assert (
        client.post(reverse("admin:inventory_expectedarrival_came", args=[row.pk]), {"quantity": "1"}).status_code
        == 404
    )
    assert balance(mug, place) == (0, 10, 0)


def test_a_buyer_changes_the_day_and_what_has_come_is_history(mug, place, desk):
    row, client = expect(mug, place), desk("buyer")
    change = reverse("admin:inventory_expectedarrival_change", args=[row.pk])
    client.post(change, {"quantity": "8", "expected_on": "2099-12-09", "source": "slipped"})
    row.refresh_from_db()
    assert (row.quantity, row.expected_on, balance(mug, place)) == (8, dt.date(2099, 12, 9), (0, 8, 0))
    arrivals.receive(arrival_id=row.pk)
    assert client.post(change, {"quantity": "1", "expected_on": "2099-12-09"}).status_code == 403
