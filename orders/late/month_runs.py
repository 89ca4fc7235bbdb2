"""The month in review of a house with many orders: counted by a worker under a bar, and kept for whoever asked.

A month of few orders is counted while one waits, as ever.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import Any

from backoffice import progress
from backoffice.models import User
from inventory.access import sight
from orders.desk import runs
from orders.late import review
from orders.models import DeskRun

KIND = DeskRun.Kind.MONTH
NOW = 5_000  # orders of both months: up to so many are counted in less than two seconds
LINES = ("causes", "shops", "products")


def at_once(first: dt.date, shops: review.Shops) -> bool:
    """Whether a month and the one before it are small enough to count while one waits."""
    return review.size(first, shops=shops) <= NOW


def begin(*, owner: User, first: dt.date) -> DeskRun:
    """Count a month in what the person sees; a count of it that is under way is joined."""
    known = last(owner=owner, first=first)
    if known is not None and runs.running(known):
        return known
    params = {"month": first.isoformat(), "shops": _scope(sight(owner).shops)}
    return runs.begin(kind=KIND, owner=owner, params=params, total=review.STEPS, long=True)


def work(run: DeskRun, meter: progress.Meter) -> None:
    """Count, and keep the figures with the run."""
    meter.row.done = 0
    shops = run.params["shops"]
    scope = None if shops is None else frozenset(shops)
    found = review.of(dt.date.fromisoformat(run.params["month"]), shops=scope, step=meter.step)
    run.result = to_json(found)
    runs.finish(run)


def last(*, owner: User, first: dt.date) -> DeskRun | None:
    """Return the person's newest count of a month; one for other shops than they see now does not count."""
    rows = DeskRun.objects.filter(owner=owner, kind=KIND, params__month=first.isoformat()).select_related("progress")
    found = rows.order_by("-pk").first()
    return found if found is not None and found.params["shops"] == _scope(sight(owner).shops) else None


def _scope(shops: review.Shops) -> list[int] | None:
    return None if shops is None else sorted(shops)


# --- figures as text -------------------------------------------------------------------------------------------------


def to_json(found: review.Review) -> dict[str, Any]:
    """Return a review as it is kept."""
    kept: dict[str, Any] = {"first": found.first.isoformat(), "complete": found.complete}
    for name in ("total", "before"):
        kept[name] = _line(getattr(found, name))
    return kept | {name: [_line(one) for one in getattr(found, name)] for name in LINES}


def _line(line: review.Line) -> dict[str, Any]:
    values = dataclasses.asdict(line)
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in values.items()}


def from_json(kept: dict[str, Any]) -> review.Review:
    """Return a review from what was kept."""
    return review.Review(
        first=dt.date.fromisoformat(kept["first"]), complete=kept["complete"], total=_read(kept["total"]),
        before=_read(kept["before"]), **{name: [_read(one) for one in kept[name]] for name in LINES},
    )  # fmt: skip


def _read(kept: dict[str, Any]) -> review.Line:
    blank = review.Line("")
    values: dict[str, Any] = {
        name: Decimal(value) if isinstance(getattr(blank, name), Decimal) else value for name, value in kept.items()
    }
    return review.Line(**values)
