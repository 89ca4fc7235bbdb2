"""The report of returns on a page and as a workbook."""

from __future__ import annotations

import datetime as dt
import tempfile
from decimal import Decimal
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from backoffice import clock
from backoffice.money import round_money
from backoffice.spreadsheets.writing import Out, write_xlsx
from finance.admin.figures import money
from finance.currencies import base_code
from inventory import readable
from orders.admin.returns import kit
from orders.admin.wording import pieces
from orders.models import Return
from orders.returns import reporting
from orders.returns.reporting import Row
from orders.returns.sight import MONEY, mine

SPANS = (30, 90, 365)
SHOWN = 30


def _span(request: HttpRequest) -> int:
    typed = request.GET.get("days", "")
    return int(typed) if typed in {str(days) for days in SPANS} else SPANS[0]


def _returns(request: HttpRequest, days: int) -> Any:
    until = clock.now()
    start = timezone.localtime(until - dt.timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
    return reporting.within(mine(request.user, Return.objects.all()), start, until)


def _tables(request: HttpRequest, days: int) -> list[tuple[Any, list[Row]]]:
    returns = _returns(request, days)
    return [
        (_("By reason"), reporting.by_reason(returns)),
        (_("By shop"), reporting.by_shop(returns)),
        (_("By SKU"), reporting.by_sku(returns)),
    ]


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Three tables over the last month, quarter or year."""
    kit.demand(request, MONEY)
    days, sees_cost = _span(request), readable.sees_cost(request)
    tables = [
        {"title": title, "rows": [_shown(row, sees_cost) for row in rows[:SHOWN]], "more": max(len(rows) - SHOWN, 0),
         "money": place < 2, "most": max((row.returns for row in rows), default=1)}
        for place, (title, rows) in enumerate(_tables(request, days))
    ]  # fmt: skip
    return kit.page(
        request, "report", _("Returns: what comes back, and why"), tables=tables, days=days, spans=SPANS,
        currency=base_code(), sees_cost=sees_cost, empty=not any(table["rows"] for table in tables),
    )  # fmt: skip


def _shown(row: Row, sees_cost: bool) -> dict[str, Any]:
    return {
        "label": row.label,
        "returns": row.returns,
        "pieces": pieces(row.pieces),
        "restocked": pieces(row.restocked),
        "lost": money(round_money(row.lost, 2)) if sees_cost else "",
        "refunded": money(round_money(row.refunded, 2)),
        "unpriced": row.unpriced,
    }


@require_safe
def xlsx(request: HttpRequest) -> HttpResponseBase:
    """The same tables, one below the other, as a workbook."""
    kit.demand(request, MONEY)
    days, currency, sees_cost = _span(request), base_code(), readable.sees_cost(request)
    lost = (Out(_("Written off (%s)") % currency, "money"),) if sees_cost else ()
    columns = [
        Out(_("Table"), width=14), Out(_("What"), width=44), Out(_("Returns"), "number"),
        Out(_("Pieces here"), "number"), Out(_("Back on the shelf"), "number"),
        *lost,
        Out(_("Given back (%s)") % currency, "money"), Out(_("Without a rate"), "number"),
    ]  # fmt: skip
    rows = [
        (
            str(title),
            row.label,
            row.returns,
            row.pieces,
            row.restocked,
            *((_cents(row.lost),) if sees_cost else ()),
            _cents(row.refunded),
            row.unpriced,
        )
        for title, table in _tables(request, days)
        for row in table
    ]
    file = tempfile.SpooledTemporaryFile(max_size=5_000_000)  # noqa: SIM115 — FileResponse closes it
    write_xlsx(file, columns, rows, name=_("Returns"))
    file.seek(0)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return FileResponse(file, as_attachment=True, filename=f"returns-{days}.xlsx", content_type=kind)


def _cents(amount: Decimal) -> Decimal:
    return round_money(amount, 2)
