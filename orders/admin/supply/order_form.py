"""Write a purchase order: by hand or pasted from a sheet; changed as long as it is a draft."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.errors import YikuError
from orders.admin.supply import kit
from orders.models import PurchaseOrder, Supplier
from orders.supply import drafting
from orders.supply.locking import plain


def new(request: HttpRequest) -> HttpResponse:
    """An empty form, or the draft it makes."""
    kit.demand(request, kit.CHANGE)
    if request.method == "POST":
        try:
            return kit.to(_draft(request))
        except YikuError as refusal:
            messages.error(request, str(refusal))
    return _show(request, None)


def _draft(request: HttpRequest) -> PurchaseOrder:
    supplier = Supplier.objects.filter(pk=kit.number(kit.text(request, "supplier"))).first()
    if supplier is None:  # chosen and deleted meanwhile: another one must not get the order
        raise drafting.SupplyError("supplier_off", supplier="–")
    made = drafting.draft(
        supplier_id=supplier.pk, warehouse_id=kit.number(kit.text(request, "warehouse")),
        lines=kit.wanted(request.POST.get("lines", "")), actor=audit.current_actor().name,
        once=kit.once(request, "form"), note=kit.text(request, "note"), expected_on=kit.day(request, "expected_on"),
        warehouses=kit.within(request),
    )  # fmt: skip
    messages.success(request, _("Drafted as %s. Look it over, then order it.") % made.number)
    return made


def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """The form of a draft, or the draft as changed."""
    kit.demand(request, kit.CHANGE)
    order = kit.get_order(request, pk)
    if request.method == "POST":
        try:
            drafting.change(
                order_id=order.pk, lines=kit.wanted(request.POST.get("lines", "")), actor=audit.current_actor().name,
                expected_on=kit.day(request, "expected_on"), note=kit.text(request, "note"),
                warehouse_id=kit.number(kit.text(request, "warehouse")),
                revision=kit.number(kit.text(request, "revision")), warehouses=kit.within(request),
            )  # fmt: skip
            messages.success(request, _("Changed."))
            return kit.to(order)
        except YikuError as refusal:
            messages.error(request, str(refusal))
    elif order.state != PurchaseOrder.State.DRAFT:
        messages.error(request, _("Only a draft can be changed."))
        return kit.to(order)
    return _show(request, order)


def _show(request: HttpRequest, order: PurchaseOrder | None) -> HttpResponse:
    typed: dict[str, Any] = {name: request.POST.get(name, "") for name in ("lines", "note", "expected_on")}
    if order is not None and request.method != "POST":
        rows = order.lines.select_related("sku").order_by("row")
        lines = "\n".join(f"{one.sku.code}, {plain(one.quantity)}, {plain(one.price)}" for one in rows)
        typed = {"lines": lines, "note": order.note, "expected_on": order.expected_on}
    title = _("New purchase order") if order is None else _("Change %s") % order.number
    return kit.page(
        request, "form", title, order=order, typed=typed, places=kit.places(request),
        suppliers=Supplier.objects.filter(active=True).order_by("code"),
        chosen=(kit.number(request.POST.get("supplier", "")), kit.number(request.POST.get("warehouse", ""))),
    )  # fmt: skip
