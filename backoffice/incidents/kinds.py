"""The kinds of incidents: what each is called, says, and how long it may take. Apps bring theirs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.departments import Department
from backoffice.models import Incident

log = structlog.get_logger(__name__)
CUSTOM = "custom"
Sentence = Callable[[Mapping[str, Any]], str]
Button = Callable[[HttpRequest, Incident], tuple[Any, str] | None]


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
_buttons: dict[str, list[Button]] = {}


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


def register_button(kind: str, button: Button) -> None:
    """Let an app lead from an open incident of a kind to where it is worked on, in AppConfig.ready().

    `button` returns what stands on it and its address, None for whoever may not go there.
    """
    there = _buttons.setdefault(kind, [])
    if button not in there:
        there.append(button)


def buttons_of(request: HttpRequest, row: Incident) -> list[tuple[Any, str]]:
    """Return the buttons of an incident's page that lead elsewhere; none once it is closed."""
    if not row.is_open:
        return []
    return [found for button in _buttons.get(row.kind, ()) if (found := button(request, row)) is not None]


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
