"""Read an uploaded sheet through the limited child: `read_upload(file, schema)`.

Rows come in batches while the child is still reading, so memory stays flat. Rows with a fault are left out of the
batches and named in `problems`; the caller decides whether any fault stops the whole (it usually does).
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Protocol

import structlog
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.errors import YikuError
from backoffice.spreadsheets.limits import CHILD_WALL_SECONDS
from backoffice.spreadsheets.magic import file_format
from backoffice.spreadsheets.messages import CELLS, FILES
from backoffice.spreadsheets.schema import SheetSchema
from backoffice.spreadsheets.tables import letters

log = structlog.get_logger(__name__)
Row = Sequence[Any]  # row number, then the values in the order of the schema's columns


class Named(Protocol):
    """What a Django file is, as far as we need it."""

    name: str | None

    def chunks(self) -> Iterator[bytes]:
        """Yield the content."""


class FileRefused(YikuError):
    """The file as a whole cannot be read; `code` says why."""

    def __init__(self, code: str, params: dict[str, Any] | None = None) -> None:
        super().__init__(code, FILES.get(code, FILES["cannot_parse"]), params=params or {})


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one cell."""

    row: int
    column: str  # the column's key
    title: str  # its title in the reader's language
    letter: str  # "C"; empty when the column is not in the file
    code: str
    params: dict[str, Any]

    @property
    def text(self) -> str:
        """`Row 17, column C (Quantity): “abc” is not a number`."""
        return _("Row %(row)s, column %(place)s: %(what)s") % {
            "row": self.row,
            "place": self.place,
            "what": self.what,
        }

    @property
    def place(self) -> str:
        """`C (Quantity)`; the title alone of a column that is not in the file."""
        return _place(self.letter, self.title)

    @property
    def what(self) -> str:
        """The fault alone."""
        return str(CELLS[self.code]) % self.params


def _place(letter: str, title: str) -> str:
    return f"{letter} ({title})" if letter else title


class SheetReading:
    """A sheet being read. Iterate `batches()` once; the counts and problems are complete after that."""

    def __init__(self, path: Path, kind: str, schema: SheetSchema) -> None:
        self.schema = schema
        self.sheet = ""
        self.header_row = 0
        self.columns_found: list[str] = []
        self.places: dict[str, int] = {}  # where each column found stands among the cells
        self.head: list[list[Any]] = []  # with keep_cells: the rows down to the header
        self.cells: list[tuple[int, list[Any]]] = []  # with keep_cells: every row of the batch at hand, as it stands
        self.problems: list[Problem] = []
        self.problem_count = 0
        self.good = self.bad = self.blank = self.totals = self.numbers_as_codes = 0
        self._path, self._kind = path, kind
        self._timed_out = False
        self._titles = {column.key: str(column.title) for column in schema.columns}
        self._turns = [(place, turn) for place, one in enumerate(schema.columns, 1) if (turn := _turn(one.kind))]

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._path.stat().st_size

    def batches(self, meanwhile: Callable[[], None] | None = None) -> Iterator[list[Row]]:
        """Yield lists of rows: each [row number, value, value…]. Raises FileRefused, also midway.

        `meanwhile` is called once, while the child opens the file.
        """
        with self._child() as child:
            if meanwhile:
                meanwhile()
            ended = False
            for line in child.stdout or ():
                message = json.loads(line)
                if "rows" in message:
                    self._note_problems(message["problems"])
                    self.cells = message["cells"]
                    yield self._turned(message["rows"])
                elif "sheet" in message:
                    self.sheet, self.header_row = message["sheet"], message["header_row"]
                    self.places, self.head = message["columns"], message["head"]
                    self.columns_found = list(self.places)
                elif "end" in message:
                    ended = True
                    self.__dict__.update(message["end"])
                else:
                    raise self._refusal(message["refused"], message["params"])
        if not ended:
            raise FileRefused(self._cause_of_death(child))

    def rows(self) -> Iterator[Row]:
        """Yield the rows one by one."""
        for batch in self.batches():
            yield from batch

    def place_of(self, title: str) -> str:
        """Return `C (Quantity)` of a title, for faults found after reading; the title itself of what is no column."""
        key = next((key for key, one in self._titles.items() if one == title), "")
        return _place(letters(self.places[key]) if key in self.places else "", title)

    @property
    def more_problems(self) -> int:
        """How many problems are counted but not listed."""
        return self.problem_count - len(self.problems)

    def _turned(self, rows: list[list[Any]]) -> list[Row]:
        for place, turn in self._turns:
            for row in rows:
                if row[place] is not None:
                    row[place] = turn(row[place])
        return rows  # type: ignore[return-value]

    def _note_problems(self, found: list[list[Any]]) -> None:
        for row, place, key, code, params in found:
            letter = "" if place is None else letters(place)
            self.problems.append(Problem(row, key, self._titles[key], letter, code, params))

    def _refusal(self, code: str, params: dict[str, Any]) -> FileRefused:
        if code == "columns_missing":
            params["missing"] = ", ".join(self._wanted(key) for key in params["missing"])
            params["headers"] = ", ".join(params["headers"])
            if not params["sheet"]:  # a CSV has no sheet to name
                return FileRefused("columns_missing_here", params)
        return FileRefused(code, params)

    def _wanted(self, key: str) -> str:
        """The title of a column that is missing; of `either` all titles, as one of them will do."""
        return " / ".join(self._titles[one] for one in (self.schema.either if key in self.schema.either else [key]))

    def _cause_of_death(self, child: subprocess.Popen[bytes]) -> str:
        log.warning("sheet_child_died", exit=child.returncode, kind=self._kind)
        if self._timed_out or child.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
            return "too_slow"
        # Out of memory, the reader aborts (SIGABRT) or Python ends with MemoryError before it can answer.
        return "too_large_to_parse" if child.returncode in (-signal.SIGABRT, -signal.SIGSEGV, 1) else "cannot_parse"

    @contextlib.contextmanager
    def _child(self) -> Iterator[subprocess.Popen[bytes]]:
        child = subprocess.Popen(
            [sys.executable, "-m", "backoffice.spreadsheets.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=settings.BASE_DIR,
            env=_bare_environment(),
            start_new_session=True,
        )
        clock = threading.Timer(CHILD_WALL_SECONDS, self._stop, [child])
        clock.start()
        try:
            self._ask(child)
            yield child
            child.wait()
        finally:
            clock.cancel()
            if child.poll() is None:
                child.kill()
                child.wait()
            if child.stdout:
                child.stdout.close()

    def _stop(self, child: subprocess.Popen[bytes]) -> None:
        self._timed_out = True
        child.kill()

    def _ask(self, child: subprocess.Popen[bytes]) -> None:
        request = {"path": str(self._path), "format": self._kind, "schema": self.schema.for_child()}
        if child.stdin:
            with contextlib.suppress(BrokenPipeError):
                child.stdin.write(json.dumps(request).encode() + b"\n")
                child.stdin.close()


def _bare_environment() -> dict[str, str]:
    """What the child needs to start, and no secret of ours."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str(settings.BASE_DIR),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }


def _turn(kind: str) -> Callable[[Any], Any] | None:
    """The last step that JSON cannot carry."""
    turns: dict[str, Callable[[Any], Any]] = {
        "decimal": Decimal,
        "date": dt.date.fromisoformat,
        "datetime": lambda value: timezone.make_aware(dt.datetime.fromisoformat(value)),
    }
    return turns.get(kind)


@contextlib.contextmanager
def read_upload(file: Named | Path, schema: SheetSchema) -> Iterator[SheetReading]:
    """Open an uploaded file (or a path kept by `uploads`) for reading against the schema.

    Raises FileRefused for a file that is too large or of the wrong kind; content is refused while reading.
    """
    with _as_path(file) as (path, name):
        yield SheetReading(path, file_format(path, name), schema)


@contextlib.contextmanager
def _as_path(file: Named | Path) -> Iterator[tuple[Path, str]]:
    if isinstance(file, Path):
        yield file, file.name
        return
    with tempfile.NamedTemporaryFile(prefix="yiku-sheet-") as copy:
        _copy(file, copy)
        yield Path(copy.name), file.name or ""


def _copy(file: Named, copy: IO[bytes]) -> None:
    from backoffice.spreadsheets.limits import MEGABYTE, MOST_BYTES

    size = 0
    for chunk in file.chunks():
        size += len(chunk)
        if size > MOST_BYTES:
            raise FileRefused("too_large", {"most": MOST_BYTES // MEGABYTE})
        copy.write(chunk)
    copy.flush()
