"""What Shopify lets one app do in one shop: a bucket of points that refills, and how large a page may be.

Source: shopify.dev "GraphQL Admin API rate limits": a query is charged by its calculated cost, one query may cost 1,000
points at most whatever the plan, and each answer says how full the bucket is. We never assume the figures of a plan.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from collections import OrderedDict
from decimal import Decimal
from typing import Any

MOST_POINTS = 1000  # of one query
HEADROOM = 0.9
FIRST_GUESS = 10  # rows of a page before the first answer has told what a row costs
KEPT_BUCKETS = 1024
LONGEST_BLOCK = dt.timedelta(days=1)


@dataclasses.dataclass
class Bucket:
    """The points of one app in one shop as last told, refilled by the clock. Times are aware UTC, waits seconds."""

    maximum: float = 0.0  # 0: nothing known yet
    available: float = 0.0
    rate: float = 0.0
    told_at: dt.datetime | None = None
    blocked_until: dt.datetime | None = None
    costs: dict[str, float] = dataclasses.field(default_factory=dict)  # operation → points asked for last time
    row_costs: dict[str, float] = dataclasses.field(default_factory=dict)  # operation → points for one row of a page
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock, repr=False)

    def wait(self, operation: str, now: dt.datetime) -> float:
        """Return how long to wait before sending this operation again; 0 when it may go."""
        with self.lock:
            blocked = self._blocked(now)
            if blocked or not self.rate:
                return blocked
            missing = min(self.costs.get(operation, 0.0), self.maximum) - self._now_available(now)
            return max(0.0, missing / self.rate)

    def until_full(self, now: dt.datetime) -> float:
        """Return how long until the bucket is full: work that has to begin anew needs more than its next call."""
        with self.lock:
            return (self.maximum - self._now_available(now)) / self.rate if self.rate else 0.0

    def note(self, operation: str, cost: Any, now: dt.datetime) -> None:
        """Take in `extensions.cost` of an answer; anything that is not a plausible figure is left aside."""
        if not isinstance(cost, dict):
            return
        status = cost.get("throttleStatus")
        with self.lock:
            asked = _points(cost.get("requestedQueryCost"))
            if 0 < asked <= MOST_POINTS:  # beyond that it was refused, and waiting for so many points is idle
                self.costs[operation] = asked
            if isinstance(status, dict):
                maximum, rate = _points(status.get("maximumAvailable")), _points(status.get("restoreRate"))
                if maximum and rate:
                    self.maximum, self.rate, self.told_at = maximum, rate, now
                    self.available = _points(status.get("currentlyAvailable"))

    def block(self, seconds: float, now: dt.datetime) -> None:
        """Keep every call of this process back: the platform said how long (Retry-After)."""
        with self.lock:
            self.blocked_until = now + dt.timedelta(seconds=seconds)

    def rows(self, operation: str, most: int) -> int:
        """Return how many rows a page of this operation may ask for within one query's points."""
        with self.lock:
            cost = self.row_costs.get(operation)
            # Two calls must fit into the bucket, or work of several calls would never get beyond its first.
            points = min(MOST_POINTS, self.maximum / 2) if self.maximum else MOST_POINTS
        if cost is None:
            return min(most, FIRST_GUESS)
        return most if not cost else max(1, min(most, int(points * HEADROOM / cost)))

    def learn(self, operation: str, rows: int, points: float) -> None:
        """Remember what a row of a page costs; `points` 0 when the answer did not say (nothing is counted there)."""
        with self.lock:
            self.row_costs[operation] = points / max(rows, 1)

    def _blocked(self, now: dt.datetime) -> float:
        if self.blocked_until is None:
            return 0.0
        left = self.blocked_until - now
        # A stamp further off than Shopify can set one means that our own clock was moved.
        if left <= dt.timedelta(0) or left > LONGEST_BLOCK:
            self.blocked_until = None
            return 0.0
        return left.total_seconds()

    def _now_available(self, now: dt.datetime) -> float:
        elapsed = max(0.0, (now - self.told_at).total_seconds()) if self.told_at else 0.0
        return min(self.maximum, self.available + self.rate * elapsed)


def _points(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return 0.0
    number = float(value)
    return number if 0 < number < 1e9 else 0.0


_buckets: OrderedDict[tuple[str, str], Bucket] = OrderedDict()
_buckets_lock = threading.Lock()


def bucket_for(base_url: str, account: str) -> Bucket:
    """Return the bucket that all connectors of this account in this process share."""
    with _buckets_lock:
        bucket = _buckets.setdefault((base_url, account), Bucket())
        _buckets.move_to_end((base_url, account))
        while len(_buckets) > KEPT_BUCKETS:
            _buckets.popitem(last=False)
        return bucket


def forget_buckets() -> None:
    """Forget what was learnt, as a fresh process would (tests, simulations with a moved clock)."""
    with _buckets_lock:
        _buckets.clear()
