"""Purchasing over the API: read, draft, receive; ordering and approving stay with people, prices with who may see."""

import datetime as dt
from decimal import Decimal

import pytest

from backoffice import clock
from backoffice.models import AuditEntry, IdempotentReply
from inventory.models import Access, Balance, StockEntry
from orders import intake
from orders.models import LinePromise, OrderLine, PurchaseOrder, PurchaseReceipt, ReplenishRow, ReplenishRun
from orders.supply import ordering
from tests.inventory import factories
from tests.inventory.invariants import broken
from tests.orders import factories as bought
from tests.orders.supply.conftest import Buyer

pytestmark = pytest.mark.django_db
D = Decimal
SCOPES = ("purchasing:read", "purchasing:write", "purchasing:receive")
PRICED = (*SCOPES, "costs:read")


@pytest.fixture
def buyer(db):
    return Buyer()


@pytest.fixture
def client(api):
    return api(*SCOPES)


def body(*lines, **change):
    rows = [{"sku": sku, "quantity": quantity, **more} for sku, quantity, *rest in lines or (("mug", "24"),)
            for more in (rest or [{}])]  # fmt: skip
    return {"supplier": "QL", "warehouse": "YW", "note": "补货", "lines": rows, **change}


def delivery(order, sku, *, seen="0", **figures):
    line = next(one for one in order.lines.select_related("sku") if one.sku == sku)
    return {"line": line.pk, "seen": seen, **figures}


def receive(client, order, *lines, key="r", **more):
    return client.post(f"purchase-orders/{order.pk}/receipts", {"lines": list(lines), **more}, key=key)


def fields(answer):
    return [error["field"] for error in answer.json()["errors"]]


def on_hand(sku, place):
    return Balance.objects.filter(sku=sku, warehouse=place).values_list("on_hand", flat=True).first() or 0


def line_of(answer, sku):
    return next(line for line in answer.json()["lines"] if line["sku"] == sku)


def test_a_draft_takes_the_suppliers_price_and_orders_nothing(client, buyer):
    answer = client.post("purchase-orders", body(("mug", "120"), ("CUP", "10")))
    assert answer.status_code == 201, answer.json()
    order = PurchaseOrder.objects.get()
    assert (order.state, order.total, order.created_by) == ("draft", D("440"), f"api:{client.key.pk} erp")
    assert (answer.json()["total"], [line["price"] for line in answer.json()["lines"]]) == (None, [None, None])
    assert AuditEntry.objects.filter(action="purchase.draft", actor=f"api:{client.key.pk} erp").count() == 1
    assert Balance.objects.filter(incoming__gt=0).count() == 0


def test_what_a_key_drafted_waits_above_the_limit_of_whoever_orders_it(client, buyer):
    made = client.post("purchase-orders", body()).json()
    done = ordering.hand_in(order_id=made["id"], actor="user:1 li", limit=D(50))
    assert done.state == "waiting"
    assert client.get(f"purchase-orders/{made['id']}").json()["state"] == "waiting"
    assert receive(client, done, delivery(done, buyer.mug, accepted="1")).json()["code"] == "state"


def test_the_same_draft_twice_is_one_even_when_the_answer_is_forgotten(client, buyer):
    first = client.post("purchase-orders", body(), key="k")
    again = client.post("purchase-orders", body(), key="k")
    assert (again.json(), again["Idempotent-Replay"]) == (first.json(), "true")
    IdempotentReply.objects.all().delete()
    assert client.post("purchase-orders", body(), key="k").json()["id"] == first.json()["id"]
    assert PurchaseOrder.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"supplier": "NOBODY"}, 400, "supplier"),
        ({"warehouse": "NOWHERE"}, 400, "warehouse"),
        ({"expected_on": "soon"}, 400, "expected_on"),
        ({"expected_on": "2001-01-01"}, 409, "expected_on"),
        ({"note": "a\0b"}, 400, "note"),
        ({"state": "ordered"}, 400, "state"),
        ({"lines": []}, 400, "lines"),
        ({"lines": [{"sku": "MUG", "quantity": "24"}, {"sku": "NONE", "quantity": "1"}]}, 400, "lines[1].sku"),
        ({"lines": [{"sku": "MUG", "quantity": "24"}, {"sku": "mug", "quantity": "1"}]}, 409, "lines[1].sku"),
        ({"lines": [{"sku": "MUG", "quantity": "0"}]}, 400, "lines[0].quantity"),
        ({"lines": [{"sku": "MUG", "quantity": "9999999999"}]}, 409, "lines[0].quantity"),
        ({"lines": [{"sku": "PEN", "quantity": "1"}]}, 409, "lines[0].price"),
        ({"lines": [{"sku": "MUG", "quantity": "1", "price": "3"}]}, 400, "lines[0].price"),
        ({"lines": [{"sku": "MUG", "quantity": "1", "cost": "3"}]}, 400, "lines[0].cost"),
    ],
)
def test_what_is_wrong_with_a_draft_is_named_and_nothing_made(client, buyer, change, code, field):
    factories.sku("PEN")
    answer = client.post("purchase-orders", body(**change))
    assert (answer.status_code, fields(answer)) == (code, [field])
    assert not PurchaseOrder.objects.exists()


def test_prices_are_said_and_told_by_keys_that_may_see_costs_only(api, client, buyer):
    full = api(*PRICED)
    made = full.post("purchase-orders", body(("MUG", "24", {"price": "3.25"}))).json()
    assert (made["total"], made["lines"][0]["price"]) == ("78.0000", "3.250000")
    buyer.supplier.minimum_order = D(100)
    buyer.supplier.save()
    for path in ("purchase-orders", f"purchase-orders/{made['id']}", "suppliers", "suppliers/QL", "suppliers/QL/items"):
        shown, hidden = full.get(path).json(), client.get(path).json()
        figures = ("'78.0000'", "'3.250000'", "'100.0000'", "'4.000000'", "'3.500000'")
        assert any(text in str(shown) for text in figures)
        assert not any(text in str(hidden) for text in figures)
    assert full.get("suppliers/QL/items").json()["results"][0]["breaks"] == [
        {"quantity": "120.000", "price": "3.500000"}
    ]


def test_the_people_at_a_supplier_are_never_part_of_it(api, buyer):
    buyer.supplier.contact, buyer.supplier.phone = "陈师傅", "13800138000"
    buyer.supplier.save()
    answer = api(*PRICED, "pii").get("suppliers/QL")
    assert "陈师傅" not in answer.content.decode() and "13800138000" not in answer.content.decode()  # noqa: PT018


def test_a_delivery_comes_in_parts_damaged_refused_and_a_little_more(client, buyer):
    order = buyer.ordered((buyer.mug, 120))
    answer = receive(client, order, delivery(order, buyer.mug, accepted="40", damaged="3", refused="2"), slip="S-1")
    assert answer.status_code == 201, answer.json()
    line = line_of(answer, "MUG")
    assert (answer.json()["state"], line["received"], line["refused"], line["incoming"]) == (
        "partly", "43.000", "2.000", "77.000",
    )  # fmt: skip
    assert answer.json()["receipts"][0]["slip"] == "S-1"
    answer = receive(client, order, delivery(order, buyer.mug, accepted="84", seen="43"), key="b")
    assert (answer.status_code, answer.json()["code"], fields(answer)) == (409, "over", ["lines[0].accepted"])
    answer = receive(client, order, delivery(order, buyer.mug, accepted="82", seen="43"), key="c")
    assert (answer.json()["state"], line_of(answer, "MUG")["incoming"]) == ("received", "0.000")
    assert on_hand(buyer.mug, buyer.place) == 122
    actor = f"api:{client.key.pk} erp"
    assert {one.actor for one in StockEntry.objects.filter(reference=order.reference)} == {actor}
    assert set(PurchaseReceipt.objects.values_list("by", flat=True)) == {actor}
    assert broken() == []


def test_one_delivery_is_never_counted_twice(client, buyer):
    order = buyer.ordered((buyer.mug, 120))
    line = delivery(order, buyer.mug, accepted="40")
    first = receive(client, order, line, key="k", slip="S-1")
    assert receive(client, order, line, key="k", slip="S-1").json() == first.json()
    IdempotentReply.objects.all().delete()
    assert receive(client, order, line, key="k", slip="S-1").status_code == 201
    slip = receive(client, order, line, key="b", slip="s-1")
    assert (slip.status_code, slip.json()["code"], fields(slip)) == (409, "slip_twice", ["slip"])
    seen = receive(client, order, line, key="c")
    assert (seen.status_code, seen.json()["code"]) == (409, "moved")
    assert (on_hand(buyer.mug, buyer.place), PurchaseReceipt.objects.count()) == (40, 1)


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"line": 999999}, 400, "lines[0].line"),
        ({"accepted": "-1"}, 400, "lines[0].accepted"),
        ({"damaged": "0.0001"}, 400, "lines[0].damaged"),
        ({"lot": "A1"}, 409, "lines[0].lot"),
        ({"expires_on": "soon"}, 400, "lines[0].expires_on"),
        ({"seen": None}, 400, "lines[0].seen"),
        ({"price": "1"}, 400, "lines[0].price"),
    ],
)
def test_what_is_wrong_with_a_delivery_is_named_and_nothing_comes(client, buyer, change, code, field):
    order = buyer.ordered((buyer.mug, 24))
    answer = receive(client, order, {**delivery(order, buyer.mug, accepted="1"), **change})
    assert (answer.status_code, fields(answer)) == (code, [field])
    assert (on_hand(buyer.mug, buyer.place), PurchaseReceipt.objects.count()) == (0, 0)


def test_lots_of_tracked_goods_are_demanded_and_kept(client, buyer):
    milk = factories.sku("MILK", tracking=2)
    order = buyer.ordered((buyer.mug, 24), (milk, 10, "1"))
    line = delivery(order, milk, accepted="10")
    answer = receive(client, order, delivery(order, buyer.mug, accepted="24"), line, key="a")
    assert (answer.status_code, answer.json()["code"], fields(answer)) == (409, "lot_missing", ["lines[1].lot"])
    answer = receive(client, order, {**line, "lot": "L1 × 6 @ 2027-03-31\nL2 × 3 @ 2027-03-31"}, key="b")
    assert (answer.status_code, fields(answer)) == (409, ["lines[0].lot"])
    answer = receive(client, order, {**line, "lot": "L1", "expires_on": "2027-03-31"}, key="c")
    assert answer.status_code == 201, answer.json()
    assert list(milk.lots.exclude(number="").values_list("number", "expires_on")) == [("L1", dt.date(2027, 3, 31))]


def test_promised_pieces_stand_on_their_line(client, buyer):
    order = buyer.ordered((buyer.mug, 24))
    line = order.lines.get()
    intake.take_in(shop_id=factories.shop(buyer.place).pk, orders=[bought.order(1, bought.line("MUG"))])
    sold = OrderLine.objects.get()
    LinePromise.objects.create(line=sold, arrival=line.arrival, quantity=D(5), expected_on=dt.date(2027, 1, 1))
    found = client.get(f"purchase-orders/{order.pk}").json()["lines"][0]
    assert (found["quantity"], found["incoming"], found["promised"]) == ("24.000", "24.000", "5.000")


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("purchasing:read", {"suppliers", "suppliers/QL", "suppliers/QL/items", "orders", "order", "replenishment"}),
        ("purchasing:write", {"draft"}),
        ("purchasing:receive", {"receive"}),
        ("costs:read", set()),
        ("stock:write", set()),
    ],
)
def test_each_address_needs_its_scope(api, buyer, scope, allowed):
    order, key = buyer.ordered((buyer.mug, 24)), api(scope)
    answers = {
        **{path: key.get(path) for path in ("suppliers", "suppliers/QL", "suppliers/QL/items", "replenishment")},
        "orders": key.get("purchase-orders"), "order": key.get(f"purchase-orders/{order.pk}"),
        "draft": key.post("purchase-orders", body(), key="d"), "receive": receive(key, order),
    }  # fmt: skip
    assert {what for what, answer in answers.items() if answer.status_code != 403} == allowed


def test_a_key_sees_the_orders_of_its_own_warehouses_only(api, buyer):
    order, key = buyer.ordered((buyer.mug, 24)), api(*SCOPES, everything=False)
    access = Access.objects.create(api_key=key.key)
    access.warehouses.add(factories.warehouse())
    assert key.get("purchase-orders").json()["results"] == []
    assert key.get(f"purchase-orders/{order.pk}").status_code == 404
    assert receive(key, order, delivery(order, buyer.mug, accepted="1"), key="a").status_code == 404
    assert fields(key.post("purchase-orders", body(), key="b")) == ["warehouse"]
    access.warehouses.add(buyer.place)
    assert [row["id"] for row in key.get("purchase-orders").json()["results"]] == [order.pk]
    assert receive(key, order, delivery(order, buyer.mug, accepted="1"), key="c").status_code == 201


def test_the_lists_are_filtered_and_paged(client, buyer):
    first, second = buyer.draft(), buyer.ordered((buyer.mug, 24), expected_on=clock.now().date() + dt.timedelta(days=9))

    def found(**asked):
        return [row["id"] for row in client.get("purchase-orders", **asked).json()["results"]]

    assert (found(), found(state="draft"), found(number=second.number)) == (
        [second.pk, first.pk], [first.pk], [second.pk],
    )  # fmt: skip
    assert (found(supplier="QL", warehouse="YW", sku="cup"), found(supplier="XX")) == ([first.pk], [])
    soon = (clock.now().date() + dt.timedelta(days=10)).isoformat()
    assert (found(expected_until=soon), found(expected_until="2001-01-01")) == ([second.pk], [])
    assert found(changed_since=(clock.now() + dt.timedelta(days=1)).isoformat()) == []
    page = client.get("purchase-orders", limit="1").json()
    assert client.client.get(page["next"]).json()["results"][0]["id"] == first.pk
    assert [row["code"] for row in client.get("suppliers", sku="mug", active="true").json()["results"]] == ["QL"]
    assert client.get("suppliers", active="false").json()["results"] == []
    assert client.get("suppliers/NONE").status_code == client.get("suppliers/NONE/items").status_code == 404
    for path in ("suppliers", "purchase-orders", "replenishment"):
        assert fields(client.get(path, colour="red")) == ["colour"]


@pytest.fixture
def suggested(buyer):
    """A run that says: order mugs, for YW; an older one says something else."""
    other = factories.warehouse()
    runs = [
        ReplenishRun.objects.create(
            scope="warehouse", service_level=D("0.95"), history_days=180, review_days=14, started_at=clock.now(),
            ended_at=clock.now(),
        )
        for _turn in range(2)
    ]  # fmt: skip
    for run in runs:
        for place, verdict in ((buyer.place, "order"), (other, "enough")):
            ReplenishRow.objects.create(
                run=run, sku=buyer.mug, warehouse=place, supplier=buyer.supplier, verdict=verdict, sold=D(60), days=30,
                mean=2, sd=0.5, lead=10, z=1.645, safety=D(3), reorder_point=D(23), order_up_to=D(51), on_hand=D(9),
                wanted=D(2), incoming=D(4), drafted=D(0), quantity=D(48), price=D(4), why="pack",
            )  # fmt: skip
    return other


def test_suggestions_say_why_in_figures(api, client, buyer, suggested):
    rows = client.get("replenishment").json()["results"]
    assert [(row["verdict"], row["warehouse"]) for row in rows] == [("order", "YW"), ("enough", suggested.code)]
    assert (rows[0]["sku"], rows[0]["supplier"], rows[0]["quantity"], rows[0]["price"]) == ("MUG", "QL", "48.000", None)
    why = rows[0]["why"]
    assert (why["position"], why["reorder_point"], why["mean"], why["service_level"], why["raised_by"]) == (
        "11.000", "23.000", 2.0, "0.950000", "pack",
    )  # fmt: skip
    assert api(*PRICED).get("replenishment").json()["results"][0]["price"] == "4.000000"
    assert len(client.get("replenishment", verdict="order", sku="mug", supplier="QL").json()["results"]) == 1
    assert client.get("replenishment", warehouse="NONE").json()["results"] == []


def test_a_key_sees_the_suggestions_of_its_own_warehouses_only(api, buyer, suggested):
    key = api(*SCOPES, everything=False)
    Access.objects.create(api_key=key.key).warehouses.add(suggested)
    assert [row["warehouse"] for row in key.get("replenishment").json()["results"]] == [suggested.code]


def test_without_a_run_there_is_nothing_to_suggest(client, buyer):
    assert client.get("replenishment").json()["results"] == []


def test_reading_costs_the_same_however_much_there_is(client, buyer, django_assert_max_num_queries):
    goods = [(factories.sku(), 5, "1") for _ in range(12)]
    order = buyer.ordered((buyer.mug, 24), *goods)
    lines = [{"line": line.pk, "accepted": "1", "seen": "0"} for line in order.lines.all()]
    assert receive(client, order, *lines).status_code == 201
    for _turn in range(5):
        buyer.draft()
    with django_assert_max_num_queries(13):
        assert len(client.get(f"purchase-orders/{order.pk}").json()["lines"]) == 13
    for path in ("purchase-orders", "suppliers/QL/items", "suppliers"):
        with django_assert_max_num_queries(9):
            assert client.get(path).json()["results"]
