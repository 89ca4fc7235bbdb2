"""A file becomes a preview: every row kept as it stands, with what it would do or what is wrong with it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from backoffice import bulk
from backoffice.imports.documents import Sorter, broken, held_back
from backoffice.imports.errors import ImportRefused
from backoffice.imports.kinds import BAD, ImportKind, Line, Plan, import_kind_of, plain, unpacked
from backoffice.models import ImportRow, ImportRun, User
from backoffice.progress import Meter
from backoffice.spreadsheets.reading import FileRefused, Named, SheetReading, read_upload

COLUMNS = ("run_id", "row", "outcome", "cells", "values", "name", "changes", "problems", "applied", "target", "memory",
           "undone", "note")  # fmt: skip
PAGE = 500  # rows planned at a time
OUT = ImportRow.Outcome.OUT.value
State = ImportRun.State


def fingerprint(file: Named | Path, options: Mapping[str, Any]) -> str:
    """Return the fingerprint of a file and what was said beside it."""
    digest = hashlib.sha256(json.dumps(dict(options), sort_keys=True).encode())
    if isinstance(file, Path):
        digest.update(file.read_bytes())  # kept files are bounded
    else:
        for piece in file.chunks():
            digest.update(piece)
    return digest.hexdigest()


def start(*, kind: str, user: User, file_name: str, mark: str, options: Mapping[str, Any]) -> ImportRun:
    """Make the run a file will be read into. Raises ImportRefused for a file that was imported already."""
    refuse_twin(kind, mark)
    return ImportRun.objects.create(
        kind=kind, owner=user, file_name=file_name[:200], fingerprint=mark, options=dict(options)
    )


def refuse_twin(kind: str, mark: str) -> None:
    """Raise ImportRefused when the very same file stands imported: it is said, not doubled."""
    same = ImportRun.objects.filter(kind=kind, fingerprint=mark, state=State.APPLIED)
    twin = same.select_related("owner").first()
    if twin:
        message = _(
            "This file was imported already: “%(file)s” on %(date)s by %(who)s. It is not imported twice; undo that "
            "import first if you mean to."
        )
        when = f"{twin.applied_at:%Y-%m-%d}" if twin.applied_at else ""
        params = {"file": twin.file_name, "date": when, "who": twin.owner}
        raise ImportRefused("imported_already", message, params=params)


def preview(*, kind: str, user: User, file: Named, options: Mapping[str, Any] | None = None) -> ImportRun:
    """Start and read in one go: for a small file, a test or a program."""
    said = dict(options or {})
    run = start(kind=kind, user=user, file_name=file.name or "", mark=fingerprint(file, said), options=said)
    return read(run, file)


def read(run: ImportRun, file: Named | Path, *, meter: Meter | None = None) -> ImportRun:
    """Read the file into the run's rows and leave it as a preview, or as failed with the sentence (FileRefused)."""
    run.rows.all().delete()  # a reading that was cut short
    kind = import_kind_of(run.kind)(run.owner, run.options)
    run.new_count = run.change_count = run.same_count = run.bad_count = 0
    try:
        with read_upload(file, kind.schema()) as reading:
            counts = _read_rows(run, kind, reading, meter)
    except FileRefused as refusal:
        run.state, run.refusal, run.upload = State.FAILED, str(refusal)[:500], ""
        run.save()
        raise
    run.sheet, run.head, run.places = reading.sheet[:100], reading.head, reading.places
    run.totals_left_out = reading.totals
    take_counts(run, counts)
    run.state, run.upload = State.PREVIEW, ""
    run.save()
    return run


def take_counts(run: ImportRun, counts: Mapping[str, int]) -> None:
    """Set how many rows do what."""
    for name in ("new", "change", "same", "bad"):
        setattr(run, f"{name}_count", counts.get(name, 0))


def _read_rows(run: ImportRun, kind: ImportKind, reading: SheetReading, meter: Meter | None) -> Counter[str]:
    counts: Counter[str] = Counter()
    seen = 0
    documents: list[tuple[str, int, str]] = []
    sorter = None
    for batch in reading.batches():
        wrong: dict[int, list[list[str]]] = defaultdict(list)
        for one in reading.problems[seen:]:
            wrong[one.row].append([one.column, one.letter, one.what])
        seen = len(reading.problems)
        sorter = sorter or Sorter(kind, reading.places)
        lines = _lines(kind, batch)
        belongs = _belonging(sorter, lines, wrong, reading.cells)
        plans: dict[int, Plan] = {}
        for first in range(0, len(lines), PAGE):
            for plan in planned(kind, lines[first : first + PAGE]):
                plans[plan.line.row] = plan
            if meter:
                meter.step(min(PAGE, len(lines) - first))
        rows = [_row(run, number, cells, plans.get(number), wrong.get(number)) for number, cells in reading.cells]
        bulk.insert_rows(ImportRow, COLUMNS, rows)
        counts.update(row[2] for row in rows)
        if kind.document:
            documents += [(belongs[row[1]], row[1], row[2]) for row in rows if row[1] in belongs]
    counts.update(_hold_back(run, documents))
    return counts


def _lines(kind: ImportKind, batch: Sequence[Any]) -> list[Line]:
    keys = [column.key for column in kind.columns]
    return [Line(row[0], dict(zip(keys, row[1:], strict=True))) for row in batch]


def _belonging(
    sorter: Sorter, lines: Sequence[Line], wrong: Mapping[int, Any], cells: Sequence[tuple[int, list[Any]]]
) -> dict[int, str]:
    """Return row → document for all rows that are neither blank nor totals, and note it on the lines."""
    ours = {line.row for line in lines} | set(wrong)
    belongs = {number: sorter.of(row) for number, row in cells if number in ours}
    for line in lines:
        line.document = belongs.get(line.row, "")
    return belongs


def _hold_back(run: ImportRun, documents: Sequence[tuple[str, int, str]]) -> Mapping[str, int]:
    """Mark the good rows of documents with a bad one; returns by how much the counts change."""
    faults = broken(documents)
    held: dict[int, list[int]] = defaultdict(list)
    change: Counter[str] = Counter()
    for document, row, outcome in documents:
        if document in faults and outcome != BAD:
            held[faults[document]].append(row)
            change[outcome] -= 1
            change[BAD] += 1
    for fault, rows in held.items():
        for first in range(0, len(rows), PAGE):
            marked = run.rows.filter(row__in=rows[first : first + PAGE])
            marked.update(outcome=BAD, changes={}, problems=[held_back(fault)])
    return change


def planned(kind: ImportKind, lines: Sequence[Line]) -> list[Plan]:
    """Ask the kind for its plans; a line with a problem is bad whatever the plan says."""
    plans = kind.plan(lines)
    for plan in plans:
        if plan.line.problems:
            plan.outcome, plan.changes = BAD, {}
    return plans


def _row(run: ImportRun, number: int, cells: list[Any], plan: Plan | None, wrong: Any) -> tuple[Any, ...]:
    if plan is None:
        outcome = BAD if wrong else OUT
        return (run.pk, number, outcome, cells, None, "", {}, wrong or [], False, "", {}, False, "")
    values = {key: plain(value) for key, value in plan.line.values.items()}
    problems = [[column, "", what] for column, what in plan.line.problems]
    return (
        run.pk, number, plan.outcome, cells, values, plan.name[:200], plan.changes, problems, False, "", {}, False, "",
    )  # fmt: skip


def planned_again(run: ImportRun, kind: ImportKind) -> tuple[list[Plan], int]:
    """Plan the kept rows once more; returns the plans and how many differ from what the person was shown.

    Those are written into the preview, so that the person can look again.
    """
    stored = list(run.rows.exclude(outcome=OUT).order_by("row"))
    rows, lines, documents = [row for row in stored if row.values is not None], [], []
    sorter = Sorter(kind, run.places)
    for row in stored:
        document = sorter.of(row.cells)
        if row.values is None:
            documents.append((document, row.row, BAD))
        else:
            lines.append(Line(row.row, unpacked(kind.columns, row.values), document=document))
    plans: list[Plan] = []
    for first in range(0, len(lines), PAGE):
        plans += planned(kind, lines[first : first + PAGE])
    _hold_plans_back(plans, documents)
    moved = []
    for row, plan in zip(rows, plans, strict=True):
        if (row.outcome, row.changes) != (plan.outcome, plan.changes):
            row.outcome, row.changes = plan.outcome, plan.changes
            row.problems = [[column, "", what] for column, what in plan.line.problems]
            moved.append(row)
    keep(moved, "outcome", "changes", "problems")
    return plans, len(moved)


def keep(rows: Sequence[ImportRow], *fields: str) -> None:
    """Write these fields of many rows: a few statements that the database reads as they are."""
    bulk.update_rows(ImportRow, ["id"], fields, [(row.pk, *(getattr(row, name) for name in fields)) for row in rows])


def _hold_plans_back(plans: Sequence[Plan], unread: Sequence[tuple[str, int, str]]) -> None:
    """A plan whose document has a bad row is bad."""
    faults = broken(sorted([*unread, *((plan.line.document, plan.line.row, plan.outcome) for plan in plans)],
                           key=lambda one: one[1]))  # fmt: skip
    for plan in plans:
        fault = faults.get(plan.line.document)
        if fault is not None and plan.outcome != BAD:
            plan.outcome, plan.changes = BAD, {}
            plan.line.refuse("", held_back(fault)[2])
