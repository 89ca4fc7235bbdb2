"""Whose rows they are: the books of the shops a person may see."""

from __future__ import annotations

from typing import TypeVar, cast

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from backoffice.models import User
from inventory.access import visible

Row = TypeVar("Row", bound=Model)


def own(request: HttpRequest, queryset: QuerySet[Row]) -> QuerySet[Row]:
    """Return the rows that whoever asks may see; nothing without a log-in."""
    return visible(cast(User, request.user), queryset)
