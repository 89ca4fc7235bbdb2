"""What a caller expects of a sheet: its columns, under every name people give them. No Django at run time."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from backoffice.spreadsheets.limits import MOST_ROWS

KINDS = ("text", "reference", "code", "barcode", "decimal", "scaled", "integer", "date", "datetime", "boolean")
REMARK = re.compile(r"[(（\[【].*?[)）\]】]")  # “数量（必填）”, “Quantity (pcs)”
NOISE = re.compile(r"[\s_\-*·.:：/#]+")


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """One column. `names` are the headers it is known by, in any language; case, blanks and remarks do not count.

    `kind`: text; reference (a number that only names something); code (a SKU code); barcode; decimal (a Decimal);
    scaled (whole units of 10^-places, as a scaled field stores them); integer; date; datetime (aware, read in the
    user's zone); boolean. `least` bounds numbers from below. `unique` refuses a second row with the same value.
    """

    key: str
    title: Any  # as shown to the person, translatable; also a name
    names: Sequence[str] = ()
    kind: str = "text"
    required: bool = True  # the column must be there, and its cells filled
    optional_cell: bool = False  # the column must be there, a cell may be empty
    places: int = 3
    least: int | None = None
    unique: bool = False
    longest: int | None = None  # characters

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"Column {self.key!r}: no kind {self.kind!r}.")


@dataclasses.dataclass(frozen=True, slots=True)
class SheetSchema:
    """The columns of a sheet. The first column is the anchor: a row with a total instead of it is left out.

    Where one of several columns will do (`either`), they are the anchor together.
    """

    columns: Sequence[Column]
    sheet: str = ""  # take this sheet only; otherwise the first visible one that has the columns
    most_rows: int = MOST_ROWS
    either: Sequence[str] = ()  # of these columns one must be there, and filled in each row
    keep_cells: bool = False  # also hand over every row as it stands in the file, and every problem

    def column(self, key: str) -> Column:
        """Return the column of a key; raises KeyError."""
        for one in self.columns:
            if one.key == key:
                return one
        raise KeyError(key)

    def for_child(self) -> dict[str, Any]:
        """Return the plain form that is sent to the parsing child."""
        plain = []
        for one in self.columns:
            fields = {name: getattr(one, name) for name in ("key", "kind", "required", "optional_cell", "places")}
            fields |= {name: getattr(one, name) for name in ("least", "unique", "longest")}
            names = dict.fromkeys(header_form(name) for name in (one.key, *self._titles(one), *one.names))
            plain.append({**fields, "names": [name for name in names if name]})
        whole = {"sheet": self.sheet, "most_rows": self.most_rows, "cells": self.keep_cells}
        return {"columns": plain, "either": list(self.either), **whole}

    @staticmethod
    def _titles(one: Column) -> list[str]:
        """The title in every language of the installation: what we exported in one must import in the other."""
        from django.conf import settings
        from django.utils import translation

        titles = []
        for language, _name in settings.LANGUAGES:
            with translation.override(language):
                titles.append(str(one.title))
        return titles


def header_form(value: Any) -> str:
    """Return a header in the form in which headers are compared."""
    plain = unicodedata.normalize("NFKC", str(value)).casefold()
    bare = NOISE.sub("", REMARK.sub("", plain))
    return bare or NOISE.sub("", plain)
