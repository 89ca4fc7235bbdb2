"""How far waves are, how quickly and how exactly people work: read in few statements, for pages and cards."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet, Sum

from orders.fulfil.wave_making import named
from orders.models import PackScan, Wave, WaveGoods, WaveOrder

ZERO = Decimal(0)
IN, PACKED, DROPPED = WaveOrder.State.IN, WaveOrder.State.PACKED, WaveOrder.State.DROPPED


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """Where a wave is."""

    orders: int = 0
    packed: int = 0
    dropped: int = 0
    put_back: int = 0
    pieces: Decimal = ZERO  # of orders that are in it or packed
    pieces_picked: Decimal = ZERO
    pieces_packed: Decimal = ZERO

    @property
    def picked_share(self) -> int:
        """Picked, in per cent."""
        return int(self.pieces_picked * 100 / self.pieces) if self.pieces else 0

    @property
    def packed_share(self) -> int:
        """Orders packed, in per cent of those that stay."""
        stay = self.orders - self.dropped
        return self.packed * 100 // stay if stay else 0


def progress_of(wave_ids: Collection[int]) -> dict[int, Progress]:
    """Return how far each wave is, in two queries."""
    counted = WaveOrder.objects.filter(wave__in=wave_ids).order_by().values("wave")
    rows: Any = counted.annotate(
        orders=Count("pk"),
        packed_orders=Count("pk", filter=Q(state=PACKED)),
        dropped=Count("pk", filter=Q(state=DROPPED)),
        back=Count("pk", filter=Q(put_back=True)),
    )
    summed = WaveGoods.objects.filter(wave_order__wave__in=wave_ids).exclude(wave_order__state=DROPPED)
    goods: Any = summed.order_by().values("wave_order__wave")
    sums = {
        row["wave_order__wave"]: row
        for row in goods.annotate(all=Sum("wanted"), from_shelf=Sum("picked"), in_parcel=Sum("packed"))
    }
    found = {}
    for row in rows:
        of = sums.get(row["wave"], {})
        found[row["wave"]] = Progress(
            row["orders"], row["packed_orders"], row["dropped"], row["back"],
            of.get("all") or ZERO, of.get("from_shelf") or ZERO, of.get("in_parcel") or ZERO,
        )  # fmt: skip
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """What one person did at one stage of a wave."""

    stage: str
    who: str
    right: int
    wrong: int
    per_hour: int | None  # None: too short a time to say

    @property
    def wrong_share(self) -> str:
        """Wrong scans in per cent of all."""
        every = self.right + self.wrong
        return f"{self.wrong * 100 / every:.1f}" if every else "0"


def work_on(wave: Wave) -> list[Work]:
    """Return who scanned how much for a wave, right and wrong, and how many stops or items an hour. One query."""
    return _work(PackScan.objects.filter(wave=wave))


def work_since(moment: dt.datetime, warehouses: frozenset[int] | None) -> list[Work]:
    """Return the same for all waves of some warehouses from a moment on."""
    rows = PackScan.objects.filter(at__gte=moment, wave__isnull=False)
    return _work(rows if warehouses is None else rows.filter(wave__warehouse__in=warehouses))


def _work(scans: QuerySet[PackScan]) -> list[Work]:
    grouped: Any = scans.order_by().values("stage", "actor")
    rows = grouped.annotate(
        rights=Count("pk", filter=Q(right=True)),
        wrongs=Count("pk", filter=Q(right=False)),
        first=Min("at"),
        last=Max("at"),
    )
    labels = dict(PackScan.Stage.choices)
    found = [
        Work(str(labels[row["stage"]]), named(row["actor"]), row["rights"], row["wrongs"], _per_hour(row))
        for row in rows.order_by("stage", "actor")
    ]
    return found


def _per_hour(row: dict[str, Any]) -> int | None:
    hours = (row["last"] - row["first"]).total_seconds() / 3600
    return int(row["rights"] / hours) if hours >= 1 / 60 else None
