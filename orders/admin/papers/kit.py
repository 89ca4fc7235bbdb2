"""What the pages of papers share: the context, rights, PDF answers, numbers typed."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from backoffice import audit
from backoffice.models import User
from inventory.access import sight, visible
from inventory.models import Warehouse
from orders.admin import buyers

BUY, CLOSE = "orders.buy_label", "orders.close_manifest"


def context(request: HttpRequest, title: str, **more: Any) -> dict[str, Any]:
    """Return what every page needs."""
    return {**admin.site.each_context(request), "title": title, **more}


def me(request: HttpRequest) -> User:
    """Return the person."""
    return cast(User, request.user)


def who() -> str:
    """Return the person as logs name them."""
    return audit.current_actor().name


def demand(request: HttpRequest, permission: str) -> None:
    """Refuse whoever lacks a right."""
    if not request.user.has_perm(permission):
        raise PermissionDenied


def demand_print(request: HttpRequest) -> None:
    """Refuse whoever may not have personal data on paper."""
    if not buyers.may_print(request):
        raise PermissionDenied


def seen_warehouses(request: HttpRequest) -> frozenset[int] | None:
    """Return the warehouses the person sees; None: all."""
    return sight(me(request)).warehouses


def warehouses(request: HttpRequest) -> list[Warehouse]:
    """Return the warehouses in use that the person sees."""
    return list(visible(me(request), Warehouse.objects.filter(active=True, read_only=False)))


def pdf(content: bytes, name: str) -> HttpResponse:
    """Answer with a PDF that the browser shows and keeps nowhere."""
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="{name}"'
    answer["Cache-Control"] = "private, no-store"
    return answer


def order_url(order_id: int) -> str:
    """Return the page of an order, at its labels."""
    return reverse("admin:orders_order_change", args=[order_id]) + "#labels"


def whole(text: str) -> int:
    """Return a typed whole number; 0 for anything else."""
    text = text.strip()
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 12 else 0
