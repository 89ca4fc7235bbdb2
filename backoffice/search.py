"""Find text by its beginning: columns hold it in one form, both engines find a prefix by index."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from django.db import connection
from django.db.models import Q

LAST_CHARACTER = "\U0010ffff"


def search_form(text: str) -> str:
    """Return text as prefix columns hold it: half-width, lower case, single spaces, no invisible characters."""
    if text.isascii() and text.isprintable():  # nearly every number and e-mail address
        return " ".join(text.casefold().split())
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(char for char in folded if char == " " or char.isprintable()).split())


def prefix_condition(columns: Iterable[str], term: str) -> Q:
    """Return the condition that finds `term` as a prefix of one of the columns by index on either engine.

    PostgreSQL uses LIKE and its pattern index; SQLite's LIKE cannot use an index, a range can.
    """
    condition = Q()
    for column in columns:
        if connection.vendor == "postgresql":
            condition |= Q(**{f"{column}__startswith": term})
        else:
            condition |= Q(**{f"{column}__gte": term, f"{column}__lt": term + LAST_CHARACTER})
    return condition
