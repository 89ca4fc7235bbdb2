"""The mathematics of replenishment, and nothing else: figures in, figures out.

Safety stock is z · √(L · σd² + d² · σL²): the demand d of a day with its spread σd, the lead time L with its spread σL,
both in days. It is reordered at d · L + safety stock, up to the demand of the days until the next order on top.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from statistics import NormalDist, fmean, stdev

NORMAL = NormalDist()
ZERO, PIECE = Decimal(0), Decimal("0.001")
ENOUGH_MEASURED = 3  # deliveries, before what a supplier states no longer counts


@dataclasses.dataclass(frozen=True, slots=True)
class Demand:
    """Demand of a day: its mean and its spread."""

    mean: float
    sd: float


@dataclasses.dataclass(frozen=True, slots=True)
class Lead:
    """Days from order to delivery: their mean and their spread; measured, or as the supplier states."""

    mean: float
    sd: float
    measured: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Levels:
    """What follows from demand, lead time and service level, in pieces."""

    z: float
    safety: Decimal
    reorder_point: Decimal
    order_up_to: Decimal


@dataclasses.dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a supplier sells: price of a piece, least quantity, pack size, (from pieces, price) ascending."""

    price: Decimal
    minimum: Decimal = ZERO
    pack: Decimal = Decimal(1)
    breaks: tuple[tuple[Decimal, Decimal], ...] = ()

    def price_at(self, quantity: Decimal) -> Decimal:
        """Return the price of a piece when so many are ordered."""
        return next((price for least, price in reversed(self.breaks) if quantity >= least), self.price)


def demand(total: float, squares: float, days: int) -> Demand:
    """Return mean and sample spread of `days` daily demands from their sum and the sum of their squares.

    A mean below zero (more came back than went) is no demand.
    """
    if days <= 0:
        return Demand(0.0, 0.0)
    mean = total / days
    spread = (squares - total * mean) / (days - 1) if days > 1 else 0.0
    return Demand(max(mean, 0.0), math.sqrt(max(spread, 0.0)))


def lead(measured: Sequence[float], stated: float) -> Lead:
    """Return the lead time: measured from three deliveries on, else as stated and without spread."""
    if len(measured) < ENOUGH_MEASURED:
        return Lead(float(stated), 0.0)
    return Lead(fmean(measured), stdev(measured), measured=True)


def z_of(service_level: float) -> float:
    """Return the number of spreads that covers a share of all cases (0.95 gives 1.645)."""
    return NORMAL.inv_cdf(service_level)


def spread(of: Demand, over: Lead) -> float:
    """Return √(L · σd² + d² · σL²), the spread of the demand until a delivery."""
    return math.sqrt(max(over.mean, 0.0) * of.sd**2 + of.mean**2 * over.sd**2)


def levels(of: Demand, over: Lead, z: float, review_days: int) -> Levels:
    """Return safety stock, reorder point and order-up-to, each rounded up to whole pieces."""
    safety = _whole(max(z, 0.0) * spread(of, over))
    point = safety + _whole(of.mean * over.mean)
    return Levels(z, safety, point, point + _whole(of.mean * review_days))


def chance_to_run_out(position: Decimal, of: Demand, over: Lead) -> float:
    """Return how likely more is wanted until a delivery ordered now than there is and comes."""
    wanted, around = of.mean * over.mean, spread(of, over)
    if around == 0.0:
        return 1.0 if wanted > position else 0.0
    return 1.0 - NORMAL.cdf((float(position) - wanted) / around)


def quantity(missing: Decimal, terms: Terms) -> tuple[Decimal, str]:
    """Return what to order for `missing` pieces, and what raised it: "", "minimum", "pack" or "break".

    At least the minimum, whole packs, and up to a price break when the larger order costs no more than the smaller.
    """
    if missing <= 0:
        return ZERO, ""
    least = max(missing, terms.minimum)
    found = packs(least, terms.pack)
    why = "minimum" if terms.minimum > packs(missing, terms.pack) else "pack" if found > missing else ""
    for from_pieces, price in terms.breaks:
        larger = packs(max(from_pieces, terms.minimum), terms.pack)
        if larger > found and larger * price <= found * terms.price_at(found):
            found, why = larger, "break"
    return found, why


def packs(pieces: Decimal, pack: Decimal) -> Decimal:
    """Return the pieces rounded up to whole packs."""
    return (pieces / pack).to_integral_value(rounding=ROUND_CEILING) * pack


def _whole(pieces: float) -> Decimal:
    """Round up to whole pieces, forgiving what floating point adds at the far end."""
    return Decimal(math.ceil(round(pieces, 6)))
