"""Why a shop may show this number: every term with its rows, for any moment; and the SKU's figure in every shop."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeVar, cast

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from backoffice import clock, references
from backoffice.models import User
from inventory import availability, explain
from inventory.access import sight, visible
from inventory.models import Bucket, Shop, Sku

Row = TypeVar("Row", bound=Model)


def own(request: HttpRequest, queryset: QuerySet[Row]) -> QuerySet[Row]:
    """Return the rows that whoever asks may see."""
    return visible(cast(User, request.user), queryset)


def page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the SKU's figure in every shop, and how that of one shop came about, now or at `?at=`."""
    if not request.user.has_perm("inventory.view_sku"):
        raise PermissionDenied
    sku = Sku.objects.select_related("product").filter(pk=pk).first()
    if sku is None:
        raise Http404
    shops = list(own(request, Shop.objects.filter(active=True)))
    at = _moment(request.GET.get("at", ""))
    chosen = _chosen(shops, request.GET.get("shop", ""))
    figures = availability.figures(shop_ids=[shop.pk for shop in shops], sku_ids=[sku.pk], at=at)
    seen = sight(cast(User, request.user)).warehouses
    found = explain.why(shop_id=chosen.pk, sku_id=sku.pk, at=at, within=seen) if chosen else None
    context = {
        **_each_context(request),
        "title": _("Why this number: %s") % sku.code,
        "opts": Sku._meta,
        "sku": sku,
        "at": at,
        "at_text": timezone.localtime(at or clock.now()).strftime("%Y-%m-%dT%H:%M"),
        "shops": [(shop, figures[shop.pk, sku.pk, None], shop == chosen) for shop in shops],
        "chosen": chosen,
        "found": found,
        "terms": [term for term in found.terms if term.changes] if found else [],
        "held": _held(request, found) if found else [],
        "entries": _entries(request, found) if found else [],
        "see_policy": request.user.has_perm("inventory.view_stockpolicy"),
        "see_entries": request.user.has_perm("inventory.view_stockentry"),
    }
    return TemplateResponse(request, "admin/inventory/why.html", context)


def _each_context(request: HttpRequest) -> dict[str, Any]:
    from django.contrib import admin

    return admin.site.each_context(request)


def _moment(text: str) -> dt.datetime | None:
    """A moment of the reader's own clock; nonsense and the future are now."""
    try:
        moment = parse_datetime(text[:40])
    except ValueError:
        return None
    if moment is None:
        return None
    try:
        aware = timezone.make_aware(moment) if timezone.is_naive(moment) else moment
        return aware if aware < clock.now() else None
    except (OverflowError, ValueError):
        return None


def _chosen(shops: list[Shop], text: str) -> Shop | None:
    asked = next((shop for shop in shops if text.isdecimal() and shop.pk == int(text)), None)
    return asked or (shops[0] if shops else None)


def _entries(request: HttpRequest, found: explain.Explanation) -> list[dict[str, Any]]:
    names = references.describe(request, [row.reference for row in found.entries])
    return [{"row": row, "reference": names[row.reference]} for row in found.entries]


def _held(request: HttpRequest, found: explain.Explanation) -> list[dict[str, Any]]:
    codes = {row.warehouse.pk: row.warehouse.code for row in found.places}
    names = references.describe(request, [row.reference for row in found.held])
    return [
        {
            "reference": names[row.reference],
            "bucket": Bucket(row.bucket).label,
            "warehouse": codes.get(row.warehouse_id, ""),
            "quantity": row.quantity,
        }
        for row in found.held
    ]
