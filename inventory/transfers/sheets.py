"""Transfer lines by Excel: out as a workbook, in as code and quantity; the file's lines replace those of the draft."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.models import User
from backoffice.spreadsheets.reading import Named, Row, read_upload
from backoffice.spreadsheets.schema import Column, SheetSchema
from backoffice.spreadsheets.writing import Out, write_xlsx
from inventory import catalogue, counts
from inventory.count_rows import RowProblem, problems_of
from inventory.models import Sku, Transfer
from inventory.transfers import planning, reasons
from inventory.transfers.planning import MOST, MOST_LINES, Wish

QUANTITY = Column(
    "quantity", _("quantity"), ("pieces", "wanted", "数量", "件数", "调拨数量"), "decimal", least=0, optional_cell=True
)
SCHEMA = SheetSchema((counts.SKU, QUANTITY), most_rows=20_000)
COLUMNS = (
    Out(counts.SKU.title, width=20), Out(_("name"), width=36), Out(QUANTITY.title, "number", 12),
    Out(pgettext_lazy("transfer", "picked"), "number", 12), Out(_("in transit"), "number", 12),
    Out(pgettext_lazy("transfer", "received"), "number", 12), Out(pgettext_lazy("transfer", "damaged"), "number", 12),
    Out(pgettext_lazy("transfer", "lost"), "number", 12), Out(pgettext_lazy("transfer", "went back"), "number", 12),
    Out(_("more than sent"), "number", 12), Out(_("why"), width=60),
)  # fmt: skip
COST = (Out(_("value"), "money", 14), Out(_("value in transit"), "money", 14))
MOST_PROBLEMS = 200


def write(target: IO[bytes], transfer: Transfer, *, cost: bool) -> int:
    """Write the lines; what each is worth only for who may see cost. Returns the number of rows."""
    columns = (*COLUMNS, *COST) if cost else COLUMNS
    return write_xlsx(target, columns, _rows(transfer, cost), name=str(transfer))


def _rows(transfer: Transfer, cost: bool) -> Iterator[tuple[Any, ...]]:
    for line in transfer.lines.select_related("sku", "transfer__origin", "transfer__destination").order_by("pk"):
        row = (
            line.sku.code, line.sku.name, line.quantity, line.picked, line.transit, line.received, line.damaged,
            line.lost, line.back, line.over, reasons.of_line(line),
        )  # fmt: skip
        yield (*row, line.picked_value, line.transit_value) if cost else row


def read(file: Named | Path) -> tuple[list[Wish], list[RowProblem]]:
    """Return what the file wants, and every fault by row and column. Raises FileRefused for what is no sheet."""
    with read_upload(file, SCHEMA) as reading:
        rows = list(reading.rows())
    filled = [row for row in rows if row[2]]
    if len(filled) > MOST_LINES:
        text = _now("A transfer holds %(most)s lines at most.") % {"most": MOST_LINES}
        return [], problems_of(reading, [RowProblem(filled[MOST_LINES][0], str(counts.SKU.title), text)])
    found: list[RowProblem] = []
    wishes = _wishes(filled, found)
    problems = problems_of(reading, found)
    if not wishes and not problems:
        problems.append(RowProblem(0, str(QUANTITY.title), _now("no row has a quantity")))
    return wishes, sorted(problems, key=lambda one: one.row)[:MOST_PROBLEMS]


def _wishes(rows: Sequence[Row], problems: list[RowProblem]) -> list[Wish]:
    known = catalogue.find([row[1] for row in rows])
    barcodes = catalogue.find_by_barcode([row[1] for row in rows if row[1] not in known])
    seen: dict[int, int] = {}
    wishes = []
    for number, code, quantity in rows:
        barcode = barcodes.get(code)
        sku = known.get(code) or (barcode.sku if barcode else None)
        pack = barcode.pack.quantity if barcode and barcode.pack else Decimal(1)
        wrong = _fault(code, sku, quantity * pack, seen)
        if wrong or sku is None:
            problems.append(RowProblem(number, str(wrong and wrong[0]), str(wrong and wrong[1])))
            continue
        seen[sku.pk] = number
        wishes.append(Wish(sku_id=sku.pk, quantity=quantity * pack))
    return wishes


def _fault(code: str, sku: Sku | None, quantity: Decimal, seen: dict[int, int]) -> tuple[Any, str] | None:
    if sku is None:
        return counts.SKU.title, _now("“%(code)s” is neither a SKU code nor a barcode.") % {"code": code}
    if sku.kind != Sku.Kind.STOCKED:
        return counts.SKU.title, _now("“%(code)s” has no stock") % {"code": code}
    if sku.pk in seen:
        return counts.SKU.title, _now("“%(code)s” stands in row %(row)s already") % {"code": code, "row": seen[sku.pk]}
    if not planning.countable(quantity) or quantity >= MOST:
        return QUANTITY.title, _now("is no number of pieces")
    return None


def take(*, transfer: Transfer, file: Named | Path, user: User | None) -> tuple[Transfer | None, list[RowProblem]]:
    """Replace the lines of a draft by those of the file, all or none: with a fault nothing is changed.

    The same file again leads to the same lines.
    """
    wishes, problems = read(file)
    if problems:
        return None, problems
    return planning.change(transfer_id=transfer.pk, lines=wishes, user=user), []
