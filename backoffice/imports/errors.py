"""What an import refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import ProtectedError
from django.utils.translation import gettext as _now

from backoffice.errors import YikuError


class ImportRefused(YikuError):
    """The import as a whole cannot go on; the sentence says why. Nothing was changed."""


class UndoRefused(ImportRefused):
    """Nothing of the import can be taken back; `rows` says why, row by row."""

    def __init__(self, message: Any, rows: Mapping[int, str]) -> None:
        super().__init__("undo_refused", message)
        self.rows = rows


class KeptAsIs(YikuError):
    """One row is not taken back: what it made is other than it was, or in use."""

    def __init__(self, message: Any, **params: Any) -> None:
        super().__init__("kept_as_is", message, params=params)


# What a single row may raise without stopping the others.
OF_A_ROW = (YikuError, ValidationError, IntegrityError, ProtectedError)


def sentence(error: Exception) -> str:
    """Return what to tell the person about a row."""
    if isinstance(error, YikuError):
        return str(error)
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    if isinstance(error, ProtectedError):
        return _now("It is in use by now.")
    return _now("It collides with something that exists already.")
