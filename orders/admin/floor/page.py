"""What the pages of the floor share: rights, rows of one's own warehouses, scans that come in as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.errors import YikuError
from inventory.access import visible
from inventory.admin import phone_said
from orders.models import Wave, WaveOrder

MAKE, WORK, VIEW = "orders.make_wave", "orders.work_wave", "orders.view_wave"


def context(request: HttpRequest, title: str, **more: Any) -> dict[str, Any]:
    """Return what every page of the floor needs."""
    rights = {"may_work": request.user.has_perm(WORK), "may_make": request.user.has_perm(MAKE)}
    return {**admin.site.each_context(request), "title": title, "words": words(), **rights, **more}


def words() -> dict[str, str]:
    """What the scripts say."""
    return {
        "pending": _("waiting to be sent"),
        "offline": _("No connection: scans are kept on this device and sent later."),
        "signed_out": _("You are signed out. Sign in again: the scans on this device are kept."),
        "wrong_here": _("Not this: %s is wanted here."),
        "of": _("%(done)s of %(all)s"),
        "not_sent": _("This could not be sent."),
    }


def demand(request: HttpRequest, permission: str) -> None:
    """Refuse whoever lacks a right."""
    if not request.user.has_perm(permission):
        raise PermissionDenied


def who() -> str:
    """Who acts, as the rows keep it."""
    return audit.current_actor().name


def wave_of(request: HttpRequest, pk: int) -> Wave:
    """Return a wave of the person's own warehouses, or 404."""
    wave = visible(request.user, Wave.objects.select_related("warehouse", "template")).filter(pk=pk).first()
    if wave is None:
        raise Http404
    return wave


def part_of(request: HttpRequest, pk: int) -> WaveOrder:
    """Return an order of a wave in the person's own warehouses, or 404."""
    rows = visible(request.user, WaveOrder.objects.select_related("wave", "order__shop", "warehouse"))
    part = rows.filter(pk=pk).first()
    if part is None:
        raise Http404
    return part


def number(text: Any) -> int:
    """Return a row's id from a form, 0 for anything else."""
    plain = str(text or "")
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) < 18 else 0


def quantity(text: Any) -> Decimal:
    """Return what a page says as a quantity; NaN for what is none."""
    try:
        value = Decimal(str(text)[:30])
    except InvalidOperation:
        return Decimal("NaN")
    good = value.is_finite() and abs(value) < 10**9 and value * 1000 % 1 == 0
    return value if good else Decimal("NaN")


def text(request: HttpRequest, name: str, most: int = 300) -> str:
    """Return what was typed, without the NUL that PostgreSQL refuses."""
    return request.POST.get(name, "").replace("\0", "").strip()[:most]


def answered(request: HttpRequest, work: Callable[[Mapping[str, Any]], dict[str, Any]]) -> HttpResponse:
    """Answer scans (`{"scans": [{"key": …}]}`) one by one; a refusal is an answer too. 400 for what is no such body."""
    scans = _scans(request)
    if scans is None:
        return JsonResponse({"answers": []}, status=400)
    answers = []
    for one in scans:
        key = str(one.get("key", ""))
        try:
            told = work({name: storable(value) for name, value in one.items()})
        except YikuError as error:
            told = {"ok": False, "code": error.code, "message": str(error), "again": False}
        answers.append({"key": key, **told})
    return JsonResponse({"answers": answers})


def storable(value: Any) -> Any:
    """Return a text without NUL and halves of characters: JSON can spell them, no database keeps them."""
    return value.replace("\0", "").encode(errors="ignore").decode() if isinstance(value, str) else value


def _scans(request: HttpRequest) -> list[Mapping[str, Any]] | None:
    body = phone_said.sent(request, "scans")
    scans = body["scans"] if body is not None else []
    good = all(isinstance(one.get("key"), str) and storable(one["key"]) for one in scans)
    return scans if good and body is not None else None
