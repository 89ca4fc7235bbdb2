"""The pages of lots through the browser's addresses: turn on, receive, look, block, recall, count, write off."""

import json
from decimal import Decimal
from io import BytesIO

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from backoffice.api import keys
from backoffice.models import Incident
from inventory import arrivals
from inventory.arrivals import Expected
from inventory.lots import keeping
from inventory.lots.shelf import today
from inventory.models import Access, Balance, Barcode, Lot, LotSetting, Sku, StockDocument, Tracking
from tests.inventory.factories import shop, sku, stock
from tests.inventory.lots.conftest import apart, come, expires, in_days, lots, tracked
from tests.orders.factories import Seller, line, order

pytestmark = pytest.mark.django_db
D = Decimal


def address(name, *args, of="lot"):
    return reverse(f"admin:inventory_{of}_{name}", args=args)


@pytest.fixture
def see(people, here):
    def client(role="ops_admin", place=here):
        access, _made = Access.objects.get_or_create(user=people[role])
        access.warehouses.add(place)
        return people.client(role)

    return client


def press(client, lot, do, **more):
    return client.post(address("do", lot.pk), {"do": do, **more}, follow=True).content.decode()


def test_tracking_is_turned_on_on_the_skus_page_and_names_what_lies_there(here, see):
    item = sku("X")
    stock(item, here, 10)
    client = see()
    where = address("tracking", item.pk)
    assert "unknown lot" in client.get(where).content.decode()
    wrong = client.post(where, {"tracking": 2, f"lots_{here.pk}": "A × 6\nB × 3"}).content.decode()
    assert "Lot A of X needs an expiry date." in wrong
    assert Sku.objects.get().tracking == Tracking.NONE
    client.post(where, {"tracking": 2, f"lots_{here.pk}": "A × 6 @ 2027-03-31\nB × 3 @ 2027-05-31"})
    assert lots(item, here) == {"A": D(6), "B": D(3), "": D(1)}
    assert "By lot with expiry date" in client.get(address("change", item.pk, of="sku")).content.decode()
    client.post(where, {"tracking": 0})
    assert lots(item, here) == {}
    assert apart() == []


def test_a_delivery_asks_for_the_lot_and_suggests_the_date(milk, here, see):
    Sku.objects.filter(pk=milk.pk).update(shelf_life_days=30)
    row = arrivals.announce(rows=[Expected(sku_id=milk.pk, warehouse_id=here.pk, quantity=D(10),
                                           expected_on=today())])[0]  # fmt: skip
    client, where = see(), address("came", row.pk, of="expectedarrival")
    assert str(in_days(30)) in client.get(where).content.decode()
    refused = client.post(where, {"quantity": "4", "lot": "A*1\nB*2"}).content.decode()
    assert "The lots add up to 3, the line says 4." in refused
    client.post(where, {"quantity": "4", "lot": "A*1\nB*3"})
    assert lots(milk, here) == {"A": D(1), "B": D(3)}
    assert Lot.objects.get(number="A").expires_on == in_days(30)


def test_an_adjustment_says_which_field_of_which_line_is_missing(milk, here, see):
    data = {"warehouse": here.pk, "reason": "found", "note": "", "lines-TOTAL_FORMS": 1, "lines-INITIAL_FORMS": 0,
            "lines-0-code": "MILK", "lines-0-change": "2"}  # fmt: skip
    client, where = see(), address("adjust", of="stockdocument")
    assert "MILK is tracked: say which lot it is." in client.post(where, data).content.decode()
    assert "Lot A of MILK needs an expiry date." in client.post(where, {**data, "lines-0-lot": "A"}).content.decode()
    assert not StockDocument.objects.exists()
    client.post(where, {**data, "lines-0-lot": "A", "lines-0-expires_on": "2027-03-31"})
    assert lots(milk, here) == {"A": D(2)}


def test_a_phone_receives_what_a_gs1_code_says(here, see):
    milk = tracked("MILK", Tracking.EXPIRY)
    Barcode.objects.create(sku=milk, code="9506000134352")
    row = arrivals.announce(rows=[Expected(sku_id=milk.pk, warehouse_id=here.pk, quantity=D(10),
                                           expected_on=today())])[0]  # fmt: skip
    client, code = see("warehouse_clerk"), "0109506000134352" + "17270331" + "10A12B"
    told = client.get(address("find", of="flooraction"), {"code": code}).json()
    assert (told["code"], told["tracking"], told["lot"], told["expires_on"]) == ("MILK", 2, "A12B", "2027-03-31")
    scan = {"key": "k1", "do": "receive", "code": "MILK", "warehouse": here.pk, "arrival": row.pk, "quantity": "6"}

    def send(**more):
        body = json.dumps({"scans": [{**scan, **more}]})
        answer = client.post(address("do", of="flooraction"), body, content_type="application/json")
        return answer.json()["answers"][0]

    assert send()["code"] == "lot_missing"
    assert send(code=code)["ok"]
    assert lots(milk, here) == {"A12B": D(6)}
    assert str(Lot.objects.get().expires_on) == "2027-03-31"


def test_the_page_of_a_lot_blocks_counts_and_writes_off(milk, here, there, see):
    come(milk, here, {"A": 5})
    come(milk, there, {"A": 3})
    expires(milk, A=3)
    lot, client = Lot.objects.get(), see()
    shown = client.get(address("change", lot.pk)).content.decode()
    assert "HERE" in shown
    assert "THERE" not in shown
    assert "Say why" in press(client, lot, "block", reason=" ")
    assert "Blocked: it is not sold" in press(client, lot, "block", reason="complaint")
    assert Balance.objects.get(warehouse=here).unsellable == D(5)
    assert "Posted as" in press(client, lot, "count", warehouse=here.pk, counted="4")
    assert lots(milk, here) == {"A": D(4)}
    assert "Posted as" in press(client, lot, "write_off", warehouse=here.pk)
    assert lots(milk, here) == {}
    assert client.post(address("do", lot.pk), {"do": "write_off", "warehouse": there.pk}).status_code == 404
    assert "Open again" in press(client, lot, "unblock", reason="fine")
    assert lots(milk, there) == {"A": D(3)}


def test_who_may_not_block_is_refused(milk, here, see):
    come(milk, here, {"A": 5})
    lot = Lot.objects.get()
    assert see("order_clerk").post(address("do", lot.pk), {"do": "block", "reason": "x"}).status_code == 403
    assert Lot.objects.get().state == "open"


def test_the_house_says_how_long_a_lot_must_still_be_good(milk, here, people, see):
    come(milk, here, {"A": 5})
    expires(milk, A=10)
    see().post(reverse("admin:inventory_lotsetting_change", args=[1]), {"ship_days": 11, "alert_days": 30})
    assert LotSetting.objects.get().ship_days == 11
    assert Balance.objects.get().unsellable == D(5)


# --- recall ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def recalled(people):
    """An order that got lot A, shipped; its buyer is Ana Müller."""
    from orders.desk import review
    from orders.fulfil import shipping

    seller = Seller()
    item = seller.add("MILK")
    from inventory.lots import switching

    switching.turn(sku_id=item.pk, tracking=Tracking.LOT)
    come(item, seller.place, {"A": 5, "B": 5})
    seller.take(order(1, line("MILK", 2)))
    one = seller.order(1)
    if one.state != "approved":
        review.approve(order_id=one.pk, actor="user:1 li")
    shipping.ship(order_id=one.pk, parcels=[shipping.Parcel(tracking="SF1")], actor="user:1 li", idempotency_key="s1")
    for role in ("order_clerk", "warehouse_clerk"):
        access, _made = Access.objects.get_or_create(user=people[role])
        access.warehouses.add(seller.place)
        access.shops.add(seller.shop)
    return seller, Lot.objects.get(number="A")


def test_who_got_a_lot_and_who_may_know_whose_name(recalled, people):
    seller, lot = recalled
    desk = people.client("order_clerk").get(address("change", lot.pk)).content.decode()
    assert "#1001" in desk
    assert "SF1" in desk
    assert "Ana Müller" not in desk
    floor = people.client("warehouse_clerk").get(address("change", lot.pk)).content.decode()
    assert "#1001" in floor
    other = Lot.objects.get(number="B")
    assert "Nobody of the orders" in people.client("order_clerk").get(address("change", other.pk)).content.decode()


def test_the_list_names_buyers_for_the_desk_only(recalled, people):
    _seller, lot = recalled

    def listed(role):
        answer = people.client(role).get(address("xlsx", lot.pk))
        rows = list(load_workbook(BytesIO(b"".join(answer.streaming_content))).active.values)
        return [str(cell) for row in rows[1:] for cell in row]

    assert "Ana Müller" in listed("order_clerk")
    floor = listed("warehouse_clerk")
    assert "#1001" in floor
    assert "Ana Müller" not in floor


def test_whoever_sees_another_shop_sees_no_order(recalled, people):
    seller, lot = recalled
    access = Access.objects.get(user=people["order_clerk"])
    access.shops.set([shop(seller.place)])
    assert "#1001" not in people.client("order_clerk").get(address("change", lot.pk)).content.decode()


def test_a_recall_tells_customer_service_and_blocks(recalled, people):
    _seller, lot = recalled
    shown = people.client("warehouse_clerk").post(
        address("do", lot.pk), {"do": "recall", "reason": "glass in it", "block": "1"}, follow=True
    )
    assert "Customer service is told" in shown.content.decode()
    assert Incident.objects.get(kind="lot_recall").data == {
        "lot": "A", "sku": "MILK", "orders": 1, "reason": "glass in it",
    }  # fmt: skip
    assert Lot.objects.get(pk=lot.pk).state == "blocked"


# --- API -------------------------------------------------------------------------------------------------------------


def test_the_api_reads_lots_of_the_keys_warehouses(milk, here, there, client):
    come(milk, here, {"A": 5})
    come(milk, there, {"B": 3})
    keeping.block(lot_id=Lot.objects.get(number="A").pk, reason="complaint")
    key, secret = keys.create(name="k", scopes=["stock:read"])
    Access.objects.create(api_key=key).warehouses.add(here)
    bearer = {"headers": {"Authorization": f"Bearer {secret}"}}
    stocked = client.get("/api/v1/lot-stock", **bearer).json()["results"]
    assert [(one["lot"], one["on_hand"], one["state"]) for one in stocked] == [("A", "5.000", "blocked")]
    moved = client.get("/api/v1/lot-movements?sku=MILK", **bearer).json()["results"]
    assert [(one["lot"], one["quantity"]) for one in moved] == [("A", "5.000")]
    assert [one["number"] for one in client.get("/api/v1/lots?lot=b", **bearer).json()["results"]] == ["B"]
    balances = client.get("/api/v1/stock", **bearer).json()["results"]
    assert [(one["unsellable"], one["available"]) for one in balances] == [("5.000", "0.000")]
