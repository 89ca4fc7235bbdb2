"""The page of a long work over many orders: the bar while it goes on, then each outcome."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import ngettext

from inventory.access import visible
from orders.desk import runs
from orders.models import DeskRun, Order

MOST = 200


def show(model_admin: Any, request: HttpRequest, pk: int) -> HttpResponse:
    """Show a run of one's own; another's does not exist."""
    if not request.user.has_perm("orders.view_order"):
        raise PermissionDenied
    mine = DeskRun.objects.filter(owner=request.user.pk, kind=DeskRun.Kind.REROUTE)  # a month has a page of its own
    run = mine.select_related("progress").filter(pk=pk).first()
    if run is None:
        raise Http404
    outcomes = run.result.get("outcomes", [])
    refused = [one for one in outcomes if not one["ok"]]
    done = len(outcomes) - len(refused)
    page = {
        **admin.site.each_context(request), "title": run.get_kind_display(), "run": run, "running": runs.running(run),
        "refused": _named(request, refused[:MOST]), "more": max(len(refused) - MOST, 0), "done": done,
        "said": ngettext("%(count)d order re-routed.", "%(count)d orders re-routed.", done) % {"count": done},
        "opts": Order._meta,
    }  # fmt: skip
    return TemplateResponse(request, "admin/orders/order/run.html", page)


def _named(request: HttpRequest, outcomes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = visible(request.user, Order.objects.filter(pk__in=[one["order_id"] for one in outcomes]))
    numbers = dict(rows.values_list("pk", "number"))
    return [
        {**one, "number": numbers[one["order_id"]], "url": reverse("admin:orders_order_change", args=[one["order_id"]])}
        for one in outcomes
        if one["order_id"] in numbers
    ]
