"""Tokens are refreshed by one worker, stored before use, and a lost reply is asked again."""

import datetime as dt

import pytest

from backoffice import clock, locks
from channels import pull, tokens
from channels.connectors.base import ConnectorError
from channels.models import Account, Credential, SyncError


@pytest.fixture
def expiring(shop):
    """A shop whose token ends in five minutes."""
    credential = Credential.objects.get()
    credential.secrets = {**credential.secrets, "refresh": "refresh-0"}
    credential.expires_at = clock.now() + dt.timedelta(minutes=5)
    credential.save()
    return shop


def refresh_of() -> str:
    """The refresh token that is stored."""
    return Credential.objects.get().secrets["refresh"]


def test_a_token_about_to_end_is_refreshed_and_stored(expiring):
    assert tokens.refresh_if_due(expiring.account.pk) is True
    assert refresh_of() == expiring.front.token
    assert Credential.objects.get().previous["refresh"] == "refresh-0"
    assert Credential.objects.get().expires_at > clock.now() + dt.timedelta(minutes=50)


def test_a_fresh_token_is_left_alone(expiring):
    tokens.refresh_if_due(expiring.account.pk)
    assert tokens.refresh_if_due(expiring.account.pk) is False
    assert expiring.front.called("refresh_token") == 1


def test_a_lost_reply_is_asked_again_with_the_token_we_still_have(expiring):
    expiring.front.fail("refresh_token", ConnectorError("timeout", unknown=True), after=True)
    tokens.refresh_if_due(expiring.account.pk)
    assert refresh_of() == "refresh-0"
    assert tokens.refresh_if_due(expiring.account.pk) is True
    assert [detail for call, detail in expiring.front.calls if call == "refresh_token"] == ["refresh-0", "refresh-0"]


def test_two_workers_ask_once(expiring):
    locks.acquire(f"token:account:{expiring.account.pk}", "other", 60)
    assert tokens.recover(expiring.account.pk) is True
    assert expiring.front.called("refresh_token") == 0


def test_a_token_that_ends_in_mid_walk_is_replaced_and_the_walk_goes_on(expiring):
    expiring.front.fail("pull_orders", ConnectorError("unauthorised", auth=True, permanent=True))
    pull.run(expiring.account.pk)
    assert Account.objects.get().state == "active"
    assert pull.run(expiring.account.pk).outcome == "ok"
    assert expiring.front.called("refresh_token") == 1


def test_a_seller_who_revoked_us_stops_the_account_with_a_message(expiring):
    expiring.front.fail("pull_orders", ConnectorError("unauthorised", auth=True, permanent=True))
    expiring.front.fail("refresh_token", ConnectorError("revoked", auth=True, permanent=True))
    pull.run(expiring.account.pk)
    assert Account.objects.get().state == "refused"
    assert set(SyncError.objects.filter(state="open").values_list("reference", flat=True)) == {"login", "refresh"}


def test_no_secret_is_readable_in_the_database(expiring):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets, fingerprint FROM channels_credential")
        stored = " ".join(cursor.fetchone())
    assert "refresh-0" not in stored
    assert expiring.front.name not in stored
