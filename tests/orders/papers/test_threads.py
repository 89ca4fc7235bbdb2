"""Two clerks at once on a real PostgreSQL: one label, one number, one manifest, one invoice number each."""

import pytest

from orders.fulfil import labels, manifests, shipping
from orders.fulfil.papers import invoices
from orders.fulfil.papers.errors import PaperError
from orders.models import GivenNumber, Invoice, Label, Manifest
from tests.inventory.threads import errors, together
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
