"""The page of one lot: where it lies, every movement, who got it; block it, recall it, count it, write it off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.views.decorators.http import require_POST, require_safe

from backoffice import audit, references
from backoffice.errors import YikuError
from backoffice.models import User
from inventory import access, adjusting, home, resources
from inventory.lots import following, keeping, recall, saying, tracing
from inventory.lots.errors import refused
from inventory.lots.following import Reached
from inventory.lots.registry import house_days
from inventory.lots.shelf import sellable, today
from inventory.models import Lot, LotBalance, LotMovement, Reason, StockDocument, Warehouse

VIEW, BLOCK, COUNT = "inventory.view_lot", "inventory.block_lot", "inventory.count_stock"
REVEAL = "orders.reveal_buyer"  # by name only: who may uncover buyers gets them in the file
MOST = 200


def context(request: HttpRequest, lot: Lot) -> dict[str, Any]:
    """Everything on the page."""
    there = home.own(request, LotBalance.objects.filter(lot=lot, on_hand__gt=0)).select_related("warehouse")
    moves = list(home.own(request, LotMovement.objects.filter(lot=lot)).select_related("warehouse")[: MOST + 1])
    named = references.describe(request, [one.reference for one in moves if one.reference])
    reached = following.follow(lot)
    got = recall.sent(request, lot, most=MOST + 1, reached=reached)
    days = house_days() if lot.sku.ship_days is None else lot.sku.ship_days
    return {
        "title": f"{lot.sku.code} · {lot}",
        "lot": lot,
        "good": sellable(lot.state, lot.expires_on, days, today()),
        "expired": lot.expires_on is not None and (lot.expires_on - today()).days < days,
        "ship_days": days,
        "there": list(there),
        "moves": [(one, named.get(one.reference)) for one in moves[:MOST]],
        "more_moves": len(moves) > MOST,
        "sent": got[:MOST],
        "more_sent": len(got) > MOST,
        "built": _built(reached),
        "to_block": [one for one in reached if one.lot and one.lot.number and one.lot.state == Lot.State.OPEN],
        "origins": tracing.origins(lot) if any(one.reason == Reason.ASSEMBLY for one in moves) else [],
        "blocks": list(lot.blocks.order_by("-id")[:20]),
        "may_block": request.user.has_perm(BLOCK),
        "may_count": request.user.has_perm(COUNT),
    }


def _built(reached: Sequence[Reached]) -> list[tuple[Reached, Decimal | None]]:
    """What holds goods of the lot, and how much of it lies on shelves, the first built first."""
    there = following.pieces_in(reached[:MOST])
    return [(one, there.get(one.lot.pk, Decimal(0)) if one.lot else None) for one in reached[:MOST]]


def _lot(request: HttpRequest, pk: int) -> Lot:
    if not request.user.has_perm(VIEW):
        raise PermissionDenied
    found = Lot.objects.select_related("sku").filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


@require_safe
def out(request: HttpRequest, pk: int) -> FileResponse:
    """Who got the lot, as a workbook; buyers are uncovered for who may uncover them, and that is recorded."""
    lot = _lot(request, pk)
    clear = request.user.has_perm(REVEAL)
    rows = recall.sent(request, lot, clear=clear)
    audit.record(action="lot.recall_list", target=lot, after={"rows": len(rows), "buyers_uncovered": clear},
                 request=request)  # fmt: skip
    return resources.download(request, "recall", lambda file: recall.export(file, rows))


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Do what a button says; a refusal is shown on the page, and nothing has changed then."""
    lot = _lot(request, pk)
    permission, work = WORK.get(request.POST.get("do", ""), ("", None))
    if work is None:
        if not (request.user.has_perm(BLOCK) or request.user.has_perm(COUNT)):
            raise PermissionDenied
        raise Http404
    if not request.user.has_perm(permission):
        raise PermissionDenied
    try:
        messages.success(request, work(request, lot))
    except YikuError as refusal:
        messages.error(request, str(refusal))
    return HttpResponseRedirect(reverse("admin:inventory_lot_change", args=[lot.pk]))


def _text(request: HttpRequest, name: str, most: int = 300) -> str:
    return request.POST.get(name, "").replace("\0", "").strip()[:most]


def _who(request: HttpRequest) -> str:
    return audit.user_actor(cast(User, request.user)).name


def _block(request: HttpRequest, lot: Lot) -> str:
    keeping.block(lot_id=lot.pk, reason=_text(request, "reason"), actor=_who(request))
    return _now("Blocked: it is not sold, reserved or picked any more.")


def _unblock(request: HttpRequest, lot: Lot) -> str:
    keeping.unblock(lot_id=lot.pk, reason=_text(request, "reason"), actor=_who(request))
    return _now("Open again: it may be sold.")


def _correct(request: HttpRequest, lot: Lot) -> str:
    keeping.correct(
        lot_id=lot.pk, expires_on=saying.day(_text(request, "expires_on", 20)),
        made_on=saying.day(_text(request, "made_on", 20), field="made_on"),
        supplier_reference=_text(request, "supplier_reference", 100), note=_text(request, "note"), actor=_who(request),
    )  # fmt: skip
    return _now("Kept.")


def _recall(request: HttpRequest, lot: Lot) -> str:
    reason = _text(request, "reason")
    if not reason:
        raise refused("reason_missing")
    block, built = (bool(request.POST.get(name)) for name in ("block", "block_built"))
    recall.begin(lot=lot, reason=reason, block=block, built=built, actor=_who(request))
    return _now("Customer service is told: the incident names this lot.")


def _place(request: HttpRequest) -> Warehouse:
    asked = request.POST.get("warehouse", "")
    rows = Warehouse.objects.filter(pk=int(asked) if asked.isdecimal() and len(asked) < 18 else 0)
    found = access.visible(cast(User, request.user), rows).first()
    if found is None:
        raise Http404
    return found


def _write_off(request: HttpRequest, lot: Lot) -> str:
    """All that lies in one warehouse leaves by an adjustment with its reason."""
    place = _place(request)
    row = LotBalance.objects.filter(lot=lot, warehouse=place, on_hand__gt=0).first()
    if row is None:
        raise refused("nothing_left", lot=lot, warehouse=place)
    note = _text(request, "reason") or _now("Lot %(lot)s written off") % {"lot": lot}
    return _adjust(request, lot, place, Reason.DAMAGED, note, change=-row.on_hand)


def _count(request: HttpRequest, lot: Lot) -> str:
    """So many are there of this lot."""
    typed = _text(request, "counted", 20).replace(",", ".")
    try:
        counted = Decimal(typed)
    except InvalidOperation:
        raise refused("bad_quantity", text=typed) from None
    if not counted.is_finite() or counted < 0 or counted >= 10**9 or counted != round(counted, 3):
        raise refused("bad_quantity", text=typed)
    return _adjust(request, lot, _place(request), Reason.CORRECTION, _now("Lot %(lot)s counted") % {"lot": lot},
                   counted=counted)  # fmt: skip


def _adjust(
    request: HttpRequest,
    lot: Lot,
    place: Warehouse,
    reason: str,
    note: str,
    *,
    change: Decimal | None = None,
    counted: Decimal | None = None,
) -> str:
    number = lot.number or saying.UNKNOWN_SIGN
    line = adjusting.Line(sku_id=lot.sku_id, lot=number, change=change, counted=counted)
    user = cast(User, request.user)
    document = adjusting.adjust(warehouse_id=place.pk, lines=[line], reason=reason, note=note[:300], user=user)
    if document.state != StockDocument.State.POSTED:
        return _now("Over the warehouse's limit: proposed, somebody who may will post it.")
    return _now("Posted as %(document)s.") % {"document": document}


WORK: dict[str, tuple[str, Callable[[HttpRequest, Lot], str]]] = {
    "block": (BLOCK, _block),
    "unblock": (BLOCK, _unblock),
    "correct": (BLOCK, _correct),
    "recall": (BLOCK, _recall),
    "write_off": (COUNT, _write_off),
    "count": (COUNT, _count),
}
