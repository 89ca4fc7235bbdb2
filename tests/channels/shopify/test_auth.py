"""Tokens that run out: renewed before and after, one pair at a time, a lost answer loses nothing (F29)."""

import datetime as dt

import pytest

from backoffice.practice.server import running
from channels.connectors.base import ConnectorError
from tests.channels.shopify.conftest import SECRET, connect, open_shop

START = dt.datetime(2026, 11, 11, 8, 0, tzinfo=dt.UTC)
APP = {"client_id": "sandbox-app", "client_secret": SECRET}


class Clock:
    """A clock set by hand."""

    now = START

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    """The time in shop and connector."""
    return Clock()


@pytest.fixture
def expiring(clock):
    """A shop whose tokens run out: the shop, where it answers, the first pair."""
    shop = open_shop(clock=clock)
    shop.tokens.lasting = ""
    with running(shop) as url:
        pair = shop.tokens.issue()
        yield shop, url, {key: pair[key] for key in ("access_token", "refresh_token")} | APP
    shop.close()


def test_a_lasting_token_never_runs_out(connector):
    assert connector.token_expires_at() is None


def test_a_renewal_brings_a_new_pair_and_its_times(expiring, clock):
    _shop, url, credentials = expiring
    fresh = connect(url, credentials=credentials, clock=clock).refresh_token()
    assert fresh.values["access_token"] != credentials["access_token"]
    assert fresh.values["refresh_token"] != credentials["refresh_token"]
    assert (fresh.expires_at, fresh.refresh_expires_at) == (
        START + dt.timedelta(hours=1),
        START + dt.timedelta(days=90),
    )
    renewed = connect(url, credentials={**credentials, **fresh.values}, clock=clock)
    assert renewed.token_expires_at() == fresh.expires_at
    assert renewed.test_connection().name == "Harbour & Hill"


def test_a_token_that_ran_out_is_an_error_of_the_account(expiring, clock):
    _shop, url, credentials = expiring
    connector = connect(url, credentials=credentials, clock=clock)
    connector.test_connection()
    clock.now += dt.timedelta(hours=1)
    with pytest.raises(ConnectorError) as caught:
        connector.test_connection()
    assert (caught.value.code, caught.value.auth) == ("unauthorized", True)


def test_a_renewal_whose_answer_was_lost_is_simply_repeated(expiring, clock):
    shop, url, credentials = expiring
    connector = connect(url, credentials=credentials, clock=clock)
    shop.faults.add("drop_after", "access_token")
    with pytest.raises(ConnectorError) as caught:
        connector.refresh_token()
    assert (caught.value.unknown, caught.value.permanent) == (True, False)
    connector.test_connection()  # the old access token still holds
    fresh = connector.refresh_token()
    assert connect(url, credentials={**credentials, **fresh.values}).test_connection().name == "Harbour & Hill"


def test_once_the_new_token_is_used_the_old_refresh_token_is_dead(expiring, clock):
    _shop, url, credentials = expiring
    connector = connect(url, credentials=credentials, clock=clock)
    connect(url, credentials={**credentials, **connector.refresh_token().values}, clock=clock).test_connection()
    with pytest.raises(ConnectorError) as caught:
        connector.refresh_token()
    assert (caught.value.code, caught.value.permanent, caught.value.auth) == ("refresh_refused", True, True)


def test_of_two_renewals_at_once_the_later_pair_holds(expiring, clock):
    _shop, url, credentials = expiring
    connector = connect(url, credentials=credentials, clock=clock)
    first, second = connector.refresh_token(), connector.refresh_token()
    connect(url, credentials={**credentials, **second.values}, clock=clock).test_connection()
    with pytest.raises(ConnectorError, match="unauthorized"):
        connect(url, credentials={**credentials, **first.values}, clock=clock).test_connection()


def test_a_refresh_token_that_ran_out_needs_the_seller(expiring, clock):
    _shop, url, credentials = expiring
    clock.now += dt.timedelta(days=91)
    with pytest.raises(ConnectorError, match="refresh_refused"):
        connect(url, credentials=credentials, clock=clock).refresh_token()


def test_a_seller_who_removes_the_app(expiring, clock):
    shop, url, credentials = expiring
    shop.uninstall()
    connector = connect(url, credentials=credentials, clock=clock)
    for ask in (connector.test_connection, connector.refresh_token):
        with pytest.raises(ConnectorError) as caught:
            ask()
        assert (caught.value.auth, caught.value.permanent) == (True, True)


def test_an_app_of_ones_own_fetches_its_token_with_id_and_secret(expiring, clock):
    _shop, url, _credentials = expiring
    connector = connect(url, credentials=APP, clock=clock)
    assert connector.token_expires_at() == START
    fresh = connector.refresh_token()
    assert fresh.expires_at == START + dt.timedelta(seconds=86_399)
    assert "refresh_token" not in fresh.values
    assert connect(url, credentials={**APP, **fresh.values}, clock=clock).test_connection().name == "Harbour & Hill"


def test_a_wrong_client_secret_is_refused_for_good(expiring, clock):
    _shop, url, credentials = expiring
    with pytest.raises(ConnectorError, match="refresh_refused"):
        connect(url, credentials={**credentials, "client_secret": "wrong"}, clock=clock).refresh_token()


def test_without_id_and_secret_there_is_no_renewal(connector):
    with pytest.raises(ConnectorError, match="no_client") as caught:
        connect(connector.config.base_url, credentials={"access_token": "shpat_x"}).refresh_token()
    assert caught.value.permanent


@pytest.mark.parametrize(
    ("fault", "options", "code"),
    [
        ("status", {"status": 500}, "server_error"),
        ("status", {"status": 429, "headers": {"Retry-After": "9"}}, "throttled"),
        ("html", {}, "not_json"),
        ("truncate", {}, "bad_json"),
    ],
)
def test_a_renewal_that_fails_in_passing_may_be_tried_again(expiring, clock, fault, options, code):
    shop, url, credentials = expiring
    shop.faults.add(fault, "access_token", **options)
    connector = connect(url, credentials=credentials, clock=clock)
    with pytest.raises(ConnectorError) as caught:
        connector.refresh_token()
    assert (caught.value.code, caught.value.permanent) == (code, False)
    assert connector.refresh_token().expires_at == START + dt.timedelta(hours=1)


def test_a_token_that_dies_in_mid_pull_stops_the_walk_and_loses_nothing(shop, url):
    for _ in range(6):
        shop.place_order([{"sku": "CANDLE"}])
    walk = connect(url, order_page_size=2).pull_orders(since=START - dt.timedelta(days=9999))
    first = next(walk)
    shop.quirks.add("token_expired", count=1)
    with pytest.raises(ConnectorError, match="unauthorized"):
        next(walk)
    again = connect(url, order_page_size=2).pull_orders(since=START, cursor=first.next_cursor)
    assert sum(len(page.orders) for page in again) == 4


def test_secrets_are_not_in_the_representation_of_anything(expiring, clock):
    _shop, url, credentials = expiring
    connector = connect(url, credentials=credentials, clock=clock)
    shown = repr(connector.config) + repr(connector.refresh_token())
    assert not [value for value in credentials.values() if value != "sandbox-app" and value in shown]
