"""The page that counts a delivery: accepted, damaged and refused pieces of each line."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from backoffice import audit
from backoffice.attachments import listing
from backoffice.attachments import pages as attachments
from backoffice.errors import YikuError
from inventory.lots.saying import suggested
from orders.admin.supply import kit
from orders.models import PurchaseOrder, PurchaseReceipt
from orders.models.purchase import AWAITED
from orders.supply import receiving
from orders.supply.locking import plain

FIGURES = ("accepted", "damaged", "refused")


def receive(request: HttpRequest, pk: int) -> HttpResponse:
    """The form, or what it books."""
    kit.demand(request, kit.RECEIVE)
    order = kit.get_order(request, pk)
    if request.method == "POST":
        try:
            receipt = _take(request, order)
            attachments.take(request, receipt)
            return kit.to(order)
        except YikuError as refusal:
            messages.error(request, str(refusal))
            order.refresh_from_db()
    if order.state not in AWAITED:
        messages.error(request, _("Nothing is awaited of this order."))
        return kit.to(order)
    lines = [
        {"row": one, "left": plain(one.left), "came": plain(one.came),
         "typed": {name: request.POST.get(f"{name}_{one.pk}", "0") for name in FIGURES},
         "lot": request.POST.get(f"lot_{one.pk}", ""),
         "expires": request.POST.get(f"expires_{one.pk}", "") or str(suggested(one.sku) or "")}
        for one in order.lines.select_related("sku").order_by("row")
    ]  # fmt: skip
    typed = {name: request.POST.get(name, "") for name in ("slip", "note")}
    return kit.page(
        request,
        "receive",
        pgettext("purchase", "Receive %s") % order.number,
        order=order,
        lines=lines,
        typed=typed,
        limits=listing.limits(),
        prices=kit.sees_prices(request),
    )


def _take(request: HttpRequest, order: PurchaseOrder) -> PurchaseReceipt:
    counts, seen = {}, {}
    for line in order.lines.select_related("sku"):
        figures = (kit.decimal(request.POST.get(f"{name}_{line.pk}", ""), line.sku.code) for name in FIGURES)
        counts[line.pk] = receiving.Counted(
            **dict(zip(FIGURES, figures, strict=True)), lot=kit.text(request, f"lot_{line.pk}", 4000),
            expires_on=kit.text(request, f"expires_{line.pk}", 20),
        )  # fmt: skip
        if f"seen_{line.pk}" in request.POST:
            seen[line.pk] = kit.decimal(request.POST[f"seen_{line.pk}"], line.sku.code)
    made = receiving.receive(
        order_id=order.pk, counts=counts, actor=audit.current_actor().name,
        key=kit.once(request, f"receive:{order.pk}"), slip=kit.text(request, "slip", 60),
        note=kit.text(request, "note"), seen=seen, warehouses=kit.within(request),
        lots_demanded=True,
    )  # fmt: skip
    messages.success(request, _("Received: accepted pieces are on the shelf."))
    return made
