"""Housekeeping that the apps bring: due every so often, done by one process at a time, harmless to repeat.

The dispatcher of `channels` runs what is registered here; an app adds its own in `ready()`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable


@dataclasses.dataclass(frozen=True, slots=True)
class Chore:
    """One piece of housekeeping, every so many seconds."""

    name: str
    every: float
    work: Callable[[], object]


_chores: dict[str, Chore] = {}


def register_chore(name: str, every: float, work: Callable[[], object]) -> None:
    """Add a chore; a second registration under the same name replaces the first."""
    _chores[name] = Chore(name, every, work)


def registered() -> tuple[Chore, ...]:
    """Return what the apps brought, in the order of registration."""
    return tuple(_chores.values())
