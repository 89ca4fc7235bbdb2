"""Count sheets that come back: read into a preview that names every fault, taken once, or dropped."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from backoffice import audit, bulk, clock, copying
from backoffice.models import User
from backoffice.progress import Meter
from backoffice.spreadsheets.reading import FileRefused, Named, Row, read_upload
from inventory import counts
from inventory.count_rows import RowProblem, problems_of
from inventory.models import Stocktake, StocktakeCount, StocktakeLine, StocktakeSheet
from inventory.stocktakes import figures, lines, new_lots
from inventory.stocktakes.errors import (
    State,
    StocktakeRefused,
    demand,
    demand_counter,
    demand_warehouse,
    locked,
)
from inventory.stocktakes.sheet_rows import COLUMNS, MORE_COLUMNS, MOST_PROBLEMS, SCHEMA, Rows

Sheet = StocktakeSheet.State
KEEP_BOTH, NEW_HOLDS, OLD_HOLDS = "both", "new", "old"  # what becomes of bins that were counted before


def begin(
    *, stocktake: Stocktake, file_name: str, digest: str, user: User | None, counted_at: dt.datetime | None = None
) -> StocktakeSheet:
    """Make the row a file is read into. Raises StocktakeRefused for a file that was taken before, and for a stocktake,
    a warehouse or a person that may not be counted by now.
    """
    now = clock.now()
    demand(stocktake, State.COUNTING)
    demand_warehouse(stocktake, user)
    demand_counter(stocktake, user)
    if counted_at and counted_at > now + counts.CLOCK_SLACK:
        raise StocktakeRefused("counted_in_future", _("The count was taken at a moment that has not come yet."))
    refuse_twin(stocktake, digest)
    return StocktakeSheet.objects.create(
        stocktake=stocktake, round=stocktake.round, file_name=file_name[:200], file_digest=digest,
        counted_at=counted_at or now, created_at=now, created_by=user,
    )  # fmt: skip


def refuse_twin(stocktake: Stocktake, digest: str) -> None:
    """Raise StocktakeRefused when the very same file was taken into this stocktake already."""
    twin = stocktake.sheets.filter(file_digest=digest, state=Sheet.TAKEN).first() if digest else None
    if twin:
        message = _("This file was taken already: “%(file)s” by %(who)s. It is not counted twice.")
        raise StocktakeRefused("file_taken_already", message, params={"file": twin, "who": twin.created_by or "–"})


def preview(
    *, stocktake: Stocktake, file: Named | Path, user: User | None, counted_at: dt.datetime | None = None
) -> StocktakeSheet:
    """Begin and read in one go: for a small file, a test or a program."""
    name, digest = getattr(file, "name", "") or "", counts.digest_of(file)
    sheet = begin(stocktake=stocktake, file_name=name, digest=digest, user=user, counted_at=counted_at)
    return read(sheet, file)


def read(sheet: StocktakeSheet, file: Named | Path, *, meter: Meter | None = None) -> StocktakeSheet:
    """Read the file into the sheet and leave it as a preview, or as failed with the sentence why (FileRefused).

    Raises StocktakeRefused when the sheet was dropped meanwhile.
    """
    sheet.counts.all().delete()  # a reading that was cut short
    sheet.new_lots.all().delete()
    try:
        with read_upload(file, SCHEMA) as reading:
            rows = Rows(sheet)
            for batch in reading.batches(meanwhile=lambda: rows.look_ahead(reading.size)):
                _write(rows, batch)
                if meter:
                    meter.step(len(batch))
    except FileRefused as refusal:
        _finish(sheet, Sheet.FAILED, [RowProblem(0, "", str(refusal))], 1)
        raise
    sheet.row_count, sheet.uncounted = rows.taken, rows.uncounted
    compare(sheet)
    _finish(sheet, Sheet.PREVIEW, problems_of(reading, rows.problems), reading.bad + rows.refused)
    return sheet


@transaction.atomic
def _write(rows: Rows, batch: Sequence[Row]) -> None:
    """Keep a batch while the sheet is held: that it is still there is asked once a batch. A foreign key would ask for
    each row, which took longer than writing it. The rows mean nothing before the sheet is a preview, so the disk is
    waited for once, at the end.
    """
    if not StocktakeSheet.objects.select_for_update(no_key=True).filter(pk=rows.sheet.pk).exists():
        raise StocktakeRefused("sheet_dropped", _("This sheet was dropped while it was read."))
    bulk.commit_without_waiting()
    plain, more = rows.take(batch)
    copying.pour_rows(StocktakeCount, COLUMNS, plain, shared=rows.shared)
    copying.pour_rows(StocktakeCount, MORE_COLUMNS, more, shared=rows.shared)


def compare(sheet: StocktakeSheet) -> None:
    """Bring the preview to what the system and the other counts say now."""
    figures.compare_sheet(sheet)
    sql = (
        "SELECT coalesce(sum(CASE WHEN difference <> 0 THEN 1 ELSE 0 END), 0), "
        "coalesce(sum(CASE WHEN doubled THEN 1 ELSE 0 END), 0) FROM inventory_stocktakecount WHERE sheet_id = %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [sheet.pk])
        sheet.difference_count, sheet.doubled_count = map(int, cursor.fetchone())


def _finish(sheet: StocktakeSheet, state: str, problems: Sequence[RowProblem], count: int) -> None:
    sheet.state, sheet.upload, sheet.problem_count = state, "", count
    sheet.problems = [dataclasses.asdict(one) for one in sorted(problems, key=lambda one: one.row)[:MOST_PROBLEMS]]
    sheet.save()


def take(
    *, sheet_id: int, user: User | None, doubled: str = KEEP_BOTH, without_bad_rows: bool = False
) -> StocktakeSheet:
    """Let the rows of a previewed sheet count. `doubled` says what becomes of bins that were counted before: both stay
    and the line waits for a decision where they differ, the new figure holds, or the old one.

    Raises StocktakeRefused for rows with a problem (unless they are left out) and for a file that was taken before.
    """
    try:
        with transaction.atomic():
            return _take(sheet_id, user, doubled, without_bad_rows)
    except IntegrityError as error:  # the same file twice, taken in one moment
        sheet = StocktakeSheet.objects.get(pk=sheet_id)
        refuse_twin(sheet.stocktake, sheet.file_digest)
        raise StocktakeRefused("started_together", _("Try again."), retryable=True) from error


def _take(sheet_id: int, user: User | None, doubled: str, without_bad_rows: bool) -> StocktakeSheet:
    stocktake = locked(StocktakeSheet.objects.values_list("stocktake_id", flat=True).get(pk=sheet_id))
    sheet = StocktakeSheet.objects.get(pk=sheet_id)
    if sheet.state == Sheet.TAKEN:
        return sheet
    demand(stocktake, State.COUNTING)
    demand_warehouse(stocktake, user)
    demand_counter(stocktake, user)
    _demand_good(stocktake, sheet, without_bad_rows)
    refuse_twin(stocktake, sheet.file_digest)
    new_lots.settle(stocktake, sheet)
    settle_doubled(sheet, doubled)
    sheet.state, sheet.taken_at = Sheet.TAKEN, clock.now()
    sheet.save(update_fields=["state", "taken_at"])
    figures.agree(stocktake)
    figures.total(stocktake)
    after = {"rows": sheet.row_count, "left_out": sheet.problem_count, "doubled": doubled}
    audit.record(action="stocktake.sheet", target=stocktake, summary=sheet.file_name, after=after)
    return sheet


def _demand_good(stocktake: Stocktake, sheet: StocktakeSheet, without_bad_rows: bool) -> None:
    if sheet.state != Sheet.PREVIEW:
        raise StocktakeRefused("sheet_not_ready", _("This sheet is not a preview: upload it again."))
    if sheet.round != stocktake.round:
        raise StocktakeRefused("old_round", _("This sheet is of an earlier round: take the sheet of this one."))
    if sheet.problem_count and not without_bad_rows:
        message = _("%(count)s rows have a problem. Correct the file and upload it again, or leave these rows out.")
        raise StocktakeRefused("rows_with_problems", message, params={"count": sheet.problem_count})
    if not sheet.row_count:
        raise StocktakeRefused("nothing_counted", _("Nothing was counted in this sheet."))


RIVALS = """SELECT o.id FROM inventory_stocktakecount o JOIN inventory_stocktakecount c ON c.line_id = o.line_id
AND c.bin = o.bin AND c.round = o.round WHERE c.sheet_id = %s AND o.active"""
BEATEN = """SELECT c.id FROM inventory_stocktakecount c WHERE c.sheet_id = %s AND NOT EXISTS (
SELECT 1 FROM inventory_stocktakecount o WHERE o.line_id = c.line_id AND o.bin = c.bin AND o.round = c.round
AND o.active)"""


def settle_doubled(sheet: StocktakeSheet, doubled: str) -> None:
    """Switch on the sheet's rows, and off what they replace."""
    table = "UPDATE inventory_stocktakecount SET active = "
    with connection.cursor() as cursor:
        if doubled == NEW_HOLDS:
            cursor.execute(f"{table} FALSE WHERE id IN ({RIVALS})", [sheet.pk])
        if doubled == OLD_HOLDS:
            cursor.execute(f"{table} TRUE WHERE id IN ({BEATEN})", [sheet.pk])
        else:
            cursor.execute(f"{table} TRUE WHERE sheet_id = %s", [sheet.pk])


@transaction.atomic
def drop(*, sheet_id: int) -> None:
    """Drop a sheet nobody took. Raises StocktakeRefused for one that counts."""
    stocktake = locked(StocktakeSheet.objects.values_list("stocktake_id", flat=True).get(pk=sheet_id))
    sheet = StocktakeSheet.objects.select_for_update().get(pk=sheet_id)  # first: a reading at work waits or ends
    if sheet.state == Sheet.TAKEN:
        raise StocktakeRefused("sheet_taken", _("This sheet was taken already; count again what is wrong in it."))
    audit.record(action="stocktake.sheet_dropped", target=stocktake, summary=sheet.file_name)
    sheet.delete()
    lines.forget_strangers(stocktake)


def lines_of_sheet(sheet: StocktakeSheet) -> Any:
    """The rows of a sheet with SKU and line, for the page."""
    also = ["line__lot"] if figures.by_lot(sheet.stocktake) else []
    also += ["new_lot__sku"] if sheet.new_lots.exists() else []
    return StocktakeCount.objects.filter(sheet=sheet).select_related("line__sku", *also).order_by("row")


def other_counts(line_ids: Sequence[int | None], sheet: StocktakeSheet) -> dict[int, list[StocktakeCount]]:
    """What stands of these lines already, by line."""
    rows = StocktakeCount.objects.filter(
        line__in=StocktakeLine.objects.filter(pk__in=[pk for pk in line_ids if pk]), active=True, round=sheet.round
    ).exclude(sheet=sheet)
    found: dict[int, list[StocktakeCount]] = {}
    for one in rows.select_related("person", "sheet"):
        found.setdefault(one.line_id or 0, []).append(one)
    return found
