"""Logging in and what the store's refusals mean."""

import base64
import json

import pytest

from channels.connectors.base import Capability, ConnectorError, HttpResponse
from channels.connectors.woocommerce.client import shop_key, store_root
from tests.channels.woocommerce.captures import Replay, capture
from tests.channels.woocommerce.conftest import CREDENTIALS, connector_to

JSON = {"content-type": "application/json"}


def failure(answer, *, write=False):
    woo = connector_to("https://shop.example", Replay(("POST" if write else "GET", "x", answer)), None)
    with pytest.raises(ConnectorError) as caught:
        woo.client.send("POST" if write else "GET", "x")
    return caught.value


def test_the_store_says_who_it_is(store, woo, url, clock):
    identity = woo.test_connection()
    assert (identity.external_id, identity.name) == (url.removeprefix("http://"), "Teehaus")
    assert (identity.currency, identity.country, identity.timezone) == ("EUR", "DE", "Europe/Berlin")
    assert (identity.missing_permissions, identity.server_time) == ((), clock())
    assert "plain http" in identity.warnings[0]


def test_the_test_changes_nothing(store, woo):
    before = store.shop.dump()
    woo.test_connection()
    assert store.shop.dump() == before


def test_a_key_that_may_only_read_is_found_out(store, url, http, clock):
    store.keys[0]["permissions"] = "read"
    assert connector_to(url, http, clock).test_connection().missing_permissions == ("write",)


def test_a_site_that_hides_its_index_still_has_a_name(store, woo, url):
    store.faults.add("status", r"/wp-json/$", status=404)
    identity = woo.test_connection()
    assert (identity.name, identity.timezone) == (url.removeprefix("http://"), "")


@pytest.mark.parametrize(("secret", "message"), [("cs_wrong", "signature does not match"), ("", "missing")])
def test_wrong_keys_are_a_permanent_refusal(secret, message, store, url, http, clock):
    woo = connector_to(url, http, clock, credentials={**CREDENTIALS, "consumer_secret": secret})
    with pytest.raises(ConnectorError, match=message) as caught:
        woo.test_connection()
    assert (caught.value.code, caught.value.permanent, caught.value.auth) == ("auth", True, True)


@pytest.mark.parametrize("offset", [-1000, 1000])
def test_a_clock_too_far_off_is_said_to_be_that(offset, store, url, http, clock):
    from tests.channels.woocommerce.conftest import Clock

    ours = Clock()
    ours.forward(offset)
    with pytest.raises(ConnectorError) as caught:
        connector_to(url, http, ours).test_connection()
    assert (caught.value.code, caught.value.auth, caught.value.permanent) == ("clock_skew", False, False)


def test_over_https_the_keys_go_as_basic_and_never_in_the_address():
    http = Replay(("GET", "orders/23", "21"))
    connector_to("https://shop.example", http, None).client.get("orders/23")
    assert http.calls[0]["headers"]["Authorization"] == "Basic " + base64.b64encode(b"ck_sandbox:cs_sandbox").decode()
    assert http.calls[0]["params"] == {}


def test_over_http_the_call_is_signed_and_the_secret_stays_here(clock):
    http = Replay(("GET", "orders/23", "21"))
    connector_to("http://shop.example", http, clock).client.get("orders/23")
    sent = http.calls[0]
    assert sent["headers"] == {}
    assert sent["params"]["oauth_timestamp"] == "1795279304"
    assert set(sent["params"]) == {
        "oauth_consumer_key",
        "oauth_nonce",
        "oauth_signature_method",
        "oauth_timestamp",
        "oauth_signature",
    }


def test_the_practice_store_takes_basic_behind_tls(store, url, http, clock):
    store.https = True

    class Tls:
        def request(self, method, target, **rest):
            return http.request(method, target.replace("https:", "http:"), **rest)

    woo = connector_to(url.replace("http:", "https:"), Tls(), clock)
    assert woo.test_connection().warnings == ()


@pytest.mark.parametrize(
    "address",
    [
        "https://shop.example/tea",
        "https://shop.example/tea/",
        " shop.example/tea ",
        "https://shop.example/tea/wp-json/wc/v3/",
        "https://shop.example/tea/wp-admin/admin.php?page=wc-settings",
        "HTTPS://shop.example/tea/?lang=de#top",
    ],
)
def test_any_page_of_the_site_may_be_pasted(address):
    assert store_root(address) == "https://shop.example/tea"


def test_one_shop_has_one_name_whatever_the_spelling():
    names = {shop_key(text) for text in ("https://Shop.example/", "http://shop.example", "shop.example:443/wp-admin")}
    assert names == {"shop.example"}
    assert shop_key("http://127.0.0.1:8081/") == "127.0.0.1:8081"


@pytest.mark.parametrize(
    ("number", "write", "code", "permanent", "auth"),
    [
        ("25", False, "rejected", True, False),
        ("26", False, "rejected", True, False),
        ("28", False, "rejected", True, False),
        ("29", False, "not_found", True, False),
        ("30", False, "no_api", True, False),
        ("34", True, "rejected", True, False),
        ("37", True, "too_many", True, False),
        ("40", True, "refused", True, False),
        ("41", True, "refused", True, False),
        ("46", True, "rejected", True, False),
        ("52", True, "read_only", True, False),
        ("53", False, "auth", True, True),
        ("54", False, "auth", True, True),
        ("55", True, "rejected", True, False),
    ],
)
def test_recorded_refusals(number, write, code, permanent, auth):
    error = failure(number, write=write)
    assert (error.code, error.permanent, error.auth, error.unknown) == (code, permanent, auth, False)
    assert capture(number)["body"]["code"] in error.message or number in {"52"}


def test_a_refused_refund_is_a_no_although_it_says_500():
    assert "Invalid refund amount." in failure("40", write=True).message


@pytest.mark.parametrize(
    ("status", "body", "code", "permanent"),
    [
        (500, b"", "unavailable", False),
        (502, b"<html>Bad gateway", "unavailable", False),
        (503, b"Briefly unavailable for scheduled maintenance.", "unavailable", False),
        (500, b'{"code":"internal_server_error","message":"x","data":{"status":500}}', "unavailable", False),
        (429, b"", "throttled", False),
        (403, b"<html>Attention Required! | Cloudflare", "blocked", False),
        (401, b"<html>Authorization Required", "blocked", False),
        (403, b'{"code":"rest_forbidden","message":"no","data":{"status":403}}', "forbidden", True),
        (404, b"<html>Not found", "no_api", True),
        (418, b"", "rejected", True),
    ],
)
def test_refusals_of_what_stands_before_the_store(status, body, code, permanent):
    error = failure(HttpResponse(status, JSON, body), write=True)
    assert (error.code, error.permanent) == (code, permanent)
    assert error.unknown == (status >= 500)


@pytest.mark.parametrize("status", [429, 503])
def test_waiting_times_are_passed_on(status):
    assert failure(HttpResponse(status, {"retry-after": "120"}, b"")).retry_after == 120.0


def test_messages_are_plain_and_hold_no_key():
    body = json.dumps(
        {
            "code": "rest_x",
            "message": '<a href="https://x.example/?consumer_secret=cs_123456">go</a> &lt;b&gt; ck_0123456789',
            "data": {"status": 400},
        }
    )
    assert failure(HttpResponse(400, JSON, body.encode())).message == "rest_x: go <b> …"


@pytest.mark.parametrize("body", [b"<html>Log in", b'{"id": 1'])
def test_a_write_with_an_unreadable_answer_is_unknown(body):
    woo = connector_to("https://shop.example", Replay(("PUT", "orders/1", HttpResponse(200, {}, body))), None)
    with pytest.raises(ConnectorError) as caught:
        woo.client.write("PUT", "orders/1", {})
    assert (caught.value.unknown, caught.value.permanent) == (True, False)


def test_what_woocommerce_cannot_do_is_not_promised(woo):
    assert Capability.COMPARE_AND_SWAP not in woo.capabilities
    assert Capability.LOCATIONS not in woo.capabilities
    for call in (woo.list_locations, woo.refresh_token):
        with pytest.raises(ConnectorError, match="unsupported"):
            call()


def test_the_connect_form():
    from channels.connectors.woocommerce import WooCommerceConnector

    fields = {field.name: (field.secret, field.required) for field in WooCommerceConnector.credential_fields}
    assert fields == {"consumer_key": (False, True), "consumer_secret": (True, True), "webhook_secret": (True, False)}
