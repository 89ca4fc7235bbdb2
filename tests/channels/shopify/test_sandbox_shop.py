"""The shop for people: its page, its controls, its stream of orders, and that it outlives a restart."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests

from backoffice.practice.server import running
from channels.sandbox.shopify import ShopifySandbox
from fixtures.sandboxes import shopify_seed
from tests.channels.shopify.conftest import ADDRESS, SEED, connect, open_shop

ROOT = Path(__file__).resolve().parents[3]


def page(url, **query):
    answer = requests.get(url, params=query, timeout=5)
    assert answer.status_code == 200
    return answer.text


def buy(url, sku, shop, **fields):
    variant = next(row["id"] for row in shop.store.variants.values() if row["sku"] == sku)
    return requests.post(f"{url}/buy", data={"variant": variant, **fields}, timeout=5)


def test_the_page_shows_goods_and_what_is_left_in_both_languages(shop, url):
    shop.add_product({"title": "Lamp", "title_zh": "台灯", "sku": "LAMP", "price": "5", "stock": 2})
    english, chinese = page(url), page(url, lang="zh")
    assert "35 in stock" in english
    assert "Lamp" in english
    assert "台灯" in chinese
    assert "35 件库存" in chinese


def test_buying_takes_stock_and_shows_the_order(shop, url):
    answer = buy(url, "MUG", shop)
    assert answer.history[0].status_code == 303
    assert "Your order is #1001" in answer.text
    assert (shop.stock("MUG"), "11 in stock" in answer.text) == (11, True)


def test_what_is_sold_out_cannot_be_bought(shop, url):
    shop.set_stock("MUG", 0)
    assert "Sold out" in page(url)
    assert "MUG is sold out." in buy(url, "MUG", shop, lang="en").text
    assert "已售罄" in buy(url, "MUG", shop, lang="zh").text


@pytest.mark.parametrize("fields", [{"variant": "nonsense"}, {"variant": ""}, {"quantity": "-1"}, {"quantity": "x"}])
def test_odd_forms_break_nothing(shop, url, fields):
    assert buy(url, "MUG", shop, **fields).status_code == 200


def test_nothing_on_the_page_is_taken_for_markup(shop, url):
    shop.add_product({"title": "<script>alert(1)</script>", "sku": '"><b>', "price": "1", "stock": 1})
    text = page(url, bought="<img src=x>", lang='"><i>')
    assert not re.search(r"<script>alert|<img src=x>|\"><[bi]>", text)
    assert "default-src 'none'" in requests.get(url, timeout=5).headers["Content-Security-Policy"]


# --- controls --------------------------------------------------------------------------------------------------------


def do(url, action, **options):
    return requests.post(f"{url}/_sandbox/do", json={"action": action, **options}, timeout=5)


def test_everything_can_be_done_from_outside(shop, url):
    order = do(url, "place_order", lines=[{"sku": "TOTE", "quantity": 3}], shipping_address=ADDRESS).json()
    do(url, "edit_order", order=order["id"], changes={"TOTE": 2})
    do(url, "update_order", order=order["id"], note="hello")
    do(url, "refund_order", order=order["id"], lines=[["TOTE", 1, "CANCEL"]])
    do(url, "set_stock", sku="MUG", quantity=99)
    state = requests.get(f"{url}/_sandbox/state", timeout=5).json()
    assert (state["orders_count"], state["orders"][0]["name"]) == (1, "#1001")
    assert sum(next(row for row in state["variants"] if row["sku"] == "MUG")["available"].values()) == 99
    assert shop.store.orders[order["id"]]["note"] == "hello"


@pytest.mark.parametrize(
    ("action", "options"),
    [
        ("rob_the_bank", {}),
        ("place_order", {"lines": [{"sku": "NONE"}]}),
        ("edit_order", {"order": "#1"}),
        ("pay_order", {}),
    ],
)
def test_what_cannot_be_done_is_said(url, action, options):
    answer = do(url, action, **options)
    assert (answer.status_code, bool(answer.json()["error"])) == (400, True)


def test_faults_and_quirks_come_and_go_over_http(shop, url):
    requests.post(f"{url}/_sandbox/quirks", json={"kind": "ignore_pushes", "count": 1}, timeout=5)
    requests.post(f"{url}/_sandbox/faults", json={"kind": "status", "status": 500, "path": "graphql"}, timeout=5)
    assert requests.post(f"{url}/admin/api/2026-10/graphql.json", json={}, timeout=5).status_code == 500
    assert requests.get(f"{url}/_sandbox/quirks", timeout=5).json()[0]["kind"] == "ignore_pushes"
    assert requests.delete(f"{url}/_sandbox/quirks", timeout=5).json() == []
    bad = requests.post(f"{url}/_sandbox/quirks", json={"kind": "earthquake"}, timeout=5)
    assert (bad.status_code, "earthquake" in bad.json()["error"]) == (400, True)


def test_calls_are_listed_with_their_times(shop, url):
    connect(url).test_connection()
    (call,) = requests.get(f"{url}/_sandbox/calls", timeout=5).json()
    assert (call["operation"], abs(call["at"] - time.time()) < 60) == ("Shop", True)


def test_a_stream_of_orders_runs_at_its_pace_and_stops(shop, url):
    requests.post(f"{url}/_sandbox/stream", json={"rate": 50}, timeout=5)
    deadline = time.monotonic() + 10
    while len(shop.store.orders) < 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    requests.post(f"{url}/_sandbox/stream", json={"rate": 0}, timeout=5)
    count = len(shop.store.orders)
    time.sleep(0.2)
    assert (count >= 5, len(shop.store.orders)) == (True, count)


def test_buyers_at_once_never_sell_more_than_there_is(shop, url):
    sold = []
    threads = [
        threading.Thread(target=lambda: sold.append("Your order" in buy(url, "MUG", shop).text)) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sold.count(True), shop.stock("MUG")) == (12, 0)


# --- staying ---------------------------------------------------------------------------------------------------------


def test_a_shop_outlives_its_restart(tmp_path):
    file = tmp_path / "shop.json"
    first = open_shop(state_file=file)
    order = first.place_order([{"sku": "TOTE", "quantity": 2}])
    first.close()
    again = ShopifySandbox({"products": []}, state_file=file, throttle=False)
    assert (again.stock("TOTE", "Main"), again.store.orders[order["id"]]["name"]) == (28, "#1001")
    assert again.place_order([{"sku": "TOTE"}])["name"] == "#1002"
    again.close()


def test_the_file_is_whole_at_any_moment(tmp_path):
    file = tmp_path / "shop.json"
    shop = open_shop(state_file=file)
    for _ in range(30):
        shop.place_order([{"sku": "CANDLE"}])
        if file.exists():
            json.loads(file.read_text())
        time.sleep(0.05)
    shop.close()
    assert len(json.loads(file.read_text())["orders"]) == 30
    assert [path.name for path in tmp_path.iterdir()] == ["shop.json"]


def test_the_file_can_be_read_by_its_owner_only(tmp_path):
    shop = open_shop(state_file=tmp_path / "shop.json")
    shop.place_order([{"sku": "MUG"}])
    shop.close()
    assert (tmp_path / "shop.json").stat().st_mode & 0o077 == 0


def test_the_demo_company_can_open_its_shop():
    shop = open_shop(shopify_seed())
    with running(shop) as url:
        listings = [listing for batch in connect(url).pull_listings() for listing in batch.listings]
    variants = {variant["id"] for product in shopify_seed()["products"] for variant in product["variants"]}
    items = {variant["item_id"] for product in shopify_seed()["products"] for variant in product["variants"]}
    assert {listing.external_id for listing in listings} == variants
    assert {listing.stock_id for listing in listings} == items
    assert shop.place_order([{"sku": "X", "custom": True}])["id"] not in variants
    shop.close()


def command(*arguments):
    return [sys.executable, "-m", "channels.sandbox.shopify", *map(str, arguments)]


def test_the_shop_runs_alone_and_keeps_its_orders_when_it_is_stopped(tmp_path):
    seed, state = tmp_path / "seed.json", tmp_path / "shop.json"
    seed.write_text(json.dumps(SEED))
    environment = {**os.environ, "SANDBOX_SHOPIFY_TOKEN": "shpat_cli"}
    process = subprocess.Popen(
        command("--seed", seed, "--state", state), cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        url = re.search(r"http://\S+(?=/)", process.stdout.readline())[0]
        assert connect(url, credentials={"access_token": "shpat_cli"}).test_connection().name == "Harbour & Hill"
        do(url, "place_order", lines=[{"sku": "MUG"}])
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    assert len(json.loads(state.read_text())["orders"]) == 1


def test_a_port_that_is_taken_is_a_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(command("--port", port), cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, f"Port {port} cannot be used" in done.stderr) == (2, True)
