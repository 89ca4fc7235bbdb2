"""Parcels and cancellations reach the shop once, whatever is repeated or lost on the way."""

import datetime as dt

import pytest

from backoffice.calls.http import make_client
from channels.connectors.base import ConnectorError, ShipmentNotice
from channels.sandbox.shopify.store import add_location
from tests.channels.shopify.conftest import connect


def notice(order, lines=None, *, number="SF1001", carrier="顺丰", **others):
    chosen = [(line["id"], line["quantity"]) for line in order["lines"]] if lines is None else lines
    return ShipmentNotice(
        order_id=order["id"],
        lines=tuple(chosen),
        carrier=carrier,
        tracking_number=number,
        shipped_at=others.pop("shipped_at", dt.datetime.now(dt.UTC)),
        idempotency_key="parcel",
        **others,
    )


@pytest.fixture
def order(shop):
    """An order of two kinds of goods."""
    return shop.place_order([{"sku": "TOTE", "quantity": 3}, {"sku": "MUG"}])


def parcels(order):
    return [
        (parcel["tracking"][0]["number"] if parcel["tracking"] else "", sum(row["quantity"] for row in parcel["lines"]))
        for parcel in order["fulfillments"]
    ]


def test_a_whole_order_in_one_parcel(connector, order):
    receipt = connector.ship(notice(order, tracking_url="https://sf.example/1001"))
    assert (receipt.external_id, receipt.already_known) == (order["fulfillments"][0]["id"], False)
    tracking = {"company": "SF Express", "number": "SF1001", "url": "https://sf.example/1001"}
    assert order["fulfillments"][0]["tracking"] == [tracking]
    assert order["closedAt"] is not None


def test_in_two_parcels(shop, connector, order):
    tote, mug = order["lines"]
    connector.ship(notice(order, [(tote["id"], 2)], number="A"))
    connector.ship(notice(order, [(tote["id"], 1), (mug["id"], 1)], number="B"))
    assert parcels(order) == [("A", 2), ("B", 2)]
    assert (
        shop.store.items[shop.store.variants[tote["variant"]]["item"]]["levels"][
            order["fulfillment_orders"][0]["location"]
        ]["committed"]
        == 0
    )


def test_two_parcels_with_the_same_goods_and_different_numbers(connector, order):
    tote = order["lines"][0]["id"]
    connector.ship(notice(order, [(tote, 1)], number="A"))
    receipt = connector.ship(notice(order, [(tote, 1)], number="B"))
    assert not receipt.already_known
    assert parcels(order) == [("A", 1), ("B", 1)]


def test_a_repeat_of_a_parcel_is_only_confirmed(connector, order):
    first = connector.ship(notice(order))
    again = connector.ship(notice(order, number=" sf1001 "))
    assert (again.external_id, again.already_known) == (first.external_id, True)
    assert parcels(order) == [("SF1001", 4)]


@pytest.mark.parametrize("fault", ["timeout_after", "drop_after", "truncate"])
def test_a_parcel_whose_answer_was_lost_does_not_stand_twice(shop, url, connector, order, fault):
    shop.faults.add(fault, "operation=Fulfil$", seconds=3)
    hurried = connect(url, http=make_client(allow=["127.0.0.1"], read_timeout=2, total_timeout=2))
    with pytest.raises(ConnectorError) as caught:
        hurried.ship(notice(order))
    assert caught.value.unknown
    assert connector.ship(notice(order)).already_known
    assert parcels(order) == [("SF1001", 4)]


def test_a_parcel_that_never_arrived_is_made_by_the_repeat(shop, connector, order):
    shop.faults.add("drop_before", "operation=Fulfil$")
    with pytest.raises(ConnectorError) as caught:
        connector.ship(notice(order))
    assert caught.value.unknown
    assert not connector.ship(notice(order)).already_known
    assert parcels(order) == [("SF1001", 4)]


def test_a_parcel_without_a_number_is_known_by_its_goods_and_time(connector, order):
    tote = order["lines"][0]["id"]
    now = dt.datetime.now(dt.UTC)
    connector.ship(notice(order, [(tote, 1)], number="", carrier="", shipped_at=now))
    assert connector.ship(notice(order, [(tote, 1)], number="", carrier="", shipped_at=now)).already_known
    later = now + dt.timedelta(hours=1)
    assert not connector.ship(notice(order, [(tote, 1)], number="", carrier="", shipped_at=later)).already_known
    assert parcels(order) == [("", 1), ("", 1)]


def test_a_parcel_that_was_cancelled_over_there_is_made_anew(shop, connector, order):
    tote = order["lines"][0]["id"]
    connector.ship(notice(order, [(tote, 1)]))
    order["fulfillments"][0]["status"] = "CANCELLED"
    assert not connector.ship(notice(order, [(tote, 1)])).already_known


def test_goods_at_two_places_in_one_parcel_are_reported_per_place(shop, connector):
    add_location(shop.store, {"name": "Shed"})
    shop.set_stock("MUG", 5, "Shed")
    places = {place["name"]: place["id"] for place in shop.store.locations.values()}
    order = shop.place_order([{"sku": "TOTE"}, {"sku": "MUG", "location": places["Shed"]}])
    connector.ship(notice(order))
    assert parcels(order) == [("SF1001", 1), ("SF1001", 1)]


def test_the_second_half_lost_is_made_by_the_repeat_and_the_first_stays_single(shop, connector):
    places = {place["name"]: place["id"] for place in shop.store.locations.values()}
    shop.set_stock("MUG", 5, "Berlin")
    order = shop.place_order([{"sku": "TOTE"}, {"sku": "MUG", "location": places["Berlin"]}])
    shop.faults.add("drop_before", "operation=Fulfil$", skip=1)
    with pytest.raises(ConnectorError):
        connector.ship(notice(order))
    connector.ship(notice(order))
    assert parcels(order) == [("SF1001", 1), ("SF1001", 1)]


def test_without_lines_all_that_is_left_goes(connector, order):
    connector.ship(notice(order, [(order["lines"][0]["id"], 1)], number="A"))
    connector.ship(notice(order, [], number="B"))
    assert parcels(order) == [("A", 1), ("B", 3)]


def test_an_order_on_hold_is_not_shipped_and_says_why(shop, connector, order):
    shop.hold_order(order["id"])
    with pytest.raises(ConnectorError, match="on_hold") as caught:
        connector.ship(notice(order))
    assert caught.value.permanent
    assert parcels(order) == []
    shop.hold_order(order["id"], on=False)
    connector.ship(notice(order))
    assert parcels(order) == [("SF1001", 4)]


def test_more_than_is_left_is_refused_and_nothing_ships(shop, connector, order):
    shop.refund_order(order["id"], [("TOTE", 2, "CANCEL")])
    with pytest.raises(ConnectorError, match="not_fulfillable") as caught:
        connector.ship(notice(order))
    assert caught.value.permanent
    assert parcels(order) == []


def test_goods_shipped_in_shopify_itself_are_not_shipped_again(shop, connector, order):
    shop.fulfil_order(order["id"], {"company": "UPS", "number": "1Z", "url": None})
    with pytest.raises(ConnectorError, match="not_fulfillable"):
        connector.ship(notice(order))
    assert parcels(order) == [("1Z", 4)]


@pytest.mark.parametrize("order_id", ["gid://shopify/Order/404", "nonsense", ""])
def test_an_order_that_is_not_there(connector, order, order_id):
    with pytest.raises(ConnectorError, match="missing_order"):
        connector.ship(notice({**order, "id": order_id}))


def test_an_order_of_many_lines_ships_whole(shop, connector):
    order = shop.place_order([{"sku": f"L{index}", "custom": True} for index in range(120)])
    connector.ship(notice(order))
    assert parcels(order) == [("SF1001", 120)]


# --- cancelling ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "theirs"), [("customer", "CUSTOMER"), ("out_of_stock", "INVENTORY"), ("the cat did it", "OTHER")]
)
def test_a_cancelled_order_is_not_restocked_there(shop, connector, order, reason, theirs):
    connector.cancel_order(order["id"], reason=reason, idempotency_key="c")
    assert (order["cancelReason"], shop.stock("TOTE", "Main")) == (theirs, 27)
    assert order["financial"] == "PAID"


def test_the_money_goes_back_only_where_that_is_wanted(url, order):
    connect(url, cancel_refunds=True).cancel_order(order["id"], reason="customer", idempotency_key="c")
    assert order["financial"] == "REFUNDED"


def test_an_order_cancelled_already_is_done(shop, connector, order):
    shop.cancel_order(order["id"])
    connector.cancel_order(order["id"], reason="customer", idempotency_key="c")
    assert shop.endpoint.asked["Cancel"] == 0


def test_a_cancellation_whose_answer_was_lost_is_done_by_the_repeat(shop, connector, order):
    shop.faults.add("drop_after", "operation=Cancel")
    with pytest.raises(ConnectorError) as caught:
        connector.cancel_order(order["id"], reason="customer", idempotency_key="c")
    assert caught.value.unknown
    connector.cancel_order(order["id"], reason="customer", idempotency_key="c")
    assert order["cancelledAt"] is not None


def test_an_order_on_its_way_cannot_be_cancelled(shop, connector, order):
    shop.fulfil_order(order["id"])
    with pytest.raises(ConnectorError, match="fulfillments") as caught:
        connector.cancel_order(order["id"], reason="customer", idempotency_key="c")
    assert (caught.value.code, caught.value.permanent, order["cancelledAt"]) == ("cancel_refused", True, None)
