"""Webhooks: what is ours is let in, everything else is not; the notice names the order; subscriptions stand."""

import base64
import datetime as dt
import hashlib
import hmac
import json
import threading
from wsgiref.util import request_uri

import pytest

from backoffice.practice.server import running
from channels.connectors.base import ConnectorError
from channels.connectors.shopify.webhooks import verify
from channels.sandbox.shopify.schema import published_file
from tests.channels.shopify.conftest import SECRET, connect, open_shop

DOMAIN = "harbour-hill.myshopify.com"
BODY = '{"id":820982911946154508,"note":"héllo"}'.encode()


def sign(body, secret=SECRET):
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def call(body=BODY, topic="orders/create", **headers):
    return {
        "X-Shopify-Hmac-SHA256": sign(body),
        "X-Shopify-Topic": topic,
        "X-Shopify-Webhook-Id": "w-1",
        "X-Shopify-Event-Id": "e-1",
        "X-Shopify-Shop-Domain": DOMAIN,
        "X-Shopify-Triggered-At": "2026-11-01T18:00:27.877041743Z",
        **headers,
    }


def check(headers, body=BODY, secrets=(SECRET,), shop_domain=DOMAIN):
    return verify(headers, body, secrets=secrets, shop_domain=shop_domain)


def test_a_call_that_is_rightly_signed():
    notice = check(call())
    assert (notice.topic, notice.kind, notice.resource_id) == (
        "orders/create",
        "order",
        "gid://shopify/Order/820982911946154508",
    )
    assert (notice.delivery_id, notice.event_id, notice.shop_id) == ("w-1", "e-1", DOMAIN)
    assert notice.triggered_at == dt.datetime(2026, 11, 1, 18, 0, 27, 877041, tzinfo=dt.UTC)


def test_the_names_of_headers_may_be_written_in_any_case():
    assert check({name.lower(): value for name, value in call().items()}).delivery_id == "w-1"


@pytest.mark.published
def test_the_kept_signing_vector_is_accepted():
    vectors = json.loads((published_file().parents[1] / "signing_test_vectors.json").read_text())
    vector = next(vector for vector in vectors if vector["platform"] == "shopify_webhook")
    body = vector["body"].encode()
    headers = {**call(), "X-Shopify-Hmac-SHA256": vector["expected"]}
    assert check(headers, body, secrets=[vector["secret"]]).kind == "order"


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "garbage",
        hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest(),
        sign(BODY, "another shop's secret"),
        base64.b64encode(hmac.new(SECRET.encode(), BODY, hashlib.sha1).digest()).decode(),
        sign(BODY) + "," + sign(BODY),
        sign(BODY)[:-1],
        sign(BODY).replace("=", ""),
        " " + sign(BODY),
        sign(BODY) + "\n",
        sign(BODY).swapcase(),
        base64.urlsafe_b64encode(b"\xfb" * 32).decode(),
        "é" * 44,
        sign(json.dumps(json.loads(BODY)).encode()),
    ],
)
def test_every_other_signature_is_refused(signature):
    with pytest.raises(ConnectorError, match="bad_signature") as caught:
        check(call(**{"X-Shopify-Hmac-SHA256": signature}))
    assert caught.value.permanent


def test_a_call_without_any_headers_is_refused():
    with pytest.raises(ConnectorError, match="bad_signature"):
        check({})


def test_one_changed_byte_is_refused():
    with pytest.raises(ConnectorError, match="bad_signature"):
        check(call(), BODY + b" ")


def test_without_a_secret_nothing_is_let_in():
    with pytest.raises(ConnectorError, match="no_secret"):
        check(call(**{"X-Shopify-Hmac-SHA256": sign(BODY, "")}), secrets=["", ""])


def test_while_a_secret_is_replaced_both_hold():
    for secret in ("new", "old"):
        headers = call(**{"X-Shopify-Hmac-SHA256": sign(BODY, secret)})
        assert check(headers, secrets=["new", "old"]).delivery_id == "w-1"


def test_a_call_about_another_shop_with_the_same_app_is_refused():
    with pytest.raises(ConnectorError, match="wrong_shop"):
        check(call(**{"X-Shopify-Shop-Domain": "other.myshopify.com"}))


@pytest.mark.parametrize("missing", ["X-Shopify-Topic", "X-Shopify-Webhook-Id"])
def test_a_signed_call_that_does_not_say_what_it_is_is_refused(missing):
    with pytest.raises(ConnectorError, match="bad_webhook"):
        check({name: value for name, value in call().items() if name != missing})


@pytest.mark.parametrize(
    ("topic", "payload", "kind", "resource"),
    [
        ("orders/updated", {"admin_graphql_api_id": "gid://shopify/Order/7"}, "order", "gid://shopify/Order/7"),
        ("orders/edited", {"order_edit": {"order_id": 7}}, "order", "gid://shopify/Order/7"),
        ("refunds/create", {"id": 1, "order_id": 7}, "order", "gid://shopify/Order/7"),
        ("returns/request", {"order": {"id": 7}}, "order", "gid://shopify/Order/7"),
        ("fulfillments/create", {"order_id": "7"}, "order", "gid://shopify/Order/7"),
        ("inventory_levels/update", {"inventory_item_id": 3}, "stock", ""),
        ("products/delete", {"id": 3}, "listing", ""),
        ("app/uninstalled", {"id": 3}, "uninstalled", ""),
        ("themes/publish", {"id": 3}, "other", ""),
        ("orders/create", {"id": "../../etc"}, "order", ""),
        ("orders/create", {"id": True}, "order", ""),
        ("orders/create", {"admin_graphql_api_id": "gid://shopify/Product/7"}, "order", ""),
        ("orders/create", [1], "order", ""),
        ("orders/edited", {"order_edit": None}, "order", ""),
    ],
)
def test_what_a_call_is_about(topic, payload, kind, resource):
    body = json.dumps(payload).encode()
    notice = check(call(body, topic), body)
    assert (notice.kind, notice.resource_id) == (kind, resource)


@pytest.mark.parametrize("body", [b"", b"not json", b"[" * 50_000, b'{"id": NaN}', b'{"id": ' + b"9" * 5000 + b"}"])
def test_an_odd_body_that_is_signed_is_still_a_hint(body):
    assert check(call(body), body).resource_id == ""


def test_a_time_that_cannot_be_read_is_left_out():
    assert check(call(**{"X-Shopify-Triggered-At": "soon"})).triggered_at is None


# --- over the wire ---------------------------------------------------------------------------------------------------


class Listener:
    """A subscriber's endpoint: keeps what comes, answers as told."""

    def __init__(self):
        self.calls, self.status, self.came = [], "200 OK", threading.Semaphore(0)

    def __call__(self, environ, start_response):
        body = environ["wsgi.input"].read()
        headers = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
        self.calls.append((headers, body, request_uri(environ)))
        start_response(self.status, [("Content-Type", "text/plain")])
        self.came.release()
        return [b""]

    def wait(self, count=1):
        for _ in range(count):
            assert self.came.acquire(timeout=5)


@pytest.fixture
def listener():
    """A subscriber."""
    return Listener()


@pytest.fixture
def hook(listener):
    """Where the subscriber listens."""
    with running(listener) as url:
        yield f"{url}/hooks/1"


def test_subscriptions_are_made_once_for_each_topic(shop, connector, hook):
    made = connector.ensure_webhooks(hook)
    assert sorted(one.topic for one in made) == sorted(connector.webhook_topics)
    assert {one.url for one in made} == {hook}
    assert connector.ensure_webhooks(hook) == made
    assert shop.endpoint.asked["Subscribe"] == len(connector.webhook_topics)


def test_one_that_vanished_is_made_again(shop, connector, hook):
    made = connector.ensure_webhooks(hook)
    del shop.store.subscriptions[made[0].external_id]
    assert len(connector.list_webhooks()) == len(made) - 1
    assert len(connector.ensure_webhooks(hook)) == len(made)


def test_those_of_another_address_are_left_alone(connector, hook):
    connector.ensure_webhooks(hook)
    assert len(connector.ensure_webhooks(hook + "0")) == 2 * len(connector.webhook_topics)


def test_a_subscription_whose_answer_was_lost_is_not_made_twice(shop, connector, hook):
    shop.faults.add("drop_after", "operation=Subscribe")
    with pytest.raises(ConnectorError):
        connector.ensure_webhooks(hook)
    assert len(connector.ensure_webhooks(hook)) == len(connector.webhook_topics)


def test_plain_http_to_elsewhere_is_refused_by_name(connector):
    with pytest.raises(ConnectorError, match="http://") as caught:
        connector.ensure_webhooks("http://example.com/hooks")
    assert (caught.value.code, caught.value.permanent) == ("subscription_refused", True)


def test_a_sale_is_told_and_the_call_passes_our_own_check(shop, url, hook, listener):
    connector = connect(url, shop_domain=DOMAIN)
    connector.ensure_webhooks(hook)
    order = shop.place_order([{"sku": "MUG"}], buyer={"name": "Ann", "email": "ann@example.com"})
    listener.wait(3)
    notices = [connector.verify_webhook(headers=headers, body=body) for headers, body, _url in listener.calls]
    assert {notice.kind for notice in notices} == {"order", "stock"}
    assert {notice.resource_id for notice in notices if notice.kind == "order"} == {order["id"]}
    assert all(b"ann@example.com" not in body for _headers, body, _url in listener.calls)


def test_a_failed_call_is_repeated_under_the_same_id_and_given_up_in_the_end(hook, listener):
    shop = open_shop(retry_seconds=(0.01, 0.01))
    listener.status = "500 Internal Server Error"
    with running(shop) as url:
        connect(url).ensure_webhooks(hook)
        before = len(shop.store.subscriptions)
        shop.tell_uninstalled = shop.messenger.tell_other("APP_UNINSTALLED", {"id": 1})
        listener.wait(3)
        shop.messenger.idle()
        ids = {headers["X-SHOPIFY-WEBHOOK-ID"] for headers, _body, _url in listener.calls}
        assert (len(listener.calls), len(ids), len(shop.store.subscriptions)) == (3, 1, before - 1)
    shop.close()


@pytest.mark.parametrize(("quirk", "calls"), [("drop_webhooks", 0), ("duplicate_webhooks", 2)])
def test_calls_that_are_lost_or_doubled(shop, connector, hook, listener, quirk, calls):
    connector.ensure_webhooks(hook)
    shop.quirks.add(quirk)
    shop.messenger.tell_other("PRODUCTS_DELETE", {"id": 1})
    shop.messenger.idle()
    assert len(listener.calls) == calls
    assert len({headers["X-SHOPIFY-WEBHOOK-ID"] for headers, _body, _url in listener.calls}) == min(calls, 1)


def test_calls_out_of_order(shop, connector, hook, listener):
    connector.ensure_webhooks(hook)
    shop.quirks.add("reorder_webhooks", count=1)
    for number in (1, 2):
        shop.messenger.tell_other("PRODUCTS_DELETE", {"id": number})
    listener.wait(2)
    assert [json.loads(body)["id"] for _headers, body, _url in listener.calls] == [2, 1]
