"""The kinds of incidents: what each is called, says, and how long it may take. Apps bring theirs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from django.utils.translation import gettext_lazy as _

from backoffice.departments import Department

log = structlog.get_logger(__name__)
CUSTOM = "custom"
Sentence = Callable[[Mapping[str, Any]], str]


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """One kind. `sentence` turns an incident's data into what a clerk reads, in the reader's language."""

    code: str
    title: Any
    sentence: Sentence
    department: str
    acknowledge_minutes: int
    resolve_hours: int
    advice: Any = ""


_kinds: dict[str, Kind] = {}


def register_kind(
    kind: str,
    *,
    title: Any,
    sentence: Sentence,
    department: str,
    acknowledge_minutes: int,
    resolve_hours: int,
    advice: Any = "",
) -> None:
    """Add a kind, in AppConfig.ready(); a second registration replaces the first.

    Raises ValueError for a department that does not exist.
    """
    if department not in Department.values:
        raise ValueError(f"No department {department!r}; there are: {', '.join(Department.values)}.")
    _kinds[kind] = Kind(kind, title, sentence, department, acknowledge_minutes, resolve_hours, advice)


def registered() -> dict[str, Kind]:
    """Return every kind by its code."""
    return dict(_kinds)


def kind_of(code: str) -> Kind:
    """Return the kind; one whose app is switched off keeps its rows, under its own code."""
    return _kinds.get(code) or Kind(code, code, _plain, Department.OPERATIONS, 60, 24)


def _plain(data: Mapping[str, Any]) -> str:
    return str(data.get("text") or data.get("title") or "")


def title_of(code: str) -> str:
    """Return what a kind is called."""
    return str(kind_of(code).title)


def sentence_of(code: str, data: Mapping[str, Any]) -> str:
    """Return what an incident says. A sentence that cannot be made from odd data never breaks the page."""
    kind = kind_of(code)
    try:
        return kind.sentence(data) or str(kind.title)
    except Exception as error:  # the data are what the reporter wrote, perhaps years ago
        log.warning("incident_sentence", kind=code, error=type(error).__name__)
        return str(kind.title)


def register_own() -> None:
    """Register the ground's own kind: what a person reports by hand."""
    register_kind(
        CUSTOM,
        title=_("Reported by hand"),
        sentence=_plain,
        department=Department.OPERATIONS,
        acknowledge_minutes=60,
        resolve_hours=16,
        advice=_("Read what was written, do it, and say what the cause was."),
    )
