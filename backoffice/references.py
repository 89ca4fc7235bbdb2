"""What a reference in a log means: "orders.line:17" becomes the order's number and a link for who may open it.

Ledgers name documents of floors above them as "kind:number". The floor that owns a kind registers how to describe it,
so that a page of stock can link to an order without knowing orders.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from django.http import HttpRequest


@dataclasses.dataclass(frozen=True, slots=True)
class Described:
    """What a person reads instead of the reference; `url` is empty when he may not open it."""

    label: str
    url: str = ""


Describer = Callable[[HttpRequest, Collection[int]], Mapping[int, Described]]
_describers: dict[str, Describer] = {}


def register(kind: str, describer: Describer) -> None:
    """Register who describes references of a kind ("orders.line"); called from AppConfig.ready()."""
    _describers[kind] = describer


def describe(request: HttpRequest, references: Iterable[str]) -> dict[str, Described]:
    """Describe references, one call per kind; what nobody knows keeps its own text."""
    found = {text: Described(text) for text in references}
    kinds: dict[str, dict[int, str]] = {}
    for text in found:
        kind, _, number = text.partition(":")
        if kind in _describers and number.isdecimal() and len(number) < 19:
            kinds.setdefault(kind, {})[int(number)] = text
    for kind, texts in kinds.items():
        for pk, described in _describers[kind](request, texts).items():
            found[texts[pk]] = described
    return found


_work: dict[str, Any] = {}


def register_work(kind: str, label: Any) -> None:
    """Say in words what background work of a kind does (`pull:account`); `%s` stands for the number behind it."""
    _work[kind] = label


def work(name: str) -> str:
    """Return what a piece of background work (`pull:account:7`) does, in words; its name when nobody said so."""
    kind, _colon, number = name.rpartition(":")
    return str(_work[kind]) % number if kind in _work else name
