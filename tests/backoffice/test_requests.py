"""What every answer carries, and who is answered at all."""

import pytest
from django.urls import path, reverse

from backoffice.models import User

pytestmark = pytest.mark.django_db
SECURE_SETTINGS = {"SECURE_SSL_REDIRECT": True, "SECURE_HSTS_SECONDS": 31_536_000, "SESSION_COOKIE_SECURE": True}


@pytest.mark.parametrize("url", ["/admin/login/", "/nowhere", "/admin/"])
def test_every_answer_has_the_headers(client, url):
    headers = client.get(url).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self' 'unsafe-eval';" in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]


def test_production_redirects_to_https_and_says_so_for_a_year(client, settings):
    for name, value in SECURE_SETTINGS.items():
        setattr(settings, name, value)
    assert client.get("/admin/login/")["Location"] == "https://testserver/admin/login/"
    secure = client.get("/admin/login/", secure=True)
    assert secure["Strict-Transport-Security"].startswith("max-age=31536000")


def test_cookies_are_closed_to_scripts_and_other_sites(client):
    User.objects.create_superuser("boss", password="correct horse")
    reply = client.post("/admin/login/", {"username": "boss", "password": "correct horse"})
    for name in ("sessionid", "csrftoken"):
        cookie = reply.cookies[name]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"


def test_pages_of_a_person_stay_out_of_every_cache(people):
    for url in ("/admin/", "/admin/backoffice/user/", "/admin/nowhere/"):
        control = people.client("owner").get(url)["Cache-Control"]
        assert "no-store" in control
        assert "private" in control


def test_a_strange_host_is_refused(client):
    assert client.get("/admin/login/", headers={"host": "evil.example"}).status_code == 400


def test_logging_out_by_a_link_does_nothing(people):
    client = people.client("owner")
    assert client.get(reverse("admin:logout")).status_code == 405
    assert client.get("/admin/").status_code == 200


def test_next_leads_to_our_own_pages_only(client):
    User.objects.create_superuser("boss", password="correct horse")
    reply = client.post("/admin/login/?next=https://evil.example/", {"username": "boss", "password": "correct horse"})
    assert reply["Location"] == "/admin/"
    reply = client.post("/i18n/language/", {"language": "en", "next": "//evil.example/"})
    assert "evil.example" not in reply["Location"]


def test_a_form_from_elsewhere_is_refused():
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    assert client.post("/admin/login/", {"username": "x", "password": "y"}).status_code == 403
    assert client.post("/i18n/language/", {"language": "en"}).status_code == 403


@pytest.mark.parametrize("length", ["31457281", "99999999999", "-1", "many"])
def test_a_body_that_is_too_large_is_refused_unread(rf, length):
    from backoffice.middleware import body_limit

    request = rf.post("/admin/login/", {"a": 1}, CONTENT_LENGTH=length)
    reply = body_limit(lambda request: pytest.fail("the request went on"))(request)
    assert reply.status_code == 413
    assert not request._read_started


def test_the_demo_answers_this_machine_only(client, settings):
    settings.DEMO = True
    assert client.get("/admin/login/", REMOTE_ADDR="192.168.1.9").status_code == 403
    assert client.get("/admin/login/", REMOTE_ADDR="127.0.0.1").status_code == 200


def test_the_forwarded_address_counts_only_behind_our_own_proxies(rf, settings):
    from backoffice.middleware import client_address

    request = rf.get("/", headers={"x-forwarded-for": "1.1.1.1, 2.2.2.2"}, REMOTE_ADDR="127.0.0.1")
    assert client_address(request) == "127.0.0.1"
    settings.TRUSTED_PROXIES = 1
    assert client_address(request) == "2.2.2.2"
    settings.TRUSTED_PROXIES = 3
    assert client_address(request) == "127.0.0.1"


def fails(request):
    password = "canary-in-a-local-variable"  # noqa: F841 — what an error page must not show
    raise RuntimeError("token=canary-in-the-message")


urlpatterns = [path("fails/", fails)]


def test_an_error_page_shows_nothing_of_the_inside(client, settings):
    settings.ROOT_URLCONF = __name__
    client.raise_request_exception = False
    reply = client.get("/fails/")
    assert reply.status_code == 500
    assert b"canary" not in reply.content
    assert b"Traceback" not in reply.content


def test_the_language_is_remembered_for_the_person(people):
    client = people.client("owner")
    client.post("/i18n/language/", {"language": "zh-hans", "next": "/admin/"})
    assert User.objects.get(username="owner").language == "zh-hans"
    assert client.get("/admin/").headers["Content-Language"] == "zh-hans"
    client.post("/i18n/language/", {"language": "xx", "next": "/admin/"})
    assert User.objects.get(username="owner").language == "zh-hans"


def test_times_are_shown_in_the_persons_zone(people):
    import datetime as dt

    from backoffice import audit, clock

    User.objects.filter(pk=people["owner"].pk).update(time_zone="America/New_York")
    with clock.moved_to(lambda: dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)):
        audit.record(action="a", target="t:1")
    page = people.client("owner").get(reverse("admin:backoffice_auditentry_changelist")).content.decode()
    assert "07:00" in page


def test_a_zone_that_no_longer_exists_breaks_no_page(people):
    User.objects.filter(pk=people["owner"].pk).update(time_zone="Mars/Olympus")
    assert people.client("owner").get("/admin/").status_code == 200


def test_health_is_asked_by_address_over_plain_http(client, settings):
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["yiku.example"], True
    reply = client.get("/healthz", headers={"host": "10.0.0.5:8000"})
    assert reply.status_code == 503
    assert reply["X-Content-Type-Options"] == "nosniff"
    assert client.post("/healthz", headers={"host": "10.0.0.5:8000"}).status_code == 405
