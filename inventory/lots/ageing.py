"""At midnight lots expire without anybody touching them: find the balances whose figure is of yesterday."""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction

from inventory import balances
from inventory.lots.keeping import refresh
from inventory.lots.shelf import as_date, sellable, today
from inventory.models import Balance
from inventory.sets import Pair

PAGE = 500
_HELD = (
    "SELECT k.sku_id, k.warehouse_id, sum(k.on_hand), l.state, l.expires_on, coalesce(s.ship_days, h.ship_days, 0) "
    "FROM inventory_lotbalance k JOIN inventory_lot l ON l.id = k.lot_id JOIN inventory_sku s ON s.id = k.sku_id "
    "LEFT JOIN inventory_lotsetting h ON h.id = 1 "
    "WHERE k.on_hand > 0 AND (l.state <> 'open' OR l.expires_on IS NOT NULL){of} "
    "GROUP BY k.sku_id, k.warehouse_id, l.state, l.expires_on, 6"
)


def sweep(*, sku_id: int | None = None) -> int:
    """Bring what may be sold in line with today, for one SKU or all; returns how many balances changed."""
    due = _due(sku_id)
    done = 0
    for start in range(0, len(due), PAGE):
        with transaction.atomic():
            done += len(refresh(balances.lock(due[start : start + PAGE])))
    return done


def _due(sku_id: int | None) -> list[Pair]:
    should = _should(sku_id)
    rows = Balance.objects.filter(tracking__gt=0)
    rows = rows if sku_id is None else rows.filter(sku_id=sku_id)
    stands = {(sku, place): int(held * 1000) for sku, place, held in rows.values_list(
        "sku_id", "warehouse_id", "unsellable")}  # fmt: skip
    return sorted(pair for pair, held in stands.items() if held != should.get(pair, 0))


def _should(sku_id: int | None) -> dict[Pair, int]:
    day: dt.date = today()
    found: dict[Pair, int] = {}
    with connection.cursor() as cursor:
        only = "" if sku_id is None else " AND k.sku_id = %s"
        cursor.execute(_HELD.format(of=only), [sku_id] if only else [])
        for sku, place, quantity, state, expires_on, days in cursor.fetchall():
            if not sellable(state, as_date(expires_on), days, day):
                found[sku, place] = found.get((sku, place), 0) + int(quantity)
    return found
