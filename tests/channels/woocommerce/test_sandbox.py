"""The practice store by itself: its log-in, its habits about stock, its memory, its page, its buyers."""

import json
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from backoffice.calls.signing import oauth1_params
from channels.sandbox.woocommerce import WooCommerceSandbox
from channels.sandbox.woocommerce.buying import SoldOut, Stream
from channels.sandbox.woocommerce.rest import ROUTES
from tests.channels.woocommerce.captures import capture
from tests.channels.woocommerce.conftest import SEED, Clock


def signed(
    url,
    clock,
    *,
    method="GET",
    key="ck_sandbox",
    secret="cs_sandbox",
    offset=0,
    nonce="n1",
    algorithm="HMAC-SHA256",
    **params,
):
    query = oauth1_params(
        method,
        url,
        params,
        key=key,
        secret=secret,
        timestamp=int(clock().timestamp()) + offset,
        nonce=nonce,
        signature_method=algorithm,
    )
    return requests.request(method, url, params=query, timeout=5)


@pytest.fixture
def orders(url):
    return f"{url}/wp-json/wc/v3/orders"


@pytest.mark.parametrize("algorithm", ["HMAC-SHA256", "HMAC-SHA1"])
def test_a_signed_call_is_let_in(algorithm, orders, clock):
    assert signed(orders, clock, algorithm=algorithm, status="any", search="é & b").status_code == 200


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"secret": "cs_wrong"}, "Invalid signature - provided signature does not match."),
        ({"key": "ck_wrong"}, "Consumer key is invalid."),
        ({"offset": 901}, "Invalid timestamp."),
        ({"offset": -901}, "Invalid timestamp."),
    ],
)
def test_a_wrongly_signed_call_is_not(options, message, orders, clock):
    answer = signed(orders, clock, **options)
    assert (answer.status_code, answer.json()["message"]) == (401, message)


def test_a_signed_call_cannot_be_changed_or_repeated(orders, clock):
    assert signed(orders, clock).status_code == 200
    again = signed(orders, clock)
    assert again.json()["message"] == "Invalid nonce - nonce has already been used."
    other = signed(orders, clock, nonce="n2").url.replace("n2", "n3")
    assert "does not match" in requests.get(other, timeout=5).json()["message"]


def test_without_a_signature_nobody_comes_in_over_http(orders):
    assert (
        requests.get(orders, auth=("ck_sandbox", "cs_sandbox"), timeout=5).json()["code"]
        == "woocommerce_rest_cannot_view"
    )
    missing = requests.get(orders, params={"oauth_consumer_key": "ck_sandbox"}, timeout=5).json()
    assert missing["message"].startswith("Missing OAuth parameters oauth_timestamp, oauth_nonce")


def test_behind_tls_basic_comes_in_and_so_does_the_query(store, orders):
    store.https = True
    assert requests.get(orders, auth=("ck_sandbox", "cs_sandbox"), timeout=5).status_code == 200
    query = {"consumer_key": "ck_sandbox", "consumer_secret": "cs_sandbox"}
    assert requests.get(orders, params=query, timeout=5).status_code == 200
    assert requests.get(orders, headers={"Authorization": "Basic !!"}, timeout=5).status_code == 401


def test_the_served_routes_are_those_of_the_published_index():
    real = capture("01")["body"]["routes"]
    for route, endpoints in ROUTES.items():
        assert [(e["methods"], set(e["args"])) for e in endpoints] == [
            (e["methods"], set(e["args"] or ())) for e in real[route]["endpoints"]
        ]
        for ours, theirs in zip(endpoints, real[route]["endpoints"], strict=True):
            for name, rule in ours["args"].items():
                for word in ("type", "enum", "minimum", "maximum", "default", "required", "format"):
                    assert rule.get(word) == theirs["args"][name].get(word), (route, name, word)


class Api:
    """Basic calls to a store that believes to be behind TLS."""

    def __init__(self, store, url):
        store.https, self.root = True, f"{url}/wp-json/wc/v3/"

    def __call__(self, method, path, body=None, **params):
        answer = requests.request(
            method, self.root + path, json=body, params=params, auth=("ck_sandbox", "cs_sandbox"), timeout=5
        )
        self.headers = answer.headers
        return answer.status_code, answer.json()


@pytest.fixture
def api(store, url):
    return Api(store, url)


def test_a_batch_reads_figures_as_php_does(store, api):
    rows = [{"id": 12, "stock_quantity": "abc"}, {"id": 13, "stock_quantity": 7.9}, {"id": 19, "stock_quantity": 1}]
    status, body = api("POST", "products/batch", {"update": rows})
    assert status == 200
    assert [row.get("stock_quantity", row.get("error", {}).get("code")) for row in body["update"]] == [
        0,
        7,
        "woocommerce_rest_invalid_product_id",
    ]
    assert (
        api("POST", "products/batch", {"update": [{"id": 13, "stock_quantity": None}]})[1]["update"][0][
            "stock_quantity"
        ]
        == 7
    )


def test_a_search_by_sku_zero_finds_everything(api):
    assert len(api("GET", "products", sku="0")[1]) == 5
    assert [row["id"] for row in api("GET", "products", sku="TEA,TS-M")[1]] == [20, 12]
    assert api("GET", "products", sku="nope")[1] == []


def test_an_order_by_api_may_oversell_and_a_buyer_may_not(store, api):
    line = {"product_id": 13, "quantity": 14}
    assert api("POST", "orders", {"status": "processing", "line_items": [line]})[0] == 201
    assert store.stock("GW") == -4
    with pytest.raises(SoldOut):
        store.place_order([("GW", 1)])


def test_cancelling_gives_stock_back_and_trashing_does_not(store, api):
    first, second = store.place_order([("TEA", 3)]), store.place_order([("TEA", 4)])
    api("PUT", f"orders/{first['id']}", {"status": "cancelled"})
    api("DELETE", f"orders/{second['id']}")
    assert store.stock("TEA") == 46
    assert api("GET", f"orders/{second['id']}")[1]["status"] == "trash"
    assert [row["id"] for row in api("GET", "orders", status="trash")[1]] == [second["id"]]
    assert [row["id"] for row in api("GET", "orders", status="any,trash")[1]] == [first["id"]]


def test_a_refund_restocks_unless_told_not_to(store, api):
    order = store.place_order([("TEA", 3)])
    refund = {"amount": "1", "api_refund": False, "line_items": [{"id": order["line_items"][0]["id"], "quantity": 1}]}
    api("POST", f"orders/{order['id']}/refunds", refund)
    assert store.stock("TEA") == 48
    api("POST", f"orders/{order['id']}/refunds", {**refund, "api_restock": False})
    assert store.stock("TEA") == 48


def test_a_full_refund_changes_the_status(store, api):
    order = store.place_order([("TEA", 1)])
    assert api("POST", f"orders/{order['id']}/refunds", {"amount": "11.50", "api_refund": False})[0] == 201
    assert api("GET", f"orders/{order['id']}")[1]["status"] == "refunded"


def test_a_deleted_product_leaves_its_lines_without_one(store, api):
    order = store.place_order([("GW", 1)])
    api("DELETE", "products/13", force="true")
    line = api("GET", f"orders/{order['id']}")[1]["line_items"][0]
    assert (line["product_id"], line["sku"], line["name"]) == (0, None, "Gaiwan")


def test_dates_are_the_shops_own_unless_said_otherwise(store, api, clock):
    store.place_order([("TEA", 1)])
    for text, found in [
        ("2026-11-21T17:41:43", 1),
        ("2026-11-21T17:41:44", 0),
        ("2026-11-21T16:41:43Z", 1),
        ("2026-11-21T16:41:44Z", 0),
        ("2026-11-22T00:41:43+08:00", 1),
    ]:
        assert len(api("GET", "orders", modified_after=text)[1]) == found, text
    assert len(api("GET", "orders", modified_after="2026-11-21T16:41:43", dates_are_gmt="true")[1]) == 1


def test_an_item_can_be_changed_and_taken_out(store, api):
    order = store.place_order([("TEA", 3), ("GW", 1)])
    tea, gaiwan = (line["id"] for line in order["line_items"])
    _, body = api(
        "PUT", f"orders/{order['id']}", {"line_items": [{"id": tea, "quantity": 1}, {"id": gaiwan, "quantity": 0}]}
    )
    assert [(line["quantity"], line["total"]) for line in body["line_items"]] == [(1, "9.58")]
    assert body["total"] == "11.50"


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "orders/999", None, "woocommerce_rest_shop_order_invalid_id"),
        ("GET", "products/999", None, "woocommerce_rest_product_invalid_id"),
        ("GET", "products/12/variations/19", None, "woocommerce_rest_product_variation_invalid_id"),
        ("POST", "orders/999/notes", {"note": "x"}, "woocommerce_rest_order_invalid_id"),
        ("POST", "orders/1/notes", {}, "rest_missing_callback_param"),
        ("POST", "orders", {"line_items": [{"product_id": 999}]}, "woocommerce_rest_invalid_product_id"),
        ("POST", "orders", {"coupon_lines": [{"code": "no"}]}, "woocommerce_rest_invalid_coupon"),
        ("POST", "orders", {"line_items": "x y"}, "rest_invalid_param"),
        (
            "POST",
            "webhooks",
            {"topic": "order.created", "delivery_url": "ftp://x"},
            "woocommerce_rest_shop_webhook_invalid_delivery_url",
        ),
        ("DELETE", "webhooks/1", None, "woocommerce_rest_shop_webhook_invalid_id"),
        ("PATCH", "system_status", {}, "rest_no_route"),
        ("GET", "settings/nope", None, "rest_setting_setting_group_invalid"),
    ],
)
def test_refusals(method, path, body, code, api):
    status, answer = api(method, path, body)
    assert (answer["code"], status >= 400) == (code, True)


def test_figures_stay_whole_under_many_buyers_at_once(store, url):
    def buy(_number):
        try:
            store.place_order([("TEA", 1)])
        except SoldOut:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        sold = sum(pool.map(buy, range(80)))
    assert (sold, store.stock("TEA"), len(store.orders())) == (50, 0, 50)


def test_a_restart_keeps_the_shop(tmp_path):
    file = tmp_path / "shop.json"
    first = WooCommerceSandbox(SEED, state_file=file)
    order = first.place_order([("TEA", 2)])
    first.webhooks.create({"topic": "order.created", "delivery_url": "http://127.0.0.1:9/x", "secret": "s"})
    first.close()
    second = WooCommerceSandbox(SEED, state_file=file)
    assert second.stock("TEA") == 48
    assert second.order(order["id"])["total"] == first.order(order["id"])["total"]
    assert [row["secret"] for row in second.webhooks.rows.values()] == ["s"]
    assert second.place_order([("TEA", 1)])["id"] == order["id"] + 1
    second.close()
    assert [path.name for path in tmp_path.iterdir()] == ["shop.json"]


def test_the_file_is_written_soon_after_a_change(tmp_path):
    file = tmp_path / "shop.json"
    store = WooCommerceSandbox(SEED, state_file=file)
    store.place_order([("TEA", 2)])
    until = time.monotonic() + 3
    while not (file.exists() and json.loads(file.read_text())["tables"]["orders"]) and time.monotonic() < until:
        time.sleep(0.05)
    assert len(json.loads(file.read_text())["tables"]["orders"]) == 1
    store.close()


def page(url, language):
    with urllib.request.urlopen(f"{url}/?lang={language}", timeout=5) as answer:
        return answer.read().decode()


def test_the_page_shows_goods_stock_and_orders_in_both_languages(store, url):
    store.place_order([("GW", 10)])
    assert "T-shirt - M" in page(url, "en")
    assert "50 in stock" in page(url, "en")
    assert "Sold out" in page(url, "en")
    assert "库存 50" in page(url, "zh")
    assert "处理中" in page(url, "zh")


def test_buying_on_the_page_makes_an_order_and_takes_stock(store, url):
    answer = requests.post(f"{url}/buy?lang=en", data={"sku": "TEA"}, timeout=5)
    (order,) = store.orders()
    assert f"Thank you! Order #{order['id']} is placed." in answer.text
    assert (store.stock("TEA"), order["created_via"]) == (49, "checkout")


def test_the_page_refuses_what_is_sold_out_or_unknown(store, url):
    store.set_stock("TEA", 0)
    for sku in ("TEA", "<script>alert(1)</script>"):
        answer = requests.post(f"{url}/buy", data={"sku": sku}, timeout=5)
        assert answer.status_code == 409
        assert "<script>alert" not in answer.text
    assert store.orders() == []


def test_names_in_two_languages():
    seed = {"products": [{"name": "Tea", "name_zh": "绿茶", "sku": "T", "price": "1", "stock": 1}]}
    with WooCommerceSandbox(seed).running() as url:
        assert "绿茶" in page(url, "zh")
        assert "绿茶" not in page(url, "en")


def test_another_process_can_look_and_buy(store, url):
    made = requests.post(f"{url}/_sandbox/orders", json={"lines": [["TEA", 2]], "note": "hi"}, timeout=5)
    state = requests.get(f"{url}/_sandbox/state", timeout=5).json()
    assert made.status_code == 201
    assert (state["order_count"], state["orders"][0]["id"]) == (1, made.json()["id"])
    assert next(row for row in state["products"] if row["sku"] == "TEA") == {
        "id": "12",
        "sku": "TEA",
        "name": "Green tea",
        "stock": 48,
    }
    assert requests.post(f"{url}/_sandbox/orders", json={"lines": [["GW", 99]]}, timeout=5).status_code == 409
    assert requests.post(f"{url}/_sandbox/orders", json={"lines": [["no", 1]]}, timeout=5).status_code == 400


def test_buyers_come_by_themselves_and_the_same_seed_brings_the_same():
    shops = [WooCommerceSandbox(SEED, clock=Clock(), random_seed=3) for _ in range(2)]
    for shop in shops:
        for _ in range(20):
            shop.buying.any_order()
    first, second = (
        [[(line["name"], line["quantity"]) for line in order["line_items"]] for order in shop.orders()]
        for shop in shops
    )
    assert first == second
    assert len(first) == 20


def test_a_stream_of_buyers_starts_and_stops():
    store = WooCommerceSandbox(SEED)
    stream = Stream(store.buying.any_order, per_minute=6000)
    stream.start()
    time.sleep(0.2)
    stream.stop()
    count = len(store.orders())
    time.sleep(0.1)
    assert count > 0
    assert len(store.orders()) == count


def test_nobody_buys_in_an_empty_shop():
    assert WooCommerceSandbox({}).buying.any_order() is None


def test_the_command_line_serves_until_told_to_stop(tmp_path):
    command = [sys.executable, "-m", "channels.sandbox.woocommerce", "--port", "0", "--state", str(tmp_path / "s.json")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        address = process.stdout.readline().strip().rpartition(" ")[2]
        made = requests.post(f"{address}/_sandbox/orders", json={"lines": [["TEA-G-100", 1]]}, timeout=5)
        assert made.status_code == 201
    finally:
        process.terminate()
    assert process.wait(10) == 0
    assert len(json.loads((tmp_path / "s.json").read_text())["tables"]["orders"]) == 1


def test_a_taken_port_is_a_clear_message(url):
    port = url.rpartition(":")[2]
    done = subprocess.run(
        [sys.executable, "-m", "channels.sandbox.woocommerce", "--port", port],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in done.stderr
