"""S62: a password alone opens nothing for who has a second factor, and those who steer the house must have one."""

import datetime as dt
import hmac
import struct

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from backoffice import clock, twofactor
from backoffice.models import AuditEntry, BackupCode, SecondFactor, User
from channels.models import Account
from tests.inventory import factories as stock
from tests.inventory.threads import together

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse"
OWN, CODE = "/admin/two-factor/", "/admin/two-factor/code/"


def app_code(user, steps=0):
    """What an authenticator app shows: RFC 6238 worked out by hand, not by the product's own library."""
    key = bytes.fromhex(SecondFactor.objects.get(user=user).secret)
    step = int(clock.now().timestamp()) // 30 + steps
    mac = hmac.digest(key, struct.pack(">Q", step), "sha1")
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at : at + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"


@pytest.fixture(autouse=True)
def at_ease():
    """A clock that stands, so that no code runs out between two lines."""
    now = clock.now()
    with clock.moved_to(lambda: now):
        yield


def later(**by):
    then = clock.now() + dt.timedelta(**by)
    return clock.moved_to(lambda: then)


@pytest.fixture
def wang(db):
    """An owner without a second factor."""
    return User.objects.create_superuser("wang", password=PASSWORD)


def sign_in(user, client=None):
    client = client or Client()
    answer = client.post("/admin/login/", {"username": user.username, "password": PASSWORD})
    assert answer.status_code == 302
    return client


def set_up(user):
    """Set it up through the pages; returns the back-up codes. The app's code of now is used up then."""
    client = sign_in(user)
    client.post(OWN, {"do": "start"})
    answer = client.post(OWN, {"do": "confirm", "password": PASSWORD, "code": app_code(user)})
    user.refresh_from_db()
    return answer.context["codes"]


@pytest.fixture
def codes(wang):
    return set_up(wang)


def opens(client):
    return client.get("/admin/").status_code == 200


def test_it_is_set_up_with_the_picture_the_password_and_the_first_code(wang):
    client = sign_in(wang)
    assert "data:image/svg+xml" not in client.get(OWN).content.decode()
    client.post(OWN, {"do": "start"})
    page = client.get(OWN)
    assert "data:image/svg+xml" in page.content.decode()
    assert page.context["secret_text"] in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    for data in ({"password": "wrong", "code": app_code(wang)}, {"password": PASSWORD, "code": "000000"}):
        client.post(OWN, {"do": "confirm", **data})
        assert User.objects.get().two_factor_at is None
    shown = client.post(OWN, {"do": "confirm", "password": PASSWORD, "code": app_code(wang)})
    codes = shown.context["codes"]
    assert len(set(codes)) == 10
    assert all(code in shown.content.decode() for code in codes)
    assert opens(client)
    again = client.get(OWN).content.decode()
    assert not any(code in again for code in codes)
    assert "10 back-up codes are left" in again
    assert AuditEntry.objects.filter(action="two_factor.on", actor__contains="wang").count() == 1


def test_the_password_alone_opens_no_page_and_changes_nothing(wang, codes, house):
    from tests.security.pages import addresses

    client = sign_in(wang)
    doors = {"/admin/login/", "/admin/logout/", "/i18n/language/", CODE}
    opened = []
    for url in addresses(rows=1):
        if url.split("?")[0] in doors or url.startswith(("/hooks/", "/api/v1/")):
            continue
        for answer in (client.get(url), client.post(url, {"do": "start", "post": "yes"})):
            if answer.status_code != 302 or not answer["Location"].startswith(CODE):
                opened.append(f"{url}: {answer.status_code}")
    assert opened == []
    for url in ("/api/v1/orders", "/hooks/shopify/nobody"):  # a session opens neither: they know keys and signatures
        assert client.get(url).status_code in (302, 401, 405)
    assert wang.username not in client.get(CODE).content.decode()


def test_the_code_opens_and_counts_once(wang, codes):
    with later(minutes=5):
        client, other = sign_in(wang), sign_in(wang)
        code = app_code(wang)
        answer = client.post(CODE, {"code": f" {code[:3]} {code[3:]}", "next": "/admin/orders/order/"})
        assert answer["Location"] == "/admin/orders/order/"
        assert opens(client)
        assert other.post(CODE, {"code": code}).status_code == 200
        assert not opens(other)
        assert other.post(CODE, {"code": app_code(wang, -1)}).status_code == 200  # older than the one used
        assert other.post(CODE, {"code": app_code(wang, +1)}).status_code == 302  # a clock that is ahead
    assert not opens(Client())


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_same_code_at_the_same_moment_counts_once(wang):
    factor = twofactor.start(wang)
    twofactor.confirm(wang, app_code(wang, -1))
    code = app_code(wang)
    results = together(*[lambda: twofactor.check(wang, code)] * 6)
    assert [type(one).__name__ for one in results].count("NoneType") == 1
    factor.refresh_from_db()
    assert factor.failures == 5


@pytest.mark.parametrize("steps", [-2, 2, 100])
def test_a_code_of_another_time_does_not_count(wang, codes, steps):
    with later(hours=2):
        client = sign_in(wang)
        assert client.post(CODE, {"code": app_code(wang, steps)}).status_code == 200
        assert not opens(client)


@pytest.mark.parametrize(
    "given", ["", "0", "12345", "1234567", "１２３", "abcdefghij", "A" * 500, "\x00" * 6, "²²²²²²"]
)
def test_odd_codes_are_refused_and_break_nothing(wang, codes, given):
    client = sign_in(wang)
    assert client.post(CODE, {"code": given}).status_code == 200
    assert not opens(client)


def test_a_backup_code_opens_once_however_it_is_typed(wang, codes):
    client = sign_in(wang)
    assert client.post(CODE, {"code": codes[0].lower().replace("-", " ")}).status_code == 302
    assert opens(client)
    other = sign_in(wang)
    assert other.post(CODE, {"code": codes[0]}).status_code == 200
    assert not opens(other)
    assert AuditEntry.objects.filter(action="two_factor.backup_code_used").count() == 1
    assert "9 back-up codes are left" in client.get(OWN).content.decode()


def test_one_persons_codes_are_nothing_to_another(wang, codes):
    li = User.objects.create_superuser("li", password=PASSWORD)
    set_up(li)
    client = sign_in(li)
    with later(minutes=1):
        for given in (codes[0], app_code(wang)):
            assert client.post(CODE, {"code": given}).status_code == 200


def test_a_guesser_is_stopped_and_the_right_code_with_him_but_not_for_good(wang, codes, caplog):
    client = sign_in(wang)
    for number in range(5):
        client.post(CODE, {"code": f"{number:06d}"})
    with later(minutes=1):
        for given in (app_code(wang), codes[0]):  # from another browser too
            answer = sign_in(wang).post(CODE, {"code": given})
            assert "Too many wrong codes" in answer.content.decode()
    assert AuditEntry.objects.filter(action="two_factor.refused").count() == 7
    assert sum("code refused" in line for line in caplog.messages) == 7
    with later(minutes=16):
        assert client.post(CODE, {"code": app_code(wang)}).status_code == 302
        assert opens(client)


def test_each_round_of_guesses_waits_longer_up_to_an_hour(wang, codes):
    waits, then = [], clock.now()
    for number in range(25):
        with clock.moved_to(lambda at=then: at), pytest.raises(twofactor.YikuError):
            twofactor.check(wang, f"{number:06d}")
        until = SecondFactor.objects.get().wait_until
        if until and until > then:
            waits.append((until - then) // dt.timedelta(minutes=1))
            then = until + dt.timedelta(seconds=1)
    assert waits == [15, 30, 60, 60, 60]


def test_it_is_switched_off_with_password_and_code_only(wang, codes):
    with later(minutes=2):
        client = sign_in(wang)
        client.post(CODE, {"code": codes[0]})
        for data in ({"password": PASSWORD, "code": "000000"}, {"password": "wrong", "code": codes[1]}, {}):
            client.post(OWN, {"do": "off", **data})
            assert SecondFactor.objects.count() == 1
        assert client.post(OWN, {"do": "off", "password": PASSWORD, "code": app_code(wang)}).status_code == 302
        assert (SecondFactor.objects.count(), BackupCode.objects.count()) == (0, 0)
        assert opens(sign_in(wang))
    assert AuditEntry.objects.filter(action="two_factor.off").count() == 1


def test_new_backup_codes_end_the_old_ones(wang, codes):
    client = sign_in(wang)
    client.post(CODE, {"code": codes[0]})
    assert client.post(OWN, {"do": "codes", "code": "nonsense"}).context.get("codes") is None
    fresh = client.post(OWN, {"do": "codes", "code": codes[1]}).context["codes"]
    assert not set(fresh) & set(codes)
    other = sign_in(wang)
    assert other.post(CODE, {"code": codes[2]}).status_code == 200
    assert other.post(CODE, {"code": fresh[0]}).status_code == 302


def test_who_has_it_cannot_start_anew_around_it(wang, codes):
    client = sign_in(wang)
    secret = SecondFactor.objects.get().secret
    for data in ({"do": "start"}, {"do": "confirm", "password": PASSWORD, "code": app_code(wang)}):
        client.post(OWN, data)
    client.post(CODE, {"code": codes[0]})
    client.post(OWN, {"do": "start"})
    assert SecondFactor.objects.get().secret == secret


def test_sessions_open_before_are_asked_for_a_code_too(wang):
    before = sign_in(wang)
    set_up(wang)
    assert not opens(before)


# --- lost devices ----------------------------------------------------------------------------------------------------


def test_the_owner_resets_anothers_device_after_a_question(people, wang, codes):
    boss = people.client("superuser")
    url = f"/admin/backoffice/user/{wang.pk}/two-factor/"
    assert url in boss.get(f"/admin/backoffice/user/{wang.pk}/change/").content.decode()
    boss.get(url)
    assert SecondFactor.objects.count() == 1
    assert boss.post(url).status_code == 302
    assert SecondFactor.objects.count() == 0
    assert opens(sign_in(wang))
    entry = AuditEntry.objects.get(action="two_factor.reset")
    assert entry.target == f"backoffice.user:{wang.pk}"
    assert "superuser" in entry.actor


def test_nobody_resets_a_superusers_or_his_own(people, wang, codes):
    url = f"/admin/backoffice/user/{wang.pk}/two-factor/"
    for role in ("owner", "ops_admin", "auditor"):
        assert people.client(role).post(url).status_code == 403
    mine = sign_in(wang)
    mine.post(CODE, {"code": codes[0]})
    assert mine.post(url)["Location"] == OWN
    assert SecondFactor.objects.count() == 1


def test_a_reset_needs_a_fresh_code_of_who_does_it(people, wang, codes):
    li = people["order_clerk"]
    li.set_password(PASSWORD)
    li.save()
    set_up(li)
    mine = sign_in(wang)
    mine.post(CODE, {"code": codes[0]})
    with later(minutes=16):
        answer = mine.post(f"/admin/backoffice/user/{li.pk}/two-factor/")
        assert answer["Location"].startswith(CODE)
        assert SecondFactor.objects.filter(user=li).exists()


def test_from_outside_it_is_reset_by_command(wang, codes):
    call_command("reset_two_factor", "wang")
    assert opens(sign_in(wang))
    with pytest.raises(CommandError):
        call_command("reset_two_factor", "nobody")


# --- who must, and what asks again -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "must"),
    [("superuser", True), ("owner", True), ("bookkeeper", True), ("ops_admin", True), ("order_clerk", False),
     ("warehouse_clerk", False), ("customer_service", False), ("buyer", False), ("auditor", False)],
)  # fmt: skip
def test_who_steers_the_house_sets_it_up_before_anything_opens(people, settings, role, must):
    client = people.client(role)
    assert opens(client)
    settings.REQUIRE_MFA = True
    assert opens(client) is not must
    if must:
        for url in ("/admin/", "/admin/password_change/", "/admin/home/cards/", CODE):
            assert client.get(url)["Location"] in (OWN, "/admin/")
        page = client.get(OWN).content.decode()
        assert "Your role needs it" in page
        assert 'id="nav-sidebar"' not in page
        people[role].set_password(PASSWORD)
        people[role].save()
        set_up(people[role])
        client = sign_in(people[role])
        with later(minutes=1):
            client.post(CODE, {"code": app_code(people[role])})
            assert opens(client)


def test_production_requires_it_and_the_demo_does_not():
    import os
    import subprocess
    import sys

    keys = {"SECRET_KEY": "s" * 60, "HASH_KEY": "h" * 60, "FIELD_KEYS": "dGVzdC10ZXN0LXRlc3QtdGVzdC10ZXN0LXRlc3QtdGU="}
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "YIKU_VAR"}}
    said = [
        subprocess.run(
            [sys.executable, "-c", "from backoffice import settings; print(settings.REQUIRE_MFA)"],
            env={**kept, **keys, **more}, capture_output=True, text=True, timeout=60, check=True,
        ).stdout.strip()
        for more in ({}, {"DEMO": "1"}, {"REQUIRE_MFA": "0"}, {"DEMO": "1", "REQUIRE_MFA": "1"})
    ]  # fmt: skip
    assert said == ["True", "False", "False", "True"]


def test_entering_a_shops_credentials_asks_for_a_fresh_code(wang, codes):
    shop = stock.shop(stock.warehouse())
    account = Account.objects.create(shop=shop, platform="shopify", name="s", base_url="https://s.myshopify.com")
    url = f"/admin/channels/account/{account.pk}/credentials/"
    client = sign_in(wang)
    client.post(CODE, {"code": codes[0]})
    assert client.get(url).status_code == 200
    with later(minutes=16):
        assert opens(client)
        for answer in (client.get(url), client.post(url, {"access_token": "x"})):
            assert answer["Location"] == f"{CODE}?next={url.replace('/', '%2F')}"
        assert "This needs a fresh code" in client.get(answer["Location"]).content.decode()
        assert client.post(CODE, {"code": app_code(wang), "next": url})["Location"] == url
        assert client.get(url).status_code == 200


# --- at rest ---------------------------------------------------------------------------------------------------------


def test_a_dump_of_the_database_opens_nothing(wang, codes):
    factor = SecondFactor.objects.get()
    told = {factor.secret, twofactor.secret_text(factor), twofactor.secret_text(factor).replace(" ", "")}
    told |= set(codes) | {code.replace("-", "") for code in codes}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows = repr(cursor.fetchall())
            assert not any(secret in rows for secret in told), table


def test_a_lost_key_is_said_and_a_new_secret_helps(wang, codes, settings):
    client = sign_in(wang)
    settings.FIELD_KEYS = ["bG9zdC1sb3N0LWxvc3QtbG9zdC1sb3N0LWxvc3QtbG8="]
    assert "cannot be read" in client.post(CODE, {"code": "123456"}).content.decode()
    assert client.post(CODE, {"code": codes[0]}).status_code == 302
    assert client.get(OWN).status_code == 200
    call_command("reset_two_factor", "wang")
    assert opens(sign_in(wang))


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"]
)
def test_the_way_on_stays_in_the_house(wang, codes, target):
    client = sign_in(wang)
    assert client.post(CODE, {"code": codes[0], "next": target})["Location"] == "/admin/"
    assert client.get(CODE, {"next": target})["Location"] == "/admin/"
