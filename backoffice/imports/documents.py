"""Lists of which several rows are one document: each comes in whole or not at all, and is taken back whole.

Rows of one document carry its number; without one, what its head says tells it from others; a row that says neither
belongs to the one above it (merged cells hold their text in the first row only).
"""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice.errors import YikuError
from backoffice.imports.errors import ImportRefused, KeptAsIs
from backoffice.imports.kinds import BAD, Done, ImportKind, Line, Plan
from backoffice.models import ImportRow


def folded(cell: Any) -> str:
    """Return what a cell says in the form in which numbers of documents are compared: 12.0 and “１２” are one."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return " ".join(unicodedata.normalize("NFKC", "" if cell is None else str(cell)).casefold().split())


class Sorter:
    """Says for each row of the file, one after the other, which document it belongs to."""

    def __init__(self, kind: ImportKind, places: Mapping[str, int]) -> None:
        self._places = [places.get(column) for column in kind.document]
        self._above = ""

    def of(self, cells: Sequence[Any]) -> str:
        """Return the key of the document; "" where the kind knows none, or no row has said one yet."""
        said = [folded(cells[at]) if at is not None and at < len(cells) else "" for at in self._places]
        if any(said):
            self._above = f"number:{said[0]}" if said[0] else "head:" + "|".join(said[1:])
        return self._above


def broken(rows: Iterable[tuple[str, int, str]]) -> dict[str, int]:
    """Return document → its first bad row, of (document, row, outcome)."""
    found: dict[str, int] = {}
    for document, row, outcome in rows:
        if outcome == BAD and document:
            found.setdefault(document, row)
    return found


def held_back(row: int) -> list[str]:
    """Return the problem of a good row whose document has a bad one."""
    what = _now("Row %(row)s of the same document has a problem: a document comes in whole or not at all.")
    return ["", "", what % {"row": row}]


def brought(kind: str, numbers: Collection[str]) -> dict[str, str]:
    """Return folded number → the document of ours that an earlier file made of it, of imports that stand."""
    rows = ImportRow.objects.filter(run__kind=kind, applied=True, undone=False, memory__number__in=sorted(numbers))
    return dict(rows.values_list("memory__number", "target").order_by("pk")) if numbers else {}


@dataclasses.dataclass(slots=True)
class Document:
    """One document of the file: what its rows say of the head, and the one of ours that it is."""

    number: str  # as written; "" where the file gives none
    row: int
    head: dict[str, Any] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)
    ours: Any = None
    by_file: bool = False  # `ours` came from an earlier file under this number
    plans: list[Plan] = dataclasses.field(default_factory=list)
    target: str = ""
    fault: YikuError | None = None


class DocumentKind(ImportKind):
    """Rows are lines of documents. A kind finds ours, plans a row, makes or changes a document and takes it back."""

    head: ClassVar[Sequence[str]] = ()  # columns that must not differ within a document
    joined: ClassVar[Sequence[str]] = ("note",)  # but of these each row may say its own: all of it is kept

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.documents: dict[str, Document] = {}
        self._whole: dict[str, Any] = {}  # target → what taking it back needs
        self._settled: dict[str, KeptAsIs | None] = {}

    # --- what a kind says --------------------------------------------------------------------------------------------

    def ours(self, numbers: Collection[str], targets: Collection[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return our documents by folded number and by target, as far as the person sees them."""
        raise NotImplementedError

    def prepare(self, lines: Sequence[Line]) -> None:
        """Ask the database for what the rows name, by the batch."""

    def row(self, document: Document, line: Line, said: Sequence[str]) -> Plan:
        """Plan a row; `said` are the columns of the head that no row above has given."""
        raise NotImplementedError

    def same(self, column: str, one: Any, other: Any) -> bool:
        """True when two cells of a head mean the same: two spellings, or the code and the name of one thing."""
        return folded(one) == folded(other)

    def serialise(self) -> None:
        """Let imports of the same list go one after the other."""
        raise NotImplementedError

    def lock_ours(self, rows: Sequence[Any]) -> None:
        """Lock ours in the order of the keys. Raises ImportRefused when one is other than planned."""
        raise NotImplementedError

    def make(self, document: Document) -> tuple[str, dict[str, Any]]:
        """Make or change the document of `document.plans`; returns its target and what taking it back needs."""
        raise NotImplementedError

    def take_back(self, target: str, memory: Mapping[str, Any]) -> None:
        """Take a document back. Raises KeptAsIs with the sentence when it has gone on since."""
        raise NotImplementedError

    # --- the frame's questions ---------------------------------------------------------------------------------------

    def plan(self, lines: Sequence[Line]) -> list[Plan]:
        self._open(lines)
        self.prepare(lines)
        return [self._one(line) for line in lines]

    def _open(self, lines: Sequence[Line]) -> None:
        fresh = {}
        for line in lines:
            if line.document not in self.documents:
                document = Document(str(line.values.get(self.document[0]) or ""), line.row)
                self.documents[line.document] = fresh[line.document] = document
        numbers = {folded(one.number) for one in fresh.values() if one.number}
        known = brought(self.key, numbers)
        by_number, by_target = self.ours(numbers, set(known.values()))
        for one in fresh.values():
            name = folded(one.number)
            one.ours = by_number.get(name) or by_target.get(known.get(name, ""))
            one.by_file = one.ours is not None and name not in by_number

    def _one(self, line: Line) -> Plan:
        document = self.documents[line.document]
        said = []
        for column in self.head:
            value = line.values.get(column)
            if value is None:
                continue
            if column not in document.head:
                document.head[column] = value
                said.append(column)
                if column in self.joined:
                    document.notes.append(value)
            elif column in self.joined:
                said += self._join(document, column, value)
            elif not self.same(column, document.head[column], value):
                what = _now("differs from the row above it of the same document: “%(value)s”")
                line.refuse(column, what % {"value": document.head[column]})
        return self.row(document, line, said)

    @staticmethod
    def _join(document: Document, column: str, value: str) -> list[str]:
        """Add what another row notes; returns the column when that is new."""
        if value in document.notes:
            return []
        document.notes.append(value)
        document.head[column] = "; ".join(document.notes)[:300]
        return [column]

    def lock(self, plans: Sequence[Plan]) -> None:
        for plan in plans:
            self.documents[plan.line.document].plans.append(plan)
        wanted = [one for one in self.documents.values() if one.plans]
        self.serialise()
        fresh = {folded(one.number) for one in wanted if one.ours is None and one.number}
        if brought(self.key, fresh):
            message = _("A file with the same numbers came in at the same moment. Look at the preview again.")
            raise ImportRefused("changed_meanwhile", message, retryable=True)
        self.lock_ours([one.ours for one in wanted if one.ours is not None])

    def apply(self, plan: Plan) -> Done:
        """The first row makes the whole document; when that fails, all its rows fail."""
        document = self.documents[plan.line.document]
        if document.fault is None and not document.target:
            try:
                document.target, memory = self.make(document)
                self._whole[document.target] = memory
            except YikuError as fault:
                document.fault = fault
        if document.fault is not None:
            raise document.fault
        return Done(document.target, {"number": folded(document.number)} if document.ours is None else {})

    def writes(self, plan: Plan) -> bool:
        document = self.documents[plan.line.document]
        return document.fault is None and not document.target

    def settles(self, target: str) -> bool:
        return target not in self._settled

    def finish(self) -> dict[str, Any]:
        return {"documents": self._whole}

    def undo_whole(self, memory: Mapping[str, Any]) -> bool:
        self._whole = dict(memory.get("documents", {}))
        return False

    def undo(self, target: str, memory: Mapping[str, Any]) -> None:
        if target not in self._settled:
            try:
                self.take_back(target, self._whole[target])
            except KeptAsIs as kept:
                self._settled[target] = kept
            except YikuError as refusal:
                self._settled[target] = KeptAsIs(str(refusal))
            else:
                self._settled[target] = None
        kept_as = self._settled[target]
        if kept_as is not None:
            raise kept_as


def ids_of(targets: Iterable[str]) -> list[int]:
    """Return the keys in targets such as "inventory.transfer:12"."""
    return [int(target.rpartition(":")[2]) for target in targets]


def demand_draft(document: Document, line: Line, draft: str) -> None:
    """Refuse to change what is no draft any more, or what only shares its number with an earlier file."""
    row = document.ours.row
    params = {"number": row, "state": row.get_state_display(), "said": document.number}
    if document.by_file:
        what = _now("“%(said)s” came in by file already: it is %(number)s (%(state)s). Use another number.")
        line.refuse("number", what % params)
    elif row.state != draft:
        line.refuse("number", _now("%(number)s is “%(state)s”: only a draft is changed by file.") % params)


def repeated(line: Line, seen: dict[Any, int], key: Any, name: str, column: str) -> None:
    """Refuse what stands in the document already."""
    first = seen.setdefault(key, line.row)
    if first != line.row:
        line.refuse(column, _now("“%(name)s” stands in row %(row)s already") % {"name": name, "row": first})
