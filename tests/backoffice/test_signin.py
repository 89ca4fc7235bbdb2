"""Guessing is slow, victims are not locked out for good, sessions end."""

import datetime as dt

import pytest
from axes.models import AccessAttempt

from backoffice import clock
from backoffice.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def wang(settings):
    settings.AXES_FAILURE_LIMIT = 3
    return User.objects.create_superuser("wang", password="correct horse")


def attempt(client, password, address="10.0.0.1", username="wang"):
    return client.post("/admin/login/", {"username": username, "password": password}, REMOTE_ADDR=address)


def test_a_guesser_is_stopped_and_the_person_elsewhere_is_not(client, wang):
    for _ in range(3):
        reply = attempt(client, "wrong")
    assert reply.status_code == 429
    assert "Too many failed log-ins" in reply.content.decode()
    assert attempt(client, "correct horse").status_code == 429
    assert attempt(client, "correct horse", address="10.0.0.2").status_code == 302


def test_after_the_pause_the_person_gets_in_again(client, wang, settings):
    for _ in range(3):
        attempt(client, "wrong")
    long_ago = clock.now() - settings.AXES_COOLOFF_TIME - dt.timedelta(seconds=1)
    AccessAttempt.objects.update(attempt_time=long_ago)
    assert attempt(client, "correct horse").status_code == 302


def test_one_password_on_many_names_is_stopped_by_the_address(client, wang, settings):
    settings.LOGIN_FAILURES_PER_ADDRESS = 5
    for number in range(5):
        assert attempt(client, "wrong", username=f"user{number}").status_code == 200
    assert attempt(client, "correct horse").status_code == 403 or "sessionid" not in client.cookies
    assert attempt(client, "correct horse", address="10.0.0.2").status_code == 302


def test_a_wrong_name_and_a_wrong_password_read_the_same(client, wang):
    def shown(reply):
        return reply.content.decode().replace("nobody", "wang")

    first, second = attempt(client, "wrong"), attempt(client, "wrong", username="nobody", address="10.0.0.3")
    assert first.status_code == second.status_code == 200
    assert shown(first).count("correct username") == shown(second).count("correct username") == 1


def test_what_was_typed_is_not_kept(client, wang):
    attempt(client, "my-real-password-typed-into-the-wrong-field")
    row = AccessAttempt.objects.get()
    assert "my-real-password" not in str(row.__dict__)


def moved(**by):
    later = clock.now() + dt.timedelta(**by)
    return clock.moved_to(lambda: later)


def test_an_idle_session_ends(people):
    client = people.client("owner")
    assert client.get("/admin/").status_code == 200
    with moved(minutes=100):
        assert client.get("/admin/").status_code == 200
    with moved(minutes=200):
        assert client.get("/admin/").status_code == 200
    with moved(minutes=330):
        assert client.get("/admin/").status_code == 302


def test_a_page_that_refreshes_itself_keeps_no_session_alive(people):
    client = people.client("owner")
    client.get("/admin/")
    with moved(minutes=100):
        client.get("/admin/home/cards/", headers={"x-yiku-refresh": "1"})
    with moved(minutes=130):
        assert client.get("/admin/").status_code == 302


def test_a_session_lasts_half_a_day_at_most(people):
    client = people.client("owner")
    for hours in range(12):
        with moved(hours=hours):
            assert client.get("/admin/").status_code == 200
    with moved(hours=12, minutes=1):
        assert client.get("/admin/").status_code == 302


def test_logging_in_changes_the_session_and_logging_out_kills_it(client, wang):
    client.get("/admin/login/")
    attempt(client, "correct horse")
    key = client.session.session_key
    client.post("/admin/logout/")
    client.cookies["sessionid"] = key
    assert client.get("/admin/").status_code == 302


def test_a_changed_password_ends_the_other_sessions(client, wang):
    from django.test import Client

    other = Client()
    attempt(client, "correct horse")
    attempt(other, "correct horse")
    fields = {"old_password": "correct horse", "new_password1": "battery staple 9", "new_password2": "battery staple 9"}
    assert client.post("/admin/password_change/", fields).status_code == 302
    assert client.get("/admin/").status_code == 200
    assert other.get("/admin/").status_code == 302


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
def test_a_person_put_out_is_out_with_the_next_request(people, change):
    client = people.client("owner")
    assert client.get("/admin/").status_code == 200
    User.objects.filter(username="owner").update(**change)
    assert client.get("/admin/").status_code == 302


def test_a_role_taken_away_is_gone_with_the_next_request(people):
    client = people.client("auditor")
    assert client.get("/admin/backoffice/auditentry/").status_code == 200
    people["auditor"].groups.clear()
    assert client.get("/admin/backoffice/auditentry/").status_code == 403


def test_a_weak_password_is_refused(people):
    fields = {"username": "new", "password1": "12345678", "password2": "12345678", "usable_password": "true"}
    reply = people.client("owner").post("/admin/backoffice/user/add/", fields)
    assert reply.status_code == 200
    assert not User.objects.filter(username="new").exists()
