"""What a clerk does with orders, one or many: every action tells for each order what became of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of one order. `message` is a sentence for the clerk when `ok` is False."""

    order_id: int
    ok: bool
    code: str
    message: str = ""


def approve(*, order_ids: Sequence[int], actor: str, reason: str = "") -> list[RowOutcome]:
    """Approve held orders over their findings; reserves whole orders, names every shortage of the rest."""
    raise NotImplementedError


def undo_approve(*, order_ids: Sequence[int], actor: str, reason: str = "") -> list[RowOutcome]:
    """Take approved orders of which nothing has left back to held; their goods go back to demand."""
    raise NotImplementedError


def hold(*, order_ids: Sequence[int], actor: str, reason: str, department: str = "desk") -> list[RowOutcome]:
    """Hold approved orders (their reservation stays) or note another reason on held ones."""
    raise NotImplementedError


def release_hold(*, order_ids: Sequence[int], actor: str, reason: str = "") -> list[RowOutcome]:
    """Send held orders through review again: approved if all checks pass now."""
    raise NotImplementedError


def cancel(*, order_ids: Sequence[int], actor: str, reason: str) -> list[RowOutcome]:
    """Cancel orders of which nothing has left; demand and reservations go back at once."""
    raise NotImplementedError


def split_by_stock(*, order_ids: Sequence[int], actor: str) -> list[RowOutcome]:
    """Reserve and approve what is in stock; the rest stays booked as demand and waits on the same order."""
    raise NotImplementedError


def accept_edit(*, order_ids: Sequence[int], actor: str, reason: str = "") -> list[RowOutcome]:
    """Take over the edit from the platform that waits on each order, and review again."""
    raise NotImplementedError


def reject_edit(*, order_ids: Sequence[int], actor: str, reason: str = "") -> list[RowOutcome]:
    """Keep the accepted version; the edit stays in the history as rejected."""
    raise NotImplementedError
