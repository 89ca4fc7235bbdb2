"""What the books are told of a refund, whoever gave it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

from finance.facts import RefundFacts, RefundLine
from orders.models import Order

ZERO = Decimal(0)


def refunds_by_warehouse(
    *,
    order: Order,
    reference: str,
    at: dt.datetime,
    amount: Decimal,
    tax: Decimal,
    lines: tuple[RefundLine, ...],
    costs: Mapping[int, Decimal],
    never_sold: Decimal = ZERO,
    lost: Decimal = ZERO,
) -> list[RefundFacts]:
    """Return a refund for the books: the money once, goods that came back to other warehouses as rows beside it.

    `lost` is the value of goods that were written off at the first warehouse.
    """
    places: list[tuple[int | None, Decimal]] = list(costs.items()) or [(None, ZERO)]
    return [
        RefundFacts(
            reference=reference if place == 0 else f"{reference}/goods:{warehouse_id}",
            shop_id=order.shop_id,
            external_id=order.external_id,
            number=order.number,
            occurred_at=at,
            currency=order.currency,
            amount=amount if place == 0 else ZERO,
            tax=tax if place == 0 else ZERO,
            lines=lines if place == 0 else (),
            goods_back_cost=cost,
            warehouse_id=warehouse_id,
            never_sold=never_sold if place == 0 else ZERO,
            goods_lost=lost if place == 0 else ZERO,
        )
        for place, (warehouse_id, cost) in enumerate(places)
    ]
