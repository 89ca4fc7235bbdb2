"""A preview becomes true, in one transaction; and a finished import is taken back."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock, locks
from backoffice.imports import reading
from backoffice.imports.errors import OF_A_ROW, ImportRefused, UndoRefused, sentence
from backoffice.imports.kinds import ImportKind, Plan, import_kind_of
from backoffice.models import ImportRow, ImportRun, User
from backoffice.progress import Meter

State = ImportRun.State


class _RowFailed(Exception):
    """A row that could not be done although its plan was good: everything is rolled back."""

    def __init__(self, row: int, what: str) -> None:
        super().__init__(what)
        self.row, self.what = row, what


def apply(*, run_id: int, user: User, skip_bad: bool = False, meter: Meter | None = None) -> ImportRun:
    """Do what the preview says: all rows or none, or with `skip_bad` the good ones. A second time changes nothing.

    Raises ImportRefused for a run that is no preview, for rows with a problem unless they are left out, for a file
    that was imported meanwhile, and when the rows would do something else by now than the person was shown.
    """
    try:
        with transaction.atomic():
            run, moved = _apply(run_id, user, skip_bad, meter)
    except _RowFailed as failed:
        _note_failure(run_id, failed)
        message = _("Row %(row)s could not be imported: %(what)s Nothing was changed.")
        raise ImportRefused("row_failed", message, params={"row": failed.row, "what": failed.what}) from None
    except IntegrityError as error:  # the same file, confirmed by two in one moment
        run = ImportRun.objects.get(pk=run_id)
        reading.refuse_twin(run.kind, run.fingerprint)
        raise ImportRefused("collided", _("Something else was saved at the same moment. Try again."),
                            retryable=True) from error  # fmt: skip
    if moved:
        message = _("%(count)s rows would do something else by now than you were shown. Look at the preview again.")
        raise ImportRefused("preview_moved", message, params={"count": moved})
    return run


def _apply(run_id: int, user: User, skip_bad: bool, meter: Meter | None) -> tuple[ImportRun, int]:
    run = _locked(run_id)
    if run.state == State.APPLIED:
        return run, 0
    _demand_good(run, user, skip_bad)
    kind = import_kind_of(run.kind)(run.owner, run.options)
    plans, moved = reading.planned_again(run, kind)
    if moved:
        reading.take_counts(run, _counted(run))
        run.save()
        return run, moved
    rows = _do_rows(run, kind, [plan for plan in plans if plan.effective], skip_bad, meter)
    run.memory = kind.finish()
    run.state, run.applied_at = State.APPLIED, clock.now()
    reading.take_counts(run, _counted(run))
    run.save()
    _record(run, rows)
    return run, 0


def _locked(run_id: int) -> ImportRun:
    found = locks.locked_rows(ImportRun.objects.filter(pk=run_id))
    if not found:
        raise ImportRun.DoesNotExist
    return found[0]


def _demand_good(run: ImportRun, user: User, skip_bad: bool) -> None:
    if run.state != State.PREVIEW or run.owner_id != user.pk:
        raise ImportRefused("not_a_preview", _("This is not a preview of yours: upload the file again."))
    if run.bad_count and not skip_bad:
        message = _("%(count)s rows have a problem. Correct the file and upload it again, or leave these rows out.")
        raise ImportRefused("rows_with_problems", message, params={"count": run.bad_count})
    if not run.good_count:
        raise ImportRefused("nothing_to_import", _("No row would change anything."))
    reading.refuse_twin(run.kind, run.fingerprint)


def _counted(run: ImportRun) -> Counter[str]:
    return Counter(run.rows.values_list("outcome", flat=True))


def _do_rows(
    run: ImportRun, kind: ImportKind, plans: list[Plan], skip_bad: bool, meter: Meter | None
) -> list[ImportRow]:
    kind.lock(plans)
    kept = {row.row: row for row in run.rows.filter(outcome__in=("new", "change"))}
    rows = []
    for plan in plans:
        row = kept[plan.line.row]
        try:
            with transaction.atomic() if kind.writes(plan) else nullcontext():
                done = kind.apply(plan)
        except OF_A_ROW as error:
            if not skip_bad:
                raise _RowFailed(row.row, sentence(error)) from error
            row.outcome, row.problems = "bad", [["", "", sentence(error)]]
        else:
            row.applied, row.target, row.memory = True, done.target[:120], done.memory
        rows.append(row)
        if meter:
            meter.step()
    reading.keep(rows, "outcome", "problems", "applied", "target", "memory")
    return [row for row in rows if row.applied]


def _record(run: ImportRun, rows: list[ImportRow]) -> None:
    """One entry for the import, and one for each row of ours it touched."""
    after = {"new": run.new_count, "changed": run.change_count, "left_out": run.bad_count}
    audit.record(action="import.apply", target=run, summary=f"{run.kind}: {run.file_name}"[:300], after=after)
    audit.record_many(
        audit.Entry("import.row", row.target, {key: pair[0] for key, pair in row.changes.items()},
                    {key: pair[1] for key, pair in row.changes.items()}, f"{run.file_name} · {row.row}")
        for row in rows
        if row.target
    )  # fmt: skip


def _note_failure(run_id: int, failed: _RowFailed) -> None:
    """After the roll-back: the row that stopped everything is marked in the preview."""
    with transaction.atomic():
        run = _locked(run_id)
        ImportRow.objects.filter(run=run, row=failed.row).update(outcome="bad", problems=[["", "", failed.what]])
        reading.take_counts(run, _counted(run))
        run.save()


def undo(*, run_id: int, user: User, meter: Meter | None = None) -> ImportRun:
    """Take a finished import back, last row first; what was changed since stays and is named with the reason.

    Raises ImportRefused when it is not imported, or when not a single row could be taken back.
    """
    refused: UndoRefused | None = None
    with transaction.atomic():
        run = _locked(run_id)
        again = run.state == State.UNDONE and run.kept_count
        if run.state != State.APPLIED and not again:
            raise ImportRefused("not_imported", _("Only an import that stands can be undone."))
        kind = import_kind_of(run.kind)(user, run.options)
        rows = list(run.rows.filter(applied=True, undone=False).order_by("-row"))
        try:
            with transaction.atomic():
                whole = kind.undo_whole(run.memory)
        except UndoRefused as refusal:
            refused = refusal
            _note_kept(rows, refusal)
        else:
            _undo_rows(kind, rows, whole, meter)
            _undone(run, rows)
    if refused:
        raise refused
    if not run.undone_count:
        raise ImportRefused("nothing_undone", _("Nothing could be taken back: see the reason beside each row."))
    return run


def _note_kept(rows: list[ImportRow], refusal: UndoRefused) -> None:
    for row in rows:
        row.note = refusal.rows.get(row.row, _now("Other rows of this import cannot be taken back."))[:300]
    reading.keep(rows, "note")


def _undo_rows(kind: ImportKind, rows: list[ImportRow], whole: bool, meter: Meter | None) -> None:
    if not whole:
        kind.lock_targets([row.target for row in rows])
    for row in rows:
        try:
            if not whole:
                with transaction.atomic() if kind.settles(row.target) else nullcontext():
                    kind.undo(row.target, row.memory)
            row.undone, row.note = True, ""
        except OF_A_ROW as error:
            row.note = sentence(error)[:300]
        if meter:
            meter.step()
    reading.keep(rows, "undone", "note")


def _undone(run: ImportRun, rows: list[ImportRow]) -> None:
    run.undone_count = run.rows.filter(undone=True).count()
    run.kept_count = sum(not row.undone for row in rows)
    if run.undone_count:
        run.state, run.undone_at = State.UNDONE, clock.now()
    run.save()
    after: dict[str, Any] = {"taken_back": run.undone_count, "kept": run.kept_count}
    audit.record(action="import.undo", target=run, summary=f"{run.kind}: {run.file_name}"[:300], after=after)


@transaction.atomic
def drop(*, run_id: int) -> None:
    """Drop a preview, or a file that could not be read. Raises ImportRefused for one that was imported."""
    run = _locked(run_id)
    if run.state in (State.APPLIED, State.UNDONE):
        raise ImportRefused("was_imported", _("This file was imported: undo the import instead."))
    audit.record(action="import.drop", target=run, summary=run.file_name[:300])
    run.delete()
