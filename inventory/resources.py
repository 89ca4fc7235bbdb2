"""Stock out to Excel: balances, and the sheet that people fill in while counting. Constant memory, text stays text."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Any

from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock
from backoffice.spreadsheets.writing import Out, write_xlsx
from inventory import counts
from inventory.models import Balance, Sku, StockDocument, StockDocumentLine, Warehouse

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
IN_MEMORY = 2_000_000  # bytes, then a temporary file
COLUMNS = (
    Out(_("SKU code"), width=20), Out(_("name"), width=32), Out(_("English name"), width=32),
    Out(_("warehouse"), width=12), Out(_("on hand"), "number", 12),
    Out(_("reserved"), "number", 12), Out(_("in orders"), "number", 12),
    Out(_("free"), "number", 12), Out(_("incoming"), "number", 12), Out(_("low stock from"), "number", 12),
)  # fmt: skip
COST_COLUMNS = (Out(_("unit cost"), "money", 12), Out(_("value"), "money", 14))
DOCUMENT_COLUMNS = (
    Out(_("row"), "number", 8), Out(_("SKU code"), width=20), Out(_("name"), width=32), Out(_("warehouse"), width=12),
    Out(_("system"), "number", 12), Out(_("counted"), "number", 12), Out(_("difference"), "number", 12),
    Out(_("reason"), width=18), Out(_("note"), width=32),
)  # fmt: skip
SHEET_COLUMNS = (
    Out(counts.SKU.title, width=20), Out(_("name"), width=36), Out(counts.WAREHOUSE.title, width=12),
    Out(counts.COUNTED.title, "number", 18),
)  # fmt: skip


def export_balances(target: IO[bytes], balances: QuerySet[Balance], *, cost: bool) -> int:
    """Write balances row by row; cost and value only for who may see them. Returns the number of rows."""
    columns = (*COLUMNS, *COST_COLUMNS) if cost else COLUMNS
    return write_xlsx(target, columns, balance_rows(balances, cost=cost), name=str(_("Stock")))


def balance_rows(balances: QuerySet[Balance], *, cost: bool) -> Iterator[tuple[Any, ...]]:
    """Yield the balances in the order of the columns."""
    rows = balances.select_related("sku", "warehouse").order_by("sku__code_key", "warehouse__code")
    for row in rows.iterator(chunk_size=2_000):
        free = row.sellable - row.reserved - row.demand
        named = (row.sku.code, row.sku.name, row.sku.name_en, row.warehouse.code)
        plain = (*named, row.on_hand, row.reserved, row.demand, free, row.incoming, row.sku.low_stock)
        yield (*plain, round(row.value / row.on_hand, 4) if row.on_hand else None, row.value) if cost else plain


def export_count_sheet(target: IO[bytes], place: Warehouse) -> int:
    """Write the sheet to count by: every stocked SKU of the warehouse, the quantity left to be filled in (blind)."""
    skus = Sku.objects.filter(kind=Sku.Kind.STOCKED, active=True).order_by("code_key")
    rows = ((code, name, place.code, None) for code, name in skus.values_list("code", "name").iterator(2_000))
    return write_xlsx(target, SHEET_COLUMNS, rows, name=str(_("Count")))


def export_document(target: IO[bytes], document: StockDocument, *, cost: bool) -> int:
    """Write the lines of an adjustment or count with its reason; returns the number of rows."""
    columns = (*DOCUMENT_COLUMNS, Out(_("unit cost"), "money", 12)) if cost else DOCUMENT_COLUMNS
    lines = document.lines.select_related("sku", "warehouse").order_by("row").iterator(chunk_size=2_000)
    return write_xlsx(target, columns, _document_rows(document, lines, cost), name=str(document))


def _document_rows(
    document: StockDocument, lines: Iterable[StockDocumentLine], cost: bool
) -> Iterator[tuple[Any, ...]]:
    said = (str(document.get_reason_display()), document.note)
    for line in lines:
        named = (line.row, line.sku.code, line.sku.name, line.warehouse.code)
        row = (*named, line.system_quantity, line.counted_quantity, line.difference, *said)
        yield (*row, line.unit_cost) if cost else row


def balance_file(request: HttpRequest, balances: QuerySet[Balance]) -> FileResponse:
    """Return the balances as a download, and note who took them."""
    cost = request.user.has_perm("inventory.see_cost")
    return download(request, "stock", lambda file: export_balances(file, balances.order_by(), cost=cost))


def download(request: HttpRequest, name: str, write: Any) -> FileResponse:
    """Write into a temporary file, send it, and record the export."""
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 — FileResponse closes it
    count = write(file)
    file.seek(0)
    audit.record(action=f"export.{name}", target=f"inventory.{name}", summary=str(count), request=request)
    stamp = clock.now().strftime("%Y%m%d-%H%M")
    return FileResponse(file, as_attachment=True, filename=f"{name}-{stamp}.xlsx", content_type=XLSX)
