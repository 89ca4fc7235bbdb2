"""Attachments of purchase orders, deliveries, goods sent back and late costs; what shows prices is for who may know."""

import pytest
from django.urls import reverse

from backoffice.attachments import keeping
from backoffice.models import Attachment
from inventory.models import Access
from orders.models import CostDocument, PurchaseOrder, PurchaseReceipt
from orders.supply import returning
from orders.supply.costs import drafting
from tests.attached import PDF, add, entries, lying, picture, remove, said, upload
from tests.orders.supply.conftest import LI, WU, D

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def desk(people, buyer):
    """Clients of the roles, each seeing the buyer's warehouse only."""

    def client(role):
        Access.objects.get_or_create(user=people[role])[0].warehouses.add(buyer.place)
        return people.client(role)

    return client


def page(client, order) -> str:
    return client.get(reverse("admin:orders_purchaseorder_change", args=[order.pk])).content.decode()


def test_the_invoice_of_an_order_is_for_who_may_see_prices(desk, buyer):
    order, clerk, packer = buyer.ordered(), desk("buyer"), desk("warehouse_clerk")
    answer = add(clerk, order, upload(name="发票.pdf"), priced="1")
    assert "attached" in answer.content.decode()
    row = Attachment.objects.get()
    assert ("发票.pdf" in page(clerk, order), "发票.pdf" in page(packer, order)) == (True, False)  # nor in its history
    address = reverse("attachment", args=[row.token])
    assert (clerk.get(address).status_code, packer.get(address).status_code) == (200, 404)
    assert packer.post(reverse("attachment_remove", args=[row.token]), {"why": "x"}).status_code == 404
    add(packer, order, upload(picture(), "carton.jpg"), priced="1")  # who sees no prices hides nothing from himself
    assert "carton.jpg" in page(packer, order)
    assert not Attachment.objects.get(name="carton.jpg").priced


def test_an_order_that_went_out_keeps_its_papers(desk, buyer):
    draft, clerk, boss = buyer.draft(), desk("buyer"), desk("ops_admin")
    add(clerk, draft)
    assert "Who and why stays" in said(remove(clerk, Attachment.objects.get()))
    add(clerk, draft)
    PurchaseOrder.objects.filter(pk=draft.pk).update(state="ordered")
    row = Attachment.objects.get(removed_at=None)
    assert "once the document is booked" in said(remove(clerk, row))
    assert "Who and why stays" in said(remove(boss, row))
    assert len(entries(draft, "attachment.remove")) == 2


def test_a_delivery_is_received_with_its_papers(desk, buyer, media):
    order, packer = buyer.ordered(), desk("warehouse_clerk")
    mug = buyer.line(order)
    fields = {f"accepted_{mug.pk}": "20", f"damaged_{mug.pk}": "4", "slip": "D1", "once": "r"}
    address = reverse("admin:orders_purchaseorder_receive", args=[order.pk])
    shown = packer.get(address).content.decode()
    assert ('enctype="multipart/form-data"' in shown, 'name="priced"' in shown) == (True, False)
    papers = [upload(picture(), "carton.jpg"), upload(b"<html>", "bad.pdf")]
    answer = packer.post(address, {**fields, "papers": papers}, follow=True)
    assert "1 file is attached" in said(answer)
    assert "“bad.pdf”" in said(answer)
    receipt = PurchaseReceipt.objects.get()
    assert Attachment.objects.get().owner == f"orders.purchasereceipt:{receipt.pk}"
    answer = packer.post(address, {**fields, "papers": [upload(picture(), "carton.jpg")]}, follow=True)
    assert "is attached already" in said(answer)
    assert (PurchaseReceipt.objects.count(), len(lying(media))) == (1, 1)
    assert entries(order, "attachment.add") == ["carton.jpg"]
    assert "carton.jpg" in page(packer, order)


def test_a_delivery_that_is_refused_keeps_nothing(desk, buyer, media):
    order, packer = buyer.ordered(), desk("warehouse_clerk")
    fields = {f"accepted_{buyer.line(order).pk}": "x", "papers": [upload()]}
    packer.post(reverse("admin:orders_purchaseorder_receive", args=[order.pk]), fields)
    assert (Attachment.objects.count(), lying(media)) == (0, [])


def test_goods_sent_back_have_their_own(desk, buyer):
    order = buyer.ordered()
    buyer.receive(order, 20, 4)
    back = [returning.Back(line_id=buyer.line(order).pk, quantity=D(4), damaged=True)]
    sent = returning.send_back(order_id=order.pk, goods=back, reason="broken", actor=WU, key="b")
    packer = desk("warehouse_clerk")
    add(packer, sent, upload(picture(), "parcel.jpg"))
    assert "parcel.jpg" in page(packer, order)
    assert entries(order, "attachment.add") == ["parcel.jpg"]


def test_papers_of_orders_elsewhere_are_not_there(desk, buyer, people):
    order = buyer.ordered()
    receipt = buyer.receive(order, 20)
    add(desk("buyer"), order)
    add(desk("buyer"), receipt, upload(picture(), "a.jpg"))
    Access.objects.create(user=people["ops_admin"])
    other = people.client("ops_admin")
    for row in Attachment.objects.all():
        assert other.get(reverse("attachment", args=[row.token])).status_code == 404
    assert (add(other, order).status_code, add(other, receipt).status_code) == (404, 404)
    assert Attachment.objects.count() == 2


@pytest.fixture
def cost(buyer):
    """A preview of a freight bill over one delivery."""
    order = buyer.ordered()
    buyer.receive(order, 20)
    found = drafting.reading.of_orders([order.pk])
    charge = drafting.Charge(
        kind="freight", amount=D(50), currency="CNY", basis="value", dated=order.created_at.date(), partner="德邦"
    )
    return drafting.draft(
        order_ids=[order.pk], entry_keys={one.entry_key for one in found}, charge=charge, actor=LI, once="c"
    )


def test_the_bill_of_a_late_cost(desk, cost, media, django_capture_on_commit_callbacks):
    clerk = desk("buyer")
    add(clerk, cost, upload(name="freight.pdf"))
    address = reverse("admin:orders_costdocument_change", args=[cost.pk])
    assert "freight.pdf" in clerk.get(address).content.decode()
    assert desk("warehouse_clerk").get(reverse("attachment", args=[Attachment.objects.get().token])).status_code == 403
    assert 'name="priced"' not in clerk.get(address).content.decode()  # whoever sees the page sees what is paid
    CostDocument.objects.filter(pk=cost.pk).update(state="posted")
    assert "once the document is booked" in said(remove(clerk, Attachment.objects.get()))
    assert "Who and why stays" in said(remove(desk("bookkeeper"), Attachment.objects.get()))
    add(clerk, cost)
    CostDocument.objects.filter(pk=cost.pk).update(state="draft")
    with django_capture_on_commit_callbacks(execute=True):
        drafting.discard(document_id=cost.pk, actor=LI)
    assert not Attachment.objects.exists()


def test_the_number_of_queries_does_not_grow(desk, buyer, django_assert_max_num_queries):
    order, client = buyer.ordered(), desk("buyer")
    parts = [order, *(buyer.receive(order, 2, slip=f"D{n}") for n in range(4))]
    for number in range(3):
        for part in parts:
            keeping.keep(part, upload(PDF + b"\n" * number), name=f"{number}.pdf", actor=f"user:{number} li")
    client.get(reverse("admin:orders_purchaseorder_change", args=[order.pk]))
    with django_assert_max_num_queries(30):
        assert page(client, order).count('yk-file"') == 15
