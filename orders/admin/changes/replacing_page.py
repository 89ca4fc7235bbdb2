"""The page that sends goods for an order that has left: in exchange, or once more."""

from __future__ import annotations

import uuid
from decimal import Decimal, InvalidOperation
from itertools import zip_longest
from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.errors import YikuError
from inventory.access import visible
from orders.admin.changes import basket_form, entering
from orders.admin.wording import pieces
from orders.desk import replacing
from orders.desk.replacing import Goods
from orders.errors import OrderError
from orders.models import Order

RIGHT = "orders.replace_order"
MORE_ROWS, MOST_DIGITS = 3, 15


def replace(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose the goods and say why; whoever may not decide asks the desk."""
    entering.demand(request, RIGHT)
    order = visible(request.user, Order.objects.filter(pk=pk)).select_related("shop").first()
    if order is None:
        raise Http404
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            return _made(request, order)
        except YikuError as error:
            errors["form"] = str(error)
    return TemplateResponse(request, "admin/orders/changes/replace.html", _context(request, order, errors))


def _made(request: HttpRequest, order: Order) -> HttpResponse:
    asked = not request.user.has_perm("orders.decide_order")
    kind = request.POST.get("kind", "")
    taken = replacing.replace(
        order_id=order.pk,
        kind=kind if kind in replacing.KINDS else replacing.KINDS[1],
        goods=_goods(request, order),
        reason=entering.text(request, "reason"),
        actor=audit.current_actor().name,
        key=entering.once(request),
        difference=_amount(entering.text(request, "difference", 30) or "0", "difference"),
        paid=request.POST.get("paid") != "later",
        asked=asked,
    )
    told = _("Order %s is made.") if taken.made else _("This was made already: order %s.")
    messages.success(request, told % taken.number)
    if asked:
        messages.info(request, _("The order desk has to let it go: it is held until then."))
    return HttpResponseRedirect(reverse("admin:orders_order_change", args=[taken.order_id]))


def _goods(request: HttpRequest, order: Order) -> list[Goods]:
    """The order's own goods by their lines, and others by what was typed."""
    found: dict[int, Decimal] = {}
    for line in order.lines.all():
        units = _amount(entering.text(request, f"quantity_{line.pk}", 20) or "0", "gift_quantity")
        if units and line.sku_id is not None:
            found[line.sku_id] = found.get(line.sku_id, Decimal(0)) + units * line.pack
    codes = [code.replace("\0", "").strip() for code in request.POST.getlist("more_code")[:50]]
    known = basket_form.find([code for code in codes if code])
    for code, quantity in zip_longest(codes, request.POST.getlist("more_quantity")[: len(codes)], fillvalue=""):
        if code and code not in known:
            raise OrderError("gift_unknown")
        if code:
            units = _amount(quantity.strip() or "1", "gift_quantity")
            found[known[code].pk] = found.get(known[code].pk, Decimal(0)) + units
    return [Goods(sku_id, units) for sku_id, units in found.items()]


def _amount(text: str, code: str) -> Decimal:
    try:
        figure = Decimal(text)
    except InvalidOperation:
        figure = Decimal("NaN")
    if not figure.is_finite() or figure.adjusted() > MOST_DIGITS:  # sNaN has no truth, and 1e999999 no cents
        raise OrderError(code)
    return figure


def _context(request: HttpRequest, order: Order, errors: dict[str, str]) -> dict[str, Any]:
    lines = [
        {
            "line": line,
            "shipped": pieces(line.shipped_quantity),
            "value": request.POST.get(f"quantity_{line.pk}", ""),
        }
        for line in order.lines.select_related("sku")
        if line.sku_id is not None and line.shipped_quantity > 0
    ]
    more = list(zip(request.POST.getlist("more_code"), request.POST.getlist("more_quantity"), strict=False))
    return {
        **admin.site.each_context(request),
        "title": _("Goods for order %s") % order.number,
        "order": order,
        "lines": lines,
        "more": [one for one in more if one[0]] + [("", "")] * MORE_ROWS,
        "errors": errors,
        "kind": request.POST.get("kind", "reissue"),
        "reason": request.POST.get("reason", ""),
        "difference": request.POST.get("difference", ""),
        "followers": list(order.followers.all()),
        "asks": not request.user.has_perm("orders.decide_order"),
        "once": entering.text(request, "once", 32) or uuid.uuid4().hex,
        "skus_url": reverse("admin:orders_ownorder_skus"),
    }
