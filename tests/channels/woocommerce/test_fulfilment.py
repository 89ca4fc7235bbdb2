"""Parcels and cancellations: told once, however often we say it."""

import dataclasses

import pytest

from channels.connectors.base import ConnectorError, ShipmentNotice
from tests.channels.woocommerce.conftest import connector_to


def notice(order, **changes):
    base = ShipmentNotice(
        order_id=str(order["id"]),
        lines=(),
        carrier="DHL",
        tracking_number="1Z999",
        tracking_url="https://dhl.example/1Z999",
        shipped_at=order_time(),
        idempotency_key="orders.shipment:12",
    )
    return dataclasses.replace(base, **changes)


def order_time():
    import datetime as dt

    return dt.datetime(2026, 11, 21, 17, tzinfo=dt.UTC)


def writes(store):
    return [call["method"] for call in store.calls if call["method"] != "GET"]


@pytest.fixture
def order(store):
    return store.place_order([("TEA", 2)])


def test_the_last_parcel_writes_a_note_and_completes_the_order(store, woo, order):
    receipt = woo.ship(notice(order))
    assert not receipt.already_known
    sentence = "Shipped with DHL, tracking number 1Z999. https://dhl.example/1Z999 (ref orders.shipment:12)"
    assert sentence in store.notes(order["id"])
    assert store.order(order["id"])["status"] == "completed"
    assert store.shop["notes"][int(receipt.external_id)]["customer_note"] is True


def test_a_repeat_finds_the_note_and_writes_nothing(store, woo, order):
    first = woo.ship(notice(order))
    done = len(writes(store))
    again = woo.ship(notice(order))
    assert (again.external_id, again.already_known) == (first.external_id, True)
    assert len(writes(store)) == done


def test_a_parcel_that_leaves_something_open_keeps_the_order_open(store, woo, order):
    woo.ship(notice(order, completes_order=False))
    assert store.order(order["id"])["status"] == "processing"
    woo.ship(notice(order, idempotency_key="orders.shipment:13", tracking_number="2Z"))
    assert store.order(order["id"])["status"] == "completed"
    assert len([note for note in store.notes(order["id"]) if note.startswith("Shipped")]) == 2


def test_one_key_is_not_found_in_the_note_of_a_longer_one(store, woo, order):
    woo.ship(notice(order, idempotency_key="orders.shipment:123", completes_order=False))
    assert not woo.ship(notice(order, idempotency_key="orders.shipment:12", completes_order=False)).already_known


def test_an_answer_lost_after_the_note_is_made_good_by_the_repeat(store, woo, order):
    store.faults.add("drop_after", "/notes", method="POST")
    with pytest.raises(ConnectorError) as caught:
        woo.ship(notice(order))
    assert caught.value.unknown
    assert woo.ship(notice(order)).already_known
    assert store.order(order["id"])["status"] == "completed"
    assert len([note for note in store.notes(order["id"]) if note.startswith("Shipped")]) == 1


def test_an_answer_lost_after_the_status_is_made_good_too(store, woo, order):
    store.faults.add("drop_after", r"/orders/\d+\?", method="PUT")
    with pytest.raises(ConnectorError):
        woo.ship(notice(order))
    assert woo.ship(notice(order)).already_known
    assert writes(store).count("PUT") == 1


def test_the_buyer_is_told_only_when_asked(store, woo, order):
    receipt = woo.ship(notice(order, notify_buyer=False))
    assert store.shop["notes"][int(receipt.external_id)]["customer_note"] is False


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"carrier": ""}, "Shipped, tracking number 1Z999."),
        ({"tracking_number": "", "tracking_url": ""}, "Shipped with DHL."),
        ({"carrier": "", "tracking_number": "", "tracking_url": ""}, "Shipped."),
    ],
)
def test_the_note_says_what_is_known(changes, sentence, store, woo, order):
    woo.ship(notice(order, **changes))
    assert any(note.startswith(sentence) for note in store.notes(order["id"]))


def test_the_tracking_plugin_is_filled_when_the_account_has_it(store, url, http, clock, order):
    woo = connector_to(url, http, clock, tracking_plugin=True)
    woo.ship(notice(order, completes_order=False))
    woo.ship(notice(order, completes_order=False))
    woo.ship(notice(order, idempotency_key="k2", tracking_number="2Z"))
    (meta,) = [row for row in store.order(order["id"])["meta_data"] if row["key"] == "_wc_shipment_tracking_items"]
    assert [(item["tracking_number"], item["custom_tracking_provider"]) for item in meta["value"]] == [
        ("1Z999", "DHL"),
        ("2Z", "DHL"),
    ]
    assert woo.parse_order(woo.pull_order(str(order["id"])).body).fulfilments[0].tracking_numbers == ("1Z999", "2Z")


def test_a_shop_may_have_a_last_status_of_its_own(store, url, http, clock, order):
    connector_to(url, http, clock, completed_status="packed").ship(notice(order))
    assert store.order(order["id"])["status"] == "packed"


@pytest.mark.parametrize("status", ["cancelled", "refunded", "failed"])
def test_an_order_that_is_off_is_not_shipped(status, store, woo, order):
    store.change_order(order["id"], {"status": status})
    with pytest.raises(ConnectorError) as caught:
        woo.ship(notice(order))
    assert (caught.value.code, caught.value.permanent) == ("order_cancelled", True)
    assert not writes(store)


@pytest.mark.parametrize("order_id", ["99999", "12", "x", ""])
def test_an_order_that_is_not_there(order_id, woo, order):
    for call in (
        lambda: woo.ship(notice(order, order_id=order_id)),
        lambda: woo.cancel_order(order_id, reason="", idempotency_key="c"),
    ):
        with pytest.raises(ConnectorError, match="missing_order"):
            call()


def test_cancelling_says_why_and_the_store_restocks_by_itself(store, woo, order):
    assert store.stock("TEA") == 48
    woo.cancel_order(str(order["id"]), reason="buyer changed her mind", idempotency_key="orders.order:5")
    assert store.order(order["id"])["status"] == "cancelled"
    assert "Cancelled: buyer changed her mind (ref orders.order:5)" in store.notes(order["id"])
    assert store.stock("TEA") == 50


@pytest.mark.parametrize("before", ["cancelled", "trash"])
def test_cancelled_already_is_success(before, store, woo, order):
    if before == "trash":
        store.trash_order(order["id"])
    else:
        store.change_order(order["id"], {"status": before})
    woo.cancel_order(str(order["id"]), reason="x", idempotency_key="c")
    assert not writes(store)


def test_a_completed_order_is_not_cancelled(store, woo, order):
    store.change_order(order["id"], {"status": "completed"})
    with pytest.raises(ConnectorError, match="not_cancellable"):
        woo.cancel_order(str(order["id"]), reason="x", idempotency_key="c")


def test_a_cancellation_whose_answer_was_lost_notes_its_reason_once(store, woo, order):
    store.faults.add("timeout_before", r"/orders/\d+\?", method="PUT", seconds=0.01)
    with pytest.raises(ConnectorError):
        woo.cancel_order(str(order["id"]), reason="x", idempotency_key="c")
    woo.cancel_order(str(order["id"]), reason="x", idempotency_key="c")
    assert len([note for note in store.notes(order["id"]) if note.startswith("Cancelled")]) == 1
    assert store.order(order["id"])["status"] == "cancelled"
