"""Pulling orders over a real socket: complete, in order, whatever the pages do (F20–F23)."""

import datetime as dt
import itertools
import json

import pytest

from channels.connectors.base import ConnectorError
from channels.connectors.shopify import orders as reading
from tests.channels.shopify.conftest import ADDRESS, LONG_AGO, SEED, all_orders, connect, open_shop, parsed


def at(second, hour=8):
    return f"2026-11-01T{hour:02}:00:{second:02}Z"


def place_many(shop, count, **details):
    return [shop.place_order([{"sku": "CANDLE"}], **details)["id"] for _ in range(count)]


def ids(orders):
    return [order.external_id for order in orders]


def test_all_orders_come_oldest_first_over_several_pages(shop, url):
    placed = [shop.place_order([{"sku": "MUG"}], at=at(second))["id"] for second in (30, 10, 20)]
    connector = connect(url, order_page_size=1)
    assert ids(all_orders(connector)) == [placed[1], placed[2], placed[0]]


def test_orders_of_any_status_come(shop, connector):
    placed = place_many(shop, 3)
    shop.cancel_order(placed[0])
    shop.fulfil_order(placed[1])
    assert sorted(ids(all_orders(connector))) == sorted(placed)


def test_only_orders_updated_since_then_come_and_the_second_itself_is_included(shop, connector):
    early, late = (shop.place_order([{"sku": "MUG"}], at=at(second))["id"] for second in (10, 20))
    since = dt.datetime(2026, 11, 1, 8, 0, 20, 900_000, tzinfo=dt.UTC)
    assert ids(all_orders(connector, since)) == [late]
    assert ids(all_orders(connector, since - dt.timedelta(seconds=10))) == [early, late]


def test_a_time_in_another_zone_means_the_same_moment(shop, connector):
    placed = shop.place_order([{"sku": "MUG"}], at=at(20))["id"]
    shanghai = dt.timezone(dt.timedelta(hours=8))
    assert ids(all_orders(connector, dt.datetime(2026, 11, 1, 16, 0, 20, tzinfo=shanghai))) == [placed]
    assert ids(all_orders(connector, dt.datetime(2026, 11, 1, 16, 0, 21, tzinfo=shanghai))) == []


def test_updated_at_with_an_offset_is_read_as_that_moment(shop, connector):
    placed = shop.place_order([{"sku": "MUG"}])["id"]
    shop.update_order(placed, updatedAt="2026-11-01T16:00:20+08:00")
    assert all_orders(connector)[0].updated_at == dt.datetime(2026, 11, 1, 8, 0, 20, tzinfo=dt.UTC)


def test_two_hundred_orders_of_one_second_all_come_once(shop, url):
    shop.quirks.add("equal_timestamps")
    placed = place_many(shop, 200)
    assert len({order["updatedAt"] for order in shop.store.orders.values()}) == 1
    assert sorted(ids(all_orders(connect(url, order_page_size=7)))) == sorted(placed)


def test_a_walk_goes_on_from_its_cursor(shop, url):
    place_many(shop, 5)
    connector = connect(url, order_page_size=2)
    first = next(connector.pull_orders(since=LONG_AGO))
    rest = [order for page in connector.pull_orders(since=LONG_AGO, cursor=first.next_cursor) for order in page.orders]
    assert len(first.orders) + len(rest) == 5
    assert not {order.external_id for order in first.orders} & set(ids(rest))


def test_a_cursor_that_is_not_ours_is_refused(connector):
    with pytest.raises(ConnectorError, match="bad_cursor"):
        next(connector.pull_orders(since=LONG_AGO, cursor="eyJ4Ijox"))


def test_an_order_of_two_thousand_lines_comes_whole(shop, connector):
    lines = [{"sku": f"L{index}", "custom": True, "price": "1.25"} for index in range(2000)]
    order = parsed(connector, shop.place_order(lines))
    assert [line.sku for line in order.lines] == [f"L{index}" for index in range(2000)]
    assert (order.total, order.rounding) == (2760, 0)


def test_long_parcels_and_refunds_come_whole(shop, connector):
    order = shop.place_order([{"sku": f"L{index}", "custom": True, "quantity": 2, "price": "1"} for index in range(60)])
    shop.refund_order(order["id"], [(line["id"], 1, "CANCEL") for line in order["lines"]])
    shop.fulfil_order(order["id"], {"company": "UPS", "number": "1Z9", "url": None})
    got = parsed(connector, order)
    assert len(got.refunds[0].lines) == len(got.fulfilments[0].lines) == 60


def test_lines_of_two_versions_of_an_order_are_never_mixed(shop, connector, monkeypatch):
    order = shop.place_order([{"sku": f"L{index}", "custom": True} for index in range(20)])
    follow, changes = reading.OrderReader._follow_lines, iter([5])

    def edited_meanwhile(self, raw):
        for second in changes:
            shop.update_order(order["id"], updatedAt=at(second), note="changed meanwhile")
        follow(self, raw)

    monkeypatch.setattr(reading.OrderReader, "_follow_lines", edited_meanwhile)
    (raw,) = all_orders(connector)
    got = connector.parse_order(raw.body)
    assert (len(got.lines), got.buyer_note) == (20, "changed meanwhile")


def test_a_long_order_goes_on_where_the_points_ran_out(shop, url):
    order = shop.place_order([{"sku": f"L{index}", "custom": True} for index in range(700)])
    connector = connect(url, sleep=None)
    shop.faults.add("status", "operation=OrderLines", skip=2, status=429, headers={"Retry-After": "0"})
    with pytest.raises(ConnectorError, match="throttled"):
        connector.pull_order(order["id"])
    before = shop.endpoint.asked["OrderLines"]
    raw = connector.pull_order(order["id"])
    assert len(json.loads(raw.body)["order"]["lineItems"]["nodes"]) == 700
    assert (before, shop.endpoint.asked["OrderLines"]) == (2, 4)


def test_one_order_is_found_by_id_or_number_and_a_stranger_is_none(shop, connector):
    order = shop.place_order([{"sku": "MUG"}])["id"]
    assert connector.pull_order(order).external_id == order
    assert connector.pull_order(order.rpartition("/")[2]).external_id == order
    assert connector.pull_order("gid://shopify/Order/99") is None
    assert connector.pull_order("gid://shopify/Product/99") is None


def test_without_the_scope_for_all_orders_old_ones_are_not_shown(shop, connector):
    shop.store.shop["scopes"].remove("read_all_orders")
    shop.place_order([{"sku": "MUG"}], at="2025-01-01T00:00:00Z")
    recent = shop.place_order([{"sku": "MUG"}])["id"]
    assert ids(all_orders(connector)) == [recent]


# --- pages that misbehave --------------------------------------------------------------------------------------------


def test_a_page_that_comes_twice_brings_its_orders_twice_and_loses_none(shop, url):
    placed = place_many(shop, 6)
    shop.quirks.add("duplicate_page", count=1)
    got = ids(all_orders(connect(url, order_page_size=2)))
    assert (len(got), sorted(set(got))) == (8, sorted(placed))


def test_a_cursor_that_leads_to_itself_is_an_error_and_not_a_loop(shop, url):
    place_many(shop, 6)
    shop.quirks.add("repeated_cursor")
    pages = connect(url, order_page_size=2).pull_orders(since=LONG_AGO)
    with pytest.raises(ConnectorError, match="cursor_loop") as caught:
        list(itertools.islice(pages, 20))
    assert not caught.value.permanent


def test_an_empty_page_in_the_middle_does_not_end_the_walk(shop, url):
    placed = place_many(shop, 6)
    shop.quirks.add("empty_page", skip=1, count=1)
    assert ids(all_orders(connect(url, order_page_size=2))) == placed


def test_an_order_placed_while_paging_comes_at_the_end(shop, url):
    placed = [shop.place_order([{"sku": "MUG"}], at=at(second))["id"] for second in range(4)]
    walk = connect(url, order_page_size=2).pull_orders(since=LONG_AGO)
    got = list(next(walk).orders)
    late = shop.place_order([{"sku": "MUG"}], at=at(59))["id"]
    got += [order for page in walk for order in page.orders]
    assert ids(got) == [*placed, late]


def test_an_order_updated_while_paging_is_not_lost(shop, url):
    placed = [shop.place_order([{"sku": "MUG"}], at=at(second))["id"] for second in range(4)]
    walk = connect(url, order_page_size=2).pull_orders(since=LONG_AGO)
    got = list(next(walk).orders)
    shop.update_order(placed[2], note="moved to the end", updatedAt=at(58))
    got += [order for page in walk for order in page.orders]
    assert sorted(ids(got)) == sorted(placed)


def test_an_order_that_appears_late_is_found_by_looking_back(shop, connector):
    now = [dt.datetime(2026, 11, 1, 8, 0, tzinfo=dt.UTC)]
    shop.store.clock = lambda: now[0]
    shop.quirks.add("late_orders", seconds=600, count=1)
    late = place_many(shop, 1)
    assert all_orders(connector, now[0]) == []
    now[0] += dt.timedelta(minutes=10)
    assert ids(all_orders(connector, now[0] - connector.overlap)) == late


def test_beyond_twenty_thousand_rows_the_walk_starts_anew_from_the_last_time_seen(shop, url, monkeypatch):
    monkeypatch.setattr(reading, "ROWS_PER_WALK", 4)
    placed = [shop.place_order([{"sku": "CANDLE"}], at=at(second))["id"] for second in range(11)]
    got = ids(all_orders(connect(url, order_page_size=2)))
    assert sorted(set(got)) == sorted(placed)
    assert len(got) == 11 + 3  # the order at each new start comes again


def test_more_orders_in_one_second_than_a_walk_has_rows_still_come(shop, url, monkeypatch):
    monkeypatch.setattr(reading, "ROWS_PER_WALK", 4)
    placed = [shop.place_order([{"sku": "CANDLE"}], at=at(1))["id"] for _ in range(9)]
    assert sorted(set(ids(all_orders(connect(url, order_page_size=2))))) == sorted(placed)


# --- scopes ----------------------------------------------------------------------------------------------------------


def test_what_our_scopes_do_not_reach_is_left_out_and_named(shop, connector):
    shop.store.shop["scopes"].remove("read_customers")
    order = shop.place_order([{"sku": "MUG"}], buyer={"name": "Ann Bell", "email": "ann@example.com"})
    got = parsed(connector, order)
    assert (got.buyer.external_id, got.buyer.email) == ("", "ann@example.com")
    assert got.extra["withheld"] == "customer"


def test_withheld_addresses_are_none_and_not_blank(shop, connector):
    shop.quirks.add("access_denied", names=["Order.shippingAddress", "Order.billingAddress"])
    shop.place_order([{"sku": "MUG"}], shipping_address=ADDRESS)
    (raw,) = all_orders(connector)
    got = connector.parse_order(raw.body)
    assert (got.shipping, got.extra["withheld"]) == (None, "billingAddress, shippingAddress")


def test_without_the_scopes_for_fulfilment_orders_orders_come_all_the_same(shop, connector):
    shop.quirks.add("access_denied", names=["Order.fulfillmentOrders"])
    place_many(shop, 2)
    assert len(all_orders(connector)) == 2


def test_without_the_scope_for_orders_it_is_said_which_is_missing():
    seed = {**SEED, "scopes": ["read_products"]}
    shop = open_shop(seed)
    from backoffice.practice.server import running

    with running(shop) as url, pytest.raises(ConnectorError, match="read_orders") as caught:
        all_orders(connect(url))
    shop.close()
    assert (caught.value.code, caught.value.permanent) == ("access_denied", True)
