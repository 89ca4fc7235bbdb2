"""S26, S60-S63: guessing, telling who exists, planted sessions, forged log lines, accounts nobody made."""

import io
import logging

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client

from backoffice.api import keys
from backoffice.models import ApiKey, AuditEntry, User

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
HOME = "10.0.0.9"


@pytest.fixture
def wang(settings):
    settings.AXES_FAILURE_LIMIT = 5
    return User.objects.create_user("wang", password="correct horse", is_staff=True)


def attempt(client, password, username="wang", address="10.0.0.1", **headers):
    return client.post(
        "/admin/login/", {"username": username, "password": password}, REMOTE_ADDR=address, headers=headers
    )


def test_of_all_guesses_a_few_reach_the_hasher(client, wang, settings, monkeypatch):
    tried, real = [], MD5PasswordHasher.verify
    monkeypatch.setattr(
        MD5PasswordHasher, "verify", lambda self, given, encoded: tried.append(given) or real(self, given, encoded)
    )
    answers = {attempt(client, f"guess{number}").status_code for number in range(40)}
    assert answers == {200, 429}
    assert len(tried) <= settings.AXES_FAILURE_LIMIT
    assert attempt(client, "correct horse", address=HOME).status_code == 302


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-for": "1.2.3.{0}"},
        {"x-real-ip": "1.2.3.{0}"},
        {"client-ip": "1.2.3.{0}"},
        {"forwarded": "for=1.2.3.{0}"},
    ],
)
def test_an_address_made_up_in_a_header_opens_no_new_round(client, wang, headers):
    for number in range(8):
        answer = attempt(client, "wrong", **{name: value.format(number) for name, value in headers.items()})
    assert answer.status_code == 429


@pytest.mark.parametrize("spelling", ["ｗａｎｇ", "wang ", " wang", "WANG"])
def test_another_spelling_of_the_name_opens_no_new_round(client, wang, spelling):
    for _ in range(5):
        attempt(client, "wrong")
    answer = attempt(client, "correct horse", username=spelling)
    assert answer.status_code in (200, 403, 429)
    assert "sessionid" not in answer.cookies


def test_other_browsers_and_cookies_open_no_new_round(wang):
    for number in range(8):
        answer = attempt(Client(headers={"user-agent": f"Mozilla/{number}"}), "wrong")
    assert answer.status_code == 429


def test_a_good_log_in_of_the_guesser_himself_washes_nobody_clean(client, wang, settings):
    User.objects.create_user("mallory", password="correct horse", is_staff=True)
    for _ in range(4):
        attempt(client, "wrong")
    assert attempt(Client(), "correct horse", username="mallory").status_code == 302
    attempt(client, "wrong")
    assert attempt(client, "correct horse").status_code == 429


def test_refused_log_ins_can_be_looked_up(people, client, wang):
    for _ in range(6):
        attempt(client, "wrong")
    row = AccessAttempt.objects.get(username="wang")
    assert row.failures_since_start >= 5
    assert "wang" in people.client("owner").get("/admin/axes/accessattempt/").content.decode()


@pytest.mark.parametrize("username", ["nobody", "wang", "retired", "guest"])
def test_each_wrong_log_in_costs_one_hash_and_reads_the_same(client, wang, username, monkeypatch):
    """Unknown, known, put out, without access to the desk: no difference in text or in work."""
    User.objects.create_user("retired", password="correct horse", is_staff=True, is_active=False)
    User.objects.create_user("guest", password="correct horse")
    hashed, real = [], MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda self, *given: hashed.append(1) or real(self, *given))
    answer = attempt(client, "wrong", username=username)
    assert (answer.status_code, len(hashed)) == (200, 1)
    assert list(answer.context["form"].errors) == ["__all__"]
    assert "correct username and password" in str(answer.context["form"].errors)


@pytest.mark.parametrize("username", ["retired", "guest"])
def test_the_right_password_of_one_who_may_not_enter_reads_like_a_wrong_one(client, wang, username):
    User.objects.create_user("retired", password="correct horse", is_staff=True, is_active=False)
    User.objects.create_user("guest", password="correct horse")
    right, wrong = attempt(client, "correct horse", username=username), attempt(client, "wrong", username="nobody")
    assert str(right.context["form"].errors) == str(wrong.context["form"].errors)
    assert "sessionid" not in right.cookies


@pytest.mark.parametrize(
    "url",
    ["/admin/password_reset/", "/accounts/login/", "/accounts/password/reset/", "/api-auth/login/", "/admin/register/"],
)
def test_there_is_no_second_door(client, url):
    assert client.get(url).status_code in (302, 404)
    assert client.post(url, {"email": "x@example.com"}).status_code in (302, 403, 404)


def test_a_session_planted_before_the_log_in_is_worth_nothing_after_it(client, wang):
    from importlib import import_module

    planted = import_module("django.contrib.sessions.backends.db").SessionStore()
    planted["x"] = 1
    planted.save()
    client.cookies["sessionid"] = planted.session_key
    attempt(client, "correct horse")
    assert client.cookies["sessionid"].value != planted.session_key
    thief = Client()
    thief.cookies["sessionid"] = planted.session_key
    assert thief.get("/admin/").status_code == 302
    thief.cookies["sessionid"] = "chosen-by-the-thief"
    assert thief.get("/admin/").status_code == 302


def test_a_second_person_at_the_same_browser_finds_nothing_of_the_first(client, wang):
    User.objects.create_user("li", password="correct horse", is_staff=True)
    attempt(client, "correct horse")
    session = client.session
    session["orders_revealed"] = 7
    session.save()
    attempt(client, "correct horse", username="li")
    assert "orders_revealed" not in client.session


def test_the_password_in_an_address_logs_nobody_in(client, wang):
    client.get("/admin/login/", {"username": "wang", "password": "correct horse"})
    assert client.get("/admin/").status_code == 302


def test_a_fresh_installation_has_no_person_and_no_key(db):
    assert (User.objects.count(), ApiKey.objects.count()) == (0, 0)


def test_the_demos_names_and_passwords_are_shown_in_the_demo_only(client, settings):
    from backoffice import demo_people

    settings.DEMO = False
    page = client.get("/admin/login/").content.decode()
    said = [value for value in vars(demo_people).values() if isinstance(value, str) and "demo" in value.lower()]
    assert "Demo" not in page
    assert not any(word in page for word in said if len(word) < 40)


def test_guessing_keys_of_the_api_finds_and_writes_nothing(client, db):
    _key, token = keys.create(name="erp", scopes=["orders:read"])
    entries = AuditEntry.objects.count()
    for guess in (
        "",
        "x",
        token[:-1],
        token[:-1] + "!",
        token.upper(),
        "Bearer",
        "\x00",
        "ключ",
        token + "0",
        "' OR 1=1 --",
    ):
        headers = {"authorization": f"Bearer {guess}".encode().decode("latin-1")}
        assert client.get("/api/v1/orders", headers=headers).status_code == 401, guess
    assert AuditEntry.objects.count() == entries


@pytest.mark.parametrize(
    "bad", ["x\r\n2026-01-01 INFO    root: forged", "\x1b[31mred\x1b[0m", "a\u2028b", "a\u202eb", "a\x00b", "a\x9b31mb"]
)
def test_no_name_forges_a_line_of_the_log(client, wang, bad):
    handler = next(
        one for one in logging.getLogger().handlers if one.formatter and "Processor" in type(one.formatter).__name__
    )
    mine = logging.StreamHandler(io.StringIO())
    mine.setFormatter(handler.formatter)
    logging.getLogger().addHandler(mine)
    try:
        for _ in range(6):
            attempt(client, "wrong", username=bad)
        client.get(
            "/admin/nowhere/",
            {"q": bad},
            headers={"user-agent": bad.replace("\r", "").replace("\n", "").encode().decode("latin-1", "replace")}
            if bad.isascii()
            else {},
        )
        logging.getLogger("yiku").warning("login of %s", bad)
    finally:
        logging.getLogger().removeHandler(mine)
    written = mine.stream.getvalue()
    assert "login of" in written
    assert not any(line.startswith("2026-01-01 INFO") for line in written.splitlines())
    assert not set(written) & set("\x1b\x00\x9b\u2028\u202e\r")
