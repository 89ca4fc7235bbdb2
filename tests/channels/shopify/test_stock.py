"""Publishing stock: compared before it is written, one bad row alone, repeats without harm, lost answers unknown."""

import time

import pytest

from backoffice.calls.http import make_client
from channels.connectors.base import ConnectorError, StockKey, StockWrite, WriteStatus
from tests.channels.shopify.conftest import SEED, connect, keys_of, open_shop

APPLIED, STALE, REJECTED = WriteStatus.APPLIED, WriteStatus.STALE, WriteStatus.REJECTED
UNKNOWN, IGNORED = WriteStatus.UNKNOWN, WriteStatus.IGNORED


@pytest.fixture
def write(shop, connector):
    """Make a write: SKU, figure, what we last saw there (default: what is there)."""
    listings, main = keys_of(connector), connector.list_locations()[1].external_id

    def make(sku, quantity, expected="shown", *, key="k1", location=main):
        listing = listings[sku]
        stock_key = StockKey(listing_id=listing.external_id, stock_id=listing.stock_id, location_id=location)
        seen = listing.quantities.get(location) if expected == "shown" else expected
        return StockWrite(key=stock_key, quantity=quantity, expected=seen, idempotency_key=f"{key}:{sku}")

    return make


def outcome(results):
    return [(result.status, result.observed) for result in results]


def test_figures_are_set_and_read_back(shop, connector, write):
    results = connector.push_stock([write("TOTE", 7), write("MUG", 0)])
    assert outcome(results) == [(APPLIED, 7), (APPLIED, 0)]
    assert (shop.stock("TOTE", "Main"), shop.stock("TOTE", "Berlin"), shop.stock("MUG")) == (7, 5, 0)


def test_a_figure_sold_from_meanwhile_is_stale_and_stays(shop, connector, write):
    stale = write("TOTE", 40)
    shop.place_order([{"sku": "TOTE", "quantity": 3}])
    (result,) = connector.push_stock([stale])
    assert (result.status, result.observed, result.permanent) == (STALE, 27, False)
    assert shop.stock("TOTE", "Main") == 27


def test_without_an_expected_figure_nothing_is_compared(shop, connector, write):
    shop.set_stock("TOTE", 3, "Main")
    assert outcome(connector.push_stock([write("TOTE", 9, None)])) == [(APPLIED, 9)]


def test_one_bad_row_never_sinks_the_others(shop, connector, write):
    shop.add_product({"title": "Set", "sku": "SET", "bundle": True})
    bundle = keys_of(connector)["SET"]
    main = write("TOTE", 1).key.location_id
    bad = StockKey(listing_id="", stock_id=bundle.stock_id, location_id=main)
    writes = [write("TOTE", 7), StockWrite(key=bad, quantity=1, expected=None, idempotency_key="b"), write("MUG", 3)]
    results = connector.push_stock(writes)
    assert [result.status for result in results] == [APPLIED, REJECTED, APPLIED]
    assert (results[1].code, results[1].permanent) == ("not_pushable", True)
    assert [result.key for result in results] == [write.key for write in writes]
    assert (shop.stock("TOTE", "Main"), shop.stock("MUG")) == (7, 3)


def test_rows_of_every_fate_in_one_batch(shop, connector, write):
    main = write("TOTE", 1).key.location_id
    gone = StockKey(listing_id="", stock_id="gid://shopify/InventoryItem/404", location_id=main)
    shop.set_stock("MUG", 11)
    results = connector.push_stock(
        [
            write("MUG", 2),
            StockWrite(key=gone, quantity=1, expected=None, idempotency_key="g"),
            write("TOTE", 8),
            write("CANDLE", -1),
            write("CANDLE", 4),
        ]
    )
    assert [(result.status, result.code) for result in results] == [
        (STALE, "stale"),
        (REJECTED, "listing_gone"),
        (APPLIED, ""),
        (REJECTED, "bad_quantity"),
        (APPLIED, ""),
    ]
    assert shop.endpoint.asked["SetStock"] == 2


def test_a_place_where_it_is_not_stocked_is_refused_for_good(shop, connector, write):
    berlin = connector.list_locations()[0].external_id
    (result,) = connector.push_stock([write("MUG", 3, None, location=berlin)])
    assert (result.status, result.code, result.permanent) == (REJECTED, "not_stocked_there", True)


@pytest.mark.parametrize(("field", "code"), [("stock_id", "listing_gone"), ("location_id", "not_stocked_there")])
def test_ids_that_shopify_cannot_read_are_refused_before_sending(shop, connector, write, field, code):
    good = write("TOTE", 3)
    ids = {"listing_id": "", "stock_id": good.key.stock_id, "location_id": good.key.location_id, field: "12"}
    broken = StockWrite(key=StockKey(**ids), quantity=1, expected=None, idempotency_key="x")
    results = connector.push_stock([broken, good])
    assert [(result.status, result.code) for result in results] == [(REJECTED, code), (APPLIED, "")]
    assert shop.endpoint.asked["SetStock"] == 1


def test_more_rows_than_one_call_may_hold(url, shop, connector):
    for index in range(300):
        shop.add_product({"title": f"P{index}", "sku": f"P{index}", "price": "1", "stock": 1})
    listings = [listing for sku, listing in keys_of(connector).items() if sku.startswith("P")]
    keys = [StockKey(listing_id="", stock_id=one.stock_id, location_id=next(iter(one.quantities))) for one in listings]
    writes = [StockWrite(key=key, quantity=2, expected=1, idempotency_key=key.stock_id) for key in keys]
    assert {result.status for result in connector.push_stock(writes)} == {APPLIED}
    assert shop.endpoint.asked["SetStock"] == 2


def test_two_figures_for_one_place_are_written_in_their_order(shop, connector, write):
    first, second = write("TOTE", 7), write("TOTE", 6, 7, key="k2")
    assert [result.status for result in connector.push_stock([first, second])] == [APPLIED, APPLIED]
    assert shop.stock("TOTE", "Main") == 6


def test_no_rows_no_call(shop, connector):
    assert connector.push_stock([]) == ()
    assert shop.endpoint.asked["SetStock"] == 0


# --- repeats and lost answers (F18, F39) -----------------------------------------------------------------------------


def test_a_repeat_of_the_same_write_changes_nothing_again(shop, connector, write):
    same = write("TOTE", 7)
    connector.push_stock([same])
    shop.place_order([{"sku": "TOTE", "quantity": 2}])
    (again,) = connector.push_stock([same])
    # Over there it was one write: the answer is the first one's, and the sale since then is not overwritten.
    assert (shop.stock("TOTE", "Main"), again.observed) == (5, 5)
    assert again.status is IGNORED


def test_an_older_push_that_arrives_after_a_newer_is_refused(shop, connector, write):
    older, newer = write("TOTE", 20), write("TOTE", 10, key="k2")
    connector.push_stock([newer])
    (late,) = connector.push_stock([older])
    assert (late.status, late.observed, shop.stock("TOTE", "Main")) == (STALE, 10, 10)


def hurried(url):
    return connect(url, http=make_client(allow=["127.0.0.1"], read_timeout=2, total_timeout=2), sleep=None)


def test_a_time_out_after_the_write_was_applied_is_unknown_with_the_figure_read(shop, url, write):
    shop.faults.add("timeout_after", "operation=SetStock", seconds=3)
    (result,) = hurried(url).push_stock([write("TOTE", 7)])
    assert (result.status, result.code, result.observed, result.permanent) == (UNKNOWN, "timeout", 7, False)


def test_a_time_out_before_the_write_was_applied_is_unknown_too(shop, url, write):
    shop.faults.add("timeout_before", "operation=SetStock", seconds=3)
    (result,) = hurried(url).push_stock([write("TOTE", 7)])
    assert (result.status, result.observed) == (UNKNOWN, 30)


def test_the_repeat_after_a_lost_answer_is_one_write_over_there(shop, url, connector, write):
    shop.faults.add("drop_after", "operation=SetStock")
    same = write("TOTE", 7)
    assert connector.push_stock([same])[0].status is UNKNOWN
    assert outcome(connector.push_stock([same])) == [(APPLIED, 7)]
    assert len(shop.store.idempotency) == 1


@pytest.mark.parametrize("fault", ["html", "truncate", "gzip_lie", "wrong_type"])
def test_an_answer_that_cannot_be_read_leaves_the_write_unknown(shop, connector, write, fault):
    shop.faults.add(fault, "operation=SetStock")
    assert connector.push_stock([write("TOTE", 7)])[0].status is UNKNOWN


@pytest.mark.parametrize("quirk", ["internal_error", "internal_error_after"])
def test_an_internal_error_leaves_the_write_unknown(shop, connector, write, quirk):
    shop.quirks.add(quirk, operation="SetStock", count=1)
    (result,) = connector.push_stock([write("TOTE", 7)])
    assert (result.status, result.observed) == (UNKNOWN, 7 if quirk.endswith("after") else 30)


def test_a_write_still_in_progress_over_there_is_unknown(shop, connector, write):
    shop.quirks.add("idempotency_concurrent", count=1)
    (result,) = connector.push_stock([write("TOTE", 7)])
    assert (result.status, result.code) == (UNKNOWN, "in_progress")


def test_a_write_that_failed_before_is_tried_under_a_fresh_key(shop, connector, write):
    same = write("TOTE", 7, 29)
    assert connector.push_stock([same])[0].status is STALE
    shop.set_stock("TOTE", 29, "Main")
    assert outcome(connector.push_stock([same])) == [(APPLIED, 7)]


def test_a_refusal_while_nothing_was_sent_is_raised_with_its_wait(shop, url, write):
    shop.faults.add("status", "operation=SetStock", status=429, headers={"Retry-After": "7"})
    with pytest.raises(ConnectorError) as caught:
        connect(url, sleep=None).push_stock([write("TOTE", 7)])
    assert (caught.value.code, caught.value.retry_after, caught.value.unknown) == ("throttled", 7.0, False)
    assert shop.stock("TOTE", "Main") == 30


def test_a_fault_in_the_middle_leaves_the_results_known_so_far(shop, url, write):
    shop.faults.add("status", "operation=SetStock", skip=1, status=429, headers={"Retry-After": "7"})
    connector = connect(url, sleep=None, read_back=False)
    results = connector.push_stock([write("TOTE", 7), write("TOTE", 6, 7, key="k2")])
    assert [(result.status, result.code) for result in results] == [(APPLIED, ""), (REJECTED, "throttled")]
    assert not results[1].permanent


# --- what the shop does on its own (F40) -----------------------------------------------------------------------------


def test_a_push_answered_as_done_but_not_shown_is_ignored(shop, connector, write):
    shop.quirks.add("ignore_pushes", count=1)
    assert outcome(connector.push_stock([write("TOTE", 7)])) == [(IGNORED, 30)]


def test_stock_that_the_shop_changes_by_itself_is_seen_when_read(shop, connector, write):
    shop.set_stock("TOTE", 99, "Main")
    assert connector.read_stock([write("TOTE", 7).key])[0].quantity == 99


def test_a_read_back_that_fails_does_not_hide_that_the_write_was_taken(shop, connector, write):
    shop.faults.add("status", "operation=Stock", status=500)
    assert outcome(connector.push_stock([write("TOTE", 7)])) == [(APPLIED, None)]


def test_without_read_back_one_call_is_enough(shop, url, write):
    assert outcome(connect(url, read_back=False).push_stock([write("TOTE", 7)])) == [(APPLIED, None)]
    assert shop.endpoint.asked["Stock"] == 0


def test_a_wrong_token_is_an_error_of_the_account_and_not_of_the_rows(url, write):
    with pytest.raises(ConnectorError) as caught:
        connect(url, credentials={"access_token": "shpat_wrong"}).push_stock([write("TOTE", 7)])
    assert (caught.value.code, caught.value.auth, caught.value.permanent) == ("unauthorized", True, True)


def test_a_missing_scope_is_said_and_nothing_is_written(write, url, shop):
    shop.store.shop["scopes"].remove("write_inventory")
    with pytest.raises(ConnectorError, match="write_inventory") as caught:
        connect(url).push_stock([write("TOTE", 7)])
    assert (caught.value.code, shop.stock("TOTE", "Main")) == ("access_denied", 30)


def test_a_hundred_rows_are_quick(shop, url):
    seed = {**SEED, "products": [{"title": f"P{i}", "sku": f"P{i}", "price": "1", "stock": 1} for i in range(100)]}
    from backoffice.practice.server import running

    big = open_shop(seed)
    with running(big) as where:
        connector = connect(where)
        keys = [
            StockKey(listing_id="", stock_id=one.stock_id, location_id=next(iter(one.quantities)))
            for one in keys_of(connector).values()
        ]
        began = time.monotonic()
        connector.push_stock([StockWrite(key=k, quantity=2, expected=1, idempotency_key=k.stock_id) for k in keys])
    big.close()
    assert time.monotonic() - began < 2.0
