"""S40-S46: what knocks at /hooks/ with the real platforms' signatures, and what must come of it."""

import base64
import hashlib
import hmac
import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from channels import accounts
from channels.models import Account, DueWork, SyncError, WebhookArrival, WebhookRefusal
from channels.webhooks import receive, refusals
from tests.inventory import factories as stock

pytestmark = pytest.mark.django_db
SECRET, OTHER = "the-app-secret", "another-shops-secret"
KNOWN = {
    "shopify": {"access_token": "shpat_1", "client_secret": SECRET},
    "woocommerce": {"consumer_key": "ck_1", "consumer_secret": "cs_1", "webhook_secret": SECRET},
}
BODY = b'{"id": 42, "order_key": "x",  "name":"#1042"}'


@pytest.fixture(autouse=True)
def fresh_memory(monkeypatch):
    receive.forget()
    refusals._counts.clear()
    monkeypatch.setattr(refusals, "EVERY", float("inf"))


@pytest.fixture(params=sorted(KNOWN))
def account(request):
    """An account with the platform's real way of signing."""
    return connected(request.param, SECRET)


def connected(platform, secret):
    values = {name: secret if value == SECRET else f"{value}{secret}" for name, value in KNOWN[platform].items()}
    place = stock.warehouse()
    options = {"shop_domain": "s.myshopify.com"} if platform == "shopify" else {}
    made = Account.objects.create(
        shop=stock.shop(place),
        platform=platform,
        name=f"{platform}{secret}",
        base_url=f"https://{secret}.example",
        options=options,
    )
    accounts.set_credential(account=made, values=values, actor="test")
    return made


def digest(body=BODY, secret=SECRET, algorithm=hashlib.sha256) -> bytes:
    return hmac.new(secret.encode(), body, algorithm).digest()


def signed(body=BODY, secret=SECRET) -> str:
    return base64.b64encode(digest(body, secret)).decode()


def knock(account, signature, *, body=BODY, topic="", method="post", kind="application/json", token=None, **more):
    """Call as the platform does, with any part of it changed."""
    headers = {
        "x-shopify-hmac-sha256": signature,
        "x-shopify-topic": topic or "orders/updated",
        "x-shopify-webhook-id": "d1",
        "x-shopify-shop-domain": "s.myshopify.com",
        "x-wc-webhook-signature": signature,
        "x-wc-webhook-delivery-id": "d1",
        "x-wc-webhook-topic": topic or "order.updated",
        "x-wc-webhook-resource": "order",
        "x-wc-webhook-event": "updated",
        "x-wc-webhook-id": "7",
        "x-wc-webhook-source": account.base_url + "/",
    }
    if signature is None:
        headers = {name: value for name, value in headers.items() if value is not None}
    url = f"/hooks/{account.platform}/{token or account.hook_token}"
    return getattr(Client(), method)(url, data=body, content_type=kind, headers=headers, **more)


def nothing_came_of_it() -> bool:
    return not (
        WebhookArrival.objects.exists()
        or SyncError.objects.exists()
        or DueWork.objects.filter(queued_until__isnull=False)
    )


BAD_SIGNATURES = {
    "none": None,
    "empty": "",
    "garbage": "!!! not base64 !!!",
    "other letters": "ключ=",
    "hex instead of base64": digest().hex(),
    "lower case": signed().lower() + "x",
    "another shop's secret": signed(secret=OTHER),
    "an empty secret": signed(secret=""),
    "sha1": base64.b64encode(digest(algorithm=hashlib.sha1)).decode(),
    "of the parsed and rewritten body": signed(json.dumps(json.loads(BODY)).encode()),
    "two": f"{signed(secret=OTHER)},{signed()}",
    "with a scheme": f"sha256={signed()}",
    "the first half": signed()[:22],
    "a wrong tail": signed()[:-5] + "AAAA=",
}


@pytest.mark.parametrize("signature", BAD_SIGNATURES.values(), ids=BAD_SIGNATURES.keys())
def test_a_signature_that_does_not_fit_is_refused(account, signature):
    assert knock(account, signature).status_code == 401
    assert nothing_came_of_it()


def test_the_right_signature_is_taken_or_all_the_others_prove_nothing(account):
    assert knock(account, signed()).status_code == 200
    assert WebhookArrival.objects.count() == 1


def test_a_valid_call_again_and_again_is_one_piece_of_work(account):
    assert {knock(account, signed()).status_code for _ in range(40)} == {200}
    assert WebhookArrival.objects.get().repeats == 39


def test_a_call_that_is_valid_for_one_shop_is_not_for_another(account):
    other = connected(account.platform, OTHER)
    assert knock(other, signed()).status_code == 401
    assert knock(account, signed(), token="guessed").status_code == 401
    assert nothing_came_of_it()


@pytest.mark.parametrize("topic", ["unknown/topic", "../../etc", "💣" * 40, "app/uninstalled\u200b", "x" * 4000])
def test_an_unknown_topic_is_parked_or_refused_and_breaks_nothing(account, topic):
    assert knock(account, signed(), topic=topic.encode().decode("latin-1")).status_code in (200, 401)
    account.refresh_from_db()
    assert account.state == "active"


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"[" * 100_000, b'{"id": 1e999}', b"\xff\xfe\x00", b'{"id": {"id": []}}', b"a=b&c=d"]
)
def test_a_signed_body_of_nonsense_breaks_nothing(account, body):
    assert knock(account, signed(body), body=body).status_code in (200, 401)


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/xml", ""]
)
def test_the_content_type_decides_nothing(account, kind):
    assert knock(account, signed(), kind=kind).status_code in (200, 401)
    assert knock(account, "wrong", kind=kind).status_code == 401


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "head", "options"])
def test_only_post_is_answered(account, method):
    assert getattr(Client(), method)(f"/hooks/{account.platform}/{account.hook_token}").status_code == 405
    assert nothing_came_of_it()


@pytest.mark.parametrize("said", [str(5 * 2**20), None, "0", "12"], ids=["said", "chunked", "said empty", "said short"])
def test_five_megabytes_are_never_taken(account, said):
    """`said` is the Content-Length; a chunked call has none and must be stopped while it is read."""
    body = b"x" * (5 * 2**20)
    more = {"CONTENT_LENGTH": said} if said is not None else {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    assert knock(account, signed(body), body=body, **more).status_code in (401, 413)
    assert nothing_came_of_it()


def test_a_flood_from_a_stranger_writes_nothing(account):
    with CaptureQueriesContext(connection) as seen:
        for number in range(50):
            assert knock(account, "wrong").status_code == 401
            assert knock(account, signed(), token=f"guess{number}").status_code == 401
    assert [one["sql"] for one in seen if not one["sql"].startswith("SELECT")] == []
    assert sum("channels_account" in one["sql"] for one in seen) <= 51  # one look per guessed address, none per repeat
    assert nothing_came_of_it()
    refusals.flush()
    assert sum(WebhookRefusal.objects.values_list("count", flat=True)) == 100


def test_what_is_remembered_of_a_flood_is_bounded(account, monkeypatch):
    monkeypatch.setattr(receive, "MOST_REMEMBERED", 20)
    for number in range(60):
        knock(account, "wrong", token=f"guess{number}")
    assert len(receive._known) <= 20


def test_every_signature_is_compared_in_constant_time(account, monkeypatch):
    compared = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append(1) or real(a, b))
    for signature in (signed(secret=OTHER), signed()[:-5] + "AAAA=", signed()):
        knock(account, signature)
    assert len(compared) == 3


def test_a_call_is_acknowledged_only_when_its_row_is_there(account, monkeypatch):
    def lost(*args, **kwargs):
        from django.db import OperationalError

        raise OperationalError("the disk is full")

    monkeypatch.setattr(receive.bulk, "insert_rows", lost)
    assert knock(account, signed()).status_code == 503
    monkeypatch.undo()
    assert knock(account, signed()).status_code == 200
    assert WebhookArrival.objects.count() == 1


def test_a_new_secret_is_asked_for_within_seconds(account, monkeypatch):
    knock(account, signed())
    values = {name: OTHER if value == SECRET else value for name, value in KNOWN[account.platform].items()}
    accounts.set_credential(account=account, values=values, actor="test")
    monkeypatch.setattr(
        receive.time, "monotonic", lambda: receive.REMEMBERED_SECONDS + __import__("time").perf_counter() + 1e9
    )
    assert knock(account, signed()).status_code == 401
    assert knock(account, signed(secret=OTHER)).status_code == 200
