"""Whose attachments stand on the pages of stock: stock documents, transfers and their receipts."""

from __future__ import annotations

from django.http import Http404, HttpRequest
from django.urls import reverse

from backoffice.attachments.owners import Owner, register
from inventory.admin import documents, transfer_page
from inventory.models import StockDocument, TransferReceipt
from inventory.models.transfers import Transfer
from inventory.transfers.errors import APPROVE

POSTED = (StockDocument.State.POSTED, StockDocument.State.UNDONE)
PLANNED = (Transfer.State.DRAFT, Transfer.State.REQUESTED)


def _receipt(request: HttpRequest, pk: int) -> TransferReceipt:
    found = TransferReceipt.objects.select_related("transfer").filter(pk=pk).first()
    if found is None:
        raise Http404
    transfer_page.transfer_of(request, found.transfer_id)
    return found


register(
    "inventory.stockdocument",
    Owner(
        find=documents.document_of,
        url=lambda row: reverse("admin:inventory_stockdocument_change", args=[row.pk]),
        adds=(documents.COUNT,),
        right=documents.APPROVE,
        sealed=lambda row: row.state in POSTED,
    ),
)
register(
    "inventory.transfer",
    Owner(
        find=transfer_page.transfer_of,
        url=transfer_page.here,
        adds=(transfer_page.PLAN, transfer_page.MOVE),
        right=APPROVE,
        sealed=lambda row: row.state not in PLANNED,
    ),
)
register(
    "inventory.transferreceipt",
    Owner(
        find=_receipt,
        url=lambda row: transfer_page.here(row.transfer),
        adds=(transfer_page.MOVE,),
        right=APPROVE,
        sealed=lambda row: True,
        history=lambda row: row.transfer,
    ),
)
