"""What is found by comparison, and the month in review: pages, workbooks, a sheet to print."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from backoffice import audit
from backoffice.errors import YikuError
from finance import currencies
from finance.admin.figures import NONE, money
from inventory.access import sight, visible
from orders.admin.late import sheets
from orders.admin.papers import kit as papers
from orders.desk import runs
from orders.late import compare, month_runs, review, review_paper
from orders.models import DeskRun, Order

SEE, REVIEW = "orders.view_lateorder", "orders.see_latereview"
ON_A_PAGE = 100


@require_safe
def compared(request: HttpRequest) -> HttpResponse:
    """Sold without stock, sent twice, missed; each row leads to its order."""
    found, days = _compared(request, ON_A_PAGE)
    page = {
        **admin.site.each_context(request), "title": _("Oversold, twice sent, missed"), "days": days,
        "choices": compare.DAYS,
        "found": [
            {"kind": one.kind, "title": compare.KINDS[one.kind], "total": one.total, "rows": list(map(_row, one.rows))}
            for one in found
        ],
    }  # fmt: skip
    return TemplateResponse(request, "admin/orders/late/compared.html", page)


def _row(row: compare.Row) -> dict[str, Any]:
    order = row.order
    value = money(order.base_total) if order.base_total is not None else money(order.total, order.currency)
    return {"order": order, "what": row.what, "value": value}


def _compared(request: HttpRequest, most: int) -> tuple[list[compare.Found], int]:
    if not request.user.has_perm(SEE):
        raise PermissionDenied
    text = request.GET.get("days", "")
    days = int(text) if text in {str(one) for one in compare.DAYS} else compare.DAYS[1]
    return compare.report(visible(request.user, Order.objects.all()), days=days, most=most), days


@require_safe
def compared_xlsx(request: HttpRequest) -> HttpResponseBase:
    """All of them as a workbook."""
    found, _days = _compared(request, 10_000)
    audit.record(action="late_order.export", target="orders.lateorder", request=request)
    file = sheets.workbook(sheets.COMPARED, _compared_rows(found), name=_("Compared"))
    return FileResponse(file, as_attachment=True, filename="compared.xlsx")


def _compared_rows(found: Sequence[compare.Found]) -> Iterator[Sequence[Any]]:
    for one in found:
        for row in one.rows:
            order = row.order
            yield (
                str(compare.KINDS[one.kind]), order.number, order.shop.name, order.placed_at,
                str(order.get_state_display()), row.what, order.base_total,
            )  # fmt: skip


# --- the month -------------------------------------------------------------------------------------------------------


def _first(request: HttpRequest) -> dt.date:
    """Return the month asked for, this one where none is. Refuses whoever may not see it."""
    if not request.user.has_perm(REVIEW):
        raise PermissionDenied
    months = review.months(many=24)
    wanted = request.GET.get("month", "")
    return next((one for one in months if one.isoformat()[:7] == wanted), months[0])


def _month(request: HttpRequest) -> tuple[dt.date, review.Review | None, DeskRun | None]:
    """Return a month's figures: counted now when that is quick, else as they were counted last, if they were."""
    first, me = _first(request), papers.me(request)
    shops = sight(me).shops
    if month_runs.at_once(first, shops):
        return first, review.of(first, shops=shops), None
    run = month_runs.last(owner=me, first=first)
    return first, month_runs.from_json(run.result) if run is not None and run.ended_at else None, run


def _here(first: dt.date) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('admin:orders_lateplay_review')}?month={first.isoformat()[:7]}")


@require_POST
def month_count(request: HttpRequest) -> HttpResponse:
    """Count a month of many orders, with the workers."""
    first = _first(request)
    month_runs.begin(owner=papers.me(request), first=first)
    return _here(first)


@require_safe
def month(request: HttpRequest) -> HttpResponse:
    """How the month went, beside the month before; `print=1` leaves the frame of the admin away."""
    first, found, run = _month(request)
    if found is None:
        return TemplateResponse(request, "admin/orders/late/review.html", _frame(request, first, run))
    printed = bool(request.GET.get("print"))
    parts = (
        (_("By cause"), found.causes, _("cause not recorded")),
        (_("By shop"), found.shops, ""),
        (_("By product"), found.products, ""),
    )
    page = {
        **_frame(request, first, run), "review": found,
        "parts": [{"title": title, "rows": [_line(one, none) for one in lines]} for title, lines, none in parts],
        "total": _line(found.total, ""), "changes": [_line(one, _("cause not recorded")) for one in found.changes],
        "base": currencies.base_code(), "printed": printed,
    }  # fmt: skip
    return TemplateResponse(request, f"admin/orders/late/{'print' if printed else 'review'}.html", page)


def _frame(request: HttpRequest, first: dt.date, run: DeskRun | None) -> dict[str, Any]:
    return {
        **admin.site.each_context(request), "title": _("Lateness in %s") % first.isoformat()[:7],
        "months": [one.isoformat()[:7] for one in review.months()], "chosen": first.isoformat()[:7], "run": run,
        "running": run is not None and runs.running(run),
    }  # fmt: skip


def _line(line: review.Line, none: str) -> dict[str, Any]:
    return {
        "name": line.name or none, "orders": line.orders, "late": line.late, "share": line.share,
        "oversold": line.oversold, "compensations": _paid(line.compensations), "refunds": _paid(line.refunds),
        "penalties": _paid(line.penalties), "cost": _paid(line.cost), "late_before": line.late_before,
        "more": line.more, "cost_before": _paid(line.cost_before), "worse": line.more > 0, "better": line.more < 0,
        "dearer": bool(line.dearer),
    }  # fmt: skip


def _paid(amount: Decimal) -> str:
    """Nothing stands as a dash: what was paid is seen at once."""
    return money(amount) if amount else NONE


@require_safe
def month_xlsx(request: HttpRequest) -> HttpResponseBase:
    """The same figures as a workbook."""
    first, found, _run = _month(request)
    if found is None:
        return _here(first)
    labels = {
        "total": _("All"), "cause": _("Cause"), "shop": _("Shop"), "product": _("Product"),
        "none": _("cause not recorded"),
    }  # fmt: skip
    file = sheets.workbook(sheets.REVIEW, review.table(found, labels), name=found.first.isoformat()[:7])
    return FileResponse(file, as_attachment=True, filename=f"lateness-{found.first.isoformat()[:7]}.xlsx")


@require_safe
def month_pdf(request: HttpRequest) -> HttpResponse:
    """The same figures as a PDF."""
    first, found, _run = _month(request)
    if found is None:
        return _here(first)
    try:
        return papers.pdf(review_paper.pdf(found), f"lateness-{found.first.isoformat()[:7]}.pdf")
    except YikuError as error:
        messages.error(request, str(error))
        return _here(first)
