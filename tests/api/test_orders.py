"""Orders and shipments over the API."""

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import pytest

from backoffice import clock
from inventory.models import Access, Balance, StockEntry
from orders import feed
from orders.models import Order, OrderContact, Shipment
from tests.inventory import factories

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 11, 10, 0, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def at_ten():
    with clock.moved_to(lambda: NOW):
        yield


@pytest.fixture
def goods():
    """A SKU with 10 pieces in a warehouse that one shop sells from."""
    place = factories.warehouse()
    found = SimpleNamespace(sku=factories.sku(), warehouse=place, shop=factories.shop(place))
    factories.stock(found.sku, place, 10)
    return found


def body(goods, **change):
    address = {"name": "王小明", "line1": "文三路 90 号", "city": "杭州市", "region": "浙江省", "postcode": "310012"}
    return {
        "shop": goods.shop.code,
        "external_id": "A-1",
        "number": "2026-1",
        "placed_at": "2026-11-11T09:00:00Z",
        "currency": "CNY",
        "buyer": {"name": "王小明", "phone": "13800138000"},
        "shipping_address": {**address, "country": "CN", "phone": "13800138000"},
        "lines": [{"external_id": "1", "sku": goods.sku.code.lower(), "quantity": "2", "unit_price": "19.90"}],
        **change,
    }


def test_an_order_sent_in_is_checked_and_reserves(api, goods):
    answer = api("orders:write").post("orders", body(goods))
    assert answer.status_code == 201, answer.json()
    assert (answer.json()["action"], answer.json()["state"]) == ("created", "approved")
    order = Order.objects.get()
    assert (order.total, order.number, order.lines.get().sku) == (Decimal("39.80"), "2026-1", goods.sku)
    assert Balance.objects.get(sku=goods.sku).reserved == 2


def test_the_same_order_twice_is_one_order(api, goods):
    client = api("orders:write")
    first = client.post("orders", body(goods), key="a")
    again = client.post("orders", body(goods), key="a")
    other = client.post("orders", body(goods), key="b")
    assert (again.json(), again["Idempotent-Replay"]) == (first.json(), "true")
    assert (other.status_code, other.json()["action"]) == (200, "unchanged")
    assert Order.objects.count() == 1
    assert Balance.objects.get(sku=goods.sku).reserved == 2


def test_a_cancellation_gives_the_goods_back(api, goods):
    client = api("orders:write")
    client.post("orders", body(goods), key="a")
    client.post("orders", body(goods, status="cancelled", updated_at="2026-11-11T09:30:00Z"), key="b")
    assert Order.objects.get().state == "cancelled"
    balance = Balance.objects.get(sku=goods.sku)
    assert (balance.reserved, balance.demand, balance.on_hand) == (0, 0, 10)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"currency": "yuan"}, "currency"),
        ({"lines": []}, "lines"),
        ({"total_": "1"}, "total_"),
        ({"shop": "NOWHERE"}, "shop"),
        ({"placed_at": "yesterday"}, "placed_at"),
        ({"updated_at": "2026-11-11T11:00:00Z"}, "updated_at"),
        ({"placed_at": "0001-01-01T00:00:00Z"}, "placed_at"),
        ({"placed_at": "2200-01-01T00:00:00Z"}, "placed_at"),
        ({"paid_at": "9999-12-31T23:00:00Z"}, "paid_at"),
        ({"buyer_note": "a\0b"}, "buyer_note"),
        ({"shipping_address": {"country": "China"}}, "shipping_address.country"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_stored(api, goods, change, field):
    answer = api("orders:write").post("orders", body(goods, **change))
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not Order.objects.exists()
    assert not StockEntry.objects.filter(bucket=2).exists()


def test_line_ids_must_differ(api, goods):
    line = body(goods)["lines"][0]
    answer = api("orders:write").post("orders", body(goods, lines=[line, line]))
    assert answer.json()["errors"][0]["field"] == "lines"


def test_personal_data_needs_its_own_scope(api, goods):
    api("orders:write").post("orders", body(goods))
    plain = api("orders:read").get("orders").json()["results"][0]
    assert plain["contact"] is None
    assert "王小明" not in str(plain)
    full = api("orders:read", "pii").get("orders").json()["results"][0]
    assert full["contact"]["name"] == "王小明"
    assert OrderContact.objects.count() == 1


def test_another_shop_is_not_there(api, goods):
    api("orders:write").post("orders", body(goods))
    client = api("orders:read", "orders:write", "shipments:write", everything=False)
    Access.objects.create(api_key=client.key).shops.add(factories.shop(goods.warehouse))
    pk = Order.objects.get().pk
    assert client.get("orders").json()["results"] == []
    assert client.get(f"orders/{pk}").status_code == 404
    assert client.get("orders/changes").json()["changes"] == []
    assert client.post("orders", body(goods)).status_code == 400
    parcel = {"shop": goods.shop.code, "order": "A-1", "carrier": "SF", "tracking_number": "SF1"}
    assert client.post("shipments", parcel).status_code == 404


def test_the_feed_names_each_changed_order_once_in_growing_numbers(api, goods):
    client = api("orders:write", "orders:read")
    client.post("orders", body(goods), key="a")
    client.post("orders", body(goods, external_id="A-2"), key="b")
    assert client.get("orders/changes").json()["changes"] == []
    assert feed.publish(holder="test") == 2
    first = client.get("orders/changes", limit=1).json()
    assert (len(first["changes"]), first["more"]) == (1, True)
    rest = client.get("orders/changes", after=first["last"]).json()
    assert [row["order"]["external_id"] for row in rest["changes"]] == ["A-2"]
    with clock.moved_to(lambda: NOW + dt.timedelta(minutes=5)):
        client.post("orders", body(goods, status="cancelled", updated_at="2026-11-11T10:04:00Z"), key="c")
        assert feed.publish(holder="test") == 1
        assert feed.publish(holder="test") == 0
    newest = client.get("orders/changes", after=rest["last"]).json()
    assert [(row["order"]["external_id"], row["order"]["state"]) for row in newest["changes"]] == [("A-1", "cancelled")]


def test_a_shipment_takes_the_goods_out_once(api, goods):
    client = api("orders:write", "shipments:write")
    client.post("orders", body(goods), key="a")
    parcel = {"shop": goods.shop.code, "order": "A-1", "carrier": "SF", "tracking_number": "SF1"}
    answers = [client.post("shipments", parcel, key="p").json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert Shipment.objects.count() == 1
    balance = Balance.objects.get(sku=goods.sku)
    assert (balance.on_hand, balance.reserved) == (8, 0)
    again = client.post("shipments", parcel, key="q")
    assert again.status_code == 409
    assert Shipment.objects.count() == 1


def test_a_shipment_of_more_than_ordered_is_refused(api, goods):
    client = api("orders:write", "shipments:write")
    client.post("orders", body(goods), key="a")
    parcel = {"shop": goods.shop.code, "order": "A-1", "carrier": "SF", "tracking_number": "SF1"}
    parcel["lines"] = [{"external_id": "1", "quantity": "3"}]
    answer = client.post("shipments", parcel)
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many")
    assert [error["field"] for error in answer.json()["errors"]] == ["lines[0].quantity"]
    parcel["lines"] = [{"external_id": "9", "quantity": "1"}]
    assert client.post("shipments", parcel).json()["errors"][0]["field"] == "lines"
    assert Balance.objects.get(sku=goods.sku).on_hand == 10


def test_the_list_costs_the_same_for_many(api, goods, django_assert_max_num_queries):
    client = api("orders:write", "orders:read", per_minute=1000)
    for number in range(12):
        client.post("orders", body(goods, external_id=f"B-{number}"), key=f"b{number}")
    with django_assert_max_num_queries(14):
        assert len(client.get("orders", limit=200).json()["results"]) == 12


def limited(api, goods, *places, scopes=("shipments:write",)):
    """A key that sees the shop, and of the warehouses only those given."""
    client = api(*scopes, everything=False)
    access = Access.objects.create(api_key=client.key)
    access.shops.add(goods.shop)
    access.warehouses.add(*places)
    return client


def test_a_key_ships_only_out_of_warehouses_it_may_see(api, goods):
    api("orders:write").post("orders", body(goods))
    parcel = {"shop": goods.shop.code, "order": "A-1", "carrier": "SF", "tracking_number": "SF1"}
    elsewhere = limited(api, goods, factories.warehouse())
    for number, lines in enumerate(({}, {"lines": [{"external_id": "1", "quantity": "1"}]})):
        answer = elsewhere.post("shipments", {**parcel, **lines}, key=f"hidden-{number}")
        assert (answer.status_code, answer.json()["code"]) == (409, "not_reserved")
    assert Balance.objects.get(sku=goods.sku, warehouse=goods.warehouse).on_hand == 10
    assert limited(api, goods, goods.warehouse).post("shipments", parcel).status_code == 201


@pytest.mark.parametrize("length", [20, 196, 200])
def test_the_longest_idempotency_key_works_once_too(api, goods, length):
    client = api("orders:write", "shipments:write")
    client.post("orders", body(goods), key="a")
    parcel = {"shop": goods.shop.code, "order": "A-1", "carrier": "SF", "tracking_number": "SF1"}
    answers = [client.post("shipments", parcel, key="k" * length) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    kept = Shipment.objects.get().idempotency_key
    assert len(kept) <= 200
    assert (kept == f"api:{client.key.pk}:{'k' * length}") == (length < 190)


@pytest.mark.parametrize(
    ("line", "change", "field"),
    [
        ({"discount": "39.81"}, {}, "lines[0].discount"),
        ({"tax": "39.81"}, {}, "lines[0].tax"),
        ({"discount": "20", "tax": "20"}, {}, "lines[0].tax"),
        ({}, {"total": "1.00"}, "total"),
        ({}, {"total": "39.82"}, "total"),
        ({}, {"total": "9999.00"}, "total"),
        ({"tax": "2"}, {"taxes_included": False, "total": "39.80"}, "total"),
        ({}, {"discount": "39.81"}, "discount"),
        ({}, {"discount": "10", "total": "39.80"}, "total"),
        ({}, {"rounding": "-1.01"}, "rounding"),
        ({}, {"currency": "JPY", "total": "42"}, "total"),
    ],
)
def test_amounts_that_contradict_each_other_are_refused(api, goods, line, change, field):
    lines = [{**body(goods)["lines"][0], **line}]
    answer = api("orders:write").post("orders", body(goods, **{"lines": lines, **change}))
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("line", "change", "total"),
    [
        ({"discount": "39.80"}, {}, "0"),
        ({"discount": "9.80", "tax": "30"}, {}, "30"),
        ({}, {"total": "39.81"}, "39.81"),
        ({}, {"total": "39.00", "rounding": "-0.80"}, "39.00"),
        ({}, {"rounding": "0.20"}, "40.00"),
        ({}, {"discount": "10", "shipping_total": "5"}, "34.80"),
        ({}, {"discount": "10", "total": "29.80"}, "29.80"),
        ({"tax": "50"}, {"taxes_included": False}, "89.80"),
        ({"tax": "2"}, {"taxes_included": False, "total": "41.80"}, "41.80"),
        ({}, {"currency": "JPY", "total": "40"}, "40"),
    ],
)
def test_amounts_that_explain_the_total_are_taken(api, goods, line, change, total):
    lines = [{**body(goods)["lines"][0], **line}]
    answer = api("orders:write").post("orders", body(goods, **{"lines": lines, **change}))
    assert answer.status_code == 201, answer.json()
    order = Order.objects.get()
    assert order.total == Decimal(total)
    assert order.discount_total == Decimal(line.get("discount", 0)) + Decimal(change.get("discount", 0))


@pytest.mark.parametrize(
    "when", ["2026-11-11T10:10:01Z", "2099-01-01T00:00:00Z", "2026-11-10T08:59:59Z", "0001-01-01T00:00:00Z"]
)
def test_a_parcel_leaves_neither_in_the_future_nor_before_its_order(api, goods, when):
    client = api("orders:write", "shipments:write")
    client.post("orders", body(goods), key="a")
    parcel = {"shop": goods.shop.code, "order": "A-1", "carrier": "SF", "tracking_number": "SF1"}
    answer = client.post("shipments", {**parcel, "shipped_at": when})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "shipped_at")
    assert not Shipment.objects.exists()
    for number, fine in enumerate(("2026-11-10T09:00:00Z", "2026-11-11T10:10:00Z")):
        lines = [{"external_id": "1", "quantity": "1"}]
        answer = client.post("shipments", {**parcel, "shipped_at": fine, "lines": lines}, key=f"fine-{number}")
        assert answer.status_code == 201
