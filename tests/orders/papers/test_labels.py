"""A label is bought once for one wish, whatever happens on the way; shipping uses it; it goes back while it is here."""

import dataclasses
import json
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from backoffice.incidents.kinds import sentence_of
from backoffice.models import AuditEntry, Incident
from orders.carriers.adapters.practice import PracticeCarrier
from orders.contracts import OrderStatus
from orders.desk import actions
from orders.errors import OrderError
from orders.fulfil import handover, labels, leaving, manifests, shipping, voiding
from orders.fulfil.papers.errors import PaperError
from orders.models import GivenNumber, Handover, Label, LabelRange, OrderEvent, PackingSetting
from tests.inventory import factories as stock
from tests.orders.factories import LYON, at, later, line, order
from tests.orders.papers.factories import ACTOR, approved, offline, practice, seller, wish

pytestmark = pytest.mark.django_db
MASKED = dataclasses.replace(LYON, name="A**", phone="", masked=True)


def buy(of, service, key="k1", **fields) -> Label:
    return labels.buy(wish=wish(of, service, key, **fields), actor=ACTOR)


def refused(code: str, *arguments, **fields) -> PaperError:
    with pytest.raises(PaperError) as told:
        buy(*arguments, **fields)
    assert told.value.code == code
    return told.value


def ship(label: Label):
    parcel = shipping.Parcel(carrier=label.account.name, tracking=label.tracking_number)
    return shipping.ship(order_id=label.order_id, parcels=[parcel], actor=ACTOR, idempotency_key=f"s{label.pk}")[0]


def test_an_offline_label_has_the_next_number_and_the_price_of_its_zone():
    service = offline()
    label = buy(approved(seller(), 1), service)
    assert (label.state, label.tracking_number, label.cost, label.currency) == (
        "bought", "ZT00000001", Decimal(60), "EUR",
    )  # fmt: skip
    assert label.request == {}  # the address is not kept twice
    assert AuditEntry.objects.filter(action="label.buy", after__tracking="ZT00000001").count() == 1


def test_the_same_wish_again_is_the_same_label():
    one, service = approved(seller(), 1), offline()
    assert buy(one, service).pk == buy(one, service).pk
    assert Label.objects.count() == GivenNumber.objects.count() == 1


def test_a_second_wish_is_told_who_was_first_and_gets_no_number():
    one, service = approved(seller(), 1), offline()
    buy(one, service)
    told = refused("has_label", one, service, "k2")
    assert "ZT00000001" in str(told)
    assert "wang" in str(told)
    assert GivenNumber.objects.count() == 1


def test_another_parcel_is_asked_for_on_purpose():
    one, service = approved(seller(), 1, "2"), offline()
    buy(one, service)
    assert buy(one, service, "k2", more=True).parcel == 2


def test_the_database_keeps_one_live_label_a_parcel():
    label = buy(approved(seller(), 1), offline())
    label.pk, label.idempotency_key, label.tracking_number = None, "other", "OTHER"
    with pytest.raises(IntegrityError), transaction.atomic():
        label.save(force_insert=True)


def test_a_masked_address_needs_the_platforms_own_waybill():
    made, service = seller(), offline()
    assert made.take(order(1, line("CUP"), shipping=MASKED)) == ["created"]
    told = refused("masked_address", made.order(1), service)
    assert "e-waybill" in str(told)
    assert not Label.objects.exists()


@pytest.mark.parametrize(
    ("code", "fields"),
    [("bad_weight", {"weight_g": 0}), ("bad_weight", {"weight_g": 9_000_000}), ("no_carrier", {"service": None})],
)
def test_what_cannot_be_bought_is_refused_before_anything_is_written(code, fields):
    one, service = approved(seller(), 1), offline()
    if fields.pop("service", service) is None:
        service.active = False
        service.save()
    refused(code, one, service, **fields)
    assert not Label.objects.exists()


def test_only_from_warehouses_the_person_sees_and_the_carrier_serves():
    one, service = approved(seller(), 1), offline()
    with pytest.raises(PaperError) as told:
        labels.buy(wish=wish(one, service), actor=ACTOR, warehouses=frozenset({0}))
    assert told.value.code == "not_yours"
    service.account.warehouses.add(stock.warehouse())
    refused("no_carrier", one, service)


def test_a_held_order_gets_no_label():
    one, service = approved(seller(), 1), offline()
    actions.hold(order_ids=[one.pk], actor=ACTOR, reason="wait")
    refused("order_not_ready", one, service)


# --- the carrier over the wire ---------------------------------------------------------------------------------------


def test_a_label_from_the_rest_carrier(open_way):
    label = buy(approved(seller(), 1), practice(open_way.url))
    assert (label.state, label.tracking_number, label.carrier_ref) == ("bought", "YP0000000001CN", "s1")
    assert label.cost == Decimal("48.00")
    assert bytes(label.pdf).startswith(b"%PDF")


def test_a_time_out_after_it_was_booked_costs_one_label(open_way):
    one, service = approved(seller(), 1), practice(open_way.url)
    open_way.faults.add("drop_after", "/v1/shipments$")
    label = buy(one, service)
    assert (label.state, label.tracking_number) == ("asked", "")
    assert label.problem.startswith("dropped")
    Label.objects.update(not_before="2020-01-01T00:00:00Z")
    assert labels.finish_asked() == 1
    label.refresh_from_db()
    assert (label.state, label.tracking_number) == ("bought", "YP0000000001CN")
    assert len(open_way.shelf.by_id) == 1


def test_a_worker_killed_before_it_wrote_the_answer_loses_and_doubles_nothing(open_way, monkeypatch, later):
    one, service = approved(seller(), 1), practice(open_way.url)

    class Killed(BaseException):
        pass

    def die(*arguments):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(labels, "_bought", die)
        with pytest.raises(Killed):
            buy(one, service)
    assert Label.objects.get().state == "asked"
    assert labels.finish_asked() == 0  # the lease of the dead still runs
    later(seconds=100)
    assert labels.finish_asked() == 1
    assert Label.objects.get().tracking_number == "YP0000000001CN"
    assert len(open_way.shelf.by_id) == 1


def test_a_zombie_that_answers_late_writes_nothing(open_way, monkeypatch):
    one, service = approved(seller(), 1), practice(open_way.url)
    real = PracticeCarrier.buy

    def slow(self, request):
        Label.objects.update(fence=99)  # meanwhile another took the row over
        return real(self, request)

    monkeypatch.setattr(PracticeCarrier, "buy", slow)
    assert buy(one, service).state == "asked"


def test_a_refusal_of_the_carrier_is_final_and_frees_the_parcel(open_way):
    one, service = approved(seller(), 1), practice(open_way.url)
    label = buy(one, service, weight_g=40_000)
    assert label.state == "failed"
    assert label.problem.startswith("too_heavy")
    assert buy(one, service, "k2").state == "bought"


def test_throttling_waits_as_long_as_the_carrier_says(open_way):
    one, service = approved(seller(), 1), practice(open_way.url)
    open_way.faults.add("status", "/v1/shipments$", status=429, headers={"Retry-After": "33"})
    label = buy(one, service)
    assert label.state == "asked"
    assert 30 < (label.not_before - label.asked_at).total_seconds() < 40


# --- on the parcel ---------------------------------------------------------------------------------------------------


def test_shipping_with_its_number_puts_the_label_on_the_parcel_and_the_platform_hears_it():
    label = buy(approved(seller(), 1), offline())
    assert labels.current(label.order_id).pk == label.pk
    shipment = ship(label)
    label.refresh_from_db()
    assert (label.state, label.shipment_id, label.scanned_out_at) == ("used", shipment.pk, shipment.shipped_at)
    assert labels.current(label.order_id) is None
    event = OrderEvent.objects.get(kind="shipped")
    assert event.data == {"source": "desk", "carrier": "中通快递", "tracking": "ZT00000001"}


def test_a_parcel_does_not_leave_with_a_label_that_is_being_voided():
    of, service = approved(seller(), 1), offline()
    label = buy(of, service)
    Label.objects.filter(pk=label.pk).update(to_void=True)
    with pytest.raises(OrderError) as told:
        ship(label)
    assert told.value.code == "label_to_void"
    of.refresh_from_db()
    assert (of.state, of.shipments.count()) == ("approved", 0)


def test_a_parcel_taken_back_frees_its_label():
    label = buy(approved(seller(), 1), offline())
    shipping.void(shipment_id=ship(label).pk, actor=ACTOR)
    label.refresh_from_db()
    assert (label.state, label.shipment_id, label.scanned_out_at) == ("bought", None, None)
    assert labels.current(label.order_id).pk == label.pk


# --- taken back ------------------------------------------------------------------------------------------------------


def test_a_void_label_frees_the_parcel_but_its_number_is_never_given_again():
    one, service = approved(seller(), 1), offline()
    label = voiding.void(label_id=buy(one, service).pk, actor=ACTOR, reason="wrong weight")
    assert (label.state, label.voided_by) == ("void", ACTOR)
    assert buy(one, service, "k2").tracking_number == "ZT00000002"
    entry = AuditEntry.objects.get(action="label.void")
    assert entry.after == {"tracking": "ZT00000001", "reason": "wrong weight", "cost": "60.0000"}


def test_a_label_on_a_sent_parcel_is_not_voided():
    label = buy(approved(seller(), 1), offline())
    ship(label)
    with pytest.raises(PaperError) as told:
        voiding.void(label_id=label.pk, actor=ACTOR)
    assert told.value.code == "on_a_parcel"
    label.refresh_from_db()
    assert (label.state, label.to_void) == ("used", False)


def test_after_the_hand_over_nothing_is_voided():
    label = buy(approved(seller(), 1), offline())
    Label.objects.update(state="printed", scanned_out_at=label.asked_at)
    with pytest.raises(PaperError) as told:
        voiding.void(label_id=label.pk, actor=ACTOR)
    assert told.value.code == "handed_over"


def test_a_void_the_carrier_did_not_answer_is_asked_again(open_way):
    label = buy(approved(seller(), 1), practice(open_way.url))
    open_way.faults.add("drop_after", "/void")
    assert voiding.void(label_id=label.pk, actor=ACTOR).to_void
    Label.objects.update(not_before="2020-01-01T00:00:00Z")
    assert voiding.void_due() == 1
    label.refresh_from_db()
    assert (label.state, label.to_void) == ("void", False)


def test_a_void_the_carrier_refuses_leaves_the_label_usable(open_way):
    label = buy(approved(seller(), 1), practice(open_way.url))
    open_way.advance(label.tracking_number)
    label = voiding.void(label_id=label.pk, actor=ACTOR, reason="?")
    assert (label.state, label.to_void) == ("bought", False)
    assert label.problem.startswith("handed_over")


def test_a_cancellation_on_the_platform_voids_the_label():
    made, service = seller(), offline()
    label = buy(approved(made, 1), service)
    before = order(1, line("CUP"))
    made.take(later(before, status=OrderStatus.CANCELLED, cancelled_at=at(9)))
    assert made.order(1).state == "cancelled"
    assert voiding.void_cancelled() == 1
    assert labels.current(label.order_id) is None
    assert voiding.void_due() == 1
    label.refresh_from_db()
    assert (label.state, label.to_void_why) == ("void", voiding.CANCELLED)


def test_a_cancelled_orders_label_the_carrier_keeps_stays_listed(open_way):
    made, service = seller(), practice(open_way.url)
    label = buy(approved(made, 1), service)
    actions.cancel(order_ids=[label.order_id], actor=ACTOR, reason="buyer")
    open_way.advance(label.tracking_number)
    voiding.void_cancelled()
    voiding.void_due()
    label.refresh_from_db()
    assert (label.state, label.to_void) == ("bought", True)
    assert voiding.void_due() == 0  # a person's turn


def test_an_order_cancelled_while_the_label_was_bought_goes_straight_to_be_voided(open_way, monkeypatch):
    made, service = seller(), practice(open_way.url)
    one, real = approved(made, 1), PracticeCarrier.buy

    def cancelled_meanwhile(self, request):
        actions.cancel(order_ids=[one.pk], actor=ACTOR, reason="buyer")
        return real(self, request)

    monkeypatch.setattr(PracticeCarrier, "buy", cancelled_meanwhile)
    label = buy(one, service)
    assert (label.state, label.to_void, label.to_void_why) == ("bought", True, voiding.CANCELLED)


# --- left or not -----------------------------------------------------------------------------------------------------


def open_incidents() -> list[str]:
    return list(Incident.objects.filter(kind="label_not_left", state="open").values_list("key", flat=True))


def test_printed_but_not_left_is_an_incident_until_it_is_scanned_out(later):
    label = buy(approved(seller(), 1), offline(scans_out=True))
    Label.objects.update(state="printed", printed_at=label.asked_at)
    later(hours=23)
    leaving.look()
    assert open_incidents() == []
    later(hours=2)
    leaving.look()
    leaving.look()
    assert open_incidents() == [f"label:{label.pk}"]
    told = Incident.objects.get()
    assert "Label ZT00000001 of order #1001 was printed" in sentence_of(told.kind, told.data)
    ship(label)
    assert [one.pk for one in leaving.not_left()] == [label.pk]  # packed is not gone
    assert handover.scan(text=" ZT00000001 ", actor=ACTOR, key="k").code == "handed_over"
    assert (list(leaving.not_left()), open_incidents()) == ([], [])
    assert Label.objects.get().scanned_out_at is not None


def test_a_voided_label_is_no_incident_any_more(later):
    label = buy(approved(seller(), 1), offline())
    Label.objects.update(state="printed", printed_at=label.asked_at)
    later(hours=25)
    leaving.look()
    voiding.void(label_id=label.pk, actor=ACTOR)
    assert open_incidents() == []


def test_each_warehouse_has_its_own_hours(later):
    made = seller()
    label = buy(approved(made, 1), offline())
    PackingSetting.objects.create(warehouse=made.place, handover_hours=48)
    Label.objects.update(state="printed", printed_at=label.asked_at)
    later(hours=47)
    assert list(leaving.not_left()) == []
    later(hours=2)
    assert [one.pk for one in leaving.not_left()] == [label.pk]


@pytest.mark.parametrize(
    ("change", "code"),
    [({"state": "void"}, "label_void"), ({"to_void": True}, "label_cancelled"), ({}, "label_not_packed")],
)
def test_the_door_stops_what_must_not_leave(change, code):
    label = buy(approved(seller(), 1), offline())
    Label.objects.update(**change)
    answer = handover.scan(text=label.tracking_number, actor=ACTOR, key="k")
    assert (answer.ok, answer.code) == (False, code)
    assert Label.objects.get().scanned_out_at is None


def test_a_manifest_hands_its_parcels_over():
    made, service = seller(), offline(scans_out=True)
    label = buy(approved(made, 1), service)
    ship(label)
    manifests.close(account_id=service.account_id, warehouse_id=made.place.pk, actor=ACTOR)
    assert Handover.objects.get().shipment.tracking_number == "ZT00000001"
    assert Label.objects.get().scanned_out_at is not None


# --- numbers ---------------------------------------------------------------------------------------------------------


def test_a_range_gives_its_last_number_and_then_refuses():
    made, service = seller(), offline(first=7, last=8)
    given = [buy(approved(made, n), service, f"k{n}") for n in (1, 2, 3)]
    assert [one.tracking_number for one in given] == ["ZT00000007", "ZT00000008", ""]
    assert given[2].state == "failed"
    assert given[2].problem.startswith("no_numbers")
    assert LabelRange.objects.get().left == 0


def test_numbers_that_another_range_gave_are_stepped_over():
    made, service = seller(), offline(first=1, last=2)
    for number in (1, 2):
        buy(approved(made, number), service, f"k{number}")
    LabelRange.objects.create(account=service.account, prefix="ZT", first=1, last=9, digits=8)
    assert buy(approved(made, 3), service, "k3").tracking_number == "ZT00000003"


def test_what_a_carrier_quotes_of_the_buyer_is_not_kept(open_way):
    one, service = approved(seller(), 1), practice(open_way.url)
    said = f"no way to {LYON.name}, {LYON.line1}; call {LYON.phone} or +49 30 1234567, mail me@lyon.example"
    body = json.dumps({"error": {"code": "odd", "message": said}})
    headers = {"Content-Type": "application/json"}
    open_way.faults.add("status", "/v1/shipments$", status=422, body=body, headers=headers)
    kept = buy(one, service).problem
    known = [LYON.name, *LYON.name.split(), LYON.line1, LYON.phone, "1234567", "lyon.example"]
    assert [value for value in known if value and value in kept] == []
    assert kept.startswith("refused: no way to •••")
