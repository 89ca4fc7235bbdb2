"""The sandbox keeps Shopify's rules, asked without our connector: requests as anybody would write them."""

import datetime as dt

import pytest
import requests

from backoffice.practice.server import running
from channels.sandbox.shopify import Refused
from tests.channels.shopify.conftest import SEED, TOKEN, open_shop

SET = """mutation Set($input: InventorySetQuantitiesInput!) {
  inventorySetQuantities(input: $input) DIRECTIVE { inventoryAdjustmentGroup { id } userErrors { field code message } }
}"""


@pytest.fixture
def ask(url):
    """Send a GraphQL request and return the body of the answer."""

    def send(query, variables=None, token=TOKEN, version="2026-10"):
        address = f"{url}/admin/api/{version}/graphql.json"
        headers = {"X-Shopify-Access-Token": token} if token else {}
        answer = requests.post(address, json={"query": query, "variables": variables or {}}, headers=headers, timeout=5)
        return answer.json() if answer.status_code == 200 else (answer.status_code, answer.json())

    return send


def code(answer):
    return answer["errors"][0]["extensions"]["code"]


def row(shop, sku="TOTE", **others):
    item = next(variant["item"] for variant in shop.store.variants.values() if variant["sku"] == sku)
    place = next(iter(shop.store.items[item]["levels"]))
    return {"inventoryItemId": item, "locationId": place, "quantity": 7, "changeFromQuantity": None, **others}


def rows(*quantities, name="available", reason="correction"):
    return {"input": {"name": name, "reason": reason, "quantities": list(quantities)}}


def put(ask, variables, key="key-1"):
    return ask(SET.replace("DIRECTIVE", f'@idempotent(key: "{key}")' if key is not None else ""), variables)


def errors(answer):
    return answer["data"]["inventorySetQuantities"]["userErrors"]


@pytest.mark.parametrize("token", ["", "shpat_wrong", TOKEN + " x"])
def test_without_the_right_token_nothing_is_told(ask, token):
    status, body = ask("{ shop { name } }", token=token)
    assert (status, "Invalid API key" in body["errors"]) == (401, True)


def test_an_unknown_version_is_not_found(ask):
    assert ask("{ shop { name } }", version="2019-04")[0] == 404


@pytest.mark.parametrize(
    "query", ["{ shop { nam } }", "{ shop }", "{", "query A { shop { name } } query B { shop { id } }"]
)
def test_what_the_schema_does_not_allow_is_refused(ask, query):
    answer = ask(query)
    assert "data" not in answer
    assert code(answer) in {"graphqlValidationFailed", "BAD_REQUEST"}


def test_variables_that_do_not_fit_are_refused(ask, shop):
    answer = put(ask, rows(row(shop, quantity="seven")))
    assert (code(answer), shop.stock("TOTE", "Main")) == ("INVALID_VARIABLE", 30)


def test_a_list_without_a_size_is_refused(ask):
    assert code(ask("{ locations { nodes { id } } }")) == "BAD_REQUEST"
    assert code(ask("{ locations(first: 251) { nodes { id } } }")) == "BAD_REQUEST"


def test_a_field_that_the_sandbox_does_not_play_says_so(ask):
    answer = ask("{ shop { name currencyCode } currentAppInstallation { launchUrl } }")
    assert code(answer) == "NOT_IN_SANDBOX"


@pytest.mark.parametrize("query", ["tag:vip", "updated_at:>=yesterday", "just words"])
def test_a_search_that_the_sandbox_cannot_do_says_so(ask, shop, query):
    shop.place_order([{"sku": "MUG"}])
    assert code(ask("query Q($q: String) { orders(first: 1, query: $q) { nodes { id } } }", {"q": query})) in {
        "NOT_IN_SANDBOX",
        "BAD_REQUEST",
    }


def test_without_status_any_only_open_orders_are_found(ask, shop):
    names = [shop.place_order([{"sku": "MUG"}])["name"] for _ in range(2)]
    shop.fulfil_order(names[0])
    found = ask("{ orders(first: 9) { nodes { name } } }")["data"]["orders"]["nodes"]
    assert found == [{"name": names[1]}]


def test_a_page_ends_where_the_next_begins_both_ways(ask, shop):
    for _ in range(5):
        shop.place_order([{"sku": "CANDLE"}])
    forward = ask("{ orders(first: 2) { nodes { name } pageInfo { hasNextPage endCursor } } }")["data"]["orders"]
    after = forward["pageInfo"]["endCursor"]
    rest = ask("query Q($a: String) { orders(first: 9, after: $a) { nodes { name } } }", {"a": after})
    back = ask("{ orders(last: 2, reverse: true) { nodes { name } } }")["data"]["orders"]["nodes"]
    assert [one["name"] for one in rest["data"]["orders"]["nodes"]] == ["#1003", "#1004", "#1005"]
    assert back == [{"name": "#1002"}, {"name": "#1001"}]


# --- stock -----------------------------------------------------------------------------------------------------------


def test_the_figure_before_must_be_sent_even_if_it_is_null(ask, shop):
    wanted = row(shop)
    del wanted["changeFromQuantity"]
    answer = put(ask, rows(wanted))
    assert code(answer) == "INVALID_FIELD_ARGUMENTS"
    assert "changeFromQuantity" in answer["errors"][0]["message"]
    assert shop.stock("TOTE", "Main") == 30


@pytest.mark.parametrize("key", [None, "", "  "])
def test_a_key_must_be_given(ask, shop, key):
    assert code(put(ask, rows(row(shop)), key)) == "BAD_REQUEST"
    assert shop.stock("TOTE", "Main") == 30


def test_more_than_250_rows_are_refused(ask, shop):
    assert code(put(ask, rows(*[row(shop)] * 251))) == "MAX_INPUT_SIZE_EXCEEDED"


def test_one_bad_row_sinks_them_all_and_each_is_named(ask, shop):
    answer = put(ask, rows(row(shop), row(shop, "MUG", quantity=-1), row(shop, "CANDLE", changeFromQuantity=99)))
    assert [(error["field"], error["code"]) for error in errors(answer)] == [
        (["input", "quantities", "1", "quantity"], "INVALID_QUANTITY_NEGATIVE"),
        (["input", "quantities", "2", "changeFromQuantity"], "CHANGE_FROM_QUANTITY_STALE"),
    ]
    assert (shop.stock("TOTE", "Main"), shop.stock("MUG")) == (30, 12)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (lambda shop: rows(row(shop), name="sold"), "INVALID_NAME"),
        (lambda shop: rows(row(shop), reason="because"), "INVALID_REASON"),
        (lambda shop: rows(row(shop), row(shop)), "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"),
        (lambda shop: rows(row(shop, quantity=1_000_000_001)), "INVALID_QUANTITY_TOO_HIGH"),
        (lambda shop: rows(row(shop, inventoryItemId="gid://shopify/InventoryItem/0")), "INVALID_INVENTORY_ITEM"),
        (lambda shop: rows(row(shop, locationId="gid://shopify/Location/0")), "INVALID_LOCATION"),
    ],
)
def test_what_else_is_refused(ask, shop, variables, expected):
    assert errors(put(ask, variables(shop)))[0]["code"] == expected


def test_a_key_stands_for_one_write(ask, shop):
    first = put(ask, rows(row(shop)))
    shop.set_stock("TOTE", 9, "Main")
    assert put(ask, rows(row(shop))) == first
    assert shop.stock("TOTE", "Main") == 9
    assert errors(put(ask, rows(row(shop, quantity=8))))[0]["code"] == "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"


def test_the_key_of_a_write_that_failed_cannot_be_used_again(ask, shop):
    stale = rows(row(shop, changeFromQuantity=1))
    assert errors(put(ask, stale))[0]["code"] == "CHANGE_FROM_QUANTITY_STALE"
    assert errors(put(ask, stale))[0]["code"] == "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"


def test_after_a_day_a_key_is_forgotten(ask, shop):
    put(ask, rows(row(shop)))
    shop.set_stock("TOTE", 9, "Main")
    shop.store.clock = lambda: dt.datetime.now(dt.UTC) + dt.timedelta(hours=25)
    put(ask, rows(row(shop)))
    assert shop.stock("TOTE", "Main") == 7


def test_on_hand_holds_what_is_promised(ask, shop):
    shop.place_order([{"sku": "TOTE", "quantity": 4}])
    put(ask, rows(row(shop, quantity=20, changeFromQuantity=30), name="on_hand"))
    assert shop.stock("TOTE", "Main") == 16


# --- orders move stock -----------------------------------------------------------------------------------------------


def levels(shop, sku="TOTE", place="Main"):
    where = next(one["id"] for one in shop.store.locations.values() if one["name"] == place)
    item = next(variant["item"] for variant in shop.store.variants.values() if variant["sku"] == sku)
    level = shop.store.items[item]["levels"][where]
    return level["available"], level["committed"]


def test_an_order_takes_from_available_and_a_parcel_from_committed(shop):
    order = shop.place_order([{"sku": "TOTE", "quantity": 4}])
    assert levels(shop) == (26, 4)
    shop.fulfil_order(order["id"])
    assert levels(shop) == (26, 0)


@pytest.mark.parametrize(("restock", "after"), [(True, (30, 0)), (False, (26, 0))])
def test_a_cancelled_order_gives_back_only_if_restocked(shop, restock, after):
    order = shop.place_order([{"sku": "TOTE", "quantity": 4}])
    shop.cancel_order(order["id"], restock=restock)
    assert levels(shop) == after


@pytest.mark.parametrize(("wanted", "after"), [(1, (29, 1)), (6, (24, 6)), (0, (30, 0))])
def test_an_edit_moves_the_difference(shop, wanted, after):
    order = shop.place_order([{"sku": "TOTE", "quantity": 4}])
    shop.edit_order(order["id"], {"TOTE": wanted})
    assert levels(shop) == after


@pytest.mark.parametrize(("restock", "after"), [("CANCEL", (28, 2)), ("NO_RESTOCK", (26, 2))])
def test_a_refund_of_unshipped_goods(shop, restock, after):
    order = shop.place_order([{"sku": "TOTE", "quantity": 4}])
    shop.refund_order(order["id"], [("TOTE", 2, restock)])
    assert levels(shop) == after


def test_a_returned_parcel_goes_back_on_the_shelf(shop):
    order = shop.place_order([{"sku": "TOTE", "quantity": 4}])
    shop.fulfil_order(order["id"])
    shop.refund_order(order["id"], [("TOTE", 1, "RETURN")])
    assert levels(shop) == (27, 0)


def test_sold_out_is_sold_out_unless_it_may_be_oversold(shop):
    with pytest.raises(Refused, match="MUG is sold out"):
        shop.place_order([{"sku": "MUG", "quantity": 13}])
    assert (levels(shop, "MUG"), len(shop.store.orders)) == ((12, 0), 0)
    shop.place_order([{"sku": "CANDLE", "quantity": 8}])
    assert levels(shop, "CANDLE") == (-3, 8)


def test_goods_come_from_a_place_that_has_enough(shop):
    shop.set_stock("TOTE", 1, "Main")
    order = shop.place_order([{"sku": "TOTE", "quantity": 3}])
    place = shop.store.locations[order["fulfillment_orders"][0]["location"]]
    assert (place["name"], levels(shop, place="Berlin")) == ("Berlin", (2, 3))


def test_nothing_can_be_refunded_or_cancelled_twice(shop):
    order = shop.place_order([{"sku": "TOTE"}])
    shop.refund_order(order["id"], [("TOTE", 1, "CANCEL")])
    with pytest.raises(Refused, match="more items than were purchased"):
        shop.refund_order(order["id"], [("TOTE", 1, "CANCEL")])
    shop.cancel_order(order["id"])
    with pytest.raises(Refused, match="already been cancelled"):
        shop.cancel_order(order["id"])


# --- points ----------------------------------------------------------------------------------------------------------


def test_costs_are_counted_as_published(url):
    shop = open_shop(throttle=True)
    with running(shop) as address:
        query = "{ orders(first: 10) { nodes { id lineItems(first: 5) { nodes { id } } } } }"
        answer = requests.post(
            f"{address}/admin/api/2026-10/graphql.json",
            json={"query": query},
            headers={"X-Shopify-Access-Token": TOKEN},
            timeout=5,
        ).json()
    shop.close()
    cost = answer["extensions"]["cost"]
    # A connection 2 and its rows; a row is an object (1) and what it holds: 2 + 10 × (1 + 2 + 5 × 1).
    assert cost["requestedQueryCost"] == 82
    assert cost["throttleStatus"] == {"maximumAvailable": 2000.0, "currentlyAvailable": 1998, "restoreRate": 100.0}


def test_one_query_may_not_cost_more_than_a_thousand_points(url):
    shop = open_shop(throttle=True)
    with running(shop) as address:
        query = "{ orders(first: 250) { nodes { id lineItems(first: 250) { nodes { id } } } } }"
        answer = requests.post(
            f"{address}/admin/api/2026-10/graphql.json",
            json={"query": query},
            headers={"X-Shopify-Access-Token": TOKEN},
            timeout=5,
        ).json()
    shop.close()
    assert answer["errors"][0]["extensions"] == {"code": "MAX_COST_EXCEEDED", "cost": 63_252, "maxCost": 1000}


def test_the_subset_of_the_schema_serves_as_well(tmp_path):
    from channels.sandbox.shopify.schema import subset
    from tests.channels.shopify.conftest import connect, parsed

    shop = open_shop(SEED, graphql_schema=subset())
    with running(shop) as address:
        connector = connect(address)
        assert connector.test_connection().name == "Harbour & Hill"
        assert parsed(connector, shop.place_order([{"sku": "MUG"}])).lines[0].sku == "MUG"
    shop.close()
