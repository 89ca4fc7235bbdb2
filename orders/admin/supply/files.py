"""A purchase order as PDF and workbook, a return to the supplier as PDF."""

from __future__ import annotations

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from orders.admin.late.sheets import workbook
from orders.admin.supply import kit, sheets
from orders.models import SupplierReturn
from orders.supply import papers


@require_safe
def pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """The order for the supplier: it has prices on it."""
    kit.demand(request, kit.PRICE)
    order = kit.get_order(request, pk)
    return _pdf(papers.order_sheet(order).content(), order.number)


@require_safe
def xlsx(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The lines, with prices for who may see them."""
    order, prices = kit.get_order(request, pk), kit.sees_prices(request)
    columns = [*sheets.LINES, *(sheets.PRICES if prices else ())]
    rows = order.lines.select_related("sku").order_by("row")
    file = workbook(columns, (sheets.line_row(row, prices) for row in rows), name=order.number)
    return FileResponse(file, as_attachment=True, filename=f"{order.number}.xlsx")


@require_safe
def return_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """The document that goes with goods sent back; it has no prices."""
    kit.demand(request, kit.VIEW)
    sent = SupplierReturn.objects.select_related("order__supplier").filter(pk=pk, order__in=kit.mine(request)).first()
    if sent is None:
        raise Http404
    return _pdf(papers.return_sheet(sent).content(), sent.number)


def _pdf(content: bytes, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"'}
    return HttpResponse(content, content_type="application/pdf", headers=headers)
