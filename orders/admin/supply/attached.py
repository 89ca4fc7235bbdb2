"""Whose attachments stand on the pages of purchasing: orders, deliveries, goods sent back, late costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Model
from django.http import Http404, HttpRequest
from django.urls import reverse

from backoffice.attachments.owners import Owner, register
from orders.admin.supply import costs, kit
from orders.models import CostDocument, PurchaseOrder, PurchaseReceipt, SupplierReturn

OPEN = (PurchaseOrder.State.DRAFT, PurchaseOrder.State.WAITING)


def _part(model: type[Model]) -> Callable[[HttpRequest, int], Model]:
    """Find a part of an order: seen by whoever sees the order."""

    def find(request: HttpRequest, pk: int) -> Model:
        found: Any = model._default_manager.select_related("order").filter(pk=pk).first()
        if found is None:
            raise Http404
        kit.get_order(request, found.order_id)
        return found

    return find


def _page(pk: int) -> str:
    return reverse("admin:orders_purchaseorder_change", args=[pk])


register(
    "orders.purchaseorder",
    Owner(
        find=kit.get_order,
        url=lambda row: _page(row.pk),
        adds=(kit.CHANGE, kit.RECEIVE),
        right=kit.APPROVE,
        sealed=lambda row: row.state not in OPEN,
        prices=kit.PRICE,
    ),
)
for _kind, _model in (("orders.purchasereceipt", PurchaseReceipt), ("orders.supplierreturn", SupplierReturn)):
    register(
        _kind,
        Owner(
            find=_part(_model),
            url=lambda row: _page(row.order_id),
            adds=(kit.CHANGE, kit.RECEIVE),
            right=kit.APPROVE,
            sealed=lambda row: True,
            prices=kit.PRICE,
            history=lambda row: row.order,
        ),
    )
register(
    "orders.costdocument",
    Owner(
        find=costs.document_of,
        url=lambda row: reverse("admin:orders_costdocument_change", args=[row.pk]),
        adds=(costs.ADD, costs.BOOK),
        right=costs.BOOK,
        sealed=lambda row: row.state != CostDocument.State.DRAFT,
    ),
)
