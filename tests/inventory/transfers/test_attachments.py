"""Attachments of transfers and of their receipts: each their own, seen from both ends."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backoffice.attachments import keeping
from backoffice.models import Attachment
from inventory.models import Access, TransferReceipt
from tests.attached import PDF, add, entries, picture, remove, said, upload
from tests.inventory.transfers.conftest import came

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
D = Decimal


@pytest.fixture
def received(a, sent, owner):
    """A transfer of which four pieces came, one of them damaged, and that receipt."""
    made = sent((a, 7))
    came(made, 3, damaged=1, user=owner, once="x")
    return made, TransferReceipt.objects.get()


def test_a_transfer_and_its_receipt_each_have_their_own(clerk, people, received, there):
    transfer, receipt = received
    client = people.client("warehouse_clerk")
    add(client, transfer, upload(picture(), "signed.jpg"))
    page = add(client, receipt, upload(picture("PNG"), "carton.png")).content.decode()
    assert page.count('yk-file"') == 2
    assert set(entries(transfer, "attachment.add")) == {"signed.jpg", "carton.png"}
    row = Attachment.objects.get(owner=f"inventory.transferreceipt:{receipt.pk}")
    assert "once the document is booked" in said(remove(client, row))
    Access.objects.filter(user=people["warehouse_clerk"]).update(all_warehouses=False)
    assert client.get(reverse("attachment", args=[row.token])).status_code == 404
    Access.objects.get(user=people["warehouse_clerk"]).warehouses.add(there)
    assert client.get(reverse("attachment", args=[row.token])).status_code == 200


def test_the_number_of_queries_does_not_grow_with_the_attachments(owner, people, received):
    transfer, receipt = received
    client = people.client("owner")
    address = reverse("admin:inventory_transfer_change", args=[transfer.pk])
    client.get(address)
    with CaptureQueriesContext(connection) as before:
        client.get(address)
    for number in range(4):
        keeping.keep(transfer, upload(PDF + b"\n" * number), name=f"{number}.pdf", actor=f"user:{number} li")
        keeping.keep(receipt, upload(PDF + b"\n" * number), name=f"{number}.pdf", actor=f"user:{number} li")
    with CaptureQueriesContext(connection) as after:
        page = client.get(address).content.decode()
    assert page.count('yk-file"') == 8
    assert len(after) == len(before)
