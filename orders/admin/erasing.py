"""Erase a buyer in one step: what goes is shown first, counted place by place, and cannot be had back."""

from __future__ import annotations

from typing import cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice import audit
from backoffice import erasing as places
from backoffice.errors import YikuError
from backoffice.models import User
from inventory.access import visible
from orders import erasing
from orders.models import Company, Order

ERASE = "orders.erase_person"


def page(request: HttpRequest, pk: int) -> HttpResponse:
    """All orders of this buyer that the person sees, what would go of them, and the button."""
    if not request.user.has_perm(ERASE):
        raise PermissionDenied
    seen = visible(cast(User, request.user), Order.objects.all())
    order = seen.filter(pk=pk).first()
    if order is None:
        raise Http404
    found = erasing.orders_of(order, seen)
    if request.method == "POST":
        return _erased(request, order, found)
    context = {
        **admin.site.each_context(request), "title": _("Erase the buyer of order %s") % order.number, "order": order,
        "orders": found, "places": places.counted(erasing.person_of(found)),
        "open": [one for one in found if one.state not in erasing.OVER],
        "kept": Company.objects.filter(pk=1, keep_on_invoices=True).exists(),
    }  # fmt: skip
    return TemplateResponse(request, "admin/orders/order/erase.html", context)


def _erased(request: HttpRequest, order: Order, found: list[Order]) -> HttpResponse:
    """What was shown is what goes: an order that came meanwhile is shown first."""
    here = HttpResponseRedirect(reverse("admin:orders_order_erase", args=[order.pk]))
    if request.POST.get("orders") != ",".join(str(one.pk) for one in found):
        messages.warning(request, _("The buyer's orders have changed meanwhile: look at them once more."))
        return here
    try:
        erasing.erase(orders=found, actor=audit.current_actor().name)
    except YikuError as error:
        messages.error(request, str(error))
        return here
    told = ngettext("The buyer of %(count)d order is erased.", "The buyer of %(count)d orders is erased.", len(found))
    messages.success(request, told % {"count": len(found)})
    return HttpResponseRedirect(reverse("admin:orders_order_change", args=[order.pk]))
