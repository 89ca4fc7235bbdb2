"""What every connector promises the engine, shown against its platform's sandbox over a real socket."""

import dataclasses
import datetime as dt
import json
from decimal import Decimal

import pytest

from channels import payloads
from channels.connectors.base import (
    Capability,
    Connector,
    ConnectorError,
    RefundNotice,
    RefundRow,
    ShipmentNotice,
    StockKey,
    StockWrite,
    WriteStatus,
)
from channels.registry import PLATFORMS, connector_class
from orders.contracts import OrderStatus, PaymentStatus, to_json
from tests.channels.contract.counters import COUNTERS, GOODS

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def pulled(connector, since=LONG_AGO):
    """All raw orders of a walk."""
    return [raw for page in connector.pull_orders(since=since) for raw in page.orders]


def listed(connector):
    """Listings by SKU."""
    return {one.sku: one for page in connector.pull_listings() for one in page.listings}


def key_of(connector, sku) -> StockKey:
    """Whose figure a SKU's is."""
    one = listed(connector)[sku]
    place = next(iter(one.quantities), "")
    return StockKey(listing_id=one.external_id, stock_id=one.stock_id, location_id=place, parent_id=one.parent_id)


def write(connector, sku, quantity, expected=None, key="k1") -> StockWrite:
    """A figure to publish."""
    return StockWrite(key=key_of(connector, sku), quantity=quantity, expected=expected, idempotency_key=key)


# --- every registered connector --------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
def test_it_says_what_it_is(platform):
    kind = connector_class(platform)
    assert (kind.platform, bool(kind.label)) == (platform, True)
    assert isinstance(kind.capabilities, frozenset)
    assert kind.order_page_size > 0
    assert kind.stock_batch_size > 0
    assert all(field.name.isidentifier() and field.label for field in kind.credential_fields)


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
def test_every_platform_that_can_be_called_has_a_sandbox(platform):
    callable_ones = Capability.FILES not in connector_class(platform).capabilities
    assert callable_ones == (platform in COUNTERS)


METHODS = {
    Capability.PULL_ORDERS: ("pull_orders", "pull_order"),
    Capability.PULL_LISTINGS: ("pull_listings",),
    Capability.PUSH_STOCK: ("push_stock",),
    Capability.READ_STOCK: ("read_stock",),
    Capability.LOCATIONS: ("list_locations",),
    Capability.FULFIL: ("ship",),
    Capability.CANCEL: ("cancel_order",),
    Capability.WEBHOOKS: ("verify_webhook",),
    Capability.WEBHOOK_SUBSCRIPTIONS: ("list_webhooks", "ensure_webhooks"),
    Capability.TOKEN_REFRESH: ("refresh_token",),
}


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
@pytest.mark.parametrize("capability", list(METHODS))
def test_it_can_what_it_says_and_no_more(platform, capability):
    kind = connector_class(platform)
    own = all(getattr(kind, name) is not getattr(Connector, name) for name in METHODS[capability])
    assert own == (capability in kind.capabilities)


# --- connection ------------------------------------------------------------------------------------------------------


def test_the_shop_says_who_it_is(counter):
    identity = counter.connector().test_connection()
    assert identity.external_id
    assert identity.currency == "EUR"
    assert abs((identity.server_time - dt.datetime.now(dt.UTC)).total_seconds()) < 5


def test_wrong_secrets_are_refused_as_a_matter_of_log_in(counter):
    wrong = {name: f"{value}x" for name, value in counter.credentials.items()}
    with pytest.raises(ConnectorError) as refused:
        counter.connector(**wrong).test_connection()
    assert refused.value.auth
    assert not any(value in str(refused.value) for value in wrong.values())


# --- orders ----------------------------------------------------------------------------------------------------------


def test_an_order_arrives_whole(counter):
    number = counter.buy("TEA", 2)
    connector = counter.connector()
    (raw,) = pulled(connector)
    order = connector.parse_order(raw.body)
    assert (raw.external_id, order.external_id) == (number, number)
    assert (order.status, order.payment, order.currency) == (OrderStatus.OPEN, PaymentStatus.PAID, "EUR")
    assert [(line.sku, line.quantity) for line in order.lines] == [("TEA", 2)]
    assert (order.shipping.city, order.shipping.country, order.shipping.postcode) == ("Hamburg", "DE", "20095")


def test_all_orders_come_once_over_all_pages(counter):
    numbers = [counter.buy("TEA", 1) for _ in range(7)]
    counter = dataclasses.replace(counter, options={**counter.options, "order_page_size": 3})
    pages = list(counter.connector().pull_orders(since=LONG_AGO))
    assert [raw.external_id for page in pages for raw in page.orders] == numbers
    assert len(pages) >= 3
    assert [page.next_cursor is None for page in pages] == [False] * (len(pages) - 1) + [True]


def test_a_walk_goes_on_from_a_cursor(counter):
    numbers = [counter.buy("TEA", 1) for _ in range(5)]
    counter = dataclasses.replace(counter, options={**counter.options, "order_page_size": 2})
    first = next(iter(counter.connector().pull_orders(since=LONG_AGO)))
    rest = counter.connector().pull_orders(since=LONG_AGO, cursor=first.next_cursor)
    # A platform whose pages go by time may give an order of the same second once more: known texts cost nothing.
    again = [raw.external_id for page in rest for raw in page.orders]
    assert again[-3:] == numbers[2:]
    assert len(again) == len(set(again))


def test_the_platforms_clock_comes_with_a_page(counter):
    page = next(iter(counter.connector().pull_orders(since=LONG_AGO)))
    assert abs((page.server_time - dt.datetime.now(dt.UTC)).total_seconds()) < 5


def test_one_order_can_be_fetched_and_an_unknown_one_is_none(counter):
    number = counter.buy("CUP", 1)
    connector = counter.connector()
    assert connector.pull_order(number).external_id == number
    assert connector.pull_order(number[:-1] + "99999") is None


def test_the_line_names_the_listing_as_the_listings_do(counter):
    number = counter.buy("CUP", 1)
    connector = counter.connector()
    order = connector.parse_order(connector.pull_order(number).body)
    assert order.lines[0].listing_id == listed(connector)["CUP"].external_id


def test_the_same_text_gives_the_same_order_years_later(counter):
    number = counter.buy("CUP", 1)
    raw = counter.connector().pull_order(number)
    stored = payloads.redacted(raw.body).encode()
    fresh = counter.connector().parse_order(raw.body)
    assert to_json(counter.connector().parse_order(stored)) == to_json(fresh)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"id": 1}', b"\xff\xfe", b'{"order": 5}'])
def test_garbage_is_a_bad_order_and_nothing_else(counter, body):
    with pytest.raises(ConnectorError) as refused:
        counter.connector().parse_order(body)
    assert refused.value.permanent


# --- stock -----------------------------------------------------------------------------------------------------------


def test_the_listings_show_their_figures(counter):
    found = listed(counter.connector())
    assert {sku: sum(one.quantities.values()) for sku, one in found.items()} == GOODS


def test_figures_are_read_in_the_order_asked(counter):
    connector = counter.connector()
    keys = [key_of(connector, "CUP"), key_of(connector, "TEA")]
    assert [one.quantity for one in connector.read_stock(keys)] == [7, 20]


def test_a_figure_is_written(counter):
    connector = counter.connector()
    (result,) = connector.push_stock([write(connector, "TEA", 5, expected=20)])
    assert (result.status, counter.stock("TEA")) == (WriteStatus.APPLIED, 5)


def test_zero_is_a_figure_like_any_other(counter):
    connector = counter.connector()
    (result,) = connector.push_stock([write(connector, "TEA", 0, expected=20)])
    assert (result.status, counter.stock("TEA")) == (WriteStatus.APPLIED, 0)


def test_a_moved_figure_is_stale(counter):
    """Compared by the platform itself, or by a reading just before the write where it cannot."""
    connector = counter.connector()
    one = write(connector, "TEA", 5, expected=20)
    counter.recount("TEA", 18)
    (result,) = connector.push_stock([one])
    assert (result.status, counter.stock("TEA")) == (WriteStatus.STALE, 18)


def test_a_bad_row_never_sinks_the_others(counter):
    connector = counter.connector()
    good = write(connector, "TEA", 5, expected=20)
    gone = StockWrite(
        key=dataclasses.replace(good.key, listing_id="99999", stock_id=_like(good.key.stock_id), parent_id=""),
        quantity=3,
        expected=1,
        idempotency_key="k2",
    )
    bad, fine = connector.push_stock([gone, good])
    assert (bad.status, fine.status, counter.stock("TEA")) == (WriteStatus.REJECTED, WriteStatus.APPLIED, 5)


def _like(stock_id: str) -> str:
    """An id of the same form that nobody has."""
    head, mark, _number = stock_id.rpartition("/")
    return f"{head}{mark}99999" if mark else "99999"


def test_a_write_whose_answer_is_lost_is_never_called_a_failure(counter):
    """Unknown, or known to have arrived because the connector read it back; "rejected" would be repeated blindly."""
    connector = counter.connector()
    one = write(connector, "TEA", 5, expected=20)
    counter.faults.add("timeout_after", counter.write_path, method="POST", seconds=0.05)
    try:
        statuses = [result.status for result in connector.push_stock([one])]
    except ConnectorError as error:
        statuses = [WriteStatus.UNKNOWN] if error.unknown else []
    assert statuses in ([WriteStatus.UNKNOWN], [WriteStatus.APPLIED])
    assert counter.stock("TEA") == 5


def test_a_store_that_is_down_is_a_passing_fault(counter):
    counter.faults.add("status", count=5, status=503)
    with pytest.raises(ConnectorError) as down:
        list(counter.connector().pull_orders(since=LONG_AGO))
    assert not down.value.permanent
    assert not down.value.auth


def test_a_wait_that_the_store_asks_for_is_told(counter):
    counter.faults.add("status", count=5, status=429, headers={"Retry-After": "17"})
    with pytest.raises(ConnectorError) as busy:
        list(counter.connector().pull_orders(since=LONG_AGO))
    assert 15 <= busy.value.retry_after <= 18


@pytest.mark.parametrize("kind", ["html", "truncate", "gzip_lie", "redirect"])
def test_an_answer_that_is_none_is_a_fault(counter, kind):
    counter.buy("TEA", 1)
    counter.faults.add(kind, count=5)
    with pytest.raises(ConnectorError):
        list(counter.connector().pull_orders(since=LONG_AGO))


# --- parcels ---------------------------------------------------------------------------------------------------------


def notice(connector, number, key="p1") -> ShipmentNotice:
    """One parcel with all lines."""
    order = connector.parse_order(connector.pull_order(number).body)
    return ShipmentNotice(
        order_id=number,
        lines=tuple((line.external_id, int(line.quantity)) for line in order.lines),
        carrier="DHL",
        tracking_number="TRACK-1",
        shipped_at=dt.datetime.now(dt.UTC),
        idempotency_key=key,
    )


def test_the_same_parcel_twice_is_one(counter):
    number = counter.buy("TEA", 1)
    connector = counter.connector()
    parcel = notice(connector, number)
    first, second = connector.ship(parcel), connector.ship(parcel)
    assert (first.already_known, second.already_known) == (False, True)
    assert counter.parcels(number) == 1


def test_a_shipped_order_comes_back_as_shipped(counter):
    number = counter.buy("TEA", 1)
    connector = counter.connector()
    connector.ship(notice(connector, number))
    order = connector.parse_order(connector.pull_order(number).body)
    assert order.status == OrderStatus.CLOSED or order.fulfilments


def test_a_cancelled_order_takes_no_stock_back_by_itself_and_twice_is_once(counter):
    number = counter.buy("TEA", 2)
    connector = counter.connector()
    left = counter.stock("TEA")
    for _ in range(2):
        connector.cancel_order(number, reason="out of stock", idempotency_key="c1")
    order = connector.parse_order(connector.pull_order(number).body)
    assert order.status == OrderStatus.CANCELLED
    assert counter.stock("TEA") in {left, left + 2}


# --- refunds ---------------------------------------------------------------------------------------------------------


def money_back(connector, number, amount="10.00", key="r1", **fields) -> RefundNotice:
    """One piece of the first line."""
    order = connector.parse_order(connector.pull_order(number).body)
    line, share = order.lines[0], order.lines[0].tax / order.lines[0].quantity
    row = RefundRow(line_id=line.external_id, quantity=1, amount=Decimal(amount), tax=round(share, 2))
    given = {"currency": order.currency, "lines": (row,), "note": "R10001", "idempotency_key": key, **fields}
    return RefundNotice(order_id=number, amount=Decimal(amount), **given)


def test_the_same_refund_twice_is_given_once(counter):
    number = counter.buy("TEA", 2)
    connector = counter.connector()
    notice = money_back(connector, number)
    first, second = connector.refund(notice), connector.refund(notice)
    assert (first.already_known, second.already_known) == (False, True)
    assert first.external_id == second.external_id
    assert counter.refunds(number) == ["10.00"]


def test_two_refunds_of_one_amount_are_two(counter):
    number = counter.buy("TEA", 2)
    connector = counter.connector()
    for key in ("r1", "r2"):
        connector.refund(money_back(connector, number, key=key))
    assert counter.refunds(number) == ["10.00", "10.00"]


def test_a_refund_comes_back_with_the_order_under_its_id_and_restocks_nothing(counter):
    number = counter.buy("TEA", 2)
    connector = counter.connector()
    connector.ship(notice(connector, number))
    left = counter.stock("TEA")
    receipt = connector.refund(money_back(connector, number))
    (refund,) = connector.parse_order(connector.pull_order(number).body).refunds
    assert (refund.external_id, refund.amount) == (receipt.external_id, Decimal("10.00"))
    assert [(row.quantity, row.restock) for row in refund.lines] == [(1, False)]
    assert counter.stock("TEA") == left


def test_a_refund_whose_answer_is_lost_is_found_again(counter):
    """F20: the platform did it and the answer never came."""
    number = counter.buy("TEA", 2)
    connector = counter.connector()
    wanted = money_back(connector, number)
    counter.faults.add("timeout_after", counter.refund_path, method="POST", seconds=3)
    with pytest.raises(ConnectorError) as lost:
        connector.refund(wanted)
    assert lost.value.unknown
    assert connector.refund(wanted).already_known
    assert counter.refunds(number) == ["10.00"]


def test_more_than_was_paid_is_refused_for_good(counter):
    number = counter.buy("TEA", 1)
    connector = counter.connector()
    with pytest.raises(ConnectorError) as refused:
        connector.refund(money_back(connector, number, "9999.00"))
    assert refused.value.permanent
    assert not refused.value.unknown
    assert counter.refunds(number) == []


def test_a_refund_of_an_order_that_is_not_there_is_refused_for_good(counter):
    number = counter.buy("TEA", 1)
    connector = counter.connector()
    wanted = dataclasses.replace(money_back(connector, number), order_id=number[:-1] + "99999")
    with pytest.raises(ConnectorError) as refused:
        connector.refund(wanted)
    assert (refused.value.code, refused.value.permanent) == ("missing_order", True)


# --- webhooks --------------------------------------------------------------------------------------------------------


def test_a_call_without_a_signature_is_refused(counter):
    connector = counter.connector()
    for headers in ({}, {"X-Shopify-Hmac-SHA256": "AAAA", "X-WC-Webhook-Signature": "AAAA"}):
        with pytest.raises(ConnectorError) as refused:
            connector.verify_webhook(headers=headers, body=json.dumps({"id": 1}).encode())
        assert refused.value.code == "bad_signature"


def test_subscriptions_are_made_once(counter):
    connector = counter.connector()
    url = "http://127.0.0.1:1/hooks/x/y"
    first = connector.ensure_webhooks(url)
    second = connector.ensure_webhooks(url)
    assert {one.topic for one in first} >= set(connector.webhook_topics)
    assert len(second) == len(first)
    assert sorted(one.topic for one in connector.list_webhooks() if one.url == url) == sorted(connector.webhook_topics)
