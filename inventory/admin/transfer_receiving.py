"""Receiving a transfer with a phone or a wedge scanner: scan or type what came, book it in one go."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from backoffice.errors import YikuError
from backoffice.models import User
from inventory.admin import phone_said
from inventory.admin.transfer_page import MOVE, demand, here, transfer_of
from inventory.models import Barcode, Transfer, TransferLine
from inventory.transfers import receiving
from inventory.transfers.receiving import Came

LONGEST, MOST_ROWS = 500_000, 5_000  # bytes and lines of one request


def receive(request: HttpRequest, pk: int) -> HttpResponse:
    """The page to receive with; what it sends (`{"once", "seen", "note", "lines"}`) is booked whole or not at all."""
    user = demand(request, MOVE)
    transfer = transfer_of(request, pk)
    if request.method == "POST":
        return _booked(request, transfer, user)
    if not transfer.coming:
        return HttpResponseRedirect(here(transfer))
    lines = list(transfer.lines.select_related("sku").filter(picked__gt=0).order_by("sku__code_key"))
    context = {
        **admin.site.each_context(request),
        "title": pgettext("transfer", "Receive %s") % transfer,
        "opts": Transfer._meta,
        "transfer": transfer,
        "lines": lines,
        "data": _codes(lines),
        "words": words(),
        "user_id": user.pk,
    }
    return TemplateResponse(request, "admin/inventory/transfer/receive.html", context)


def _codes(lines: list[TransferLine]) -> list[list[Any]]:
    """[code, line, pieces]: a case's barcode stands for all that is in it."""
    found = [[line.sku.code_key, line.pk, "1"] for line in lines]
    of = {line.sku_id: line.pk for line in lines}
    for sku, code, pieces in Barcode.objects.filter(sku__in=of).values_list("sku_id", "code", "pack__quantity"):
        found.append([code, of[sku], f"{(pieces or Decimal(1)).normalize():f}"])
    return found


def words() -> dict[str, str]:
    """What the script says."""
    return {
        "unknown": _("“%s” is not in this transfer."),
        "offline": _("No connection: what you entered is kept on this device and sent as soon as there is one."),
        "signed_out": _("You are signed out. Sign in again: what you entered is kept on this device."),
        "sending": _("Being booked…"),
        "not_sent": _("This could not be booked. Load the page anew."),
        "nothing": _("Enter first how many came."),
    }


def _booked(request: HttpRequest, transfer: Transfer, user: User) -> JsonResponse:
    body = phone_said.sent(request, "lines", most=MOST_ROWS, longest=LONGEST)
    if body is None:
        return JsonResponse({"ok": False, "message": _("This could not be booked. Load the page anew.")}, status=400)
    try:
        done = receiving.receive(
            transfer_id=transfer.pk,
            came=[_came(row) for row in body["lines"]],
            user=user,
            once=phone_said.text(body, "once", 64),
            seen=body["seen"] if isinstance(body.get("seen"), int) else None,
            note=phone_said.text(body, "note", 300),
        )
    except YikuError as refusal:
        return JsonResponse({"ok": False, "code": refusal.code, "message": str(refusal)})
    told = _("This was booked already. Nothing was done twice.") if done.repeated else _("Booked.")
    if done.receipt.over_state == "waiting":
        told += " " + _("More than was sent waits for a second person.")
    return JsonResponse({"ok": True, "repeated": done.repeated, "message": told, "there": here(transfer)})


def _came(row: Mapping[str, Any]) -> Came:
    line = row.get("line")
    return Came(
        line_id=line if isinstance(line, int) and 0 < line < 10**18 else 0,
        good=phone_said.quantity(row.get("good") or 0),
        damaged=phone_said.quantity(row.get("damaged") or 0),
    )
