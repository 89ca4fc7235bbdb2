"""Catalogue and stock over the API."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from backoffice.models import AuditEntry, IdempotentReply
from inventory import documents
from inventory.models import Access, Balance, StockDocument, StockEntry
from tests.inventory import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def goods():
    """A SKU with 10 pieces in a warehouse that one shop sells from."""
    place = factories.warehouse()
    found = SimpleNamespace(sku=factories.sku(), warehouse=place, shop=factories.shop(place))
    factories.stock(found.sku, place, 10)
    return found


def adjustment(goods, **change):
    line = {"sku": goods.sku.code, "change": "-3", **change}
    return {"warehouse": goods.warehouse.code, "reason": "damaged", "lines": [line]}


def test_a_sku_is_found_in_any_spelling(api, goods):
    answer = api("catalogue:read").get(f"skus/{goods.sku.code.lower()} ")
    assert answer.status_code == 200
    assert answer.json()["code"] == goods.sku.code
    assert "cost" not in str(answer.json())


def test_availability_is_told_per_shop_and_per_warehouse(api, goods):
    rows = api("stock:read").get("availability", sku=goods.sku.code).json()
    shop = goods.shop.code
    assert {(row["shop"], row["warehouse"], row["quantity"]) for row in rows} == {
        (shop, None, "10.000"),
        (shop, goods.warehouse.code, "10.000"),
    }


def test_an_unknown_sku_is_named(api, goods):
    answer = api("stock:read").get("availability", sku=f"{goods.sku.code},NO-SUCH")
    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"field": "sku", "code": "unknown_sku", "message": "Unknown SKU: NO-SUCH"}]


def test_a_key_sees_only_its_own_warehouses(api, goods):
    client = api("stock:read", "stock:write", everything=False)
    assert client.get("stock").json()["results"] == []
    assert client.post("stock-adjustments", adjustment(goods)).status_code == 400
    Access.objects.create(api_key=client.key).warehouses.add(goods.warehouse)
    assert [row["on_hand"] for row in client.get("stock").json()["results"]] == ["10.000"]


def test_an_adjustment_goes_through_the_ledger(api, goods):
    client = api("stock:write")
    answer = client.post("stock-adjustments", adjustment(goods))
    assert answer.status_code == 201, answer.json()
    assert answer.json()["balances"][0]["on_hand"] == "7.000"
    entry = StockEntry.objects.get(reference=f"inventory.document:{answer.json()['document']}")
    assert (entry.quantity, entry.reason, entry.actor) == (Decimal(-3), "damaged", f"api:{client.key.pk} erp")
    assert AuditEntry.objects.filter(action="stock.adjust", actor=f"api:{client.key.pk} erp").count() == 1


def test_above_the_warehouses_limit_a_person_posts_what_a_key_proposes(api, goods, people):
    goods.warehouse.adjust_limit = Decimal(2)
    goods.warehouse.save(update_fields=["adjust_limit"])
    client = api("stock:write")
    told = client.post("stock-adjustments", adjustment(goods)).json()
    assert (told["state"], told["balances"][0]["on_hand"]) == ("proposed", "10.000")
    documents.post(document_id=told["document"], user=people["owner"])
    assert Balance.objects.get(sku=goods.sku).on_hand == 7
    within = client.post("stock-adjustments", adjustment(goods, change="-2"), key="k2").json()
    assert (within["state"], within["balances"][0]["on_hand"]) == ("posted", "5.000")


def test_a_counted_figure_posts_the_difference(api, goods):
    body = {"warehouse": goods.warehouse.code, "lines": [{"sku": goods.sku.code, "counted": "12"}]}
    answer = api("stock:write").post("stock-adjustments", body)
    assert answer.json()["balances"][0]["on_hand"] == "12.000"


def test_the_same_key_works_once_and_answers_again(api, goods):
    client = api("stock:write")
    first = client.post("stock-adjustments", adjustment(goods), key="k1")
    second = client.post("stock-adjustments", adjustment(goods), key="k1")
    assert second.json() == first.json()
    assert second["Idempotent-Replay"] == "true"
    assert Balance.objects.get(sku=goods.sku).on_hand == 7
    other = client.post("stock-adjustments", adjustment(goods, change="-4"), key="k1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_a_refused_request_may_come_again_under_its_key(api, goods):
    client = api("stock:write")
    refused = client.post("stock-adjustments", adjustment(goods, change="-11"), key="k2")
    assert (refused.status_code, refused.json()["code"]) == (409, "negative_stock")
    assert not IdempotentReply.objects.exists()
    assert not StockDocument.objects.filter(kind="adjustment").exists()
    assert client.post("stock-adjustments", adjustment(goods), key="k2").status_code == 201


def test_a_post_without_key_is_refused(api, goods):
    answer = api("stock:write").post("stock-adjustments", adjustment(goods), key=None)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({"change": "1", "counted": "1"}, "lines[0]"),
        ({}, "lines[0]"),
        ({"change": "0.0001"}, "lines[0].change"),
        ({"change": "1e400"}, "lines[0].change"),
        ({"change": "NaN"}, "lines[0].change"),
        ({"change": "1", "colour": "red"}, "lines[0].colour"),
        ({"change": "1", "sku": "a\0b"}, "lines[0].sku"),
    ],
)
def test_a_wrong_line_is_named_with_its_field(api, goods, line, field):
    body = adjustment(goods)
    body["lines"] = [{"sku": goods.sku.code, **line}]
    answer = api("stock:write").post("stock-adjustments", body)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert Balance.objects.get(sku=goods.sku).on_hand == 10


def test_pages_are_capped_and_cost_the_same(api, goods, django_assert_max_num_queries):
    for _ in range(30):
        factories.stock(factories.sku(), goods.warehouse, 1)
    client = api("stock:read")
    with django_assert_max_num_queries(8):
        page = client.get("stock", limit="1000000000").json()
    assert len(page["results"]) == 31
    assert len(client.get("stock", limit="5").json()["results"]) == 5


def test_availability_tells_no_figure_of_a_warehouse_the_key_may_not_see(api, goods):
    other = factories.warehouse()
    shop = factories.shop(goods.warehouse, other)
    factories.stock(goods.sku, other, 77)
    client = api("stock:read", everything=False)
    access = Access.objects.create(api_key=client.key)
    access.shops.add(shop)
    access.warehouses.add(goods.warehouse)
    rows = client.get("availability", sku=goods.sku.code).json()
    assert {(row["warehouse"], row["quantity"]) for row in rows} == {(None, "87.000"), (goods.warehouse.code, "10.000")}


def test_a_sku_on_two_lines_is_named_by_the_second(api, goods):
    twice = adjustment(goods)
    twice["lines"].append({"sku": goods.sku.code.lower(), "change": "1"})
    answer = api("stock:write").post("stock-adjustments", twice)
    assert (answer.status_code, answer.json()["code"]) == (409, "sku_twice")
    assert [error["field"] for error in answer.json()["errors"]] == ["lines[1].sku"]


def test_the_stock_value_adds_up_and_needs_its_own_scope(api, goods):
    answer = api("costs:read").get("stock-value").json()
    assert (answer["count"], answer["quantity"], answer["value"]) == (1, "10.000", "10.0000")
    assert answer["results"] == [
        {"sku": goods.sku.code, "category": "", "quantity": "10.000", "unit_cost": "1.0000", "value": "10.0000"}
    ]
    assert api("costs:read").get("stock-value", at="2001-01-01T00:00:00Z").json()["results"] == []
    assert api("stock:read").get("stock-value").status_code == 403


def test_a_key_sees_the_value_of_its_own_warehouses_only(api, goods):
    client = api("costs:read", everything=False)
    assert client.get("stock-value").json()["count"] == 0
    assert client.get("stock-value", warehouse=goods.warehouse.code).status_code == 400
    Access.objects.create(api_key=client.key).warehouses.add(goods.warehouse)
    assert client.get("stock-value").json()["value"] == "10.0000"
