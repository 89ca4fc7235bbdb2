"""The bought label on the packing table: it names the parcel, is bought there once, and is used when it ships."""

import pytest
from django.urls import reverse

from orders.fulfil import labels, packing, packing_labels, voiding
from orders.fulfil.papers.errors import PaperError
from orders.models import CarrierService, Company, Label, PaperPrint, SenderAddress, Shipment
from tests.inventory import factories as stock
from tests.orders.changes.looking import client_of
from tests.orders.factories import line, order
from tests.orders.packing.floor import WU, Floor
from tests.orders.papers.factories import offline, wish

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor(db) -> Floor:
    """Order 1 of two mugs, picked and on wu's table, in a warehouse that a carrier collects from."""
    made = Floor(MUG=9)
    SenderAddress.objects.create(warehouse=made.place, name="Yiku", line1="1 Road", city="Hangzhou", country="CN")
    Company.objects.create(pk=1, name="Yiku", language="en")
    made.take(order(1, line("MUG", 2)))
    made.picked(1)
    made.open(1)
    return made


@pytest.fixture
def service(floor) -> CarrierService:
    return offline(scans_out=True, tracking_url="https://zto.example/{}")


def bought(floor, service, key="k1", **fields) -> Label:
    return labels.buy(wish=wish(floor.order(1), service, key, warehouse_id=floor.place.pk, **fields), actor=WU)


def buy_here(floor, service, parcel=1) -> Label:
    return packing_labels.buy(
        part=floor.part(1), parcel=parcel, service_id=service.pk, weight_g=400, actor=WU, warehouses=None
    )


def test_the_bought_label_names_the_parcel_and_is_used(floor, service):
    label = bought(floor, service)
    floor.scan(1, "MUG")
    floor.scan(1, "MUG")
    (parcel,) = floor.finish(1)
    assert (parcel.carrier, parcel.tracking_number) == ("中通快递", "ZT00000001")
    assert parcel.tracking_url == "https://zto.example/ZT00000001"
    label.refresh_from_db()
    assert (label.state, label.shipment) == ("used", parcel)


def test_two_parcels_take_two_labels_in_their_order(floor, service):
    bought(floor, service)
    bought(floor, service, "k2", more=True)
    floor.scan(1, "MUG")
    packing.close_parcel(wave_order_id=floor.part(1).pk, actor=WU)
    floor.scan(1, "MUG")
    assert [one.tracking_number for one in floor.finish(1)] == ["ZT00000001", "ZT00000002"]
    assert set(Label.objects.values_list("state", flat=True)) == {"used"}


def test_a_label_of_another_warehouse_is_not_taken(floor, service):
    elsewhere = stock.warehouse()
    label = bought(floor, service)
    Label.objects.filter(pk=label.pk).update(warehouse=elsewhere)
    assert packing_labels.of_parcel(floor.order(1), 1, floor.place.pk) is None


def test_a_label_is_bought_at_the_table_once_however_often_it_is_pressed(floor, service):
    first, second = buy_here(floor, service), buy_here(floor, service)
    assert (first.pk, first.weight_g, Label.objects.count()) == (second.pk, 400, 1)


def test_a_voided_label_can_be_bought_anew(floor, service):
    first = buy_here(floor, service)
    voiding.void(label_id=first.pk, actor=WU)
    second = buy_here(floor, service)
    assert (second.state, second.tracking_number) == ("bought", "ZT00000002")


def test_the_second_parcel_gets_a_label_of_its_own(floor, service):
    buy_here(floor, service)
    floor.scan(1, "MUG")
    packing.close_parcel(wave_order_id=floor.part(1).pk, actor=WU)
    assert buy_here(floor, service, parcel=2).tracking_number == "ZT00000002"


def test_while_the_carrier_has_not_answered_the_parcel_waits(floor, service):
    label = bought(floor, service)
    Label.objects.filter(pk=label.pk).update(state="asked", tracking_number="")
    floor.scan(1, "MUG")
    floor.scan(1, "MUG")
    with pytest.raises(PaperError, match="The carrier has not answered"):
        floor.finish(1)
    assert (floor.order(1).state, Shipment.objects.count()) == ("approved", 0)


def test_the_page_offers_to_buy_it_and_prints_it(people, floor, service):
    floor.open(1, actor=f"user:{people['owner'].pk} {people['owner'].username}", take_over=True)
    client, url = client_of(people, "owner"), reverse("admin:orders_wave_packing", args=[floor.part(1).pk])
    wished = CarrierService.objects.create(account=service.account, code="slow", name="慢")
    wished.rates.create(up_to_g=900, price=90, currency="EUR")
    floor.order(1).__class__.objects.update(carrier_service=wished)
    body = client.get(url).content.decode()
    assert f'<option value="{wished.pk}" selected>' in body
    page = client.post(url, {"do": "label", "service": service.pk, "weight": "0.4 kg"}).content.decode()
    assert Label.objects.get().weight_g == 400
    assert ("ZT00000001" in page, "Print the label" in page, 'value="0.4 kg"' in page) == (True, True, True)


def test_a_link_to_a_label_prints_and_counts_nothing(people, floor, service):
    label = buy_here(floor, service)
    Label.objects.filter(pk=label.pk).update(pdf=b"%PDF-1.4 own")
    floor.open(1, actor=f"user:{people['owner'].pk} {people['owner'].username}", take_over=True)
    client, url = client_of(people, "owner"), reverse("admin:orders_label_pdf", args=[label.pk])
    assert (client.get(url).status_code, PaperPrint.objects.count()) == (405, 0)
    answer = client.post(url)
    assert (answer.content, answer["Content-Type"], PaperPrint.objects.count()) == (
        b"%PDF-1.4 own", "application/pdf", 1,
    )  # fmt: skip
    assert (
        f'action="{url}"' in client.get(reverse("admin:orders_wave_packing", args=[floor.part(1).pk])).content.decode()
    )
