"""What is found by comparison, and the month in review: pages, workbooks, a sheet to print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from backoffice import audit
from backoffice.errors import YikuError
from finance import currencies
from finance.admin.figures import NONE, money
from inventory.access import sight, visible
from orders.admin.late import sheets
from orders.admin.papers import kit as papers
from orders.late import compare, review, review_paper
from orders.models import Order

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


def _month(request: HttpRequest) -> review.Review:
    if not request.user.has_perm(REVIEW):
        raise PermissionDenied
    months = review.months(many=24)
    wanted = request.GET.get("month", "")
    first = next((one for one in months if one.isoformat()[:7] == wanted), months[0])
    return review.of(first, shops=sight(request.user).shops)


@require_safe
def month(request: HttpRequest) -> HttpResponse:
    """How the month went, beside the month before; `print=1` leaves the frame of the admin away."""
    found = _month(request)
    printed = bool(request.GET.get("print"))
    parts = (
        (_("By cause"), found.causes, _("cause not recorded")),
        (_("By shop"), found.shops, ""),
        (_("By product"), found.products, ""),
    )
    page = {
        **admin.site.each_context(request), "title": _("Lateness in %s") % found.first.isoformat()[:7],
        "review": found, "months": [one.isoformat()[:7] for one in review.months()],
        "chosen": found.first.isoformat()[:7],
        "parts": [{"title": title, "rows": [_line(one, none) for one in lines]} for title, lines, none in parts],
        "total": _line(found.total, ""), "changes": [_line(one, _("cause not recorded")) for one in found.changes],
        "base": currencies.base_code(), "printed": printed,
    }  # fmt: skip
    return TemplateResponse(request, f"admin/orders/late/{'print' if printed else 'review'}.html", page)


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
    found = _month(request)
    labels = {
        "total": _("All"), "cause": _("Cause"), "shop": _("Shop"), "product": _("Product"),
        "none": _("cause not recorded"),
    }  # fmt: skip
    file = sheets.workbook(sheets.REVIEW, review.table(found, labels), name=found.first.isoformat()[:7])
    return FileResponse(file, as_attachment=True, filename=f"lateness-{found.first.isoformat()[:7]}.xlsx")


@require_safe
def month_pdf(request: HttpRequest) -> HttpResponse:
    """The same figures as a PDF."""
    found = _month(request)
    try:
        return papers.pdf(review_paper.pdf(found), f"lateness-{found.first.isoformat()[:7]}.pdf")
    except YikuError as error:
        messages.error(request, str(error))
        url = reverse("admin:orders_lateplay_review")
        return HttpResponseRedirect(f"{url}?month={found.first.isoformat()[:7]}")
