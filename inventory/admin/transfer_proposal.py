"""What should go from one warehouse to another, with why; one click makes the drafts."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from backoffice.errors import YikuError
from inventory.admin.transfer_page import PLAN, demand
from inventory.models import Sku, Transfer, Warehouse
from inventory.transfers import proposing, reasons
from inventory.transfers.proposing import Choice

SHOWN = 500


def page(request: HttpRequest) -> HttpResponse:
    """The list; a POST makes drafts of what was chosen."""
    user = demand(request, PLAN)
    if request.method == "POST":
        return _made(request)
    found = proposing.propose(proposing.read(user))
    found.sort(key=lambda one: (not one.for_orders, one.origin_id, one.destination_id, one.sku_id))
    skus = Sku.objects.in_bulk([one.sku_id for one in found[:SHOWN]])
    places = Warehouse.objects.in_bulk({pk for one in found for pk in (one.origin_id, one.destination_id)})
    groups: dict[tuple[int, int], dict[str, Any]] = {}
    for one in found[:SHOWN]:
        origin, to = places[one.origin_id], places[one.destination_id]
        group = groups.setdefault((origin.pk, to.pk), {"origin": origin, "destination": to, "rows": []})
        why = reasons.told(proposing.why(one), origin=origin.code, destination=to.code)
        row = {"proposal": one, "sku": skus[one.sku_id], "why": why}
        group["rows"].append({**row, "choice": "-".join(map(str, one.choice))})
    context = {
        **admin.site.each_context(request),
        "title": _("What should go over"),
        "opts": Transfer._meta,
        "groups": list(groups.values()),
        "more": max(len(found) - SHOWN, 0),
    }
    return TemplateResponse(request, "admin/inventory/transfer/proposal.html", context)


def _made(request: HttpRequest) -> HttpResponse:
    user = demand(request, PLAN)
    chosen = [choice for text in request.POST.getlist("choice")[:SHOWN] if (choice := _choice(text))]
    there = reverse("admin:inventory_transfer_proposal")
    try:
        made = proposing.make_drafts(chosen=chosen, user=user)
    except YikuError as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(there)
    if not made:
        messages.warning(request, _now("Nothing of that is proposed any more: it was planned, or the stock has moved."))
        return HttpResponseRedirect(there)
    told = ngettext("%(n)d draft was made: %(which)s.", "%(n)d drafts were made: %(which)s.", len(made))
    messages.success(request, told % {"n": len(made), "which": ", ".join(map(str, made[:20]))})
    return HttpResponseRedirect(reverse("admin:inventory_transfer_changelist") + "?state__exact=draft")


def _choice(text: str) -> Choice | None:
    parts = text.split("-")
    if len(parts) != 3 or not all(part.isdecimal() and len(part) < 18 for part in parts):
        return None
    return int(parts[0]), int(parts[1]), int(parts[2])
