"""Two clerks at once on a real PostgreSQL: one label, one number, one manifest, one invoice number each."""

import threading

import pytest

from orders.contracts import OrderStatus
from orders.fulfil import labels, manifests, shipping, voiding
from orders.fulfil.papers import invoices
from orders.fulfil.papers.errors import PaperError
from orders.models import GivenNumber, Invoice, Label, Manifest, Shipment
from tests.inventory.invariants import broken
from tests.inventory.threads import after, errors, slowly, together
from tests.orders.factories import later, line, order
from tests.orders.papers.factories import ACTOR, approved, offline, seller, wish

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def test_two_clerks_buy_for_one_order_and_one_is_told_who_was_first():
    one, service = approved(seller(), 1), offline()

    def clerk(name):
        return lambda: labels.buy(wish=wish(one, service, name), actor=f"user:{name}")

    results = together(clerk("1 li"), clerk("2 wu"))
    told = [one for one in results if isinstance(one, PaperError)]
    assert [one.code for one in told] == ["has_label"]
    assert Label.objects.count() == GivenNumber.objects.count() == 1


def test_many_labels_at_once_get_a_number_each():
    made, service = seller(CUP=100), offline()
    orders = [approved(made, number) for number in range(1, 13)]

    def worker(mine):
        return lambda: [labels.buy(wish=wish(one, service, f"k{one.pk}"), actor=ACTOR) for one in mine]

    results = together(*(worker(orders[start::3]) for start in range(3)))
    assert errors(results) == []
    numbers = sorted(Label.objects.values_list("tracking_number", flat=True))
    assert numbers == [f"ZT{number:08d}" for number in range(1, 13)]


def test_two_who_close_a_manifest_close_one():
    made, service = seller(), offline()
    for number in (1, 2, 3):
        one = approved(made, number)
        label = labels.buy(wish=wish(one, service, f"k{number}"), actor=ACTOR)
        parcel = shipping.Parcel(carrier="x", tracking=label.tracking_number)
        shipping.ship(order_id=one.pk, parcels=[parcel], actor=ACTOR, idempotency_key=f"s{number}")

    def close():
        return manifests.close(account_id=service.account_id, warehouse_id=made.place.pk, actor=ACTOR)

    results = together(close, close)
    assert sorted(type(one).__name__ for one in results) == ["Manifest", "PaperError"]
    assert Manifest.objects.get().count == 3


def test_invoices_at_once_are_numbered_without_gap_or_double():
    made = seller()
    ids = [approved(made, number).pk for number in range(1, 9)]

    def worker(mine):
        return lambda: [invoices.issue(order_id=pk, actor=ACTOR) for pk in mine]

    results = together(worker(ids), worker(ids[::-1]))
    assert errors(results) == []
    assert sorted(Invoice.objects.values_list("number", flat=True)) == list(range(1, 9))


def test_an_order_the_platform_cancels_while_its_labelled_parcel_is_packed_leaves_or_gives_its_label_back():
    made, service = seller(), offline()
    one = approved(made, 1)
    label = labels.buy(wish=wish(one, service, "k"), actor=ACTOR)
    gone = later(order(1, line("CUP", 1)), status=OrderStatus.CANCELLED)
    parcel = shipping.Parcel(tracking=label.tracking_number)
    told = together(
        lambda: shipping.ship(order_id=one.pk, parcels=[parcel], actor=ACTOR, idempotency_key="s"),
        lambda: made.take(gone),
    )
    voiding.void_cancelled()
    voiding.void_due()
    label.refresh_from_db()
    one.refresh_from_db()
    sent = not errors(told)
    assert [one.code for one in errors(told)] == ([] if sent else ["not_approved"])
    assert (label.state, Shipment.objects.count()) == (("used", 1) if sent else ("void", 0))
    assert (one.state, one.hold_code) == (("shipped", "cancelled_late") if sent else ("cancelled", ""))
    assert broken() == []


def test_a_label_that_is_being_given_back_goes_on_no_parcel():
    made, service, begun = seller(), offline(), threading.Event()
    one = approved(made, 1)
    label = labels.buy(wish=wish(one, service, "k"), actor=ACTOR)
    parcel = shipping.Parcel(tracking=label.tracking_number)
    told = together(
        slowly(lambda: voiding._asked(label.pk, ACTOR, "", None), begun),
        after(begun, lambda: shipping.ship(order_id=one.pk, parcels=[parcel], actor=ACTOR, idempotency_key="s")),
    )
    assert [one.code for one in errors(told)] == ["label_to_void"]
    assert (Shipment.objects.count(), broken()) == (0, [])
