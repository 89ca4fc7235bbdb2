"""Share an amount over receipts: by what of them, or by hand; exact to the last coin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from backoffice.money import allocate
from orders.models import CostDocument
from orders.supply.costs.receipts import Receipt
from orders.supply.errors import SupplyError

Basis = CostDocument.Basis
ZERO = Decimal(0)


def shares(
    receipts: Sequence[Receipt], basis: str, amount: Decimal, places: int, by_hand: Mapping[str, Decimal] | None = None
) -> list[Decimal]:
    """Return the share of each receipt; together they are the amount.

    Raises SupplyError no_weight or no_size naming the SKU, hand_sum when amounts by hand do not add up.
    """
    if basis == Basis.HAND:
        return _by_hand(receipts, amount, by_hand or {})
    weights = [_weight(one, basis) for one in receipts]
    if not any(weights):  # goods that are worth nothing: by pieces
        weights = [one.pieces for one in receipts]
    return allocate(amount, weights, places)


def _by_hand(receipts: Sequence[Receipt], amount: Decimal, by_hand: Mapping[str, Decimal]) -> list[Decimal]:
    found = [by_hand.get(one.entry_key, ZERO) for one in receipts]
    if sum(found, ZERO) != amount:
        raise SupplyError("hand_sum", field="basis", sum=f"{sum(found, ZERO):f}", amount=f"{amount:f}")
    return found


def _weight(one: Receipt, basis: str) -> Decimal:
    if basis == Basis.VALUE:
        return one.value
    if basis == Basis.QUANTITY:
        return one.pieces
    sku = one.sku
    if basis == Basis.WEIGHT:
        if not sku.weight_g:
            raise SupplyError("no_weight", field="basis", sku=sku.code)
        return one.pieces * sku.weight_g
    if not (sku.length_mm and sku.width_mm and sku.height_mm):
        raise SupplyError("no_size", field="basis", sku=sku.code)
    return one.pieces * sku.length_mm * sku.width_mm * sku.height_mm
