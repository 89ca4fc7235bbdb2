"""Stock counts (盘点) by Excel or CSV: read into a preview, shown, then posted as movements by `inventory.documents`.

A count says what was there at one moment. The preview compares it with the system at that moment (on hand now, less
what has happened since), so a count that is confirmed half an hour later keeps the sales of that half hour.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice import audit, bulk, clock
from backoffice.errors import YikuError
from backoffice.models import User
from backoffice.progress import Meter
from backoffice.spreadsheets.reading import FileRefused, Named, SheetReading, read_upload
from backoffice.spreadsheets.schema import Column, SheetSchema
from inventory import access, count_rows, documents
from inventory.count_rows import Checker, Place, RowProblem, problems_of
from inventory.models import Reason, StockDocument, StockDocumentLine, Warehouse

MOST_PROBLEMS = 500  # kept with the preview; more are counted
CLOCK_SLACK = dt.timedelta(minutes=5)
REASONS = {StockDocument.Kind.COUNT: Reason.COUNT, StockDocument.Kind.OPENING: Reason.OPENING}
COLUMNS = (
    "document_id",
    "row",
    "sku_id",
    "warehouse_id",
    "system_quantity",
    "counted_quantity",
    "difference",
    "unit_cost",
)

SKU = Column("sku", _("SKU code"), ("sku", "code", "编码", "商品编码", "商家编码", "规格编码", "货号", "款号"), "code")
BARCODE = Column(
    "barcode", _("barcode"), ("条码", "条形码", "商品条码", "国际条码", "69码", "ean", "upc", "gtin"), "barcode",
    required=False, longest=64,
)  # fmt: skip
COUNTED = Column(
    "counted",
    _("counted quantity"),
    ("counted", "count", "quantity", "qty", "数量", "盘点数量", "实盘数量", "实盘数", "实际数量", "库存数量"),
    "scaled",
    optional_cell=True,  # left empty: not counted
    least=0,
)
WAREHOUSE = Column("warehouse", _("warehouse"), ("warehouse code", "仓库", "仓库编码"), "code", required=False)
COST = Column(
    "cost", _("unit cost"), ("cost", "成本", "单位成本", "成本价"), "scaled", required=False, places=6, least=0
)
SCHEMA = SheetSchema((SKU, COUNTED, WAREHOUSE, COST))


class CountRefused(YikuError):
    """The count as a whole cannot be taken; the sentence says why. Nothing was changed."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CountOrder:
    """What a person says beside the file. Without a warehouse the file must name one in each row."""

    kind: str = StockDocument.Kind.COUNT.value
    warehouse_id: int | None = None
    counted_at: dt.datetime | None = None
    note: str = ""


def start(*, order: CountOrder, file_name: str, digest: str, user: User | None) -> StockDocument:
    """Make the document that a file will be read into. Raises CountRefused for a moment that has not come yet, a
    warehouse the person does not see, and a file that was posted before.
    """
    now = clock.now()
    counted_at = order.counted_at or now
    if counted_at > now + CLOCK_SLACK:
        raise CountRefused("counted_in_future", _("The count was taken at a moment that has not come yet."))
    if order.warehouse_id and not _places(user).filter(pk=order.warehouse_id).exists():
        raise CountRefused("no_such_warehouse", _("There is no such warehouse."))
    refuse_twin(digest)
    return StockDocument.objects.create(
        kind=order.kind,
        state=StockDocument.State.READING,
        warehouse_id=order.warehouse_id,
        reason=REASONS[StockDocument.Kind(order.kind)],
        note=order.note[:300],
        counted_at=counted_at,
        file_name=file_name[:200],
        file_digest=digest,
        created_at=now,
        created_by=user,
    )


def refuse_twin(digest: str, document: StockDocument | None = None) -> None:
    """Raise CountRefused when the very same file stands posted: a second time it would undo what was sold since."""
    same = StockDocument.objects.filter(file_digest=digest, state=StockDocument.State.POSTED)
    twin = same.exclude(pk=document.pk if document else 0).first() if digest else None
    if twin:
        message = _("This file was posted already: %(document)s of %(date)s. It is not posted again.")
        date = f"{twin.posted_at:%Y-%m-%d}" if twin.posted_at else ""
        raise CountRefused("file_posted_already", message, params={"document": twin, "date": date})


def read(document: StockDocument, file: Named | Path, *, meter: Meter | None = None) -> StockDocument:
    """Read the file into the document's lines and leave it as a preview (or as failed, with the sentence why).

    Raises FileRefused when the file as a whole cannot be read; the document says so too.
    """
    StockDocumentLine.objects.filter(document=document).delete()  # a reading that was cut short
    try:
        with read_upload(file, SCHEMA) as reading:
            checker = _read_rows(document, reading, meter)
    except FileRefused as refusal:
        _finish(document, StockDocument.State.FAILED, [RowProblem(0, "", str(refusal))], 1)
        raise
    document.sheet = reading.sheet[:100]
    problems = problems_of(reading, checker.problems)
    document.line_count, document.difference_count = checker.taken, checker.differing
    document.uncounted = checker.uncounted
    _finish(document, StockDocument.State.DRAFT, problems, reading.bad + checker.refused)
    return document


def _read_rows(document: StockDocument, reading: SheetReading, meter: Meter | None) -> Checker:
    checker = Checker(document, {row.code.casefold(): Place(row.pk, row.code) for row in _places(document.created_by)})
    for batch in reading.batches():
        lines = checker.take(batch)
        if lines:
            bulk.insert_rows(StockDocumentLine, COLUMNS, lines, prepared=True)
        if meter:
            meter.step(len(batch))
    return checker


def _places(user: User | None) -> Any:
    return access.visible(user, Warehouse.objects.filter(active=True))


def _finish(document: StockDocument, state: str, problems: Sequence[RowProblem], count: int) -> None:
    document.state = state
    document.problems = [dataclasses.asdict(one) for one in sorted(problems, key=lambda one: one.row)[:MOST_PROBLEMS]]
    document.problem_count = count
    document.upload = ""
    document.save()


def preview(*, file: Named | Path, order: CountOrder, user: User | None, meter: Meter | None = None) -> StockDocument:
    """Read a count and return its preview: `start` and `read` in one go, for a small file, a test or a program."""
    document = start(order=order, file_name=getattr(file, "name", "") or "", digest=digest_of(file), user=user)
    return read(document, file, meter=meter)


def digest_of(file: Named | Path) -> str:
    """The file's fingerprint."""
    digest = hashlib.sha256()
    if isinstance(file, Path):
        with file.open("rb") as opened:
            for piece in iter(lambda: opened.read(1 << 20), b""):
                digest.update(piece)
    else:
        for piece in file.chunks():
            digest.update(piece)
    return digest.hexdigest()


def post(
    *, document_id: int, user: User | None, without_bad_rows: bool = False, meter: Meter | None = None
) -> StockDocument:
    """Post a previewed count. Rows with a problem stop it, unless the person says to leave them out.

    Raises CountRefused, and what `inventory.documents.post` raises. Posting it a second time changes nothing.
    """
    document = StockDocument.objects.get(pk=document_id)
    if document.open:
        if document.problem_count and not without_bad_rows:
            message = _("%(count)s rows have a problem. Correct the file and upload it again, or leave these rows out.")
            raise CountRefused("rows_with_problems", message, params={"count": document.problem_count})
        refuse_twin(document.file_digest, document)
    return documents.post(document_id=document_id, user=user, meter=meter)


@transaction.atomic
def look_again(document: StockDocument) -> int:
    """Compare the lines with the system once more (it moved since); returns how many differences are new."""
    changed = count_rows.refresh(document)
    document.difference_count = document.lines.exclude(difference=Decimal(0)).count()
    document.save(update_fields=["difference_count"])
    audit.record(action="stock.count_refreshed", target=document, summary=_now("%(count)d lines") % {"count": changed})
    return changed
