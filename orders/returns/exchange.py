"""The exchange: goods sent for those that come back, through the desk's own door, linked to order and return."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction

from orders.desk import replacing
from orders.desk.replacing import Goods
from orders.errors import OrderError
from orders.models import Order, Return
from orders.models.returns import OPEN
from orders.returns import deciding, locking, strays
from orders.returns.errors import ReturnError

Wanted = Sequence[tuple[str, Decimal]]  # (SKU code, pieces)


@transaction.atomic
def exchange(return_id: int, goods: Wanted = (), actor: str = "") -> Order:
    """Send other goods for those that come back: an order at zero to the same buyer. No goods named: the same again.

    Raises ReturnError: not_found, state, exchanged, no_exchange_goods, unknown_sku, bad_quantity, exchange_failed.
    """
    found = locking.locked(return_id)
    locking.must_be(found, *(one for one in OPEN if one != Return.State.REQUESTED))
    if found.exchange_order_id:
        raise ReturnError("exchanged", number=found.number)
    chosen = [_goods(code, pieces) for code, pieces in goods] or _same_again(found)
    if not chosen:
        raise ReturnError("no_exchange_goods")
    try:
        taken = replacing.replace(
            order_id=found.order_id, kind=Order.Kind.EXCHANGE.value, goods=chosen, reason=found.number, actor=actor,
            key=f"return:{found.pk}",
        )  # fmt: skip
    except OrderError as error:
        raise ReturnError("exchange_failed", what=str(error)) from error
    found.exchange_order_id = taken.order_id
    locking.moved(found, actor, "return.exchange", "exchange_order", summary=taken.number)
    deciding.settle_if_done(found, actor)
    return Order.objects.get(pk=taken.order_id)


def _same_again(found: Return) -> list[Goods]:
    rows = found.lines.select_related("line").order_by("pk")
    return [
        Goods(row.line.sku_id, (row.received_quantity or row.quantity) * row.line.pack)
        for row in rows
        if row.line.sku_id is not None
    ]


def _goods(code: str, pieces: Decimal) -> Goods:
    if not pieces.is_finite() or not 0 < pieces <= replacing.MOST or pieces * 1000 % 1:
        raise ReturnError("bad_quantity", label=code[:100], wanted=str(pieces)[:40])
    return Goods(strays.sku_of(code, stocked=False).pk, pieces)
