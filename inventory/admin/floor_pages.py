"""Pages for a phone on the warehouse floor: receive, move, look up, and the way to count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from backoffice.errors import YikuError
from backoffice.models import User
from inventory.access import visible
from inventory.admin import phone_said
from inventory.floor import doing, looking
from inventory.floor.doing import Wish
from inventory.models import FloorAction, Reason, Stocktake, Warehouse

SEE = "inventory.view_balance"
RECEIVE, COUNT, BINS = (doing.RIGHTS[kind] for kind in (doing.Kind.RECEIVE, doing.Kind.FREE, doing.Kind.BIN))


def _demand(request: HttpRequest, *rights: str) -> User:
    """Refuse whoever has none of these rights; returns the person."""
    if not any(request.user.has_perm(right) for right in rights):
        raise PermissionDenied
    return cast(User, request.user)


def _page(request: HttpRequest, name: str, title: str, **more: Any) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": title,
        "opts": FloorAction._meta,
        "words": words(),
        "may": {"receive": request.user.has_perm(RECEIVE), "count": request.user.has_perm(COUNT),
                "bins": request.user.has_perm(BINS)},
        "user_id": request.user.pk,
        **more,
    }  # fmt: skip
    return TemplateResponse(request, f"admin/inventory/floor/{name}.html", context)


def words() -> dict[str, str]:
    """What the script says."""
    return {
        "pending": _("waiting to be sent"),
        "offline": _("No connection: what you do is kept on this device and sent later."),
        "signed_out": _("You are signed out. Sign in again: what you did is kept on this device."),
        "not_sent": _("This could not be sent."),
        "unknown": _("Not known on this device while there is no connection: say it, the server will check it."),
        "expected": _("%s expected"),
        "of_day": _("on %s"),
        "no_delivery": _("Nothing is expected of this here: say why it comes in."),
        "without": _("without a delivery"),
        "on_hand": _("on hand"),
        "reserved": _("reserved"),
        "free": _("free"),
        "bin": _("bin"),
        "cost": _("unit cost"),
        "incoming": _("On its way"),
        "pack": _("scanned in: %s"),
        "away": _("No connection: a code cannot be looked up now."),
        "nowhere": _("There is none in your warehouses."),
        "lies": _("lies in %s"),
    }


def _places(user: User) -> list[Warehouse]:
    return list(visible(user, Warehouse.objects.filter(active=True, read_only=False)).order_by("code"))


@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Four large buttons."""
    user = _demand(request, SEE)
    counting = visible(user, Stocktake.objects.filter(state=Stocktake.State.COUNTING)).select_related("warehouse")
    may_count = user.has_perm(COUNT) and user.has_perm("inventory.view_stocktake")
    return _page(request, "home", _("Warehouse floor"), counting=list(counting[:20]) if may_count else [])


@never_cache
@require_safe
def receive(request: HttpRequest) -> HttpResponse:
    """Receive a delivery, or goods nobody expected."""
    user = _demand(request, RECEIVE)
    reasons = [(one.value, one.label) for one in map(Reason, doing.REASONS)]
    data = {"expected": looking.expected(user), "free": user.has_perm(COUNT)}
    return _page(request, "receive", pgettext("floor", "Receive"), places=_places(user), data=data, reasons=reasons)


@never_cache
@require_safe
def move(request: HttpRequest) -> HttpResponse:
    """Move goods to another bin, or to another warehouse."""
    user = _demand(request, BINS, COUNT)
    return _page(request, "move", _("Move"), places=_places(user))


@never_cache
@require_safe
def look(request: HttpRequest) -> HttpResponse:
    """Look a code up."""
    _demand(request, SEE)
    return _page(request, "look", _("Look up"))


@never_cache
@require_safe
def find(request: HttpRequest) -> HttpResponse:
    """What a code is, as JSON for the pages."""
    user = _demand(request, SEE)
    code = phone_said.text(request.GET, "code", 200)
    return JsonResponse(looking.look_up(code=code, user=user))


@never_cache
@require_POST
def do(request: HttpRequest) -> HttpResponse:
    """Take what a phone did (`{"scans": [{"key", "do", "code", …}]}`), one by one; a refusal is an answer too."""
    user = _demand(request, RECEIVE, COUNT, BINS)
    scans = phone_said.scans(request)
    if scans is None:
        return JsonResponse({"answers": []}, status=400)
    return JsonResponse({"answers": [{"key": str(one.get("key", "")), **_one(one, user)} for one in scans]})


def _one(one: Mapping[str, Any], user: User) -> dict[str, Any]:
    said, quantity = phone_said, one.get("quantity")
    wish = Wish(
        key=said.text(one, "key", 64),
        kind=said.text(one, "do", 10),
        code=said.text(one, "code", 200),
        warehouse_id=said.number(one.get("warehouse")) or 0,
        destination_id=said.number(one.get("destination")),
        arrival_id=said.number(one.get("arrival")),
        quantity=None if quantity in (None, "") else said.quantity(quantity),
        finished=one.get("finished") is True,
        bin=said.text(one, "bin", 60),
        reason=said.text(one, "reason", 20),
        note=said.text(one, "note", 300),
        at=said.moment(said.text(one, "at", 40)),
        lot=said.text(one, "lot", 4000),
        expires_on=said.text(one, "expires_on", 20),
    )
    try:
        return doing.carry_out(wish=wish, user=user).to_json()
    except YikuError as refusal:
        return {"ok": False, "code": refusal.code, "message": str(refusal)}
