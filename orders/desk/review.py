"""Review orders: facts in, findings out, the verdict frozen in the log."""

from __future__ import annotations

from collections.abc import Sequence


def review(*, order_ids: Sequence[int], actor: str = "system") -> dict[int, str]:
    """Review orders again as they stand; returns order id → "approved" or "held". Reserves what it approves."""
    raise NotImplementedError
