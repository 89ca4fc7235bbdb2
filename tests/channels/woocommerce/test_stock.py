"""Publishing figures: what moved is left alone, what was ignored is said, one bad row sinks no other."""

import pytest

from channels.connectors.base import ConnectorError, HttpResponse, StockKey, StockWrite, WriteStatus
from tests.channels.woocommerce.captures import Replay, capture
from tests.channels.woocommerce.conftest import connector_to

APPLIED, STALE, IGNORED = WriteStatus.APPLIED, WriteStatus.STALE, WriteStatus.IGNORED
REJECTED, UNKNOWN = WriteStatus.REJECTED, WriteStatus.UNKNOWN


def write(stock_id, quantity, expected=None):
    key = StockKey(listing_id=stock_id, stock_id=stock_id)
    return StockWrite(key=key, quantity=quantity, expected=expected, idempotency_key=f"k-{stock_id}")


def push(woo, *writes):
    return [(row.status, row.observed, row.code) for row in woo.push_stock(writes)]


def batches(store):
    return [call["path"].removeprefix("/wp-json/wc/v3/") for call in store.calls if call["method"] == "POST"]


def test_figures_are_written_and_read_back(store, woo):
    assert push(woo, write("12", 33), write("13", 0), write("18:20", 4)) == [
        (APPLIED, 33, ""),
        (APPLIED, 0, ""),
        (APPLIED, 4, ""),
    ]
    assert [store.stock(sku) for sku in ("TEA", "GW", "TS-M")] == [33, 0, 4]
    assert batches(store) == ["products/batch", "products/18/variations/batch"]


def test_a_figure_as_expected_is_overwritten(store, woo):
    assert push(woo, write("12", 49, expected=50)) == [(APPLIED, 49, "")]
    assert store.stock("TEA") == 49


def test_a_figure_that_moved_is_left_alone(store, woo):
    store.place_order([("TEA", 1)])
    assert push(woo, write("12", 45, expected=50), write("13", 9, expected=10)) == [
        (STALE, 49, "moved"),
        (APPLIED, 9, ""),
    ]
    assert (store.stock("TEA"), store.stock("GW")) == (49, 9)


def test_also_when_it_moved_to_the_very_figure_we_want(store, woo):
    store.place_order([("TEA", 1)])
    assert push(woo, write("12", 49, expected=50)) == [(STALE, 49, "moved")]
    assert not batches(store)


def test_where_no_figure_is_kept_a_write_is_ignored_and_said_so(store, woo):
    assert push(woo, write("14", 5), write("30:31", 5)) == [
        (IGNORED, None, "stock_not_managed"),
        (IGNORED, None, "stock_managed_by_parent"),
    ]
    assert store.stock("CUP-R") == 7


def test_with_an_expected_figure_it_is_refused_before_writing(store, woo):
    assert push(woo, write("14", 5, expected=3)) == [(REJECTED, None, "stock_not_managed")]
    assert not batches(store)


def test_one_bad_row_sinks_no_other(store, woo):
    got = push(woo, write("12", 5), write("999999", 1), write("18:999", 1), write("13", 6))
    assert got == [(APPLIED, 5, ""), (REJECTED, None, "gone"), (REJECTED, None, "gone"), (APPLIED, 6, "")]


def test_a_variation_under_the_wrong_parent_is_gone(store, woo):
    assert push(woo, write("12:20", 5)) == [(REJECTED, None, "gone")]
    assert store.stock("TS-M") == 10


@pytest.mark.parametrize("quantity", [7.9, "12", None, True, 2**31])
def test_only_whole_numbers_are_sent(quantity, store, woo):
    assert push(woo, write("12", quantity), write("13", 6)) == [(REJECTED, None, "bad_quantity"), (APPLIED, 6, "")]
    assert store.stock("TEA") == 50


@pytest.mark.parametrize("stock_id", ["", "x", "12:", ":12", "12;drop", "1:2:3", "-1"])
def test_what_is_no_id_is_refused(stock_id, woo):
    assert push(woo, write(stock_id, 1)) == [(REJECTED, None, "bad_id")]


def test_more_than_a_hundred_go_in_several_batches(store, woo):
    with store.shop.lock:
        rows = [store.catalogue.create({"name": f"N{n}", "sku": f"N{n}", "manage_stock": True}) for n in range(230)]
    got = push(woo, *(write(str(row["id"]), 3) for row in rows))
    assert got == [(APPLIED, 3, "")] * 230
    assert batches(store) == ["products/batch"] * 3


def test_a_store_that_takes_fewer_at_a_time_gets_halves(store, woo):
    too_many = capture("37")["body"]
    store.faults.add("status", "batch", status=413, body=__import__("json").dumps(too_many))
    assert push(woo, write("12", 1), write("13", 2)) == [(APPLIED, 1, ""), (APPLIED, 2, "")]
    assert batches(store) == ["products/batch"] * 2


def test_a_write_answered_as_done_but_not_done_is_ignored(store, woo):
    body = '{"update": [{"id": 12, "manage_stock": true, "stock_quantity": 5}]}'
    store.faults.add("ignore", "batch", body=body)
    assert push(woo, write("12", 5, expected=50)) == [(IGNORED, 50, "")]


def test_a_sale_between_write_and_reading_back_is_applied_with_the_new_figure(store, woo):
    class Buyer:
        def request(self, method, url, **rest):
            answer = http.request(method, url, **rest)
            if method == "POST":
                store.place_order([("TEA", 2)])
            return answer

    http, woo.client.http = woo.client.http, Buyer()
    assert push(woo, write("12", 20, expected=50)) == [(APPLIED, 18, "moved")]


def test_a_lost_answer_is_read_back(store, woo):
    store.faults.add("drop_after", "batch")
    assert push(woo, write("12", 5)) == [(APPLIED, 5, "")]


def test_a_lost_call_stays_unknown_with_the_figure_shown(store, woo):
    store.faults.add("drop_before", "batch")
    assert push(woo, write("12", 5), write("18:20", 4)) == [(UNKNOWN, 50, "dropped"), (APPLIED, 4, "")]


def test_a_server_error_leaves_it_unknown_even_if_nothing_can_be_read(store, woo):
    store.faults.add("status", "batch", status=502)
    store.faults.add("status", "products", status=502, method="GET", count=None)
    assert push(woo, write("12", 5)) == [(UNKNOWN, None, "unavailable")]


@pytest.mark.parametrize("kind", ["truncate", "html"])
def test_an_unreadable_answer_leaves_it_unknown_until_read_back(kind, store, woo):
    store.faults.add(kind, "batch")
    ((status, observed, _code),) = push(woo, write("12", 5))
    assert (status, observed) == ((APPLIED, 5) if kind == "truncate" else (UNKNOWN, 50))


def test_a_refusal_before_anything_was_written_is_raised(store, woo):
    store.faults.add("status", "batch", status=429, headers={"Retry-After": "7"})
    with pytest.raises(ConnectorError) as caught:
        push(woo, write("12", 5), write("18:20", 5))
    assert (caught.value.code, caught.value.retry_after, caught.value.unknown) == ("throttled", 7.0, False)
    assert store.stock("TS-M") == 10


def test_a_refusal_after_something_was_written_stays_with_its_rows(store, woo):
    store.faults.add("status", "variations/batch", status=429)
    assert push(woo, write("12", 5), write("18:20", 5)) == [(APPLIED, 5, ""), (REJECTED, None, "throttled")]


def test_a_failed_reading_back_counts_the_answer(store, woo):
    store.faults.add("status", r"products\?", status=503, method="GET", count=None)
    assert push(woo, write("12", 5)) == [(APPLIED, 5, "")]


def test_reading_back_can_be_turned_off(store, url, http, clock):
    woo = connector_to(url, http, clock, read_back=False)
    assert push(woo, write("12", 5), write("14", 5)) == [(APPLIED, 5, ""), (IGNORED, None, "stock_not_managed")]
    assert len(store.calls) == 1


def test_the_recorded_batch_row_by_row():
    # 12 took 33, 13 took 0, 999999 was refused inside the 200, 14 got "abc" from somebody else and shows 0.
    back = HttpResponse(
        200,
        {"content-type": "application/json"},
        b'[{"id":12,"manage_stock":true,"stock_quantity":33},{"id":13,"manage_stock":true,"stock_quantity":0},'
        b'{"id":14,"manage_stock":true,"stock_quantity":0}]',
    )
    http = Replay(("POST", "products/batch", "31"), ("GET", "products", back))
    woo = connector_to("https://shop.example", http, None)
    assert push(woo, write("12", 33), write("13", 0), write("999999", 1), write("14", 53)) == [
        (APPLIED, 33, ""),
        (APPLIED, 0, ""),
        (REJECTED, None, "gone"),
        (IGNORED, 0, ""),
    ]
    assert http.calls[0]["json"]["update"][0] == {"id": 12, "stock_quantity": 33}


def test_the_recorded_refusal_of_a_variation_among_products():
    http = Replay(("POST", "products/batch", "36"))
    (row,) = connector_to("https://shop.example", http, None).push_stock([write("21", 4)])
    assert (row.status, row.code, row.permanent) == (REJECTED, "woocommerce_rest_invalid_product_id", True)
    assert "/products/<product_id>/variations/<id>" in row.message


def test_nothing_to_push_calls_nobody(store, woo):
    assert woo.push_stock([]) == ()
    assert not store.calls
