"""Turn lots and serials of a SKU on or off, and say which lots the goods are that lie there now."""

from __future__ import annotations

from typing import cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice import audit
from backoffice.errors import YikuError
from backoffice.models import User
from inventory import home
from inventory.lots import saying, switching
from inventory.lots.switching import Present
from inventory.models import Balance, Sku, Tracking

TRACK = "inventory.track_sku"


def page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what lies where, or do it."""
    if not request.user.has_perm(TRACK):
        raise PermissionDenied
    sku = Sku.objects.filter(pk=pk, kind=Sku.Kind.STOCKED).first()
    if sku is None:
        raise Http404
    there = list(home.own(request, Balance.objects.filter(sku=sku, on_hand__gt=0)).select_related("warehouse"))
    problems: dict[int, str] = {}
    if request.method == "POST" and _done(request, sku, there, problems):
        return HttpResponseRedirect(reverse("admin:inventory_sku_change", args=[sku.pk]))
    rows = [
        {"row": row, "typed": request.POST.get(f"lots_{row.warehouse_id}", ""),
         "problem": problems.get(row.warehouse_id, "")}
        for row in there
    ]  # fmt: skip
    context = {
        **admin.site.each_context(request), "title": _("Lots and serials of %s") % sku.code, "opts": Sku._meta,
        "sku": sku, "rows": rows, "choices": [(one.value, one.label) for one in Tracking if one != sku.tracking],
        "chosen": _chosen(request), "now": Tracking(sku.tracking).label, "problem": problems.get(0, ""),
    }  # fmt: skip
    return TemplateResponse(request, "admin/inventory/lot/tracking.html", context)


def _chosen(request: HttpRequest) -> int:
    asked = request.POST.get("tracking", "")
    return int(asked) if asked in {str(one.value) for one in Tracking} else -1


def _done(request: HttpRequest, sku: Sku, there: list[Balance], problems: dict[int, str]) -> bool:
    tracking = _chosen(request)
    if tracking < 0:
        problems[0] = _now("Choose how the goods are told apart.")
        return False
    present = _present(request, sku, tracking, there, problems)
    if problems:
        return False
    actor = audit.user_actor(cast(User, request.user)).name
    try:
        switching.turn(sku_id=sku.pk, tracking=tracking, present=present, actor=actor)
    except YikuError as refusal:
        problems[0] = str(refusal)
        return False
    told = {"sku": sku.code, "how": Tracking(tracking).label}
    messages.success(request, _now("%(sku)s: %(how)s from now on.") % told)
    return True


def _present(
    request: HttpRequest, sku: Sku, tracking: int, there: list[Balance], problems: dict[int, str]
) -> list[Present]:
    """The lots typed for each warehouse; what is not named is booked to the unknown lot."""
    found: list[Present] = []
    if tracking == Tracking.NONE:
        return found
    as_it_will_be = Sku(pk=sku.pk, code=sku.code, tracking=tracking, shelf_life_days=sku.shelf_life_days)
    for row in there:
        typed = request.POST.get(f"lots_{row.warehouse_id}", "").replace("\0", "").strip()[:20_000]
        if not typed:
            continue
        try:
            said = saying.present(as_it_will_be, row.on_hand, typed)
        except YikuError as refusal:
            problems[row.warehouse_id] = str(refusal)
            continue
        found += [Present(row.warehouse_id, one.number, one.quantity, one.expires_on) for one in said]
    return found
