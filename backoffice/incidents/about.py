"""The incidents about one row, for that row's page."""

from __future__ import annotations

import dataclasses
from typing import Any

from backoffice import clock
from backoffice.incidents.kinds import sentence_of, title_of
from backoffice.incidents.sight import visible
from backoffice.models import Incident


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One incident as a line of another page."""

    row: Incident
    title: str
    sentence: str
    late: bool


def of(user: Any, target: str, *, most: int = 5) -> list[Line]:
    """Return the incidents that name a row ("orders.order:42"), open ones first. One query."""
    rows = visible(user).filter(links__target=target).order_by("closed_at", "-pk")
    found = sorted(rows[:50], key=lambda row: (not row.is_open, -row.pk))[:most]
    now = clock.now()
    return [
        Line(row, title_of(row.kind), sentence_of(row.kind, row.data), row.is_open and row.due_at < now)
        for row in found
    ]
