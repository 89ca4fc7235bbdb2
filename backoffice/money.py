"""Money is rounded here and nowhere else.

The decision: **half to even**. An amount is brought to a currency's places once, when it becomes a figure in the books
or on a document; 0.005 becomes 0.00 and 0.015 becomes 0.02. Half-up would push every tie the same way: over a year of
30,000 vouchers that is a visible gain nobody earned. Sums that must come out exactly are not rounded part by part but
*allocated*: `allocate` gives shares that add up to the whole, to the last coin.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal, localcontext

# A private context: the process-wide one may have been set to fewer digits by someone else.
_EXACT = Context(prec=60)


def coin(places: int) -> Decimal:
    """Return the smallest amount of a currency with so many places: 2 gives 0.01."""
    return Decimal(1).scaleb(-places)


def round_money(amount: Decimal, places: int) -> Decimal:
    """Return the amount to `places` decimals, half to even; never minus zero."""
    return _EXACT.plus(amount.quantize(coin(places), rounding=ROUND_HALF_EVEN, context=_EXACT))


def convert(amount: Decimal, rate: Decimal, places: int) -> Decimal:
    """Return `amount` × `rate` rounded once to the places of the target currency."""
    return round_money(_EXACT.multiply(amount, rate), places)


def allocate(amount: Decimal, weights: Sequence[Decimal], places: int = 2) -> list[Decimal]:
    """Split `amount` by weights into shares of whole coins that add up to it exactly (largest remainder).

    Ties go to the earlier share, so equal input gives equal output. A finer rest of `amount` than a coin goes to the
    first share that has weight. Weights are not negative; when all are zero the amount is split evenly.
    Raises ValueError without weights or with a negative one.
    """
    if not weights or any(weight < 0 for weight in weights):
        raise ValueError("allocate needs at least one weight and none below zero.")
    if not any(weights):
        weights = [Decimal(1)] * len(weights)
    with localcontext(_EXACT):
        total = sum(weights, Decimal(0))
        exact = [amount * weight / total for weight in weights]
        shares = [share.quantize(coin(places), rounding=ROUND_DOWN) for share in exact]
        return _spread_rest(amount, weights, exact, shares, places)


def _spread_rest(
    amount: Decimal, weights: Sequence[Decimal], exact: list[Decimal], shares: list[Decimal], places: int
) -> list[Decimal]:
    """Hand the coins that rounding down left over to the shares that lost most."""
    step = coin(places).copy_sign(amount)
    rest = amount - sum(shares, Decimal(0))
    order = sorted((i for i, weight in enumerate(weights) if weight), key=lambda i: (-abs(exact[i] - shares[i]), i))
    for i in order:
        if abs(rest) < abs(step):
            break
        shares[i] += step
        rest -= step
    shares[min(order)] += rest
    return [+share for share in shares]
