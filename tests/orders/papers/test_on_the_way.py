"""Tracking is read in pages and settles a parcel once; a hand-over list is closed once and told once."""

import datetime as dt

import pytest

from backoffice import clock
from orders.carriers.base import News
from orders.desk import merging
from orders.fulfil import labels, manifests, shipping, tracking
from orders.fulfil.papers.errors import PaperError
from orders.fulfil.papers.single import manifest_pdf
from orders.models import Handover, Label, Manifest, TrackingEvent
from tests.orders.changes.looking import ANA
from tests.orders.papers.factories import ACTOR, approved, offline, practice, seller, wish

pytestmark = pytest.mark.django_db


def sent(made, service, number: int) -> Label:
    """A label on a parcel that was shipped."""
    one = approved(made, number)
    label = labels.buy(wish=wish(one, service, f"k{number}"), actor=ACTOR)
    parcel = shipping.Parcel(carrier="x", tracking=label.tracking_number)
    shipping.ship(order_id=one.pk, parcels=[parcel], actor=ACTOR, idempotency_key=f"s{number}")
    label.refresh_from_db()
    return label


def news(label: Label, number: int, code: str, **fields) -> News:
    at = fields.pop("at", clock.now())
    return News(number=label.tracking_number, external_id=f"e{number}", code=code, at=at, **fields)


def test_what_the_carrier_tells_is_read_until_it_is_delivered(open_way):
    label = sent(seller(), practice(open_way.url), 1)
    open_way.advance(label.tracking_number)
    assert tracking.read_due() == 1
    assert tracking.read_due() == 0  # not due again yet
    for _stage in range(3):
        open_way.advance(label.tracking_number)
    Label.objects.update(track_at=clock.now())
    assert tracking.read_due() == 3
    label.refresh_from_db()
    assert label.delivered_at is not None
    assert label.track_at is None


def test_a_carrier_that_does_not_answer_is_asked_later(open_way):
    label = sent(seller(), practice(open_way.url), 1)
    open_way.faults.add("status", "/v1/tracking", status=503, count=None)
    now = clock.now()
    assert tracking.read_due() == 0
    label.refresh_from_db()
    assert label.track_failures == 1
    assert label.track_at > now


def test_events_come_twice_and_in_any_order(db):
    label = sent(seller(), offline(), 1)
    now = clock.now()
    late, early = news(label, 2, "delivered", at=now), news(label, 1, "accepted", at=now - dt.timedelta(days=1))
    assert tracking.take([label], [late], now) == 1
    assert tracking.take([label], [late, early], now) == 1
    label.refresh_from_db()
    assert label.delivered_at == now
    assert TrackingEvent.objects.count() == 2


def test_the_texts_of_a_carrier_are_data(db):
    label = sent(seller(), offline(), 1)
    tracking.take([label], [news(label, 1, "problem", text="a\0" + "x" * 900, place="<b>")], clock.now())
    event = TrackingEvent.objects.get()
    assert event.text == "a" + "x" * 299
    assert event.place == "<b>"


def test_a_date_from_the_future_is_brought_near(db):
    label = sent(seller(), offline(), 1)
    now = clock.now()
    tracking.take([label], [news(label, 1, "moving", at=now + dt.timedelta(days=900))], now)
    assert TrackingEvent.objects.get().at == now + tracking.AHEAD


def test_the_first_sign_of_a_parcel_tells_that_it_left(db):
    label = sent(seller(), offline(scans_out=True), 1)
    assert label.scanned_out_at is None
    at = clock.now()
    tracking.take([label], [news(label, 1, "accepted", at=at)], at)
    label.refresh_from_db()
    assert label.scanned_out_at == at


def test_tracking_asks_less_often_the_longer_it_takes(db):
    label, now = sent(seller(), offline(), 1), clock.now()
    for days, hours in ((0, 1), (2, 3), (20, 12)):
        label.scanned_out_at = now - dt.timedelta(days=days)
        assert tracking._next(label, now) == now + dt.timedelta(hours=hours)
    label.scanned_out_at = now - dt.timedelta(days=61)
    assert tracking._next(label, now) is None


def test_a_manifest_takes_all_that_wait_and_is_closed_once(open_way):
    made, service = seller(), practice(open_way.url)
    first = [sent(made, service, n) for n in (1, 2)]
    [heap] = manifests.heaps()
    assert (heap.count, heap.weight_g) == (2, 600)
    closed = manifests.close(account_id=service.account_id, warehouse_id=made.place.pk, actor=ACTOR)
    assert (closed.state, closed.carrier_ref, closed.count, closed.place) == ("told", "m1", 2, 1)
    assert list(closed.labels.order_by("pk")) == first
    with pytest.raises(PaperError) as told:
        manifests.close(account_id=service.account_id, warehouse_id=made.place.pk, actor=ACTOR)
    assert told.value.code == "no_parcels_waiting"
    sent(made, service, 3)
    again = manifests.close(account_id=service.account_id, warehouse_id=made.place.pk, actor=ACTOR)
    assert (again.place, again.count, again.carrier_ref) == (2, 1, "m2")
    assert Manifest.objects.count() == 2


def test_a_manifest_the_carrier_did_not_hear_of_is_told_again_with_its_key(open_way):
    made, service = seller(), practice(open_way.url)
    sent(made, service, 1)
    open_way.faults.add("drop_after", "/v1/manifests")
    closed = manifests.close(account_id=service.account_id, warehouse_id=made.place.pk, actor=ACTOR)
    assert (closed.state, closed.carrier_ref) == ("closed", "")
    Manifest.objects.update(not_before=None)
    assert manifests.tell_due() == 1
    closed.refresh_from_db()
    assert (closed.state, closed.carrier_ref) == ("told", "m1")
    assert len(open_way.shelf.manifests) == 1


def test_the_paper_of_a_manifest_lists_each_parcel(db):
    made, service = seller(), offline()
    label = sent(made, service, 1)
    closed = manifests.close(account_id=service.account_id, warehouse_id=made.place.pk, actor=ACTOR)
    facts = manifests.facts_of(closed)
    assert [(one.number, one.order, one.country) for one in facts.rows] == [(label.tracking_number, "#1001", "FR")]
    assert manifest_pdf(facts).startswith(b"%PDF")


def test_an_event_keeps_the_couriers_number_and_not_the_buyers(db):
    label = sent(seller(), offline(), 1)
    contact = label.order.contact
    contact.phone, contact.buyer_name = "138 0013 8000", "Quirina Vogel"
    contact.save()
    said = "Signed by Quirina Vogel, tel. +8613800138000; courier 13900139000"
    tracking.take([label], [news(label, 1, "delivered", text=said)], clock.now())
    assert TrackingEvent.objects.get().text == "Signed by •••, tel. •••; courier 13900139000"


def test_a_manifest_takes_all_orders_of_a_common_parcel():
    made, service = seller(), offline()
    one, two = approved(made, 1, buyer=ANA), approved(made, 2, "2", buyer=ANA)
    merging.merge(order_ids=[one.pk, two.pk], actor=ACTOR)
    label = labels.buy(wish=wish(one, service, "k"), actor=ACTOR)
    merging.ship_merged(
        group_id=merging.group_of(one).pk, carrier="x", tracking=label.tracking_number, actor=ACTOR, idempotency_key="s"
    )
    manifests.close(account_id=service.account_id, warehouse_id=made.place.pk, actor=ACTOR)
    assert sorted(Handover.objects.values_list("shipment__order", flat=True)) == [one.pk, two.pk]
