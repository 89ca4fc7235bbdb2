"""Webhooks: recorded calls verified, forged ones refused, switched-off subscriptions switched on again."""

import datetime as dt
import json
import threading

import pytest

from backoffice.calls.signing import hmac_base64
from backoffice.practice.server import running
from channels.connectors.base import ConnectorError
from channels.connectors.woocommerce.webhooks import TOPICS
from tests.channels.woocommerce.captures import Replay, capture, hooks
from tests.channels.woocommerce.conftest import CREDENTIALS, connector_to


@pytest.fixture
def verifier():
    return connector_to("https://shop.example", Replay(), None)


def refused(verifier, headers, body):
    with pytest.raises(ConnectorError) as caught:
        verifier.verify_webhook(headers=headers, body=body)
    return caught.value.code


def test_every_recorded_call_is_verified_or_a_ping(verifier):
    kinds = [verifier.verify_webhook(headers=headers, body=body).kind for headers, body in hooks()]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"ping": 4, "order": 19, "stock": 13, "other": 3}


def test_an_order_call_names_the_order_to_pull(verifier):
    headers, body = hooks()[3]
    notice = verifier.verify_webhook(headers=headers, body=body)
    assert (notice.topic, notice.kind, notice.resource_id) == ("order.created", "order", "22")
    assert notice.shop_id == "127.0.0.1:8081"
    assert notice.triggered_at == dt.datetime(2026, 11, 21, 16, 35, 15, tzinfo=dt.UTC)


def test_the_stores_own_ids_repeat_and_ours_do_not(verifier):
    calls = [(headers, body) for headers, body in hooks() if "X-WC-Webhook-Delivery-ID" in headers]
    theirs = {headers["X-WC-Webhook-Delivery-ID"] for headers, _body in calls}
    ours = {verifier.verify_webhook(headers=headers, body=body).delivery_id for headers, body in calls}
    assert (len(calls), len(theirs), len(ours)) == (35, 9, 35)


def test_a_variation_is_named_as_a_listing_and_a_deleted_thing_as_nothing(verifier):
    notices = [verifier.verify_webhook(headers=headers, body=body) for headers, body in hooks()]
    assert "17:18" in {notice.resource_id for notice in notices if notice.kind == "stock"}
    assert {notice.resource_id for notice in notices if notice.kind == "other"} == {""}


def test_header_names_may_come_in_any_case(verifier):
    headers, body = hooks()[3]
    assert (
        verifier.verify_webhook(headers={key.lower(): value for key, value in headers.items()}, body=body).kind
        == "order"
    )


@pytest.mark.parametrize("change", [b"", b" ", b"x"])
def test_a_changed_or_unsigned_call_is_refused(change, verifier):
    headers, body = hooks()[3]
    unsigned = {key: value for key, value in headers.items() if "Signature" not in key}
    assert refused(verifier, unsigned, body) == "bad_signature"
    assert refused(
        verifier, {**headers, "X-WC-Webhook-Signature": "A" + headers["X-WC-Webhook-Signature"][1:]}, body + change
    )
    if change:
        assert refused(verifier, headers, body + change) == "bad_signature"


@pytest.mark.parametrize(
    "body", [b"webhook_id=1&x=2", b"webhook_id=", b"webhook_id=abc", b" webhook_id=1", b"", b"webhook_id=" + b"1" * 30]
)
def test_only_the_very_ping_passes_unsigned(body, verifier):
    assert refused(verifier, {"Content-Type": "application/x-www-form-urlencoded"}, body) == "bad_signature"


def test_without_a_secret_nothing_is_verified():
    open_door = connector_to("https://shop.example", Replay(), None, credentials={**CREDENTIALS, "webhook_secret": " "})
    body = b'{"id": 1}'
    for secret in ("", " "):
        headers = {"X-WC-Webhook-Signature": hmac_base64(secret, body), "X-WC-Webhook-Topic": "order.updated"}
        assert refused(open_door, headers, body) == "bad_signature"


@pytest.mark.parametrize("content", ["[]", "null", "x", '{"id": "1"}', '{"id": 1, "a": NaN}', "[" * 300])
def test_a_signed_body_of_another_kind_names_nothing(content, verifier):
    body = content.encode()
    headers = {"X-WC-Webhook-Signature": hmac_base64("whsec", body), "X-WC-Webhook-Topic": "order.updated"}
    notice = verifier.verify_webhook(headers=headers, body=body)
    assert (notice.kind, notice.resource_id) == (("order", "1") if content == '{"id": "1"}' else ("other", ""))


class Inbox:
    """A receiver that keeps what it gets and answers what it is told to."""

    def __init__(self):
        self.got, self.status, self.come = [], 200, threading.Condition()

    def __call__(self, environ, start_response):
        headers = {key[5:].replace("_", "-"): value for key, value in environ.items() if key.startswith("HTTP_")}
        with self.come:
            self.got.append((headers, environ["wsgi.input"].read()))
            self.come.notify_all()
        start_response(f"{self.status} X", [])
        return [b""]


@pytest.fixture
def inbox():
    return Inbox()


@pytest.fixture
def hook_url(inbox):
    with running(inbox) as address:
        yield f"{address}/hook"


def test_webhooks_are_created_once_and_pinged(store, woo, inbox, hook_url):
    first = woo.ensure_webhooks(hook_url)
    assert [(row.topic, row.active) for row in first] == [(topic, True) for topic in TOPICS]
    assert woo.ensure_webhooks(hook_url) == first
    assert len(woo.list_webhooks()) == len(TOPICS)
    assert store.webhooks.idle()
    assert [woo.verify_webhook(headers=headers, body=body).kind for headers, body in inbox.got] == ["ping"] * len(
        TOPICS
    )


def test_other_peoples_webhooks_are_left_alone(store, woo, hook_url):
    woo.client.write("POST", "webhooks", {"topic": "order.created", "delivery_url": "https://other.example/x"})
    woo.ensure_webhooks(hook_url)
    assert len(woo.list_webhooks()) == len(TOPICS) + 1


def test_a_sale_is_told_signed_with_our_secret(store, woo, inbox, hook_url):
    woo.ensure_webhooks(hook_url)
    order = store.place_order([("TS-M", 1)])
    assert store.webhooks.idle()
    notices = [woo.verify_webhook(headers=headers, body=body) for headers, body in inbox.got]
    told = {(notice.topic, notice.kind, notice.resource_id) for notice in notices if notice.kind != "ping"}
    assert told == {
        ("order.created", "order", str(order["id"])),
        ("order.updated", "order", str(order["id"])),
        ("product.updated", "stock", "18:20"),
    }


def test_after_five_failures_the_store_switches_it_off_and_we_switch_it_on(store, woo, inbox, hook_url):
    woo.ensure_webhooks(hook_url)
    inbox.status = 500
    for _ in range(5):
        store.place_order([("CARD", 1)])
    assert store.webhooks.idle()
    off = {row.topic for row in woo.list_webhooks() if not row.active}
    assert off == {"order.created", "order.updated"}
    assert all(row.active for row in woo.ensure_webhooks(hook_url))
    assert len(woo.list_webhooks()) == len(TOPICS)


def test_without_a_secret_none_is_made(store, url, http, clock, hook_url):
    woo = connector_to(url, http, clock, credentials={**CREDENTIALS, "webhook_secret": ""})
    with pytest.raises(ConnectorError, match="no_webhook_secret"):
        woo.ensure_webhooks(hook_url)
    assert woo.list_webhooks() == ()


def test_the_recorded_webhooks_and_the_refused_topic():
    rows = [capture(number)["body"] for number in ("11", "12", "13")]
    from channels.connectors.base import HttpResponse

    page = HttpResponse(200, {"content-type": "application/json"}, json.dumps(rows).encode())
    woo = connector_to("https://shop.example", Replay(("GET", "webhooks", page), ("POST", "webhooks", "15")), None)
    assert [(row.external_id, row.topic, row.url) for row in woo.list_webhooks()][0] == (
        "1",
        "order.created",
        "http://127.0.0.1:8082/hook",
    )
    with pytest.raises(ConnectorError, match="Webhook topic is required and must be valid"):
        woo.ensure_webhooks("https://yiku.example/hook")
