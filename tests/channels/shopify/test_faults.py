"""Broken answers of a broken or hostile shop (F17–F20, S32): each a clean error, nothing half read, never a crash."""

import time

import pytest

from backoffice.calls.http import make_client
from backoffice.practice.server import running
from channels.connectors.base import ConnectorError
from tests.channels.shopify.conftest import TOKEN, all_orders, connect

MEGABYTE = 1024 * 1024


def failing(connector):
    with pytest.raises(ConnectorError) as caught:
        all_orders(connector)
    return caught.value


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_passes(shop, connector, status):
    shop.faults.add("status", "graphql", status=status)
    error = failing(connector)
    assert (error.code, error.permanent, error.auth) == ("server_error", False, False)
    assert len(all_orders(connector)) == 0


def test_a_server_that_says_when_it_is_back_is_believed(shop, connector):
    shop.faults.add("status", "graphql", status=503, headers={"Retry-After": "120"})
    assert failing(connector).retry_after == 120.0


def test_a_shop_that_fails_every_second_time_is_read_in_the_end(shop, connector):
    for _ in range(8):
        shop.place_order([{"sku": "CANDLE"}])
    shop.faults.add("status", "graphql", status=502, count=None, probability=0.5)
    outcomes = set()
    for _attempt in range(30):
        try:
            outcomes.add(len(all_orders(connector)))
        except ConnectorError as error:
            outcomes.add(error.code)
    assert outcomes == {8, "server_error"}


@pytest.mark.parametrize(
    ("status", "code", "permanent", "auth"),
    [
        (401, "unauthorized", True, True),
        (402, "shop_frozen", True, False),
        (403, "forbidden", True, True),
        (404, "not_found", True, False),
        (423, "shop_locked", False, False),
        (430, "refused", False, False),
        (418, "refused", True, False),
    ],
)
def test_what_a_refusal_means(shop, connector, status, code, permanent, auth):
    shop.faults.add("status", "graphql", status=status, body='{"errors":"No."}')
    error = failing(connector)
    assert (error.code, error.permanent, error.auth) == (code, permanent, auth)
    assert "No." in error.message


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("html", "not_json"),
        ("wrong_type", "not_json"),
        ("truncate", "bad_json"),
        ("gzip_lie", "bad_encoding"),
        ("gzip_bomb", "too_large"),
        ("huge", "too_large"),
        ("redirect", "redirect"),
        ("drop_before", "dropped"),
        ("drop_after", "dropped"),
    ],
)
def test_an_answer_that_is_none_passes(shop, connector, fault, code):
    shop.faults.add(fault, "graphql")
    error = failing(connector)
    assert (error.code, error.permanent) == (code, False)
    assert all_orders(connector) == []


@pytest.mark.parametrize("fault", ["timeout_before", "trickle"])
def test_a_shop_that_hangs_or_drips_frees_the_worker_in_time(shop, url, fault):
    shop.faults.add(fault, "graphql", seconds=0.3 if fault == "trickle" else 3)
    began = time.monotonic()
    error = failing(connect(url, http=make_client(allow=["127.0.0.1"], read_timeout=0.5, total_timeout=1.0)))
    assert error.code == "timeout"
    assert time.monotonic() - began < 2.5


def answering(body, kind="application/json"):
    """A shop that always says the same."""

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    return running(app)


HOSTILE = {
    b"": "bad_json",
    b"null": "bad_answer",
    b"[]": "bad_answer",
    b'"text"': "bad_answer",
    b"{}": "bad_answer",
    b'{"data": null}': "bad_answer",
    b'{"data": []}': "bad_answer",
    b'{"data": {}}': "bad_answer",
    b'{"data": {"orders": null}}': "bad_answer",
    b'{"data": {"orders": {"nodes": {}}}}': "bad_answer",
    b'{"data": {"orders": {"nodes": []}}}': "bad_answer",
    b'{"data": {"orders": {"nodes": [], "pageInfo": {"hasNextPage": true}}}}': "bad_answer",
    b'{"data": {"orders": {"nodes": [], "pageInfo": {"hasNextPage": "yes"}}}}': "bad_answer",
    b'{"data": {"orders": {"nodes": [7], "pageInfo": {"hasNextPage": false}}}}': "bad_answer",
    b'{"data": {"orders": {"nodes": [{"id": "x"}], "pageInfo": {"hasNextPage": false}}}}': "bad_answer",
    b'{"data": {"orders": NaN}}': "bad_json",
    b'{"data": {"orders": 1e999999999}}': "bad_json",
    b'{"data": ' + b"9" * 10_000 + b"}": "bad_json",
    b'{"a":' * 100_000: "bad_json",
    b"[" * 70 + b"]" * 70: "bad_json",
    b"\xff\xfe{}": "bad_json",
    b'{"errors": "Something"}': "graphql_error",
    b'{"errors": [null]}': "graphql_error",
    b'{"errors": [{"message": "Boom", "extensions": []}]}': "graphql_error",
    b'{"errors": [{"message": "Boom", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}': "server_error",
    b'{"errors": [{"message": "No", "extensions": {"code": "ACCESS_DENIED"}}]}': "access_denied",
}


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_no_answer_crashes_the_reader(body):
    with answering(body) as url:
        assert failing(connect(url)).code == HOSTILE[body]


def test_an_error_that_repeats_our_token_is_cleaned_before_it_is_kept():
    body = b'{"errors": [{"message": "Bad token ' + TOKEN.encode() + b' for hush-hush-secret"}]}'
    with answering(body) as url:
        error = failing(connect(url))
    assert TOKEN not in str(error)
    assert "hush-hush-secret" not in str(error)


def test_a_shop_that_cannot_be_reached(shop):
    assert failing(connect("http://127.0.0.1:9")).code in {"connect", "timeout"}


def test_a_query_that_shopify_no_longer_understands_is_for_good(shop, connector):
    error = failing(connect(connector.config.base_url, api_version="2019-01"))
    assert (error.code, error.permanent) == ("not_found", True)
