"""Counting with a phone or a wedge scanner: scan, type how many, next. Works on while the connection is away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from backoffice.errors import YikuError
from backoffice.models import User
from inventory.admin import phone_said
from inventory.admin.stocktake_page import COUNT, demand, here, stocktake_of
from inventory.lots.saying import UNKNOWN_SIGN
from inventory.models import Barcode, Stocktake
from inventory.stocktakes import counting, figures

CARRIED = 4_000  # lines a phone carries to know their names without a connection


@require_safe
def phone(request: HttpRequest, pk: int) -> HttpResponse:
    """The page to count with."""
    user = demand(request, COUNT)
    stocktake = stocktake_of(request, pk)
    if stocktake.state != Stocktake.State.COUNTING:
        return HttpResponseRedirect(here(stocktake))
    lines = list(_open_lines(stocktake))
    context = {
        **admin.site.each_context(request),
        "title": _("Counting %s") % stocktake,
        "opts": Stocktake._meta,
        "stocktake": stocktake,
        "data": {"goods": _goods(lines), "left": len(lines)},
        "words": words(),
        "user_id": user.pk,
    }
    return TemplateResponse(request, "admin/inventory/stocktake/phone.html", context)


def _open_lines(stocktake: Stocktake) -> Any:
    lines = stocktake.lines.filter(round=stocktake.round).order_by("walk", "id")
    plain = ("id", "sku_id", "sku__code", "sku__code_key", "sku__name", "bin", "counted_quantity")
    lots = ("lot_id", "lot__number", "lot__expires_on", "sku__tracking") if figures.by_lot(stocktake) else ()
    return lines.values(*plain, *lots)[:CARRIED]


def _goods(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the phone knows of each line: never what the system says of it."""
    codes: dict[int, list[list[str]]] = {line["sku_id"]: [[line["sku__code_key"], ""]] for line in lines}
    for sku, code, pack in Barcode.objects.filter(sku__in=codes).values_list("sku_id", "code", "pack__name"):
        codes[sku].append([code, pack or ""])
    return [
        {
            "line": line["id"], "code": line["sku__code"], "name": line["sku__name"], "bin": line["bin"],
            "codes": codes[line["sku_id"]], "done": line["counted_quantity"] is not None, **_lot(line),
        }
        for line in lines
    ]  # fmt: skip


def _lot(line: Mapping[str, Any]) -> dict[str, Any]:
    """The lot of a line of tracked goods; the unknown one is named by its sign."""
    if not line.get("lot_id"):
        return {}
    expires_on = line["lot__expires_on"]
    return {
        "lot": line["lot__number"] or UNKNOWN_SIGN, "tracking": line["sku__tracking"],
        "expires_on": expires_on.isoformat() if expires_on else "",
    }  # fmt: skip


def words() -> dict[str, str]:
    """What the script says."""
    return {
        "pending": _("waiting to be sent"),
        "offline": _("No connection: counts are kept on this device and sent later."),
        "signed_out": _("You are signed out. Sign in again: the counts on this device are kept."),
        "not_sent": _("This could not be sent."),
        "of": _("%(done)s of %(all)s counted"),
        "unknown": _("Not known on this device: count it, the server will say whether it belongs here."),
        "pack": _("counted in: %s"),
        "serial": _("Serial number"),
        "lot": _("Lot"),
        "until": _("until %s"),
    }


@require_POST
def counted(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the figures of a phone (`{"scans": [{"key", "code", "quantity", "bin", "at"}]}`) one by one."""
    user = demand(request, COUNT)
    stocktake = stocktake_of(request, pk)
    scans = phone_said.scans(request)
    if scans is None:
        return JsonResponse({"answers": []}, status=400)
    return JsonResponse({"answers": [{"key": str(one.get("key", "")), **_one(stocktake, one, user)} for one in scans]})


def _one(stocktake: Stocktake, one: Mapping[str, Any], user: User) -> dict[str, Any]:
    try:
        told = counting.count(
            stocktake_id=stocktake.pk,
            code=phone_said.text(one, "code", 200),
            quantity=phone_said.quantity(one.get("quantity")),
            user=user,
            key=phone_said.text(one, "key", 64),
            bin=phone_said.text(one, "bin", 40),
            counted_at=phone_said.moment(phone_said.text(one, "at", 40)),
            lot=phone_said.text(one, "lot", 100),
            expires_on=phone_said.text(one, "expires_on", 20),
        )
    except YikuError as refusal:
        return {"ok": False, "code": refusal.code, "message": str(refusal), "line": 0}
    return told.to_json()
