"""Walking the orders: none is lost at a page's edge, within one second, while orders move, or when cut off."""

import datetime as dt
import json

import pytest

from channels.connectors.base import ConnectorError, HttpResponse
from orders.contracts import OrderStatus
from tests.channels.woocommerce.captures import Replay, capture
from tests.channels.woocommerce.conftest import connector_to

MINUTE = dt.timedelta(minutes=1)


def place(store, clock, count, *, seconds=0):
    """Place orders, each `seconds` after the one before; return their ids."""
    ids = []
    for _ in range(count):
        clock.forward(seconds)
        ids.append(str(store.place_order([("CARD", 1)])["id"]))
    return ids


def walk(woo, since, cursor=None):
    pages = list(woo.pull_orders(since=since, cursor=cursor))
    cursors = [page.next_cursor for page in pages]
    assert len(set(cursors)) == len(cursors)
    assert cursors[-1] is None
    return [order.external_id for page in pages for order in page.orders]


def test_orders_come_oldest_change_first_with_the_stores_clock(store, woo, clock):
    since = clock() - MINUTE
    ids = place(store, clock, 3, seconds=1)
    page = next(iter(woo.pull_orders(since=since)))
    assert [order.external_id for order in page.orders] == ids
    assert page.orders[0].updated_at == clock() - dt.timedelta(seconds=2)
    assert page.server_time == clock()


def test_the_beginning_is_inclusive_to_the_second(store, woo, clock):
    ids = place(store, clock, 2, seconds=1)
    assert walk(woo, clock()) == ids[1:]
    assert walk(woo, clock() - dt.timedelta(milliseconds=1)) == ids
    assert walk(woo, clock() + dt.timedelta(milliseconds=900)) == ids[1:]


def test_times_are_asked_in_gmt_whatever_the_shops_zone(store, woo, clock):
    (order,) = place(store, clock, 1)
    since = clock().astimezone(dt.timezone(dt.timedelta(hours=8)))
    assert walk(woo, since) == [order]
    asked = [call["query"] for call in store.calls if call["path"].endswith("/orders")][0]
    assert "modified_after=2026-11-21T16%3A41%3A43&dates_are_gmt=true&orderby=modified&order=asc&per_page=100" in asked


@pytest.mark.parametrize("count", [1, 5, 6, 25, 31])
def test_all_pages_come_each_order_once(count, store, url, http, clock):
    since = clock() - MINUTE
    ids = place(store, clock, count, seconds=1)
    assert walk(connector_to(url, http, clock, order_page_size=5), since) == ids


def test_two_hundred_and_fifty_orders_of_one_second_all_come(store, woo, clock):
    before = place(store, clock, 3, seconds=1)
    clock.forward(1)
    crowd = place(store, clock, 250)
    after = place(store, clock, 3, seconds=1)
    assert sorted(walk(woo, clock() - MINUTE), key=int) == before + crowd + after


def test_more_of_one_second_than_fit_into_an_address(store, url, http, clock):
    crowd = place(store, clock, 130)
    woo = connector_to(url, http, clock, order_page_size=10)
    import channels.connectors.woocommerce.order_walk as order_walk

    limit, order_walk.MOST_EXCLUDED = order_walk.MOST_EXCLUDED, 40
    try:
        assert sorted(walk(woo, clock()), key=int) == crowd
    finally:
        order_walk.MOST_EXCLUDED = limit


class Forgetful:
    """An HTTP client that takes a parameter away, as a store does that does not know it."""

    def __init__(self, inner, name):
        self.inner, self.name = inner, name

    def request(self, method, url, *, params=None, **rest):
        kept = {key: value for key, value in (params or {}).items() if key != self.name and not key.startswith("oauth")}
        return self.inner.request(method, url, params=kept, **rest)


@pytest.mark.parametrize("name", ["exclude", "modified_after"])
def test_a_store_that_ignores_a_parameter_is_walked_by_page_numbers(name, store, url, http, clock):
    store.https = True
    ids = place(store, clock, 23)
    address = url.replace("http:", "https:")

    class Plain(Forgetful):
        def request(self, method, target, **rest):
            return super().request(method, target.replace("https:", "http:"), **rest)

    woo = connector_to(address, Plain(http, name), clock, order_page_size=5)
    assert sorted(walk(woo, clock()), key=int) == ids


def test_an_order_that_changes_under_the_walk_makes_none_disappear(store, url, http, clock):
    ids = place(store, clock, 20, seconds=1)
    woo = connector_to(url, http, clock, order_page_size=5)
    seen = []
    for number, page in enumerate(woo.pull_orders(since=clock() - MINUTE)):
        seen += [order.external_id for order in page.orders]
        if number < 3:
            # The first orders move to the end: page numbers would now skip as many.
            clock.forward(1)
            for order_id in ids[number * 3 : number * 3 + 3]:
                store.change_order(order_id, {"customer_note": "changed"})
    assert set(seen) == set(ids)
    assert {order_id for order_id in ids if seen.count(order_id) > 1} <= set(ids[:9])


def test_within_one_second_too(store, url, http, clock):
    ids = place(store, clock, 20)
    woo = connector_to(url, http, clock, order_page_size=5)
    seen = []
    for number, page in enumerate(woo.pull_orders(since=clock())):
        seen += [order.external_id for order in page.orders]
        if number == 0:
            clock.forward(1)
            for order_id in ids[:5]:
                store.change_order(order_id, {"customer_note": "changed"})
    assert set(seen) == set(ids)


def test_a_walk_that_was_cut_off_goes_on_at_its_cursor(store, url, http, clock):
    since = clock() - MINUTE
    ids = place(store, clock, 23, seconds=1)
    woo = connector_to(url, http, clock, order_page_size=5)
    first = next(iter(woo.pull_orders(since=since)))
    rest = walk(woo, since, cursor=first.next_cursor)
    assert [order.external_id for order in first.orders] == ids[:5]
    assert rest == ids[4:]


def test_a_walk_cut_off_within_a_crowded_second_repeats_it_with_new_cursors(store, url, http, clock):
    ids = place(store, clock, 23)
    woo = connector_to(url, http, clock, order_page_size=5)
    walking = iter(woo.pull_orders(since=clock()))
    cursors = [next(walking).next_cursor for _ in range(3)]
    pages = list(woo.pull_orders(since=clock(), cursor=cursors[-1]))
    assert {order.external_id for page in pages for order in page.orders} == set(ids)
    assert not {page.next_cursor for page in pages} & set(cursors)


@pytest.mark.parametrize("cursor", ["x", "all|2026-11-21T16:41:44|1", "any|yesterday|1", "any|2026-11-21T16:41:44|x"])
def test_a_cursor_that_is_none_is_refused(cursor, woo, clock):
    with pytest.raises(ConnectorError, match="bad_cursor"):
        list(woo.pull_orders(since=clock(), cursor=cursor))


def test_a_page_size_that_is_no_number_is_refused_and_one_too_large_is_cut(store, url, http, clock):
    with pytest.raises(ConnectorError, match="bad_option"):
        connector_to(url, http, clock, order_page_size="many").pull_orders(since=clock())
    list(connector_to(url, http, clock, order_page_size=500).pull_orders(since=clock()))
    assert "per_page=100" in store.calls[0]["query"]


def test_trash_comes_by_a_walk_of_its_own(store, woo, clock):
    ids = place(store, clock, 2, seconds=1)
    since = clock() - MINUTE
    clock.forward(5)
    store.trash_order(ids[0])
    pages = [list(page.orders) for page in woo.pull_orders(since=since)]
    assert [[order.external_id for order in page] for page in pages] == [ids[1:], ids[:1]]
    assert woo.parse_order(pages[1][0].body).status == OrderStatus.DELETED


def test_custom_statuses_come_and_unregistered_ones_only_by_number(store, woo, clock):
    packed, gone = place(store, clock, 2)
    store.change_order(packed, {"status": "packed"})
    store.change_order(gone, {"status": "shipped-by-plugin"})
    assert walk(woo, clock()) == [packed]
    assert woo.parse_order(woo.pull_order(gone).body).extra["status"] == "shipped-by-plugin"


def test_checkout_drafts_are_left_out(store, woo, clock):
    draft = store.place_order([("CARD", 1)], status="checkout-draft")
    (order,) = place(store, clock, 1)
    assert walk(woo, clock()) == [order]
    assert woo.pull_order(str(draft["id"])) is None


def test_refunds_come_with_the_order_and_only_refunded_orders_cost_a_call(store, woo, clock):
    first = store.place_order([("TEA", 2)])
    place(store, clock, 1)
    store.refund_order(
        first["id"], {"line_items": [{"id": first["line_items"][0]["id"], "quantity": 1, "refund_total": 9.58}]}
    )
    page = next(iter(woo.pull_orders(since=clock())))
    order = next(woo.parse_order(raw.body) for raw in page.orders if raw.external_id == str(first["id"]))
    assert (order.lines[0].quantity, order.refunds[0].lines[0].restock) == (1, True)
    assert len([call for call in store.calls if call["path"].endswith("/refunds")]) == 1


def test_a_change_of_nothing_moves_the_date_and_the_order_comes_again(store, woo, clock):
    (order,) = place(store, clock, 1)
    clock.forward(10)
    assert walk(woo, clock()) == []
    store.change_order(order, {})
    assert walk(woo, clock()) == [order]


def test_a_note_does_not_move_the_date_but_a_refund_does(store, woo, clock):
    order = store.place_order([("TEA", 1)])
    clock.forward(10)
    woo.client.write("POST", f"orders/{order['id']}/notes", {"note": "hello"})
    assert walk(woo, clock()) == []
    store.refund_order(order["id"], {"amount": "1.00"})
    assert walk(woo, clock()) == [str(order["id"])]


def test_one_order_by_number(store, woo, clock):
    (order,) = place(store, clock, 1)
    store.trash_order(order)
    raw = woo.pull_order(order)
    assert (raw.external_id, raw.updated_at) == (order, clock())
    assert woo.parse_order(raw.body).status == OrderStatus.DELETED
    assert [woo.pull_order(number) for number in ("99999", "12", "abc", "", "1;2")] == [None] * 5


def test_a_page_that_comes_empty_in_the_middle_is_an_error_and_not_the_end(store, url, http, clock):
    place(store, clock, 12, seconds=1)
    store.faults.add("ignore", r"/orders\?", skip=1, body="[]", headers={"X-WP-Total": "0", "X-WP-TotalPages": "0"})
    walking = iter(connector_to(url, http, clock, order_page_size=5).pull_orders(since=clock() - MINUTE))
    assert len(next(walking).orders) == 5
    with pytest.raises(ConnectorError) as caught:
        next(walking)
    assert (caught.value.code, caught.value.permanent) == ("short_page", False)


def test_a_page_thinned_out_by_a_plugin_is_not_the_end():
    order = capture("22")["body"][0]
    head = {"content-type": "application/json", "x-wp-total": "150"}
    full = HttpResponse(200, head, json.dumps([order]).encode())
    last = [{**order, "id": 99, "date_modified_gmt": "2026-11-21T17:00:00"}]
    tail = HttpResponse(200, {**head, "x-wp-total": "1"}, json.dumps(last).encode())
    none = HttpResponse(200, {**head, "x-wp-total": "0"}, b"[]")
    http = Replay(("GET", "orders", full), ("GET", "orders", tail), ("GET", "orders", none))
    woo = connector_to("https://shop.example", http, None)
    assert walk(woo, dt.datetime(2026, 11, 1, tzinfo=dt.UTC)) == ["23", "99"]


def test_the_same_page_for_ever_is_a_loop():
    rows = [{**capture("22")["body"][0], "id": number} for number in range(1, 6)]
    page = HttpResponse(200, {"content-type": "application/json", "x-wp-total": "90"}, json.dumps(rows).encode())
    woo = connector_to("https://shop.example", Replay(("GET", "orders", page)), None, order_page_size=5)
    with pytest.raises(ConnectorError, match="page_loop"):
        walk(woo, dt.datetime(2026, 11, 21, 16, 41, 45, tzinfo=dt.UTC))


@pytest.mark.parametrize(
    ("body", "code"),
    [(b'{"code": "x"}', "bad_json"), (b"[1]", "bad_json"), (b'[{"id": "7"}]', "bad_json"), (b"<html>", "not_json")],
)
def test_a_page_of_something_else_is_an_error(body, code):
    woo = connector_to("https://shop.example", Replay(("GET", "orders", HttpResponse(200, {}, body))), None)
    with pytest.raises(ConnectorError) as caught:
        walk(woo, dt.datetime(2026, 11, 21, tzinfo=dt.UTC))
    assert (caught.value.code, caught.value.permanent) == (code, False)


def test_the_recorded_pages_keep_each_order_byte_for_byte():
    http = Replay(("GET", "orders", "22"), ("GET", "orders", "24"), ("GET", "orders", "24"))
    page = next(
        iter(connector_to("https://shop.example", http, None).pull_orders(since=dt.datetime(2020, 1, 1, tzinfo=dt.UTC)))
    )
    assert [order.external_id for order in page.orders] == ["23", "24"]
    text = json.dumps(capture("22")["body"][0], ensure_ascii=False).encode()
    assert page.orders[0].body == b'{"order":' + text + b',"refunds":[]}'
    assert http.calls[0]["params"]["modified_after"] == "2019-12-31T23:59:59"


def test_the_recorded_refunds_are_joined_to_their_order():
    http = Replay(("GET", "orders/23", "43"), ("GET", "orders/23/refunds", "42"))
    woo = connector_to("https://shop.example", http, None)
    order = woo.parse_order(woo.pull_order("23").body)
    assert (order.refunds[0].external_id, order.lines[0].quantity) == ("26", 1)
