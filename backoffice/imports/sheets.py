"""Sheets that go out: the list itself, the template to fill in, and the person's own file with the reasons."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Any

import xlsxwriter
from django.http import FileResponse, HttpRequest
from django.utils.translation import gettext as _

from backoffice import audit, clock
from backoffice.imports.kinds import ExportKind, ImportKind
from backoffice.models import ImportRun
from backoffice.spreadsheets.writing import Out, plain_text, write_csv, write_xlsx

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"
IN_MEMORY = 2_000_000  # bytes, then a temporary file


def export(request: HttpRequest, kind: ExportKind, *, as_csv: bool) -> FileResponse:
    """Send a list, and note who took it and how many rows."""
    name = kind.key.rpartition(".")[2]

    def write(file: IO[bytes]) -> int:
        counted = _Counted(kind.out_rows())
        if as_csv:
            write_csv(file, kind.out_columns(), counted)
        else:
            write_xlsx(file, kind.out_columns(), counted, name=str(kind.title))
        return counted.count

    return _sent(request, name, f"export.{name}", kind.key, write, as_csv=as_csv)


class _Counted:
    """Rows that count themselves while they pass."""

    def __init__(self, rows: Any) -> None:
        self.rows, self.count = rows, 0

    def __iter__(self) -> Iterator[Any]:
        for row in self.rows:
            self.count += 1
            yield row


def template(request: HttpRequest, kind: type[ImportKind]) -> FileResponse:
    """Send an empty sheet with the columns, and a second one that explains them."""
    name = f"template-{kind.key.rpartition('.')[2]}"
    return _sent(request, name, "", kind.key, lambda file: _write_template(file, kind), as_csv=False)


def _write_template(file: IO[bytes], kind: type[ImportKind]) -> int:
    book = xlsxwriter.Workbook(file, {"strings_to_formulas": False, "strings_to_urls": False})
    text = book.add_format({"num_format": "@"})
    head = book.add_format({"bold": True, "bg_color": "#E5E7EB", "border": 1, "num_format": "@"})
    must = book.add_format({"bold": True, "bg_color": "#FDE68A", "border": 1, "num_format": "@"})
    sheet, notes = book.add_worksheet(_("Fill in here")), book.add_worksheet(_("Columns"))
    sheet.freeze_panes(1, 0)
    notes.set_column(0, 3, 26)
    for place, title in enumerate((_("column"), _("must be filled"), _("is read as"), _("example"))):
        notes.write_string(0, place, title, head)
    for place, column in enumerate(kind.columns):
        number = column.kind in ("decimal", "scaled", "integer")
        sheet.set_column(place, place, 18, None if number else text)
        sheet.write_string(0, place, str(column.title), must if column.required else head)
        example = kind.examples[0][place] if kind.examples else ""
        filled = _("yes") if column.required and not column.optional_cell else _("no")
        for at, value in enumerate((column.title, filled, _kinds()[column.kind], example)):
            notes.write_string(place + 1, at, str(value), text)
    book.close()
    return len(kind.columns)


def _kinds() -> dict[str, str]:
    number, text = _("number"), _("text")
    return {
        "text": text, "reference": text, "code": _("code (format the column as text)"), "decimal": number,
        "barcode": _("barcode (format the column as text)"), "scaled": number, "integer": _("whole number"),
        "date": _("date, such as 2026-03-31"), "datetime": _("date and time"), "boolean": _("yes or no"),
    }  # fmt: skip


def errors(request: HttpRequest, run: ImportRun) -> FileResponse:
    """Send the person's own file back, row for row, with the reason beside each row that has one."""
    as_csv = not run.file_name.lower().endswith(".xlsx")
    stem = run.file_name.rpartition(".")[0] or run.file_name
    return _sent(
        request, f"{stem}-{_('problems')}", "", run.kind, lambda file: _write_errors(file, run, as_csv), as_csv=as_csv
    )


def _write_errors(file: IO[bytes], run: ImportRun, as_csv: bool) -> int:
    head = [list(row) for row in run.head]
    width = max([len(row) for row in head] + [0])
    title_row = head[0] if head else []
    columns = [*(Out(plain_text("" if cell is None else cell), "number") for cell in _wide(title_row, width)),
               Out(_("Problem") if len(head) <= 1 else "", "text", 60)]  # fmt: skip
    rows = _error_rows(run, head[1:], width)
    if as_csv:
        write_csv(file, columns, rows)
        return 0
    return write_xlsx(file, columns, rows, name=run.sheet)


def _wide(row: list[Any], width: int) -> list[Any]:
    return [*row, *[None] * (width - len(row))][:width]


def _error_rows(run: ImportRun, head: list[list[Any]], width: int) -> Iterator[list[Any]]:
    for number, line in enumerate(head, 2):
        yield [*map(_cell, _wide(line, width)), _("Problem") if number == len(run.head) else None]
    titles = titles_of(run)
    stored = run.rows.order_by("row").values_list("cells", "problems", "note")
    for cells, problems, note in stored.iterator(chunk_size=2_000):
        yield [*map(_cell, _wide(cells, width)), reason(problems, titles) or note or None]


def titles_of(run: ImportRun) -> dict[str, str]:
    """Return the titles of the run's columns in the reader's language."""
    from backoffice.imports.kinds import import_kind_of

    return {one.key: str(one.title) for one in import_kind_of(run.kind).columns}


def reason(problems: list[list[str]], titles: dict[str, str]) -> str:
    """Return what is wrong with a row, each fault with its column."""
    return "; ".join(f"{titles[column]}: {what}" if column in titles else what for column, _letter, what in problems)


def _cell(value: Any) -> Any:
    """A cell as it stood: whole numbers without a point."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return ("TRUE" if value else "FALSE") if isinstance(value, bool) else value


def _sent(
    request: HttpRequest, name: str, action: str, key: str, write: Callable[[IO[bytes]], int], *, as_csv: bool
) -> FileResponse:
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 — FileResponse closes it
    count = write(file)
    file.seek(0)
    if action:
        audit.record(action=action, target=key, summary=str(count), request=request)
    ending = "csv" if as_csv else "xlsx"
    shown = f"{name}-{clock.now():%Y%m%d-%H%M}.{ending}"
    return FileResponse(file, as_attachment=True, filename=shown, content_type=CSV if as_csv else XLSX)
