"""Read a CSV whatever programme wrote it: encoding and separator are found out, never asked for. No Django."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from backoffice.spreadsheets.cells import Meant
from backoffice.spreadsheets.limits import MOST_CHARACTERS, MOST_COLUMNS
from backoffice.spreadsheets.refusals import Refused

SEPARATORS = ",;\t|"
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
SEP_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
CONTROL = re.compile("[\x00-\x08\x0e-\x1f]")
# An apostrophe that was put before a text so that no spreadsheet takes it for a formula or shortens it (writing.py).
ESCAPED = re.compile(r"'+(?:[=+\-@\t\r＝＋－＠]|\d(?:\.\d+)?[eE][+-]?\d)")


def rows_of(path: Path) -> tuple[Iterator[list[str]], str]:
    """Return the records (blank lines as empty lists) and what separates their cells. Raises Refused."""
    text = decoded(path.read_bytes())
    sample = text[:8_000]
    if len(CONTROL.findall(sample)) * 50 > len(sample):
        raise Refused("not_text")
    if not text.strip():
        raise Refused("empty")
    marked = SEP_LINE.match(text)
    if marked:
        text = text[marked.end() :]
    csv.field_size_limit(MOST_CHARACTERS * 4)
    first = list(islice(_whole_lines(text), 60))
    mark = marked[1] if marked else separator(first)
    return _records(_whole_lines(text), mark), mark


def _whole_lines(text: str) -> Iterator[str]:
    """Lines as csv wants them: ended by LF, CR LF or CR only, not by the rarer characters str.splitlines knows."""
    start = 0
    for end in re.finditer(r"\r\n|\n|\r", text):
        yield text[start : end.end()]
        start = end.end()
    if start < len(text):
        yield text[start:]


def _records(lines: Iterator[str], mark: str) -> Iterator[list[str]]:
    read: list[str] = []  # the lines of the record at hand
    last: list[str] = []
    reader = csv.reader(_kept(lines, read), delimiter=mark)
    try:
        for record in reader:
            last, read[:] = read[:], []
            if len(record) > MOST_COLUMNS:
                raise Refused("too_many_columns", most=MOST_COLUMNS)
            yield [_unescaped(cell) if cell[:1] == "'" else cell for cell in record]
    except csv.Error:
        raise Refused("csv_broken", row=reader.line_num) from None
    if _ends_in_a_quote(last, mark):
        raise Refused("csv_broken", row=reader.line_num - len(last) + 1)


def _kept(lines: Iterator[str], read: list[str]) -> Iterator[str]:
    for line in lines:
        read.append(line)
        yield line


def _ends_in_a_quote(read: list[str], mark: str) -> bool:
    """Tell whether a quote was opened and never closed: the reader then takes all that follows for one cell."""
    try:
        list(csv.reader(read, delimiter=mark, strict=True))
    except csv.Error as error:
        return str(error).startswith("unexpected end of data")
    return False


def _unescaped(cell: str) -> str:
    return Meant(cell[1:]) if ESCAPED.match(cell) else cell


def decoded(data: bytes) -> str:
    """Return the text. Raises Refused for what is no text."""
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return _strictly(data, encoding)
    if b"\0" in data:
        if data.count(0) * 100 > len(data):
            return _strictly(data, _utf16_without_mark(data))
        data = data.replace(b"\0", b"")  # a stray one, from a printer or a scanner
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _chinese(data) or data.decode("cp1252", errors="replace")


def _strictly(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise Refused("not_text") from None
    if "\0" in text:
        raise Refused("not_text")
    return text


def _utf16_without_mark(data: bytes) -> str:
    sample = data[:4_000]
    odd, even = sample[1::2].count(0), sample[0::2].count(0)
    if odd > len(sample) * 0.2 > even * 4:
        return "utf-16-le"
    if even > len(sample) * 0.2 > odd * 4:
        return "utf-16-be"
    raise Refused("not_text")


def _chinese(data: bytes) -> str:
    """GBK if it can be, unless it looks like Western text: there an accented letter eats the letter behind it."""
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    foreign = {char for char in text[:200_000] if ord(char) > 127}
    western = sum(_is_accent_and_letter(char) for char in foreign)
    return text if western < 0.8 * len(foreign) else ""


def _is_accent_and_letter(char: str) -> bool:
    code = char.encode("gb18030")
    return len(code) == 2 and code[0] >= 0xC0 and chr(code[1]).isalpha() and code[1] < 128


def separator(lines: list[str]) -> str:
    """Return the separator that cuts the most lines into the same number of fields, at least two."""

    def agreement(mark: str) -> tuple[int, int]:
        try:
            widths = Counter(len(record) for record in csv.reader(lines, delimiter=mark) if record)
        except csv.Error:
            return (0, 0)
        wide = {width: count for width, count in widths.items() if width > 1}
        if not wide:
            return (0, 0)
        width = max(wide, key=lambda one: (wide[one], one))
        return (wide[width], width)

    return max(SEPARATORS, key=agreement)
