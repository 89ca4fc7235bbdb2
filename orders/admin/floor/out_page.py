"""Hand-over: parcels are scanned when the carrier takes them; what was packed and is still here is listed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from backoffice import clock
from backoffice.spreadsheets.writing import Out, write_xlsx
from inventory.access import sight, visible
from inventory.resources import download
from orders.admin.floor import page
from orders.admin.wording import short_age
from orders.fulfil import handover, leaving
from orders.fulfil.wave_making import named
from orders.models import Handover, Label, Shipment, Wave

SHOWN = 200
COLUMNS = (
    Out(_("order number"), width=22), Out(_("parcel"), "number", 8), Out(_("carrier"), width=18),
    Out(_("tracking number"), width=26), Out(_("warehouse"), width=14), Out(_("packed at"), "datetime", 18),
    Out(_("packer"), width=16),
)  # fmt: skip


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Scan parcels that leave; below stand those that stay too long."""
    page.demand(request, page.WORK)
    now = clock.now()
    late = _mine(request, handover.waiting())
    here = _mine(request, handover.waiting(0))
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    more = {
        "late": [_row(one, now) for one in _with_names(late)[:SHOWN]],
        "late_count": late.count(),
        "here_count": here.count(),
        "not_left": _not_left(request),
        "gone_today": Handover.objects.filter(at__gte=today, actor=page.who()).count(),
        "opts": Wave._meta,
    }
    return TemplateResponse(request, "admin/orders/wave/out.html", page.context(request, _now("Hand-over"), **more))


def _not_left(request: HttpRequest) -> int:
    """How many labels were printed whose parcels have not left in time, packed or not."""
    if not request.user.has_perm("orders.view_label"):
        return 0
    return leaving.not_left(visible(request.user, Label.objects.all())).count()


def _mine(request: HttpRequest, rows: QuerySet[Shipment]) -> QuerySet[Shipment]:
    return handover.packed_in(rows, sight(request.user).warehouses)


def _with_names(rows: QuerySet[Shipment]) -> QuerySet[Shipment]:
    return rows.select_related("order", "packed_as__wave_order__warehouse")


def _row(one: Any, now: Any) -> dict[str, Any]:
    return {
        "shipment": one,
        "number": f"{one.order.number}-{one.number}",
        "code": one.tracking_number or handover.code_of(one.pk),
        "warehouse": one.packed_as.wave_order.warehouse.code,
        "age": short_age(now - one.created_at),
        "packer": named(one.actor),
    }


@require_POST
def scanned(request: HttpRequest) -> HttpResponse:
    """Take the scans of parcels that leave."""
    page.demand(request, page.WORK)
    seen = sight(request.user).warehouses

    def one(scan: Any) -> dict[str, Any]:
        text = str(scan.get("text", ""))[:500]
        return handover.scan(text=text, actor=page.who(), key=str(scan["key"]), warehouses=seen).to_json()

    return page.answered(request, one)


@require_safe
def xlsx(request: HttpRequest) -> HttpResponseBase:
    """Every parcel that was packed and is still here, as a workbook."""
    page.demand(request, page.WORK)
    rows = _with_names(_mine(request, handover.waiting(0)))
    return download(request, "parcels", lambda file: write_xlsx(file, COLUMNS, _sheet(rows), name=str(_("Parcels"))))


def _sheet(rows: Any) -> Iterator[tuple[Any, ...]]:
    for one in rows.iterator(chunk_size=2_000):
        place = one.packed_as.wave_order.warehouse.code
        named_by = named(one.actor)
        yield (one.order.number, one.number, one.carrier, one.tracking_number, place, one.created_at, named_by)
