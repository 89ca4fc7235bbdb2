"""Rows pasted from a sheet: all are taken or none, and each fault is named with its row."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from inventory.models import Warehouse

MOST_PASTED = 5_000
MOST_TOLD = 20


class PasteForm(forms.Form):
    """Columns as they come from a sheet; `places` are the warehouses the person sees. A later row of a key counts."""

    explained: ClassVar[Any] = ""  # what stands in which column
    text = forms.CharField(label=_("rows"), max_length=500_000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 16}))

    def __init__(self, *args: Any, places: QuerySet[Warehouse], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].help_text = self.explained
        self.places = {place.code.casefold(): place for place in places}

    def clean_text(self) -> list[Any]:
        """Return what `row` made of each row. Raises ValidationError with the first faults."""
        typed: str = self.cleaned_data["text"].replace("\0", "")
        lines = [line for line in typed.splitlines() if line.strip()]
        if len(lines) > MOST_PASTED:
            raise ValidationError(_now("At most %d rows at once.") % MOST_PASTED)
        rows = [[cell.strip() for cell in (line.split("\t") if "\t" in line else line.split(","))] for line in lines]
        self.prepare(rows)
        found: dict[Hashable, Any] = {}
        wrong = []
        for number, cells in enumerate(rows, 1):
            try:
                key, row = self.row([*cells, "", "", "", ""])
                found[key] = row
            except ValueError as error:
                wrong.append(_now("Row %(row)d: %(what)s") % {"row": number, "what": str(error)})
        if wrong:
            raise ValidationError(wrong[:MOST_TOLD])
        return list(found.values())

    def prepare(self, rows: list[list[str]]) -> None:
        """Read at once what all rows need."""

    def row(self, cells: list[str]) -> tuple[Hashable, Any]:
        """Return the key and the content of one row. Raises ValueError with a sentence."""
        raise NotImplementedError

    def place(self, code: str) -> Warehouse:
        """Return the warehouse of a code."""
        found = self.places.get(code.casefold())
        if found is None:
            raise ValueError(_now("there is no warehouse “%s”.") % code[:60])
        return found


def bin_name(name: str, longest: int) -> str:
    """Return a bin's name that can be kept."""
    if not name or len(name) > longest:
        raise ValueError(_now("the bin's name has 1 to %d characters.") % longest)
    return name


def way(text: str) -> int:
    """Return a place on the way; an empty cell is 0."""
    if text and not (text.isascii() and text.isdecimal() and len(text) < 9):
        raise ValueError(_now("the place on the way is a whole number."))
    return int(text or 0)
