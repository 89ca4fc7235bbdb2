"""Labels and papers in the browser: the card of an order, prices, printing many, the door, carriers and credentials."""

import re

import pytest
from django.urls import reverse

from backoffice.models import AuditEntry
from inventory.models import Access
from orders.fulfil import labels
from orders.models import (
    CarrierAccount,
    CarrierCredential,
    CarrierRate,
    Company,
    Label,
    LabelRange,
    Manifest,
    PaperPrint,
    PrintRun,
)
from tests.inventory import factories as stock
from tests.orders.papers.factories import ACTOR, approved, offline, practice, seller, wish

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(people):
    """Log in as a role that sees everything (or only some warehouses), reading English."""

    def log_in(role: str = "order_clerk", warehouses=None):
        access, _made = Access.objects.get_or_create(user=people[role], defaults={"all_shops": True})
        access.all_warehouses = warehouses is None
        access.save()
        access.warehouses.set(warehouses or [])
        client = people.client(role)
        client.cookies["django_language"] = "en"
        return client

    return log_in


def do(client, order, **data):
    return client.post(reverse("admin:orders_order_do", args=[order.pk]), data, follow=True)


def page(client, order) -> str:
    return client.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()


def told(response) -> str:
    return " ".join(str(one) for one in response.context["messages"])


def test_a_label_is_bought_from_the_orders_page_and_shown_there(reader):
    one, service = approved(seller(), 1), offline(tracking_url="https://zto.example/{}")
    client = reader("warehouse_clerk")
    assert "中通快递 标准 · 60.00 EUR" in page(client, one)
    data = {"do": "label_buy", "service": service.pk, "warehouse": one.shop.warehouse_links.get().warehouse_id,
            "weight": "300", "once": "x", "note": "<b>易碎</b>"}  # fmt: skip
    assert "ZT00000001" in told(do(client, one, **data))
    assert Label.objects.get().note == "<b>易碎</b>"
    shown = page(client, one)
    assert 'href="https://zto.example/ZT00000001"' in shown
    assert "Ship with this label" in shown
    do(client, one, **data)  # the second click of a double click
    assert Label.objects.count() == 1


def test_ship_with_this_label_fills_carrier_and_number(reader):
    one, service = approved(seller(), 1), offline()
    label = labels.buy(wish=wish(one, service), actor=ACTOR)
    do(reader(), one, do="label_ship", label=label.pk)
    shipment = one.shipments.get()
    assert (shipment.carrier, shipment.tracking_number) == ("中通快递", "ZT00000001")
    label.refresh_from_db()
    assert label.state == "used"


def test_void_from_the_page_and_the_reason_is_kept(reader):
    one = approved(seller(), 1)
    label = labels.buy(wish=wish(one, offline()), actor=ACTOR)
    assert "void" in told(do(reader(), one, do="label_void", label=label.pk, reason="wrong box"))
    label.refresh_from_db()
    assert (label.state, label.to_void_why) == ("void", "wrong box")


def test_goods_in_a_warehouse_that_is_not_ones_own_get_no_label_from_there(reader):
    one, service = approved(seller(), 1), offline()
    client = reader("warehouse_clerk", warehouses=[stock.warehouse()])
    assert "You do not see the warehouse" in page(client, one)
    place = one.shop.warehouse_links.get().warehouse_id
    response = do(client, one, do="label_buy", service=service.pk, warehouse=place, weight="300", once="x")
    assert "You do not see the warehouse" in told(response)
    assert not Label.objects.exists()


def test_a_cancelled_orders_label_is_pointed_out(reader):
    one = approved(seller(), 1)
    labels.buy(wish=wish(one, offline()), actor=ACTOR)
    type(one).objects.update(state="cancelled", hold_code="", held_since=None)
    assert "The order was cancelled, but a label was bought" in page(reader(), one)


def test_prices_are_compared_and_the_cheapest_is_marked(reader, open_way):
    one, service = approved(seller(), 1), offline()
    practice(open_way.url)
    text = reader().get(reverse("admin:orders_label_offers", args=[one.pk])).content.decode()
    rows = re.findall(r"<tr.*?</tr>", text, re.S)[1:]
    assert len(rows) == 3
    assert sum("cheapest" in row for row in rows) == 1
    assert f'name="service" value="{service.pk}"' in text


def test_a_carrier_without_an_answer_does_not_hide_the_others(reader, open_way):
    one = approved(seller(), 1)
    offline()
    practice(open_way.url)
    open_way.faults.add("status", "/v1/rates", status=500)
    text = reader().get(reverse("admin:orders_label_offers", args=[one.pk])).content.decode()
    assert "Without an answer" in text
    assert "a fault on its side" in text
    assert "60.00" in text


def test_slips_and_labels_of_many_orders_from_the_list(reader):
    made, service = seller(), offline()
    ids = [approved(made, number).pk for number in (1, 2)]
    labels.buy(wish=wish(made.order(1), service), actor=ACTOR)
    client = reader()
    data = {"action": "print_both", "_selected_action": ids}
    response = client.post(reverse("admin:orders_order_changelist"), data, follow=True)
    text = response.content.decode()
    assert "1 orders printed on 3 pages, 1 with a problem" in text
    assert "Order #1002 has no label yet" in text
    file = client.get(reverse("admin:orders_printrun_file", args=[PrintRun.objects.get().pk]))
    assert file["Content-Type"] == "application/pdf"
    assert "no-store" in file["Cache-Control"]
    assert file.content.startswith(b"%PDF")


def test_a_single_paper_opens_at_once_and_nobody_else_opens_it(reader):
    one = approved(seller(), 1)
    response = do(reader(), one, do="papers_print", kinds="slip")
    assert response["Content-Type"] == "application/pdf"
    run = PrintRun.objects.get()
    assert reader("ops_admin").get(reverse("admin:orders_printrun_file", args=[run.pk])).status_code == 404


def test_orders_by_number_in_the_order_named_and_labels_bought_on_the_way(reader):
    made = seller()
    offline()
    ids = [approved(made, number).pk for number in (1, 2)]
    client, url = reader(), reverse("admin:orders_printrun_ask")
    wrong = client.post(url, {"orders": "1002\nnope", "kinds": ["label"], "print": "1"})
    assert "Not found, or not yours: nope" in told(wrong)
    client.post(url, {"orders": "1002\r\n#1001", "kinds": ["label"], "buy": "cheapest", "print": "1"})
    assert PrintRun.objects.get().order_ids == ids[::-1]
    assert Label.objects.filter(state="printed").count() == 2


def test_papers_are_not_for_those_who_neither_ship_nor_uncover(reader):
    one = approved(seller(), 1)
    for role in ("bookkeeper", "buyer", "auditor"):
        client = reader(role)
        assert do(client, one, do="papers_print", kinds="slip").status_code == 403
        assert client.get(reverse("admin:orders_printrun_ask")).status_code == 403
        data = {"action": "print_slips", "_selected_action": [one.pk]}
        client.post(reverse("admin:orders_order_changelist"), data)
    assert not PaperPrint.objects.exists()


def test_a_manifest_is_closed_by_a_button_and_is_a_pdf(reader):
    made, service = seller(), offline()
    label = labels.buy(wish=wish(approved(made, 1), service), actor=ACTOR)
    client, url = reader("warehouse_clerk"), reverse("admin:orders_manifest_close")
    do(client, made.order(1), do="label_ship", label=label.pk)
    heap = f"{service.account_id}:{made.place.pk}"
    assert heap in client.get(url).content.decode()
    assert "is closed with 1 parcels" in told(client.post(url, {"heap": heap}, follow=True))
    file = client.get(reverse("admin:orders_manifest_pdf", args=[Manifest.objects.get().pk]))
    assert file.content.startswith(b"%PDF")
    assert "No parcel waits" in told(client.post(url, {"heap": heap}, follow=True))


def test_credentials_are_the_owners_alone_encrypted_and_never_shown(reader, open_way):
    account = CarrierAccount.objects.create(adapter="practice", name="演练", base_url=open_way.url)
    url = reverse("admin:orders_carrieraccount_credentials", args=[account.pk])
    assert reader("ops_admin").get(url).status_code == 403
    owner = reader("owner")
    owner.post(url, {"key": "practice-key", "secret": "practice-secret-0123456789"})
    assert "practice-secret" not in owner.get(url).content.decode()
    assert CarrierCredential.objects.get().secrets["key"] == "practice-key"
    assert not AuditEntry.objects.filter(after__icontains="practice-secret").exists()
    response = owner.get(f"/admin/orders/carrieraccount/{account.pk}/test-connection/", follow=True)
    assert "Practice Post" in told(response)


def test_a_price_list_is_pasted_whole_or_not_at_all(reader):
    service = offline()
    url, owner = reverse("admin:orders_carrierrate_paste"), reader("owner")
    bad = owner.post(url, {"service": service.pk, "text": "CN\t\t\t1000\t8.5\tCNY\t2\nXYZ\t\t\t0\tx"})
    assert "Row 2" in bad.content.decode()
    assert CarrierRate.objects.filter(service=service).count() == 3
    owner.post(url, {"service": service.pk, "text": "CN\t\t\t1000\t8.5\tCNY\t2\n\t\t\t500\t60\tCNY"})
    kept = CarrierRate.objects.filter(service=service).order_by("pk").values_list("country", "up_to_g", "more_per_kg")
    assert [(country, grams, more) for country, grams, more in kept] == [("CN", 1000, 2), ("", 500, None)]


def test_a_range_is_checked_before_it_is_kept(reader):
    service, owner = offline(), reader("owner")
    data = {"account": service.account_id, "prefix": "LX", "first": 5, "last": 4, "digits": 9, "suffix": "CN",
            "check_digit": "s10", "warn_below": 5, "active": "on"}  # fmt: skip
    url = reverse("admin:orders_labelrange_add")
    assert "A range ends after it begins" in owner.post(url, data).content.decode()
    assert "S10 has eight" in owner.post(url, {**data, "last": 9}).content.decode()
    owner.post(url, {**data, "last": 9, "digits": 8})
    assert [one.left for one in LabelRange.objects.filter(check_digit="s10")] == [5]


def test_the_company_is_one_row_with_previews(reader):
    owner = reader("owner")
    assert owner.get(reverse("admin:orders_company_changelist")).url.endswith("/company/1/change/")
    assert owner.get(reverse("admin:orders_company_change", args=[1])).status_code == 200
    assert not Company.objects.exists()  # looking writes nothing
    for kind in ("invoice", "label"):
        assert owner.get(reverse("admin:orders_company_preview", args=[kind])).content.startswith(b"%PDF")


def test_the_card_costs_a_constant_number_of_queries(reader, django_assert_max_num_queries):
    one, service = approved(seller(), 1, "3"), offline()
    for number in range(3):
        labels.buy(wish=wish(one, service, f"k{number}", more=True), actor=ACTOR)
    client = reader()
    page(client, one)
    with django_assert_max_num_queries(51):
        page(client, one)
