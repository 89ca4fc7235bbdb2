"""S74: what breaks inside is told to the log, and there without secrets; nobody outside and no mail learns of it."""

import pytest
from django.contrib import admin
from django.core import mail
from django.urls import resolve, reverse

from backoffice.api import keys
from inventory.models import Access
from orders.models import Order

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # decided above the engine
INSIDE = (b"canary", b"Traceback", b"RuntimeError", b"site-packages", b"tests/security", b"DJANGO_SETTINGS", b".py")


def breaks(*args, **kwargs):
    """Fail as code fails: with a local variable nobody should see and a message that quotes a secret."""
    card = "canary" + "-local"
    raise RuntimeError(f"refused, access_token=zqcanarytoken1 {len(card)}")


@pytest.fixture
def told(settings, lines):
    """Look at an answer and at everything else an error could have been told to."""
    settings.ADMINS = settings.MANAGERS = [("Boss", "boss@example.com")]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

    def look(answer):
        assert answer.status_code == 500
        assert [inside for inside in INSIDE if inside in answer.content] == []
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert mail.outbox == []
        written = lines.getvalue()
        assert "RuntimeError" in written  # whoever runs the house can find it
        assert "zqcanarytoken1" not in written
        assert "canary-local" not in written

    return look


@pytest.mark.parametrize(
    "page",
    ["changelist", "change", "history", "add"],
)
def test_a_page_of_the_admin_that_breaks(people, house, monkeypatch, told, page):
    kept = admin.site._registry[Order]
    monkeypatch.setattr(type(kept), "get_queryset" if page != "add" else "has_add_permission", breaks)
    client = people.client("superuser")
    client.raise_request_exception = False
    arguments = [house.order.pk] if page in ("change", "history") else []
    told(client.get(reverse(f"admin:orders_order_{page}", args=arguments)))


def test_a_form_of_the_admin_that_breaks(people, house, monkeypatch, told):
    client = people.client("superuser")
    client.raise_request_exception = False
    monkeypatch.setattr("backoffice.twofactor.start", breaks)
    told(client.post("/admin/two-factor/", {"do": "start", "password": "canary", "code": "canary"}))


@pytest.mark.parametrize(
    ("name", "method"),
    [("api-orders", "get"), ("api-order-changes", "get"), ("api-skus", "get"), ("api-shipments", "post")],
)
def test_an_address_of_the_api_that_breaks(house, client, monkeypatch, told, name, method):
    key, token = keys.create(name="erp2", scopes=["orders:read", "catalogue:read", "shipments:write"])
    Access.objects.create(api_key=key, all_shops=True, all_warehouses=True)
    url = reverse(name)
    view = resolve(url).func.cls
    monkeypatch.setattr(view, method, breaks)
    client.raise_request_exception = False
    headers = {"authorization": f"Bearer {token}", "idempotency-key": "k1"}
    data = {"data": "{}", "content_type": "application/json"} if method == "post" else {}
    answer = getattr(client, method)(url, headers=headers, **data)
    told(answer)
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "internal_error"


def test_a_hook_that_breaks(house, client, monkeypatch, told):
    client.raise_request_exception = False
    monkeypatch.setattr("channels.webhooks.receive._receive", breaks)
    told(client.post("/hooks/shopify/nobody", "{}", content_type="application/json"))
