"""What a parcel costs by a table of our own: pure, for routing, quotes and the offline carrier alike."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_UP, Decimal

from orders.carriers.base import Piece, Place, Rate, RateLine

VOLUME_DIVISOR = 5_000  # cubic centimetres a kilogram, as most carriers count


def charged_weight(piece: Piece) -> int:
    """Return the grams that are paid for: what it weighs, or what its size stands for."""
    sides = (piece.length_mm, piece.width_mm, piece.height_mm)
    if not all(sides):
        return piece.weight_g
    cubic_mm = (sides[0] or 0) * (sides[1] or 0) * (sides[2] or 0)
    return max(piece.weight_g, -(-cubic_mm // VOLUME_DIVISOR))


def price(lines: Sequence[RateLine], *, service: str, recipient: Place, piece: Piece) -> Rate | None:
    """Return the price of one service by its table, None when it does not go there or takes nothing so heavy."""
    own = [line for line in lines if line.service == service]
    zone = max((_exactness(line, recipient) for line in own), default=-1)
    fitting = sorted((line for line in own if _exactness(line, recipient) == zone >= 0), key=lambda one: one.up_to_g)
    weight = charged_weight(piece)
    if not fitting or (fitting[0].most_weight_g is not None and weight > fitting[0].most_weight_g):
        return None
    line = next((one for one in fitting if weight <= one.up_to_g), fitting[-1])
    amount = line.price
    if weight > line.up_to_g:
        if line.more_per_kg is None:
            return None
        amount += line.more_per_kg * (Decimal(weight - line.up_to_g) / 1000).to_integral_value(ROUND_UP)
    return Rate(service=service, amount=amount, currency=line.currency, days=line.days)


def prices(lines: Sequence[RateLine], *, recipient: Place, piece: Piece) -> list[Rate]:
    """Return the price of every service of a table that takes the parcel, cheapest first."""
    services = dict.fromkeys(line.service for line in lines)
    found = [price(lines, service=one, recipient=recipient, piece=piece) for one in services]
    return sorted((one for one in found if one is not None), key=lambda one: (one.amount, one.service))


def _exactness(line: RateLine, to: Place) -> int:
    """Return how exactly a line names the place; -1 when it names another."""
    points = 0
    for wanted, there, worth in ((line.country, to.country, 1), (line.region, to.region, 2)):
        if wanted:
            if wanted.strip().casefold() != there.strip().casefold():
                return -1
            points += worth
    if line.postcode:
        if not to.postcode.replace(" ", "").upper().startswith(line.postcode.replace(" ", "").upper()):
            return -1
        points += 4 + len(line.postcode)
    return points
