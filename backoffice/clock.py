"""The one place that tells the time, so that a simulation can move it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_source: Callable[[], dt.datetime] | None = None


def now() -> dt.datetime:
    """Return the current time, aware UTC."""
    return _source() if _source else dt.datetime.now(dt.UTC)


@contextmanager
def moved_to(source: Callable[[], dt.datetime]) -> Iterator[None]:
    """Take the time from `source` inside the block (tests, simulations, the demo generator)."""
    global _source
    before, _source = _source, source
    try:
        yield
    finally:
        _source = before
