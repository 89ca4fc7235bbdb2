"""Picking: the list on paper, the page on a phone, and the scans that come from it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from backoffice.errors import YikuError
from backoffice.models import User
from backoffice.papers import svg
from inventory.lots.proposing import Proposed
from inventory.readable import pieces
from orders.admin.floor import page
from orders.admin.papers import kit
from orders.fulfil import pick_lists, waves
from orders.fulfil.papers.facts import PickListFacts, PickRow
from orders.fulfil.papers.single import pick_list_pdf
from orders.fulfil.wave_making import named
from orders.models import PickMode, Wave

CODES_FOR = 4_000  # more SKUs than a phone should carry


@require_safe
def print_list(request: HttpRequest, pk: int) -> HttpResponse:
    """The pick list on paper, bins in walking order, and a label for each tote."""
    page.demand(request, page.VIEW)
    wave = page.wave_of(request, pk)
    waves.look([wave.pk])
    parts = wave.orders.filter(open=True, lead=None).select_related("order", "lead").order_by("place")
    totes = [{"part": one, "bars": svg.code128(one.code)} for one in parts]
    more = {
        "wave": wave,
        "rows": waves.pick_rows(wave),
        "totes": totes if wave.mode != PickMode.BATCH else [],
        "bars": svg.code128(wave.code),
        "order_count": len(totes),
        "maker": named(wave.created_by),
        "opts": Wave._meta,
    }
    title = _("Pick list %s") % wave.code
    return TemplateResponse(request, "admin/orders/wave/list.html", page.context(request, title, **more))


@require_safe
def pdf_list(request: HttpRequest, pk: int) -> HttpResponse:
    """The pick list as a file for the printer."""
    page.demand(request, page.VIEW)
    wave = page.wave_of(request, pk)
    waves.look([wave.pk])
    parts = wave.orders.filter(open=True).count()
    try:
        content = pick_list_pdf(_paper(wave, parts))
    except YikuError as error:  # no font on this machine
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("admin:orders_wave_change", args=[wave.pk]))
    return kit.pdf(content, f"{wave.code}.pdf")


def _paper(wave: Wave, orders: int) -> PickListFacts:
    rows = [
        PickRow(
            bin=row.bin,
            sku=row.code,
            title=" · ".join((row.name, *(_lot(one) for one in row.lots))),
            quantity=row.total,
            totes={} if wave.mode == PickMode.BATCH else _totes(row),
        )  # fmt: skip
        for row in waves.pick_rows(wave)
    ]
    return PickListFacts(
        number=wave.code, warehouse=str(wave.warehouse), rows=rows, orders=orders, picker=named(wave.picker),
        made_at=wave.created_at,
    )  # fmt: skip


def _lot(one: Proposed) -> str:
    """A lot to take, as the paper says it."""
    told = _("Lot %(lot)s × %(n)s") % {"lot": one.number, "n": pieces(one.quantity)}
    return f"{told} · {one.expires_on}" if one.expires_on else told


def _totes(row: waves.PickRow) -> dict[str, Decimal]:
    """What goes into each tote; orders of one parcel share theirs."""
    found: dict[str, Decimal] = {}
    for share in row.shares:
        found[share.code] = found.get(share.code, Decimal(0)) + share.quantity
    return found


@require_safe
def phone(request: HttpRequest, pk: int) -> HttpResponse:
    """The next bin, big: scan or tap, say what is not there. Works on while the connection is away."""
    page.demand(request, page.WORK)
    wave = page.wave_of(request, pk)
    waves.look([wave.pk])
    wave.refresh_from_db(fields=["state", "picker"])
    if not wave.picker or wave.state not in (Wave.State.OPEN, Wave.State.PICKING):
        return HttpResponseRedirect(reverse("admin:orders_wave_change", args=[wave.pk]))
    rows = waves.pick_rows(wave)
    skus = {row.sku_id: row.code for row in rows}
    more = {
        "wave": wave,
        "rows": rows,
        "mine": wave.picker == page.who(),
        "picker": named(wave.picker),
        "data": {"codes": pick_lists.codes_of(list(skus.items())[:CODES_FOR]), "skus": skus},
        "opts": Wave._meta,
    }
    title = _("Picking %s") % wave.code
    return TemplateResponse(request, "admin/orders/wave/pick.html", page.context(request, title, **more))


@require_POST
def picked(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the scans of a phone."""
    page.demand(request, page.WORK)
    wave = page.wave_of(request, pk)
    return page.answered(request, lambda one: _one(request, wave, one))


def _one(request: HttpRequest, wave: Wave, one: Mapping[str, Any]) -> dict[str, Any]:
    key, actor, row = str(one["key"]), page.who(), str(one.get("row", ""))[:60]
    if one.get("kind") == "short":
        found = page.quantity(one.get("found"))
        user = cast(User, request.user)
        return waves.short_pick(wave_id=wave.pk, row=row, found=found, actor=actor, key=key, user=user).to_json()
    text = str(one.get("text", ""))[:500]
    if one.get("kind") == "wrong":
        return waves.wrong(wave_id=wave.pk, text=text, actor=actor, key=key).to_json()
    wanted = page.quantity(one.get("quantity"))
    return waves.confirm(wave_id=wave.pk, row=row, quantity=wanted, actor=actor, key=key, text=text).to_json()
