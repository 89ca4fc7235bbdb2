"""Re-routing many orders at once, each with its outcome."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from backoffice.adminkit import Outcome, report_outcomes
from inventory.access import visible
from orders.admin.papers import kit as papers
from orders.admin.routing import card
from orders.fulfil.routing import many, policies
from orders.models import Order


@admin.action(description=_("Re-route…"), permissions=["decide"])
def reroute_many(model_admin: Any, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
    """Ask where to, then move what can be moved and tell of each."""
    if not request.user.has_perm(card.REROUTE):
        raise PermissionDenied
    if "confirmed" in request.POST:
        return _move(request, queryset)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _now("Re-route orders"),
        "orders": queryset.select_related("shop"),
        "places": visible(request.user, policies.sendable_warehouses()),
        "opts": model_admin.opts,
        "media": model_admin.media,
    }
    return TemplateResponse(request, "admin/orders/routing/reroute.html", context)


def _move(request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse:
    """Move a few while one waits and tell of each here; many have a page with a bar."""
    numbers = dict(queryset.values_list("pk", "number"))
    run = many.begin(owner=papers.me(request), order_ids=list(numbers), to=card.chosen(request.POST.get("to", "")))
    if run.ended_at is None or len(numbers) > many.NOW:
        return HttpResponseRedirect(reverse("admin:orders_order_run", args=[run.pk]))
    told = run.result["outcomes"]
    outcomes = [
        Outcome(numbers[one["order_id"]], one["message"], reverse("admin:orders_order_change", args=[one["order_id"]]))
        for one in told
    ]
    done = sum(one["ok"] for one in told)
    report_outcomes(request, outcomes, ngettext("%(count)d order re-routed.", "%(count)d orders re-routed.", done))
    return HttpResponseRedirect(request.get_full_path())
