"""S70, S71: secrets are planted, everything fails and quotes them, and then they are looked for everywhere."""

import json
import logging
import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection

from backoffice import site
from channels import accounts, due, listings, pull, tasks, tokens, tracking
from channels.models import Account, Credential, SyncError
from channels.push import jobs, send
from channels.webhooks import process, receive
from inventory.models import Sku
from tests.channels.contract.counters import COUNTERS
from tests.inventory import factories as stock
from tests.security.pages import pages

pytestmark = pytest.mark.django_db
# As platforms quote them: named, unnamed, in JSON, in an address, in a header, packed in a page.
QUOTES = (
    "{0}",
    "Invalid API key or access token {0}, please check.",
    "access_token={0}&x=1",
    '{{"token": "{0}"}}',
    "https://shop.example/wp-json/wc/v3/orders?consumer_key={0}&consumer_secret={0}",
    "Authorization: Bearer {0}",
    "https://user:{0}@shop.example/x",
)
STATUSES = (401, 403, 404, 422, 429, 500, 503)


@pytest.fixture(autouse=True)
def sandbox_only(settings, monkeypatch):
    """This machine may be called, by a client that no other test has made."""
    settings.EGRESS_ALLOW = ["127.0.0.1"]


class Planted:
    """An account whose every secret is replaced by a canary once it stands."""

    def __init__(self, counter) -> None:
        self.counter = counter
        place = stock.warehouse()
        shop = stock.shop(place, currency="EUR", country="DE")
        sku = Sku.objects.filter(code="TEA").first() or stock.sku("TEA")
        stock.stock(sku, place, 20)
        self.account = Account.objects.create(
            shop=shop, platform=counter.platform, name="c", base_url=counter.url, options=counter.options
        )
        self.connect(counter.credentials)
        accounts.test_connection(account=self.account, actor="test")
        accounts.switch_writes(account=self.account, on=True, actor="test")
        listings.sync(self.account.pk)
        send.run(self.account.pk)
        self.canaries = {
            name: f"zq{number}canary{counter.platform}{name.replace('_', '')}Zx81"
            for number, name in enumerate(counter.credentials)
        }
        self.connect(self.canaries)

    def connect(self, values) -> None:
        """Enter secrets as the form does."""
        accounts.set_credential(account=self.account, values=values, actor="test")
        self.account = Account.objects.get(pk=self.account.pk)
        receive.forget()

    def everything(self) -> None:
        """Do each piece of work there is, whatever it meets."""
        accounts.resume(account=self.account, actor="test")
        jobs.touch_account(self.account.pk, cause="person")
        for kind in due.kinds_of(self.account):
            tasks.regular(kind, self.account.pk)
        for work in (pull.run, listings.sync, send.run, process.run, tracking.run, tokens.refresh_if_due):
            try:
                work(self.account.pk)
            except Exception:
                logging.getLogger("yiku.test").exception("work failed")
        try:
            accounts.test_connection(account=self.account, actor="test")
        except Exception as error:
            self.said = str(error)
            assert not any(value in self.said for value in self.canaries.values())


def texts():
    """Every value of every column of the database, with its place, but for the encrypted ones."""
    hidden = {("channels_credential", "secrets"), ("channels_credential", "previous")}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # names from the database itself
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    if (table, name) not in hidden and isinstance(value, str | bytes | dict | list):
                        yield f"{table}.{name}", value if isinstance(value, str) else str(value)


def leaks(secrets, places):
    return sorted({f"{place}: {secret}" for place, text in places for secret in secrets if secret in text})


@pytest.fixture
def plain(monkeypatch):
    """Pages without their sidebar, which is the same on each: half the time. The home page is looked at with it."""

    def strip():
        monkeypatch.setattr(site, "navigation", lambda request: [])
        monkeypatch.setattr(admin.site, "get_app_list", lambda *given, **named: [])

    return strip


def fail_in_every_way(counter) -> set[str]:
    """Let a shop quote every secret in every kind of refusal, whatever is asked of it; returns the secrets."""
    planted = Planted(counter)
    secrets = set(planted.canaries.values())
    everything_said = " ".join(quote.format(secret) for secret in secrets for quote in QUOTES)
    body = dict.fromkeys(("message", "errors", "error_description"), everything_said)
    headers = {"Content-Type": "application/json"}
    for status in STATUSES:
        counter.faults.clear()
        text = json.dumps({"code": "refused", **body})
        counter.faults.add("status", status=status, body=text, headers=headers, count=None)
        planted.everything()
    counter.faults.clear()
    text = json.dumps({"errors": [{"message": everything_said}]})
    counter.faults.add("ignore", body=text, headers=headers, count=None)
    planted.everything()
    return secrets


@pytest.mark.sqlite  # what is written, not how the engine keeps it
def test_no_secret_is_found_outside_its_column(people, house, lines, settings, plain):
    """The shops' secrets and the installation's own keys: one sweep over database, log and pages for all."""
    secrets = {settings.SECRET_KEY, settings.HASH_KEY, *settings.FIELD_KEYS}
    for platform in sorted(COUNTERS):
        with COUNTERS[platform]() as counter:
            secrets |= fail_in_every_way(counter)
        assert SyncError.objects.filter(account__platform=platform).exists()  # something was really recorded
    assert leaks(secrets, texts()) == []
    assert leaks(secrets, [("log", lines.getvalue())]) == []
    client = people.client("superuser")
    assert leaks(secrets, [("home", client.get("/admin/").content.decode())]) == []
    plain()
    assert leaks(secrets, pages(client, rows=2, spread=True)) == []


def test_a_dump_without_the_key_tells_nothing_of_a_credential():
    with COUNTERS["woocommerce"]() as counter:
        planted = Planted(counter)
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM channels_credential")
        [(kept,)] = cursor.fetchall()
    assert not any(secret in str(kept) for secret in planted.canaries.values())
    first = str(kept)
    Credential.objects.get().save()
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM channels_credential")
        assert str(cursor.fetchall()[0][0]) != first  # equal text, another ciphertext


def test_no_admin_form_or_api_shows_a_field_that_holds_a_secret():
    from backoffice.secrets import EncryptedJSONField

    holders = {
        model
        for model in apps.get_models()
        if any(isinstance(f, EncryptedJSONField) for f in model._meta.fields)
        and not model.__module__.startswith("tests.")
    }
    assert {model.__name__ for model in holders} == {"CarrierCredential", "Credential", "Robot", "SecondFactor"}
    shown = holders & set(admin.site._registry)
    assert {model.__name__ for model in shown} == {
        "Robot"
    }  # its form takes a new address and secret, and shows neither
    for model in shown:
        page = admin.site._registry[model]
        hidden = {field.name for field in model._meta.fields if isinstance(field, EncryptedJSONField)}
        assert not hidden & {*page.fields, *page.list_display, *page.form.base_fields, *page.readonly_fields}


def test_what_the_log_hides_is_what_platforms_send(lines):
    log = logging.getLogger("yiku.test")
    for quote in QUOTES[2:]:
        log.warning(quote.format("zqcanarySecret1"))
    log.warning("odd %s", {"access_token": "zqcanarySecret1", "list": [{"password": "zqcanarySecret1"}]})
    assert not re.search("zqcanarySecret1", lines.getvalue())
