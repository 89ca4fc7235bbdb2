"""The process that parses what a stranger wrote: `python -m backoffice.spreadsheets.child`, a request on stdin.

It has 250 MB, a minute of processor, no secrets in its environment and no Django; it answers in lines of JSON and may
be killed at any moment. Lines: {"sheet": …} once, {"rows": […], "problems": […]} repeatedly, {"end": …} or
{"refused": code}.
"""

from __future__ import annotations

import ctypes
import json
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from backoffice.spreadsheets import cells
from backoffice.spreadsheets.limits import BATCH_ROWS, CHILD_CPU_SECONDS, CHILD_MEMORY, MOST_PROBLEMS
from backoffice.spreadsheets.refusals import BadCell, Refused
from backoffice.spreadsheets.tables import Table, tables_of

TOTALS = {"合计", "总计", "小计", "总数", "汇总", "total", "totals", "sum", "subtotal", "grand total"}
PR_SET_PDEATHSIG = 1


def main() -> int:
    """Read the request, write the answer; returns the exit code."""
    limit()
    request = json.loads(sys.stdin.readline())
    answer = sys.stdout
    try:
        parse(Path(request["path"]), request["format"], request["schema"], answer)
    except Refused as refusal:
        _send(answer, {"refused": refusal.code, "params": refusal.params})
    except MemoryError:
        _send(answer, {"refused": "too_large_to_parse", "params": {}})
    answer.flush()
    return 0


def limit() -> None:
    """Bound this process before anything of the file is touched, and die with the parent."""
    resource.setrlimit(resource.RLIMIT_AS, (CHILD_MEMORY, CHILD_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CHILD_CPU_SECONDS, CHILD_CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # it writes no file
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def parse(path: Path, kind: str, schema: dict[str, Any], answer: TextIO) -> None:
    """Find the sheet, send its rows. Raises Refused."""
    table, header, places = _find(path, kind, schema)
    head = [row for number, row in table.first() if number <= header] if schema["cells"] else []
    _send(answer, {"sheet": table.name, "header_row": header, "columns": places, "head": head})
    reader = RowReader(table, header, places, schema, kind)
    for batch in reader.batches():
        _send(answer, batch)
    _send(answer, {"end": reader.summary()})


def _send(answer: TextIO, line: dict[str, Any]) -> None:
    answer.write(json.dumps(line, ensure_ascii=False, separators=(",", ":"), default=str))
    answer.write("\n")


def _find(path: Path, kind: str, schema: dict[str, Any]) -> tuple[Table, int, dict[str, int]]:
    """Return the first sheet with the required columns, the row of its header and where each column stands."""
    seen: list[dict[str, Any]] = []
    for table in tables_of(path, kind, schema["sheet"]):
        found = table.header(schema["columns"], schema["either"])
        if not found.missing and found.row:
            if found.twice:
                raise Refused("column_twice", column=found.twice, row=found.row)
            return table, found.row, found.places
        seen.append({"sheet": table.name, "missing": found.missing, "headers": found.headers})
    if not seen:
        raise Refused("no_such_sheet" if schema["sheet"] else "empty", sheet=schema["sheet"])
    best = min(seen, key=lambda one: len(one["missing"]))
    if not best["headers"]:
        raise Refused("empty")
    raise Refused("columns_missing", **best)


class Slot:
    """One wanted column: where it stands, and how its cells are read."""

    __slots__ = ("convert", "counts_numbers", "filled", "key", "longest", "place", "seen")

    def __init__(self, column: dict[str, Any], place: int | None, kind: str, table: Table) -> None:
        self.key: str = column["key"]
        self.place = place
        self.convert = _converter(column, kind, table)
        self.filled: bool = column["required"] and not column["optional_cell"]
        self.longest: int | None = column["longest"]
        self.counts_numbers: bool = column["kind"] in ("code", "barcode")
        self.seen: dict[Any, int] | None = {} if column["unique"] else None


class RowReader:
    """Turns the rows below the header into values, batch by batch."""

    def __init__(self, table: Table, header: int, places: dict[str, int], schema: dict[str, Any], kind: str) -> None:
        self.table, self.header, self.most_rows = table, header, schema["most_rows"]
        columns = schema["columns"]
        self.slots = [Slot(column, places.get(column["key"]), kind, table) for column in columns]
        self.present = [(at, slot, slot.place) for at, slot in enumerate(self.slots, 1) if slot.place is not None]
        self.either = [(at, slot) for at, slot in enumerate(self.slots, 1) if slot.key in schema["either"]]
        self.anchors = [slot.place for _at, slot in self.either or [(1, self.slots[0])] if slot.place is not None]
        self.template: list[Any] = [None] * (1 + len(columns))
        self.good = self.bad = self.blank = self.totals = self.numbers_as_codes = self.problem_count = 0
        self.problems: list[list[Any]] = []
        self.cells: list[list[Any]] | None = [] if schema["cells"] else None

    def batches(self) -> Iterator[dict[str, Any]]:
        """Yield rows as [row number, values…] and the problems found with them."""
        rows: list[list[Any]] = []
        for number, row in self.table.numbered():
            if number <= self.header:
                continue
            values = self._row(number, row)
            if values is not None:
                rows.append(values)
            if self.cells is not None:
                self.cells.append([number, row])
            if len(rows) + len(self.problems) >= BATCH_ROWS:
                yield {"rows": rows, "problems": self.problems, "cells": self.cells or []}
                rows, self.problems = [], []
                self.cells = None if self.cells is None else []
                if self.good + self.bad > self.most_rows:
                    raise Refused("too_many_rows", most=self.most_rows)
        if self.good + self.bad > self.most_rows:
            raise Refused("too_many_rows", most=self.most_rows)
        yield {"rows": rows, "problems": self.problems, "cells": self.cells or []}

    def summary(self) -> dict[str, int]:
        """Return the counts for the end."""
        names = ("good", "bad", "blank", "totals", "numbers_as_codes", "problem_count")
        return {name: getattr(self, name) for name in names}

    def _row(self, number: int, row: list[Any]) -> list[Any] | None:
        if self._is_left_out(row):
            return None
        width = len(row)
        values = self.template.copy()  # a column that is not in the file stays None: one that must be was asked for
        values[0] = number
        faults = self.problem_count
        for at, slot, place in self.present:
            raw = row[place] if place < width else None
            if raw is None or raw == "":
                self._missing(number, slot)
            else:
                values[at] = self._value(number, slot, raw)
        if self.either and all(values[at] is None for at, _slot in self.either) and self.problem_count == faults:
            self._problem(number, next(slot for _at, slot in self.either if slot.place is not None), "missing", {})
        if self.problem_count > faults:
            self.bad += 1
            return None
        self.good += 1
        return values

    def _value(self, number: int, slot: Slot, raw: Any) -> Any:
        try:
            value = slot.convert(raw)
            if type(value) is str:
                if not value:
                    self._missing(number, slot)
                    return None
                if slot.longest and len(value) > slot.longest:
                    raise BadCell("text_too_long", most=slot.longest)
        except BadCell as problem:
            if cells.is_empty(raw):
                self._missing(number, slot)
            else:
                self._problem(number, slot, problem.code, problem.params)
            return None
        if slot.counts_numbers and type(raw) is float:
            self.numbers_as_codes += 1
        if slot.seen is not None:
            self._once(number, slot, value)
        return value

    def _missing(self, number: int, slot: Slot) -> None:
        if slot.place is not None and self.table.has_unread_formula(number, slot.place):
            self._problem(number, slot, "formula_without_value", {})
        elif slot.filled:
            self._problem(number, slot, "missing", {})

    def _once(self, number: int, slot: Slot, value: Any) -> None:
        same = value.casefold() if isinstance(value, str) else value
        first = (slot.seen or {}).get(same)
        if first is not None:
            self._problem(number, slot, "duplicate", {"value": str(value), "row": first})
        elif slot.seen is not None:
            slot.seen[same] = number

    def _problem(self, number: int, slot: Slot, code: str, params: dict[str, Any]) -> None:
        self.problem_count += 1
        if self.problem_count <= MOST_PROBLEMS or self.cells is not None:
            place = None if slot.place is None else slot.place + self.table.first_column
            self.problems.append([number, place, slot.key, code, params])

    def _is_left_out(self, row: list[Any]) -> bool:
        """True, and counted, for a blank row and for a row of totals."""
        places = self.anchors
        anchor = row[places[0]] if places and places[0] < len(row) else None
        if type(anchor) is str and anchor[-1:].isdigit():  # most codes: neither empty nor a word for a total
            return False
        if len(places) > 1 and cells.is_empty(anchor):
            anchor = next((row[at] for at in places[1:] if at < len(row) and not cells.is_empty(row[at])), None)
        if not cells.is_empty(anchor):
            total = _is_total_word(anchor)
        elif any(_is_total_word(cell) for cell in row):
            total = True
        elif all(cells.is_empty(row[slot.place]) for slot in self.slots if slot.place is not None
                 and slot.place < len(row)):  # fmt: skip
            self.blank += 1
            return True
        else:
            return False
        self.totals += total
        return total


def _is_total_word(cell: Any) -> bool:
    return type(cell) is str and len(cell) < 16 and cell.strip(" :：").casefold() in TOTALS


def _converter(column: dict[str, Any], kind: str, table: Table) -> cells.Converter:
    places, least = column["places"], column["least"]
    moment = cells.moment(table.days_offset)
    converters: dict[str, cells.Converter] = {
        "text": cells.text,
        "reference": cells.reference,
        "code": cells.csv_code if kind == "csv" else cells.code,
        "barcode": cells.shortened_code,
        "decimal": cells.plain_decimal(places, least),
        "scaled": cells.scaled(places, least),
        "integer": cells.scaled(0, least),
        "date": lambda value: moment(value).date().isoformat(),
        "datetime": lambda value: moment(value).isoformat(),
        "boolean": cells.yes_or_no,
    }
    found = converters[column["kind"]]
    numeric = column["kind"] in ("decimal", "scaled", "integer")
    return cells.european(found) if numeric and table.mark == ";" else found


if __name__ == "__main__":
    sys.exit(main())
