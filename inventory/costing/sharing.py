"""Whole numbers divided and shared without losing a unit."""

from __future__ import annotations

from collections.abc import Sequence


def divided(number: int, by: int) -> int:
    """Divide by a positive whole number, rounding half to even; either sign."""
    quotient, rest = divmod(number, by)
    return quotient + (rest * 2 > by or (rest * 2 == by and quotient % 2))


def shared_out(total: int, weights: Sequence[int]) -> list[int]:
    """Split a whole number by weights that are not negative; the shares add up to it, none outgrows its part.

    Each share is the difference of two rounded running sums, so weights that add up to the total come out as they are.
    """
    if not weights:
        return []
    whole, shares, done, given = sum(weights), [], 0, 0
    for weight in weights:
        done += weight
        upto = divided(total * done, whole) if whole else 0
        shares.append(upto - given)
        given = upto
    if not whole:
        shares[0] = total
    return shares
