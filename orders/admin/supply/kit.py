"""What the pages of purchasing share: rights, what was typed, prices for who may see them."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from backoffice import audit
from backoffice.adminkit import YikuModelAdmin
from backoffice.models import User
from inventory import catalogue
from inventory.access import sight, visible
from inventory.models import Warehouse
from orders.models import PurchaseOrder
from orders.supply.drafting import Wanted
from orders.supply.errors import SupplyError

VIEW, CHANGE = "orders.view_purchaseorder", "orders.change_purchaseorder"
RECEIVE, PRICE, APPROVE = (f"orders.{name}_purchaseorder" for name in ("receive", "price", "approve"))
COST, BOOK = "orders.add_costdocument", "orders.book_costdocument"
MOST_ROWS = 500


class AuditedAdmin(YikuModelAdmin):
    """What was changed, by whom, stands in the audit trail."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        after = {name: str(form.cleaned_data.get(name)) for name in form.changed_data}
        audit.record(action="purchase.setting", target=obj, request=request, summary=str(obj)[:300], after=after)


def demand(request: HttpRequest, *permissions: str) -> None:
    """Refuse whoever has none of the rights."""
    if not any(request.user.has_perm(one) for one in permissions):
        raise PermissionDenied


def sees_prices(request: HttpRequest) -> bool:
    """True when the person may know what is paid."""
    return request.user.has_perm(PRICE)


def mine(request: HttpRequest) -> QuerySet[PurchaseOrder]:
    """Return the orders of the warehouses a person sees."""
    return visible(cast(User, request.user), PurchaseOrder.objects.all())


def get_order(request: HttpRequest, pk: int) -> PurchaseOrder:
    """Return an order that the person sees, else "not found", whether it is there or not."""
    demand(request, VIEW)
    found = mine(request).filter(pk=pk).select_related("supplier", "warehouse").first()
    if found is None:
        raise Http404
    return found


def page(request: HttpRequest, template: str, title: Any, **more: Any) -> HttpResponse:
    """Render a page of purchasing."""
    context = {**admin.site.each_context(request), "title": title, "once": uuid.uuid4().hex, **more}
    return TemplateResponse(request, f"admin/orders/supply/{template}.html", context)


def to(order: PurchaseOrder, name: str = "change") -> HttpResponseRedirect:
    """Go to a page of one order."""
    return HttpResponseRedirect(reverse(f"admin:orders_purchaseorder_{name}", args=[order.pk]))


def text(request: HttpRequest, name: str, most: int = 300) -> str:
    """Return what was typed, without the NUL that PostgreSQL refuses."""
    return request.POST.get(name, "").replace("\0", "").strip()[:most]


def number(value: str) -> int:
    """Return an id that was sent; 0 for anything else."""
    return int(value) if value.isdecimal() and value.isascii() and len(value) < 18 else 0


def decimal(typed: str, sku: str) -> Decimal:
    """Return a figure that was typed, 0 for none. Raises SupplyError quantity for what is no figure."""
    try:
        found = Decimal(typed.replace(",", ".").strip() or "0")
    except InvalidOperation as error:
        raise SupplyError("quantity", sku=sku, wanted=typed[:40]) from error
    if not found.is_finite() or found.adjusted() > 12:
        raise SupplyError("quantity", sku=sku, wanted=typed[:40])
    return found


def day(request: HttpRequest, name: str) -> dt.date | None:
    """Return a day that was chosen, None for none. Raises SupplyError past_day for what is no day."""
    typed = text(request, name, 10)
    try:
        return dt.date.fromisoformat(typed) if typed else None
    except ValueError as error:
        raise SupplyError("past_day", field=name) from error


def once(request: HttpRequest, what: str) -> str:
    """Return the key of this form: sent twice, it does its work once."""
    return f"{what}:{text(request, 'once', 64) or uuid.uuid4().hex}"


def within(request: HttpRequest) -> frozenset[int] | None:
    """Return the warehouses a person sees; None: all."""
    return sight(cast(User, request.user)).warehouses


def places(request: HttpRequest) -> list[Warehouse]:
    """Return the warehouses goods can be ordered for."""
    own = Warehouse.objects.filter(active=True, read_only=False).order_by("code")
    return list(visible(cast(User, request.user), own))


def wanted(typed: str) -> list[Wanted]:
    """Read lines as typed or pasted: SKU, pieces and, if wished, the price. Raises SupplyError naming the row."""
    rows = [row for row in typed.replace("\0", "").splitlines() if row.strip()][:MOST_ROWS]
    split = [[cell.strip() for cell in (row.split("\t") if "\t" in row else row.split(","))] for row in rows]
    skus = catalogue.find([cells[0] for cells in split])
    found = []
    for place, cells in enumerate(split, 1):
        sku = skus.get(cells[0])
        if sku is None:
            raise SupplyError("unknown_sku", field="lines", row=place, sku=cells[0][:60])
        pieces = decimal(cells[1] if len(cells) > 1 else "", sku.code)
        price = decimal(cells[2], sku.code) if len(cells) > 2 and cells[2] else None
        found.append(Wanted(sku_id=sku.pk, quantity=pieces, price=price))
    return found
