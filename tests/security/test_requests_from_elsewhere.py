"""S20, S21, S22, S25, S74: other sites' forms, strange hosts, foreign targets, and what every answer carries."""

import pytest
from django.db import connection
from django.test import Client
from django.urls import get_resolver, path
from django.utils.translation import override

from backoffice.models import AuditEntry, User
from tests.matrix.addresses import every
from tests.security.pages import addresses

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # all of it is decided above the engine
OPEN_TO_MACHINES = {"channels:hook"}  # signed by the platform; the API below has keys and knows no cookie


@pytest.fixture
def victim(people):
    """A superuser's browser that another site makes send forms."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(people["superuser"], backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_no_address_takes_a_form_of_another_site(victim, house, method):
    taken = []
    for one in every():
        answer = getattr(victim, method)(
            one.url(1 if one.arguments else None), {"post": "yes"}, headers={"origin": "https://evil.example"}
        )
        if answer.status_code not in (401, 403, 404, 405) and one.name not in OPEN_TO_MACHINES:
            taken.append(f"{one.name}: {answer.status_code}")
    assert taken == []


def test_only_machines_doors_ask_for_no_token():
    exempt = {name for name, view in _views(get_resolver(), "") if getattr(view, "csrf_exempt", False)}
    assert {name for name in exempt if not name.startswith("api-")} == OPEN_TO_MACHINES


def _views(resolver, namespace):
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from _views(pattern, f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace)
        else:
            yield namespace + (pattern.name or ""), pattern.callback


def test_a_token_from_another_origin_does_not_count(victim):
    victim.get("/admin/password_change/")
    token = victim.cookies["csrftoken"].value
    data = {"csrfmiddlewaretoken": token, "language": "zh-hans", "next": "/admin/"}
    assert victim.post("/i18n/language/", data, headers={"origin": "https://evil.example"}).status_code == 403
    assert victim.post("/i18n/language/", data, headers={"origin": "null"}).status_code == 403
    assert victim.post("/i18n/language/", data, headers={"origin": "http://testserver"}).status_code == 302


# A link that is followed may leave one line in the audit trail: that this person read or took away personal data.
# It is no change of state: nothing else can be changed by it, it cannot be taken back, and whoever sends the link gets
# neither the file nor anything but a record against himself.
READING = {"export", "late_order.export", "manifest.print", "papers.print", "quote.reveal_buyer"}


def test_looking_changes_nothing(people, desk):
    client = people.client("superuser")
    client.get("/admin/")
    before, known = _content(), AuditEntry.objects.count()
    for url in addresses(rows=1):
        joint = "&" if "?" in url else "?"
        client.get(f"{url}{joint}do=approve&post=yes&confirmed=1&action=approve&_selected_action=1&_save=1&language=en")
    after = _content()
    assert {table for table in before if before[table] != after[table]} == {AuditEntry._meta.db_table}
    done = AuditEntry.objects.order_by("pk")[known:].values_list("action", flat=True)
    assert {one.partition(".")[0] if one.startswith("export.") else one for one in done} <= READING


def _content() -> dict[str, list]:
    with connection.cursor() as cursor:
        found = {}
        for table in connection.introspection.table_names(cursor):
            if table not in {"django_session", "django_content_type"}:
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
                found[table] = sorted(map(repr, cursor.fetchall()))
        return found


def fails(request):
    card = "canary-in-a-local-variable"  # noqa: F841 — what an error page must not show
    raise RuntimeError("canary-in-the-message")


class Routes:
    """The product's own addresses and one that fails."""

    from backoffice.urls import urlpatterns as ours

    urlpatterns = [*ours, path("fails/", fails)]


KINDS = {
    "a page": ("get", "/admin/", {}, 200),
    "not there": ("get", "/admin/nowhere/", {}, 404),
    "not allowed": ("get", "/admin/django_q/ormq/add/", {}, 403),
    "wrong method": ("get", "/admin/logout/", {}, 405),
    "bad filter": ("get", "/admin/orders/order/?password=1", {}, 400),
    "strange host": ("get", "/admin/", {"headers": {"host": "evil.example"}}, 400),
    "broken": ("get", "/fails/", {}, 500),
    "a hook": ("post", "/hooks/shopify/nobody", {}, 401),
    "the API": ("get", "/api/v1/orders", {}, 401),
    "a redirect": ("get", "/", {}, 302),
    "a download": ("get", "/admin/inventory/sku/export-skus/", {}, None),
    "a form of another site": ("post", "/admin/logout/", {"headers": {"origin": "https://evil.example"}}, 403),
    "too large": ("post", "/admin/", {"CONTENT_LENGTH": "9" * 12}, 413),
    "too large for a hook": ("post", "/hooks/shopify/nobody", {"CONTENT_LENGTH": "9" * 12}, 413),
    "an odd method": ("delete", "/admin/", {}, 405),
    "is it alive": ("get", "/healthz", {}, None),
    "a style sheet": ("get", "/static/backoffice/yiku.css", {}, None),
    "the API's schema": ("get", "/api/v1/schema", {}, None),
    "the log-in page": ("get", "/admin/login/", {}, None),
    "not at home": ("get", "/admin/", {"REMOTE_ADDR": "203.0.113.7"}, 403),
}
CLOSED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=3600; includeSubDomains; preload",
}


@pytest.mark.parametrize(("method", "url", "more", "status"), KINDS.values(), ids=KINDS.keys())
def test_every_kind_of_answer_is_closed_up_and_tells_nothing(victim, settings, method, url, more, status):
    settings.ROOT_URLCONF = Routes
    settings.SECURE_HSTS_SECONDS = 3600
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    settings.DEMO = "REMOTE_ADDR" in more
    victim.raise_request_exception = False
    with override("en"):
        answer = getattr(victim, method)(url, secure=True, **more)
    assert status is None or answer.status_code == status
    assert {name: answer.headers.get(name) for name in CLOSED} == CLOSED
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "camera=(self)" in answer.headers["Permissions-Policy"]
    text = b"" if answer.streaming else answer.content
    for inside in (b"canary", b"Traceback", b"site-packages", b"DJANGO_SETTINGS", b"/backoffice/"):
        assert inside not in text or answer.status_code == 200


def test_the_way_to_https_is_closed_up_too(client, settings):
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 3600
    answer = client.get("/admin/")
    assert (answer.status_code, answer["Location"]) == (301, "https://testserver/admin/")
    plain = {name: value for name, value in CLOSED.items() if not name.startswith("Strict")}
    assert {name: answer.headers.get(name) for name in plain} == plain
    assert "Strict-Transport-Security" not in answer.headers  # over http anybody could have written it


ELSEWHERE = (
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "http:evil.example",
    "https:///evil.example",
    "//evil.example@testserver/",
    "http://testserver@evil.example/",
    "http://testserver.evil.example/",
    "javascript:alert(1)",
    "data:text/html,x",
    "%2f%2fevil.example",
    "/%09/evil.example",
    "\t//evil.example",
    "/admin/\r\nSet-Cookie: a=b",
    "//evil%E3%80%82example",
    "//[::1]/",
    "ftp://testserver/",
)


@pytest.mark.parametrize("target", ELSEWHERE)
def test_no_address_to_go_on_to_leaves_the_house(client, target):
    from urllib.parse import urljoin, urlsplit

    User.objects.create_superuser("boss", password="correct horse")
    answers = [
        client.post("/admin/login/", {"username": "boss", "password": "correct horse", "next": target}),
        client.get("/admin/login/", {"next": target}),
        client.post("/i18n/language/", {"language": "en", "next": target}),
        client.post("/i18n/language/", {"language": "en"}, headers={"referer": target.strip()}),
        client.post("/admin/logout/", {"next": target}),
    ]
    for answer in answers:
        place = urljoin("http://testserver/x/", answer.headers.get("Location", "/").replace("\\", "/"))
        assert urlsplit(place).netloc == "testserver"
        assert urlsplit(place).scheme == "http"
        assert "Set-Cookie: a=b" not in str(answer.headers)


@pytest.mark.parametrize(
    "header", ["x-forwarded-host", "x-host", "x-forwarded-server", "forwarded", "x-original-url", "x-rewrite-url"]
)
def test_a_forwarded_host_is_not_believed(client, header):
    answer = client.get("/admin/", headers={header: "evil.example"})
    assert answer.status_code == 302
    assert "evil" not in answer["Location"]
    assert "evil.example" not in client.get("/admin/login/", headers={header: "evil.example"}).content.decode()


def test_https_is_not_believed_without_a_proxy_of_ours(rf, settings):
    assert settings.SECURE_PROXY_SSL_HEADER is None
    assert not rf.get("/", headers={"x-forwarded-proto": "https"}).is_secure()


def test_in_production_cookies_travel_encrypted_only():
    import json
    import os
    import subprocess
    import sys

    keys = {"SECRET_KEY": "s" * 60, "HASH_KEY": "h" * 60, "FIELD_KEYS": "dGVzdC10ZXN0LXRlc3QtdGVzdC10ZXN0LXRlc3QtdGU="}
    env = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "YIKU_VAR"}}
    names = [
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "SECURE_SSL_REDIRECT",
        "DEBUG",
        "DEMO",
        "SECURE_HSTS_SECONDS",
        "SESSION_COOKIE_HTTPONLY",
    ]
    code = f"import json;from backoffice import settings as s;print(json.dumps([getattr(s, n) for n in {names!r}]))"
    done = subprocess.run([sys.executable, "-c", code], env={**env, **keys}, capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout) == [True, True, True, False, False, 31_536_000, True], done.stderr
