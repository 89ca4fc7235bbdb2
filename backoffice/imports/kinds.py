"""What an app says about one list: its columns, how a row becomes a plan, how a plan is done and taken back.

The frame reads files, keeps previews, shows pages and runs the work; it knows kinds by their key only.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _now

from backoffice.errors import YikuError
from backoffice.models import ImportRun, User
from backoffice.spreadsheets.schema import Column, SheetSchema
from backoffice.spreadsheets.writing import Out

NEW, CHANGE, SAME, BAD = "new", "change", "same", "bad"
MOST_ROWS = 20_000
OUT_KINDS = {"decimal": "number", "scaled": "number", "integer": "number", "date": "date", "datetime": "datetime"}


@dataclasses.dataclass(slots=True)
class Line:
    """One row of the file that could be read: column → value (None: the cell is empty)."""

    row: int
    values: dict[str, Any]
    problems: list[tuple[str, str]] = dataclasses.field(default_factory=list)  # column key, sentence
    document: str = ""  # which document it is a line of, where several rows are one

    def refuse(self, column: str, what: str) -> None:
        """Note what is wrong with a cell."""
        self.problems.append((column, what))


@dataclasses.dataclass(slots=True)
class Plan:
    """What a row would do: `changes` holds column → [old, new], plain values that JSON can carry."""

    line: Line
    outcome: str = SAME
    name: str = ""
    changes: dict[str, list[Any]] = dataclasses.field(default_factory=dict)
    found: Any = None  # what the row was found to mean, for `apply`

    @property
    def effective(self) -> bool:
        """True when the row changes something."""
        return self.outcome in (NEW, CHANGE)


@dataclasses.dataclass(frozen=True, slots=True)
class Done:
    """What a row did: the row of ours it made or changed, and what taking it back needs (plain values)."""

    target: str
    memory: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Overview:
    """A table above the rows of a file: what they come to, one row for each document."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    problems: Sequence[str] = ()  # beside each row, "" for none
    notes: Sequence[str] = ()
    numbers: frozenset[int] = frozenset()  # places of columns that are figures


class ExportKind:
    """A list that goes out. `view` are the permissions, all of them, that show it."""

    key: ClassVar[str] = ""  # "inventory.skus"
    title: ClassVar[Any] = ""
    note: ClassVar[Any] = ""  # one sentence: what a row is
    view: ClassVar[Sequence[str]] = ()
    order: ClassVar[int] = 100
    imports: ClassVar[bool] = False

    def __init__(self, user: User | None = None, options: Mapping[str, Any] | None = None) -> None:
        self.user, self.options = user, dict(options or {})

    def out_columns(self) -> Sequence[Out]:
        """Return the columns of the export."""
        raise NotImplementedError

    def out_rows(self) -> Iterable[Sequence[Any]]:
        """Yield the rows this person may see, one after the other."""
        raise NotImplementedError

    @classmethod
    def may_see(cls, user: Any) -> bool:
        """True when the person may take the list out."""
        return all(user.has_perm(name) for name in cls.view)


class ImportKind(ExportKind):
    """A list that also comes in. One object lives for one reading or one application of a file.

    `plan` must ask the database by the batch, never by the row, and remember what earlier batches said.
    """

    imports = True
    columns: ClassVar[Sequence[Column]] = ()
    change: ClassVar[Sequence[str]] = ()  # permissions, all of them, that let it in
    most_rows: ClassVar[int] = MOST_ROWS
    options_form: ClassVar[type[forms.Form] | None] = None  # said beside the file; takes `user`, cleans to JSON
    examples: ClassVar[Sequence[Sequence[Any]]] = ()  # rows of the explanation in the template
    document: ClassVar[Sequence[str]] = ()  # columns that tell documents of several rows apart, the number first
    change_list: ClassVar[str] = ""  # name of the page that lists what came in
    effects: ClassVar[Mapping[str, Any]] = {}  # titles of entries of `changes` that are no columns

    @classmethod
    def may_import(cls, user: Any) -> bool:
        """True when the person may bring the list in."""
        return all(user.has_perm(name) for name in (*cls.view, *cls.change))

    @classmethod
    def schema(cls) -> SheetSchema:
        """Return what is expected of the file."""
        return SheetSchema(cls.columns, most_rows=cls.most_rows, keep_cells=True)

    def plan(self, lines: Sequence[Line]) -> list[Plan]:
        """Say for each line, in order, what it would do; write nothing."""
        raise NotImplementedError

    def lock(self, plans: Sequence[Plan]) -> None:
        """Lock what the plans will change, in the order of the keys. Raises when it is other than planned by now."""

    def lock_targets(self, targets: Sequence[str]) -> None:
        """Lock what is about to be taken back, in the order of the keys."""

    def apply(self, plan: Plan) -> Done:
        """Do what the plan says, through the domain's own functions, inside the frame's transaction."""
        raise NotImplementedError

    def writes(self, plan: Plan) -> bool:
        """True when applying this row asks the database for anything: then it has a savepoint of its own."""
        return True

    def settles(self, target: str) -> bool:
        """True when taking this row back asks the database for anything."""
        return True

    def finish(self) -> dict[str, Any]:
        """End the application (a document that holds all rows is posted here); returns what undoing it needs."""
        return {}

    def undo(self, target: str, memory: Mapping[str, Any]) -> None:
        """Take one row back. Raises KeptAsIs when it was changed since, or is in use."""
        raise NotImplementedError

    def undo_whole(self, memory: Mapping[str, Any]) -> bool:
        """Take everything back at once where it was done at once; False: row by row. Raises UndoRefused."""
        return False

    def shown(self, column: str, value: Any) -> str:
        """Return a value of `changes` as the person reads it."""
        if value is None or value == "":
            return "–"
        if isinstance(value, bool):
            return _now("yes") if value else _now("no")
        return str(value)

    def overview(self, run: ImportRun) -> Overview | None:
        """Return what the rows of a run come to, where a person should see that too."""
        return None

    def out_columns(self) -> Sequence[Out]:
        return [Out(one.title, OUT_KINDS.get(one.kind, "text"), 18) for one in self.columns]


_kinds: dict[str, type[ExportKind]] = {}


class UnknownKind(YikuError):
    """No app brings such a list."""

    def __init__(self) -> None:
        super().__init__("unknown_import", "No such list.")


def register_kind(kind: type[ExportKind]) -> None:
    """Add a list; call it in AppConfig.ready()."""
    _kinds[kind.key] = kind


def kind_of(key: str) -> type[ExportKind]:
    """Return a registered list. Raises UnknownKind."""
    found = _kinds.get(key)
    if found is None:
        raise UnknownKind
    return found


def import_kind_of(key: str) -> type[ImportKind]:
    """Return a registered list that comes in. Raises UnknownKind."""
    found = kind_of(key)
    if not issubclass(found, ImportKind):
        raise UnknownKind
    return found


def kinds() -> Iterator[type[ExportKind]]:
    """Yield what the apps brought, in the order they asked for."""
    yield from sorted(_kinds.values(), key=lambda one: (one.order, one.key))


def plain(value: Any) -> Any:
    """Return a value as JSON carries it, the same for equal values."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    return value


TURNS: dict[str, Any] = {"decimal": Decimal, "date": dt.date.fromisoformat, "datetime": dt.datetime.fromisoformat}


def unpacked(columns: Sequence[Column], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row's stored values as the reader gave them."""
    values = {}
    for one in columns:
        value, turn = stored.get(one.key), TURNS.get(one.kind)
        values[one.key] = turn(value) if turn and value is not None else value
    return values
